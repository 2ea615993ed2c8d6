//! Tools in a request: which are declared, which the provider would run, and which results come back.

use domain::Uninspectable;
use serde_json::{Map, Value};

use super::{Need, tables};
use crate::dialect::Dialect;

const HOSTED: &str =
    "only tools that run on your side are under your control; the provider would run this one";

/// The tools of a request that the provider would run.
pub fn hosted(dialect: Dialect, body: &Map<String, Value>) -> Vec<Need> {
    let need = |param: String| Need { what: Some(Uninspectable::HostedTools), param, why: HOSTED };
    match body.get("tools") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(tools)) => {
            let hosted = tools.iter().enumerate().filter(|(_, tool)| !runs_here(dialect, tool));
            hosted.map(|(n, _)| need(format!("tools[{n}]"))).collect()
        }
        // Not a list of tools: what the provider would make of it, nobody knows.
        Some(_) => vec![Need { what: None, ..need("tools".to_owned()) }],
    }
}

/// Chat and Responses name every tool's type; Anthropic's own tools may leave it out. A tool that code at the provider
/// may call runs there.
fn runs_here(dialect: Dialect, tool: &Value) -> bool {
    let own = match tool.get("type") {
        None | Some(Value::Null) => {
            matches!(dialect, Dialect::Messages | Dialect::CountTokens) && tool.is_object()
        }
        Some(kind) => kind.as_str().is_some_and(|kind| match (dialect, kind) {
            (Dialect::Responses, "shell") => tool.get("environment").is_some() && is_local(tool),
            (Dialect::Responses, "tool_search") => text(tool, "execution") == Some("client"),
            (Dialect::Responses, "namespace") => {
                let tools = tool.get("tools").and_then(Value::as_array);
                tools.is_some_and(|tools| tools.iter().all(|tool| runs_here(dialect, tool)))
            }
            _ => tables::runs_here(dialect, kind),
        }),
    };
    let direct = |callers: &Value| {
        callers.as_array().is_some_and(|callers| callers.iter().all(|caller| caller == "direct"))
    };
    own && tool.get("allowed_callers").is_none_or(|callers| callers.is_null() || direct(callers))
}

/// Whether a shell, or a call of one, is the caller's own and not a container of the provider's.
pub fn is_local(shell: &Value) -> bool {
    shell.get("environment").is_none_or(|environment| {
        environment.is_null() || environment.get("type").is_some_and(|kind| kind == "local")
    })
}

/// Every name by which a request declares a tool, and where. Hosted tools are known by their type as well.
pub fn declared(body: &Map<String, Value>) -> Vec<(String, &str)> {
    let mut found = Vec::new();
    for list in ["tools", "functions"] {
        named(list, body.get(list), &mut found);
    }
    found
}

fn named<'b>(list: &str, tools: Option<&'b Value>, found: &mut Vec<(String, &'b str)>) {
    for (n, tool) in tools.and_then(Value::as_array).into_iter().flatten().enumerate() {
        let place = format!("{list}[{n}]");
        let names = ["/function/name", "/custom/name", "/name", "/type"];
        let names = names.iter().filter_map(|at| tool.pointer(at).and_then(Value::as_str));
        found.extend(names.map(|name| (place.clone(), name)));
        // A namespace of Responses holds tools.
        named(&format!("{place}.tools"), tool.get("tools"), found);
    }
}

/// A tool's result that a request brings back.
#[derive(Clone, PartialEq)]
pub struct Returned<'b> {
    /// The id of the call that it answers.
    pub call: &'b str,
    pub tool: Option<&'b str>,
    pub result: &'b Value,
}

/// A result is a caller's data.
impl std::fmt::Debug for Returned<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Returned(..)")
    }
}

/// The results since the model last spoke. Earlier ones were recorded when they were new.
pub fn returned(dialect: Dialect, body: &Map<String, Value>) -> Vec<Returned<'_>> {
    let list = |name: &str| body.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    match dialect {
        Dialect::Chat => chat_results(list("messages")),
        Dialect::Messages => message_results(list("messages")),
        Dialect::Responses => item_results(list("input")),
        Dialect::Embeddings | Dialect::CountTokens => Vec::new(),
    }
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str)
}

/// What follows the last element that the model said, and that element.
fn since(all: &[Value], spoke: impl Fn(&Value) -> bool) -> (&[Value], &[Value]) {
    let after = all.iter().rposition(spoke).map_or(0, |at| at + 1);
    all.split_at_checked(after).unwrap_or((all, &[]))
}

fn chat_results(messages: &[Value]) -> Vec<Returned<'_>> {
    let (before, after) = since(messages, |message| text(message, "role") == Some("assistant"));
    let calls = before.last().and_then(|message| message.get("tool_calls")).and_then(Value::as_array);
    let name = |id: &str| {
        let call = calls.into_iter().flatten().find(|call| text(call, "id") == Some(id))?;
        ["/function/name", "/custom/name"].iter().find_map(|at| call.pointer(at)?.as_str())
    };
    let result = |message: &'_ Value| matches!(text(message, "role"), Some("tool" | "function"));
    let after = after.iter().filter(|message| result(message));
    after
        .map(|message| {
            let call = text(message, "tool_call_id").unwrap_or_default();
            let tool = name(call).or_else(|| text(message, "name"));
            Returned { call, tool, result: message.get("content").unwrap_or(&Value::Null) }
        })
        .collect()
}

fn message_results(messages: &[Value]) -> Vec<Returned<'_>> {
    fn blocks(message: &Value) -> impl Iterator<Item = &Value> {
        message.get("content").and_then(Value::as_array).into_iter().flatten()
    }
    let (before, after) = since(messages, |message| text(message, "role") == Some("assistant"));
    let name = |id: &str| {
        let call = before.last().into_iter().flat_map(blocks).find(|block| text(block, "id") == Some(id))?;
        text(call, "name")
    };
    let results = after.iter().flat_map(blocks).filter(|block| text(block, "type") == Some("tool_result"));
    results
        .map(|block| {
            let call = text(block, "tool_use_id").unwrap_or_default();
            Returned { call, tool: name(call), result: block.get("content").unwrap_or(&Value::Null) }
        })
        .collect()
}

fn item_results(items: &[Value]) -> Vec<Returned<'_>> {
    let kind = |item: &'_ Value, end: &str| text(item, "type").is_some_and(|kind| kind.ends_with(end));
    let output = |item: &Value| kind(item, "_call_output");
    let (before, after) = since(items, |item| {
        !output(item)
            && (kind(item, "_call") || kind(item, "reasoning") || text(item, "role") == Some("assistant"))
    });
    let name = |id: &str| {
        let call =
            before.iter().rev().find(|item| kind(item, "_call") && text(item, "call_id") == Some(id))?;
        text(call, "name")
    };
    let results = after.iter().filter(|item| output(item));
    results
        .map(|item| {
            let call = text(item, "call_id").unwrap_or_default();
            Returned { call, tool: name(call), result: item.get("output").unwrap_or(&Value::Null) }
        })
        .collect()
}
