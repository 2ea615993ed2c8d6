//! The conversation: Chat's messages as Anthropic's turns of blocks.

use serde_json::{Map, Value, json};

use crate::translate::custom;
use crate::translate::fields::{
    Fields, NO_COUNTERPART, Outcome, UNKNOWN, Untranslatable, always, each, is_empty, never, object, set,
};
use crate::translate::media::{CACHE_BREAKPOINT, document_from_chat, image_from_chat};

const UNSIGNED: &str =
    "this provider takes back only thinking that it signed; send thinking_blocks, or leave it out";

/// The conversation in Anthropic's form.
#[derive(Default)]
pub struct Talk {
    pub system: Vec<Value>,
    pub messages: Vec<Value>,
}

impl Talk {
    /// Adds blocks to the turn of a role. Turns alternate there, and the results of several tools are one turn.
    fn add(&mut self, role: &'static str, blocks: Vec<Value>) {
        let last = self.messages.last_mut().and_then(Value::as_object_mut);
        let last = last.filter(|turn| turn.get("role").and_then(Value::as_str) == Some(role));
        match last.and_then(|turn| turn.get_mut("content")).and_then(Value::as_array_mut) {
            Some(content) => content.extend(blocks),
            None => self.messages.push(json!({"role": role, "content": blocks})),
        }
    }
}

/// Reads all messages. Instructions stand in front in Anthropic's form: only its newest models take them elsewhere.
pub fn read(messages: Vec<Value>) -> Outcome<Talk> {
    let mut talk = Talk::default();
    each("messages", messages, |message| turn(&mut talk, message))?;
    if talk.messages.is_empty() {
        return Err(Untranslatable::at("messages", "this provider needs a message of the user"));
    }
    Ok(talk)
}

fn turn(talk: &mut Talk, mut message: Fields) -> Outcome<()> {
    match message.need_text("role")?.as_str() {
        "system" | "developer" => talk.system.extend(content(&mut message, &TEXT)?),
        "user" => {
            let blocks = content(&mut message, &USER)?;
            talk.add("user", spoken(blocks)?);
        }
        "assistant" => {
            let blocks = assistant(&mut message)?;
            talk.add("assistant", spoken(blocks)?);
        }
        "tool" => {
            let result = tool_result(&mut message)?;
            talk.add("user", vec![result]);
        }
        _ => return Err(Untranslatable::at("role", "use system, developer, user, assistant or tool")),
    }
    message.end(&[("name", is_empty, "this provider does not tell participants apart by name")])
}

fn spoken(blocks: Vec<Value>) -> Outcome<Vec<Value>> {
    if blocks.is_empty() {
        return Err(Untranslatable::at("content", "this provider takes no empty message"));
    }
    Ok(blocks)
}

/// Kinds of parts that a role may use.
const TEXT: [&str; 1] = ["text"];
const USER: [&str; 3] = ["text", "image_url", "file"];
const ASSISTANT: [&str; 2] = ["text", "refusal"];

fn content(message: &mut Fields, kinds: &[&str]) -> Outcome<Vec<Value>> {
    let blocks = match message.take("content") {
        None => Vec::new(),
        Some(Value::String(text)) => vec![text_block(text)],
        Some(Value::Array(parts)) => each("content", parts, |fields| part(fields, kinds))?,
        Some(_) => return Err(Untranslatable::at("content", "a string or an array of parts belongs here")),
    };
    // An empty text says nothing, and Anthropic refuses it.
    Ok(blocks.into_iter().filter(|block| block.get("text").is_none_or(|text| !is_empty(text))).collect())
}

fn text_block(text: String) -> Value {
    json!({"type": "text", "text": text})
}

fn part(mut part: Fields, kinds: &[&str]) -> Outcome<Value> {
    let kind = part.need_text("type")?;
    if !kinds.contains(&kind.as_str()) {
        return Err(Untranslatable::at("type", "this kind of content has no place here at this provider"));
    }
    let mut block = match kind.as_str() {
        "image_url" => image_from_chat(&mut part)?,
        "file" => document_from_chat(&mut part)?,
        // A refusal is what the assistant said.
        text => object([("type", Value::from("text")), ("text", Value::from(part.need_text(text)?))]),
    };
    set(&mut block, "cache_control", part.take("cache_control"));
    part.end(&[CACHE_BREAKPOINT])?;
    Ok(Value::Object(block))
}

