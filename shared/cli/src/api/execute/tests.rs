//! Against a small server that answers as the API does.

use serde_json::json;

use super::super::client::tests::{SESSION, answered, api, serve};
use super::super::diff::{self, Plan};
use super::super::manifest::{self, Manifest};
use super::super::model::Tenant;
use super::*;

const TENANT: &str = "ten_0000000000000001";
const LIMITS: &str =
    r#"{"version":1,"time_zone":"UTC","shards":1,"limits":[{"place":"tenant:tokens:total","limit":7}]}"#;

fn file(tenant: Value) -> Manifest {
    manifest::parse(&json!({"v": 1, "tenants": [tenant]}).to_string(), egress::Reach::Public).unwrap()
}

fn created(id: &str) -> String {
    answered("201 Created", "", &format!(r#"{{"id":"{id}"}}"#))
}

/// The method and the path of a request, below the base.
fn asked(request: &str) -> &str {
    request.split(" HTTP/1.1").next().unwrap_or_default()
}

fn answer(request: &str) -> String {
    let waits = r#"{"id":"chg_0000000000000001","expires_at":"2026-11-27T09:00:00.000Z"}"#;
    match asked(request).replace("/base/v1", "").replace(TENANT, "T").as_str() {
        "POST /orgs/org_0000000000000000/tenants" => created(TENANT),
        "GET /tenants/T/dlp" => answered("404 No", "", r#"{"detail":"none","code":"not_found"}"#),
        "PUT /tenants/T/dlp" | "PUT /tenants/T/networks" => answered("200 OK", "", "{}"),
        "GET /tenants/T/limits" => answered("200 OK", "etag: \"l1\"\r\n", LIMITS),
        "PUT /tenants/T/limits" => answered("202 Later", "", waits),
        "GET /tenants/T/changes" => answered("200 OK", "", r#"{"items":[],"next":null}"#),
        "GET /tenants/T/networks" => answered("200 OK", "etag: \"n1\"\r\n", r#"{"networks":null}"#),
        "POST /tenants/T/agents" => created("agt_0000000000000001"),
        "PUT /tenants/T/agents/agt_0000000000000001/status" => answered("200 OK", "", "{}"),
        "POST /tenants/T/providers" => created("prv_0000000000000001"),
        other => panic!("{other}"),
    }
}

async fn run(work: &mut Work<'_>, plan: &Plan) -> Vec<Result<Ended, String>> {
    let mut all = Vec::new();
    for step in &plan.steps {
        all.push(work.step(step).await.map_err(|fault| fault.to_string()));
    }
    all
}

fn new_tenant() -> Manifest {
    file(json!({
        "name": "research", "region": "eu", "budget_tokens": 7, "networks": ["10.0.0.0/8"], "dlp": {"v": 1},
        "limits": {"at_most": ["tenant:tokens:total=9"]}, "agents": [{"name": "clerk", "status": "suspended"}],
        "providers": [{"name": "main", "kind": "openai", "base_url": "https://a.example/v1", "region": "eu",
            "region_source": "s", "models": [{"name": "m", "max_output_tokens": 1}], "credential_env": "MY_KEY"}],
    }))
}

#[tokio::test]
async fn a_plan_is_written_in_its_order_over_what_was_seen() {
    let (port, requests) = serve(|_, request| answer(request)).await;
    let mut api = api(port, &[SESSION]);
    let get = |name: &str| (name == "MY_KEY").then(|| "sk-planted".to_owned());
    let plan = diff::plan(&Model::default(), &new_tenant()).unwrap();
    let org = OrgId::from_random([0; 10]);
    let mut work = Work { get: &get, api: &mut api, org, model: Model::default(), ids: Ids::default() };
    let ended = run(&mut work, &plan).await;
    let waits = Ok(Ended::Waits("chg_0000000000000001".to_owned()));
    let written = || Ok(Ended::Written);
    assert_eq!(ended, [written(), written(), waits, written(), written(), written(), written()]);
    let tenant = &work.model.tenants[&"research".parse::<Name>().unwrap()];
    assert_eq!(tenant.limits, super::super::model::Limits::of_tokens(7), "what waits is not there yet");
    let again = diff::plan(&work.model, &new_tenant()).unwrap();
    assert!(matches!(&again.steps[..], [Step { write: Write::Limits(_), .. }]), "{again:?}");

    let requests = requests.lock().unwrap();
    let find = |start: &str| requests.iter().find(|one| one.replace(TENANT, "T").starts_with(start)).unwrap();
    assert!(find("PUT /base/v1/tenants/T/dlp ").contains("if-none-match: *\r\n"));
    assert!(find("PUT /base/v1/tenants/T/limits ").contains("if-match: \"l1\"\r\n"));
    let provider = find("POST /base/v1/tenants/T/providers ");
    assert!(provider.contains("idempotency-key: ") && provider.contains(r#""credential":"sk-planted""#));
    assert_eq!(
        requests.iter().filter(|one| one.contains("sk-planted")).count(),
        1,
        "it goes where it belongs"
    );
    let said: String = plan
        .steps
        .iter()
        .zip(&ended)
        .map(|(step, ended)| told(step, ended.as_ref().unwrap(), &work.ids))
        .collect();
    assert!(
        said.contains(&format!("countersign changes confirm chg_0000000000000001 --tenant {TENANT}")),
        "{said}"
    );
    assert!(!said.contains("planted"));
}

#[tokio::test]
async fn what_changed_meanwhile_is_not_written_over() {
    let (port, requests) = serve(|_, request| answer(request)).await;
    let mut api = api(port, &[SESSION]);
    let name: Name = "research".parse().unwrap();
    // The difference was made from other limits than those that are there, and from a policy that is gone.
    let mut tenant = Tenant::new(domain::Region::Eu, 8);
    tenant.dlp = Some(json!({"v": 1, "old": true}));
    let model = Model { tenants: [(name.clone(), tenant)].into(), others: Vec::new() };
    let wanted =
        file(json!({"name": "research", "dlp": {"v": 1}, "limits": {"at_most": ["tenant:tokens:total=9"]}}));
    let plan = diff::plan(&model, &wanted).unwrap();
    let mut ids = Ids::default();
    ids.tenants.insert(name, TENANT.parse().unwrap());
    let mut work = Work { get: &|_| None, api: &mut api, org: OrgId::from_random([0; 10]), model, ids };
    let ended = run(&mut work, &plan).await;
    assert_eq!(ended.len(), 2);
    assert!(
        ended.iter().all(|one| one.as_ref().is_err_and(|said| said.contains("run apply again"))),
        "{ended:?}"
    );
    assert!(requests.lock().unwrap().iter().all(|one| one.starts_with("GET ")), "nothing was written");
}

#[tokio::test]
async fn what_waits_already_is_not_asked_for_again() {
    let waiting = |_, request: &str| match asked(request).rsplit('/').next() {
        Some("changes") => {
            let item = json!({"id": "chg_0000000000000002", "path": format!("/v1/tenants/{TENANT}/limits"), "body":
                {"time_zone": "UTC", "shards": 1, "limits": [{"place": "tenant:tokens:total", "limit": 9}]}});
            answered("200 OK", "", &json!({"items": [item], "next": null}).to_string())
        }
        _ => answer(request),
    };
    let (port, requests) = serve(waiting).await;
    let mut api = api(port, &[SESSION]);
    let name: Name = "research".parse().unwrap();
    let model =
        Model { tenants: [(name.clone(), Tenant::new(domain::Region::Eu, 7))].into(), others: Vec::new() };
    let plan = diff::plan(
        &model,
        &file(json!({"name": "research", "limits": {"at_most": ["tenant:tokens:total=9"]}})),
    )
    .unwrap();
    let mut ids = Ids::default();
    ids.tenants.insert(name, TENANT.parse().unwrap());
    let mut work = Work { get: &|_| None, api: &mut api, org: OrgId::from_random([0; 10]), model, ids };
    assert_eq!(run(&mut work, &plan).await, [Ok(Ended::WaitedBefore("chg_0000000000000002".to_owned()))]);
    assert!(requests.lock().unwrap().iter().all(|one| one.starts_with("GET ")));
}
