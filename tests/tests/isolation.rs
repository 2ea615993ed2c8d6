//! One tenant's credentials with another tenant's identifiers, sealed values and keys, wherever one can be put.
#![cfg(test)]

use countersign_tests::support::sealed::{self, Place};
use countersign_tests::support::tenant::chat_body;
use countersign_tests::support::{Answer, Request, Tenant, aws, stack};
use serde_json::{Value, json};

fn told(answer: &Answer) -> (u16, String) {
    (answer.status, answer.json()["error"]["code"].as_str().unwrap_or_default().to_owned())
}

fn refused(code: &str, status: u16) -> (u16, String) {
    (status, code.to_owned())
}

/// Nothing of either tenant was sent anywhere, and nothing of this was recorded with the other: seen once the caller's own
/// records, of which there are `count`, have arrived.
fn untouched(tenant: &Tenant, other: &Tenant, count: usize) {
    assert!(tenant.channel.received().is_empty() && other.channel.received().is_empty());
    tenant.records(count);
    other.records(0);
}

fn put(table: &str, pk: &str, sk: &str, mut item: Value) {
    item["pk"] = json!({"S": pk});
    item["sk"] = json!({"S": sk});
    let params = json!({"TableName": stack().at(&format!("/tables/{table}")), "Item": item});
    aws::must("operator", "dynamodb", "put_item", &params);
}

#[test]
fn a_body_that_names_another_tenant_is_refused_whatever_the_field() {
    let (tenant, other) = (Tenant::new(), Tenant::new());
    for (field, id) in [
        ("tenant_id", other.tenant_id()),
        ("tenant", other.tenant_id()),
        ("org_id", other.org_id()),
        ("organization", other.org_id()),
    ] {
        let mut body = chat_body("hello");
        body[field] = json!(id);
        assert_eq!(
            told(&tenant.post(&body.to_string()).send()),
            refused("foreign_identifier", 403),
            "{field}"
        );
    }
    untouched(&tenant, &other, 4);
}

#[test]
fn identifiers_of_what_a_provider_keeps_are_refused_whoever_made_them() {
    let (tenant, other) = (Tenant::new(), Tenant::new());
    for (path, change) in [
        ("/v1/responses", json!({"input": "x", "previous_response_id": "resp_of_another"})),
        ("/v1/responses", json!({"input": "x", "conversation": "conv_of_another"})),
        ("/v1/responses", json!({"input": [{"type": "item_reference", "id": "msg_of_another"}]})),
        (
            "/v1/responses",
            json!({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "file-x"}]}]}),
        ),
        (
            "/v1/chat/completions",
            json!({"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "file-x"}}]}]}),
        ),
        (
            "/v1/chat/completions",
            json!({"messages": [{"role": "assistant", "audio": {"id": "audio_of_another"}}]}),
        ),
        (
            "/v1/messages",
            json!({"max_tokens": 9, "container": "container_of_another", "messages": [{"role": "user", "content": "x"}]}),
        ),
    ] {
        let mut body = change;
        body["model"] = json!("gpt-4o");
        let answer = tenant.ask(stack().gateway(path), &body).send();
        assert_eq!((answer.status, answer.body.contains("uninspectable")), (403, true), "{path} {body}");
    }
    untouched(&tenant, &other, 7);
}

#[test]
fn a_key_id_with_another_keys_secret_is_a_strangers() {
    let (tenant, other) = (Tenant::new(), Tenant::new());
    // Its checksum is wrong too, which is as far as it comes; a right one leads to `key_secret_mismatch` (`bad_input.rs`).
    let mixed = tenant.key().replace(tenant.key_id(), other.key_id());
    let answer = Request::new("POST", stack().gateway("/v1/chat/completions"))
        .with("content-type", "application/json")
        .with("authorization", format!("Bearer {mixed}"))
        .body(chat_body("hello").to_string())
        .send();
    assert_eq!(answer.status, 401);
    untouched(&tenant, &other, 0);
}

#[test]
fn a_key_row_that_names_anothers_agent_or_owner_finds_none() {
    for (field, code) in [("agent_id", "agent_inactive"), ("owner_id", "owner_inactive")] {
        let (tenant, other) = (Tenant::new(), Tenant::new());
        let id = if field == "agent_id" { other.agent_id() } else { other.user_id() };
        tenant.set("control", "KEY", field, &json!({"S": id}));
        assert_eq!(told(&tenant.say("hello")), refused(code, 403), "{field}");
        untouched(&tenant, &other, 1);
    }
}

