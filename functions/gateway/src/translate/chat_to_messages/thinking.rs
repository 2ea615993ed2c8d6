//! How much a model reasons: a word in OpenAI's dialects, a word or a number of tokens in Anthropic's.

use serde_json::{Map, Value, json};

use crate::translate::fields::{Fields, Outcome, Untranslatable, object, set};

/// Models that are told a number of tokens and do not know adaptive thinking: the newest ones are the other way
/// about. Source: Anthropic's pages on adaptive and extended thinking, read 2026-11.
const BY_BUDGET: [&str; 10] = [
    "claude-3-7",
    "claude-sonnet-4-0",
    "claude-sonnet-4-2025",
    "claude-sonnet-4-5",
    "claude-opus-4-0",
    "claude-opus-4-2025",
    "claude-opus-4-1",
    "claude-opus-4-5",
    "claude-haiku-4-5",
    "claude-sonnet-4@",
];

/// Anthropic thinks with at least so many tokens, and fewer than the answer may have in all.
const LEAST_BUDGET: u64 = 1024;

/// The words and, for older models, the tokens they stand for.
const BUDGETS: [(&str, u64); 6] = [
    ("minimal", 1024),
    ("low", 2048),
    ("medium", 8192),
    ("high", 24_576),
    ("xhigh", 32_768),
    ("max", 32_768),
];

const TOO_SHORT: &str =
    "the limit of output tokens leaves this model no room to reason in (1024 tokens and an answer)";

/// Takes `reasoning_effort` and adds `thinking` and `output_config.effort`, after the other settings are in place.
pub fn add(body: &mut Fields, out: &mut Map<String, Value>) -> Outcome<()> {
    let Some(effort) = body.text("reasoning_effort")? else { return Ok(()) };
    if effort == "none" {
        out.insert("thinking".to_owned(), json!({"type": "disabled"}));
        return Ok(());
    }
    let Some((_, budget)) = BUDGETS.iter().find(|(word, _)| *word == effort) else {
        return Err(Untranslatable::at(
            "reasoning_effort",
            "use none, minimal, low, medium, high, xhigh or max",
        ));
    };
    compatible(out)?;
    if out.get("model").and_then(Value::as_str).is_some_and(by_budget) {
        let budget = within_limit(*budget, out.get("max_tokens").and_then(Value::as_u64))?;
        out.insert("thinking".to_owned(), json!({"type": "enabled", "budget_tokens": budget}));
        return Ok(());
    }
    out.insert("thinking".to_owned(), json!({"type": "adaptive"}));
    // Anthropic's scale begins at low.
    let effort = if effort == "minimal" { "low".to_owned() } else { effort };
    let mut config = match out.remove("output_config") {
        Some(Value::Object(config)) => config,
        _ => object([]),
    };
    set(&mut config, "effort", Some(effort));
    out.insert("output_config".to_owned(), Value::Object(config));
    Ok(())
}

fn by_budget(model: &str) -> bool {
    BY_BUDGET.iter().any(|name| model.contains(name))
}

fn within_limit(budget: u64, limit: Option<u64>) -> Outcome<u64> {
    let room = limit.map_or(u64::MAX, |limit| limit.saturating_sub(1));
    if room < LEAST_BUDGET {
        return Err(Untranslatable::at("reasoning_effort", TOO_SHORT));
    }
    Ok(budget.min(room))
}

/// A model that thinks takes no forced tool and no other temperature than 1.
fn compatible(out: &Map<String, Value>) -> Outcome<()> {
    let choice = out.get("tool_choice").and_then(|choice| choice.get("type")).and_then(Value::as_str);
    if matches!(choice, Some("any" | "tool")) {
        return Err(Untranslatable::at(
            "tool_choice",
            "this provider forces no tool while the model reasons",
        ));
    }
    if out.get("temperature").and_then(Value::as_f64).is_some_and(|heat| heat < 1.0) {
        return Err(Untranslatable::at("temperature", "this provider takes only 1 while the model reasons"));
    }
    if out.contains_key("top_k") {
        return Err(Untranslatable::at("top_k", "this provider takes none while the model reasons"));
    }
    Ok(())
}

/// The word for a number of tokens.
pub fn effort_of(budget: u64) -> &'static str {
    let enough = BUDGETS.iter().take(4).find(|(_, tokens)| budget <= *tokens);
    enough.map_or("high", |(word, _)| word)
}
