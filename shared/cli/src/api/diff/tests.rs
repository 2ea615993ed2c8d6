//! Examples, and properties over small worlds.

use std::collections::BTreeSet;

use domain::{Code, Network, Place, Region};
use egress::Reach;
use proptest::prelude::*;
use serde_json::json;

use super::super::model::{Agent, Named, Offer, Provider};
use super::*;

fn file(tenants: &Value) -> Manifest {
    manifest::parse(&json!({"v": 1, "tenants": tenants}).to_string(), Reach::Public).unwrap()
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn provider(url: &str) -> Provider {
    let offer = Offer { name: name("m"), upstream: name("m"), max_output_tokens: 10 };
    Provider {
        kind: domain::ProviderKind::OpenAi,
        base_url: url.to_owned(),
        api_version: None,
        region: Region::Eu,
        region_source: "its terms".to_owned(),
        models: vec![offer],
    }
}

/// One tenant with something of everything.
fn there() -> Model {
    let mut tenant = Tenant::new(Region::Eu, 1_000);
    tenant.teams.insert("sales".parse().unwrap());
    tenant
        .agents
        .insert(name("crawler"), Agent { status: Lifecycle::Active, team: Some("sales".parse().unwrap()) });
    tenant.providers.insert(name("main"), provider("https://a.example/v1"));
    tenant.dlp = Some(json!({"v": 1, "types": {"*": {"action": "redact"}}}));
    Model { tenants: [(name("research"), tenant)].into(), others: vec!["old".to_owned()] }
}

/// A file that says exactly what there is.
fn as_file(model: &Model) -> Manifest {
    let tenant = |(name, is): (&Name, &Tenant)| {
        let agents: Vec<_> = is
            .agents
            .iter()
            .map(|(name, is)| json!({"name": name, "status": is.status, "team": is.team}))
            .collect();
        let providers: Vec<_> = is.providers.iter().map(|(name, is)| is.body(name)).collect();
        let most = is.limits.most.iter().map(|(place, most)| {
            let (whole, micros) = (most / 1_000_000, most % 1_000_000);
            match place.unit {
                domain::Unit::Tokens => format!("{place}={most}"),
                domain::Unit::UsdMicros => format!("{place}={whole}.{micros:06}"),
            }
        });
        let mut all = json!({
            "name": name, "region": is.region, "status": is.status, "networks": is.networks, "agents": agents,
            "providers": providers,
            "limits": {"time_zone": is.limits.zone, "at_most": most.collect::<Vec<_>>()},
        });
        if let Some(dlp) = &is.dlp {
            all["dlp"] = dlp.clone();
        }
        all
    };
    file(&model.tenants.iter().map(tenant).collect())
}

#[test]
fn the_difference_is_shown_as_people_read_it() {
    let wanted = file(&json!([
        {"name": "research", "status": "suspended", "networks": ["10.0.0.0/8"],
         "agents": [{"name": "crawler", "team": null}, {"name": "clerk", "team": "desk", "status": "suspended"}],
         "providers": [{"name": "main", "kind": "openai", "base_url": "https://b.example/v1", "region": "eu",
             "region_source": "its terms", "models": [{"name": "m", "max_output_tokens": 20}], "credential_env": "KEY"}],
         "dlp": {"v": 1, "types": {"*": {"action": "alert"}, "IL_ID": {"action": "redact"}}},
         "limits": {"at_most": ["tenant:tokens:day=5", "org:usd:month=2.50"]}},
        {"name": "new", "region": "eu", "budget_tokens": 7, "agents": []},
    ]));
    let now = there();
    let plan = plan(&now, &wanted).unwrap();
    let shown = lines(&now, &plan).join("\n");
    let expected = r#"tenant research
  ~ status: active → suspended
  ~ dlp /types/*/action: "redact" → "alert"
  ~ dlp /types/IL_ID/action: nothing → "redact"
  + limit tenant:tokens:day: 5
  + limit org:usd_micros:month: $2.500000
  ~ networks: anywhere → 10.0.0.0/8
  + team desk
  ~ agent crawler: team sales → no team
  + agent clerk, team desk
  ~ agent clerk: active → suspended
  ~ provider main /base_url: "https://a.example/v1" → "https://b.example/v1"
  ~ provider main /models: [{"name":"m","upstream":"m","max_output_tokens":10}] → [{"name":"m","upstream":"m","max_output_tokens":20}]
  ~ provider main: a new credential, from KEY
tenant new
  + the tenant itself, in eu, with 7 tokens in all
there and not in the file, and left as it is:
  - tenant old
  - limit tenant:tokens:total of research"#;
    let order = |text: &str| {
        text.lines().filter(|line| !line.contains("limit ")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(order(&shown), order(expected));
    let sorted = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    assert_eq!(sorted(&shown), sorted(expected));
}

#[test]
fn what_cannot_be_done_is_said() {
    let said = |tenant: Value| plan(&there(), &file(&json!([tenant]))).unwrap_err();
    assert_eq!(said(json!({"name": "new", "region": "eu"})), PlanError::NewTenant(name("new")));
    assert_eq!(
        said(json!({"name": "research", "region": "us"})),
        PlanError::Region(name("research"), Region::Eu)
    );
    let mut body = provider("https://b.example/v1").body(&name("main"));
    let moved = said(json!({"name": "research", "providers": [body]}));
    assert_eq!(moved, PlanError::Credential(name("research"), name("main")));
    body = provider("https://a.example/v1").body(&name("second"));
    assert!(matches!(said(json!({"name": "research", "providers": [body]})), PlanError::Credential(..)));
}

#[test]
fn what_is_not_said_is_not_touched() {
    let plan = plan(&there(), &file(&json!([{"name": "research"}]))).unwrap();
    assert_eq!((plan.steps.len(), plan.kept), (0, vec!["tenant old".to_owned()]));
}

fn names() -> impl Strategy<Value = Name> {
    prop::sample::select(vec!["a", "b", "c"]).prop_map(|text| text.parse().unwrap())
}

fn statuses() -> impl Strategy<Value = Lifecycle> {
    prop::sample::select(vec![Lifecycle::Active, Lifecycle::Suspended])
}

fn teams() -> impl Strategy<Value = Option<Code>> {
    prop::sample::select(vec![None, Some("x"), Some("y")])
        .prop_map(|team| team.map(|team| team.parse().unwrap()))
}

fn networks() -> impl Strategy<Value = Allowed> {
    let known = ["10.0.0.0/8", "192.0.2.0/24", "2001:db8::/32"].map(|text| text.parse::<Network>().unwrap());
    prop::option::of(prop::collection::btree_set(prop::sample::select(known.to_vec()), 0..3))
}

fn providers() -> impl Strategy<Value = Named<Provider>> {
    let form = (prop::sample::select(vec!["https://a.example/v1", "https://b.example/"]), 1_u64..3).prop_map(
        |(url, most)| {
            let mut form = provider(url);
            form.models[0].max_output_tokens = most;
            form
        },
    );
    prop::collection::btree_map(names(), form, 0..3)
}

fn limits() -> impl Strategy<Value = Limits> {
    let places = ["tenant:tokens:day", "org:usd:month", "team/x:tokens:total"]
        .map(|text| text.parse::<Place>().unwrap());
    let most = prop::collection::btree_map(prop::sample::select(places.to_vec()), 0_u64..3, 0..3);
    let zones = prop::sample::select(vec!["UTC", "Asia/Jerusalem"]);
    (zones, most).prop_map(|(zone, most)| Limits { zone: zone.parse().unwrap(), shards: 1, most })
}

fn tenants() -> impl Strategy<Value = Tenant> {
    let agent = (statuses(), teams()).prop_map(|(status, team)| Agent { status, team });
    let agents = prop::collection::btree_map(names(), agent, 0..3);
    let dlp = prop::option::of((0_u8..3).prop_map(|n| json!({"v": 1, "n": n})));
    (statuses(), networks(), agents, providers(), dlp, limits()).prop_map(
        |(status, networks, agents, providers, dlp, limits)| Tenant {
            region: Region::Eu,
            status,
            networks,
            teams: agents.values().filter_map(|agent: &Agent| agent.team.clone()).collect(),
            agents,
            providers,
            dlp,
            limits,
        },
    )
}

fn worlds() -> impl Strategy<Value = Model> {
    prop::collection::btree_map(names(), tenants(), 0..3)
        .prop_map(|tenants| Model { tenants, others: Vec::new() })
}

/// A file that says some of what a world has, and all that new things need.
fn files() -> impl Strategy<Value = Manifest> {
    (worlds(), prop::collection::vec(any::<[bool; 6]>(), 3)).prop_map(|(world, said)| {
        let mut file = as_file(&world);
        for (tenant, said) in file.tenants.iter_mut().zip(said) {
            tenant.budget_tokens = Some(9);
            tenant.providers.iter_mut().flatten().for_each(|one| one.credential_env = Some("KEY".to_owned()));
            let [status, networks, agents, providers, dlp, limits] = said;
            tenant.status = tenant.status.filter(|_| status);
            tenant.networks = tenant.networks.take().filter(|_| networks);
            tenant.agents = tenant.agents.take().filter(|_| agents);
            tenant.providers = tenant.providers.take().filter(|_| providers);
            tenant.dlp = tenant.dlp.take().filter(|_| dlp);
            tenant.limits = tenant.limits.take().filter(|_| limits);
        }
        file
    })
}

proptest! {
    #[test]
    fn to_apply_what_was_read_is_to_do_nothing(world in worlds()) {
        let plan = plan(&world, &as_file(&world)).unwrap();
        prop_assert_eq!(plan, Plan { steps: Vec::new(), kept: Vec::new() });
    }

    /// The steps lead to what the file wants, and leave alone what it does not name.
    #[test]
    fn the_steps_lead_to_what_is_wanted(world in worlds(), wanted in files()) {
        let first = plan(&world, &wanted).unwrap();
        let mut after = world.clone();
        first.steps.iter().for_each(|step| step.apply(&mut after));
        let second = plan(&after, &wanted).unwrap();
        prop_assert_eq!(&second.steps, &Vec::new());
        for (name, tenant) in &world.tenants {
            let Some(now) = after.tenants.get(name) else { panic!("a tenant is gone") };
            let file = wanted.tenants.iter().find(|one| one.name == *name);
            let Some(file) = file else { prop_assert_eq!(now, tenant); continue };
            for (name, agent) in &tenant.agents {
                let named = file.agents.iter().flatten().any(|one| one.name == *name);
                prop_assert!(named || now.agents.get(name) == Some(agent));
            }
            for (name, provider) in &tenant.providers {
                let named = file.providers.iter().flatten().any(|one| one.name == *name);
                prop_assert!(named || now.providers.get(name) == Some(provider));
            }
            prop_assert!(tenant.limits.most.keys().all(|place| now.limits.most.contains_key(place)));
        }
        // Every step is shown.
        let shown = lines(&world, &first).len();
        prop_assert!(shown >= first.steps.len());
    }

    /// A team is there before an agent is put into it.
    #[test]
    fn no_agent_goes_where_no_team_is(world in worlds(), wanted in files()) {
        let mut model = world.clone();
        for step in plan(&world, &wanted).unwrap().steps {
            if let Write::CreateAgent { team: Some(team), .. } | Write::AgentTeam { team: Some(team), .. } = &step.write {
                prop_assert!(model.tenants[&step.tenant].teams.contains(team));
            }
            step.apply(&mut model);
        }
    }

    /// A tenant is suspended before anything else is done to it, and resumed after all.
    #[test]
    fn stricter_comes_first(world in worlds(), wanted in files()) {
        let steps = plan(&world, &wanted).unwrap().steps;
        for (n, step) in steps.iter().enumerate() {
            let same = |other: Option<&Step>| other.is_some_and(|other| other.tenant == step.tenant);
            match step.write {
                Write::Status(Lifecycle::Active) => prop_assert!(!same(steps.get(n + 1))),
                Write::Status(_) => {
                    let before = n.checked_sub(1).and_then(|n| steps.get(n));
                    let made = before.is_some_and(|one| matches!(one.write, Write::Create { .. }));
                    prop_assert!(made || !same(before));
                }
                _ => {}
            }
        }
    }
}
