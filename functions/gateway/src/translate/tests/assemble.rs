//! What a client puts together from a stream: one small assembler for each dialect, after the vendors' SDKs.

use serde_json::{Value, json};

use crate::translate::Event;

fn data(event: &Event) -> Value {
    serde_json::from_str(&event.data).unwrap()
}

/// As `openai` merges the deltas of chunks: strings are appended, lists are merged by their entries' `index`.
fn merge(into: &mut Value, delta: &Value) {
    match (&mut *into, delta) {
        (Value::String(text), Value::String(more)) => text.push_str(more),
        (Value::Object(fields), Value::Object(more)) => {
            for (name, value) in more {
                match fields.get_mut(name) {
                    Some(old) if name != "index" && name != "type" => merge(old, value),
                    _ => {
                        fields.insert(name.clone(), value.clone());
                    }
                }
            }
        }
        (Value::Array(items), Value::Array(more)) => {
            for entry in more {
                let index = entry["index"].as_u64().expect("an entry has an index");
                match items.iter_mut().find(|item| item["index"].as_u64() == Some(index)) {
                    Some(item) => merge(item, entry),
                    None => items.push(entry.clone()),
                }
            }
        }
        (old, new) => {
            if !new.is_null() {
                *old = new.clone();
            }
        }
    }
}

pub fn chat(events: &[Event]) -> Value {
    let (done, chunks) = events.split_last().expect("a stream ends");
    assert_eq!(done, &Event { name: None, data: "[DONE]".to_owned() });
    let mut message = json!({});
    let mut out = json!({"object": "chat.completion", "choices": [{"index": 0, "logprobs": null}]});
    for event in chunks {
        assert_eq!(event.name, None);
        let chunk = data(event);
        assert_eq!(chunk["object"], "chat.completion.chunk");
        for name in ["id", "created", "model"] {
            assert!(out[name].is_null() || out[name] == chunk[name], "{name} changed");
            out[name] = chunk[name].clone();
        }
        match chunk["choices"].as_array().unwrap().as_slice() {
            [] => out["usage"] = chunk["usage"].clone(),
            [choice] => {
                merge(&mut message, &choice["delta"]);
                if !choice["finish_reason"].is_null() {
                    out["choices"][0]["finish_reason"] = choice["finish_reason"].clone();
                }
            }
            _ => panic!("more than one choice"),
        }
    }
    for list in ["tool_calls", "thinking_blocks"] {
        for entry in message[list].as_array_mut().into_iter().flatten() {
            entry.as_object_mut().unwrap().remove("index");
        }
        if message[list].is_null() {
            message.as_object_mut().unwrap().remove(list);
        }
    }
    message["refusal"] = Value::Null;
    out["choices"][0]["message"] = message;
    out
}

/// As `anthropic` does it, and stricter: one block is open at a time.
pub fn messages(events: &[Event]) -> Value {
    let mut message = Value::Null;
    let mut open = None;
    let mut input = String::new();
    for event in events {
        let event_data = data(event);
        assert_eq!(event.name.as_deref(), event_data["type"].as_str());
        let kind = event_data["type"].as_str().unwrap();
        match kind {
            "message_start" => message = event_data["message"].clone(),
            "content_block_start" => {
                assert_eq!(open, None);
                let content = message["content"].as_array_mut().unwrap();
                assert_eq!(event_data["index"].as_u64(), Some(content.len() as u64));
                open = event_data["index"].as_u64();
                content.push(event_data["content_block"].clone());
                input.clear();
            }
            "content_block_delta" | "content_block_stop" => {
                assert_eq!(open, event_data["index"].as_u64());
                let block = message["content"].as_array_mut().unwrap().last_mut().unwrap();
                let delta = &event_data["delta"];
                match delta["type"].as_str() {
                    Some("text_delta") => merge(&mut block["text"], &delta["text"]),
                    Some("thinking_delta") => merge(&mut block["thinking"], &delta["thinking"]),
                    Some("signature_delta") => block["signature"] = delta["signature"].clone(),
                    Some("input_json_delta") => input.push_str(delta["partial_json"].as_str().unwrap()),
                    None if kind == "content_block_stop" => {
                        open = None;
                        if !input.is_empty() {
                            block["input"] = serde_json::from_str(&input).unwrap();
                        }
                    }
                    other => panic!("{other:?}"),
                }
            }
            "message_delta" => {
                assert_eq!(open, None);
                merge(&mut message, &event_data["delta"]);
                merge(&mut message["usage"], &event_data["usage"]);
            }
            "message_stop" => {}
            other => panic!("{other}"),
        }
    }
    assert_eq!(events.last().and_then(|event| event.name.as_deref()), Some("message_stop"));
    message
}

