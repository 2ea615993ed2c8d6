//! The OpenAI Chat Completions request: what of it the controls need to know, and what cannot be inspected.
//!
//! Source: OpenAI API reference, "Create chat completion", read 2026-11. Fields that are not named here pass on,
//! walked by the redactor like every other string.

use domain::{OrgId, ProviderKind, Reason, TenantId};
use serde_json::{Map, Value};

use crate::json::{self, JsonFault};

/// More answers than this are not asked for at once: each multiplies the worst case that is held.
const MAX_CHOICES: u64 = 16;

/// The two names that the dialect has had for the most output tokens. The newer one is sent when a call names neither.
pub const LIMIT_FIELDS: [&str; 2] = ["max_completion_tokens", "max_tokens"];

/// Identifiers of people that leave as keyed digests, at the top level and below `metadata`.
const IDENTIFIERS: [&str; 3] = ["user", "safety_identifier", "prompt_cache_key"];
const METADATA_IDENTIFIERS: [&str; 1] = ["user_id"];

/// A fault of the request's form: a reason, and where. The place is built from field names and indexes of the
/// dialect, never from the caller's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub reason: Reason,
    pub param: Option<String>,
    pub hint: Option<String>,
}

impl Fault {
    pub fn new(reason: Reason) -> Self {
        Self { reason, param: None, hint: None }
    }

    fn at(reason: Reason, param: impl Into<String>, hint: &str) -> Self {
        Self { reason, param: Some(param.into()), hint: Some(hint.to_owned()) }
    }
}

/// A chat request whose form is right.
#[derive(Debug, Clone, PartialEq)]
pub struct Chat {
    body: Map<String, Value>,
    model: String,
    choices: u64,
}

impl Chat {
    /// Reads a body's text.
    ///
    /// # Errors
    /// As [`json::parse`] and [`Chat::parse`].
    pub fn read(body: &str) -> Result<Self, Fault> {
        let value = json::parse(body).map_err(|fault| {
            let reason = match fault {
                JsonFault::Syntax { .. } => Reason::InvalidJson,
                JsonFault::DuplicateKey { .. } => Reason::DuplicateKey,
                JsonFault::TooDeep | JsonFault::TooMany => Reason::NestedTooDeep,
            };
            Fault { hint: Some(fault.to_string()), ..Fault::new(reason) }
        })?;
        Self::parse(value)
    }

    /// # Errors
    /// The first field that is missing, malformed or cannot be inspected.
    pub fn parse(body: Value) -> Result<Self, Fault> {
        let Value::Object(body) = body else {
            let hint = "send a JSON object with `model` and `messages`";
            return Err(Fault { hint: Some(hint.to_owned()), ..Fault::new(Reason::InvalidField) });
        };
        let model = match body.get("model") {
            Some(Value::String(model)) if !model.is_empty() => model.clone(),
            _ => return Err(Fault::at(Reason::InvalidField, "model", "name a model as a string")),
        };
        stream(&body)?;
        let choices = choices(&body)?;
        limits(&body)?;
        identifiers(&body)?;
        numbers(&body)?;
        uninspectable_fields(&body)?;
        messages(&body)?;
        Ok(Self { body, model, choices })
    }

    /// The model as the caller wrote it. It may hold anything: it is compared, never repeated.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// How many answers are asked for.
    pub const fn choices(&self) -> u64 {
        self.choices
    }

    /// The most output tokens of one answer that the caller asked for.
    pub fn asked_output(&self) -> Option<u64> {
        LIMIT_FIELDS.iter().filter_map(|field| self.body.get(*field)?.as_u64()).min()
    }

    /// Whether the body names an org or tenant that is not the caller's: never a way to another tenant, and a sign
    /// of a caller that believes it is one.
    pub fn names_other_than(&self, org: &OrgId, tenant: &TenantId) -> bool {
        let foreign = |text: &str| {
            text.parse::<TenantId>().is_ok_and(|id| id != *tenant)
                || text.parse::<OrgId>().is_ok_and(|id| id != *org)
        };
        self.body.values().any(|value| any_string(value, &foreign))
    }

