use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{assemble, fields};
use crate::translate::streams::Braces;
use crate::translate::{Context, Event, Pair};

const PAIRS: [Pair; 4] =
    [Pair::ChatToMessages, Pair::MessagesToChat, Pair::ResponsesToChat, Pair::ResponsesToMessages];

fn request() -> Map<String, Value> {
    fields(json!({"stream_options": {"include_usage": true}, "tools": [{"type": "custom", "name": "shell"}]}))
}

fn translated(pair: Pair, events: &[Value]) -> Vec<Event> {
    let mut stream = pair.stream(Context::of(pair, &request(), 7));
    let mut out: Vec<Event> = events.iter().flat_map(|event| stream.event(event)).collect();
    out.extend(stream.finish());
    out
}

/// A text in pieces, so that the cuts are random too.
fn pieces() -> impl Strategy<Value = Vec<String>> {
    vec("[a-zé😀 \"\\\\{}\\n]{1,6}", 1..4)
}

/// The text of a JSON object in pieces.
fn arguments() -> impl Strategy<Value = Vec<String>> {
    let value = prop_oneof![any::<u8>().prop_map(Value::from), "[a-z\"\\\\{}]{0,5}".prop_map(Value::from)];
    (prop::collection::btree_map("[a-z{\"]{1,3}", value, 0..3), 1..4_usize).prop_map(|(arguments, size)| {
        let text = serde_json::to_string(&arguments).unwrap();
        let characters: Vec<char> = text.chars().collect();
        characters.chunks(size).map(|piece| piece.iter().collect()).collect()
    })
}

#[derive(Debug, Clone)]
enum Block {
    Thinking(Vec<String>, String),
    Redacted(String),
    Text(Vec<String>),
    Call(bool, Vec<String>),
}

fn block() -> impl Strategy<Value = Block> {
    prop_oneof![
        (pieces(), "[a-z]{1,4}").prop_map(|(text, signature)| Block::Thinking(text, signature)),
        "[a-z]{1,4}".prop_map(Block::Redacted),
        pieces().prop_map(Block::Text),
        (any::<bool>(), arguments()).prop_map(|(custom, input)| Block::Call(custom, input)),
        pieces().prop_map(|text| Block::Call(true, vec![json!({"input": text.concat()}).to_string()])),
    ]
}

/// Anthropic's models think, then speak, then call.
fn blocks() -> impl Strategy<Value = Vec<Block>> {
    vec(block(), 0..6).prop_map(|mut blocks| {
        blocks.sort_by_key(|block| match block {
            Block::Thinking(..) | Block::Redacted(_) => 0,
            Block::Text(_) => 1,
            Block::Call(..) => 2,
        });
        blocks
    })
}

/// An answer of Anthropic's, whole and as its events.
fn anthropic(blocks: &[Block], stop: &str) -> (Value, Vec<Value>) {
    let usage = json!({"input_tokens": 3, "cache_read_input_tokens": 4, "output_tokens": 5});
    let message = |content: Value, stop: Value| {
        json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": content,
            "stop_reason": stop, "stop_sequence": null, "usage": usage})
    };
    let mut events = vec![
        json!({"type": "message_start", "message": message(json!([]), Value::Null)}),
        json!({"type": "ping"}),
    ];
    let mut content = Vec::new();
    for (index, block) in blocks.iter().enumerate() {
        let (begin, whole, deltas) = anthropic_block(index, block);
        events.push(json!({"type": "content_block_start", "index": index, "content_block": begin}));
        events.extend(
            deltas
                .into_iter()
                .map(|delta| json!({"type": "content_block_delta", "index": index, "delta": delta})),
        );
        events.push(json!({"type": "content_block_stop", "index": index}));
        content.push(whole);
    }
    events.push(
        json!({"type": "message_delta", "delta": {"stop_reason": stop}, "usage": {"output_tokens": 5}}),
    );
    events.push(json!({"type": "message_stop"}));
    (message(Value::Array(content), json!(stop)), events)
}

