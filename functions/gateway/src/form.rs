//! A request's form: what of it the controls need to know, and what of it cannot be inspected. One reader for every
//! dialect, over the tables beside it.

pub mod content;
pub mod tables;
pub mod tools;

pub use caller::Fault;
use caller::json;
use domain::{OrgId, Reason, TenantId, Uninspectable};
use serde_json::{Map, Value};

use crate::dialect::Dialect;
use tables::{Grammar, grammar};

/// More answers than this are not asked for at once: each multiplies the worst case that is held.
const MAX_CHOICES: u64 = 16;

/// Something in a request that nobody can look into: what it is (nothing: no policy can permit it), where, and why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    pub what: Option<Uninspectable>,
    pub param: String,
    pub why: &'static str,
}

/// A request whose form is right.
#[derive(Clone, PartialEq)]
pub struct Ask {
    dialect: Dialect,
    body: Map<String, Value>,
    model: String,
    stream: bool,
    choices: u64,
    needs: Vec<Need>,
}

/// Shows nothing of the body: a debug form reaches logs.
impl std::fmt::Debug for Ask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ask")
            .field("dialect", &self.dialect)
            .field("stream", &self.stream)
            .finish_non_exhaustive()
    }
}

impl Ask {
    /// Reads a body's text.
    ///
    /// # Errors
    /// As [`json::parse`] and [`Ask::parse`].
    pub fn read(dialect: Dialect, body: &str) -> Result<Self, Fault> {
        Self::parse(dialect, json::parse(body)?)
    }

    /// # Errors
    /// The first field that is missing or malformed.
    pub fn parse(dialect: Dialect, body: Value) -> Result<Self, Fault> {
        let Value::Object(body) = body else {
            let hint = "send a JSON object with `model`";
            return Err(Fault { hint: Some(hint.to_owned()), ..Fault::new(Reason::InvalidField) });
        };
        let model = match body.get("model") {
            Some(Value::String(model)) if !model.is_empty() => model.clone(),
            _ => return Err(Fault::at(Reason::InvalidField, "model", "name a model as a string")),
        };
        let grammar = grammar(dialect);
        let stream = stream(dialect, &body)?;
        let choices = choices(dialect, &body)?;
        limits(grammar, &body)?;
        identifiers(grammar, &body)?;
        numbers(grammar, &body)?;
        let mut needs = blind_fields(grammar, &body);
        needs.extend(tools::hosted(dialect, &body));
        content::read(dialect, &body, &mut needs)?;
        Ok(Self { dialect, body, model, stream, choices, needs })
    }

    pub const fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The model as the caller wrote it. It may hold anything: it is compared, never repeated.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Whether the answer is asked for as a stream.
    pub const fn stream(&self) -> bool {
        self.stream
    }

    /// How many answers are asked for.
    pub const fn choices(&self) -> u64 {
        self.choices
    }

    /// What a policy must permit, in the order in which it was found.
    pub fn needs(&self) -> &[Need] {
        &self.needs
    }

    pub const fn body(&self) -> &Map<String, Value> {
        &self.body
    }

    /// The most output tokens of one answer that the caller asked for.
    pub fn asked_output(&self) -> Option<u64> {
        grammar(self.dialect).limits.iter().filter_map(|field| self.body.get(*field)?.as_u64()).min()
    }

    /// Whether a stream of Chat Completions is to end with a chunk of usage.
    pub fn wants_usage(&self) -> bool {
        let options = self.body.get("stream_options");
        options.and_then(|options| options.get("include_usage")) == Some(&Value::Bool(true))
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
}

/// Identifiers of people are texts: of anything else no pseudonym can be made.
fn identifiers(grammar: &Grammar, body: &Map<String, Value>) -> Result<(), Fault> {
    let text = |value: Option<&Value>| value.is_none_or(|value| value.is_string() || value.is_null());
    if let Some(field) = grammar.identifiers.iter().find(|field| !text(body.get(**field))) {
        return Err(Fault::at(Reason::InvalidField, *field, "send a string"));
    }
    let fine = match body.get("metadata") {
        None | Some(Value::Null) => true,
        Some(metadata) => {
            metadata.is_object() && grammar.metadata_identifiers.iter().all(|field| text(metadata.get(field)))
        }
    };
    if fine { Ok(()) } else { Err(Fault::at(Reason::InvalidField, "metadata", "send an object of strings")) }
}

fn numbers(grammar: &Grammar, body: &Map<String, Value>) -> Result<(), Fault> {
    let stray =
        body.iter().any(|(name, value)| value.is_number() && !grammar.numbers.contains(&name.as_str()));
    let hint = "a number at the top level of the body is no parameter of this route";
    if stray {
        Err(Fault { hint: Some(hint.to_owned()), ..Fault::new(Reason::InvalidField) })
    } else {
        Ok(())
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

fn stream(dialect: Dialect, body: &Map<String, Value>) -> Result<bool, Fault> {
    match body.get("stream") {
        None | Some(Value::Null | Value::Bool(false)) => Ok(false),
        Some(Value::Bool(true)) if dialect.streams() => Ok(true),
        Some(Value::Bool(true)) => {
            Err(Fault::at(Reason::InvalidField, "stream", "this route has no streams; leave it out"))
        }
        Some(_) => Err(Fault::at(Reason::InvalidField, "stream", "use true or false")),
    }
}

fn choices(dialect: Dialect, body: &Map<String, Value>) -> Result<u64, Fault> {
    match body.get("n") {
        _ if matches!(dialect, Dialect::Embeddings | Dialect::CountTokens) => Ok(0),
        None | Some(Value::Null) => Ok(1),
        Some(n) => n.as_u64().filter(|n| (1..=MAX_CHOICES).contains(n)).ok_or_else(|| {
            Fault::at(Reason::InvalidField, "n", &format!("use a whole number from 1 to {MAX_CHOICES}"))
        }),
    }
}

fn limits(grammar: &Grammar, body: &Map<String, Value>) -> Result<(), Fault> {
    for field in grammar.limits {
        let fine = match body.get(*field) {
            None | Some(Value::Null) => true,
            Some(value) => value.as_u64().is_some_and(|limit| limit >= 1),
        };
        if !fine {
            return Err(Fault::at(Reason::InvalidField, *field, "use a whole number of at least 1"));
        }
    }
    Ok(())
}

fn blind_fields(grammar: &Grammar, body: &Map<String, Value>) -> Vec<Need> {
    let set = |name: &str| body.get(name).filter(|value| !value.is_null());
    let blind = grammar.blind.iter().filter(|row| set(row.field).is_some_and(row.when));
    blind.map(|row| Need { what: row.what, param: row.field.to_owned(), why: row.why }).collect()
}

#[cfg(test)]
mod tests;
