//! The input of a Responses request as Chat's messages: what the assistant did comes as items of its own there.

use serde_json::{Map, Value, json};

use crate::translate::fields::{
    Fields, Harmless, NO_COUNTERPART, Outcome, Untranslatable, always, collapse, each, is_auto, is_empty,
    never, set,
};
use crate::translate::media::CACHE_BREAKPOINT;

/// What an `encrypted_content` of our own begins with: a signature of Anthropic's over the thinking in the summary.
pub const SIGNED: &str = "signed:";
/// The same for thinking that Anthropic hid: its data follows.
pub const REDACTED: &str = "redacted:";

const STORED: &str = "it names content that one provider keeps, and another cannot see";
const FOREIGN: &str =
    "this reasoning is encrypted for another provider, which alone can read it; leave the item out";
const NO_MEDIA: &str = "this provider takes only text as a tool's result";

/// Marks of items that the API returned: they say nothing to a model.
const ITEM_HARMLESS: [Harmless; 6] = [
    ("id", always, ""),
    ("status", always, ""),
    ("phase", always, ""),
    ("async", always, ""),
    ("namespace", is_empty, NO_COUNTERPART),
    ("caller", direct, "only the model itself calls a tool at this provider"),
];

fn direct(caller: &Value) -> bool {
    caller.get("type").and_then(Value::as_str) == Some("direct")
}

/// Reads the input, a text or a list of items.
pub fn read(input: Option<Value>, messages: &mut Vec<Value>) -> Outcome<()> {
    let items = match input {
        Some(Value::String(text)) => {
            messages.push(json!({"role": "user", "content": text}));
            return Ok(());
        }
        Some(Value::Array(items)) => items,
        _ => return Err(Untranslatable::at("input", "a string or an array of items belongs here")),
    };
    let mut talk = Talk { messages, turn: Turn::default() };
    each("input", items, |fields| talk.item(fields))?;
    talk.end_turn();
    Ok(())
}

/// The messages so far, and what the assistant is doing: Chat has its words and calls in one message.
struct Talk<'m> {
    messages: &'m mut Vec<Value>,
    turn: Turn,
}

#[derive(Default)]
struct Turn {
    words: Vec<Value>,
    calls: Vec<Value>,
    thoughts: String,
    blocks: Vec<Value>,
}

impl Turn {
    fn is_empty(&self) -> bool {
        self.words.is_empty() && self.calls.is_empty() && self.thoughts.is_empty() && self.blocks.is_empty()
    }

    fn into_message(self) -> Value {
        let mut message = Map::new();
        message.insert("role".to_owned(), Value::from("assistant"));
        let content = if self.words.is_empty() { Value::Null } else { collapse(self.words) };
        message.insert("content".to_owned(), content);
        set(&mut message, "reasoning_content", Some(self.thoughts).filter(|thoughts| !thoughts.is_empty()));
        set(&mut message, "thinking_blocks", Some(self.blocks).filter(|blocks| !blocks.is_empty()));
        set(&mut message, "tool_calls", Some(self.calls).filter(|calls| !calls.is_empty()));
        Value::Object(message)
    }
}

