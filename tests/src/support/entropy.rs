//! Looks for secrets that nobody planted: long strings that are too even to be words, and are of no form that is known
//! to be harmless where it stands.

use std::collections::BTreeMap;

use serde_json::Value;

/// Shorter than this nothing is a key of 128 bits.
const MIN_CHARS: usize = 22;
/// Bits per character. Words and paths lie below; base64, base62 and base32 of random bytes above.
const MIN_BITS: f64 = 3.7;

/// Every odd string of a text, with the name of the field that holds it. JSON is read as such, line by line if need be.
pub fn odd(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    match serde_json::from_str::<Value>(text) {
        Ok(value) => walk("", &value, &mut found),
        Err(_) => {
            for line in text.lines() {
                match line.find('{').and_then(|at| serde_json::from_str::<Value>(line.get(at..)?).ok()) {
                    Some(value) => walk("", &value, &mut found),
                    None => look("", line, &mut found),
                }
            }
        }
    }
    found
}

fn walk(field: &str, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => match text.starts_with(['{', '[']).then(|| serde_json::from_str(text)) {
            Some(Ok(inner)) => walk(field, &inner, found),
            _ => look(field, text, found),
        },
        Value::Array(items) => items.iter().for_each(|item| walk(field, item, found)),
        Value::Object(fields) => {
            for (name, inner) in fields {
                look("(key)", name, found);
                // DynamoDB names the type of a value, not its meaning.
                let typed = ["S", "N", "B", "M", "L", "BOOL", "NULL"].contains(&name.as_str());
                walk(if typed { field } else { name }, inner, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn look(field: &str, text: &str, found: &mut Vec<(String, String)>) {
    let inside = |c: char| c.is_ascii_alphanumeric() || "_-+/=".contains(c);
    for token in text.split(|c| !inside(c)).filter(|token| token.len() >= MIN_CHARS) {
        if is_even(token) && !is_harmless(field, token) {
            found.push((field.to_owned(), token.to_owned()));
        }
    }
}

/// As random as a key: letters and digits mixed, and no character much more frequent than another.
fn is_even(token: &str) -> bool {
    let mixed =
        token.bytes().any(|byte| byte.is_ascii_digit()) && token.bytes().any(|b| b.is_ascii_alphabetic());
    mixed && bits_per_character(token) >= MIN_BITS
}

fn bits_per_character(token: &str) -> f64 {
    let mut counts = BTreeMap::<u8, f64>::new();
    token.bytes().for_each(|byte| *counts.entry(byte).or_default() += 1.0);
    #[expect(clippy::cast_precision_loss, reason = "tokens are short")]
    let all = token.len() as f64;
    counts.values().map(|count| -(count / all) * (count / all).log2()).sum()
}

/// Forms that are known, each where it belongs. A 256-bit key in hexadecimal looks like a digest: digests are let pass in
/// fields that are named for it alone.
fn is_harmless(field: &str, token: &str) -> bool {
    let hex = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let id = |part: &str| part.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && part.split('-').all(hex);
    let word = |part: &str| part.bytes().all(|byte| byte.is_ascii_lowercase());
    // Of 80 bits, as ours are.
    let short =
        |part: &str| part.len() == 20 && part.get(3..4) == Some("_") && part.get(..3).is_some_and(word);
    let dashed = |part: &str| part == "v1" || part.split('-').all(word);
    // Of a request for approval, which its link names.
    let request = |part: &str| part.strip_prefix("apr_").is_some_and(|rest| rest.len() == 32 && hex(rest));
    // An id may stand in a path: that of a key in KMS, of a query's result, or one of ours.
    let known = |part: &str| id(part) || short(part) || request(part);
    let uuid = token.split('/').all(|part| known(part) || dashed(part)) && token.split('/').any(known);
    let sealed = token.starts_with("Q1NFM");
    let pseudonym = token.strip_prefix("psn_").is_some_and(|rest| rest.len() == 32);
    let digest = ["_commitment", "sha256", "checksum", "digest"].iter().any(|end| field.ends_with(end));
    uuid || sealed || pseudonym || (digest && token.len() <= 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_wherever_they_stand_and_known_forms_pass() {
        let key = "q3Zk8Vt0bXo2LwPa9RcYsE5uTn7HjM1dG4fC6iWyB0";
        let hex = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
        for text in [
            key.to_owned(),
            format!(r#"{{"a": [{{"b": "x {key} y"}}]}}"#),
            format!(r#"{{"metadata": "{{\"k\":\"{key}\"}}"}}"#),
            format!("2026 INFO {{\"field\": \"{key}\"}}\nplain"),
            format!(r#"{{"{key}": 1}}"#),
            format!(r#"{{"credential": "{hex}"}}"#),
        ] {
            assert_eq!(odd(&text).len(), 1, "{text}");
        }
        for text in [
            "an ordinary sentence with averyveryverylongcompoundword in it",
            "01998c7d-3f1e-7b3a-9f00-0123456789ab",
            "arn:aws:kms:eu-central-1:0:key/06c48461-d106-4b46-9f07-eff4c12a36bc",
            r#"{"request_commitment": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}"#,
            "psn_aebccdgahhijkklmnopabcdefghijklm",
            "/v1/tenants/ten_abvranc3mtphysrn/break-glass",
            "/a/apr_ff65d122ed99c7b22f3851937e019479",
        ] {
            assert_eq!(odd(text), [], "{text}");
        }
    }
}
