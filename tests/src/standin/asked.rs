//! What a request asks for, read alike from every dialect.

use serde_json::{Map, Value, json};

use super::behaviour::ToolCall;
use super::dialect::Route;

/// The prefix of a user's text that has the first declared tool called.
const CALL: &str = "call ";

#[derive(Debug)]
pub(super) struct Asked {
    pub(super) model: Value,
    pub(super) stream: bool,
    /// Whether a chat stream ends with a chunk for usage.
    pub(super) include_usage: bool,
    /// Whether deltas are padded to hide their length; OpenAI does unless told otherwise.
    pub(super) obfuscate: bool,
    /// Whether the model shows its reasoning.
    pub(super) reasons: bool,
    pub(super) choices: usize,
    pub(super) max_tokens: Option<u64>,
    /// Words of everything the model would read.
    pub(super) words: u64,
    /// The last user message's text.
    pub(super) user: String,
    /// The last tool result's text, when nothing follows it.
    pub(super) tool_result: Option<String>,
    /// Name and parameter schema of the first declared tool, unless tools are switched off.
    tool: Option<(String, Value)>,
    /// Whether a call is demanded whatever the user says.
    forced: bool,
}

/// Who said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    User,
    ToolResult,
    Other,
}

impl Asked {
    /// `None` when the dialect's own list of messages is missing.
    pub(super) fn read(route: Route, request: &Value) -> Option<Self> {
        let turns = match route {
            Route::Responses => response_turns(request.get("input")?)?,
            _ => message_turns(request.get("messages")?.as_array()?),
        };
        let instructions = ["system", "instructions"].iter().filter_map(|name| request.get(*name));
        let words = turns
            .iter()
            .map(|(_, text)| words(text))
            .chain(instructions.map(|part| words(&text(part))))
            .sum();
        let user = turns.iter().rev().find(|(role, _)| *role == Role::User);
        let last = turns.last().filter(|(role, _)| *role == Role::ToolResult);
        Some(Self {
            model: request.get("model").cloned().unwrap_or(Value::Null),
            stream: is_true(request.get("stream")),
            include_usage: is_true(request.pointer("/stream_options/include_usage")),
            obfuscate: request.pointer("/stream_options/include_obfuscation") != Some(&Value::Bool(false)),
            reasons: reasons(route, request),
            choices: request
                .get("n")
                .and_then(Value::as_u64)
                .map_or(1, |n| usize::try_from(n.clamp(1, 128)).unwrap_or(1)),
            max_tokens: max_tokens(request),
            words,
            user: user.map(|(_, text)| text.clone()).unwrap_or_default(),
            tool_result: last.map(|(_, text)| text.clone()),
            tool: wanted_tool(request),
            forced: is_forced(request),
        })
    }

    /// A delta of `text` with padding to a multiple of 16 bytes, as OpenAI hides how long its deltas are.
    pub(super) fn padded(&self, mut delta: Value, text: &str) -> Value {
        if let (true, Some(fields)) = (self.obfuscate, delta.as_object_mut()) {
            let padding = "pQ7x".repeat(4).split_off(text.len() % 16);
            fields.insert("obfuscation".to_owned(), json!(padding));
        }
        delta
    }

    /// The call that a user's `call …` asks for, its arguments echoing the text.
    pub(super) fn wanted_call(&self) -> Option<ToolCall> {
        let all = self.forced.then_some(self.user.as_str());
        let rest = self.user.strip_prefix(CALL).or(all).filter(|_| self.tool_result.is_none())?;
        let (name, schema) = self.tool.as_ref()?;
        Some(ToolCall { name: name.clone(), arguments: arguments(schema, rest) })
    }
}

fn is_true(value: Option<&Value>) -> bool {
    value == Some(&Value::Bool(true))
}

fn max_tokens(request: &Value) -> Option<u64> {
    let names = ["max_completion_tokens", "max_tokens", "max_output_tokens"];
    names.iter().find_map(|name| request.get(*name).and_then(Value::as_u64))
}

