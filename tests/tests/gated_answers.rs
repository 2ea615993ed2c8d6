//! Tool calls in models' answers that the tenant's gate could stop, through the gateway's real binary with true streaming:
//! left, marked or withheld as the gate says, in every dialect and translation, and what the records tell of it.
#![cfg(test)]

use std::sync::OnceLock;

use countersign_tests::support::records::Record;
use countersign_tests::support::{Answer, Function, Tenant, aws, stack};
use serde_json::{Value, json};

fn gateway() -> &'static Function {
    static GATEWAY: OnceLock<Function> = OnceLock::new();
    GATEWAY.get_or_init(|| Function::gateway("gateway", 2, &[]))
}

const CHAT: &str = "/v1/chat/completions";
const RESPONSES: &str = "/v1/responses";
const MESSAGES: &str = "/v1/messages";
/// The caller's route and the provider's kind.
const WAYS: [(&str, &str); 7] = [
    (CHAT, "openai"),
    (RESPONSES, "openai"),
    (MESSAGES, "anthropic"),
    (CHAT, "anthropic"),
    (MESSAGES, "openai"),
    (RESPONSES, "compatible"),
    (RESPONSES, "anthropic"),
];

const GATED: &str = "payments_send";
const FREE: &str = "crm_read";
const HEADER: &str = "x-cs-gated-tools";
/// In the arguments of the gated call, cut anywhere by the stream.
const SECRET: &str = "IBAN-of-nobody";
const PLACE: &str = "POST /v1/actions";

/// Writes the tenant's gate, whatever the text is.
fn put_gate(tenant: &Tenant, document: &str) {
    let pk = format!("T#{}", tenant.tenant_id());
    let item = json!({"pk": {"S": pk}, "sk": {"S": "GATE"}, "v": {"N": "1"}, "version": {"N": "1"},
        "document": {"S": document}});
    let params = json!({"TableName": stack().at("/tables/control"), "Item": item});
    aws::must("operator", "dynamodb", "put_item", &params);
}

fn gate(answers: &str) -> String {
    let gates = json!([{"id": "pay", "template": "any", "tools": ["payments_*"], "forbid": true}]);
    json!({"v": 1, "allow": ["payments_*", "crm_*"], "gates": gates, "answers": answers}).to_string()
}

fn tool(path: &str, name: &str) -> Value {
    let schema = json!({"type": "object", "properties": {"to": {"type": "string"}}});
    match path {
        CHAT => json!({"type": "function", "function": {"name": name, "parameters": schema}}),
        RESPONSES => json!({"type": "function", "name": name, "parameters": schema, "strict": false}),
        _ => json!({"name": name, "input_schema": schema}),
    }
}

fn ask(tenant: &Tenant, path: &str, stream: bool) -> Answer {
    let said = json!([{"role": "user", "content": "hello"}]);
    let mut body = match path {
        RESPONSES => json!({"model": "gpt-4o-mini", "store": false, "input": "hello"}),
        MESSAGES => json!({"model": "gpt-4o-mini", "max_tokens": 64, "messages": said}),
        _ => json!({"model": "gpt-4o-mini", "messages": said}),
    };
    body["tools"] = json!([tool(path, GATED), tool(path, FREE)]);
    body["stream"] = json!(stream);
    tenant.ask(gateway().url(path), &body).send()
}

/// The model asks for both tools.
fn asks_for_both(tenant: &Tenant) {
    let calls =
        json!([{"name": GATED, "arguments": {"to": SECRET}}, {"name": FREE, "arguments": {"to": "all"}}]);
    tenant.channel.tell(&json!({"tool_calls": calls, "chunk_chars": 1, "write_bytes": 9}));
}

