//! The `countersign` command as a client of the management API: the real binary, the real function, people who signed in.
#![cfg(test)]

use std::path::PathBuf;

use countersign_tests::support::admin::Org;
use countersign_tests::support::http::Request;
use countersign_tests::support::shell::{Said, Shell};
use countersign_tests::support::stack::unique;
use countersign_tests::support::standin::Channel;
use countersign_tests::support::{planted, stack};
use serde_json::{Value, json};

fn id(made: &Value) -> String {
    made["id"].as_str().unwrap_or_else(|| panic!("no id: {made}")).to_owned()
}

/// An organization with a tenant that the command made, its owner, and an administrator of the tenant.
struct World {
    /// Its identity provider runs as long as it is here.
    _org: Org,
    tenant: String,
    dana: Shell,
    noa: Shell,
}

impl World {
    fn new() -> Option<Self> {
        let (org, owner) = Org::begun()?;
        let made = Shell::of(&owner).json(&[
            "tenants",
            "create",
            "research",
            "--region",
            "eu",
            "--budget-tokens",
            "1000000",
        ]);
        let tenant = id(&made);
        let dana = org.join(&owner, "dana", &json!({"owner": true, "tenant": tenant, "role": "owner"}));
        let noa = org.join(&owner, "noa", &json!({"tenant": tenant, "role": "admin"}));
        let (dana, noa) = (Shell::of(&dana).in_tenant(&tenant), Shell::of(&noa).in_tenant(&tenant));
        Some(Self { _org: org, tenant, dana, noa })
    }
}

fn change(said: &Said) -> String {
    let id = said.err.split_whitespace().find(|word| word.starts_with("chg_"));
    id.unwrap_or_else(|| panic!("no change: {said:?}")).to_owned()
}

#[test]
fn from_a_session_to_a_working_key() {
    let Some(World { dana, noa, tenant, _org }) = World::new() else { return };
    let me = dana.did(&["whoami"]);
    let owns = me.out.lines().any(|line| line.starts_with("org_owner ") && line.ends_with(" yes"));
    assert!(owns && me.out.contains("usr_"), "{me:?}");
    let listed = dana.did(&["tenants", "list"]).out;
    assert!(listed.contains(&tenant) && listed.contains("your role"), "{listed}");

    let agent = id(&dana.json(&["agents", "create", "crawler"]));
    let key = dana.did(&["keys", "create", "--service", "--agent", &agent]);
    planted::note(key.out.trim());
    assert_eq!(key.out.lines().count(), 1, "the key stands alone on standard output");
    assert!(key.err.contains("shown this once") && !key.err.contains(key.out.trim()));
    let models = Request::new("GET", stack().gateway("/v1/models"));
    let models = models.with("authorization", format!("Bearer {}", key.out.trim())).send();
    assert_eq!(models.status, 200, "{models:?}");
    let listed = dana.did(&["keys", "list"]);
    assert!(
        listed.out.starts_with("id") && listed.out.contains("active") && !listed.out.contains(key.out.trim())
    );

    // A stop is one person's, recovering another's.
    assert!(noa.did(&["kill", "stop", "--reason", "incident_4711"]).out.contains("all"));
    let own = noa.run(&["kill", "recover", "--reason", "resolved"]);
    assert_eq!(own.code, Some(1));
    assert!(own.err.contains("same_person") && own.err.contains("another person"), "{own:?}");
    dana.did(&["kill", "recover", "--reason", "resolved"]);
}

/// More waits for a second person, and the command says who does what.
#[test]
fn more_of_a_budget_is_two_peoples() {
    let Some(World { dana, noa, tenant, _org }) = World::new() else { return };
    let asked = noa.did(&["budgets", "set", "tenant:tokens:total=2000000"]);
    let change = change(&asked);
    assert!(
        asked.err.contains(&format!("countersign changes confirm {change} --tenant {tenant}")),
        "{asked:?}"
    );
    assert!(dana.did(&["budgets", "get"]).out.contains("1000000"));
    assert!(dana.did(&["changes", "list"]).out.contains(&change));
    let own = noa.run(&["changes", "confirm", &change]);
    assert!(own.code == Some(1) && own.err.contains("same_person"), "{own:?}");
    dana.did(&["changes", "confirm", &change]);
    assert!(dana.did(&["budgets", "get"]).out.contains("2000000"));
    dana.did(&["budgets", "set", "tenant:tokens:day=500"]);
    let limits = dana.json(&["budgets", "get"]);
    assert_eq!(limits["limits"].as_array().map(Vec::len), Some(2), "{limits}");
}