#[test]
fn a_credential_moved_to_another_tenant_or_host_does_not_open() {
    let (tenant, other) = (Tenant::new(), Tenant::new());
    let place = |of: &Tenant| format!("T#{}", of.tenant_id());
    let theirs = sealed::row("control", &place(&other), "PROVIDERS").unwrap();
    let ours = sealed::row("control", &place(&tenant), "PROVIDERS").unwrap();
    // Their credential in our row, under our provider's id.
    let mut mixed = ours.clone();
    mixed["providers"]["L"][0]["M"]["credential"] = theirs["providers"]["L"][0]["M"]["credential"].clone();
    put("control", &place(&tenant), "PROVIDERS", mixed);
    assert_eq!(told(&tenant.say("hello")), refused("keys_unavailable", 503));
    // Their whole row.
    put("control", &place(&tenant), "PROVIDERS", theirs);
    assert_eq!(told(&tenant.say("hello")), refused("keys_unavailable", 503));
    // Our own credential for another host: that of a server which would like to see it.
    let mut elsewhere = ours;
    let url = elsewhere["providers"]["L"][0]["M"]["base_url"]["S"]
        .as_str()
        .unwrap()
        .replace("127.0.0.1", "localhost");
    elsewhere["providers"]["L"][0]["M"]["base_url"]["S"] = json!(url);
    put("control", &place(&tenant), "PROVIDERS", elsewhere);
    assert_eq!(told(&tenant.say("hello")), refused("keys_unavailable", 503));
    untouched(&tenant, &other, 6);
}

#[test]
fn a_root_moved_to_another_tenant_does_not_unwrap() {
    for purpose in ["cred", "audit", "pseudonym"] {
        let (tenant, other) = (Tenant::new(), Tenant::new());
        let sk = format!("ROOT#{purpose}");
        let theirs = sealed::row("keys", &format!("T#{}", other.tenant_id()), &sk).unwrap();
        put("keys", &format!("T#{}", tenant.tenant_id()), &sk, theirs);
        assert_eq!(told(&tenant.say("hello")), refused("keys_unavailable", 503), "{purpose}");
        untouched(&tenant, &other, if purpose == "cred" { 2 } else { 1 });
    }
}

#[test]
fn a_persons_key_is_one_tenants_alone() {
    let (tenant, other) = (Tenant::new(), Tenant::new());
    let say = |of: &Tenant| of.chat("hello").with("x-cs-on-behalf-of", "Dana").send();
    assert_eq!((say(&tenant).status, say(&other).status), (200, 200));
    let (ours, theirs) = (tenant.records(2).remove(0), other.records(2).remove(0));
    let subject =
        |record: &countersign_tests::support::records::Record| record.field("on_behalf_of_ref").to_owned();
    assert_ne!(subject(&ours), subject(&theirs), "digests of one person do not meet across tenants");
    // Their person's key in the place of ours.
    let partition = |of: &Tenant| format!("T#{}#S", of.tenant_id());
    let moved = sealed::row("keys", &partition(&other), &format!("SUBJ#{}", subject(&theirs))).unwrap();
    put("keys", &partition(&tenant), &format!("SUBJ#{}", subject(&ours)), moved);
    assert_eq!(told(&say(&tenant)), refused("keys_unavailable", 503));
    // An operator who names their digest with our tenant erases nobody of theirs.
    let digest = subject(&theirs);
    let arguments = ["shred", "--subject", &digest, "--confirm", &digest, "--reason", "test"];
    assert!(tenant.ops(&arguments, &[]).0);
    let place = Place::of_record(&other, theirs.field("event_id"), "on_behalf_of");
    let opened = sealed::open_of_person(&other, &digest, &place, &aws::decoded(theirs.field("on_behalf_of")));
    assert_eq!(opened.as_deref(), Ok(b"Dana".as_slice()));
    assert_eq!(say(&other).status, 200);
}

#[test]
fn the_command_does_nothing_to_anothers_rows() {
    let (tenant, other) = (Tenant::new(), Tenant::new());
    let arguments = ["credential", "--provider", other.provider_id()];
    let (done, said) = tenant.ops(&arguments, &[("CS_PROVIDER_KEY", "sk-evil")]);
    assert!(!done && said.contains("no provider of that id"), "{said}");
    assert_eq!(other.say("hello").status, 200);
    assert_eq!(other.channel.received().len(), 1);
}

#[test]
fn placeholders_of_another_call_are_plain_text() {
    let (tenant, other) = (Tenant::new(), Tenant::new());
    assert_eq!(other.say("write to noa@example.com").status, 200);
    let sent = other.channel.received()[0].to_string();
    let (_, rest) = sent.split_once("[EMAIL_").expect("a placeholder");
    let (number, _) = rest.split_once(']').expect("its end");
    let answer = tenant.say(&format!("say [EMAIL_{number}]"));
    assert_eq!(answer.status, 200);
    assert!(!answer.body.contains("noa@example.com"), "{}", answer.body);
}
