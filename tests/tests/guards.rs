//! The guards of every dialect beside redaction: what cannot be inspected, forbidden tools, records of tools, what
//! callers assert, and where values may come back.
#![cfg(test)]

use std::sync::OnceLock;

use countersign_tests::support::records::Record;
use countersign_tests::support::{Answer, Function, Request, Tenant, planted};
use serde_json::{Value, json};

const EMAIL: &str = planted::PERSONAL[4].1;

fn gateway() -> &'static Function {
    static GATEWAY: OnceLock<Function> = OnceLock::new();
    GATEWAY.get_or_init(|| Function::gateway("gateway", 2, &[]))
}

const CHAT: &str = "/v1/chat/completions";
const RESPONSES: &str = "/v1/responses";
const MESSAGES: &str = "/v1/messages";

/// The kind whose own dialect a path is.
fn own_kind(path: &str) -> &'static str {
    if path.starts_with(MESSAGES) { "anthropic" } else { "openai" }
}

fn request(tenant: &Tenant, path: &str, body: &Value) -> Request {
    tenant.ask(gateway().url(path), body)
}

fn send(tenant: &Tenant, path: &str, body: &Value) -> Answer {
    request(tenant, path, body).send()
}

/// The least that each dialect takes, with one field set.
fn with(path: &str, field: &str, value: Value) -> Value {
    let messages = json!([{"role": "user", "content": "hello"}]);
    let mut body = match path {
        RESPONSES => json!({"model": "gpt-4o-mini", "store": false, "input": "hello"}),
        "/v1/embeddings" => json!({"model": "text-embedding-3-small", "input": "hello"}),
        "/v1/messages/count_tokens" => json!({"model": "gpt-4o-mini", "messages": messages}),
        MESSAGES => json!({"model": "gpt-4o-mini", "max_tokens": 64, "messages": messages}),
        _ => json!({"model": "gpt-4o-mini", "messages": messages}),
    };
    body[field] = value;
    body
}

fn parts(field: &str, parts: &Value) -> (String, Value) {
    (field.to_owned(), json!([{"role": "user", "content": parts}]))
}

