//! The API document of the management API against the real function: whatever it says may be sent is answered as it says, and
//! nothing that is sent ends in a fault of the server. Asked by schemathesis.
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use countersign_tests::support::admin::{Person, url};
use countersign_tests::support::http::Request;
use countersign_tests::support::stack::{script, stack};
use countersign_tests::support::world::{World, text};
use serde_json::{Value, json};

/// What would end the session that asks, the tenant or the organization, or stop the whole stack under the tests that follow:
/// these are told apart by tests of their own.
const LEFT_OUT: [&str; 7] = [
    "session.end",
    "sessions.revoke",
    "orgs.status",
    "tenants.status",
    "connections.status",
    "users.status",
    "kill.stop_platform",
];
const CHECKS: &str =
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance";

/// Where schemathesis lies; installed when it is first wanted.
fn schemathesis() -> PathBuf {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    let found = Command::new("python3")
        .arg(script("schemathesis").join("install.py"))
        .arg(target)
        .output()
        .expect("python3 starts");
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
    PathBuf::from(String::from_utf8(found.stdout).expect("a path").trim())
}

/// What is asked with: somebody's session, and ids of things that there are, beyond which lies the logic.
struct Run<'a> {
    name: &'a str,
    person: &'a Person,
    ids: &'a [(&'a str, &'a str)],
    /// Operations that the schema is narrowed to, if to some.
    only: Option<&'a str>,
    /// What would take away what others are asked about.
    left_out: &'a [&'a str],
    /// As many are asked at least: nothing was asked is no answer.
    least: usize,
}

impl Run<'_> {
    /// Asks, and gives the statuses of all answers by operation.
    fn asks(&self) -> BTreeMap<String, BTreeSet<u64>> {
        let home = stack().home().join("schemathesis");
        std::fs::create_dir_all(&home).expect("the stack's directory can be written");
        let ids: String = self.ids.iter().map(|(name, id)| format!("\"path.{name}\" = \"{id}\"\n")).collect();
        let file = home.join(format!("{}.toml", self.name));
        std::fs::write(&file, format!("[parameters]\n{ids}")).expect("it can be written");
        let report = home.join(format!("{}.har", self.name));
        let mut command = Command::new(schemathesis());
        command.current_dir(&home).env("NO_COLOR", "1");
        command.arg("--config-file").arg(&file);
        command.args(["run", &url("/v1/openapi.json"), "--url", &url("")]);
        command.args(["--checks", CHECKS, "--phases", "fuzzing", "--max-examples", "3", "--seed", "7"]);
        command.args(["--header", &format!("Authorization: Bearer {}", self.person.key)]);
        command.args(["--header", "x-amzn-tls-version: TLSv1.3", "--suppress-health-check", "all"]);
        // One at a time: threads of CPython before 3.12 trip over each other where it reads its own source (gh-106905).
        command.args(["--workers", "1", "--continue-on-failure", "--no-color"]);
        command.args(["--report", "har", "--report-har-path"]).arg(&report);
        command.args(self.only.iter().flat_map(|only| ["--include-path-regex", only]));
        for name in LEFT_OUT.iter().chain(self.left_out) {
            command.args(["--exclude-operation-id", name]);
        }
        let asked = command.output().expect("schemathesis starts");
        let told = String::from_utf8_lossy(&asked.stdout);
        assert!(asked.status.success(), "{told}\n{}", String::from_utf8_lossy(&asked.stderr));
        let operations = told.lines().find(|line| line.contains("selected /")).unwrap_or_default();
        let selected: usize = operations.split_whitespace().find_map(|word| word.parse().ok()).unwrap_or(0);
        assert!(selected >= self.least, "only {selected} operations were asked: {told}");
        assert!(
            self.person.get("/v1/session").status == 200,
            "the session lived to the end: its answers were real ones"
        );
        statuses(&report)
    }
}