fn anthropic_block(index: usize, block: &Block) -> (Value, Value, Vec<Value>) {
    let each = |kind: &str, field: &str, pieces: &[String]| -> Vec<Value> {
        pieces.iter().map(|piece| json!({"type": kind, field: piece})).collect()
    };
    match block {
        Block::Thinking(pieces, signature) => {
            let whole = json!({"type": "thinking", "thinking": pieces.concat(), "signature": signature});
            let mut deltas = each("thinking_delta", "thinking", pieces);
            deltas.push(json!({"type": "signature_delta", "signature": signature}));
            (json!({"type": "thinking", "thinking": "", "signature": ""}), whole, deltas)
        }
        Block::Redacted(data) => {
            let whole = json!({"type": "redacted_thinking", "data": data});
            (whole.clone(), whole, Vec::new())
        }
        Block::Text(pieces) => {
            let whole = json!({"type": "text", "text": pieces.concat()});
            (json!({"type": "text", "text": ""}), whole, each("text_delta", "text", pieces))
        }
        Block::Call(custom, pieces) => {
            let (id, name) = (format!("t{index}"), if *custom { "shell" } else { "find" });
            let input: Value = serde_json::from_str(&pieces.concat()).unwrap();
            let begin = json!({"type": "tool_use", "id": id, "name": name, "input": {}});
            let whole = json!({"type": "tool_use", "id": id, "name": name, "input": input});
            (begin, whole, each("input_json_delta", "partial_json", pieces))
        }
    }
}

