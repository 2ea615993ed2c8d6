//! The vendors' SDKs against the stand-in itself: what they accept, speaks as their vendors do.
#![cfg(test)]

use countersign_tests::support::clients::{Asked, Step};
use countersign_tests::support::standin::{Channel, own_channel};
use countersign_tests::support::{Client, planted};
use serde_json::{Value, json};

fn asked(channel: &Channel) -> Asked {
    Asked {
        base_url: channel.root(),
        api_key: "a-key".to_owned(),
        model: "gpt-4o-mini".to_owned(),
        embedding_model: "text-embedding-3-small".to_owned(),
        unknown_model: "gpt-unknown".to_owned(),
        text: planted::note_text(),
    }
}

/// Every text that an answer has must be the whole echo.
fn echoes(client: Client, step: &Step) {
    let text = planted::note_text();
    let refused = step.step.ends_with("unknown_model");
    assert!(step.ok, "{client:?}: {step:?}");
    assert_eq!(step.detail["error"] == "NotFoundError", refused, "{client:?}: {step:?}");
    let within = |value: &Value| value.as_str().is_some_and(|said| said.contains(&text));
    for name in ["text", "joined", "reasoning"] {
        assert!(step.detail.get(name).is_none_or(within), "{client:?}: {name}: {step:?}");
    }
    for name in ["texts", "thinking", "calls"] {
        let all = step.detail.get(name).and_then(Value::as_array);
        assert!(all.into_iter().flatten().all(within), "{client:?}: {name}: {step:?}");
    }
    if let Some(arguments) = step.detail.get("arguments") {
        assert_eq!(*arguments, json!({ "to": text }), "{client:?}: {step:?}");
    }
}

fn every_client_understands(behaviour: &Value) {
    for client in Client::ALL {
        let channel = own_channel();
        channel.tell(behaviour);
        for step in client.run(&asked(&channel)).into_iter().flatten() {
            echoes(client, &step);
        }
    }
}

#[test]
fn every_client_understands_the_stand_in() {
    every_client_understands(&json!({}));
}

#[test]
fn every_client_understands_it_character_by_character_and_in_small_writes() {
    every_client_understands(&json!({ "chunk_chars": 1, "write_bytes": 5 }));
}

#[test]
fn a_client_sends_what_its_vendor_demands() {
    for (client, key, value) in [
        (Client::AnthropicNodeOlder, "x-api-key", "a-key"),
        (Client::AnthropicNode, "authorization", "Bearer a-key"),
        (Client::OpenAiPython, "authorization", "Bearer a-key"),
    ] {
        let channel = own_channel();
        if client.run(&asked(&channel)).is_some() {
            let received = channel.received();
            assert!(received.iter().all(|request| request["headers"][key] == value), "{client:?}");
            assert!(received.iter().any(|request| request.to_string().contains(planted::PERSONAL[4].1)));
        }
    }
}

/// A stream that merely ends early is no error to most of them: the event is what they understand.
#[test]
fn an_error_event_within_a_stream_is_an_exception_of_the_sdk() {
    for (client, step, expected) in [
        (Client::OpenAiPython, "chat_stream", "APIError"),
        (Client::OpenAiPython, "responses_stream", "APIError"),
        (Client::OpenAiNode, "chat_stream", "APIError"),
        (Client::OpenAiNode, "responses_stream", "APIError"),
        (Client::AnthropicPython, "stream", "APIStatusError"),
        (Client::AnthropicNode, "stream", "APIError"),
        (Client::AnthropicNodeOlder, "stream", "APIError"),
        (Client::AgentsPython, "responses_turns_stream", "APIError"),
    ] {
        let channel = own_channel();
        channel.tell(&json!({ "sse": "error_event", "sse_after": 2 }));
        let Some(steps) = client.run(&asked(&channel)) else { continue };
        let told = steps.into_iter().find(|told| told.step == step).unwrap();
        assert_eq!((told.ok, &told.detail["error"]), (false, &json!(expected)), "{client:?}: {told:?}");
    }
}