    /// The body as it may go to the redactor: the provider's name of the model, the clamped limit in the one field
    /// that this kind of provider obeys, nothing to be stored, and keyed digests for identifiers of people.
    pub fn into_upstream(
        self,
        model: &str,
        kind: ProviderKind,
        max_output: u64,
        pseudonym: impl Fn(&str, &str) -> String,
    ) -> Value {
        let mut body = self.body;
        body.insert("model".to_owned(), Value::from(model));
        for field in LIMIT_FIELDS.iter().chain(["store"].iter()) {
            body.shift_remove(*field);
        }
        body.insert(kind.limit_field().to_owned(), Value::from(max_output));
        if kind == ProviderKind::OpenAi {
            // Absent means "as the account is set", and accounts are set to keep conversations.
            body.insert("store".to_owned(), Value::Bool(false));
        }
        hide(&mut body, &IDENTIFIERS, &pseudonym);
        if let Some(Value::Object(metadata)) = body.get_mut("metadata") {
            hide(metadata, &METADATA_IDENTIFIERS, &pseudonym);
        }
        Value::Object(body)
    }
}

/// Identifiers of people are texts: of anything else no pseudonym can be made.
fn identifiers(body: &Map<String, Value>) -> Result<(), Fault> {
    let text = |value: Option<&Value>| value.is_none_or(|value| value.is_string() || value.is_null());
    if let Some(field) = IDENTIFIERS.iter().find(|field| !text(body.get(**field))) {
        return Err(Fault::at(Reason::InvalidField, *field, "send a string"));
    }
    let fine = match body.get("metadata") {
        None | Some(Value::Null) => true,
        Some(metadata) => {
            metadata.is_object() && METADATA_IDENTIFIERS.iter().all(|field| text(metadata.get(field)))
        }
    };
    if fine { Ok(()) } else { Err(Fault::at(Reason::InvalidField, "metadata", "send an object of strings")) }
}

/// Numbers at the top level are parameters, which the redactor leaves alone: so only known ones may stand there.
const NUMBERS: [&str; 12] = [
    "frequency_penalty",
    "max_completion_tokens",
    "max_tokens",
    "min_p",
    "n",
    "presence_penalty",
    "repetition_penalty",
    "seed",
    "temperature",
    "top_k",
    "top_logprobs",
    "top_p",
];

fn numbers(body: &Map<String, Value>) -> Result<(), Fault> {
    let stray = body.iter().any(|(name, value)| value.is_number() && !NUMBERS.contains(&name.as_str()));
    let hint = "a number at the top level of the body is no parameter of Chat Completions";
    if stray {
        Err(Fault { hint: Some(hint.to_owned()), ..Fault::new(Reason::InvalidField) })
    } else {
        Ok(())
    }
}

fn hide(fields: &mut Map<String, Value>, names: &[&str], pseudonym: &impl Fn(&str, &str) -> String) {
    for name in names {
        if let Some(Value::String(value)) = fields.get_mut(*name) {
            *value = pseudonym(name, value);
        }
    }
}