/// Thinking first, then words, then calls: the order in which Anthropic's models speak.
fn assistant(message: &mut Fields) -> Outcome<Vec<Value>> {
    let mut blocks = message.each("thinking_blocks", thinking)?;
    let thoughts = message.take("reasoning_content").or_else(|| message.take("reasoning"));
    if thoughts.is_some_and(|text| !is_empty(&text)) && blocks.is_empty() {
        return Err(Untranslatable::at("reasoning_content", UNSIGNED));
    }
    blocks.extend(content(message, &ASSISTANT)?);
    blocks.extend(message.text("refusal")?.filter(|text| !text.is_empty()).map(text_block));
    blocks.extend(message.each("tool_calls", tool_call)?);
    for (name, says_nothing) in
        [("annotations", is_empty as fn(&Value) -> bool), ("audio", never), ("function_call", never)]
    {
        if message.take(name).is_some_and(|value| !says_nothing(&value)) {
            return Err(Untranslatable::at(name, NO_COUNTERPART));
        }
    }
    // The other name of the copy that was taken above.
    message.take("reasoning");
    Ok(blocks)
}

/// A block of thinking goes back as it came: its signature covers every byte.
fn thinking(mut block: Fields) -> Outcome<Value> {
    let out = match block.need_text("type")?.as_str() {
        "thinking" => {
            let signature = block.need_text("signature")?;
            if signature.is_empty() {
                return Err(Untranslatable::at("signature", UNSIGNED));
            }
            json!({"type": "thinking", "thinking": block.text("thinking")?.unwrap_or_default(), "signature": signature})
        }
        "redacted_thinking" => json!({"type": "redacted_thinking", "data": block.need_text("data")?}),
        _ => return Err(Untranslatable::at("type", UNKNOWN)),
    };
    // The index is a mark of the stream that the block was put together from.
    block.end(&[("index", always, "")])?;
    Ok(out)
}

fn tool_call(mut call: Fields) -> Outcome<Value> {
    let id = call.need_text("id")?;
    let kind = call.text("type")?.unwrap_or_else(|| "function".to_owned());
    let called = match kind.as_str() {
        "function" => function_call(call.need_object("function")?),
        "custom" => custom_call(call.need_object("custom")?),
        _ => return Err(Untranslatable::at("type", NO_COUNTERPART)),
    };
    let (name, input) = called.map_err(|fault| fault.inside(&kind))?;
    call.end(&[("index", always, "")])?;
    Ok(json!({"type": "tool_use", "id": id, "name": name, "input": input}))
}

fn function_call(mut function: Fields) -> Outcome<(String, Value)> {
    let name = function.need_text("name")?;
    let arguments = function.text("arguments")?.unwrap_or_default();
    // OpenAI's SDKs add a parsed copy when they put a stream together, and agents send it back.
    function.end(&[("parsed_arguments", always, "")])?;
    let input = if arguments.trim().is_empty() {
        Some(Map::new())
    } else {
        serde_json::from_str::<Map<String, Value>>(&arguments).ok()
    };
    let input = input.ok_or_else(|| {
        Untranslatable::at("arguments", "this provider takes arguments only as the text of a JSON object")
    })?;
    Ok((name, Value::Object(input)))
}

fn custom_call(mut called: Fields) -> Outcome<(String, Value)> {
    let name = called.need_text("name")?;
    let input = called.text("input")?.unwrap_or_default();
    called.end(&[])?;
    Ok((name, custom::wrap(input)))
}

fn tool_result(message: &mut Fields) -> Outcome<Value> {
    let id = message.need_text("tool_call_id")?;
    let content = match message.take("content") {
        None => None,
        Some(Value::String(text)) => Some(Value::String(text)),
        Some(parts) => {
            let mut only = Fields::new(object([("content", parts)]));
            Some(Value::Array(content(&mut only, &TEXT)?))
        }
    };
    let mut result = object([("type", Value::from("tool_result")), ("tool_use_id", Value::from(id))]);
    set(&mut result, "content", content);
    set(&mut result, "cache_control", message.take("cache_control"));
    Ok(Value::Object(result))
}