/// Puts the items together from their parts, and holds every event that repeats a text against them.
#[expect(clippy::cognitive_complexity, reason = "one arm for each event")]
pub fn responses(events: &[Event]) -> Value {
    let mut items: Vec<Value> = Vec::new();
    for (n, event) in events.iter().enumerate() {
        let event_data = data(event);
        let kind = event_data["type"].as_str().unwrap();
        assert_eq!(event.name.as_deref(), Some(kind));
        assert_eq!(event_data["sequence_number"].as_u64(), Some(n as u64));
        let place = event_data["output_index"].as_u64().unwrap_or_default() as usize;
        if let Some(id) = event_data.get("item_id") {
            assert_eq!(&items[place]["id"], id);
        }
        let part =
            event_data["content_index"].as_u64().or(event_data["summary_index"].as_u64()).unwrap_or_default()
                as usize;
        match kind.strip_prefix("response.").unwrap() {
            "created" | "in_progress" => assert!(n < 2 && event_data["response"]["status"] == "in_progress"),
            "output_item.added" => {
                assert_eq!(place, items.len());
                items.push(event_data["item"].clone());
            }
            "content_part.added" | "reasoning_summary_part.added" => {
                let list = if kind.contains("summary") { "summary" } else { "content" };
                let parts = items[place][list].as_array_mut().unwrap();
                assert_eq!(parts.len(), part);
                parts.push(event_data["part"].clone());
            }
            "output_text.delta" => merge(&mut items[place]["content"][part]["text"], &event_data["delta"]),
            "refusal.delta" => merge(&mut items[place]["content"][part]["refusal"], &event_data["delta"]),
            "reasoning_summary_text.delta" => {
                merge(&mut items[place]["summary"][part]["text"], &event_data["delta"])
            }
            "function_call_arguments.delta" => merge(&mut items[place]["arguments"], &event_data["delta"]),
            "custom_tool_call_input.delta" => merge(&mut items[place]["input"], &event_data["delta"]),
            "output_text.done" => assert_eq!(items[place]["content"][part]["text"], event_data["text"]),
            "refusal.done" => assert_eq!(items[place]["content"][part]["refusal"], event_data["refusal"]),
            "reasoning_summary_text.done" => {
                assert_eq!(items[place]["summary"][part]["text"], event_data["text"])
            }
            "function_call_arguments.done" => assert_eq!(items[place]["arguments"], event_data["arguments"]),
            "custom_tool_call_input.done" => assert_eq!(items[place]["input"], event_data["input"]),
            "content_part.done" => assert_eq!(items[place]["content"][part], event_data["part"]),
            "reasoning_summary_part.done" => assert_eq!(items[place]["summary"][part], event_data["part"]),
            "output_item.done" => {
                // Only what was not streamed is new: the status and what seals the reasoning.
                let item = &mut items[place];
                for name in ["status", "encrypted_content"] {
                    if let Some(value) = event_data["item"].get(name) {
                        item[name] = value.clone();
                    }
                }
                assert_eq!(*item, event_data["item"]);
            }
            "completed" | "incomplete" => {
                assert_eq!(n, events.len() - 1);
                let response = event_data["response"].clone();
                assert_eq!(response["status"], kind.strip_prefix("response.").unwrap());
                assert_eq!(response["output"], Value::Array(items));
                return response;
            }
            other => panic!("{other}"),
        }
    }
    panic!("the stream has no end")
}
