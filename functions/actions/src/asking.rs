//! What bodies say: an action that is asked for, and what a tool tells of one.

use caller::{Fault, json};
use domain::{Digest, Name, Opaque, Reason, Run};
use serde_json::{Map, Value};

use crate::event::Step;

/// Longest idempotency key, in bytes.
const KEY_MAX: usize = 256;
/// Longest target, in bytes.
const TARGET_MAX: usize = 1_024;
/// Longest reason, in bytes.
const REASON_MAX: usize = 2_000;
/// The largest arguments, in bytes of their canonical form: a row has room for them, and people for reading them.
pub const ARGUMENTS_MAX: usize = 64 * 1_024;
/// What a consumer calls itself by: at least 128 bits of base64url.
const CONSUMER: std::ops::RangeInclusive<usize> = 22..=128;

/// An action that an agent asks for.
#[derive(Clone, PartialEq)]
pub struct Asking {
    pub tool: Name,
    pub arguments: Value,
    pub target: Option<String>,
    /// Why, in the agent's words.
    pub reason: Option<String>,
    /// Asked for again under the same one, it is the same request.
    pub idempotency_key: String,
    /// Where the agent wants to be told of the end, by the name of an address that its tenant has registered.
    pub callback: Option<Name>,
}

/// Shows nothing of it.
impl std::fmt::Debug for Asking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asking").finish_non_exhaustive()
    }
}

fn fault(field: &str, hint: &str) -> Fault {
    Fault::at(Reason::InvalidField, field, hint)
}

fn object(body: &str, fields: &str) -> Result<Map<String, Value>, Fault> {
    match json::parse(body)? {
        Value::Object(body) => Ok(body),
        _ => Err(fault("body", fields)),
    }
}

fn text(body: &mut Map<String, Value>, field: &str, most: usize) -> Result<Option<String>, Fault> {
    match body.shift_remove(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if (1..=most).contains(&text.len()) => Ok(Some(text)),
        Some(_) => Err(fault(field, &format!("send 1 to {most} bytes of text, or leave it out"))),
    }
}

fn name(body: &mut Map<String, Value>, field: &str) -> Result<Option<Name>, Fault> {
    let text = text(body, field, 128)?;
    let hint = "send 1 to 128 characters of A-Z, a-z, 0-9, '.', '_', ':', '/', '@' and '-'";
    text.map(|text| text.parse().map_err(|_| fault(field, hint))).transpose()
}

fn nothing_else(body: &Map<String, Value>, known: &str) -> Result<(), Fault> {
    if body.is_empty() { Ok(()) } else { Err(fault("body", &format!("these fields are known: {known}"))) }
}

impl Asking {
    const FIELDS: &str = "tool, arguments, target, reason, idempotency_key, callback";

    /// # Errors
    /// Not JSON, or not this form.
    pub fn read(body: &str) -> Result<Self, Fault> {
        let mut body = object(body, "send a JSON object with `tool`, `arguments` and `idempotency_key`")?;
        let arguments = match body.shift_remove("arguments") {
            Some(Value::Object(fields)) => Value::Object(fields),
            _ => return Err(fault("arguments", "send what the tool will be given, as an object")),
        };
        let asking = Self {
            tool: name(&mut body, "tool")?.ok_or_else(|| fault("tool", "name the tool that is to act"))?,
            arguments,
            target: text(&mut body, "target", TARGET_MAX)?,
            reason: text(&mut body, "reason", REASON_MAX)?,
            idempotency_key: text(&mut body, "idempotency_key", KEY_MAX)?.ok_or_else(|| {
                fault(
                    "idempotency_key",
                    "send one of your own for each action, and the same one to ask again",
                )
            })?,
            callback: name(&mut body, "callback")?,
        };
        nothing_else(&body, Self::FIELDS)?;
        Ok(asking)
    }

    /// What is sealed, so that people can be shown it; and who it is for, who do not decide about it.
    pub fn shown(&self, cause: Option<&Opaque>) -> String {
        let shown = serde_json::json!({
            "arguments": self.arguments, "target": self.target, "reason": self.reason, "cause": cause.map(Opaque::as_str),
        });
        shown.to_string()
    }
}

/// What a tool says.
#[derive(Clone, PartialEq, Eq)]
pub struct Told {
    /// What it chose to be known by, digested. Whoever has the secret may ask again, and tells the outcome.
    pub consumer: Opaque,
    /// Of an outcome alone.
    pub outcome: Option<Run>,
    /// Of an outcome alone, if it says so: of a receipt that is kept elsewhere. It is recorded.
    pub detail: Option<Digest>,
}

/// Shows no consumer.
impl std::fmt::Debug for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Told").field("outcome", &self.outcome).finish_non_exhaustive()
    }
}

