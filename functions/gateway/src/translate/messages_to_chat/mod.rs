//! An Anthropic Messages request as a Chat Completions request.
//!
//! Source: the types of the vendors' own SDKs, anthropic 2.12 and openai 3.54, read 2026-11.

mod turns;

use serde_json::{Map, Value, json};

use super::chat_to_messages::effort_of;
use super::fields::{
    Fields, Harmless, NO_COUNTERPART, Outcome, Untranslatable, always, is_empty, is_false, never, object, set,
};
use super::media::CACHE_CONTROL;

const HARMLESS: [Harmless; 10] = [
    CACHE_CONTROL,
    ("top_k", never, "this provider's sampling has no such setting"),
    ("container", never, NO_COUNTERPART),
    ("mcp_servers", is_empty, "the provider would run tools that nobody guards"),
    ("context_management", never, NO_COUNTERPART),
    ("inference_geo", never, "this provider takes no region in a call"),
    ("diagnostics", never, NO_COUNTERPART),
    ("speed", |speed| speed.as_str() == Some("standard"), NO_COUNTERPART),
    ("user_profile_id", never, NO_COUNTERPART),
    ("workspace_id", never, NO_COUNTERPART),
];

/// # Errors
/// The first field that Chat Completions has nothing for.
pub fn request(body: Map<String, Value>) -> Outcome<Map<String, Value>> {
    let mut body = Fields::new(body);
    let mut out = Map::new();
    set(&mut out, "model", body.take("model"));
    let system = body.take("system");
    out.insert("messages".to_owned(), Value::Array(turns::read(system, body.list("messages")?)?));
    set(&mut out, "max_completion_tokens", body.number("max_tokens")?);
    set(&mut out, "temperature", body.number("temperature")?);
    set(&mut out, "top_p", body.number("top_p")?);
    set(&mut out, "stop", Some(body.list("stop_sequences")?).filter(|stops| !stops.is_empty()));
    let tools = body.each("tools", tool)?;
    set(&mut out, "tools", Some(tools).filter(|tools| !tools.is_empty()));
    if let Some(choice) = body.object("tool_choice")? {
        tool_choice(choice, &mut out).map_err(|fault| fault.inside("tool_choice"))?;
    }
    reasoning_and_format(&mut body, &mut out)?;
    if let Some(metadata) = body.object("metadata")? {
        set(&mut out, "user", person(metadata).map_err(|fault| fault.inside("metadata"))?);
    }
    set(&mut out, "service_tier", service_tier(&mut body)?);
    stream(&mut body, &mut out)?;
    body.end(&HARMLESS)?;
    Ok(out)
}

fn person(mut metadata: Fields) -> Outcome<Option<String>> {
    let person = metadata.text("user_id")?;
    metadata.end(&[])?;
    Ok(person)
}

/// Takes `stream`. Every other dialect's stream ends with its usage, so Chat is asked for it.
pub fn stream(body: &mut Fields, out: &mut Map<String, Value>) -> Outcome<()> {
    let stream = body.flag("stream")?;
    set(out, "stream", stream);
    set(out, "stream_options", stream.filter(|stream| *stream).map(|_| json!({"include_usage": true})));
    Ok(())
}

fn service_tier(body: &mut Fields) -> Outcome<Option<&'static str>> {
    match body.text("service_tier")?.as_deref() {
        None | Some("auto") => Ok(None),
        Some("standard_only") => Ok(Some("default")),
        Some(_) => Err(Untranslatable::at("service_tier", NO_COUNTERPART)),
    }
}

const TOOL_HARMLESS: [Harmless; 6] = [
    CACHE_CONTROL,
    // It cuts the arguments into other pieces.
    ("eager_input_streaming", always, ""),
    ("defer_loading", is_false, "this provider loads every tool at once"),
    ("input_examples", is_empty, "put the examples into the description"),
    ("allowed_callers", only_the_model, "only the model itself calls a tool at this provider"),
    ("toolset_name", never, NO_COUNTERPART),
];

fn only_the_model(callers: &Value) -> bool {
    *callers == json!(["direct"]) || is_empty(callers)
}