fn any_string(value: &Value, test: &impl Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => test(text),
        Value::Array(items) => items.iter().any(|item| any_string(item, test)),
        Value::Object(fields) => fields.values().any(|field| any_string(field, test)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn stream(body: &Map<String, Value>) -> Result<(), Fault> {
    match body.get("stream") {
        None | Some(Value::Null | Value::Bool(false)) => Ok(()),
        Some(Value::Bool(true)) => {
            Err(Fault { param: Some("stream".to_owned()), ..Fault::new(Reason::StreamUnsupported) })
        }
        Some(_) => Err(Fault::at(Reason::InvalidField, "stream", "use true or false")),
    }
}

fn choices(body: &Map<String, Value>) -> Result<u64, Fault> {
    match body.get("n") {
        None | Some(Value::Null) => Ok(1),
        Some(n) => n.as_u64().filter(|n| (1..=MAX_CHOICES).contains(n)).ok_or_else(|| {
            Fault::at(Reason::InvalidField, "n", &format!("use a whole number from 1 to {MAX_CHOICES}"))
        }),
    }
}

fn limits(body: &Map<String, Value>) -> Result<(), Fault> {
    for field in LIMIT_FIELDS {
        let fine = match body.get(field) {
            None | Some(Value::Null) => true,
            Some(value) => value.as_u64().is_some_and(|limit| limit >= 1),
        };
        if !fine {
            return Err(Fault::at(Reason::InvalidField, field, "use a whole number of at least 1"));
        }
    }
    Ok(())
}

/// A top-level field whose content the gateway cannot see or cannot keep: when it is, and why not.
type Blind = (&'static str, fn(&Value) -> bool, &'static str);

/// The table of what is refused. Each row has an example in the tests.
const BLIND: [Blind; 18] = [
    (
        "store",
        |value| *value != Value::Bool(false),
        "the provider would keep the conversation; send store: false",
    ),
    ("audio", present, "sound cannot be inspected"),
    ("modalities", |value| *value != serde_json::json!(["text"]), "only text can be inspected"),
    ("web_search_options", present, SEARCH),
    ("search_parameters", present, SEARCH),
    ("enable_search", |value| *value != Value::Bool(false), SEARCH),
    ("plugins", present, "the provider would run tools that nobody guards"),
    ("tools", hosted_tool, "only tools of type function or custom run under your control"),
    ("models", present, ROUTING),
    ("route", present, ROUTING),
    ("provider", present, ROUTING),
    ("fallbacks", present, ROUTING),
    ("extra_body", present, ROUTING),
    ("best_of", present, "it multiplies the worst case; use n"),
    ("chat_template", present, "it adds tokens that nobody counts"),
    ("previous_response_id", present, STORED),
    ("conversation", present, STORED),
    ("file_ids", present, STORED),
];

const SEARCH: &str = "the provider would search the web with the conversation";
const ROUTING: &str =
    "it lets the provider choose another model or endpoint than the one that was authorized";
const STORED: &str = "it names content that the provider keeps and nobody here can inspect";

fn present(value: &Value) -> bool {
    !value.is_null()
}

fn hosted_tool(tools: &Value) -> bool {
    let own = |tool: &Value| matches!(tool.get("type").and_then(Value::as_str), Some("function" | "custom"));
    !tools.is_null() && !tools.as_array().is_some_and(|tools| tools.iter().all(own))
}

fn uninspectable_fields(body: &Map<String, Value>) -> Result<(), Fault> {
    let set = |name: &str| body.get(name).filter(|value| !value.is_null());
    let blind = BLIND.iter().find(|(name, blind, _)| set(name).is_some_and(blind));
    blind.map_or(Ok(()), |(name, _, why)| Err(Fault::at(Reason::Uninspectable, *name, why)))
}

fn messages(body: &Map<String, Value>) -> Result<(), Fault> {
    let invalid = |param: String, hint| Fault::at(Reason::InvalidField, param, hint);
    let messages = body.get("messages").and_then(Value::as_array).filter(|messages| !messages.is_empty());
    let messages = messages
        .ok_or_else(|| invalid("messages".to_owned(), "send at least one message, as an array of objects"))?;
    for (n, message) in messages.iter().enumerate() {
        if !message.get("role").is_some_and(Value::is_string) {
            return Err(invalid(format!("messages[{n}].role"), "every message is an object with a `role`"));
        }
        if message.get("audio").is_some_and(|audio| !audio.is_null()) {
            return Err(Fault::at(
                Reason::Uninspectable,
                format!("messages[{n}].audio"),
                "sound cannot be inspected",
            ));
        }
        content(n, message.get("content").unwrap_or(&Value::Null))?;
    }
    Ok(())
}

/// What a part of text may carry.
const PART_FIELDS: [&str; 4] = ["type", "text", "refusal", "cache_control"];

fn content(n: usize, content: &Value) -> Result<(), Fault> {
    let parts = match content {
        Value::Null | Value::String(_) => return Ok(()),
        Value::Array(parts) => parts,
        _ => {
            let hint = "content is a string or an array of parts";
            return Err(Fault::at(Reason::InvalidField, format!("messages[{n}].content"), hint));
        }
    };
    let text = |part: &Value| matches!(part.get("type").and_then(Value::as_str), Some("text" | "refusal"));
    // A part that carries more than its text, such as an address of an image, is not only text.
    let plain = |part: &Value| {
        part.as_object().is_some_and(|part| part.keys().all(|key| PART_FIELDS.contains(&key.as_str())))
    };
    let seen = |part: &Value| text(part) && plain(part);
    match parts.iter().position(|part| !seen(part)) {
        None => Ok(()),
        Some(at) => {
            let hint = "only text parts can be inspected; images, audio and files are refused";
            Err(Fault::at(Reason::Uninspectable, format!("messages[{n}].content[{at}]"), hint))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn with(change: Value) -> Result<Chat, Fault> {
        let mut body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]});
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        Chat::parse(body)
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
            (
                json!({"messages": [{"role": "user", "content": 5}]}),
                Reason::InvalidField,
                "messages[0].content",
            ),
            (json!({"n": 0}), Reason::InvalidField, "n"),
            (json!({"n": 17}), Reason::InvalidField, "n"),
            (json!({"max_tokens": -1}), Reason::InvalidField, "max_tokens"),
            (json!({"max_completion_tokens": 1.5}), Reason::InvalidField, "max_completion_tokens"),
            (json!({"stream": "yes"}), Reason::InvalidField, "stream"),
            (json!({"stream": true}), Reason::StreamUnsupported, "stream"),
            (json!({"store": true}), Reason::Uninspectable, "store"),
            (json!({"audio": {"voice": "x"}}), Reason::Uninspectable, "audio"),
            (json!({"modalities": ["text", "audio"]}), Reason::Uninspectable, "modalities"),
            (json!({"web_search_options": {}}), Reason::Uninspectable, "web_search_options"),
            (
                json!({"tools": [{"type": "function"}, {"type": "web_search"}]}),
                Reason::Uninspectable,
                "tools",
            ),
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
        assert_eq!(Chat::parse(json!([])).unwrap_err().reason, Reason::InvalidField);
        assert_eq!(
            with(json!({"card": 4_111_111_111_111_111_u64})).unwrap_err().reason,
            Reason::InvalidField
        );
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
    fn the_upstream_body_is_clamped_renamed_and_pseudonymous() {
        let upstream = |change: Value| {
            with(change)
                .unwrap()
                .into_upstream("up", ProviderKind::OpenAi, 100, |field, _| format!("psn-{field}"))
        };
        let body = upstream(
            json!({"user": "dana@example.com", "metadata": {"user_id": "dana", "other": "x"}, "seed": 7}),
        );
        assert_eq!(body["model"], "up");
        assert_eq!(body["max_completion_tokens"], 100);
        assert_eq!(body["user"], "psn-user");
        assert_eq!(body["metadata"], json!({"user_id": "psn-user_id", "other": "x"}));
        assert_eq!(body["seed"], 7);
        assert_eq!(body["store"], false);
        let both =
            with(json!({"max_tokens": 5_000, "max_completion_tokens": 7_000, "store": false})).unwrap();
        let both = both.into_upstream("up", ProviderKind::Compatible, 100, |_, _| String::new());
        assert_eq!(both["max_tokens"], 100);
        assert_eq!((both.get("max_completion_tokens"), both.get("store")), (None, None));
        assert_eq!(
            with(json!({"max_tokens": 9, "max_completion_tokens": 7})).unwrap().asked_output(),
            Some(7)
        );
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
}