impl Told {
    /// # Errors
    /// Not JSON, or not this form.
    pub fn read(step: Step, body: &str) -> Result<Self, Fault> {
        let mut body = object(body, "send a JSON object with `consumer`")?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let consumer = match body.shift_remove("consumer") {
            Some(Value::String(text)) if CONSUMER.contains(&text.len()) && text.bytes().all(plain) => {
                Opaque::of(&["countersign consumer", &text])
            }
            _ => {
                return Err(fault(
                    "consumer",
                    "send 22 to 128 characters of base64url: a fresh secret of yours",
                ));
            }
        };
        let outcome = match (step, body.shift_remove("outcome").as_ref().and_then(Value::as_str)) {
            (Step::Consume, None) => None,
            (Step::Outcome, Some("executed")) => Some(Run::Executed),
            (Step::Outcome, Some("failed")) => Some(Run::Failed),
            _ => {
                return Err(fault(
                    "outcome",
                    "send `executed` or `failed` to …/outcome, and nothing to …/consume",
                ));
            }
        };
        let detail = match (step, body.shift_remove("detail_sha256")) {
            (_, None) => None,
            (Step::Outcome, Some(Value::String(text))) => Some(text.parse().map_err(|_| detail_fault())?),
            _ => return Err(detail_fault()),
        };
        nothing_else(&body, "consumer, outcome, detail_sha256")?;
        Ok(Self { consumer, outcome, detail })
    }
}

fn detail_fault() -> Fault {
    fault("detail_sha256", "send 64 hexadecimal digits in lower case to …/outcome, and nothing to …/consume")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_read_whole_or_not() {
        let good = r#"{"tool":"payments.send","arguments":{"amount":5},"target":"prod","reason":"invoice","idempotency_key":"k-1","callback":"ops"}"#;
        let asking = Asking::read(good).unwrap();
        assert_eq!((asking.tool.as_str(), asking.target.as_deref()), ("payments.send", Some("prod")));
        assert!(Asking::read(r#"{"tool":"t","arguments":{},"idempotency_key":"k"}"#).is_ok());
        for (bad, field) in [
            (r#"{"arguments":{},"idempotency_key":"k"}"#, "tool"),
            (r#"{"tool":"a b","arguments":{},"idempotency_key":"k"}"#, "tool"),
            (r#"{"tool":"t","arguments":[],"idempotency_key":"k"}"#, "arguments"),
            (r#"{"tool":"t","arguments":{}}"#, "idempotency_key"),
            (r#"{"tool":"t","arguments":{},"idempotency_key":""}"#, "idempotency_key"),
            (r#"{"tool":"t","arguments":{},"idempotency_key":"k","target":5}"#, "target"),
            (r#"{"tool":"t","arguments":{},"idempotency_key":"k","approve":true}"#, "body"),
            (r#"[]"#, "body"),
        ] {
            let fault = Asking::read(bad).unwrap_err();
            assert_eq!((fault.reason, fault.param.as_deref()), (Reason::InvalidField, Some(field)), "{bad}");
        }
        let twice = Asking::read(r#"{"tool":"t","tool":"u","arguments":{},"idempotency_key":"k"}"#);
        assert_eq!(twice.unwrap_err().reason, Reason::DuplicateKey);
    }

    #[test]
    fn a_tool_says_who_it_is_and_what_came_of_it() {
        let body = |rest: &str| format!(r#"{{"consumer":"{}"{rest}}}"#, "a".repeat(22));
        assert_eq!(Told::read(Step::Consume, &body("")).unwrap().outcome, None);
        let told = Told::read(Step::Outcome, &body(r#","outcome":"failed""#)).unwrap();
        assert_eq!((told.outcome, told.detail), (Some(Run::Failed), None));
        let detail = format!(r#","outcome":"executed","detail_sha256":"{}""#, "0a".repeat(32));
        let told = Told::read(Step::Outcome, &body(&detail)).unwrap();
        assert_eq!(told.detail.unwrap().as_str(), "0a".repeat(32));
        for (step, bad) in [
            (Step::Consume, body(&format!(r#","detail_sha256":"{}""#, "0a".repeat(32)))),
            (Step::Outcome, body(r#","outcome":"executed","detail_sha256":"0A""#)),
            (Step::Consume, body(r#","outcome":"executed""#)),
            (Step::Outcome, body("")),
            (Step::Outcome, body(r#","outcome":"unknown""#)),
            (Step::Consume, r#"{"consumer":"short"}"#.to_owned()),
            (Step::Consume, format!(r#"{{"consumer":"{}"}}"#, "é".repeat(22))),
            (Step::Consume, body(r#","x":1"#)),
        ] {
            assert!(Told::read(step, &bad).is_err(), "{bad}");
        }
    }
}