/// An answer of Chat's, whole and as its chunks; the calls come one after the other, or one piece of each in turn.
fn chat(blocks: &[Block], finish: &str, in_turn: bool) -> (Value, Vec<Value>) {
    let chunk = |choices: Value, usage: Value| json!({"id": "c1", "object": "chat.completion.chunk", "created": 5, "model": "m", "choices": choices, "usage": usage});
    let delta =
        |delta: Value| chunk(json!([{"index": 0, "delta": delta, "finish_reason": null}]), Value::Null);
    let mut chunks = vec![delta(json!({"role": "assistant", "content": ""}))];
    let (mut words, mut thoughts, mut calls, mut parts) =
        (String::new(), String::new(), Vec::new(), Vec::new());
    for block in blocks {
        match block {
            Block::Thinking(pieces, _) => {
                chunks.extend(pieces.iter().map(|piece| delta(json!({"reasoning_content": piece}))));
                thoughts.push_str(&pieces.concat());
            }
            Block::Redacted(_) => {}
            Block::Text(pieces) => {
                chunks.extend(pieces.iter().map(|piece| delta(json!({"content": piece}))));
                words.push_str(&pieces.concat());
            }
            Block::Call(_, pieces) => {
                let index = calls.len();
                let (id, text) = (format!("t{index}"), pieces.concat());
                parts.push((0, index, json!({"index": index, "id": id, "type": "function", "function": {"name": "find", "arguments": ""}})));
                let piece =
                    |(n, piece)| (n + 1, index, json!({"index": index, "function": {"arguments": piece}}));
                parts.extend(pieces.iter().enumerate().map(piece));
                calls.push(
                    json!({"id": id, "type": "function", "function": {"name": "find", "arguments": text}}),
                );
            }
        }
    }
    if in_turn {
        parts.sort_by_key(|(turn, call, _)| (*turn, *call));
    }
    chunks.extend(parts.into_iter().map(|(_, _, call)| delta(json!({"tool_calls": [call]}))));
    let usage = json!({"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7});
    chunks.push(chunk(json!([{"index": 0, "delta": {}, "finish_reason": finish}]), Value::Null));
    chunks.push(chunk(json!([]), usage.clone()));
    chunks.push(Value::Null);
    let message =
        json!({"role": "assistant", "content": words, "reasoning_content": thoughts, "tool_calls": calls});
    let whole = json!({"id": "c1", "object": "chat.completion", "created": 5, "model": "m", "usage": usage,
        "choices": [{"index": 0, "message": message, "finish_reason": finish}]});
    (whole, chunks)
}

proptest! {
    #[test]
    fn a_stream_of_anthropic_amounts_to_its_whole(
        blocks in blocks(),
        stop in prop::sample::select(vec!["end_turn", "max_tokens", "tool_use", "refusal"]),
    ) {
        let (whole, events) = anthropic(&blocks, stop);
        for (pair, assemble) in [
            (Pair::ChatToMessages, assemble::chat as fn(&[Event]) -> Value),
            (Pair::ResponsesToMessages, assemble::responses),
        ] {
            let context = Context::of(pair, &request(), 7);
            let out = translated(pair, &events);
            prop_assert_eq!(assemble(&out), pair.answer(&context, whole.clone()).unwrap());
        }
    }

    #[test]
    fn a_stream_of_chat_amounts_to_its_whole(
        blocks in blocks(),
        finish in prop::sample::select(vec!["stop", "length", "tool_calls", "content_filter"]),
        in_turn in any::<bool>(),
    ) {
        let (whole, chunks) = chat(&blocks, finish, in_turn);
        for (pair, assemble) in [
            (Pair::MessagesToChat, assemble::messages as fn(&[Event]) -> Value),
            (Pair::ResponsesToChat, assemble::responses),
        ] {
            let context = Context::of(pair, &request(), 7);
            let out = translated(pair, &chunks);
            prop_assert_eq!(assemble(&out), pair.answer(&context, whole.clone()).unwrap());
        }
    }

    /// Signed thinking comes back byte for byte through a caller of Chat and through one of Responses.
    #[test]
    fn an_answer_survives_its_way_back(blocks in blocks()) {
        // A custom tool's input that is not one string comes back as a string: its text.
        let one_string = |pieces: &[String]| {
            serde_json::from_str::<Value>(&pieces.concat()).is_ok_and(|input| input.get("input").is_some())
        };
        let fits = |block: &Block| !matches!(block, Block::Call(true, input) if !one_string(input));
        let blocks: Vec<Block> = blocks.into_iter().filter(fits).collect();
        if blocks.is_empty() {
            return Ok(());
        }
        let (whole, events) = anthropic(&blocks, "end_turn");
        let user = json!({"role": "user", "content": "hi"});
        let content = |sent: Map<String, Value>| sent["messages"][1]["content"].clone();

        let message = assemble::chat(&translated(Pair::ChatToMessages, &events))["choices"][0]["message"].clone();
        let back = fields(json!({"model": "m", "messages": [user, message]}));
        prop_assert_eq!(content(Pair::ChatToMessages.request(back).unwrap()), joined(&whole["content"]));

        let response = assemble::responses(&translated(Pair::ResponsesToMessages, &events));
        let mut input = vec![user];
        input.extend(response["output"].as_array().unwrap().iter().cloned());
        let back = fields(json!({"model": "m", "input": input}));
        prop_assert_eq!(content(Pair::ResponsesToMessages.request(back).unwrap()), joined(&whole["content"]));
    }

    #[test]
    fn braces_close_where_the_object_ends(pieces in arguments()) {
        let mut braces = Braces::default();
        for piece in &pieces {
            prop_assert!(!braces.closed());
            braces.push(piece);
        }
        prop_assert!(braces.closed());
    }

    #[test]
    fn nothing_panics(values in vec(anything(), 1..8)) {
        for pair in PAIRS {
            let mut stream = pair.stream(Context::of(pair, &request(), 7));
            for value in &values {
                if let Value::Object(body) = value {
                    let context = Context::of(pair, body, 7);
                    let _ = pair.answer(&context, value.clone());
                    if let Err(fault) = pair.request(body.clone()) {
                        prop_assert!(!fault.to_string().contains("SECRET"));
                    }
                }
                stream.event(value);
            }
            stream.finish();
        }
    }
}

/// Two texts in a row are one in the other dialects.
fn joined(content: &Value) -> Value {
    let mut out: Vec<Value> = Vec::new();
    for block in content.as_array().unwrap() {
        match out.last_mut() {
            Some(last) if last["type"] == "text" && block["type"] == "text" => {
                last["text"] =
                    json!(format!("{}{}", last["text"].as_str().unwrap(), block["text"].as_str().unwrap()));
            }
            _ => out.push(block.clone()),
        }
    }
    Value::Array(out)
}

const NAMES: [&str; 46] = [
    "type",
    "role",
    "content",
    "messages",
    "input",
    "text",
    "tools",
    "tool_choice",
    "tool_calls",
    "function",
    "custom",
    "id",
    "call_id",
    "name",
    "arguments",
    "index",
    "delta",
    "choices",
    "message",
    "finish_reason",
    "stop_reason",
    "usage",
    "thinking",
    "thinking_blocks",
    "signature",
    "data",
    "source",
    "image_url",
    "url",
    "file",
    "summary",
    "encrypted_content",
    "reasoning_content",
    "partial_json",
    "content_block",
    "response_format",
    "json_schema",
    "schema",
    "output_config",
    "effort",
    "reasoning",
    "system",
    "model",
    "metadata",
    "stop",
    "output",
];
const VALUES: [&str; 34] = [
    "SECRET",
    "",
    "user",
    "assistant",
    "system",
    "tool",
    "text",
    "image",
    "image_url",
    "file",
    "document",
    "base64",
    "tool_use",
    "tool_result",
    "thinking",
    "redacted_thinking",
    "function",
    "custom",
    "message",
    "reasoning",
    "function_call",
    "function_call_output",
    "custom_tool_call",
    "message_start",
    "message_delta",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "text_delta",
    "input_json_delta",
    "json_schema",
    "data:application/pdf;base64,é",
    "signed:",
    "{\"a\":",
];
/// Documents of the dialects' own names and values in places where they do not belong.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => prop::sample::select(&VALUES[..]).prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
    ];
    leaf.prop_recursive(6, 60, 6, |inner| {
        let name = prop_oneof![20 => prop::sample::select(&NAMES[..]).prop_map(str::to_owned), 1 => Just("SECRET".to_owned())];
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::Array),
            vec((name, inner), 0..6).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn names(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.name.as_deref().unwrap_or("")).collect()
}

#[expect(clippy::too_many_lines, reason = "a table")]
#[test]
fn the_events_of_each_dialect_in_their_order() {
    let blocks = [
        Block::Thinking(vec!["Hm.".to_owned()], "sig".to_owned()),
        Block::Text(vec!["I ".to_owned(), "look.".to_owned()]),
        Block::Call(false, vec!["{}".to_owned()]),
    ];
    let (_, chunks) = chat(&blocks, "tool_calls", false);
    assert_eq!(
        names(&translated(Pair::MessagesToChat, &chunks)),
        [
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "content_block_start",
            "content_block_delta",
            "content_block_delta",
            "content_block_stop",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]
    );
    assert_eq!(
        names(&translated(Pair::ResponsesToChat, &chunks)),
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.reasoning_summary_part.added",
            "response.reasoning_summary_text.delta",
            "response.reasoning_summary_text.done",
            "response.reasoning_summary_part.done",
            "response.output_item.done",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.output_item.added",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.done",
            "response.output_item.done",
            "response.completed",
        ]
    );
    let (_, events) = anthropic(&blocks, "tool_use");
    let chunks: Vec<String> =
        translated(Pair::ChatToMessages, &events).into_iter().map(|event| event.data).collect();
    let delta = |delta: &str, finish: &str| {
        format!(
            r#"{{"id":"chatcmpl-msg_1","object":"chat.completion.chunk","created":7,"model":"m","choices":[{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{finish}}}],"usage":null}}"#
        )
    };
    let expected = [
        delta(r#"{"role":"assistant","content":null}"#, "null"),
        delta(
            r#"{"reasoning_content":"Hm.","thinking_blocks":[{"index":0,"type":"thinking","thinking":"Hm."}]}"#,
            "null",
        ),
        delta(r#"{"thinking_blocks":[{"index":0,"type":"thinking","signature":"sig"}]}"#, "null"),
        delta(r#"{"content":"I "}"#, "null"),
        delta(r#"{"content":"look."}"#, "null"),
        delta(
            r#"{"tool_calls":[{"index":0,"id":"t2","type":"function","function":{"name":"find","arguments":""}}]}"#,
            "null",
        ),
        delta(r#"{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}"#, "null"),
        delta("{}", r#""tool_calls""#),
    ];
    assert_eq!(chunks[..expected.len()], expected);
    assert_eq!(chunks.len(), expected.len() + 2);
}

#[test]
fn the_usage_chunk_is_for_those_who_asked() {
    let (_, events) = anthropic(&[Block::Text(vec!["a".to_owned()])], "end_turn");
    let mut stream = Pair::ChatToMessages.stream(Context::default());
    let mut out: Vec<Event> = events.iter().flat_map(|event| stream.event(event)).collect();
    out.extend(stream.finish());
    assert!(out.iter().all(|event| !event.data.contains("usage")));
    assert_eq!(out.last().map(|event| event.data.as_str()), Some("[DONE]"));
}

/// Words leave as they arrive, and so does a call's input while it is the only one.
#[test]
fn nothing_waits_that_need_not() {
    let blocks = [
        Block::Text(vec!["a".to_owned(), "b".to_owned()]),
        Block::Call(false, vec!["{".to_owned(), "\"q\":1".to_owned(), "}".to_owned()]),
        Block::Call(false, vec!["{".to_owned(), "}".to_owned()]),
    ];
    let (_, chunks) = chat(&blocks, "tool_calls", false);
    for pair in [Pair::MessagesToChat, Pair::ResponsesToChat] {
        let mut stream = pair.stream(Context::default());
        for chunk in &chunks {
            let says = ["/delta/content", "/delta/tool_calls/0/function/arguments"].iter().find_map(|path| {
                let choice = chunk.pointer("/choices/0")?;
                choice.pointer(path)?.as_str().filter(|text| !text.is_empty())
            });
            let out = stream.event(chunk);
            if let Some(text) = says {
                let escaped = json!(text).to_string();
                assert!(out.iter().any(|event| event.data.contains(&escaped)), "{text} was held back");
            }
        }
    }
}

/// A stream that never began has nothing to end but Chat's mark.
#[test]
fn an_empty_stream() {
    for pair in PAIRS {
        let out = translated(pair, &[]);
        let expected: &[&str] = if pair == Pair::ChatToMessages { &["[DONE]"] } else { &[] };
        assert_eq!(out.iter().map(|event| event.data.as_str()).collect::<Vec<_>>(), expected);
    }
}

/// Another gateway's thinking, without numbers: what follows a signature is another block.
#[test]
fn thinking_without_numbers() {
    let delta = |delta: Value| json!({"id": "c1", "model": "m", "choices": [{"delta": delta}]});
    let thinking = |text: &str, signature: &str| {
        delta(json!({"thinking_blocks": [{"type": "thinking", "thinking": text, "signature": signature}]}))
    };
    let chunks = [
        thinking("a", ""),
        thinking("b", ""),
        thinking("", "s1"),
        thinking("c", "s2"),
        delta(json!({"content": "d"})),
    ];
    let message = assemble::messages(&translated(Pair::MessagesToChat, &chunks));
    let expected = json!([
        {"type": "thinking", "thinking": "ab", "signature": "s1"},
        {"type": "thinking", "thinking": "c", "signature": "s2"},
        {"type": "text", "text": "d"}
    ]);
    assert_eq!(message["content"], expected);
}
