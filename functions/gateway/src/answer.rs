//! A provider's answer: what it says of itself, and how it is put before its caller. Pure.

pub mod leaves;
pub mod render;

use domain::Reason;
use serde_json::Value;

use crate::dialect::Dialect;
use crate::form::tools::is_local;
use crate::outcome::Spent;

/// A tool call in an answer, as its caller is given it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct ToolCall {
    pub id: String,
    pub name: String,
    /// JSON text, or the free text of a custom tool.
    pub arguments: String,
    /// What else it may be called by.
    pub alias: Option<String>,
    /// The provider runs it itself, and has by now.
    pub hosted: bool,
}

/// Arguments are a caller's data.
impl std::fmt::Debug for ToolCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ToolCall(..)")
    }
}

/// Tokens that a provider says it used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    pub input: u64,
    pub output: u64,
    /// Some providers count reasoning in the total alone.
    pub total: u64,
    /// Of the input.
    pub cached: Cached,
}

/// Input tokens that have prices of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cached {
    pub read: u64,
    pub written: u64,
}

/// No token of a published tokenizer covers more text: the longest are runs of 128 spaces.
const MAX_BYTES_PER_TOKEN: u64 = 256;

impl Usage {
    /// What it settles. Fewer tokens than the text needs are a lie, and cost the worst case like no report at all.
    pub fn spent(self, text_bytes: u64) -> Spent {
        let Self { input, output, total, cached } = self;
        let enough = output.saturating_mul(MAX_BYTES_PER_TOKEN) >= text_bytes;
        if input > 0 && enough { Spent::Reported { input, output, total, cached } } else { Spent::Everything }
    }
}

/// Reads the count of tokens out of the object that a dialect calls `usage`; nothing if it is not one.
pub fn usage(wire: Dialect, usage: &Value) -> Option<Usage> {
    let count = |name: &str| usage.get(name).and_then(Value::as_u64);
    let total = count("total_tokens").unwrap_or_default();
    let detail = |group: &str, name: &str| {
        usage.get(group).and_then(|group| group.get(name)).and_then(Value::as_u64).unwrap_or_default()
    };
    let cached =
        |group| Cached { read: detail(group, "cached_tokens"), written: detail(group, "cache_write_tokens") };
    match wire {
        Dialect::Chat => {
            let (input, output) = (count("prompt_tokens")?, count("completion_tokens")?);
            Some(Usage { input, output, total, cached: cached("prompt_tokens_details") })
        }
        Dialect::Embeddings => {
            Some(Usage { input: count("prompt_tokens")?, output: 0, total, cached: Cached::default() })
        }
        Dialect::Responses => {
            let (input, output) = (count("input_tokens")?, count("output_tokens")?);
            Some(Usage { input, output, total, cached: cached("input_tokens_details") })
        }
        Dialect::Messages => {
            // What is read from the cache, or written to it, is input as well.
            let of_cache = |name| count(name).unwrap_or_default();
            let cached = Cached {
                read: of_cache("cache_read_input_tokens"),
                written: of_cache("cache_creation_input_tokens"),
            };
            let input = count("input_tokens")?.saturating_add(cached.read).saturating_add(cached.written);
            Some(Usage { input, output: count("output_tokens")?, total: 0, cached })
        }
        Dialect::CountTokens => None,
    }
}

/// Whether a whole answer is one of its dialect. An error inside a 200 is none.
pub fn check(wire: Dialect, answer: &Value) -> Result<(), Reason> {
    let set = |name: &str| answer.get(name).is_some_and(|value| !value.is_null());
    let list = |name: &str| answer.get(name).is_some_and(Value::is_array);
    if set("error") || answer.get("status").is_some_and(|status| status == "failed") {
        return Err(Reason::ProviderError);
    }
    let good = match wire {
        Dialect::Chat => list("choices"),
        Dialect::Responses => list("output"),
        Dialect::Embeddings => list("data"),
        Dialect::Messages => list("content"),
        Dialect::CountTokens => answer.get("input_tokens").is_some_and(Value::is_u64),
    };
    if good { Ok(()) } else { Err(Reason::ProviderMalformed) }
}

