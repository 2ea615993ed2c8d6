//! Real-looking texts, in and out.

use crate::common::{redact, redact_text, set};
use countersign_redact::Detectors;
use serde_json::json;

/// Text as written, text as it leaves. The nonce is `k3f9a2x7`, written as `~` here.
const TEXTS: &[(&str, &str)] = &[
    // English
    (
        "Hi, I'm Dana (dana.levi@example.com). Card 4111 1111 1111 1111 12/27, SSN 460-89-9847.",
        "Hi, I'm Dana ([EMAIL_1_~]). Card [CARD_1_~] 12/27, SSN [SSN_1_~].",
    ),
    (
        "Wire it to GB82 WEST 1234 5698 7654 32, or DE89370400440532013000.",
        "Wire it to [IBAN_1_~], or [IBAN_2_~].",
    ),
    ("ssh admin@10.1.2.3 -p 22; ping 2001:db8::7", "ssh admin@[IP_1_~] -p 22; ping [IP_2_~]"),
    (
        "IPv6:2001:db8::7, [2001:db8::7]:443 and 10.1.2.3:80/x.",
        "IPv6:[IP_1_~], [[IP_1_~]]:443 and [IP_2_~]:80/x.",
    ),
    (
        "CSV: 123456782,dana@example.com;4111111111111111|123456782",
        "CSV: [IL_ID_1_~],[EMAIL_1_~];[CARD_1_~]|[IL_ID_1_~]",
    ),
    ("mailto:dana@example.com?subject=x", "mailto:[EMAIL_1_~]?subject=x"),
    ("user_123456782@ and id_123456782.", "user_[IL_ID_1_~]@ and id_[IL_ID_1_~]."),
    ("50 4111111111111111", "50 [CARD_1_~]"),
    // Hebrew, prefixes glued
    ("תעודת זהות 123456782, בבקשה.", "תעודת זהות [IL_ID_1_~], בבקשה."),
    ("הכרטיס של4111111111111111 נחסם", "הכרטיס של[CARD_1_~] נחסם"),
    ("שלחו לdana@example.co.il וגם ל12345678-2", "שלחו ל[EMAIL_1_~] וגם ל[IL_ID_1_~]"),
    ("חשבון IL62 0108 0000 0009 9999 999 בבנק", "חשבון [IBAN_1_~] בבנק"),
    ("מהכתובת ב192.168.7.9 נכנסו", "מהכתובת ב[IP_1_~] נכנסו"),
    // German
    (
        "Überweisen Sie an DE89 3704 0044 0532 0130 00; Rückfragen: jörg.müller@büro-köln.de.",
        "Überweisen Sie an [IBAN_1_~]; Rückfragen: [EMAIL_1_~].",
    ),
    ("Kreditkarte „5555-5555-5555-4444“ läuft ab.", "Kreditkarte „[CARD_1_~]“ läuft ab."),
    // Code and configuration
    ("AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE\n", "AWS_ACCESS_KEY_ID=[SECRET_1_~]\n"),
    (r#"{"to":"dana@example.com","n":[123456782]}"#, r#"{"to":"[EMAIL_1_~]","n":[[IL_ID_1_~]]}"#),
    // Left alone
    ("Order 20260412, total 1,299.00 EUR, 3 of 12, at 10:42:26, 2026-11-23T10:42:26Z", ""),
    ("fn main() { std::net::Ipv6Addr::LOCALHOST; x[1::2]; a::b::c() } // v1.2.3 127.0.0.1 ::1", ""),
    ("ISO 8601, RFC 5321, +972-54-123-4567, 555-123-4567, 3f2504e0-4f89-11d3-9a0c-0305e82c3301", ""),
    (
        "[EMAIL_1_abcdefgh] is escaped, [EMAIL_1_ABCDEFGH] is only a text",
        "[TEXT_1_~] is escaped, [EMAIL_1_ABCDEFGH] is only a text",
    ),
    ("sk-learn, ghp_hello, hf_hub, npm_config_registry, @dana, a@b", ""),
];

#[test]
fn texts_leave_as_they_should() {
    for (text, expected) in TEXTS {
        let expected =
            if expected.is_empty() { (*text).to_owned() } else { expected.replace('~', "k3f9a2x7") };
        let (redacted, redaction) = redact_text(text);
        assert_eq!(redacted, expected);
        let escaped = usize::from(redacted.contains("[TEXT_1_"));
        assert_eq!(redaction.vault.is_empty(), redaction.findings.is_empty() && escaped == 0);
    }
}

#[test]
fn overlapping_findings_become_one_and_nothing_is_left_beside_them() {
    let parse = |boundary: &str| {
        let detector = |id: &str, pattern: &str| {
            format!(
                "[[detector]]\nid = \"{id}\"\nlabel = \"{}\"\nsource = \"a test\"\nstart = \"digit\"\n\
                 pattern = '{pattern}'\nboundary = \"{boundary}\"\nexamples = [\"1\"]\nnot = [\"a\"]\n",
                id.to_uppercase()
            )
        };
        let files =
            [detector("a", "12-34"), detector("b", "34-567"), detector("c", "567-8"), detector("d", "12-34")];
        Detectors::parse(&files.each_ref().map(String::as_str)).expect("compiles")
    };
    let set = parse("none");
    let shown = |text: &str| {
        let hits = set.detect(text);
        hits.iter().map(|hit| (hit.detector.id().to_owned(), hit.start, hit.end)).collect::<Vec<_>>()
    };
    assert_eq!(shown("12-34"), [("a".to_owned(), 0, 5)]);
    assert_eq!(shown("12-34-567"), [("b".to_owned(), 0, 9)]);
    assert_eq!(shown("12-34-567-8 12-34"), [("b".to_owned(), 0, 11), ("a".to_owned(), 12, 17)]);
}

#[test]
fn no_order_of_fields_changes_what_is_found() {
    let one = redact(json!({"a": "x@example.com", "b": ["y@example.com", "4111111111111111"]}));
    let two = redact(json!({"b": ["4111111111111111", "y@example.com"], "a": "x@example.com"}));
    assert_eq!(one.findings, two.findings);
    for part in ["x@example.com", "y@example.com", "4111111111111111"] {
        assert!(!one.body.get().to_string().contains(part) && !two.body.get().to_string().contains(part));
    }
}

#[test]
fn a_chat_request_keeps_its_shape() {
    let body = json!({
        "model": "gpt-4o-mini", "temperature": 0.7, "max_tokens": 123_456_782, "stream": false, "stop": null,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Mail noa@example.com"}]},
            {"role": "assistant", "tool_calls": [{"id": "call_1", "type": "function",
                "function": {"name": "send", "arguments": "{\"to\":\"noa@example.com\"}"}}]},
        ],
    });
    let redaction = redact(body.clone());
    let text = body.to_string().replace("noa@example.com", "[EMAIL_1_k3f9a2x7]");
    assert_eq!(redaction.body.get().to_string(), text);
    assert_eq!(redaction.vault.restore_text(&text), body.to_string());
}

#[test]
fn the_set_is_the_one_that_the_readme_names() {
    let ids = set().iter().map(|detector| detector.id()).collect::<Vec<_>>();
    for id in
        ["email", "card", "iban", "us_ssn", "il_id", "ipv4", "ipv6", "jwt", "private_key", "api_key_openai"]
    {
        assert!(ids.contains(&id), "{id}");
    }
}
