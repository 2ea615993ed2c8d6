//! An OpenAI Responses request as a Chat Completions request.
//!
//! Source: the types of the vendor's own SDK, openai 3.54, read 2026-11.

mod items;

use serde_json::{Map, Value, json};

use super::fields::{
    Fields, Harmless, NO_COUNTERPART, Outcome, Untranslatable, always, each, is_auto, is_empty, is_false,
    is_zero, never, object, set,
};
use super::messages_to_chat::stream;

pub use items::{REDACTED, SIGNED};

const STORED: &str = "it names content that one provider keeps, and another cannot see";

const HARMLESS: [Harmless; 17] = [
    ("store", is_false, "translated conversations are not stored"),
    ("background", is_false, "translated calls are answered at once"),
    ("background_options", is_empty, "translated calls are answered at once"),
    ("previous_response_id", never, STORED),
    ("conversation", never, STORED),
    ("prompt", never, STORED),
    ("include", only_reasoning, NO_COUNTERPART),
    ("truncation", |value| value.as_str() == Some("disabled"), "this provider does not shorten the input"),
    ("top_logprobs", is_zero, "this provider's translation reports no probabilities"),
    ("context_management", is_empty, NO_COUNTERPART),
    ("moderation", never, NO_COUNTERPART),
    ("access_programs", is_empty, NO_COUNTERPART),
    ("image", is_empty, NO_COUNTERPART),
    // It bounds tools that the provider runs itself, and those are refused.
    ("max_tool_calls", always, ""),
    // Labels of a stored response. They are repeated in the answer.
    ("metadata", always, ""),
    // It pads the events of the stream.
    ("stream_options", always, ""),
    // Marks and lifetimes of a cache: the price and nothing else.
    ("prompt_cache_options", always, ""),
];

/// Fields that both dialects have under the same name and with the same meaning.
const SAME: [&str; 9] = [
    "temperature",
    "top_p",
    "parallel_tool_calls",
    "user",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "service_tier",
    "model",
];

fn only_reasoning(include: &Value) -> bool {
    // Reasoning comes back in the answer wherever the provider hands it out at all.
    let reasoning = |item: &Value| item.as_str() == Some("reasoning.encrypted_content");
    include.as_array().is_some_and(|items| items.iter().all(reasoning))
}

/// # Errors
/// The first field that Chat Completions has nothing for.
pub fn request(body: Map<String, Value>) -> Outcome<Map<String, Value>> {
    let mut body = Fields::new(body);
    let mut out = Map::new();
    for name in SAME {
        set(&mut out, name, body.take(name));
    }
    let mut messages = Vec::new();
    if let Some(instructions) = body.text("instructions")? {
        messages.push(json!({"role": "system", "content": instructions}));
    }
    items::read(body.take("input"), &mut messages)?;
    out.insert("messages".to_owned(), Value::Array(messages));
    set(&mut out, "max_completion_tokens", body.number("max_output_tokens")?);
    tools(&mut body, &mut out)?;
    if let Some(reasoning) = body.object("reasoning")? {
        set(&mut out, "reasoning_effort", effort(reasoning).map_err(|fault| fault.inside("reasoning"))?);
    }
    if let Some(text) = body.object("text")? {
        output(text, &mut out).map_err(|fault| fault.inside("text"))?;
    }
    stream(&mut body, &mut out)?;
    body.end(&HARMLESS)?;
    Ok(out)
}

fn effort(mut reasoning: Fields) -> Outcome<Option<String>> {
    let effort = reasoning.text("effort")?;
    reasoning.end(&[
        ("context", is_auto, NO_COUNTERPART),
        ("mode", |mode| mode.as_str() == Some("standard"), NO_COUNTERPART),
        // What the provider shows of its reasoning is passed on in any case.
        ("summary", always, ""),
        ("generate_summary", always, ""),
    ])?;
    Ok(effort)
}

fn output(mut text: Fields, out: &mut Map<String, Value>) -> Outcome<()> {
    set(out, "verbosity", text.text("verbosity")?);
    if let Some(format) = text.object("format")? {
        set(out, "response_format", response_format(format).map_err(|fault| fault.inside("format"))?);
    }
    text.end(&[])
}

fn response_format(mut format: Fields) -> Outcome<Option<Value>> {
    let out = match format.need_text("type")?.as_str() {
        "text" => None,
        "json_object" => Some(json!({"type": "json_object"})),
        "json_schema" => {
            let mut schema = Map::new();
            for name in ["name", "description", "schema", "strict"] {
                set(&mut schema, name, format.take(name));
            }
            Some(json!({"type": "json_schema", "json_schema": schema}))
        }
        _ => return Err(Untranslatable::at("type", NO_COUNTERPART)),
    };
    format.end(&[])?;
    Ok(out)
}

