//! What the vendors refuse in a conversation's history: results without calls, calls without results, and reasoning
//! that is not the model's own. A gateway that translates or redacts is easily at fault here.

use serde_json::Value;

use super::dialect::{Route, VERSIONS};
use super::messages::signature;
use super::responses::encrypted;

/// Smallest allowance for thinking.
const THINKING_TOKENS_MIN: u64 = 1_024;

/// What is wrong with the request, in the vendor's words. `version` is Anthropic's.
pub(super) fn fault(route: Route, version: Option<&str>, request: &Value) -> Option<String> {
    match route {
        Route::Chat => chat(list(request, "messages")),
        Route::Responses => responses(request),
        Route::Messages if version == VERSIONS.last().copied() => {
            removed(request).or_else(|| messages(request))
        }
        Route::Messages => messages(request),
        _ => None,
    }
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn texts<'a>(values: impl Iterator<Item = &'a Value>, name: &'static str) -> Vec<&'a str> {
    values.map(|value| text(value, name)).collect()
}

fn chat(all: &[Value]) -> Option<String> {
    let mut open: Vec<&str> = Vec::new();
    for message in all {
        if text(message, "role") == "tool" {
            let id = text(message, "tool_call_id");
            let Some(at) = open.iter().position(|open| *open == id) else {
                return Some(
                    "messages with role 'tool' must be a response to a preceding message with 'tool_calls'."
                        .to_owned(),
                );
            };
            open.swap_remove(at);
            continue;
        }
        if !open.is_empty() {
            break;
        }
        let calls = list(message, "tool_calls");
        if calls.iter().any(|call| !call.pointer("/function/arguments").is_some_and(Value::is_string)) {
            return Some("messages.tool_calls.function.arguments: expected a string".to_owned());
        }
        open = texts(calls.iter(), "id");
    }
    (!open.is_empty()).then(|| {
        format!("An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: {}", open.join(", "))
    })
}

/// A continued response has its calls at the vendor.
fn responses(request: &Value) -> Option<String> {
    let items = list(request, "input");
    let of = |kind: &'static str| items.iter().filter(move |item| text(item, "type") == kind);
    if of("reasoning")
        .any(|item| item.get("encrypted_content").is_some_and(|own| !own.is_null() && *own != encrypted()))
    {
        return Some("The encrypted content could not be verified.".to_owned());
    }
    if request.get("previous_response_id").is_some_and(Value::is_string) {
        return None;
    }
    let (calls, outputs) =
        (texts(of("function_call"), "call_id"), texts(of("function_call_output"), "call_id"));
    let missing = |wanted: &[&str], there: &[&str]| {
        wanted.iter().find(|id| !there.contains(*id)).map(|id| (*id).to_owned())
    };
    let no_call = missing(&outputs, &calls)
        .map(|id| format!("No tool call found for function call output with call_id {id}."));
    no_call.or_else(|| {
        missing(&calls, &outputs).map(|id| format!("No tool output found for function call {id}."))
    })
}

/// What Anthropic's version 2026-10-21 took away:
/// <https://platform.claude.com/docs/en/api/versioning>. The wording of the last two is ours.
fn removed(request: &Value) -> Option<String> {
    if let Some(name) = ["temperature", "top_p", "top_k"].iter().find(|name| request.get(**name).is_some()) {
        return Some(format!("{name}: Extra inputs are not permitted"));
    }
    list(request, "messages").iter().enumerate().find_map(|(at, message)| {
        let gone = |block: &Value| match (text(message, "role"), text(block, "type")) {
            ("assistant", "document") => Some("document blocks are not permitted in assistant messages"),
            ("user", "text") if !list(block, "citations").is_empty() => {
                Some("citations are not permitted in user messages")
            }
            _ => None,
        };
        list(message, "content").iter().find_map(gone).map(|said| format!("messages.{at}.content: {said}"))
    })
}

fn messages(request: &Value) -> Option<String> {
    let all = list(request, "messages");
    let thinking = request.get("thinking").filter(|thinking| text(thinking, "type") == "enabled");
    allowance(request, thinking)
        .or_else(|| all.iter().enumerate().find_map(|(at, message)| block_fault(at, message)))
        .or_else(|| unpaired(all))
        .or_else(|| thinking.and_then(|_| thoughtless(all)))
}

fn allowance(request: &Value, thinking: Option<&Value>) -> Option<String> {
    let tokens = |value: &Value, name: &str| value.get(name).and_then(Value::as_u64).unwrap_or_default();
    let budget = tokens(thinking?, "budget_tokens");
    if budget < THINKING_TOKENS_MIN {
        return Some(
            "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024".to_owned(),
        );
    }
    (budget >= tokens(request, "max_tokens"))
        .then(|| "`max_tokens` must be greater than `thinking.budget_tokens`.".to_owned())
}

fn block_fault(at: usize, message: &Value) -> Option<String> {
    // A system message amid the others is part of the newest SDKs' types.
    if !matches!(text(message, "role"), "user" | "assistant" | "system") {
        return Some(format!("messages.{at}.role: Input should be 'user', 'assistant' or 'system'"));
    }
    list(message, "content").iter().enumerate().find_map(|(number, block)| {
        let said = match text(block, "type") {
            "thinking" if text(block, "signature") != signature(text(block, "thinking")) => {
                "thinking.signature: Invalid `signature` in `thinking` block"
            }
            "tool_use" if !block.get("input").is_some_and(Value::is_object) => {
                "tool_use.input: Input should be a valid dictionary"
            }
            "text" if text(block, "text").is_empty() => "text: text content blocks must be non-empty",
            _ => return None,
        };
        Some(format!("messages.{at}.content.{number}.{said}"))
    })
}

fn of_kind<'a>(message: &'a Value, kind: &'static str) -> impl Iterator<Item = &'a Value> {
    list(message, "content").iter().filter(move |block| text(block, "type") == kind)
}

/// Results stand in the message right after their calls.
fn unpaired(all: &[Value]) -> Option<String> {
    let before = std::iter::once(&Value::Null).chain(all);
    let after = all.iter().chain(std::iter::once(&Value::Null));
    before.zip(after).enumerate().find_map(|(at, (before, after))| {
        let calls = texts(of_kind(before, "tool_use"), "id");
        let results = texts(of_kind(after, "tool_result"), "tool_use_id");
        if let Some(id) = results.iter().find(|id| !calls.contains(*id)) {
            return Some(format!("messages.{at}.content: unexpected `tool_use_id` found in `tool_result` blocks: {id}. Each `tool_result` block must have a corresponding `tool_use` block in the previous message."));
        }
        let id = calls.iter().find(|id| !results.contains(*id))?;
        Some(format!("messages.{}: `tool_use` ids were found without `tool_result` blocks immediately after: {id}.", at.saturating_sub(1)))
    })
}

/// While a tool is being used, the model's thoughts of that turn go with it.
fn thoughtless(all: &[Value]) -> Option<String> {
    let (at, last) =
        all.iter().enumerate().rev().find(|(_, message)| text(message, "role") == "assistant")?;
    of_kind(last, "tool_use").next()?;
    let first = list(last, "content").first().map(|block| text(block, "type")).unwrap_or_default();
    let thought = matches!(first, "thinking" | "redacted_thinking");
    (!thought).then(|| {
        format!(
            "messages.{at}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{first}`."
        )
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(route: Route, request: &Value) -> String {
        fault(route, None, request).unwrap_or_default()
    }

    #[test]
    fn the_newer_version_of_messages_refuses_what_it_removed() {
        let document = json!([{ "role": "assistant", "content": [{ "type": "document", "source": {} }] }]);
        let cited =
            json!([{ "role": "user", "content": [{ "type": "text", "text": "x", "citations": [{}] }] }]);
        for (request, expected) in [
            (json!({ "temperature": 1.0 }), "temperature: Extra inputs are not permitted"),
            (json!({ "top_k": 1 }), "top_k: Extra inputs are not permitted"),
            (json!({ "messages": document }), "messages.0.content: document blocks"),
            (json!({ "messages": cited }), "messages.0.content: citations"),
        ] {
            let of = |version| fault(Route::Messages, Some(version), &request).unwrap_or_default();
            assert_eq!(of(VERSIONS[0]), "", "{request}");
            assert!(of(VERSIONS[1]).starts_with(expected), "{request}");
        }
    }

    #[test]
    fn chat_pairs_calls_and_results() {
        let call = |id: &str| json!({ "id": id, "type": "function", "function": { "name": "f", "arguments": "{}" } });
        let assistant = json!({ "role": "assistant", "tool_calls": [call("a"), call("b")] });
        let result = |id: &str| json!({ "role": "tool", "tool_call_id": id, "content": "x" });
        let user = json!({ "role": "user", "content": "x" });
        for (messages, expected) in [
            (json!([user, assistant, result("b"), result("a"), user]), ""),
            (json!([user]), ""),
            (json!([user, assistant, result("a"), user]), "did not have response messages: b"),
            (json!([user, assistant]), "did not have response messages: a, b"),
            (json!([user, result("a")]), "must be a response to a preceding message"),
            (json!([assistant, result("a"), result("b"), result("a")]), "must be a response to a preceding"),
        ] {
            let said = said(Route::Chat, &json!({ "messages": messages }));
            assert!(said.contains(expected) && said.is_empty() == expected.is_empty(), "{messages}: {said}");
        }
    }

    #[test]
    fn responses_pair_calls_and_outputs_and_know_their_reasoning() {
        let call = json!({ "type": "function_call", "call_id": "a", "name": "f", "arguments": "{}" });
        let output = json!({ "type": "function_call_output", "call_id": "a", "output": "x" });
        let own = json!({ "type": "reasoning", "summary": [], "encrypted_content": encrypted() });
        let foreign = json!({ "type": "reasoning", "summary": [], "encrypted_content": "x" });
        for (request, expected) in [
            (json!({ "input": [own, call, output] }), ""),
            (json!({ "input": "hello" }), ""),
            (json!({ "input": [output], "previous_response_id": "resp_1" }), ""),
            (json!({ "input": [output] }), "No tool call found for function call output with call_id a."),
            (json!({ "input": [call] }), "No tool output found for function call a."),
            (json!({ "input": [foreign, call, output] }), "The encrypted content could not be verified."),
        ] {
            assert_eq!(said(Route::Responses, &request), expected, "{request}");
        }
    }

    #[test]
    fn messages_pair_uses_and_results_and_know_their_thinking() {
        let user = |content: Value| json!({ "role": "user", "content": content });
        let assistant = |content: Value| json!({ "role": "assistant", "content": content });
        let thinks =
            |signature: String| json!({ "type": "thinking", "thinking": "hm", "signature": signature });
        let call = json!({ "type": "tool_use", "id": "a", "name": "f", "input": {} });
        let bad_call = json!({ "type": "tool_use", "id": "a", "name": "f", "input": "{" });
        let result = json!({ "type": "tool_result", "tool_use_id": "a", "content": "x" });
        let thinking = json!({ "type": "enabled", "budget_tokens": 1_024 });
        let own = thinks(signature("hm"));
        for (messages, thinking, expected) in [
            (
                json!([user(json!("x")), assistant(json!([own, call])), user(json!([result]))]),
                Some(&thinking),
                "",
            ),
            (json!([assistant(json!([call])), user(json!([result]))]), None, ""),
            (
                json!([assistant(json!([call])), user(json!([result]))]),
                Some(&thinking),
                "Expected `thinking`",
            ),
            (json!([assistant(json!([thinks("x".to_owned())]))]), None, "Invalid `signature`"),
            (json!([assistant(json!([call]))]), None, "messages.0: `tool_use` ids were found without"),
            (json!([user(json!([result]))]), None, "messages.0.content: unexpected `tool_use_id`"),
            (json!([assistant(json!([bad_call])), user(json!([result]))]), None, "valid dictionary"),
            (json!([user(json!([{ "type": "text", "text": "" }]))]), None, "must be non-empty"),
            (
                json!([{ "role": "tool", "content": "x" }]),
                None,
                "Input should be 'user', 'assistant' or 'system'",
            ),
        ] {
            let mut request = json!({ "max_tokens": 2_000, "messages": messages });
            if let Some(thinking) = thinking {
                request["thinking"] = thinking.clone();
            }
            let said = said(Route::Messages, &request);
            assert!(said.contains(expected) && said.is_empty() == expected.is_empty(), "{request}: {said}");
        }
        let small = json!({ "max_tokens": 9_000, "messages": [], "thinking": { "type": "enabled", "budget_tokens": 3 } });
        assert!(said(Route::Messages, &small).contains("greater than or equal to 1024"));
        let large = json!({ "max_tokens": 1_024, "messages": [], "thinking": thinking });
        assert!(said(Route::Messages, &large).contains("must be greater than"));
    }
}
