//! A Chat Completions request as an Anthropic Messages request.
//!
//! Source: the types of the vendors' own SDKs, openai 3.54 and anthropic 2.12, read 2026-11.

mod thinking;
mod turns;

pub use thinking::effort_of;

use serde_json::{Map, Value, json};

use super::custom;
use super::fields::{
    Fields, Harmless, NO_COUNTERPART, Outcome, Untranslatable, always, is_empty, is_false, is_one, is_zero,
    object, set,
};

const SAMPLING: &str = "this provider's sampling has no such setting";
const PROBABILITIES: &str = "this provider does not report probabilities";
const LEGACY: &str = "use tools and tool_choice";
const CACHE: &str = "";

/// Fields that may be left out with a certain value, and why any other is refused.
const HARMLESS: [Harmless; 25] = [
    ("frequency_penalty", is_zero, SAMPLING),
    ("presence_penalty", is_zero, SAMPLING),
    ("repetition_penalty", is_one, SAMPLING),
    ("min_p", is_zero, SAMPLING),
    ("logit_bias", is_empty, SAMPLING),
    ("seed", |_| false, "this provider's sampling cannot be repeated"),
    ("n", is_one, "this provider gives one answer to a call"),
    ("best_of", is_one, "this provider gives one answer to a call"),
    ("logprobs", is_false, PROBABILITIES),
    ("top_logprobs", is_zero, PROBABILITIES),
    ("functions", is_empty, LEGACY),
    ("function_call", |_| false, LEGACY),
    ("verbosity", |value| value.as_str() == Some("medium"), "ask for the length in the prompt"),
    ("modalities", |value| *value == json!(["text"]), "only text is answered"),
    ("prediction", |_| false, NO_COUNTERPART),
    ("audio", |_| false, "only text is answered"),
    ("web_search_options", |_| false, NO_COUNTERPART),
    ("moderation", |_| false, NO_COUNTERPART),
    ("store", is_false, "translated conversations are not stored"),
    // What shows in the stream is decided on the way back.
    ("stream_options", always, ""),
    // Labels of a stored completion: nothing is stored. The person in them was taken.
    ("metadata", always, ""),
    ("prompt_cache_key", always, CACHE),
    ("prompt_cache_options", always, CACHE),
    ("prompt_cache_retention", always, CACHE),
    ("user", always, "another field names the person"),
];

/// # Errors
/// The first field that Anthropic has nothing for.
pub fn request(body: Map<String, Value>) -> Outcome<Map<String, Value>> {
    let mut body = Fields::new(body);
    let mut out = Map::new();
    set(&mut out, "model", body.take("model"));
    let limit = body.number("max_completion_tokens")?;
    let older_limit = body.number("max_tokens")?;
    set(&mut out, "max_tokens", limit.or(older_limit));
    let talk = turns::read(body.list("messages")?)?;
    if !talk.system.is_empty() {
        out.insert("system".to_owned(), Value::Array(talk.system));
    }
    out.insert("messages".to_owned(), Value::Array(talk.messages));
    sampling(&mut body, &mut out)?;
    tools(&mut body, &mut out)?;
    output(&mut body, &mut out)?;
    thinking::add(&mut body, &mut out)?;
    set(&mut out, "metadata", person(&mut body)?.map(|person| json!({"user_id": person})));
    set(&mut out, "service_tier", service_tier(&mut body)?);
    set(&mut out, "stream", body.flag("stream")?);
    body.end(&HARMLESS)?;
    Ok(out)
}

fn sampling(body: &mut Fields, out: &mut Map<String, Value>) -> Outcome<()> {
    let temperature = body.number("temperature")?;
    if temperature.as_ref().and_then(Value::as_f64).is_some_and(|heat| heat > 1.0) {
        return Err(Untranslatable::at("temperature", "this provider's scale ends at 1"));
    }
    set(out, "temperature", temperature);
    set(out, "top_p", body.number("top_p")?);
    set(out, "top_k", body.number("top_k")?);
    let stop = match body.take("stop") {
        Some(Value::String(stop)) => Some(Value::from(vec![stop])),
        Some(Value::Array(stops)) if stops.iter().all(Value::is_string) => Some(Value::Array(stops)),
        None => None,
        Some(_) => return Err(Untranslatable::at("stop", "a string or an array of strings belongs here")),
    };
    set(out, "stop_sequences", stop.filter(|stops| !is_empty(stops)));
    Ok(())
}

/// The person on whose behalf the call is: the newest of the fields that name one.
fn person(body: &mut Fields) -> Outcome<Option<String>> {
    let newest = body.text("safety_identifier")?;
    let user = if newest.is_none() { body.text("user")? } else { None };
    let labelled = match body.object("metadata")? {
        Some(mut metadata) => metadata.text("user_id").map_err(|fault| fault.inside("metadata"))?,
        None => None,
    };
    Ok(newest.or(user).or(labelled))
}

fn service_tier(body: &mut Fields) -> Outcome<Option<&'static str>> {
    match body.text("service_tier")?.as_deref() {
        None | Some("auto") => Ok(None),
        Some("default") => Ok(Some("standard_only")),
        Some(_) => Err(Untranslatable::at("service_tier", NO_COUNTERPART)),
    }
}

