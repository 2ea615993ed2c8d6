//! What becomes of tool calls in answers that the tenant's gate could stop: every dialect, whole and streamed, and every
//! translation, against what is written down here once more.

use super::*;
use crate::effects::put;
use crate::outcome::{self, Ended, conclude};
use crate::sse::Event;
use crate::stream::Step;
use crate::translate::tests::assemble;
use domain::ProviderKind;

const WITHHOLD: &str = r#"{"v": 1, "allow": ["*"], "answers": "withhold",
    "gates": [{"id": "pay", "template": "any", "tools": ["payments_*"], "forbid": true}]}"#;
/// Stands in arguments that must not leave, and nowhere else.
const SECRET: char = '§';
const DECLARED: [&str; 3] = ["payments_send", "crm_read", "find"];
/// The caller's dialect and the provider's kind: every way that an answer with tools takes.
const WAYS: [(Dialect, ProviderKind); 7] = [
    (Dialect::Chat, ProviderKind::OpenAi),
    (Dialect::Messages, ProviderKind::Anthropic),
    (Dialect::Responses, ProviderKind::OpenAi),
    (Dialect::Chat, ProviderKind::Anthropic),
    (Dialect::Messages, ProviderKind::Compatible),
    (Dialect::Responses, ProviderKind::Compatible),
    (Dialect::Responses, ProviderKind::Anthropic),
];

fn is_gated(name: &str) -> bool {
    name.to_lowercase().starts_with("payments_")
}

fn request(dialect: Dialect) -> Value {
    let said = json!([{"role": "user", "content": "hello"}]);
    let schema = json!({"type": "object"});
    let tools = |tool: &dyn Fn(&str) -> Value| DECLARED.map(tool);
    match dialect {
        Dialect::Messages => json!({"model": "gpt-4o", "max_tokens": 9, "messages": said, "stream": true,
            "tools": tools(&|name| json!({"name": name, "input_schema": schema}))}),
        Dialect::Responses => json!({"model": "gpt-4o", "store": false, "input": "hello", "stream": true,
            "tools": tools(&|name| json!({"type": "function", "name": name, "parameters": schema, "strict": false}))}),
        _ => json!({"model": "gpt-4o", "messages": said, "stream": true,
            "tools": tools(&|name| json!({"type": "function", "function": {"name": name, "parameters": schema}}))}),
    }
}

fn call_under(dialect: Dialect, kind: ProviderKind, gate: Result<Option<&str>, Unreadable>) -> Call {
    let row = |document: &str| GateRow { version: 1, document: document.to_owned() };
    let case = Case::with(|case| {
        case.providers.as_mut().unwrap().0[0].kind = kind;
        case.route = sent(dialect, &request(dialect));
        case.gate = gate.map(|document| document.map(row));
    });
    case.forwarded().call
}

/// A call that a model makes: its tool, and its arguments as JSON text.
type Made = (String, String);

fn made(name: &str) -> Made {
    let said = if is_gated(name) { SECRET.to_string().repeat(7) } else { "fine".to_owned() };
    (name.to_owned(), json!({"to": said, "n": [1, {"x": said}]}).to_string())
}

