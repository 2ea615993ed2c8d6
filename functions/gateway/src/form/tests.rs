//! The form of requests: each fault with its place, and what the field uses.

use super::*;
use serde_json::json;

fn with(change: Value) -> Result<Ask, Fault> {
    let mut body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]});
    for (name, value) in change.as_object().unwrap() {
        body[name] = value.clone();
    }
    told(Ask::parse(Dialect::Chat, body))
}

/// What cannot be inspected, told as the refusal that it becomes when no policy permits it.
fn told(ask: Result<Ask, Fault>) -> Result<Ask, Fault> {
    let ask = ask?;
    match ask.needs().first() {
        Some(need) => Err(Fault::at(Reason::Uninspectable, &need.param, need.why)),
        None => Ok(ask),
    }
}

#[test]
fn each_fault_has_its_reason_and_place() {
    let part = |kind: &str| json!({"messages": [{"role": "user", "content": [{"type": "text", "text": ""}, {"type": kind}]}]});
    let cases = [
        (json!({"model": 5}), Reason::InvalidField, "model"),
        (json!({"model": ""}), Reason::InvalidField, "model"),
        (json!({"messages": []}), Reason::InvalidField, "messages"),
        (json!({"messages": "hi"}), Reason::InvalidField, "messages"),
        (json!({"messages": ["hi"]}), Reason::InvalidField, "messages[0].role"),
        (json!({"messages": [{"role": "user", "content": 5}]}), Reason::InvalidField, "messages[0].content"),
        (json!({"n": 0}), Reason::InvalidField, "n"),
        (json!({"n": 17}), Reason::InvalidField, "n"),
        (json!({"max_tokens": -1}), Reason::InvalidField, "max_tokens"),
        (json!({"max_completion_tokens": 1.5}), Reason::InvalidField, "max_completion_tokens"),
        (json!({"stream": "yes"}), Reason::InvalidField, "stream"),
        (json!({"store": true}), Reason::Uninspectable, "store"),
        (json!({"audio": {"voice": "x"}}), Reason::Uninspectable, "audio"),
        (json!({"modalities": ["text", "audio"]}), Reason::Uninspectable, "modalities"),
        (json!({"web_search_options": {}}), Reason::Uninspectable, "web_search_options"),
        (json!({"tools": [{"type": "function"}, {"type": "web_search"}]}), Reason::Uninspectable, "tools[1]"),
        (json!({"tools": {}}), Reason::Uninspectable, "tools"),
        (json!({"models": ["other"]}), Reason::Uninspectable, "models"),
        (json!({"plugins": [{"id": "web"}]}), Reason::Uninspectable, "plugins"),
        (json!({"best_of": null, "enable_search": true}), Reason::Uninspectable, "enable_search"),
        (json!({"user": 123_456_782}), Reason::InvalidField, "user"),
        (json!({"metadata": {"user_id": 5}}), Reason::InvalidField, "metadata"),
        (
            json!({"messages": [{"role": "user", "content": [{"type": "text", "text": "", "image_url": "x"}]}]}),
            Reason::Uninspectable,
            "messages[0].content[0]",
        ),
        (part("image_url"), Reason::Uninspectable, "messages[0].content[1]"),
        (part("input_audio"), Reason::Uninspectable, "messages[0].content[1]"),
        (part("file"), Reason::Uninspectable, "messages[0].content[1]"),
        (
            json!({"messages": [{"role": "assistant", "audio": {"id": "a"}}]}),
            Reason::Uninspectable,
            "messages[0].audio",
        ),
    ];
    for (change, reason, place) in cases {
        let fault = with(change.clone()).unwrap_err();
        assert_eq!((fault.reason, fault.param.as_deref()), (reason, Some(place)), "{change}");
    }
    assert_eq!(Ask::parse(Dialect::Chat, json!([])).unwrap_err().reason, Reason::InvalidField);
    assert_eq!(with(json!({"card": 4_111_111_111_111_111_u64})).unwrap_err().reason, Reason::InvalidField);
}

#[test]
fn what_the_field_uses_passes() {
    for change in [
        json!({}),
        json!({"stream": false, "n": null, "store": false, "modalities": ["text"], "audio": null}),
        json!({"tools": [{"type": "function", "function": {"name": "f"}}], "temperature": 0.5}),
        json!({"messages": [{"role": "assistant", "content": null, "tool_calls": []}, {"role": "tool", "content": "x"}]}),
    ] {
        assert!(with(change.clone()).is_ok(), "{change}");
    }
}

#[test]
fn another_tenants_identifier_is_noticed_wherever_it_stands() {
    let (org, tenant) = (OrgId::from_random([1; 10]), TenantId::from_random([1; 10]));
    let other = TenantId::from_random([2; 10]);
    let names = |change: Value| with(change).unwrap().names_other_than(&org, &tenant);
    assert!(!names(json!({"tenant_id": tenant, "org_id": org})));
    assert!(names(json!({"tenant_id": other})));
    assert!(names(json!({"metadata": {"deep": [{"org": OrgId::from_random([2; 10])}]}})));
    assert!(!names(json!({"messages": [{"role": "user", "content": format!("see {other}")}]})));
}
