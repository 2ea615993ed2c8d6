//! A conformance suite that others wrote, unmodified and at the version that `tests/support/scim/` pins, against the real
//! function. How much it checks follows what the function advertises, so that is pinned as well.
#![cfg(test)]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use countersign_tests::support::bench;
use countersign_tests::support::directory::Directory;
use countersign_tests::support::http::Answer;
use countersign_tests::support::stack::script;
use countersign_tests::support::world::World;
use serde_json::{Value, json};

/// What the suite checks of a server that can do everything, in users and groups with their usual attributes.
const CHECKS_MIN: usize = 130;

/// Every word that a line of the suite begins with.
const STATUSES: [&str; 7] =
    ["SUCCESS", "COMPLIANT", "ACCEPTABLE", "DEVIATION", "ERROR", "CRITICAL", "SKIPPED"];

/// The suite's command, installed once. `None`, said aloud, where Python is older than it takes.
fn program() -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    let install = script("scim").join("install.py");
    let done = Command::new("python3").arg(install).arg(target).stderr(Stdio::inherit()).output();
    let done = done.expect("python3 is on the PATH");
    assert!(done.status.success(), "the conformance suite cannot be installed");
    let found: Value = serde_json::from_slice(&done.stdout).expect("install.py prints JSON");
    if found.is_null() {
        let _ = writeln!(std::io::stderr(), "SKIPPED: the conformance suite takes Python 3.11 and newer");
    }
    found["program"].as_str().map(PathBuf::from)
}

/// The suite's report.
fn report(program: &Path, directory: &Directory) -> String {
    let done = Command::new(program)
        .args(["--url", &directory.base, "test", "-v"])
        .env_clear()
        .env("LC_ALL", "C.UTF-8")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        // Whoever else is on the machine sees arguments, and not this.
        .env("SCIM_CLI_HEADERS", format!("Authorization: Bearer {}", directory.token))
        .output()
        .expect("the suite starts");
    format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr))
}

/// How many checks ended in which way.
fn counted(report: &str) -> BTreeMap<&str, u64> {
    let mut counts = BTreeMap::new();
    for word in report.lines().filter_map(|line| line.split(' ').next()) {
        if STATUSES.contains(&word) {
            *counts.entry(word).or_default() += 1;
        }
    }
    counts
}

fn names(answer: &Answer, of: &str) -> Vec<String> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let list = answer.json()["Resources"].as_array().cloned().unwrap_or_default();
    list.iter().map(|one| one[of].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_conformance_suite_finds_nothing() {
    let Some(world) = World::new() else { return };
    let directory = Directory::of(&world, &world.org.connection);
    let Some(program) = program() else { return };
    let report = report(&program, &directory);
    let counts = counted(&report);
    let run: u64 = counts.values().sum();
    let passed = counts.get("SUCCESS").copied().unwrap_or_default();
    bench::keep("scim", &[("conformance_passed", passed), ("conformance_run", run)]);
    assert_eq!(counts.keys().copied().collect::<Vec<_>>(), ["SUCCESS"], "{report}");
    assert!(usize::try_from(run).is_ok_and(|run| run >= CHECKS_MIN), "only {run} checks: {report}");
}

#[test]
fn everything_that_can_be_advertised_is() {
    let Some(world) = World::new() else { return };
    let directory = Directory::of(&world, &world.org.connection);
    let config = directory.get("/ServiceProviderConfig").json();
    for feature in ["patch", "bulk", "filter", "sort", "etag"] {
        assert_eq!(config[feature]["supported"], json!(true), "{feature}");
    }
    assert_eq!(
        (&config["pagination"]["index"], &config["pagination"]["cursor"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(names(&directory.get("/ResourceTypes"), "name"), ["User", "Group"]);
    let schemas = directory.get("/Schemas");
    assert_eq!(names(&schemas, "name"), ["User", "EnterpriseUser", "Group"]);
    let attributes = |schema: &Value| schema["attributes"].as_array().map_or(0, Vec::len);
    let counts: Vec<usize> = schemas.json()["Resources"].as_array().unwrap().iter().map(attributes).collect();
    assert_eq!(counts, [20, 6, 2], "an attribute that is not advertised is not checked");
}
