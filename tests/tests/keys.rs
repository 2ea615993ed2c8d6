//! Keys through the real command and warm instances of the real gateway: rotated, retired, destroyed, for one person or
//! for a tenant. What is sealed is opened here by another implementation.
#![cfg(test)]

use std::process::Command;

use countersign_tests::support::records::{self, Record};
use countersign_tests::support::sealed::{self, Place};
use countersign_tests::support::{Answer, Tenant, aws, stack, wait};
use serde_json::Value;

fn did(tenant: &Tenant, arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let (done, said) = tenant.ops(arguments, environment);
    assert!(done, "{arguments:?}: {said}");
    said
}

fn refused(tenant: &Tenant, arguments: &[&str]) -> String {
    let (done, said) = tenant.ops(arguments, &[]);
    assert!(!done, "{arguments:?}: {said}");
    said
}

fn credential(tenant: &Tenant) -> Vec<u8> {
    let row = sealed::row("control", &format!("T#{}", tenant.tenant_id()), "PROVIDERS").expect("providers");
    aws::bytes(&row["providers"]["L"][0]["M"]["credential"]["B"])
}

fn opened_credential(tenant: &Tenant) -> Result<String, String> {
    let host = tenant.channel.url();
    let host = host.split('/').nth(2).expect("a URL has a host").to_owned();
    let place = Place::of_credential(tenant, tenant.provider_id(), &host);
    sealed::open(tenant, &place, &credential(tenant)).map(|plain| String::from_utf8(plain).unwrap())
}

fn source(tenant: &Tenant, record: &Record) -> Result<String, String> {
    let place = Place::of_record(tenant, record.field("event_id"), "source_ip");
    let sealed = aws::decoded(record.field("source_ip"));
    sealed::open(tenant, &place, &sealed).map(|plain| String::from_utf8(plain).unwrap())
}

fn person(tenant: &Tenant, record: &Record) -> Result<String, String> {
    let place = Place::of_record(tenant, record.field("event_id"), "on_behalf_of");
    let sealed = aws::decoded(record.field("on_behalf_of"));
    sealed::open_of_person(tenant, record.field("on_behalf_of_ref"), &place, &sealed)
        .map(|plain| String::from_utf8(plain).unwrap())
}

fn say_for(tenant: &Tenant, who: &str) -> Answer {
    tenant.chat("hello").with("x-cs-on-behalf-of", who).send()
}

