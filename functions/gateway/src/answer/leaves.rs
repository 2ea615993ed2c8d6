//! Where the model's words stand in an answer: the one list, for whole answers and for the parts that streams repeat.

use serde_json::Value;

use crate::dialect::Dialect;

/// What a leaf of an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// What the model says to its caller.
    Text,
    /// What it thinks, unsigned.
    Reasoning,
    /// What it thinks, signed by the provider: a byte changed in it is refused when it comes back.
    Signed,
    /// Arguments of a tool call: JSON text, or a custom tool's free text.
    Arguments,
    /// Arguments of a tool call as a JSON value.
    ArgumentsValue,
}

/// Calls `visit` on every leaf of a whole answer that holds the model's words.
pub fn visit(wire: Dialect, answer: &mut Value, visit: &mut dyn FnMut(Field, &mut Value)) {
    match wire {
        Dialect::Chat => {
            each(answer.get_mut("choices"), &mut |choice| {
                if let Some(message) = choice.get_mut("message") {
                    chat_message(message, visit);
                }
            });
        }
        Dialect::Responses => response(answer, visit),
        Dialect::Messages => {
            each(answer.get_mut("content"), &mut |block| message_block(block, visit));
            // The caller's own text, which comes back as it was sent.
            leaf(answer, "/stop_sequence", Field::Text, visit);
        }
        Dialect::Embeddings | Dialect::CountTokens => {}
    }
}

/// How many bytes of words an answer holds. It stays as it is.
pub fn text_bytes(wire: Dialect, answer: &mut Value) -> u64 {
    let mut bytes = 0;
    visit(wire, answer, &mut |_, leaf| {
        let length = leaf.as_str().map_or_else(|| leaf.to_string().len(), str::len);
        bytes += u64::try_from(length).unwrap_or(u64::MAX);
    });
    bytes
}

fn each(list: Option<&mut Value>, act: &mut dyn FnMut(&mut Value)) {
    list.and_then(Value::as_array_mut).into_iter().flatten().for_each(act);
}

/// `path` holds names of fields alone, so nothing in it is escaped.
fn leaf(value: &mut Value, path: &str, field: Field, visit: &mut dyn FnMut(Field, &mut Value)) {
    let leaf = path.split('/').skip(1).try_fold(value, |value, name| value.get_mut(name));
    if let Some(leaf) = leaf.filter(|leaf| leaf.is_string()) {
        visit(field, leaf);
    }
}

/// A message of Chat Completions. `reasoning_content` and `reasoning` are what compatible servers send.
pub fn chat_message(message: &mut Value, visit: &mut dyn FnMut(Field, &mut Value)) {
    leaf(message, "/content", Field::Text, visit);
    each(message.get_mut("content"), &mut |part| leaf(part, "/text", Field::Text, visit));
    leaf(message, "/refusal", Field::Text, visit);
    leaf(message, "/audio/transcript", Field::Text, visit);
    leaf(message, "/reasoning_content", Field::Reasoning, visit);
    leaf(message, "/reasoning", Field::Reasoning, visit);
    each(message.get_mut("thinking_blocks"), &mut |block| leaf(block, "/thinking", Field::Signed, visit));
    each(message.get_mut("tool_calls"), &mut |call| {
        leaf(call, "/function/arguments", Field::Arguments, visit);
        leaf(call, "/custom/input", Field::Arguments, visit);
    });
    leaf(message, "/function_call/arguments", Field::Arguments, visit);
}

/// A response object: its output, and the caller's own instructions, which it repeats.
pub fn response(response: &mut Value, visit: &mut dyn FnMut(Field, &mut Value)) {
    leaf(response, "/instructions", Field::Text, visit);
    leaf(response, "/output_text", Field::Text, visit);
    each(response.get_mut("output"), &mut |item| response_item(item, visit));
}

pub fn response_item(item: &mut Value, visit: &mut dyn FnMut(Field, &mut Value)) {
    let reasoning = item.get("type").is_some_and(|kind| kind == "reasoning");
    let field = if reasoning { Field::Reasoning } else { Field::Text };
    for list in ["content", "summary"] {
        each(item.get_mut(list), &mut |part| response_part(part, field, visit));
    }
    leaf(item, "/arguments", Field::Arguments, visit);
    leaf(item, "/input", Field::Arguments, visit);
}

pub fn response_part(part: &mut Value, field: Field, visit: &mut dyn FnMut(Field, &mut Value)) {
    leaf(part, "/text", field, visit);
    leaf(part, "/refusal", field, visit);
}

/// A block of a Messages answer.
pub fn message_block(block: &mut Value, visit: &mut dyn FnMut(Field, &mut Value)) {
    leaf(block, "/text", Field::Text, visit);
    leaf(block, "/thinking", Field::Signed, visit);
    if let Some(input) = block.get_mut("input").filter(|input| !input.is_null()) {
        visit(Field::ArgumentsValue, input);
    }
}