/// What no control can read, by dialect: the permits that let it pass, and where it stands.
fn uninspectable() -> Vec<(&'static str, &'static str, String, Value)> {
    let data = "data:image/png;base64,AAAA";
    let block = |source: Value| json!([{"type": "image", "source": source}]);
    let base64 = json!({"type": "base64", "media_type": "image/png", "data": "AAAA"});
    let at = |path, permit, (field, value): (String, Value)| (path, permit, field, value);
    let field = |path, permit, field: &str, value| (path, permit, field.to_owned(), value);
    vec![
        at(CHAT, "images", parts("messages", &json!([{"type": "image_url", "image_url": {"url": data}}]))),
        at(
            CHAT,
            "images,remote_urls",
            parts(
                "messages",
                &json!([{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]),
            ),
        ),
        at(
            CHAT,
            "audio",
            parts(
                "messages",
                &json!([{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}]),
            ),
        ),
        at(CHAT, "files", parts("messages", &json!([{"type": "file", "file": {"file_id": "file-1"}}]))),
        field(CHAT, "stored", "store", json!(true)),
        field(CHAT, "hosted_tools", "web_search_options", json!({})),
        at(RESPONSES, "images", parts("input", &json!([{"type": "input_image", "image_url": data}]))),
        at(
            RESPONSES,
            "files",
            parts("input", &json!([{"type": "input_file", "filename": "a.pdf", "file_data": "AAAA"}])),
        ),
        field(RESPONSES, "stored", "previous_response_id", json!("resp_1")),
        field(RESPONSES, "stored", "store", json!(true)),
        field(RESPONSES, "hosted_tools", "tools", json!([{"type": "web_search"}])),
        at(MESSAGES, "images", parts("messages", &block(base64.clone()))),
        at(
            MESSAGES,
            "images,remote_urls",
            parts("messages", &block(json!({"type": "url", "url": "https://example.com/a.png"}))),
        ),
        at(MESSAGES, "images,files", parts("messages", &block(json!({"type": "file", "file_id": "file_1"})))),
        at(MESSAGES, "files", parts("messages", &json!([{"type": "document", "source": base64}]))),
        field(
            MESSAGES,
            "hosted_tools",
            "tools",
            json!([{"type": "web_search_20250305", "name": "web_search"}]),
        ),
        field(
            "/v1/messages/count_tokens",
            "images",
            "messages",
            json!([{"role": "user", "content": block(
            json!({"type": "base64", "media_type": "image/png", "data": "AAAA"}))}]),
        ),
    ]
}

#[test]
fn what_cannot_be_inspected_passes_only_where_policy_permits_its_kind() {
    for kind in ["openai", "anthropic"] {
        let mine: Vec<_> = uninspectable().into_iter().filter(|(path, ..)| own_kind(path) == kind).collect();
        let strict = Tenant::of_kind(kind, &[]);
        for (path, permit, field, value) in &mine {
            let answer = send(&strict, path, &with(path, field, value.clone()));
            assert_eq!(answer.status, 403, "{path} {field} {value}: {answer:?}");
            let error = &answer.json()["error"];
            assert_eq!(error["code"], "uninspectable", "{path} {field}");
            let message = error["message"].as_str().unwrap();
            let first = permit.split(',').next().unwrap();
            assert!(message.contains(first), "it names the permit {first}: {message}");
        }
        let records = strict.records(mine.len());
        assert!(records.iter().all(|record| record.says() == ["single", "deny", "uninspectable"]));
        assert!(strict.channel.received().is_empty());

        // Each of its permits is needed, and no other one is.
        for permits in [
            "images",
            "audio",
            "files",
            "remote_urls",
            "hosted_tools",
            "stored",
            "images,remote_urls",
            "images,files",
        ] {
            let tenant = Tenant::of_kind(kind, &["--permit", permits]);
            for (path, needed, field, value) in &mine {
                let answer = send(&tenant, path, &with(path, field, value.clone()));
                let passed = answer.json()["error"]["code"] != "uninspectable";
                let suffices = needed.split(',').all(|one| permits.split(',').any(|permit| permit == one));
                assert_eq!(passed, suffices, "{path} {field} {value} with {permits}: {answer:?}");
            }
        }
    }
}

#[test]
fn routes_that_keep_data_at_the_vendor_are_refused_by_name() {
    let tenant = Tenant::new();
    let paths = ["/v1/batches", "/v1/files", "/v1/assistants", "/v1/messages/batches", "/v1/vector_stores"];
    for path in paths {
        let answer = send(&tenant, path, &json!({}));
        assert_eq!(answer.status, 403, "{path}: {answer:?}");
        assert_eq!(answer.json()["error"]["code"], "route_uninspectable", "{path}");
    }
    assert_eq!(tenant.records(paths.len())[0].says(), ["single", "deny", "route_uninspectable"]);
}

/// A tool that is declared by the name given, in each dialect.
fn tool(path: &str, name: &str) -> Value {
    let schema = json!({"type": "object", "properties": {"to": {"type": "string"}}});
    match path {
        CHAT => json!([{"type": "function", "function": {"name": name, "parameters": schema}}]),
        RESPONSES => json!([{"type": "function", "name": name, "parameters": schema}]),
        _ => json!([{"name": name, "input_schema": schema}]),
    }
}

#[test]
fn a_forbidden_tool_is_refused_when_declared_and_when_the_model_asks_for_it() {
    for path in [CHAT, RESPONSES, MESSAGES] {
        let tenant = Tenant::of_kind(own_kind(path), &["--forbid-tools", "delete_all,drop_table"]);
        let declared = send(&tenant, path, &with(path, "tools", tool(path, "drop_table")));
        assert_eq!(
            (declared.status, declared.json()["error"]["code"].as_str()),
            (403, Some("tool_forbidden"))
        );
        assert_eq!(tenant.records(1)[0].says(), ["single", "deny", "tool_forbidden"], "{path}");
        assert!(tenant.channel.received().is_empty());

        // A model can ask for what nobody declared.
        tenant.channel.tell(&json!({"tool_calls": [{"name": "delete_all", "arguments": {"to": "x"}}]}));
        let body = with(path, "tools", tool(path, "send_note"));
        let whole = send(&tenant, path, &body);
        assert_eq!(whole.json()["error"]["code"], "tool_forbidden", "{path}: {whole:?}");
        let mut streamed = body;
        streamed["stream"] = json!(true);
        let streamed = send(&tenant, path, &streamed);
        assert_eq!(streamed.events().last().unwrap()["error"]["code"], "tool_forbidden", "{path}");
        for answer in [&whole, &streamed] {
            assert!(!answer.body.contains("delete_all"), "{path}: {}", answer.body);
        }
        let records = tenant.records(5);
        let refused = records.iter().filter(|record| record.says()[2] == "tool_forbidden").count();
        assert_eq!(refused, 3, "{path}: {records:?}");
        assert_eq!(tenant.budget().open_holds, 0);
    }
}

fn of_type<'r>(records: &'r [Record], name: &str) -> Vec<&'r Record> {
    records.iter().filter(|record| record.field("event_type") == name).collect()
}