fn tools(body: &mut Fields, out: &mut Map<String, Value>) -> Outcome<()> {
    let tools = body.each("tools", tool)?;
    let choice = body.take("tool_choice").map(tool_choice).transpose()?;
    let one_at_a_time = body.flag("parallel_tool_calls")? == Some(false);
    if tools.is_empty() {
        return match choice {
            None => Ok(()),
            Some(choice) if matches!(choice_kind(&choice), "auto" | "none") => Ok(()),
            Some(_) => Err(Untranslatable::at("tool_choice", "there are no tools to choose from")),
        };
    }
    out.insert("tools".to_owned(), Value::from(tools));
    let mut choice = choice;
    if one_at_a_time {
        let chosen = choice.get_or_insert_with(|| object([("type", Value::from("auto"))]));
        // Where no tool may be called, Anthropic takes no such flag.
        if choice_kind(chosen) != "none" {
            chosen.insert("disable_parallel_tool_use".to_owned(), Value::Bool(true));
        }
    }
    set(out, "tool_choice", choice);
    Ok(())
}

fn choice_kind(choice: &Map<String, Value>) -> &str {
    choice.get("type").and_then(Value::as_str).unwrap_or_default()
}

fn tool(mut tool: Fields) -> Outcome<Value> {
    let kind = tool.need_text("type")?;
    let definition = match kind.as_str() {
        "function" => function(tool.need_object("function")?),
        "custom" => custom_tool(tool.need_object("custom")?),
        _ => {
            return Err(Untranslatable::at(
                "type",
                "only tools of type function or custom can be translated",
            ));
        }
    };
    let mut definition = definition.map_err(|fault| fault.inside(&kind))?;
    set(&mut definition, "cache_control", tool.take("cache_control"));
    tool.end(&[])?;
    Ok(Value::Object(definition))
}

fn function(mut function: Fields) -> Outcome<Map<String, Value>> {
    let mut out = Map::new();
    out.insert("name".to_owned(), function.need_text("name")?.into());
    set(&mut out, "description", function.text("description")?);
    let parameters =
        function.take("parameters").unwrap_or_else(|| json!({"type": "object", "properties": {}}));
    out.insert("input_schema".to_owned(), parameters);
    set(&mut out, "strict", function.flag("strict")?);
    function.end(&[])?;
    Ok(out)
}

fn custom_tool(mut tool: Fields) -> Outcome<Map<String, Value>> {
    let mut out = Map::new();
    out.insert("name".to_owned(), tool.need_text("name")?.into());
    set(&mut out, "description", tool.text("description")?);
    out.insert("input_schema".to_owned(), custom::schema());
    let any_text = |format: &Value| format.get("type").and_then(Value::as_str) == Some("text");
    tool.end(&[("format", any_text, "this provider cannot hold a tool's input to a grammar")])?;
    Ok(out)
}

fn tool_choice(choice: Value) -> Outcome<Map<String, Value>> {
    const WHY: &str = "only auto, none, required or one named tool can be translated";
    let refuse = || Untranslatable::at("tool_choice", WHY);
    let kind = match &choice {
        Value::String(choice) => match choice.as_str() {
            "auto" => "auto",
            "none" => "none",
            "required" => "any",
            _ => return Err(refuse()),
        },
        Value::Object(_) => return named_tool(choice).map_err(|fault| fault.inside("tool_choice")),
        _ => return Err(refuse()),
    };
    Ok(object([("type", Value::from(kind))]))
}

fn named_tool(choice: Value) -> Outcome<Map<String, Value>> {
    let mut choice = Fields::of(choice)?;
    let kind = choice.need_text("type")?;
    if !matches!(kind.as_str(), "function" | "custom") {
        return Err(Untranslatable::at("type", NO_COUNTERPART));
    }
    let mut tool = choice.need_object(&kind)?;
    let name = tool.need_text("name").map_err(|fault| fault.inside(&kind))?;
    tool.end(&[]).map_err(|fault| fault.inside(&kind))?;
    choice.end(&[])?;
    Ok(object([("type", Value::from("tool")), ("name", Value::from(name))]))
}

/// What form the answer must have.
fn output(body: &mut Fields, out: &mut Map<String, Value>) -> Outcome<()> {
    let Some(format) = body.object("response_format")? else { return Ok(()) };
    let format = response_format(format).map_err(|fault| fault.inside("response_format"))?;
    set(out, "output_config", format.map(|format| json!({"format": format})));
    Ok(())
}

fn response_format(mut format: Fields) -> Outcome<Option<Value>> {
    let schema = match format.need_text("type")?.as_str() {
        "text" => None,
        "json_schema" => {
            let schema = format.need_object("json_schema")?;
            Some(json_schema(schema).map_err(|fault| fault.inside("json_schema"))?)
        }
        _ => return Err(Untranslatable::at("type", "this provider needs a schema: use json_schema")),
    };
    format.end(&[])?;
    Ok(schema.map(|schema| json!({"type": "json_schema", "schema": schema})))
}

/// Anthropic knows the schema alone. The name says nothing to the model that the schema does not, `strict` is always
/// so there, and the description moves into the schema.
fn json_schema(mut format: Fields) -> Outcome<Value> {
    let Some(Value::Object(mut schema)) = format.take("schema") else {
        return Err(Untranslatable::at("schema", "an object belongs here"));
    };
    if let Some(description) = format.text("description")? {
        if schema.contains_key("description") {
            return Err(Untranslatable::at("description", "the schema has a description of its own"));
        }
        schema.insert("description".to_owned(), description.into());
    }
    format.end(&[("name", always, ""), ("strict", always, "")])?;
    Ok(Value::Object(schema))
}