fn code(answer: &Answer) -> (u16, String) {
    (answer.status, answer.json()["error"]["code"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn the_other_implementation_agrees_with_the_vectors() {
    let mut python = Command::new(stack().built("venv/bin/python"));
    let done = python.arg(sealed::script()).arg("check").output().expect("it runs");
    let said = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && said.contains("vectors"), "{said}");
}

#[test]
fn a_rotation_moves_credentials_and_stops_no_call() {
    let tenant = Tenant::new();
    assert_eq!(tenant.say("before").status, 200);
    assert_eq!(sealed::version(&credential(&tenant)), 1);
    let said = did(&tenant, &["rotate", "--purpose", "cred"], &[]);
    assert!(said.contains("version 2 of `cred` is current; 1 values were sealed again"), "{said}");
    assert_eq!(sealed::version(&credential(&tenant)), 2);
    assert_eq!(opened_credential(&tenant).as_deref(), Ok(tenant.provider_key.as_str()));
    assert_eq!(tenant.say("after").status, 200);
    assert_eq!(tenant.channel.received().len(), 2);

    did(&tenant, &["rotate", "--purpose", "cred", "--retire"], &[]);
    assert_eq!(tenant.say("retired").status, 200);
    let report: Value = serde_json::from_str(&did(&tenant, &["keys", "--json"], &[])).expect("JSON");
    let cred = report.as_array().unwrap().iter().find(|one| one["purpose"] == "cred").unwrap().clone();
    let told = ["current", "min_decrypt_version", "sealed", "destroyed"].map(|field| cred[field].to_string());
    assert_eq!(told, ["2", "2", r#"{"2":1}"#, "false"]);

    let new = format!("{}-new", tenant.provider_key);
    did(&tenant, &["credential", "--provider", tenant.provider_id()], &[("CS_PROVIDER_KEY", &new)]);
    assert_eq!(opened_credential(&tenant), Ok(new));
}

#[test]
fn a_rotated_audit_root_seals_anew_and_opens_the_old() {
    let tenant = Tenant::new();
    assert_eq!(say_for(&tenant, "Dana").status, 200);
    did(&tenant, &["rotate", "--purpose", "audit"], &[]);
    assert_eq!(say_for(&tenant, "Dana").status, 200);
    let records = tenant.records(4);
    let versions: Vec<_> =
        records.iter().map(|record| sealed::version(&aws::decoded(record.field("source_ip")))).collect();
    assert_eq!(versions, [1, 1, 2, 2]);
    for record in &records {
        assert!(source(&tenant, record).unwrap().contains('.'), "an address");
        assert_eq!(person(&tenant, record).as_deref(), Ok("Dana"));
    }
    let said = refused(&tenant, &["rotate", "--purpose", "audit", "--retire"]);
    assert!(said.contains("records in the ledger are sealed under them"), "{said}");
    let said = refused(&tenant, &["rotate", "--purpose", "pseudonym"]);
    assert!(said.contains("would be strangers"), "{said}");
}

#[test]
fn an_erased_person_is_unreadable_at_once_and_nobody_else_is() {
    let tenant = Tenant::new();
    for who in ["Dana", "Noa"] {
        assert_eq!(say_for(&tenant, who).status, 200);
    }
    let records = tenant.records(4);
    let read = |record| person(&tenant, record);
    assert_eq!(
        records.iter().map(read).collect::<Result<Vec<_>, _>>().unwrap(),
        ["Dana", "Dana", "Noa", "Noa"]
    );
    let shred = ["shred", "--reason", "erasure_request", "--confirm", tenant.tenant_id()];
    let said = did(&tenant, &shred, &[("CS_SUBJECT", "Dana")]);
    assert!(said.contains("backups of it end within 35 days") && !said.contains("Dana"), "{said}");

    let after: Vec<_> = records.iter().map(read).collect();
    assert_eq!(after[..2], [Err("no key".to_owned()), Err("no key".to_owned())]);
    assert_eq!(after[2..], [Ok("Noa".to_owned()), Ok("Noa".to_owned())]);
    assert!(records.iter().all(|record| source(&tenant, record).is_ok()), "addresses are sealed apart");
    // The warm gateway makes no key again, and nobody else is refused.
    assert_eq!(code(&say_for(&tenant, "Dana")), (403, "subject_erased".to_owned()));
    assert_eq!(say_for(&tenant, "Noa").status, 200);
    assert_eq!(tenant.say("for nobody").status, 200);
    let kept = sealed::row(
        "keys",
        &format!("T#{}#S", tenant.tenant_id()),
        &format!("SUBJ#{}", records[0].field("on_behalf_of_ref")),
    );
    assert_eq!(kept.expect("a tombstone")["shredded"]["BOOL"], true);
}

#[test]
fn a_destroyed_tenant_makes_no_call_and_others_do() {
    let (tenant, other) = (Tenant::new(), Tenant::new());
    assert_eq!((tenant.say("before").status, other.say("before").status), (200, 200));
    let records = tenant.records(2);
    assert!(source(&tenant, &records[0]).is_ok());
    // What confirms the end of one person does not confirm the end of all.
    let person = ["shred", "--all-keys", "--reason", "offboarding", "--confirm", tenant.tenant_id()];
    let said = refused(&tenant, &person);
    assert!(said.contains("nothing was destroyed"), "{said}");
    assert_eq!(tenant.say("still").status, 200);

    let all = format!("all-keys:{}", tenant.tenant_id());
    did(&tenant, &["shred", "--all-keys", "--reason", "offboarding", "--confirm", &all], &[]);
    assert_eq!(code(&tenant.say("after")), (403, "keys_destroyed".to_owned()));
    assert_eq!(tenant.channel.received().len(), 2, "what was cached opens nothing");
    assert_eq!(source(&tenant, &records[0]), Err("no key".to_owned()));
    assert_eq!(opened_credential(&tenant), Err("no key".to_owned()));
    assert_eq!(other.say("after").status, 200);
    assert!(opened_credential(&other).is_ok());
    let said = refused(&tenant, &["rotate", "--purpose", "cred"]);
    assert!(said.contains("destroyed, which nothing undoes"), "{said}");

    // The refusal is on record, without what could no longer be sealed; so are the operator's deeds.
    let last = tenant.records(5).pop().unwrap();
    assert_eq!((last.says(), last.at("source_ip")), (["single", "deny", "keys_destroyed"], &Value::Null));
    let told = wait::until("the operator's records", || {
        let texts: Vec<_> = records::all(tenant.tenant_id()).into_iter().map(|record| record.text).collect();
        let of = |what: &str| texts.iter().filter(|text| text.contains(what)).count();
        let found = (of(r#""event_type":"key.shred""#), of(r#"\"why\":\"offboarding\""#));
        (found.0 >= 2).then_some(found)
    });
    assert_eq!(told, (2, 2));
}

#[test]
fn an_erasure_says_whom_it_did_not_find_and_takes_no_name_for_a_digest() {
    let tenant = Tenant::new();
    assert_eq!(say_for(&tenant, "Dana Levi").status, 200);
    let shred = ["shred", "--reason", "erasure_request", "--confirm", tenant.tenant_id()];
    let said = did(&tenant, &shred, &[("CS_SUBJECT", "dana levi")]);
    assert!(said.contains("there was NO key"), "{said}");
    let said = did(&tenant, &shred, &[("CS_SUBJECT", "dana levi")]);
    assert!(said.contains("was destroyed before"), "{said}");
    assert_eq!(say_for(&tenant, "Dana Levi").status, 200, "somebody else by the same sound");
    let name = ["shred", "--subject", "Dana.Levi", "--reason", "erasure_request", "--confirm", "Dana.Levi"];
    let said = refused(&tenant, &name);
    assert!(said.contains("a name goes into CS_SUBJECT"), "{said}");
}
