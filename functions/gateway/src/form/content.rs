//! What a request says: messages, parts and items, walked by the table of parts.

use domain::{Reason, Uninspectable};
use serde_json::{Map, Value};

use super::tables::{self, Part};
use super::{Fault, Need, tools};
use crate::dialect::Dialect;

/// Content within content: a tool's result within a message, a document within it.
const MAX_NESTING: usize = 4;

/// Reads a body's content, and notes what of it cannot be inspected.
///
/// # Errors
/// Content that is missing or has another shape than the dialect's.
pub fn read(dialect: Dialect, body: &Map<String, Value>, needs: &mut Vec<Need>) -> Result<(), Fault> {
    let mut walk = Walk { dialect, needs };
    match dialect {
        Dialect::Chat => walk.messages(body),
        Dialect::Messages | Dialect::CountTokens => {
            walk.system(body)?;
            walk.messages(body)
        }
        Dialect::Responses => walk.input(body),
        Dialect::Embeddings => walk.embedded(body),
    }
}

struct Walk<'n> {
    dialect: Dialect,
    needs: &'n mut Vec<Need>,
}

fn invalid(param: impl Into<String>, hint: &str) -> Fault {
    Fault::at(Reason::InvalidField, param, hint)
}

impl Walk<'_> {
    fn messages(&mut self, body: &Map<String, Value>) -> Result<(), Fault> {
        let messages = body.get("messages").and_then(Value::as_array).filter(|messages| !messages.is_empty());
        let messages = messages
            .ok_or_else(|| invalid("messages", "send at least one message, as an array of objects"))?;
        for (n, message) in messages.iter().enumerate() {
            if !message.get("role").is_some_and(Value::is_string) {
                return Err(invalid(
                    format!("messages[{n}].role"),
                    "every message is an object with a `role`",
                ));
            }
            if message.get("audio").is_some_and(|audio| !audio.is_null()) {
                self.need(
                    Some(Uninspectable::Audio),
                    format!("messages[{n}].audio"),
                    "sound cannot be inspected",
                );
            }
            self.content(&format!("messages[{n}].content"), message.get("content"), 0)?;
        }
        Ok(())
    }

    fn system(&mut self, body: &Map<String, Value>) -> Result<(), Fault> {
        self.content("system", body.get("system"), 0)
    }

    /// A string, or items of many kinds. An item without a type is a message.
    fn input(&mut self, body: &Map<String, Value>) -> Result<(), Fault> {
        let hint = "send `input` as a string or an array of items";
        match body.get("input") {
            Some(Value::String(_)) => Ok(()),
            Some(Value::Array(items)) if !items.is_empty() => {
                for (n, item) in items.iter().enumerate() {
                    self.item(&format!("input[{n}]"), item)?;
                }
                Ok(())
            }
            _ => Err(invalid("input", hint)),
        }
    }

    fn item(&mut self, place: &str, item: &Value) -> Result<(), Fault> {
        if item.get("type").is_none_or(Value::is_null) && item.get("role").is_some_and(Value::is_string) {
            return self.content(&format!("{place}.content"), item.get("content"), 0);
        }
        self.part(place, item, 0)
    }

    /// Texts only: token numbers are text that nobody here can read.
    fn embedded(&mut self, body: &Map<String, Value>) -> Result<(), Fault> {
        match body.get("input") {
            Some(Value::String(_)) => Ok(()),
            Some(Value::Array(texts)) if !texts.is_empty() && texts.iter().all(Value::is_string) => Ok(()),
            Some(Value::Array(tokens)) if tokens.iter().all(|one| one.is_number() || one.is_array()) => {
                self.need(None, "input".to_owned(), "token numbers cannot be inspected; send the text");
                Ok(())
            }
            _ => Err(invalid("input", "send `input` as a string or an array of strings")),
        }
    }

    fn content(&mut self, place: &str, content: Option<&Value>, depth: usize) -> Result<(), Fault> {
        match content.unwrap_or(&Value::Null) {
            Value::Null | Value::String(_) => Ok(()),
            Value::Array(parts) => {
                for (n, part) in parts.iter().enumerate() {
                    self.part(&format!("{place}[{n}]"), part, depth)?;
                }
                Ok(())
            }
            _ => Err(invalid(place, "content is a string or an array of parts")),
        }
    }

    fn part(&mut self, place: &str, part: &Value, depth: usize) -> Result<(), Fault> {
        let known = part.get("type").and_then(Value::as_str);
        let known = known.and_then(|kind| tables::parts(self.dialect).iter().find(|one| one.kind == kind));
        let Some((row, fields)) = known.zip(part.as_object()) else {
            self.need(
                None,
                place.to_owned(),
                "this kind of content is not known here, so it cannot be inspected",
            );
            return Ok(());
        };
        if !row.keys.contains(&"*") && !fields.keys().all(|key| row.keys.contains(&key.as_str())) {
            self.need(None, place.to_owned(), "it carries more than this kind of content does");
            return Ok(());
        }
        self.opaque(place, row, part, depth)?;
        match row.content {
            Some(_) if depth >= MAX_NESTING => Err(invalid(place, "content is nested too deeply")),
            Some(pointer) => {
                let inner = format!("{place}{}", pointer.replace('/', "."));
                // Documents and pictures need a permit of their own, so what they hold is no way around one.
                self.content(&inner, part.pointer(pointer), depth + 1)
            }
            None => Ok(()),
        }
    }

    fn opaque(&mut self, place: &str, row: &Part, part: &Value, depth: usize) -> Result<(), Fault> {
        let Some((what, why)) = row.blind else { return Ok(()) };
        if row.kind == "shell_call" && tools::is_local(part) {
            return Ok(());
        }
        match part.pointer("/source/type").and_then(Value::as_str) {
            // A document of plain text is text.
            Some("text") if row.kind == "document" => return Ok(()),
            Some("content") if row.kind == "document" && depth < MAX_NESTING => {
                return self.content(
                    &format!("{place}.source.content"),
                    part.pointer("/source/content"),
                    depth + 1,
                );
            }
            _ => {}
        }
        self.need(Some(what), place.to_owned(), why);
        if what != Uninspectable::Files && names_a_file(part) {
            self.need(
                Some(Uninspectable::Files),
                place.to_owned(),
                "it names a file that the provider keeps",
            );
        }
        if row.urls.iter().any(|url| is_remote(part.pointer(url))) {
            self.need(
                Some(Uninspectable::RemoteUrls),
                place.to_owned(),
                "the provider would fetch an address",
            );
        }
        Ok(())
    }

    fn need(&mut self, what: Option<Uninspectable>, param: String, why: &'static str) {
        self.needs.push(Need { what, param, why });
    }
}

fn names_a_file(part: &Value) -> bool {
    ["/file_id", "/source/file_id"].iter().any(|at| part.pointer(at).is_some_and(|id| !id.is_null()))
}

/// Anything but a `data:` URL: what is no text at all is no picture either, and goes to the provider as it is.
fn is_remote(url: Option<&Value>) -> bool {
    match url {
        None | Some(Value::Null) => false,
        Some(url) => !url.as_str().is_some_and(|url| url.starts_with("data:")),
    }
}