fn tools(body: &mut Fields, out: &mut Map<String, Value>) -> Outcome<()> {
    let tools = body.each("tools", tool)?;
    let choice = body.take("tool_choice").map(tool_choice).transpose()?;
    if tools.is_empty() {
        // Chat takes neither field in a call without tools. SDKs send both, and they say nothing there.
        out.remove("parallel_tool_calls");
        return match choice {
            None => Ok(()),
            Some(Value::String(choice)) if matches!(choice.as_str(), "auto" | "none") => Ok(()),
            Some(_) => Err(Untranslatable::at("tool_choice", "there are no tools to choose from")),
        };
    }
    out.insert("tools".to_owned(), Value::Array(tools));
    set(out, "tool_choice", choice);
    Ok(())
}

const TOOL_HARMLESS: [Harmless; 4] = [
    ("async", is_false, NO_COUNTERPART),
    ("defer_loading", is_false, "this provider loads every tool at once"),
    ("allowed_callers", only_the_model, "only the model itself calls a tool at this provider"),
    ("output_schema", never, NO_COUNTERPART),
];

fn only_the_model(callers: &Value) -> bool {
    *callers == json!(["direct"]) || is_empty(callers)
}

const HOSTED: &str = "the provider's own tools cannot be translated; only function and custom tools can";

/// The kind of a tool that the caller runs itself.
fn own_kind(tool: &mut Fields) -> Outcome<String> {
    let kind = tool.need_text("type")?;
    if matches!(kind.as_str(), "function" | "custom") {
        Ok(kind)
    } else {
        Err(Untranslatable::at("type", HOSTED))
    }
}

fn tool(mut tool: Fields) -> Outcome<Value> {
    let kind = own_kind(&mut tool)?;
    let mut definition = object([("name", Value::from(tool.need_text("name")?))]);
    set(&mut definition, "description", tool.text("description")?);
    if kind == "function" {
        set(&mut definition, "parameters", tool.take("parameters"));
        set(&mut definition, "strict", tool.flag("strict")?);
    } else {
        let format =
            tool.object("format")?.map(grammar).transpose().map_err(|fault| fault.inside("format"))?;
        set(&mut definition, "format", format);
    }
    tool.end(&TOOL_HARMLESS)?;
    Ok(Value::Object(object([("type", Value::from(kind.as_str())), (&kind, Value::Object(definition))])))
}

fn grammar(mut format: Fields) -> Outcome<Value> {
    let out = match format.need_text("type")?.as_str() {
        "text" => json!({"type": "text"}),
        "grammar" => {
            let (syntax, definition) = (format.need_text("syntax")?, format.need_text("definition")?);
            json!({"type": "grammar", "grammar": {"syntax": syntax, "definition": definition}})
        }
        _ => return Err(Untranslatable::at("type", NO_COUNTERPART)),
    };
    format.end(&[])?;
    Ok(out)
}

fn tool_choice(choice: Value) -> Outcome<Value> {
    let choice = match choice {
        Value::String(choice) => return Ok(Value::String(choice)),
        other => Fields::of(other),
    };
    choice.and_then(chosen).map_err(|fault| fault.inside("tool_choice"))
}

fn chosen(mut choice: Fields) -> Outcome<Value> {
    match choice.take("type").as_ref().and_then(Value::as_str) {
        Some("allowed_tools") => {
            let mode = choice.need_text("mode")?;
            let tools = each("tools", choice.list("tools")?, |mut tool| {
                let kind = own_kind(&mut tool)?;
                named_tool(&kind, tool)
            })?;
            choice.end(&[])?;
            Ok(json!({"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}))
        }
        Some(kind @ ("function" | "custom")) => named_tool(kind, choice),
        _ => Err(Untranslatable::at("type", HOSTED)),
    }
}

fn named_tool(kind: &str, mut tool: Fields) -> Outcome<Value> {
    let name = object([("name", Value::from(tool.need_text("name")?))]);
    tool.end(&[])?;
    Ok(Value::Object(object([("type", Value::from(kind)), (kind, Value::Object(name))])))
}

/// A fault of the Chat form that stands between Responses and Anthropic, in the words of Responses.
pub fn in_responses(fault: Untranslatable) -> Untranslatable {
    const NAMES: [(&str, &str); 4] = [
        ("messages", "input"),
        ("reasoning_effort", "reasoning.effort"),
        ("response_format", "text.format"),
        ("verbosity", "text.verbosity"),
    ];
    let name = NAMES.iter().find(|(chat, _)| fault.param.starts_with(chat)).map(|(_, own)| (*own).to_owned());
    Untranslatable { param: name.unwrap_or(fault.param), ..fault }
}