/// The statuses of answers by operation, as the report has them (HTTP Archive 1.2).
fn statuses(report: &Path) -> BTreeMap<String, BTreeSet<u64>> {
    let report = std::fs::read_to_string(report).expect("a report");
    let report: Value = serde_json::from_str(&report).expect("JSON");
    let document =
        Request::new("GET", url("/v1/openapi.json")).with("x-amzn-tls-version", "TLSv1.3").send().json();
    let paths = document["paths"].as_object().expect("paths");
    let alike = |pattern: &str, path: &str| {
        let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
        let parts =
            wanted.by_ref().zip(given.by_ref()).all(|(want, part)| want.starts_with('{') || want == part);
        parts && pattern.split('/').count() == path.split('/').count()
    };
    let mut all: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for entry in report["log"]["entries"].as_array().expect("entries") {
        let text = |name: &str| entry["request"][name].as_str().expect("text").to_owned();
        let (method, address) = (text("method").to_lowercase(), text("url"));
        let path = address
            .strip_prefix(&url(""))
            .unwrap_or(&address)
            .split('?')
            .next()
            .unwrap_or_default()
            .to_owned();
        // A literal part goes before a name.
        let found =
            paths.iter().filter(|(pattern, methods)| alike(pattern, &path) && !methods[&method].is_null());
        let Some((_, methods)) = found.max_by_key(|(pattern, _)| pattern.matches('{').count() == 0) else {
            continue;
        };
        let name = methods[&method]["operationId"].as_str().expect("a name").to_owned();
        all.entry(name).or_default().extend(entry["response"]["status"].as_u64());
    }
    all
}

#[test]
fn the_function_answers_an_owner_of_the_organization_as_its_document_says() {
    let Some(world) = World::new() else { return };
    let ids = [
        ("org", world.org.id.as_str()),
        ("tenant", world.tenant.as_str()),
        ("connection", world.org.connection.as_str()),
        ("user", world.owner.user.as_str()),
    ];
    Run { name: "organization", person: &world.owner, ids: &ids, only: None, left_out: &[], least: 115 }
        .asks();
}

/// A tenant's owner may do nearly all that is done to a tenant: no operation ends at its door.
#[test]
fn the_function_answers_an_owner_of_a_tenant_as_its_document_says() {
    let Some(world) = World::new() else { return };
    let (dana, noa) = (world.with_role("dana", "owner"), world.with_role("noa", "admin"));
    let limits = json!({"time_zone": "UTC", "shards": 1, "limits": [{"place": "tenant:tokens:total", "limit": 2_000_000}]});
    let more = noa.put(&world.path("/limits"), &limits);
    assert_eq!(more.status, 202, "{more:?}");
    let mut things = world.filled(&dana);
    things.extend([
        ("change", text(&more, "id")),
        ("session", noa.session()),
        ("user", noa.user.clone()),
        ("tenant", world.tenant.clone()),
    ]);
    let policy = json!({"v": 1, "types": {"card": {"action": "block"}}});
    for (path, policy) in [
        ("/dlp".to_owned(), policy.clone()),
        (format!("/agents/{}/dlp", things["agent"]), policy),
        ("/gate".to_owned(), json!({"v": 1})),
        ("/channels".to_owned(), json!({})),
    ] {
        let first = dana.request("PUT", &world.path(&path)).with("content-type", "application/json");
        let made = first.with("if-none-match", "*").body(policy.to_string()).send();
        assert_eq!(made.status, 200, "{made:?}");
    }
    let ids: Vec<_> = things.iter().map(|(name, id)| (*name, id.as_str())).collect();
    let run = Run {
        name: "tenant",
        person: &dana,
        ids: &ids,
        only: Some("^/v1/tenants/"),
        left_out: &["roles.withdraw"],
        least: 55,
    };
    let told = run.asks();
    let closed: Vec<_> = told
        .iter()
        .filter(|(_, statuses)| statuses.iter().all(|one| [401, 403, 404].contains(one)))
        .collect();
    let names: Vec<_> = closed.iter().map(|(name, _)| name.as_str()).collect();
    // The platform's administrators alone ask for a way into a tenant, and none has; a change is withdrawn by whoever asked for it;
    // the key that there is belongs to the tenant.
    let theirs = [
        "break_glass.close",
        "break_glass.confirm",
        "break_glass.open",
        "changes.withdraw",
        "keys.revoke_own",
    ];
    assert!(names.iter().all(|name| theirs.contains(name)), "{names:?}: {told:?}");
}
