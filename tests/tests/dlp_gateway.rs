//! DLP policies on calls of models, through the real gateway: what a floor forbids, what becomes a token, and what a policy
//! that does not read does to a call.
#![cfg(test)]

use countersign_tests::support::{Tenant, aws, stack};
use serde_json::{Value, json};

const EMAIL: &str = "noa.golan+planted@example.co.il";
const CARD: &str = "4111 1111 1111 1111";

/// What the provider got, as one text.
fn sent(tenant: &Tenant) -> String {
    tenant.channel.received().iter().map(Value::to_string).collect()
}

/// Puts a text where a DLP document lies, whatever it is.
fn put_document(pk: &str, sk: &str, document: &str) {
    let item = json!({"pk": {"S": pk}, "sk": {"S": sk}, "v": {"N": "1"}, "version": {"N": "1"},
        "document": {"S": document}});
    let params = json!({"TableName": stack().at("/tables/control"), "Item": item});
    aws::must("operator", "dynamodb", "put_item", &params);
}

#[test]
fn what_becomes_a_token_in_a_call_comes_back_in_its_answer_and_later_in_its_conversation() {
    let tenant = Tenant::without_policy();
    tenant.policy(&json!({"v": 1, "types": {"email": {"action": "tokenize"}, "card": {"action": "mask"}}}));
    let ask = format!("Write to {EMAIL} about card {CARD}");
    let answer = tenant.chat(&ask).with("x-cs-conversation", "ticket-4711").send();
    assert_eq!(answer.status, 200, "{answer:?}");
    let sent = sent(&tenant);
    assert!(!sent.contains(EMAIL) && !sent.contains(CARD) && sent.contains("**** **** **** 1111"), "{sent}");
    let start = sent.find("[EMAIL_T_").unwrap_or_else(|| panic!("{sent}"));
    let token: String = sent.chars().skip(sent.get(..start).unwrap().chars().count()).take(36).collect();
    let restored = |conversation: &str| {
        let asked = tenant.dlp("/v1/restore", &json!({"text": token}));
        let answer = asked.with("x-cs-conversation", conversation).send();
        answer.json()["text"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
    };
    assert_eq!(restored("ticket-4711"), EMAIL);
    assert_eq!(restored("ticket-4712"), token);
}

#[test]
fn what_the_floor_blocks_is_refused_whatever_the_tenant_says() {
    let tenant = Tenant::without_policy();
    tenant.policy(&json!({"v": 1, "types": {"card": {"action": "allow"}}}));
    assert_eq!(tenant.say(CARD).status, 200);
    let floor = r#"{"v": 1, "types": {"card": {"action": "block"}}}"#;
    put_document(&format!("ORG#{}", tenant.org_id()), "DLP#floor", floor);
    let before = tenant.channel.received().len();
    let answer = tenant.say(&format!("pay with {CARD}"));
    assert_eq!(
        (answer.status, answer.json()["error"]["code"].as_str()),
        (403, Some("content_blocked")),
        "{answer:?}"
    );
    assert!(answer.body.contains("card") && !answer.body.contains(CARD), "{answer:?}");
    assert_eq!(tenant.channel.received().len(), before, "nothing was sent");
    let records = tenant.records(3);
    let refused = records.iter().find(|record| record.field("reason") == "content_blocked").unwrap();
    assert_eq!(refused.at("dlp")["card.block"], 1);
    assert_eq!(refused.field("event_type"), "policy.violation");
}

#[test]
fn a_policy_that_does_not_read_refuses_every_call() {
    let tenant = Tenant::without_policy();
    put_document(
        &format!("T#{}", tenant.tenant_id()),
        "DLP#tenant",
        r#"{"v": 1, "types": {"email": "planted"}}"#,
    );
    let answer = tenant.say("hello");
    assert_eq!(
        (answer.status, answer.json()["error"]["code"].as_str()),
        (503, Some("policy_unreadable")),
        "{answer:?}"
    );
    assert!(!answer.body.contains("planted"));
    assert_eq!(tenant.channel.received().len(), 0);
    assert_eq!(tenant.records(1)[0].field("reason"), "policy_unreadable");
}
