//! The body as it goes to the redactor, in the provider's dialect: the provider's name of the model, the clamped
//! limit, nothing to be stored, and keyed digests for identifiers of people.

use std::collections::BTreeSet;

use domain::{ProviderKind, Uninspectable};
use redact::Exempt;
use serde_json::{Map, Value, json};

use crate::dialect::Dialect;
use crate::form::tables::grammar;

/// What a call becomes on the provider's side.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    pub wire: Dialect,
    pub kind: ProviderKind,
    /// The provider's own name of the model.
    pub model: &'a str,
    /// The most output tokens of one answer.
    pub max_output: u64,
    pub stream: bool,
    /// Whether policy lets the provider keep what the caller says it may keep.
    pub may_store: bool,
}

impl Terms<'_> {
    /// The one field that limits the output of an answer; none where there is no output.
    pub const fn limit_field(&self) -> Option<&'static str> {
        match (self.wire, self.kind) {
            (Dialect::Chat, ProviderKind::OpenAi | ProviderKind::Azure) => Some("max_completion_tokens"),
            (Dialect::Chat, _) | (Dialect::Messages, _) => Some("max_tokens"),
            (Dialect::Responses, _) => Some("max_output_tokens"),
            (Dialect::Embeddings | Dialect::CountTokens, _) => None,
        }
    }

    /// Sets what the controls set.
    pub fn apply(&self, mut body: Map<String, Value>, pseudonym: impl Fn(&str, &str) -> String) -> Value {
        let grammar = grammar(self.wire);
        body.insert("model".to_owned(), Value::from(self.model));
        for field in grammar.limits {
            body.shift_remove(*field);
        }
        if let Some(field) = self.limit_field() {
            body.insert(field.to_owned(), Value::from(self.max_output));
        }
        self.store(&mut body);
        self.streaming(&mut body);
        hide(&mut body, grammar.identifiers, &pseudonym);
        if let Some(Value::Object(metadata)) = body.get_mut("metadata") {
            hide(metadata, grammar.metadata_identifiers, &pseudonym);
        }
        Value::Object(body)
    }

    /// Absent means "as the account is set", and accounts are set to keep conversations. Many compatible servers
    /// refuse the field, and Anthropic does not know it.
    fn store(&self, body: &mut Map<String, Value>) {
        let asked = body.shift_remove("store") == Some(Value::Bool(true));
        let keeps = matches!(
            (self.wire, self.kind),
            (Dialect::Chat, ProviderKind::OpenAi | ProviderKind::Azure) | (Dialect::Responses, _)
        );
        if keeps {
            body.insert("store".to_owned(), Value::Bool(asked && self.may_store));
        }
    }

    /// A stream of Chat Completions tells its usage only when asked: without it every call would cost its worst case.
    fn streaming(&self, body: &mut Map<String, Value>) {
        if self.wire.streams() {
            body.insert("stream".to_owned(), Value::Bool(self.stream));
        }
        if self.wire == Dialect::Chat && self.stream {
            match body.get_mut("stream_options") {
                Some(Value::Object(options)) => {
                    options.insert("include_usage".to_owned(), Value::Bool(true));
                }
                _ => {
                    body.insert("stream_options".to_owned(), json!({"include_usage": true}));
                }
            }
        }
    }
}

fn hide(fields: &mut Map<String, Value>, names: &[&str], pseudonym: &impl Fn(&str, &str) -> String) {
    for name in names {
        if let Some(Value::String(value)) = fields.get_mut(*name) {
            *value = pseudonym(name, value);
        }
    }
}

/// Parts whose data is no text, with the pointer to it and the permit that lets it pass.
const MEDIA: [(&str, &str, Uninspectable); 9] = [
    ("image_url", "/image_url/url", Uninspectable::Images),
    ("input_audio", "/input_audio/data", Uninspectable::Audio),
    ("file", "/file/file_data", Uninspectable::Files),
    ("image", "/source/data", Uninspectable::Images),
    ("document", "/source/data", Uninspectable::Files),
    ("input_image", "/image_url", Uninspectable::Images),
    ("input_file", "/file_data", Uninspectable::Files),
    ("computer_call_output", "/output/image_url", Uninspectable::Images),
    ("computer_screenshot", "/image_url", Uninspectable::Images),
];

/// What the redactor leaves alone, and no policy could have it otherwise: media that the tenant's policy lets pass
/// (a byte changed in them would break them), and text that a provider signed, where look-alikes of placeholders stay.
pub fn exempt(body: &Value, permits: &BTreeSet<Uninspectable>) -> Exempt {
    let mut exempt = Exempt::default();
    collect(body, &mut String::new(), permits, &mut exempt);
    exempt
}

fn collect(value: &Value, at: &mut String, permits: &BTreeSet<Uninspectable>, exempt: &mut Exempt) {
    let depth = at.len();
    match value {
        Value::Object(fields) => {
            part(value, at, permits, exempt);
            for (name, field) in fields {
                at.push('/');
                at.push_str(&name.replace('~', "~0").replace('/', "~1"));
                collect(field, at, permits, exempt);
                at.truncate(depth);
            }
        }
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                at.push_str(&format!("/{n}"));
                collect(item, at, permits, exempt);
                at.truncate(depth);
            }
        }
        _ => {}
    }
}

fn part(value: &Value, at: &str, permits: &BTreeSet<Uninspectable>, exempt: &mut Exempt) {
    let Some(kind) = value.get("type").and_then(Value::as_str) else { return };
    if kind == "thinking" {
        exempt.signed.push(format!("{at}/thinking"));
    }
    let media = MEDIA.iter().filter(|(name, pointer, what)| {
        *name == kind
            && permits.contains(what)
            && value.pointer(pointer).and_then(Value::as_str).is_some_and(is_data)
    });
    exempt.opaque.extend(media.map(|(_, pointer, _)| format!("{at}{pointer}")));
}

/// Base64, bare or in a `data:` URL (RFC 2397). Anything else is text, and is walked.
fn is_data(text: &str) -> bool {
    let data = match text.strip_prefix("data:") {
        Some(url) => match url.split_once(";base64,") {
            Some((kind, data)) if kind.len() <= 64 => data,
            _ => return false,
        },
        None => text,
    };
    data.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='))
}