/// A provider's answer in its dialect.
fn whole(wire: Dialect, words: &str, calls: &[Made]) -> Value {
    let calls = calls.iter().enumerate();
    match wire {
        Dialect::Messages => {
            let text = (!words.is_empty()).then(|| json!({"type": "text", "text": words}));
            let calls = calls.clone().map(|(n, (name, arguments))| {
                let input: Value = serde_json::from_str(arguments).unwrap();
                json!({"type": "tool_use", "id": format!("t{n}"), "name": name, "input": input})
            });
            let content: Vec<_> = text.into_iter().chain(calls).collect();
            let stop =
                if content.iter().any(|block| block["type"] == "tool_use") { "tool_use" } else { "end_turn" };
            json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": content,
                "stop_reason": stop, "stop_sequence": null, "usage": {"input_tokens": 3, "output_tokens": 50}})
        }
        Dialect::Responses => {
            let part = json!({"type": "output_text", "text": words, "annotations": [], "logprobs": []});
            let said = json!({"id": "msg_0", "type": "message", "status": "completed", "role": "assistant",
                "content": [part]});
            let calls = calls.map(|(n, (name, arguments))| {
                json!({"id": format!("fc_{n}"), "type": "function_call", "status": "completed", "call_id": format!("t{n}"),
                    "name": name, "arguments": arguments})
            });
            let output: Vec<_> = (!words.is_empty()).then_some(said).into_iter().chain(calls).collect();
            json!({"id": "resp_1", "object": "response", "status": "completed", "error": null, "output": output,
                "usage": {"input_tokens": 3, "output_tokens": 50, "total_tokens": 53}})
        }
        _ => {
            let calls: Vec<_> = calls
                .map(|(n, (name, arguments))| {
                    json!({"id": format!("t{n}"), "type": "function",
                        "function": {"name": name, "arguments": arguments}})
                })
                .collect();
            let content = if words.is_empty() { Value::Null } else { json!(words) };
            let finish = if calls.is_empty() { "stop" } else { "tool_calls" };
            let mut message = json!({"role": "assistant", "content": content, "refusal": null});
            if !calls.is_empty() {
                message["tool_calls"] = json!(calls);
            }
            json!({"id": "c1", "object": "chat.completion", "created": 5, "model": "m",
                "choices": [{"index": 0, "message": message, "finish_reason": finish}],
                "usage": {"prompt_tokens": 3, "completion_tokens": 50, "total_tokens": 53}})
        }
    }
}

fn pieces(text: &str, size: usize) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(size).map(|piece| piece.iter().collect()).collect()
}

/// How a stream is cut.
#[derive(Debug, Clone, Copy)]
struct Cut {
    name: usize,
    arguments: usize,
    /// One piece of each call after the other, not one call after the other.
    in_turn: bool,
}

const EVEN: Cut = Cut { name: 100, arguments: 4, in_turn: false };

/// The same answer as the provider streams it.
fn streamed(wire: Dialect, words: &str, calls: &[Made], cut: Cut) -> Vec<Value> {
    match wire {
        Dialect::Messages => messages_events(&whole(wire, words, calls), cut),
        Dialect::Responses => responses_events(&whole(wire, words, calls), cut),
        _ => chat_chunks(words, calls, cut),
    }
}