/// Chat and Messages. An Anthropic tool result is a block of a user's message.
fn message_turns(messages: &[Value]) -> Vec<(Role, String)> {
    let turn = |message: &Value| {
        let content = message.get("content").unwrap_or(&Value::Null);
        let results =
            || content.as_array().into_iter().flatten().filter(|block| kind(block) == "tool_result");
        match message.get("role").and_then(Value::as_str) {
            Some("tool" | "function") => (Role::ToolResult, text(content)),
            Some("user") if results().next().is_some() => (
                Role::ToolResult,
                results().filter_map(|block| block.get("content")).map(text).collect::<Vec<_>>().join("\n"),
            ),
            Some("user") => (Role::User, text(content)),
            _ => (Role::Other, text(content)),
        }
    };
    messages.iter().map(turn).collect()
}

/// Responses: a string, or items of many types.
fn response_turns(input: &Value) -> Option<Vec<(Role, String)>> {
    let turn = |item: &Value| match (kind(item), item.get("role").and_then(Value::as_str)) {
        ("function_call_output" | "custom_tool_call_output", _) => {
            (Role::ToolResult, item.get("output").map(text).unwrap_or_default())
        }
        (_, Some("user")) => (Role::User, item.get("content").map(text).unwrap_or_default()),
        _ => (Role::Other, item.get("content").map(text).unwrap_or_default()),
    };
    match input {
        Value::String(text) => Some(vec![(Role::User, text.clone())]),
        Value::Array(items) => Some(items.iter().map(turn).collect()),
        _ => None,
    }
}

fn kind(value: &Value) -> &str {
    value.get("type").and_then(Value::as_str).unwrap_or_default()
}

/// The text of a content: a string, or the `text` of its parts.
pub(super) fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str));
            texts.collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

/// One token a word: wrong for a model, exact for a test.
pub(super) fn words(text: &str) -> u64 {
    u64::try_from(text.split_whitespace().count()).unwrap_or(u64::MAX)
}

/// Messages think; Responses summarise their reasoning; Chat keeps it to itself.
fn reasons(route: Route, request: &Value) -> bool {
    let thinking = request.get("thinking").map(kind);
    let summary = request.pointer("/reasoning/summary").is_some_and(Value::is_string);
    match route {
        Route::Messages => matches!(thinking, Some("enabled" | "adaptive")),
        Route::Responses => summary,
        _ => false,
    }
}

fn tool_choice(request: &Value) -> &Value {
    request.get("tool_choice").unwrap_or(&Value::Null)
}

/// `required` and `any` demand a call, and so does every choice of one tool.
fn is_forced(request: &Value) -> bool {
    let choice = tool_choice(request);
    let word = choice.as_str().unwrap_or(kind(choice));
    matches!(word, "required" | "any" | "tool" | "function")
}

/// The chosen tool, or the first. Chat nests a function, Responses and Messages do not; Messages calls its schema
/// `input_schema`.
fn wanted_tool(request: &Value) -> Option<(String, Value)> {
    let choice = tool_choice(request);
    if choice == "none" || kind(choice) == "none" {
        return None;
    }
    let chosen = choice.pointer("/function/name").or_else(|| choice.get("name"));
    let tools = request.get("tools")?.as_array()?;
    tools.iter().find_map(|tool| {
        let tool = tool.get("function").unwrap_or(tool);
        let name = tool.get("name").filter(|name| chosen.is_none_or(|chosen| chosen == *name))?;
        let schema = ["parameters", "input_schema"].iter().find_map(|name| tool.get(*name));
        Some((name.as_str()?.to_owned(), schema.cloned().unwrap_or(Value::Null)))
    })
}