/// The names of all calls in an answer, whole or streamed.
fn called(path: &str, answer: &Answer, stream: bool) -> Vec<String> {
    let parts = if stream { answer.events() } else { vec![answer.json()] };
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let calls: Vec<Value> = match (path, stream) {
        (CHAT, false) => list(&parts[0]["choices"][0]["message"]["tool_calls"]),
        (CHAT, true) => {
            parts.iter().flat_map(|part| list(&part["choices"][0]["delta"]["tool_calls"])).collect()
        }
        (RESPONSES, false) => list(&parts[0]["output"]),
        (RESPONSES, true) => parts
            .iter()
            .filter(|part| part["type"] == "response.output_item.done")
            .map(|part| part["item"].clone())
            .collect(),
        (_, false) => list(&parts[0]["content"]),
        (_, true) => parts.iter().map(|part| part["content_block"].clone()).collect(),
    };
    let name = |call: &Value| call["function"]["name"].as_str().or(call["name"].as_str()).map(str::to_owned);
    calls.iter().filter_map(name).collect()
}

/// How an answer says that it ended.
fn end(path: &str, answer: &Answer, stream: bool) -> Value {
    let parts = if stream { answer.events() } else { vec![answer.json()] };
    let place = match (path, stream) {
        (CHAT, _) => "/choices/0/finish_reason",
        (RESPONSES, false) => "/status",
        (RESPONSES, true) => "/response/status",
        (_, false) => "/stop_reason",
        (_, true) => "/delta/stop_reason",
    };
    let mut ends = parts.iter().filter_map(|part| part.pointer(place)).filter(|end| !end.is_null());
    ends.next_back().unwrap_or_else(|| panic!("no end: {answer:?}")).clone()
}

fn outcomes(records: &[Record]) -> Vec<&Record> {
    records.iter().filter(|record| record.field("phase") == "outcome").collect()
}

fn in_every_way(check: impl Fn(&str, &str) + Sync) {
    std::thread::scope(|scope| {
        for (path, kind) in WAYS {
            let check = &check;
            scope.spawn(move || check(path, kind));
        }
    });
}

#[test]
fn a_withheld_call_leaves_a_text_and_the_one_beside_it_stays() {
    in_every_way(|path, kind| {
        let tenant = Tenant::of_kind(kind, &[]);
        put_gate(&tenant, &gate("withhold"));
        asks_for_both(&tenant);
        for stream in [false, true] {
            let at = format!("{path} to {kind}, streamed: {stream}");
            let answer = ask(&tenant, path, stream);
            assert_eq!(answer.status, 200, "{at}: {answer:?}");
            assert_eq!(called(path, &answer, stream), [FREE], "{at}: {}", answer.body);
            assert!(answer.body.contains(PLACE), "{at}: {}", answer.body);
            let runs = match path {
                CHAT => "tool_calls",
                RESPONSES => "completed",
                _ => "tool_use",
            };
            assert_eq!(end(path, &answer, stream), runs, "{at}");
            if stream {
                assert!(answer.body.contains(&format!(": {HEADER}: {GATED}\n")), "{at}: {}", answer.body);
            } else {
                assert_eq!(answer.header(HEADER), Some(GATED), "{at}");
            }
            assert!(!answer.all_text().contains(SECRET), "{at}: {}", answer.body);
        }
        let records = tenant.records(8);
        for outcome in outcomes(&records) {
            assert_eq!(outcome.says(), ["outcome", "allow", "completed"], "{path} to {kind}");
            let told = ["tool_calls", "tool_calls_withheld"].map(|name| outcome.metadata(name));
            assert_eq!(told, [2, 1], "{path} to {kind}");
        }
        let asked: Vec<_> =
            records.iter().filter(|record| record.field("event_type") == "tool.requested").collect();
        assert_eq!(asked.len(), 4, "{path} to {kind}");
        for record in asked {
            let withheld = record.field("resource") == format!("tool:{GATED}");
            assert_eq!(record.metadata("withheld") == true, withheld, "{path} to {kind}: {}", record.text);
        }
        assert!(records.iter().all(|record| !record.text.contains(SECRET)), "{path} to {kind}");
        assert_eq!(tenant.budget().open_holds, 0);
    });
}

