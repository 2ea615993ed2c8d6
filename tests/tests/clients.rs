//! The vendors' own SDKs through the gateway's real binary, with true streaming: whole, streamed, with tools, over
//! several turns, each in its own dialect to its own vendor and to another's.
#![cfg(test)]

use countersign_tests::support::clients::{Asked, Step};
use countersign_tests::support::{Client, Function, Tenant, planted};
use serde_json::{Value, json};

const OWN_OPENAI: &str = "openai";
const OWN_ANTHROPIC: &str = "anthropic";

fn asked(gateway: &Function, tenant: &Tenant) -> Asked {
    Asked {
        base_url: gateway.url(""),
        api_key: tenant.key().to_owned(),
        model: "gpt-4o-mini".to_owned(),
        embedding_model: "text-embedding-3-small".to_owned(),
        unknown_model: "gpt-unknown".to_owned(),
        text: planted::note_text(),
    }
}

/// What no translation can give: a provider without the operation, several choices at one that gives one. Each is refused in the client's own words.
fn has_no_translation(kind: &str, step: &str) -> bool {
    matches!(
        (kind, step),
        ("anthropic", "embeddings" | "chat_choices") | ("openai" | "azure" | "compatible", "count_tokens")
    )
}

/// Texts for people come back with the values; arguments of tools and signed thinking keep the placeholders.
fn restores(kind: &str, client: Client, step: &Step) {
    let who = format!("{client:?} to {kind}: {step:?}");
    let Step { step: name, ok, detail } = step;
    if has_no_translation(kind, name) {
        assert!(!ok, "{who}");
        return assert!(detail["error"].as_str().is_some_and(|error| error.contains("Error")), "{who}");
    }
    if kind != OWN_ANTHROPIC && name == "thinking_turns" {
        // Chat completions have no signed thinking: the calls go through, and the client misses it.
        return assert_eq!(detail["message"], "the model did not think", "{who}");
    }
    assert!(ok, "{who}");
    assert_eq!(detail["error"] == "NotFoundError", name.ends_with("unknown_model"), "{who}");
    for field in ["text", "joined", "texts"] {
        for text in texts(&detail[field]) {
            assert_eq!(planted::leaked(text), ["card", "e-mail"], "{who}");
            assert!(!text.contains("[EMAIL_") && !text.contains("[CARD_"), "{who}");
        }
    }
    for field in ["arguments", "calls", "thinking"] {
        for text in texts(&detail[field]) {
            assert_eq!(planted::leaked(text), [""; 0], "{who}");
            assert!(text.contains("[EMAIL_1_") && text.contains("[CARD_1_"), "{who}");
        }
    }
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(all) => all.iter().flat_map(texts).collect(),
        Value::Object(all) => all.values().flat_map(texts).collect(),
        _ => vec![],
    }
}

/// Runs one client, and returns the tenant whose calls it made.
fn run(gateway: &Function, client: Client, kind: &str) -> Option<Tenant> {
    let tenant = Tenant::of_kind(kind, &["--budget-tokens", "10000000"]);
    let mut behaviour = json!({"chunk_chars": 5, "write_bytes": 700});
    let foreign = kind == OWN_ANTHROPIC && client.steps().contains(&"responses_plain");
    if kind == "compatible" || foreign {
        // As the servers that run open models do, and Anthropic's models unasked; OpenAI's chat does not show it.
        behaviour["reasoning"] = json!("Thinking it over.");
    }
    tenant.channel.tell(&behaviour);
    for step in client.run(&asked(gateway, &tenant))? {
        restores(kind, client, &step);
    }
    let received = tenant.channel.received();
    assert!(!received.is_empty());
    assert_eq!(planted::leaked(&json!(received).to_string()), [""; 0], "{client:?} to {kind}");
    assert_eq!(tenant.budget().open_holds, 0, "{client:?} to {kind}");
    Some(tenant)
}

/// Every call has both of its records, but for refused ones, which have one.
fn is_recorded(tenant: &Tenant, kind: &str, client: Client) {
    let calls = tenant.channel.received().len();
    let refused = client
        .steps()
        .iter()
        .filter(|step| step.ends_with("unknown_model") || has_no_translation(kind, step));
    let refused = refused.count();
    let tools = calls_with_tools(client);
    let records = tenant.records(2 * calls + refused + tools.0 + tools.1);
    let count = |says: [&str; 3]| records.iter().filter(|record| record.says() == says).count();
    let of_type = |name: &str| records.iter().filter(|record| record.field("event_type") == name).count();
    assert_eq!(count(["outcome", "allow", "completed"]), calls, "{client:?} to {kind}");
    assert_eq!((of_type("tool.requested"), of_type("tool.returned")), tools, "{client:?} to {kind}");
    assert!(records.iter().all(|record| planted::leaked(&record.text).is_empty()), "{client:?} to {kind}");
}

/// How many calls of a tool the model asks for, and how many results go back, over all steps.
fn calls_with_tools(client: Client) -> (usize, usize) {
    let named = |part: &str| client.steps().iter().filter(|step| step.contains(part)).count();
    let turns = named("turns");
    (turns + named("tool_stream"), turns)
}

fn every(clients: &[Client], kinds: &[&str]) {
    let gateway = Function::gateway("gateway", 2, &[]);
    for client in clients {
        for kind in kinds {
            if let Some(tenant) = run(&gateway, *client, kind) {
                is_recorded(&tenant, kind, *client);
            }
        }
    }
}

#[test]
fn openai_clients_reach_openai_azure_and_anthropic() {
    every(&[Client::OpenAiPython], &[OWN_OPENAI, "azure", "compatible", OWN_ANTHROPIC]);
    every(&[Client::OpenAiNode, Client::AgentsPython], &[OWN_OPENAI, OWN_ANTHROPIC]);
}

#[test]
fn anthropic_clients_reach_anthropic_and_openai() {
    every(&[Client::AnthropicPython, Client::AnthropicNode], &[OWN_ANTHROPIC, OWN_OPENAI]);
    every(&[Client::AnthropicNodeOlder], &[OWN_ANTHROPIC]);
}