/// Arguments that fit the schema, the text in every place for one.
fn arguments(schema: &Value, text: &str) -> Value {
    let Some(properties) = schema.get("properties").and_then(Value::as_object).filter(|map| !map.is_empty())
    else {
        return json!({ "text": text });
    };
    let fitting = |property: &Value| match kind(property) {
        "integer" | "number" => json!(1),
        "boolean" => json!(true),
        "array" => json!([text]),
        "object" => json!({}),
        _ => json!(text),
    };
    properties.iter().map(|(name, property)| (name.clone(), fitting(property))).collect::<Map<_, _>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(route: Route, request: &Value) -> Asked {
        Asked::read(route, request).unwrap()
    }

    #[test]
    fn the_last_user_text_and_all_words_are_found_in_every_dialect() {
        let parts = json!([{ "type": "text", "text": "one" }, { "type": "image_url" }, { "type": "text", "text": "two" }]);
        let turns =
            json!([{ "role": "user", "content": parts }, { "role": "assistant", "content": "three" }]);
        for (route, request) in [
            (Route::Chat, json!({ "messages": turns, "system": "be brief" })),
            (
                Route::Messages,
                json!({ "messages": turns, "system": [{ "type": "text", "text": "be brief" }] }),
            ),
            (Route::Responses, json!({ "input": turns, "instructions": "be brief" })),
        ] {
            let asked = read(route, &request);
            assert_eq!(
                (asked.user.as_str(), asked.words, asked.tool_result),
                ("one\ntwo", 5, None),
                "{route:?}"
            );
        }
        assert_eq!(read(Route::Responses, &json!({ "input": "hello" })).user, "hello");
        assert!(Asked::read(Route::Responses, &json!({ "messages": [] })).is_none());
    }

    #[test]
    fn a_tool_result_counts_only_when_it_is_last() {
        let user = json!({ "role": "user", "content": "call it" });
        let block = json!([{ "type": "tool_result", "tool_use_id": "t", "content": [{ "type": "text", "text": "42" }] }]);
        for (route, field, result) in [
            (Route::Chat, "messages", json!({ "role": "tool", "tool_call_id": "t", "content": "42" })),
            (Route::Messages, "messages", json!({ "role": "user", "content": block })),
            (
                Route::Responses,
                "input",
                json!({ "type": "function_call_output", "call_id": "t", "output": "42" }),
            ),
        ] {
            let asked = read(route, &json!({ field: [user, result] }));
            assert_eq!(asked.tool_result.as_deref(), Some("42"), "{route:?}");
            assert_eq!(asked.user, "call it");
            assert_eq!(read(route, &json!({ field: [result, user] })).tool_result, None);
        }
    }

    #[test]
    fn a_wanted_call_fits_the_declared_schema() {
        let schema = json!({ "properties": { "city": { "type": "string" }, "days": { "type": "integer" } } });
        let messages = json!([{ "role": "user", "content": "call Oslo" }]);
        for tool in [
            json!({ "type": "function", "function": { "name": "weather", "parameters": schema } }),
            json!({ "type": "function", "name": "weather", "parameters": schema }),
            json!({ "name": "weather", "input_schema": schema }),
        ] {
            let request = json!({ "messages": messages, "tools": [tool] });
            let call = read(Route::Chat, &request).wanted_call().unwrap();
            assert_eq!(
                (call.name.as_str(), call.arguments),
                ("weather", json!({ "city": "Oslo", "days": 1 }))
            );
            let mut off = request.clone();
            off["tool_choice"] = json!("none");
            assert!(read(Route::Chat, &off).wanted_call().is_none());
            let mut forced = request;
            forced["messages"][0]["content"] = json!("Oslo");
            assert!(read(Route::Chat, &forced).wanted_call().is_none());
            for choice in [
                json!("required"),
                json!({ "type": "any" }),
                json!({ "type": "tool", "name": "weather" }),
                json!({ "type": "function", "function": { "name": "weather" } }),
            ] {
                forced["tool_choice"] = choice;
                assert_eq!(
                    read(Route::Chat, &forced).wanted_call().unwrap().arguments,
                    json!({ "city": "Oslo", "days": 1 })
                );
            }
        }
    }
}
