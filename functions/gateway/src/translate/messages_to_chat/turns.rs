//! The conversation: Anthropic's turns of blocks as Chat's messages.

use serde_json::{Map, Value, json};

use crate::translate::fields::{
    Fields, NO_COUNTERPART, Outcome, Untranslatable, collapse, each, is_empty, never, set,
};
use crate::translate::media::{CACHE_CONTROL, document_to_chat, image_to_chat};

const SIGNED: &str =
    "this thinking is signed for another provider, which alone can read it; leave the block out";
const RESULTS_FIRST: &str = "tool results come before anything else in their turn";
const NO_MEDIA: &str = "this provider takes only text as a tool's result";

/// What a failed tool's result begins with: Chat has no flag for it, and the model must know.
const FAILED: &str = "The tool failed: ";

/// Reads the system prompt and all turns as messages.
pub fn read(system: Option<Value>, turns: Vec<Value>) -> Outcome<Vec<Value>> {
    let mut messages = Vec::with_capacity(turns.len() + 1);
    if let Some(content) = system.map(|system| instructions("system", system)).transpose()? {
        messages.push(json!({"role": "system", "content": content}));
    }
    each("messages", turns, |message| turn(&mut messages, message))?;
    Ok(messages)
}

fn turn(messages: &mut Vec<Value>, mut turn: Fields) -> Outcome<()> {
    let role = turn.need_text("role")?;
    let content = turn.take("content").unwrap_or_default();
    turn.end(&[])?;
    match role.as_str() {
        "user" => user(messages, content),
        "assistant" => {
            messages.push(assistant(content)?);
            Ok(())
        }
        "system" => {
            messages.push(json!({"role": "system", "content": instructions("content", content)?}));
            Ok(())
        }
        _ => Err(Untranslatable::at("role", "use user, assistant or system")),
    }
}

/// A content's blocks: a string is one block of text.
fn blocks<T>(content: Value, name: &str, read: impl FnMut(Fields) -> Outcome<T>) -> Outcome<Vec<T>> {
    match content {
        Value::String(text) => each(name, vec![json!({"type": "text", "text": text})], read),
        Value::Array(blocks) => each(name, blocks, read),
        _ => Err(Untranslatable::at(name, "a string or an array of blocks belongs here")),
    }
}

fn instructions(name: &str, content: Value) -> Outcome<Value> {
    let only_text = |mut block: Fields| match block.need_text("type")?.as_str() {
        "text" => text_part(block),
        _ => Err(Untranslatable::at("type", "instructions are text")),
    };
    Ok(collapse(blocks(content, name, only_text)?))
}

fn text_part(mut block: Fields) -> Outcome<Value> {
    let text = block.need_text("text")?;
    block.end(&[CACHE_CONTROL, ("citations", is_empty, "this provider cites no documents")])?;
    Ok(json!({"type": "text", "text": text}))
}

fn user(messages: &mut Vec<Value>, content: Value) -> Outcome<()> {
    let mut parts = Vec::new();
    blocks(content, "content", |mut block| {
        let part = match block.need_text("type")?.as_str() {
            "text" => text_part(block)?,
            "image" => image_to_chat(block)?,
            "document" => document_to_chat(block)?,
            "tool_result" if parts.is_empty() => {
                messages.push(tool_result(block)?);
                return Ok(());
            }
            "tool_result" => return Err(Untranslatable::at("type", RESULTS_FIRST)),
            _ => return Err(Untranslatable::at("type", NO_COUNTERPART)),
        };
        parts.push(part);
        Ok(())
    })?;
    if !parts.is_empty() {
        messages.push(json!({"role": "user", "content": collapse(parts)}));
    }
    Ok(())
}

fn tool_result(mut block: Fields) -> Outcome<Value> {
    let id = block.need_text("tool_use_id")?;
    let failed = block.flag("is_error")? == Some(true);
    let content = block.take("content").unwrap_or_else(|| Value::String(String::new()));
    block.end(&[CACHE_CONTROL, ("toolset_name", never, NO_COUNTERPART)])?;
    let mut parts = blocks(content, "content", |mut block| match block.need_text("type")?.as_str() {
        "text" => text_part(block),
        _ => Err(Untranslatable::at("type", NO_MEDIA)),
    })?;
    if failed {
        say_failed(&mut parts);
    }
    let content = if parts.is_empty() { Value::from("") } else { collapse(parts) };
    Ok(json!({"role": "tool", "tool_call_id": id, "content": content}))
}

fn say_failed(parts: &mut Vec<Value>) {
    match parts.first_mut().and_then(|part| part.get_mut("text")) {
        Some(Value::String(text)) => text.insert_str(0, FAILED),
        _ => parts.push(json!({"type": "text", "text": FAILED})),
    }
}

#[derive(Default)]
struct Said {
    thoughts: String,
    words: Vec<Value>,
    calls: Vec<Value>,
}

fn assistant(content: Value) -> Outcome<Value> {
    let mut said = Said::default();
    blocks(content, "content", |block| said.add(block))?;
    let mut message = Map::new();
    message.insert("role".to_owned(), Value::from("assistant"));
    let content = if said.words.is_empty() { Value::Null } else { collapse(said.words) };
    message.insert("content".to_owned(), content);
    set(&mut message, "reasoning_content", Some(said.thoughts).filter(|thoughts| !thoughts.is_empty()));
    set(&mut message, "tool_calls", Some(said.calls).filter(|calls| !calls.is_empty()));
    Ok(Value::Object(message))
}

impl Said {
    fn add(&mut self, mut block: Fields) -> Outcome<()> {
        match block.need_text("type")?.as_str() {
            "text" => self.words.push(text_part(block)?),
            "tool_use" => self.calls.push(tool_call(block)?),
            "thinking" => self.thoughts.push_str(&unsigned(block)?),
            "redacted_thinking" => return Err(Untranslatable::at("type", SIGNED)),
            _ => return Err(Untranslatable::at("type", NO_COUNTERPART)),
        }
        Ok(())
    }
}

/// Thinking without a signature came from a Chat provider's `reasoning_content`, and goes back as that.
fn unsigned(mut block: Fields) -> Outcome<String> {
    let thoughts = block.text("thinking")?.unwrap_or_default();
    block.end(&[("signature", is_empty, SIGNED)])?;
    Ok(thoughts)
}

fn tool_call(mut block: Fields) -> Outcome<Value> {
    let id = block.need_text("id")?;
    let name = block.need_text("name")?;
    let input = block.take("input").unwrap_or_else(|| Value::Object(Map::new()));
    let direct = |caller: &Value| caller.get("type").and_then(Value::as_str) == Some("direct");
    block.end(&[
        CACHE_CONTROL,
        ("caller", direct, "only the model itself calls a tool at this provider"),
        ("toolset_name", never, NO_COUNTERPART),
    ])?;
    let function = json!({"name": name, "arguments": input.to_string()});
    Ok(json!({"id": id, "type": "function", "function": function}))
}