fn tool(mut tool: Fields) -> Outcome<Value> {
    if tool.text("type")?.is_some_and(|kind| kind != "custom") {
        return Err(Untranslatable::at(
            "type",
            "this tool is one of Anthropic's own; only custom tools can be translated",
        ));
    }
    let mut function = Map::new();
    function.insert("name".to_owned(), tool.need_text("name")?.into());
    set(&mut function, "description", tool.text("description")?);
    let schema =
        tool.take("input_schema").ok_or_else(|| Untranslatable::at("input_schema", "it is required"))?;
    function.insert("parameters".to_owned(), schema);
    set(&mut function, "strict", tool.flag("strict")?);
    tool.end(&TOOL_HARMLESS)?;
    Ok(json!({"type": "function", "function": function}))
}

fn tool_choice(mut choice: Fields, out: &mut Map<String, Value>) -> Outcome<()> {
    let chosen = match choice.need_text("type")?.as_str() {
        "auto" => Value::from("auto"),
        "any" => Value::from("required"),
        "none" => Value::from("none"),
        "tool" => json!({"type": "function", "function": {"name": choice.need_text("name")?}}),
        _ => return Err(Untranslatable::at("type", "use auto, any, tool or none")),
    };
    let one_at_a_time = choice.flag("disable_parallel_tool_use")? == Some(true);
    choice.end(&[])?;
    // Chat takes neither field in a call without tools, where they would say nothing.
    if out.contains_key("tools") {
        out.insert("tool_choice".to_owned(), chosen);
        set(out, "parallel_tool_calls", one_at_a_time.then_some(false));
    } else if !matches!(chosen.as_str(), Some("auto" | "none")) {
        return Err(Untranslatable::at("type", "there are no tools to choose from"));
    }
    Ok(())
}

fn reasoning_and_format(body: &mut Fields, out: &mut Map<String, Value>) -> Outcome<()> {
    let thinking =
        body.object("thinking")?.map(thinking).transpose().map_err(|fault| fault.inside("thinking"))?;
    let config = body.object("output_config")?.map(output_config).transpose();
    let config = config.map_err(|fault| fault.inside("output_config"))?.unwrap_or_default();
    let effort = match (thinking.flatten(), config.effort) {
        (Some("none"), Some(_)) => {
            return Err(Untranslatable::at(
                "output_config.effort",
                "this provider has no effort without reasoning",
            ));
        }
        // The word is what the caller chose last; the number of tokens is its older form.
        (_, Some(effort)) => Some(effort),
        (word, None) => word.map(str::to_owned),
    };
    set(out, "reasoning_effort", effort);
    set(out, "response_format", config.format);
    Ok(())
}

/// The effort that a thinking setting stands for. Adaptive leaves it to the model, as OpenAI's default does.
fn thinking(mut thinking: Fields) -> Outcome<Option<&'static str>> {
    let effort = match thinking.need_text("type")?.as_str() {
        "disabled" => Some("none"),
        "adaptive" => None,
        "enabled" => {
            let budget = thinking.number("budget_tokens")?.and_then(|budget| budget.as_u64());
            let whole = || Untranslatable::at("budget_tokens", "a whole number belongs here");
            Some(effort_of(budget.ok_or_else(whole)?))
        }
        _ => return Err(Untranslatable::at("type", NO_COUNTERPART)),
    };
    let shown = |display: &Value| display.as_str() == Some("summarized");
    thinking.end(&[("display", shown, "this provider shows its reasoning or has none to show")])?;
    Ok(effort)
}

#[derive(Default)]
struct OutputConfig {
    effort: Option<String>,
    format: Option<Value>,
}

fn output_config(mut config: Fields) -> Outcome<OutputConfig> {
    let effort = config.text("effort")?;
    let format = config.object("format")?.map(format).transpose().map_err(|fault| fault.inside("format"))?;
    config.end(&[])?;
    Ok(OutputConfig { effort, format })
}

fn format(mut format: Fields) -> Outcome<Value> {
    if format.need_text("type")? != "json_schema" {
        return Err(Untranslatable::at("type", NO_COUNTERPART));
    }
    let schema = format.take("schema").filter(Value::is_object);
    let schema = schema.ok_or_else(|| Untranslatable::at("schema", "an object belongs here"))?;
    format.end(&[])?;
    // OpenAI wants a name, which says nothing to the model; Anthropic always holds the answer to the schema.
    let named = object([("name", "answer".into()), ("schema", schema), ("strict", true.into())]);
    Ok(json!({"type": "json_schema", "json_schema": named}))
}
