//! The API document of the management API against the real function: whatever it says may be sent is answered as it says, and
//! nothing that is sent ends in a fault of the server. Asked by schemathesis.
#![cfg(test)]

use std::path::{Path, PathBuf};
use std::process::Command;

use countersign_tests::support::admin::url;
use countersign_tests::support::stack::{script, stack};
use countersign_tests::support::world::World;

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

#[test]
fn the_function_answers_as_its_document_says() {
    let Some(world) = World::new() else { return };
    let home = stack().home().join("schemathesis");
    std::fs::create_dir_all(&home).expect("the stack's directory can be written");
    // Real ids, where a path names what there is: beyond them lies the logic.
    let config = format!(
        "[parameters]\n\"path.org\" = \"{}\"\n\"path.tenant\" = \"{}\"\n\"path.connection\" = \"{}\"\n",
        world.org.id, world.tenant, world.org.connection
    );
    let file = home.join("schemathesis.toml");
    std::fs::write(&file, config).expect("it can be written");
    let mut command = Command::new(schemathesis());
    command.current_dir(&home).env("NO_COLOR", "1");
    command.arg("--config-file").arg(&file);
    command.args(["run", &url("/v1/openapi.json"), "--url", &url("")]);
    command.args(["--checks", CHECKS, "--phases", "fuzzing", "--max-examples", "3", "--seed", "7"]);
    command.args(["--header", &format!("Authorization: Bearer {}", world.owner.key)]);
    command.args(["--header", "x-amzn-tls-version: TLSv1.3", "--suppress-health-check", "all"]);
    command.args(["--workers", "4", "--continue-on-failure", "--no-color"]);
    for name in LEFT_OUT {
        command.args(["--exclude-operation-id", name]);
    }
    let asked = command.output().expect("schemathesis starts");
    let told = String::from_utf8_lossy(&asked.stdout);
    assert!(asked.status.success(), "{told}\n{}", String::from_utf8_lossy(&asked.stderr));
    // Nothing was asked is no answer.
    let operations = told.lines().find(|line| line.contains("selected /")).unwrap_or_default();
    let selected: usize = operations.split_whitespace().find_map(|word| word.parse().ok()).unwrap_or(0);
    assert!(selected >= 90, "only {selected} operations were asked: {told}");
    assert!(
        world.owner.get("/v1/session").status == 200,
        "the session lived to the end: its answers were real ones"
    );
}