/// What a whole answer settles. Counting tokens costs none.
pub fn spent(wire: Dialect, answer: &mut Value) -> Spent {
    if wire == Dialect::CountTokens && check(wire, answer).is_ok() {
        return Spent::Reported { input: 0, output: 0, total: 0, cached: Cached::default() };
    }
    let reported = answer.get("usage").and_then(|reported| usage(wire, reported));
    reported.map_or(Spent::Everything, |usage| usage.spent(leaves::text_bytes(wire, answer)))
}

/// The tool calls of a whole answer.
pub fn calls(wire: Dialect, answer: &Value) -> Vec<ToolCall> {
    let list = |name: &str| answer.get(name).and_then(Value::as_array).into_iter().flatten();
    match wire {
        Dialect::Chat => {
            let messages = list("choices").filter_map(|choice| choice.get("message"));
            messages.flat_map(chat_calls).collect()
        }
        Dialect::Responses => list("output").filter_map(item_call).collect(),
        Dialect::Messages => list("content").filter_map(block_call).collect(),
        Dialect::Embeddings | Dialect::CountTokens => Vec::new(),
    }
}

fn text(value: &Value, pointers: &[&str]) -> Option<String> {
    pointers.iter().find_map(|at| value.pointer(at)?.as_str()).map(str::to_owned)
}

fn chat_calls(message: &Value) -> Vec<ToolCall> {
    let listed = message.get("tool_calls").and_then(Value::as_array).into_iter().flatten();
    let older = message.get("function_call").filter(|call| !call.is_null());
    listed.chain(older).map(chat_call).collect()
}

/// Where the name of a call in a message of Chat Completions stands, in each of its forms.
pub const CHAT_NAMES: [&str; 3] = ["/function/name", "/custom/name", "/name"];
/// Where its arguments do.
pub const CHAT_ARGUMENTS: [&str; 3] = ["/function/arguments", "/custom/input", "/arguments"];

/// A call in a message of Chat Completions, in either form.
pub fn chat_call(call: &Value) -> ToolCall {
    ToolCall {
        id: text(call, &["/id"]).unwrap_or_default(),
        name: text(call, &CHAT_NAMES).unwrap_or_default(),
        arguments: text(call, &CHAT_ARGUMENTS).unwrap_or_default(),
        ..ToolCall::default()
    }
}

/// Goes on with a call's name, which some servers send in pieces, and others with every delta.
pub fn extend(name: &mut String, more: &str) {
    if name != more {
        name.push_str(more);
    }
}

/// An item of a Responses answer that calls a tool. Those without a name are called by their type: `web_search_call`; as a
/// tool it is `web_search`. One with a namespace is `namespace.name` too.
pub fn item_call(item: &Value) -> Option<ToolCall> {
    let kind = text(item, &["/type"])?;
    let tool = kind.strip_suffix("_call")?.to_owned();
    let action = || item.get("action").map(ToString::to_string);
    let hosted = is_hosted(&kind, item);
    let id = text(item, &["/call_id", "/id"]).unwrap_or_default();
    let arguments = text(item, &["/arguments", "/input"]).or_else(action).unwrap_or_default();
    let (name, alias) = match text(item, &["/name"]) {
        None => (kind, Some(tool)),
        Some(name) => {
            let alias = text(item, &["/namespace"]).map(|space| format!("{space}.{name}"));
            (name, alias)
        }
    };
    Some(ToolCall { id, name, arguments, alias, hosted })
}

/// Whether a call of Responses has run at the provider.
fn is_hosted(kind: &str, item: &Value) -> bool {
    match kind {
        "code_interpreter_call"
        | "file_search_call"
        | "image_generation_call"
        | "mcp_call"
        | "web_search_call" => true,
        "shell_call" => !is_local(item),
        "tool_search_call" => item.get("execution").is_some_and(|place| place == "server"),
        _ => false,
    }
}

/// A block of a Messages answer that calls a tool, a provider's own included.
pub fn block_call(block: &Value) -> Option<ToolCall> {
    let kind = text(block, &["/type"]).filter(|kind| kind.ends_with("tool_use"))?;
    let input = block.get("input").filter(|input| input.as_object().is_none_or(|input| !input.is_empty()));
    Some(ToolCall {
        id: text(block, &["/id"]).unwrap_or_default(),
        name: text(block, &["/name"]).unwrap_or_default(),
        arguments: input.map(ToString::to_string).unwrap_or_default(),
        alias: None,
        hosted: kind != "tool_use",
    })
}
