//! DLP policies through the real command: written over what was read, recorded before, and never weaker than the floor.
#![cfg(test)]

use std::path::PathBuf;

use countersign_tests::support::records::{self, Record};
use countersign_tests::support::{Tenant, sealed, stack, wait};

/// A document in a file of its own.
fn file(text: &str) -> PathBuf {
    let path = stack().home().join(format!("dlp-{}.json", stack::unique::<8>()));
    std::fs::write(&path, text).expect("a file");
    path
}

fn policy(tenant: &Tenant, text: &str, more: &[&str]) -> (bool, String) {
    let path = file(text);
    let arguments = [&["policy", "--file", path.to_str().unwrap()], more].concat();
    tenant.ops(&arguments, &[])
}

fn wrote(tenant: &Tenant, text: &str, more: &[&str]) -> String {
    let (done, said) = policy(tenant, text, more);
    assert!(done, "{said}");
    said
}

fn refused(tenant: &Tenant, text: &str, more: &[&str]) -> String {
    let (done, said) = policy(tenant, text, more);
    assert!(!done, "{said}");
    said
}

fn row(tenant: &Tenant, sk: &str) -> Option<(u64, String)> {
    let row = sealed::row("control", &format!("T#{}", tenant.tenant_id()), sk)?;
    let version = row["version"]["N"].as_str()?.parse().ok()?;
    Some((version, row["document"]["S"].as_str()?.to_owned()))
}

/// The line of a type in what the command prints, its spaces single.
fn line(said: &str, id: &str) -> String {
    let line = said.lines().find(|line| line.split(' ').next() == Some(id)).unwrap_or_default();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What operators did to policies, oldest first.
fn told(tenant: &Tenant, count: usize) -> Vec<Record> {
    wait::until(&format!("{count} records of policies"), || {
        let mut all = records::all(tenant.tenant_id());
        all.retain(|record| record.field("event_type") == "admin.policy");
        records::oldest_first(&mut all);
        (all.len() >= count).then_some(all)
    })
}

const FIRST: &str = r#"{"v":1,"types":{"email":{"action":"block"}},"people":["Planted Person"]}"#;
const SECOND: &str = r#"{"v":1,"types":{"email":{"action":"mask"}}}"#;

#[test]
fn a_policy_is_written_over_what_was_read_and_told_without_its_words() {
    let tenant = Tenant::without_policy();
    let said = wrote(&tenant, FIRST, &[]);
    assert!(said.contains("version 1 of the tenant's policy is written: types: 1, people: 1"), "{said}");
    assert_eq!(line(&said, "email"), "email contact block request 0.5 tenant types.email");
    assert_eq!(row(&tenant, "DLP#tenant"), Some((1, FIRST.to_owned())));

    let said = refused(&tenant, SECOND, &["--previous", "0"]);
    assert!(said.contains("the newest version is 1, not 0"), "{said}");
    let said = wrote(&tenant, SECOND, &["--previous", "1"]);
    for weaker in ["weaker than version 1: email: block -> mask", "people: 1 no longer looked for"] {
        assert!(said.contains(weaker), "{said}");
    }
    assert_eq!(row(&tenant, "DLP#tenant"), Some((2, SECOND.to_owned())));

    let (done, said) = tenant.ops(&["policy", "--show"], &[]);
    assert!(done && said.contains("version 2, SHA-256 "), "{said}");
    let (done, said) = tenant.ops(&["policy", "--show", "--document"], &[]);
    assert!(done && said.trim() == SECOND, "{said}");

    let records = told(&tenant, 4);
    assert_eq!(records.len(), 4, "what was refused was not attempted");
    for record in &records {
        assert!(!record.text.contains("Planted"), "{}", record.text);
        assert_eq!(record.field("resource"), "dlp:tenant");
    }
    let versions: Vec<_> = records.iter().map(|record| record.metadata("version").as_u64()).collect();
    assert_eq!(versions, [Some(1), Some(1), Some(2), Some(2)]);
    assert_eq!(records[2].metadata("weaker"), 3, "the action, the list, and the kind of the list");
    assert_eq!(records[3].says(), ["outcome", "allow", "completed"]);
}

#[test]
fn a_document_with_faults_changes_nothing() {
    let tenant = Tenant::without_policy();
    let said = refused(&tenant, r#"{"v":1,"types":{"emial":{"action":"mask"}}}"#, &[]);
    assert!(said.contains("`types.emial`") && said.contains("did you mean `email`?"), "{said}");
    assert_eq!(row(&tenant, "DLP#tenant"), None);
    let other = "agt_0000000000000000";
    let said = refused(&tenant, SECOND, &["--agent", other]);
    assert!(said.contains("no agent of that id"), "{said}");
}

#[test]
fn an_agents_policy_stands_over_the_tenants_and_under_the_floor() {
    let (tenant, stranger) = (Tenant::without_policy(), Tenant::without_policy());
    wrote(&tenant, FIRST, &[]);
    let agent = tenant.agent_id().to_owned();
    let said = wrote(&tenant, SECOND, &["--agent", &agent]);
    assert_eq!(line(&said, "email"), "email contact mask request 0.5 agent types.email");
    assert!(said.contains("weaker than version 0: email: block -> mask"), "{said}");

    let floor = r#"{"v":1,"types":{"contact":{"action":"redact","direction":"both"}}}"#;
    let said = refused(&stranger, floor, &["--org", tenant.org_id()]);
    assert!(said.contains("belongs to another organization"), "{said}");
    let said = wrote(&tenant, floor, &["--org", tenant.org_id()]);
    assert!(said.contains("version 1 of the organization's floor is written"), "{said}");
    assert_eq!(line(&said, "email"), "email contact redact both 0.5 floor types.contact");
    assert_eq!(line(&said, "card"), "card finance allow - - tenant types.*");

    let (done, said) = tenant.ops(&["policy", "--show", "--agent", &agent], &[]);
    assert!(done, "{said}");
    assert_eq!(line(&said, "email"), "email contact redact both 0.5 floor types.contact");
    let resources: Vec<_> =
        told(&tenant, 6).iter().map(|record| record.field("resource").to_owned()).collect();
    assert_eq!(
        resources[2..],
        [format!("dlp:agent:{agent}"), format!("dlp:agent:{agent}"), "dlp:floor".into(), "dlp:floor".into()]
    );
}

/// Ten operators at once: versions without a gap, each of them one operator's, and whoever lost wrote nothing.
#[test]
fn of_many_operators_at_once_each_version_is_one_operators() {
    let tenant = Tenant::without_policy();
    let texts: Vec<_> =
        (0..10).map(|n| format!(r#"{{"v":1,"tokens":{{"restores_per_minute":{}}}}}"#, n + 1)).collect();
    let results: Vec<_> = std::thread::scope(|scope| {
        let all: Vec<_> = texts.iter().map(|text| scope.spawn(|| policy(&tenant, text, &[]))).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let won: Vec<_> = results.iter().filter(|(done, _)| *done).collect();
    for (_, said) in results.iter().filter(|(done, _)| !*done) {
        assert!(said.contains("another operator wrote version"), "{said}");
    }
    let (version, _) = row(&tenant, "DLP#tenant").expect("somebody wrote");
    assert_eq!(version, won.len() as u64);
    for version in 1..=won.len() {
        let told = format!("version {version} of the tenant's policy is written");
        assert_eq!(won.iter().filter(|(_, said)| said.contains(&told)).count(), 1, "{version}");
    }
}