impl Talk<'_> {
    fn end_turn(&mut self) {
        if !self.turn.is_empty() {
            self.messages.push(std::mem::take(&mut self.turn).into_message());
        }
    }

    fn item(&mut self, mut item: Fields) -> Outcome<()> {
        let kind = item.text("type")?.unwrap_or_else(|| "message".to_owned());
        match kind.as_str() {
            "message" => self.message(&mut item)?,
            "reasoning" => self.reasoning(&mut item)?,
            "function_call" => {
                let function =
                    json!({"name": item.need_text("name")?, "arguments": item.need_text("arguments")?});
                let id = item.need_text("call_id")?;
                self.turn.calls.push(json!({"id": id, "type": "function", "function": function}));
            }
            "custom_tool_call" => {
                let custom = json!({"name": item.need_text("name")?, "input": item.need_text("input")?});
                let id = item.need_text("call_id")?;
                self.turn.calls.push(json!({"id": id, "type": "custom", "custom": custom}));
            }
            "function_call_output" | "custom_tool_call_output" => self.output(&mut item)?,
            "item_reference" => return Err(Untranslatable::at("type", STORED)),
            _ => return Err(Untranslatable::at("type", NO_COUNTERPART)),
        }
        item.end(&ITEM_HARMLESS)
    }

    fn message(&mut self, item: &mut Fields) -> Outcome<()> {
        let role = item.need_text("role")?;
        if role == "assistant" {
            // Words after words, or after calls, begin another message.
            if !self.turn.words.is_empty() || !self.turn.calls.is_empty() {
                self.end_turn();
            }
            self.turn.words = content(item, "content", assistant_part)?;
            return Ok(());
        }
        if !matches!(role.as_str(), "user" | "system" | "developer") {
            return Err(Untranslatable::at("role", "use user, assistant, system or developer"));
        }
        self.end_turn();
        let parts = content(item, "content", user_part)?;
        self.messages.push(json!({"role": role, "content": collapse(parts)}));
        Ok(())
    }

    fn reasoning(&mut self, item: &mut Fields) -> Outcome<()> {
        // Chat wants the results of calls right after them, so that calls end no turn.
        if !self.turn.words.is_empty() && self.turn.calls.is_empty() {
            self.end_turn();
        }
        let summary = item.each("summary", |text| reasoning_text(text, "summary_text"))?.concat();
        let content = item.each("content", |text| reasoning_text(text, "reasoning_text"))?.concat();
        let text = if content.is_empty() { summary } else { content };
        let Some(sealed) = item.text("encrypted_content")? else {
            self.turn.thoughts.push_str(&text);
            return Ok(());
        };
        let block = match (sealed.strip_prefix(SIGNED), sealed.strip_prefix(REDACTED)) {
            (Some(signature), _) => json!({"type": "thinking", "thinking": text, "signature": signature}),
            (_, Some(data)) => json!({"type": "redacted_thinking", "data": data}),
            _ => return Err(Untranslatable::at("encrypted_content", FOREIGN)),
        };
        self.turn.blocks.push(block);
        Ok(())
    }

    fn output(&mut self, item: &mut Fields) -> Outcome<()> {
        self.end_turn();
        let id = item.need_text("call_id")?;
        item.take("name");
        let parts = content(item, "output", |mut part| match part.need_text("type")?.as_str() {
            "input_text" | "output_text" => text_part(part),
            _ => Err(Untranslatable::at("type", NO_MEDIA)),
        })?;
        let content = if parts.is_empty() { Value::from("") } else { collapse(parts) };
        self.messages.push(json!({"role": "tool", "tool_call_id": id, "content": content}));
        Ok(())
    }
}

fn reasoning_text(mut part: Fields, kind: &str) -> Outcome<String> {
    if part.need_text("type")? != kind {
        return Err(Untranslatable::at("type", NO_COUNTERPART));
    }
    let text = part.need_text("text")?;
    part.end(&[])?;
    Ok(text)
}

fn content(item: &mut Fields, name: &str, read: fn(Fields) -> Outcome<Value>) -> Outcome<Vec<Value>> {
    match item.take(name) {
        Some(Value::String(text)) => Ok(vec![json!({"type": "text", "text": text})]),
        Some(Value::Array(parts)) => each(name, parts, read),
        _ => Err(Untranslatable::at(name, "a string or an array of parts belongs here")),
    }
}

fn text_part(mut part: Fields) -> Outcome<Value> {
    let text = part.need_text("text")?;
    part.end(&[
        CACHE_BREAKPOINT,
        ("logprobs", always, ""),
        ("annotations", is_empty, "this provider takes no annotations"),
    ])?;
    Ok(json!({"type": "text", "text": text}))
}

fn assistant_part(mut part: Fields) -> Outcome<Value> {
    match part.need_text("type")?.as_str() {
        "output_text" | "input_text" => text_part(part),
        "refusal" => {
            let refusal = part.need_text("refusal")?;
            part.end(&[])?;
            Ok(json!({"type": "refusal", "refusal": refusal}))
        }
        _ => Err(Untranslatable::at("type", NO_COUNTERPART)),
    }
}

fn user_part(mut part: Fields) -> Outcome<Value> {
    match part.need_text("type")?.as_str() {
        "input_text" | "output_text" => text_part(part),
        "input_image" => image(part),
        "input_file" => file(part),
        _ => Err(Untranslatable::at("type", NO_COUNTERPART)),
    }
}

fn image(mut part: Fields) -> Outcome<Value> {
    let url = part.text("image_url")?;
    let detail = part.take("detail").filter(|detail| !is_auto(detail));
    part.end(&[CACHE_BREAKPOINT, ("file_id", never, STORED)])?;
    let url = url.ok_or_else(|| Untranslatable::at("image_url", "it is required"))?;
    let mut image = Map::new();
    image.insert("url".to_owned(), Value::from(url));
    set(&mut image, "detail", detail);
    Ok(json!({"type": "image_url", "image_url": image}))
}

fn file(mut part: Fields) -> Outcome<Value> {
    let mut file = Map::new();
    set(&mut file, "filename", part.text("filename")?);
    set(&mut file, "file_data", part.text("file_data")?);
    part.end(&[
        CACHE_BREAKPOINT,
        ("detail", is_auto, NO_COUNTERPART),
        ("file_id", never, STORED),
        ("file_url", never, "this provider fetches no files; send the data"),
    ])?;
    Ok(json!({"type": "file", "file": file}))
}