#[test]
fn errors_say_what_to_do() {
    let Some(World { mut dana, _org, .. }) = World::new() else { return };
    let unknown = dana.run(&["agents", "get", "agt_0000000000000001"]);
    assert_eq!(unknown.code, Some(1));
    assert!(unknown.err.contains("not_found (404)") && unknown.err.contains("next:"), "{unknown:?}");
    let field = dana.run(&["tenants", "create", "x", "--region", "us", "--budget-tokens", "1"]);
    assert!(field.err.contains("at:   /region"), "{field:?}");
    dana.tenant = None;
    let unsaid = dana.run(&["agents", "list"]);
    assert!(unsaid.code == Some(2) && unsaid.err.contains("CS_TENANT"), "{unsaid:?}");
    dana.did(&["logout"]);
    let out = dana.run(&["whoami"]);
    assert!(out.code == Some(1) && out.err.contains("next: countersign login"), "{out:?}");
}

fn file(text: &str) -> PathBuf {
    let path = stack().home().join(format!("apply-{}.yaml", unique::<8>()));
    std::fs::write(&path, text).expect("the stack's directory can be written");
    path
}

#[test]
fn a_file_is_applied_once() {
    let Some(World { mut dana, tenant, _org, .. }) = World::new() else { return };
    let secret = format!("upstream-{}", unique::<16>());
    planted::note(&secret);
    dana.more.push(("MY_KEY", secret.clone()));
    let text = format!(
        r#"
v: 1
tenants:
  - name: research
    id: {tenant}
    networks: [0.0.0.0/0, "::/0"]
    agents:
      - {{name: crawler, team: sales}}
      - {{name: clerk, status: suspended}}
    providers:
      - name: stand-in
        kind: openai
        base_url: {}
        region: eu
        region_source: its own test
        models: [{{name: gpt-4o-mini, max_output_tokens: 100}}]
        credential_env: MY_KEY
    dlp: {{v: 1, types: {{card: {{action: block}}}}}}
    limits:
      at_most: [tenant:tokens:day=500000]
"#,
        Channel::new(format!("c-{}", unique::<8>())).url()
    );
    let path = file(&text);
    let path = path.to_str().expect("a path");
    let unsaid = dana.run(&["apply", "-f", path]);
    assert!(unsaid.code == Some(1) && unsaid.err.contains("--yes"), "{unsaid:?}");
    for line in [
        "+ agent crawler, team sales",
        "~ agent clerk: active → suspended",
        "+ provider stand-in",
        "+ limit tenant:tokens:day: 500000",
    ] {
        assert!(unsaid.out.contains(line), "{line}: {unsaid:?}");
    }
    assert!(dana.did(&["apply", "-f", path, "--dry-run"]).err.contains("nothing was written"));
    assert!(dana.json(&["agents", "list"])["items"].as_array().is_some_and(Vec::is_empty));

    let written = dana.did(&["apply", "-f", path, "--yes"]);
    assert!(written.err.contains(" 0 for a second person"), "{written:?}");
    assert!(!written.out.contains(&secret) && !written.err.contains(&secret));
    let again = dana.did(&["apply", "-f", path, "--yes"]);
    assert!(again.err.contains("nothing to change"), "{again:?}");
    let kept = "limit tenant:tokens:total of research";
    assert!(again.err.contains(kept), "what is there and not in the file is said: {again:?}");

    // More than before: asked for once, and told the second time.
    let more = file(&text.replace("day=500000", "day=600000"));
    let more = more.to_str().expect("a path");
    let first = dana.did(&["apply", "-f", more, "--yes"]);
    let second = dana.did(&["apply", "-f", more, "--yes"]);
    assert!(second.err.contains("waits already") && change(&first) == change(&second), "{second:?}");
    let unknown =
        dana.run(&["apply", "-f", file(&text.replace("    dlp:", "    dpl:")).to_str().expect("a path")]);
    assert!(unknown.err.contains("/tenants/0/dpl: there is no such field"), "{unknown:?}");
}