fn chunk(delta: Value, finish: Value) -> Value {
    json!({"id": "c1", "object": "chat.completion.chunk", "created": 5, "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], "usage": null})
}

fn chat_chunks(words: &str, calls: &[Made], cut: Cut) -> Vec<Value> {
    let mut chunks = vec![chunk(json!({"role": "assistant", "content": ""}), Value::Null)];
    chunks.extend(pieces(words, 3).iter().map(|piece| chunk(json!({"content": piece}), Value::Null)));
    let part = |part: Value| chunk(json!({"tool_calls": [part]}), Value::Null);
    let of = |(n, (name, arguments)): (usize, &Made)| {
        let named = pieces(name, cut.name).into_iter().enumerate().map(move |(at, piece)| {
            let function = json!({"name": piece, "arguments": ""});
            if at == 0 {
                json!({"index": n, "id": format!("t{n}"), "type": "function", "function": function})
            } else {
                json!({"index": n, "function": function})
            }
        });
        let argued = pieces(arguments, cut.arguments).into_iter();
        let argued = argued.map(move |piece| json!({"index": n, "function": {"arguments": piece}}));
        named.chain(argued).map(part).collect::<Vec<_>>()
    };
    let of_each: Vec<Vec<Value>> = calls.iter().enumerate().map(of).collect();
    if cut.in_turn {
        let longest = of_each.iter().map(Vec::len).max().unwrap_or(0);
        let round = |at: usize| of_each.iter().filter_map(move |parts| parts.get(at).cloned());
        chunks.extend((0..longest).flat_map(round));
    } else {
        chunks.extend(of_each.concat());
    }
    chunks.push(chunk(json!({}), json!(if calls.is_empty() { "stop" } else { "tool_calls" })));
    let usage = json!({"prompt_tokens": 3, "completion_tokens": 50, "total_tokens": 53});
    chunks.push(
        json!({"id": "c1", "object": "chat.completion.chunk", "created": 5, "model": "m", "choices": [],
        "usage": usage}),
    );
    chunks
}

fn messages_events(whole: &Value, cut: Cut) -> Vec<Value> {
    let mut message = whole.clone();
    (message["content"], message["stop_reason"]) = (json!([]), Value::Null);
    let mut events = vec![json!({"type": "message_start", "message": message})];
    for (index, block) in whole["content"].as_array().unwrap().iter().enumerate() {
        let (mut begin, kind, field, text) = match block["type"].as_str().unwrap() {
            "text" => (block.clone(), "text_delta", "text", block["text"].as_str().unwrap().to_owned()),
            _ => (block.clone(), "input_json_delta", "partial_json", block["input"].to_string()),
        };
        match kind {
            "text_delta" => begin["text"] = json!(""),
            _ => begin["input"] = json!({}),
        }
        events.push(json!({"type": "content_block_start", "index": index, "content_block": begin}));
        events.extend(pieces(&text, cut.arguments).iter().map(|piece| {
            json!({"type": "content_block_delta", "index": index, "delta": {"type": kind, field: piece}})
        }));
        events.push(json!({"type": "content_block_stop", "index": index}));
    }
    events.push(
        json!({"type": "message_delta", "delta": {"stop_reason": whole["stop_reason"], "stop_sequence": null},
        "usage": {"output_tokens": 50}}),
    );
    events.push(json!({"type": "message_stop"}));
    events
}

fn responses_events(whole: &Value, cut: Cut) -> Vec<Value> {
    let mut begun = whole.clone();
    (begun["output"], begun["status"]) = (json!([]), json!("in_progress"));
    let mut events = vec![json!({"type": "response.created", "response": begun})];
    for (place, item) in whole["output"].as_array().unwrap().iter().enumerate() {
        let mut begin = item.clone();
        begin["status"] = json!("in_progress");
        let said = item["type"] == "message";
        begin[if said { "content" } else { "arguments" }] = if said { json!([]) } else { json!("") };
        events.push(json!({"type": "response.output_item.added", "output_index": place, "item": begin}));
        let at = |kind: &str, field: &str, value: &Value| {
            let mut event = json!({"type": kind, "item_id": item["id"], "output_index": place, field: value});
            if said {
                event["content_index"] = json!(0);
            }
            event
        };
        if said {
            let (part, mut empty) = (&item["content"][0], item["content"][0].clone());
            empty["text"] = json!("");
            events.push(at("response.content_part.added", "part", &empty));
            let words = pieces(part["text"].as_str().unwrap(), cut.arguments);
            events.extend(words.iter().map(|piece| at("response.output_text.delta", "delta", &json!(piece))));
            events.push(at("response.output_text.done", "text", &part["text"]));
            events.push(at("response.content_part.done", "part", part));
        } else {
            let kind = "response.function_call_arguments";
            let words = pieces(item["arguments"].as_str().unwrap(), cut.arguments);
            events.extend(words.iter().map(|piece| at(&format!("{kind}.delta"), "delta", &json!(piece))));
            events.push(at(&format!("{kind}.done"), "arguments", &item["arguments"]));
        }
        events.push(json!({"type": "response.output_item.done", "output_index": place, "item": item}));
    }
    events.push(json!({"type": "response.completed", "response": whole}));
    for (n, event) in events.iter_mut().enumerate() {
        event["sequence_number"] = json!(n);
    }
    events
}

fn answered(call: &Call, whole: &Value) -> Ended {
    let body = Ok(bytes::Bytes::from(whole.to_string()));
    put(
        call,
        conclude(call.wire, Ok(egress::Answer { status: 200, retry_after: None, request_id: None, body })),
    )
}

fn heard(call: &Call, events: &[Value]) -> Vec<Event> {
    let mut listener = call.listener();
    let mut out = Vec::new();
    for event in events {
        let data = event.as_str().map_or_else(|| event.to_string(), str::to_owned);
        match listener.event(&Event { name: None, data }).unwrap() {
            Step::On(events) => out.extend(events),
            Step::Whole(events) => {
                out.extend(events);
                return out;
            }
        }
    }
    let Step::Whole(last) = listener.end().unwrap() else { panic!("no end") };
    out.extend(last);
    out
}

fn assembled(dialect: Dialect, events: &[Event]) -> Value {
    match dialect {
        Dialect::Messages => assemble::messages(events),
        Dialect::Responses => assemble::responses(events),
        _ => {
            dense(events);
            assemble::chat(events)
        }
    }
}

/// Clients keep calls in a list: each is the next one when it begins, and has its name then.
fn dense(events: &[Event]) {
    let mut begun = 0;
    for event in events.iter().filter(|event| event.data != "[DONE]") {
        let chunk: Value = serde_json::from_str(&event.data).unwrap();
        for call in
            chunk.pointer("/choices/0/delta/tool_calls").and_then(Value::as_array).into_iter().flatten()
        {
            let (index, name) = (call["index"].as_u64().unwrap(), &call["function"]["name"]);
            assert!(index <= begun, "{call}");
            assert_eq!(name.is_string(), index == begun, "{call}");
            begun += u64::from(index == begun);
        }
    }
}

/// What an answer comes to: its texts, its calls, and how it ended.
#[derive(Debug, PartialEq)]
struct Amount {
    words: Vec<String>,
    calls: Vec<(String, Value)>,
    end: String,
}

fn amount(dialect: Dialect, answer: &Value) -> Amount {
    let parsed = |text: &Value| serde_json::from_str(text.as_str().unwrap()).unwrap();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let name = |value: &Value| value.as_str().unwrap().to_owned();
    let (mut words, mut calls) = (Vec::new(), Vec::new());
    let end = match dialect {
        Dialect::Messages => {
            for block in list(&answer["content"]) {
                match block["type"].as_str().unwrap() {
                    "text" => words.push(name(&block["text"])),
                    _ => calls.push((name(&block["name"]), block["input"].clone())),
                }
            }
            &answer["stop_reason"]
        }
        Dialect::Responses => {
            let mut ids = BTreeSet::new();
            for item in list(&answer["output"]) {
                assert!(
                    ids.insert(item["id"].clone().to_string()),
                    "clients tell items by their ids: {answer}"
                );
                match item["type"].as_str().unwrap() {
                    "message" => words.extend(list(&item["content"]).iter().map(|part| name(&part["text"]))),
                    _ => calls.push((name(&item["name"]), parsed(&item["arguments"]))),
                }
            }
            &answer["status"]
        }
        _ => {
            let choice = &answer["choices"][0];
            words.extend(choice["message"]["content"].as_str().map(str::to_owned));
            let function =
                |call: &Value| (name(&call["function"]["name"]), parsed(&call["function"]["arguments"]));
            calls.extend(list(&choice["message"]["tool_calls"]).iter().map(function));
            &choice["finish_reason"]
        }
    };
    let words = words.join("\n\n");
    let mut words: Vec<_> = words.split("\n\n").filter(|part| !part.is_empty()).map(str::to_owned).collect();
    words.sort();
    calls.sort_by_key(|(name, _)| name.clone());
    Amount { words, calls, end: end.as_str().unwrap().to_owned() }
}

/// The same, from what the model said.
fn due(dialect: Dialect, words: &str, calls: &[Made]) -> Amount {
    let (gated, left): (Vec<_>, Vec<_>) = calls.iter().cloned().partition(|(name, _)| is_gated(name));
    let note = |(name, _): Made| {
        let tool = if DECLARED.contains(&name.as_str()) {
            format!("the tool {name}")
        } else {
            "a tool that this request did not declare".to_owned()
        };
        format!(
            "[The call of {tool} was withheld: it may need an approval. Ask for the action at POST /v1/actions.]"
        )
    };
    let mut all: Vec<_> = [words.to_owned()]
        .into_iter()
        .filter(|words| !words.is_empty())
        .chain(gated.into_iter().map(note))
        .collect();
    all.sort();
    let runs = !left.is_empty();
    let end = match dialect {
        Dialect::Messages => {
            if runs {
                "tool_use"
            } else {
                "end_turn"
            }
        }
        Dialect::Responses => "completed",
        _ => {
            if runs {
                "tool_calls"
            } else {
                "stop"
            }
        }
    };
    let parsed = |(name, arguments): Made| (name, serde_json::from_str(&arguments).unwrap());
    let mut calls: Vec<_> = left.into_iter().map(parsed).collect();
    calls.sort_by_key(|(name, _)| name.clone());
    Amount { words: all, calls, end: end.to_owned() }
}

fn check(words: &str, names: &[&str], cut: Cut) {
    let calls: Vec<_> = names.iter().map(|name| made(name)).collect();
    for (dialect, kind) in WAYS {
        let at = format!("{dialect:?} {kind:?} {names:?} {cut:?}");
        let call = call_under(dialect, kind, Ok(Some(WITHHOLD)));
        let ended = answered(&call, &whole(call.wire, words, &calls));
        let answer = &ended.answer.as_ref().unwrap().value;
        assert!(!answer.to_string().contains(SECRET), "{at}: {answer}");
        assert_eq!(amount(dialect, answer), due(dialect, words, &calls), "{at}: {answer}");
        assert_eq!(ended.calls.len(), calls.len(), "{at}: all are recorded");

        let events = heard(&call, &streamed(call.wire, words, &calls, cut));
        assert!(events.iter().all(|event| !event.data.contains(SECRET)), "{at}: {events:?}");
        let answer = assembled(dialect, &events);
        assert_eq!(amount(dialect, &answer), due(dialect, words, &calls), "{at}: {answer}");
    }
}

#[test]
fn gated_calls_are_withheld_and_those_beside_them_stay() {
    for (words, names) in [
        ("hello", &[][..]),
        ("", &["payments_send"]),
        ("I pay.", &["payments_send"]),
        ("", &["crm_read"]),
        ("", &["payments_send", "crm_read"]),
        ("I look.", &["crm_read", "payments_send"]),
        ("", &["payments_send", "payments_send"]),
        ("", &["PAYMENTS_send", "find", "payments_other"]),
    ] {
        for cut in [EVEN, Cut { name: 3, ..EVEN }, Cut { name: 2, arguments: 1, in_turn: true }] {
            check(words, names, cut);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn however_it_is_cut(
        words in "[a-z ]{0,8}",
        names in prop::collection::vec(prop::sample::select(vec!["payments_send", "PAYMENTS_send", "crm_read", "find", "payments_x"]), 0..5),
        name in 1_usize..20,
        arguments in 1_usize..20,
        in_turn: bool,
    ) {
        check(words.trim(), &names, Cut { name, arguments, in_turn });
    }
}

/// A server's chunks, with which calls of them stay and how the answer ends.
type Quirk = (&'static str, Vec<Value>, &'static [&'static str], &'static str);

fn delta(delta: Value) -> Value {
    chunk(delta, Value::Null)
}

fn part(fields: Value) -> Value {
    delta(json!({ "tool_calls": [fields] }))
}

fn entry(id: &str, name: &str, arguments: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
}

/// Such a part of a call under a number.
fn at(index: u64, id: &str, name: &str, arguments: &str) -> Value {
    let mut entry = entry(id, name, arguments);
    entry["index"] = json!(index);
    part(entry)
}

fn end(finish: &str) -> Value {
    chunk(json!({}), json!(finish))
}

fn secret() -> String {
    json!({"to": SECRET.to_string()}).to_string()
}

fn numbered_otherwise() -> Vec<Quirk> {
    let unnumbered = vec![part(entry("a", "crm_read", "{}")), part(entry("b", "payments_send", &secret()))];
    let same = vec![at(0, "a", "payments_send", &secret()), at(0, "b", "crm_read", "{}")];
    let nothing_else = vec![at(0, "", "crm_read", "{}"), at(0, "", "payments_send", &secret())];
    let named_each_time = vec![
        at(0, "a", "payments_send", ""),
        at(0, "a", "payments_send", &secret()),
        at(1, "b", "crm_read", "{"),
        at(1, "b", "crm_read", "}"),
    ];
    [
        ("no numbers", unnumbered),
        ("one number for all", same),
        ("one number for all, and no ids", nothing_else),
        ("the name with every delta", named_each_time),
    ]
    .into_iter()
    .map(|(what, chunks)| (what, [chunks, vec![end("tool_calls")]].concat(), &["crm_read"][..], "tool_calls"))
    .collect()
}

fn named_otherwise() -> Vec<Quirk> {
    let begins_allowed = vec![
        part(json!({"index": 0, "id": "a", "function": {"name": "pay"}})),
        part(json!({"index": 0, "function": {"name": "ments_send"}})),
        part(json!({"index": 0, "function": {"arguments": secret()}})),
        end("tool_calls"),
    ];
    let named_late = vec![
        at(0, "a", "find", "{"),
        part(json!({"index": 0, "function": {"name": "find", "arguments": "}"}})),
        end("tool_calls"),
    ];
    let unargued = vec![
        part(json!({"index": 0, "id": "a", "function": {"name": "payments_send"}})),
        part(json!({"index": 1, "id": "b", "function": {"name": "find", "arguments": ""}})),
        end("tool_calls"),
    ];
    let unnamed =
        vec![part(json!({"index": 0, "id": "a", "function": {"arguments": secret()}})), end("tool_calls")];
    let nulls = vec![delta(json!({"content": "hi", "tool_calls": null, "function_call": null})), end("stop")];
    let older = vec![
        delta(json!({"role": "assistant", "function_call": {"name": "payments_", "arguments": ""}})),
        delta(json!({"function_call": {"name": "send"}})),
        delta(json!({"function_call": {"arguments": secret()}})),
        end("function_call"),
    ];
    let custom = json!({"name": "payments_x", "input": secret()});
    let cut = vec![part(json!({"index": 0, "id": "a", "type": "custom", "custom": custom})), end("length")];
    let mut whole = delta(json!({"content": "hi"}));
    whole["choices"][0]["message"] = json!({"tool_calls": [entry("a", "payments_send", &secret())]});
    let message = vec![whole, end("stop")];
    vec![
        ("a message in a chunk", message, &[], "stop"),
        ("a name that begins like an allowed one", begins_allowed, &[], "stop"),
        ("a name again after its arguments began", named_late, &["find"], "tool_calls"),
        ("no arguments at all", unargued, &["find"], "tool_calls"),
        ("arguments without a name", unnamed, &[], "stop"),
        ("nulls beside words", nulls, &[], "stop"),
        ("the older form", older, &[], "stop"),
        ("a custom tool, and an end that is none of calls", cut, &[], "length"),
    ]
}

/// Servers that are compatible in their own way: what is withheld in their streams, and what stays.
#[test]
fn calls_that_are_numbered_or_named_in_other_ways() {
    let gated = call_under(Dialect::Chat, ProviderKind::Compatible, Ok(Some(WITHHOLD)));
    for (what, chunks, left, finish) in numbered_otherwise().into_iter().chain(named_otherwise()) {
        let events = heard(&gated, &chunks);
        assert!(events.iter().all(|event| !event.data.contains(SECRET)), "{what}: {events:?}");
        assert_eq!(events.last().unwrap().data, "[DONE]", "{what}");
        let answer = assembled(Dialect::Chat, &events);
        let choice = &answer["choices"][0];
        let calls = choice["message"]["tool_calls"].as_array().into_iter().flatten();
        let names: Vec<_> = calls.map(|call| call["function"]["name"].as_str().unwrap()).collect();
        assert_eq!((&names[..], &choice["finish_reason"]), (left, &json!(finish)), "{what}: {answer}");
        assert!(choice["message"]["function_call"].is_null(), "{what}: {answer}");
    }
}

/// A stream that ends without saying that its choice did is no whole answer; one that says `[DONE]` is.
#[test]
fn a_call_whose_name_is_not_known_to_be_whole_is_judged_at_the_end() {
    let gated = call_under(Dialect::Chat, ProviderKind::Compatible, Ok(Some(WITHHOLD)));
    let begun = |n: u64, name: &str| {
        chunk(
            json!({"tool_calls": [{"index": n, "id": format!("t{n}"), "function": {"name": name}}]}),
            Value::Null,
        )
    };
    let events = heard(&gated, &[begun(0, "payments_send"), begun(1, "find"), json!("[DONE]")]);
    let answer = assembled(Dialect::Chat, &events);
    let message = &answer["choices"][0]["message"];
    assert_eq!(message["tool_calls"].as_array().unwrap().len(), 1, "{answer}");
    assert_eq!(message["tool_calls"][0]["function"]["name"], "find");
    assert!(message["content"].as_str().unwrap().contains("payments_send"), "{answer}");
}

#[test]
fn whole_answers_have_the_dialects_form() {
    let gated = call_under(Dialect::Chat, ProviderKind::Compatible, Ok(Some(WITHHOLD)));
    let secret = json!({"to": SECRET.to_string()}).to_string();
    let put = |message: Value, finish: &str| {
        let whole = json!({"choices": [{"index": 0, "message": message, "finish_reason": finish}]});
        let value = answered(&gated, &whole).answer.unwrap().value;
        assert!(!value.to_string().contains(SECRET), "{value}");
        value["choices"][0].clone()
    };
    let older = put(
        json!({"content": null, "function_call": {"name": "payments_send", "arguments": secret}}),
        "function_call",
    );
    assert_eq!((&older["finish_reason"], older["message"].get("function_call")), (&json!("stop"), None));
    let stays =
        put(json!({"content": null, "function_call": {"name": "find", "arguments": "{}"}}), "function_call");
    assert_eq!(
        (&stays["finish_reason"], &stays["message"]["function_call"]["name"]),
        (&json!("function_call"), &json!("find"))
    );
    let parts = put(
        json!({"content": [{"type": "text", "text": "hi"}], "tool_calls": [{"id": "a", "function": {"name": "payments_send", "arguments": secret}}]}),
        "tool_calls",
    );
    assert_eq!(parts["message"]["content"].as_array().unwrap().len(), 2);
    assert!(parts["message"].get("tool_calls").is_none(), "an empty list is refused when it comes back");
    let strange = put(
        json!({"content": "hi", "tool_calls": {"function": {"name": "find", "arguments": secret}}}),
        "tool_calls",
    );
    assert!(strange["message"].get("tool_calls").is_none(), "{strange}");
}

#[test]
fn calls_that_the_provider_ran_stay_and_those_without_a_name_go_by_their_type() {
    let gated = call_under(
        Dialect::Responses,
        ProviderKind::OpenAi,
        Ok(Some(
            r#"{"v": 1, "allow": ["*"], "answers": "withhold",
            "gates": [{"id": "x", "template": "any", "tools": ["local_shell", "web_search", "ops.*"], "forbid": true}]}"#,
        )),
    );
    let item = |fields: Value| {
        let mut item = json!({"id": "x_1", "status": "completed"});
        item.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        item
    };
    let output = json!([
        item(json!({"type": "web_search_call", "action": {"type": "search", "query": "x"}})),
        item(
            json!({"type": "local_shell_call", "call_id": "a", "action": {"command": [SECRET.to_string()]}})
        ),
        item(
            json!({"type": "function_call", "call_id": "b", "namespace": "ops", "name": "drop", "arguments": SECRET.to_string()})
        ),
        item(json!({"type": "function_call", "call_id": "c", "name": "drop", "arguments": "{}"})),
    ]);
    let whole = json!({"id": "resp_1", "status": "completed", "output": output});
    let kinds = |response: &Value| -> Vec<String> {
        response["output"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["type"].as_str().unwrap().to_owned())
            .collect()
    };
    let due = ["web_search_call", "message", "message", "function_call"];
    let value = answered(&gated, &whole).answer.unwrap().value;
    assert_eq!(kinds(&value), due);
    assert!(!value.to_string().contains(SECRET), "{value}");

    // A name that changes at the end of its item, and arguments of an item that never began.
    let added = |n: usize, name: &str| {
        json!({"type": "response.output_item.added", "output_index": n, "sequence_number": 0,
        "item": {"id": "fc_1", "type": "function_call", "name": name, "arguments": ""}})
    };
    let done = |n: usize, name: &str| {
        json!({"type": "response.output_item.done", "output_index": n, "sequence_number": 0,
        "item": {"id": "fc_1", "type": "function_call", "name": name, "arguments": "{}"}})
    };
    let stray = json!({"type": "response.function_call_arguments.delta", "output_index": 7, "delta": SECRET.to_string(), "sequence_number": 0});
    let mut last = whole.clone();
    last["output"] =
        json!([{"id": "fc_1", "type": "function_call", "name": "find", "arguments": SECRET.to_string()}]);
    let completed = json!({"type": "response.completed", "response": last, "sequence_number": 0});
    let placeless = [stray.clone(), added(0, "local_shell")].map(|mut event| {
        event.as_object_mut().unwrap().remove("output_index");
        event
    });
    let [nameless, shell] = placeless;
    let told = heard(&gated, &[nameless, shell, completed.clone()]);
    assert!(told.iter().all(|event| !event.data.contains(SECRET)), "{told:?}");
    assert!(told.iter().all(|event| !event.data.contains("local_shell")), "{told:?}");

    let events = heard(&gated, &[added(0, "find"), done(0, "local_shell"), stray, completed]);
    assert!(events.iter().all(|event| !event.data.contains(SECRET)), "{events:?}");
    assert!(events.iter().all(|event| !event.data.contains("local_shell")), "{events:?}");
    assert_eq!(events.len(), 3, "{events:?}");
}

#[test]
fn what_is_left_or_marked_leaves_as_it_came() {
    let documents =
        [Ok(None), Ok(Some(r#"{"v": 1, "answers": "leave"}"#)), Ok(Some(r#"{"v": 1, "answers": "mark"}"#))];
    let calls = [made("payments_send"), made("crm_read")];
    for (dialect, kind) in WAYS {
        let each = documents.map(|document| {
            let call = call_under(dialect, kind, document);
            let ended = answered(&call, &whole(call.wire, "I pay.", &calls));
            let events = heard(&call, &streamed(call.wire, "I pay.", &calls, EVEN));
            let told = call.tools.guard.told(&ended.calls);
            (ended.answer.unwrap().value, events, told)
        });
        let [none, leave, mark] = each;
        assert_eq!((&none.0, &none.1), (&leave.0, &leave.1));
        assert_eq!((&none.0, &none.1), (&mark.0, &mark.1));
        assert_eq!((none.2, leave.2), (None, None));
        assert_eq!(mark.2.as_deref(), Some("payments_send, crm_read"));
    }
}

/// A gate that does not read does not stop the call: it takes every tool call out of the answer, and the record says so.
#[test]
fn records_tell_what_was_withheld() {
    let calls = [made("payments_send"), made("crm_read")];
    let metadata = |record: &AuditRecord| -> Value {
        let record: Value = serde_json::to_value(record).unwrap();
        serde_json::from_str(record["metadata"].as_str().unwrap()).unwrap()
    };
    for (gate, name, count, flags, unreadable) in [
        (Ok(None), "tool_calls_withheld", Value::Null, [false, false], false),
        (Ok(Some(r#"{"v": 1, "answers": "mark"}"#)), "tool_calls_marked", json!(2), [false, false], false),
        (Ok(Some(WITHHOLD)), "tool_calls_withheld", json!(1), [true, false], false),
        (Ok(Some("{}")), "tool_calls_withheld", json!(2), [true, true], true),
        (Err(Unreadable), "tool_calls_withheld", json!(2), [true, true], true),
    ] {
        let call = call_under(Dialect::Chat, ProviderKind::OpenAi, gate);
        let ended = answered(&call, &whole(call.wire, "", &calls));
        let records = outcome::records(&call, &ended, call.began, call.began);
        let told = metadata(&records[0]);
        assert_eq!((&told["tool_calls"], &told[name]), (&json!(2), &count), "{gate:?}: {told}");
        assert_eq!(told["gate_unreadable"] == true, unreadable, "{gate:?}: {told}");
        let flagged = |record: &AuditRecord| metadata(record)["withheld"] == true;
        assert_eq!([flagged(&records[1]), flagged(&records[2])], flags, "{gate:?}");
        assert!(records.iter().all(|record| !serde_json::to_string(record).unwrap().contains(SECRET)));
        // Settled as ever.
        assert_eq!(
            (told["usage_reported"].clone(), told["settled_tokens"].clone()),
            (json!(true), json!(53))
        );
    }
}

/// What is told, recorded and forbidden goes by the whole name.
#[test]
fn a_name_in_pieces_is_recorded_and_forbidden_whole() {
    let called = |call: &Call| {
        let mut listener = call.listener();
        for chunk in chat_chunks("", &[made("payments_send"), made("find")], Cut { name: 3, ..EVEN }) {
            listener.event(&Event { name: None, data: chunk.to_string() })?;
        }
        Ok(listener.calls().map(|call| call.name.clone()).collect::<Vec<_>>())
    };
    let mut call = call_under(Dialect::Chat, ProviderKind::Compatible, Ok(None));
    assert_eq!(called(&call), Ok(vec!["payments_send".to_owned(), "find".to_owned()]));
    call.forbidden_tools = [name("payments_send")].into();
    assert_eq!(called(&call), Err(Reason::ToolForbidden));
}

#[test]
fn nothing_of_a_withheld_block_leaves() {
    let gated = call_under(Dialect::Messages, ProviderKind::Anthropic, Ok(Some(WITHHOLD)));
    let mut events = streamed(Dialect::Messages, "", &[made("payments_send")], EVEN);
    let strange = json!({"type": "strange_delta", "strange": SECRET.to_string()});
    events.insert(2, json!({"type": "content_block_delta", "index": 0, "delta": strange}));
    let heard = heard(&gated, &events);
    assert!(heard.iter().all(|event| !event.data.contains(SECRET)), "{heard:?}");
}
