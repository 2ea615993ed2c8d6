//! Real-looking texts, in and out.

use countersign_redact::{Action, Direction, Document, Policy, redact_answer_text};

use crate::common::{of, policy, redact, redact_text, set};
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
    ("ISO 8601, RFC 5321, 3f2504e0-4f89-11d3-9a0c-0305e82c3301", ""),
    ("call +972-54-123-4567 or (212) 555-0187", "call [PHONE_1_~] or [PHONE_2_~]"),
    // Written in another way
    ("4\u{200b}111 1111 １１１１ ١١١١ and d a n a @ e x a m p l e . c o m", "[CARD_1_~] and [EMAIL_1_~]"),
    (
        "?to=dana%40example.com&x=ZGFuYUBleGFtcGxlLmNvbQ== &#100;ana&commat;example.com",
        "?to=[EMAIL_1_~]&x=[EMAIL_2_~] [EMAIL_3_~]",
    ),
    (r"\u0064ana\u0040example.com, dаnа@example.com", "[EMAIL_1_~], [EMAIL_2_~]"),
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

#[test]
fn the_name_of_a_field_tells_what_its_value_is() {
    let body = json!({"rows": [{"password": "hunter2-Xy7", "api_key": "kX7pQ2mZ9w", "pesel": "44051401359",
        "password_hint": "the usual one", "note": "44051401359", "secret": "${SECRET}"}]});
    let redaction = redact(body);
    let expected = json!({"rows": [{"password": "[SECRET_1_k3f9a2x7]", "api_key": "[SECRET_2_k3f9a2x7]",
        "pesel": "[PL_PESEL_1_k3f9a2x7]", "password_hint": "the usual one", "note": "44051401359", "secret": "${SECRET}"}]});
    assert_eq!(redaction.body.get(), &expected);
}

/// What an attacker of this crate once got through.
#[test]
fn what_once_got_through_does_not_any_more() {
    let far = "and so on, ".repeat(20);
    let forged =
        ["[A_H_4111111111111111]", "[A4111111111111111_1_zzzzzzzz]", "[X_T_4111111111111111aaaaaaaaaa]"];
    for (text, value) in [
        (format!("SSN 536228726, {far} my password is Tr0ub4dor&3"), "536228726"),
        (r#"{"note":"SSN\n536-22-8726"}"#.to_owned(), "536-22-8726"),
        (
            r#"{"note":"key\nAKIAIOSFODNN7EXAMPLE","a":"\tdana@example.com"}"#.to_owned(),
            "AKIAIOSFODNN7EXAMPLE",
        ),
        // A pattern that was found late is still looked for before; words before a run are read though others came later.
        (format!("PASSWD=hunter2Gx81kz {far} my password is Tr0ub4dor&3"), "hunter2Gx81kz"),
        (format!("SSN NTM2MjI4NzI2 {far} ssn 536-22-8726 {far}"), "NTM2MjI4NzI2"),
        (forged[0].to_owned(), "4111111111111111"),
        (forged[1].to_owned(), "4111111111111111"),
        (forged[2].to_owned(), "4111111111111111"),
        ("re\u{301}ne\u{301}@example.com".to_owned(), "ne\u{301}@example.com"),
        (format!("{}x 4111 1111 1111 1111 and", "word ".repeat(202)), "4111 1111 1111 1111"),
    ] {
        let (redacted, _) = redact_text(&text);
        assert!(!redacted.contains(value), "{redacted}");
        let (answer, _) = redact_answer_text(&policy(), &text);
        assert!(!answer.contains(value), "{answer}");
    }
}

/// Words count within 64 bytes: `api_key` came near to the second number when the first, longer than what stands in for it,
/// was gone.
#[test]
fn what_a_finding_kept_apart_is_found_too() {
    let key = "T70FnU1edV8sou2t6pDLkZyXs2CpfuwW9i1RlpNYtLAO5uzONvaDuRjfCRmVc9Fs";
    let (redacted, _) = redact_text(&format!("hetzner_api_key = \"{key}\"212121212121212121"));
    assert_eq!(redacted, "hetzner_api_key = \"[SECRET_1_k3f9a2x7]\"[SECRET_2_k3f9a2x7]");
    // What fills a passport's lines ended at the phone, once that was gone.
    let lines = "V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nL8988901C4XXX4009078F9612109<<<<<<<<";
    let (redacted, _) = redact_text(&format!("{lines}212-555-0187 x459"));
    assert!(!redacted.contains("L8988901C4"), "{redacted}");
}

/// The first round takes out the keys, the second the password that they stand in.
#[test]
fn a_value_around_values_comes_back_whole() {
    let key = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIB\nAQQg\n\
               -----END PRIVATE KEY-----";
    let text = format!("Host=db;Username=app;Password=correcthorse{key}{key}");
    let (redacted, redaction) = redact_text(&text);
    assert_eq!(redacted, "Host=db;Username=app;Password=[SECRET_2_k3f9a2x7]");
    assert_eq!(redaction.vault.restore_text(&redacted), text);
}

#[test]
fn what_a_tenant_allows_hides_nothing_that_the_floor_looks_for() {
    let floor =
        Document::parse(r#"{"v": 1, "answers": true, "types": {"phone": {"action": "redact"}}}"#).unwrap();
    for tenant in [
        r#"{"v": 1, "types": {"us_ssn": {"action": "allow"}}}"#,
        r#"{"v": 1, "types": {"us_ssn": {"action": "alert"}}}"#,
        r#"{"v": 1, "allow": {"values": ["460-89-9847"]}}"#,
        r#"{"v": 1, "types": {"*": {"action": "redact", "direction": "request"}, "us_ssn": {"action": "allow"}}}"#,
    ] {
        let tenant = Document::parse(tenant).unwrap();
        let policy = Policy::compile(Some(&floor), Some(&tenant), None).unwrap();
        let hits = policy.detect("phone / ssn 460-89-9847", None, Direction::Request);
        assert!(hits.iter().any(|hit| hit.action == Action::Redact), "{hits:?}");
        assert!(policy.searches_answers());
        assert!(!policy.detect("dana@example.com", None, Direction::Answer).is_empty());
    }
}

#[test]
fn terms_in_any_script_are_found_as_they_are_written() {
    let policy = of(r#"{"v": 1, "people": ["Анна Петрова", "Ελένη Παπαδοπούλου"],
        "terms": [{"id": "firm", "words": ["Ромашка"], "action": "redact"}]}"#);
    for text in ["пишет Анна Петрова.", "η Ελένη Παπαδοπούλου είπε", "фирма Ромашка"]
    {
        assert_eq!(policy.detect(text, None, Direction::Request).len(), 1, "{text}");
    }
}
