//! Past the URL: who may invoke the functions directly, and what such a caller can and cannot forge.
#![cfg(test)]

use countersign_tests::support::tenant::chat_body;
use countersign_tests::support::{Tenant, aws};
use serde_json::{Value, json};

/// An event as the function URL would send it, with any source address.
fn forged(authorization: Option<&str>) -> Value {
    let mut headers = json!({"content-type": "application/json", "x-amzn-tls-version": "TLSv1.3"});
    if let Some(authorization) = authorization {
        headers["authorization"] = json!(authorization);
    }
    json!({
        "version": "2.0",
        "rawPath": "/v1/chat/completions",
        "headers": headers,
        "requestContext": {"requestId": "forged", "http": {"method": "POST", "sourceIp": "198.51.100.99"}},
        "body": chat_body("hello").to_string(),
        "isBase64Encoded": false,
    })
}

#[test]
fn a_forged_event_without_a_valid_key_is_refused_like_any_other() {
    let tenant = Tenant::new();
    let cut = tenant.key().split_at(tenant.key().len() - 1).0;
    for authorization in [None, Some("Bearer nonsense".to_owned()), Some(format!("Bearer {cut}"))] {
        let answer = aws::invoke("deployer", "gateway", &forged(authorization.as_deref())).unwrap();
        assert_eq!(answer["statusCode"], 401, "{answer}");
    }
    assert!(tenant.records(0).is_empty());
}

/// What the README says such a principal could forge: the source address, and nothing else.
#[test]
fn with_a_valid_key_it_is_a_call_like_any_other_and_the_forged_address_is_sealed() {
    let tenant = Tenant::new();
    let answer =
        aws::invoke("deployer", "gateway", &forged(Some(&format!("Bearer {}", tenant.key())))).unwrap();
    assert_eq!(answer["statusCode"], 200, "{answer}");
    let records = tenant.records(2);
    assert_eq!(records[0].field("agent_id"), tenant.agent_id());
    assert!(records.iter().all(|record| !record.text.contains("198.51.100.99")));
}

#[test]
fn only_the_deployer_invokes_and_only_what_has_a_url() {
    for function in ["gateway", "dlp"] {
        for role in ["operator", "auditor", "gateway", "dlp", "audit-writer"] {
            let refused = aws::invoke(role, function, &forged(None)).unwrap_err();
            assert_eq!(refused.code, "AccessDeniedException", "{role}");
        }
        let mut event = forged(None);
        event["rawPath"] = json!("/v1/detect");
        let answer = aws::invoke("deployer", function, &event).unwrap();
        assert!([401, 404].contains(&answer["statusCode"].as_u64().unwrap()), "{answer}");
    }
    let tenant = Tenant::new();
    let record = json!({"Records": [{"messageId": "forged", "body": "{}"}]});
    let refused = aws::invoke("deployer", "audit-writer", &record).unwrap_err();
    assert_eq!(refused.code, "AccessDeniedException", "whoever could would write any record into the ledger");
    assert!(tenant.records(0).is_empty());
}