/// A call with a result of the tool that an earlier answer asked for.
fn with_result(path: &str, call: &str, result: &str) -> Value {
    let arguments = json!({"to": "x"});
    let history = match path {
        CHAT => json!([
            {"role": "user", "content": "go"},
            {"role": "assistant", "tool_calls": [{"id": call, "type": "function",
                "function": {"name": "send_note", "arguments": arguments.to_string()}}]},
            {"role": "tool", "tool_call_id": call, "content": result},
        ]),
        RESPONSES => json!([
            {"role": "user", "content": "go"},
            {"type": "function_call", "call_id": call, "name": "send_note", "arguments": arguments.to_string()},
            {"type": "function_call_output", "call_id": call, "output": result},
        ]),
        _ => json!([
            {"role": "user", "content": "go"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": call, "name": "send_note", "input": arguments}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call, "content": result}]},
        ]),
    };
    let mut body = with(path, if path == RESPONSES { "input" } else { "messages" }, history);
    body["tools"] = tool(path, "send_note");
    body
}

/// The id of the first call in a whole answer.
fn call_id(path: &str, answer: &Answer) -> String {
    let json = answer.json();
    let items = |field: &str| json[field].as_array().cloned().unwrap_or_default();
    let found = match path {
        CHAT => json["choices"][0]["message"]["tool_calls"][0]["id"].clone(),
        RESPONSES => {
            items("output").iter().find(|item| item["type"] == "function_call").unwrap()["call_id"].clone()
        }
        _ => items("content").iter().find(|block| block["type"] == "tool_use").unwrap()["id"].clone(),
    };
    found.as_str().unwrap().to_owned()
}

#[test]
fn tools_are_recorded_by_name_with_commitments_and_paired_by_their_call() {
    for path in [CHAT, RESPONSES, MESSAGES] {
        let tenant = Tenant::of_kind(own_kind(path), &[]);
        tenant.channel.tell(&json!({"tool_calls": [{"name": "send_note", "arguments": {"to": "x"}}]}));
        let mut asked = with(path, "tools", tool(path, "send_note"));
        let whole = send(&tenant, path, &asked);
        let call = call_id(path, &whole);
        asked["stream"] = json!(true);
        send(&tenant, path, &asked);
        let returned = send(&tenant, path, &with_result(path, &call, EMAIL));
        assert_eq!(returned.status, 200, "{path}: {returned:?}");

        let records = tenant.records(9);
        let (asked, back) = (of_type(&records, "tool.requested"), of_type(&records, "tool.returned"));
        assert_eq!((asked.len(), back.len()), (2, 1), "{path}");
        for record in asked.iter().chain(&back) {
            assert_eq!(record.field("resource"), "tool:send_note", "{path}: {}", record.text);
            assert_eq!(record.says(), ["single", "allow", "allowed"], "{path}");
            assert_eq!(planted::leaked(&record.text), [""; 0], "{path}");
            assert!(!record.text.contains(&call), "{path}: {}", record.text);
        }
        // Commitments are keyed per action: equal arguments of two actions do not show as equal.
        let commitments: Vec<_> = asked.iter().map(|record| record.field("request_commitment")).collect();
        assert!(
            commitments.iter().all(|text| !text.is_empty()) && commitments[0] != commitments[1],
            "{path}"
        );
        assert!(!back[0].field("response_commitment").is_empty(), "{path}");
        let of_whole = asked.iter().find(|record| record.field("action_id") == whole.action()).unwrap();
        assert_eq!(
            of_whole.metadata("tool_call"),
            back[0].metadata("tool_call"),
            "{path}: a call and its result"
        );
        // The result is on record before the model sees it.
        assert_eq!(back[0].field("action_id"), returned.action());
    }
}

#[test]
fn what_a_caller_asserts_is_recorded_as_asserted_and_only_as_digests() {
    let tenant = Tenant::new();
    let mut actions = Vec::new();
    for _ in 0..2 {
        let answer = request(&tenant, CHAT, &with(CHAT, "n", json!(1)))
            .with("x-cs-subject", format!("{EMAIL}, customer-7"))
            .with("x-cs-purpose", "support.refund")
            .with("x-cs-conversation", "thread of Noa Golan")
            .with("x-cs-on-behalf-of", EMAIL)
            .send();
        assert_eq!(answer.status, 200, "{answer:?}");
        actions.push(answer.action());
    }
    let records = tenant.records(4);
    for record in &records {
        assert_eq!(record.field("purpose"), "support.refund");
        assert_eq!(record.at("subject_refs").as_array().map(Vec::len), Some(2));
        assert!(!record.field("conversation_id").is_empty());
        assert!(!record.at("on_behalf_of").is_null(), "{}", record.text);
        // Nothing shorter: ids and sealed values are letters in which three of them come by chance.
        for word in [EMAIL, "noa.", "Noa Golan", "Golan", "customer-7"] {
            assert!(!record.text.contains(word), "{word}: {}", record.text);
        }
        // One person is the same in all of the tenant's records, so that an auditor can ask for all of them.
        assert_eq!(record.at("subject_refs"), records[0].at("subject_refs"));
    }
    for upstream in tenant.channel.received() {
        assert!(!upstream.to_string().contains("x-cs-"), "nothing of it goes to the provider: {upstream}");
    }
    let malformed =
        request(&tenant, CHAT, &with(CHAT, "n", json!(1))).with("x-cs-purpose", "Free text").send();
    assert_eq!((malformed.status, &malformed.json()["error"]["param"]), (400, &json!("x-cs-purpose")));
}

/// The echo of a prompt that puts the value where it could travel on.
#[test]
fn values_come_back_in_text_and_not_in_links_or_arguments_unless_policy_says_so() {
    let said = format!(
        "[see](https://example.com/?q={EMAIL}) ![x](https://example.com/{EMAIL}.png) plainly {EMAIL}"
    );
    for (path, stream) in [(CHAT, false), (CHAT, true), (MESSAGES, true), (RESPONSES, true)] {
        for (policy, count) in [(&[][..], 1), (&["--restore", "text,links"], 3), (&["--no-restore"], 0)] {
            let tenant = Tenant::of_kind(own_kind(path), policy);
            tenant.channel.tell(&json!({ "chunk_chars": 200 }));
            let field = if path == RESPONSES { "input" } else { "messages" };
            let mut body = with(path, field, json!([{"role": "user", "content": said}]));
            body["stream"] = json!(stream);
            let answer = send(&tenant, path, &body);
            assert_eq!(answer.status, 200, "{answer:?}");
            let text = if stream {
                let events = answer.events();
                let delta = |event: &Value| {
                    let found =
                        [&event["choices"][0]["delta"]["content"], &event["delta"]["text"], &event["delta"]];
                    found.into_iter().find_map(Value::as_str).map(str::to_owned)
                };
                events.iter().filter_map(delta).collect::<String>()
            } else {
                answer.content()
            };
            assert_eq!(text.matches(EMAIL).count(), count, "{path} {stream} {policy:?}: {text}");
        }
    }
    for (policy, restored) in [(&[][..], false), (&["--restore", "text,tool_arguments"], true)] {
        let tenant = Tenant::of_kind("openai", policy);
        let mut body = with(CHAT, "messages", json!([{"role": "user", "content": format!("call {EMAIL}")}]));
        body["tools"] = tool(CHAT, "send_note");
        let answer = send(&tenant, CHAT, &body);
        assert_eq!(answer.body.contains(EMAIL), restored, "{policy:?}: {}", answer.body);
    }
}

#[test]
fn what_looks_like_a_placeholder_is_never_taken_for_one() {
    let tenant = Tenant::new();
    let first = send(&tenant, CHAT, &with(CHAT, "messages", json!([{"role": "user", "content": EMAIL}])));
    let upstream = tenant.channel.received().remove(0)["body"].as_str().unwrap().to_owned();
    let (_, rest) = upstream.split_once("[EMAIL_1_").unwrap();
    let placeholder = &format!("[EMAIL_1_{}]", rest.split_once(']').unwrap().0);
    assert!(!first.body.contains(placeholder));
    // The same text in another call is that text and no value, both for the model and on the way back.
    let content = format!("{placeholder} and [EMAIL_1_0000000000]");
    let answer = send(&tenant, CHAT, &with(CHAT, "messages", json!([{"role": "user", "content": content}])));
    assert!(answer.content().contains(&content), "{answer:?}");
    assert!(!answer.body.contains(EMAIL), "{answer:?}");
}

/// A model can say what nobody told it; a policy may have that redacted too.
#[test]
fn what_a_model_makes_up_is_redacted_where_policy_says_so() {
    for (path, stream) in
        [(CHAT, false), (CHAT, true), (MESSAGES, false), (MESSAGES, true), (RESPONSES, true)]
    {
        let tenant = Tenant::of_kind(own_kind(path), &["--redact-answers"]);
        let said = planted::prompt();
        tenant.channel.tell(&json!({ "content": said, "chunk_chars": 4 }));
        let mut body = with(
            path,
            if path == RESPONSES { "input" } else { "messages" },
            json!([{"role": "user", "content": format!("my address is {EMAIL}")}]),
        );
        body["stream"] = json!(stream);
        let answer = send(&tenant, path, &body);
        assert_eq!(answer.status, 200, "{answer:?}");
        // The caller's own value is its own; the rest is not.
        assert!(
            planted::leaked(&answer.body).iter().all(|name| *name == "e-mail"),
            "{path} {stream}: {}",
            answer.body
        );
        assert!(answer.body.contains("repeat") || stream, "{path}: {}", answer.body);
    }
}