#[test]
fn an_answer_without_another_call_ends_its_turn() {
    in_every_way(|path, kind| {
        let tenant = Tenant::of_kind(kind, &[]);
        put_gate(&tenant, &gate("withhold"));
        tenant.channel.tell(&json!({"tool_calls": [{"name": GATED, "arguments": {"to": SECRET}}]}));
        for stream in [false, true] {
            let answer = ask(&tenant, path, stream);
            let ends = match path {
                CHAT => "stop",
                RESPONSES => "completed",
                _ => "end_turn",
            };
            assert_eq!(end(path, &answer, stream), ends, "{path} to {kind}: {}", answer.body);
            assert_eq!(called(path, &answer, stream), [""; 0], "{path} to {kind}: {}", answer.body);
        }
    });
}

#[test]
fn a_marked_call_stays_and_is_told_of() {
    in_every_way(|path, kind| {
        let tenant = Tenant::of_kind(kind, &[]);
        asks_for_both(&tenant);
        for answers in ["", "leave", "mark"] {
            if !answers.is_empty() {
                put_gate(&tenant, &gate(answers));
            }
            for stream in [false, true] {
                let at = format!("{path} to {kind}, {answers}, streamed: {stream}");
                let answer = ask(&tenant, path, stream);
                assert_eq!(called(path, &answer, stream), [GATED, FREE], "{at}: {}", answer.body);
                let told = if stream {
                    answer.body.contains(&format!(": {HEADER}: {GATED}\n"))
                } else {
                    answer.header(HEADER) == Some(GATED)
                };
                assert_eq!(told, answers == "mark", "{at}: {answer:?}");
                assert!(!answer.body.contains(PLACE), "{at}");
            }
        }
        let records = tenant.records(24);
        let marked =
            outcomes(&records).iter().filter(|record| record.metadata("tool_calls_marked") == 1).count();
        assert_eq!(marked, 2, "{path} to {kind}");
    });
}

#[test]
fn a_gate_that_does_not_read_withholds_every_call() {
    let tenant = Tenant::of_kind("openai", &[]);
    for document in ["{\"v\": 2}", "no document"] {
        put_gate(&tenant, document);
        asks_for_both(&tenant);
        for stream in [false, true] {
            let answer = ask(&tenant, CHAT, stream);
            assert_eq!(called(CHAT, &answer, stream), [""; 0], "{document}: {}", answer.body);
            assert_eq!(end(CHAT, &answer, stream), "stop", "{document}");
        }
    }
    for outcome in outcomes(&tenant.records(16)) {
        assert_eq!(outcome.metadata("tool_calls_withheld"), 2);
        assert_eq!(outcome.metadata("gate_unreadable"), true);
    }
}

#[test]
fn a_name_in_pieces_is_judged_whole() {
    let tenant = Tenant::of_kind("compatible", &[]);
    put_gate(&tenant, &gate("withhold"));
    let chunk = |delta: Value, finish: Value| {
        json!({"id": "c1", "object": "chat.completion.chunk", "created": 5, "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
    };
    let part = |part: Value| chunk(json!({ "tool_calls": [part] }), Value::Null);
    let events = json!([
        chunk(json!({"role": "assistant", "content": null}), Value::Null),
        part(
            json!({"index": 0, "id": "a", "type": "function", "function": {"name": "crm_", "arguments": ""}})
        ),
        part(json!({"index": 0, "function": {"name": "read"}})),
        part(
            json!({"index": 1, "id": "b", "type": "function", "function": {"name": "pay", "arguments": ""}})
        ),
        part(json!({"index": 0, "function": {"arguments": "{\"to\":"}})),
        part(json!({"index": 1, "function": {"name": "ments_send"}})),
        part(json!({"index": 1, "function": {"arguments": json!({"to": SECRET}).to_string()}})),
        part(json!({"index": 0, "function": {"arguments": "\"all\"}"}})),
        chunk(json!({}), json!("tool_calls")),
        "[DONE]",
    ]);
    tenant.channel.tell(&json!({ "raw_events": events }));
    let answer = ask(&tenant, CHAT, true);
    assert_eq!(called(CHAT, &answer, true), [FREE], "{}", answer.body);
    assert!(!answer.all_text().contains(SECRET), "{}", answer.body);
    assert_eq!(end(CHAT, &answer, true), "tool_calls");
    assert_eq!(outcomes(&tenant.records(4))[0].metadata("tool_calls_withheld"), 1);
}
