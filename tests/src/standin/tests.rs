//! Over real connections, as a provider's caller sees it.

use std::future::poll_fn;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::task::Poll;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

struct Server(SocketAddr);

/// A read answer: its status, what arrived piece by piece, and whether it ended properly.
struct Read {
    status: u16,
    pieces: Vec<Bytes>,
    whole: bool,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(super::serve(listener));
        Self(address)
    }

    /// With the credentials of every kind of provider.
    async fn open(&self, method: Method, path: &str, body: String) -> hyper::Result<Response<Incoming>> {
        let headers = [
            ("anthropic-version", "2023-06-01"),
            ("authorization", "Bearer key"),
            ("x-api-key", "key"),
            ("api-key", "key"),
        ];
        self.ask(method, path, &headers, body).await
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> hyper::Result<Response<Incoming>> {
        let stream = TcpStream::connect(self.0).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(path).header("host", "standin");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        sender.send_request(request.body(Full::new(Bytes::from(body))).unwrap()).await
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Read {
        let response = self.open(method, path, body.to_string()).await.unwrap();
        let status = response.status().as_u16();
        let mut read = Read { status, pieces: Vec::new(), whole: true };
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => read.pieces.extend(frame.into_data().ok()),
                Err(_) => read.whole = false,
            }
        }
        read
    }

    async fn post(&self, path: &str, body: &Value) -> Read {
        self.send(Method::POST, path, body).await
    }

    async fn streams(&self) -> Value {
        self.send(Method::GET, "/_streams/c", &Value::Null).await.json()
    }

    /// Asks until the channel's streams are as they should be.
    async fn until(&self, expected: Value) {
        while self.streams().await != expected {
            tokio::task::yield_now().await;
        }
    }

    async fn tell(&self, behaviour: Value) {
        let read = self.send(Method::PUT, "/_control/c", &behaviour).await;
        assert_eq!(read.status, 200, "{}", read.text());
    }
}

/// Whether nothing has come yet.
async fn is_pending(future: impl Future) -> bool {
    let mut future = pin!(future);
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending())).await
}

impl Read {
    fn text(&self) -> String {
        String::from_utf8(self.pieces.concat()).unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }

    /// The data of each event; an event's name is its own `type`.
    fn events(&self) -> Vec<Value> {
        let text = self.text();
        let events = text.split_terminator("\n\n").map(|event| {
            let (name, data) = match event.strip_prefix("event: ") {
                Some(named) => named.split_once('\n').map(|(name, data)| (Some(name), data)).unwrap(),
                None => (None, event),
            };
            let data = data.strip_prefix("data: ").unwrap();
            let data: Value = serde_json::from_str(data).unwrap_or_else(|_| Value::from(data));
            let own = name.and_then(|_| data["type"].as_str());
            assert!(data.is_string() || name == own, "{event}");
            data
        });
        events.collect()
    }

    fn types(&self) -> Vec<String> {
        self.events().iter().map(|event| event["type"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

/// The texts at `pointer`, of all events that have one.
fn joined(events: &[Value], pointer: &str) -> String {
    events.iter().filter_map(|event| event.pointer(pointer).and_then(Value::as_str)).collect()
}

/// The same request in each dialect.
fn chat(text: &str, more: Value) -> Value {
    with(
        json!({ "model": "m", "messages": [{ "role": "system", "content": "be brief" }, { "role": "user", "content": text }] }),
        more,
    )
}

fn messages(text: &str, more: Value) -> Value {
    let messages = json!([{ "role": "user", "content": text }]);
    with(json!({ "model": "m", "max_tokens": 50, "system": "be brief", "messages": messages }), more)
}

fn responses(text: &str, more: Value) -> Value {
    with(json!({ "model": "m", "instructions": "be brief", "input": text }), more)
}

fn with(mut request: Value, more: Value) -> Value {
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    request
}

/// Path and a streaming request of each dialect.
fn each(text: &str) -> [(&'static str, Value); 3] {
    [
        ("/c/v1/chat/completions", chat(text, json!({ "stream": true }))),
        ("/c/v1/responses", responses(text, json!({ "stream": true }))),
        ("/c/v1/messages", messages(text, json!({ "stream": true }))),
    ]
}

#[tokio::test]
async fn every_dialect_echoes_whole_and_counts_words() {
    let server = Server::start().await;
    let answer = server.post("/c/v1/chat/completions", &chat("one two", json!({ "n": 2 }))).await.json();
    assert_eq!(answer["choices"][0]["message"]["content"], "You said: one two");
    assert_eq!(answer["choices"][1]["message"]["content"], "You said: one two [1]");
    assert_eq!(answer["choices"][1]["finish_reason"], "stop");
    assert_eq!(
        (&answer["usage"]["prompt_tokens"], &answer["usage"]["total_tokens"]),
        (&json!(4), &json!(13))
    );

    let answer = server.post("/c/v1/responses", &responses("one two", json!({}))).await.json();
    assert_eq!(answer["output"][0]["content"][0]["text"], "You said: one two");
    assert_eq!((&answer["status"], &answer["usage"]["output_tokens"]), (&json!("completed"), &json!(4)));

    let answer = server.post("/c/v1/messages", &messages("one two", json!({}))).await.json();
    assert_eq!(answer["content"], json!([{ "type": "text", "text": "You said: one two" }]));
    assert_eq!((&answer["stop_reason"], &answer["usage"]["input_tokens"]), (&json!("end_turn"), &json!(4)));
    let counted = server.post("/c/messages/count_tokens", &messages("one two", json!({}))).await.json();
    assert_eq!(counted, json!({ "input_tokens": 4 }));
}

#[tokio::test]
async fn the_asked_maximum_stops_every_dialect() {
    let server = Server::start().await;
    let answer = server.post("/c/v1/chat/completions", &chat("a b", json!({ "max_tokens": 2 }))).await.json();
    assert_eq!(answer["choices"][0]["message"]["content"], "You said:");
    assert_eq!(answer["choices"][0]["finish_reason"], "length");
    let answer =
        server.post("/c/v1/responses", &responses("a b", json!({ "max_output_tokens": 2 }))).await.json();
    assert_eq!(answer["incomplete_details"]["reason"], "max_output_tokens");
    let answer = server.post("/c/v1/messages", &messages("a b", json!({ "max_tokens": 2 }))).await.json();
    assert_eq!(answer["stop_reason"], "max_tokens");
}

#[tokio::test]
async fn a_chat_stream_has_its_parts_in_order() {
    let server = Server::start().await;
    let asked = json!({ "stream": true, "stream_options": { "include_usage": true }, "n": 2 });
    let events = server.post("/c/v1/chat/completions", &chat("one", asked)).await.events();
    assert_eq!(events.last(), Some(&Value::from("[DONE]")));
    let usage = &events[events.len() - 2];
    assert_eq!((&usage["choices"], &usage["usage"]["prompt_tokens"]), (&json!([]), &json!(3)));
    assert!(
        events[..events.len() - 2]
            .iter()
            .all(|event| event["usage"].is_null() && event.get("usage").is_some())
    );
    for index in 0..2 {
        let own: Vec<_> =
            events.iter().filter(|event| event["choices"][0]["index"] == index).cloned().collect();
        assert_eq!(own[0]["choices"][0]["delta"]["role"], "assistant");
        assert!(joined(&own, "/choices/0/delta/content").starts_with("You said: one"));
        assert!(own.iter().all(|event| {
            event["choices"][0]["delta"]["content"].as_str().is_none_or(|text| text.len() <= 3)
        }));
        assert_eq!(own.last().unwrap()["choices"][0]["finish_reason"], "stop");
    }
}

#[tokio::test]
async fn a_responses_stream_has_its_parts_in_order() {
    let server = Server::start().await;
    server.tell(json!({ "reasoning": "hm hm", "chunk_chars": 100 })).await;
    let read = server.post("/c/v1/responses", &responses("one", json!({ "stream": true }))).await;
    let part = [
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
    ];
    let text = ["content_part.added", "output_text.delta", "output_text.done", "content_part.done"];
    let mut expected = vec!["created", "in_progress", "output_item.added"];
    expected.extend(part);
    expected.extend(["output_item.done", "output_item.added"]);
    expected.extend(text);
    expected.extend(["output_item.done", "completed"]);
    assert_eq!(read.types(), expected.iter().map(|name| format!("response.{name}")).collect::<Vec<_>>());
    let events = read.events();
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], number);
    }
    let response = &events.last().unwrap()["response"];
    assert_eq!(response["output"][0]["summary"][0]["text"], "hm hm");
    assert_eq!(response["output"][1], events[13]["item"], "the same item, its id included");
    assert_eq!(response["usage"]["output_tokens_details"]["reasoning_tokens"], 2);
}

#[tokio::test]
async fn a_messages_stream_has_its_parts_in_order() {
    let server = Server::start().await;
    server.tell(json!({ "reasoning": "hm", "content": "yes", "tool_calls": [{ "name": "t", "arguments": { "a": 1 } }], "chunk_chars": 100 })).await;
    let read = server.post("/c/v1/messages", &messages("one", json!({ "stream": true }))).await;
    let (start, delta, stop) = ("content_block_start", "content_block_delta", "content_block_stop");
    let blocks = [start, "ping", delta, delta, stop, start, delta, stop, start, delta, delta, stop];
    let expected = [&["message_start"][..], &blocks, &["message_delta", "message_stop"]].concat();
    assert_eq!(read.types(), expected);
    let events = read.events();
    assert_eq!(joined(&events, "/delta/thinking"), "hm");
    assert!(!joined(&events, "/delta/signature").is_empty());
    assert_eq!(joined(&events, "/delta/text"), "yes");
    assert_eq!(joined(&events, "/delta/partial_json"), r#"{"a":1}"#);
    let end = &events[events.len() - 2];
    assert_eq!(
        (&end["delta"]["stop_reason"], &end["usage"]["output_tokens"]),
        (&json!("tool_use"), &json!(4))
    );
    assert_eq!(events[0]["message"]["usage"]["input_tokens"], 3);
}

#[tokio::test]
async fn tools_are_called_in_every_dialect_and_their_results_are_answered() {
    let server = Server::start().await;
    let schema = json!({ "type": "object", "properties": { "city": { "type": "string" } } });
    let nested = json!([{ "type": "function", "function": { "name": "weather", "parameters": schema } }]);
    let flat = json!([{ "type": "function", "name": "weather", "parameters": schema }]);
    let anthropic = json!([{ "name": "weather", "input_schema": schema }]);
    let (arguments, text) = (r#"{"city":"Oslo"}"#, "call Oslo");

    let asked = chat(text, json!({ "tools": nested, "stream": true }));
    let events = server.post("/c/v1/chat/completions", &asked).await.events();
    assert_eq!(joined(&events, "/choices/0/delta/tool_calls/0/function/name"), "weather");
    assert_eq!(joined(&events, "/choices/0/delta/tool_calls/0/function/arguments"), arguments);
    assert_eq!(joined(&events, "/choices/0/finish_reason"), "tool_calls");
    let mut turns = chat(text, json!({ "tools": nested }));
    let whole = server.post("/c/v1/chat/completions", &turns).await.json();
    assert_eq!(whole["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"], arguments);
    let result = json!({ "role": "tool", "tool_call_id": whole["choices"][0]["message"]["tool_calls"][0]["id"], "content": "rain" });
    turns["messages"].as_array_mut().unwrap().extend([whole["choices"][0]["message"].clone(), result]);
    let whole = server.post("/c/v1/chat/completions", &turns).await.json();
    assert_eq!(whole["choices"][0]["message"]["content"], "Tool said: rain");

    let asked = responses(text, json!({ "tools": flat, "stream": true }));
    let events = server.post("/c/v1/responses", &asked).await.events();
    assert_eq!(joined(&events, "/delta"), arguments);
    assert_eq!(events.last().unwrap()["response"]["output"][0]["name"], "weather");

    let whole = server.post("/c/v1/messages", &messages(text, json!({ "tools": anthropic }))).await.json();
    assert_eq!(whole["content"][0]["input"], json!({ "city": "Oslo" }));
}

#[tokio::test]
async fn usage_may_lie_or_be_missing_in_streams_too() {
    let server = Server::start().await;
    for (told, prompt) in [
        (json!({ "usage": { "prompt_tokens": 7, "completion_tokens": u64::MAX } }), Some(7)),
        (json!({ "usage": null }), None),
    ] {
        server.tell(told).await;
        let find = |events: &[Value], pointer: &str| {
            events.iter().rev().find_map(|event| event.pointer(pointer).and_then(Value::as_u64))
        };
        let include = json!({ "stream": true, "stream_options": { "include_usage": true } });
        let events = server.post("/c/v1/chat/completions", &chat("a", include)).await.events();
        assert_eq!(find(&events, "/usage/prompt_tokens"), prompt);
        let events =
            server.post("/c/v1/responses", &responses("a", json!({ "stream": true }))).await.events();
        assert_eq!(find(&events, "/response/usage/input_tokens"), prompt);
        let events = server.post("/c/v1/messages", &messages("a", json!({ "stream": true }))).await.events();
        assert_eq!(find(&events, "/message/usage/input_tokens"), prompt);
        assert_eq!(find(&events, "/usage/output_tokens"), prompt.map(|_| u64::MAX));
    }
}

#[tokio::test]
async fn usage_can_be_nonsense_wherever_a_dialect_reports_it() {
    let server = Server::start().await;
    let nonsense = json!({ "prompt_tokens": -5, "output_tokens": "many" });
    server.tell(json!({ "usage_raw": nonsense })).await;
    for (path, request) in &each("a") {
        let more = json!({ "stream_options": { "include_usage": true } });
        let events = server.post(path, &with(request.clone(), more)).await.events();
        let places = ["/usage", "/message/usage", "/response/usage"];
        let told: Vec<_> = events
            .iter()
            .flat_map(|event| places.iter().filter_map(|place| event.pointer(place)))
            .filter(|usage| !usage.is_null())
            .collect();
        assert!(!told.is_empty() && told.iter().all(|usage| **usage == nonsense), "{path}: {told:?}");
        let whole = server.post(path, &with(request.clone(), json!({ "stream": false }))).await.json();
        assert_eq!(whole["usage"], nonsense, "{path}");
    }
}

#[tokio::test]
async fn each_kind_of_provider_demands_its_credential() {
    let server = Server::start().await;
    let version = ("anthropic-version", "2023-06-01");
    for (path, headers, status) in [
        ("/c/v1/chat/completions", vec![("authorization", "Bearer k")], 200),
        ("/c/v1/chat/completions", vec![("authorization", "Basic k")], 401),
        ("/c/v1/chat/completions", vec![("api-key", "k")], 401),
        ("/c/v1/responses", vec![("x-api-key", "k"), version], 401),
        ("/c/openai/v1/chat/completions", vec![("api-key", "k")], 200),
        ("/c/openai/v1/chat/completions", vec![("authorization", "Bearer k")], 401),
        ("/c/v1/messages", vec![("x-api-key", "k"), version], 200),
        ("/c/v1/messages", vec![("x-api-key", "k")], 400),
        ("/c/v1/messages", vec![("authorization", "Bearer k"), ("anthropic-version", "2026-10-21")], 200),
        ("/c/v1/messages", vec![("x-api-key", "k"), ("anthropic-version", "2020-01-01")], 400),
        ("/c/v1/messages/count_tokens", vec![version], 401),
    ] {
        let body = chat("a", json!({ "input": "a" }));
        let body = if path.contains("messages") { messages("a", json!({})) } else { body };
        let response = server.ask(Method::POST, path, &headers, body.to_string()).await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{path} {headers:?}");
        if status != 200 {
            let body = response.into_body().collect().await.unwrap().to_bytes();
            let body: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body["type"] == "error", path.contains("messages"), "{path}: {body}");
            assert!(body["error"]["message"].is_string(), "{path}: {body}");
        }
    }
}

#[tokio::test]
async fn an_unknown_model_and_a_broken_history_are_refused_in_every_dialect() {
    let server = Server::start().await;
    for (path, request) in &each("a") {
        let read = server.post(path, &with(request.clone(), json!({ "model": "unknown-1" }))).await;
        assert_eq!(read.status, 404, "{path}");
        assert!(read.json()["error"]["message"].as_str().unwrap().contains("unknown-1"), "{path}");
    }
    let foreign = json!([{ "role": "assistant", "content": [{ "type": "thinking", "thinking": "a", "signature": "b" }] }]);
    let request = messages("a", json!({ "messages": foreign }));
    assert_eq!(server.post("/c/v1/messages", &request).await.status, 400);
    server.tell(json!({ "lenient": true })).await;
    assert_eq!(server.post("/c/v1/messages", &request).await.status, 200);
}

#[tokio::test]
async fn a_model_that_is_asked_to_reason_does_and_its_signature_holds() {
    let server = Server::start().await;
    let thinking = json!({ "thinking": { "type": "enabled", "budget_tokens": 1_024 }, "max_tokens": 2_000 });
    let mut request = messages("a", thinking);
    let whole = server.post("/c/v1/messages", &request).await.json();
    assert_eq!(whole["content"][0]["thinking"], "The user said: a");
    let turns = request["messages"].as_array_mut().unwrap();
    turns.push(json!({ "role": "assistant", "content": whole["content"] }));
    turns.push(json!({ "role": "user", "content": "b" }));
    assert_eq!(server.post("/c/v1/messages", &request).await.status, 200);
    request["messages"][1]["content"][0]["thinking"] = json!("The user said: b");
    assert_eq!(server.post("/c/v1/messages", &request).await.status, 400);
    let asked = responses("a", json!({ "reasoning": { "summary": "auto" } }));
    let whole = server.post("/c/v1/responses", &asked).await.json();
    assert_eq!(whole["output"][0]["summary"][0]["text"], "The user said: a");
}

#[tokio::test]
async fn deltas_are_padded_as_openai_pads_them_unless_told_otherwise() {
    let server = Server::start().await;
    for (path, request) in &each("abc")[..2] {
        let padded = |events: Vec<Value>| events.iter().any(|event| event.get("obfuscation").is_some());
        assert!(padded(server.post(path, request).await.events()), "{path}");
        let off = with(request.clone(), json!({ "stream_options": { "include_obfuscation": false } }));
        assert!(!padded(server.post(path, &off).await.events()), "{path}");
    }
}

#[tokio::test]
async fn errors_have_the_shape_of_their_dialect() {
    let server = Server::start().await;
    let dialects = each("a");
    server.tell(json!({ "status": 429 })).await;
    for (path, request) in &dialects {
        let read = server.post(path, request).await;
        assert_eq!(
            (read.status, read.json()["error"]["type"].as_str()),
            (429, Some("rate_limit_error")),
            "{path}"
        );
    }
    server.tell(json!({ "error_inside": true })).await;
    for (path, request) in &dialects {
        let read = server.post(path, request).await;
        assert_eq!((read.status, read.json()["error"].is_object()), (200, true), "{path}");
    }
    server.tell(json!({ "sse": "error_event", "sse_after": 2 })).await;
    for (path, request) in &dialects {
        let last = server.post(path, request).await.events().pop().unwrap();
        assert!(last.get("error").is_some() || last["type"] == "error", "{path}: {last}");
    }
    server.tell(json!({ "sse": "flat_error_event" })).await;
    let last = server.post(dialects[1].0, &dialects[1].1).await.events().pop().unwrap();
    assert_eq!((&last["code"], last.get("error")), (&json!("server_error"), None));
    server.tell(json!({ "sse": "failed" })).await;
    assert_eq!(server.post(dialects[1].0, &dialects[1].1).await.types().pop().unwrap(), "response.failed");
    server.tell(json!({})).await;
    let read = server.post("/c/v1/messages", &json!({ "messages": [] })).await;
    assert_eq!(
        (read.status, read.json()["error"]["message"].as_str()),
        (400, Some("max_tokens: Field required"))
    );
}

#[tokio::test]
async fn a_stream_can_break_in_every_way() {
    let server = Server::start().await;
    for (path, request) in &each("a") {
        server.tell(json!({ "sse": "truncate", "sse_after": 2 })).await;
        let read = server.post(path, request).await;
        assert!(!read.whole && !read.text().ends_with("\n\n"), "{path}");

        server.tell(json!({ "sse": "no_end", "sse_after": 2 })).await;
        let read = server.post(path, request).await;
        assert_eq!((read.whole, read.events().len()), (true, 2), "{path}");

        server.tell(json!({ "sse": "malformed", "sse_after": 1 })).await;
        assert!(server.post(path, request).await.events()[1].is_string(), "{path}");

        server.tell(json!({ "sse": "bad_utf8", "sse_after": 1 })).await;
        let read = server.post(path, request).await;
        assert!(read.whole && read.pieces.iter().any(|piece| std::str::from_utf8(piece).is_err()), "{path}");

        server.tell(json!({ "sse": "unseparated", "sse_after": 0 })).await;
        assert!(!server.post(path, request).await.text().contains("\n\n"), "{path}");
    }
}

#[tokio::test]
async fn a_stalled_stream_stays_open_and_silent() {
    let server = Server::start().await;
    for (path, request) in &each("a") {
        server.tell(json!({ "sse": "stall", "sse_after": 1 })).await;
        let mut body = server.open(Method::POST, path, request.to_string()).await.unwrap().into_body();
        body.frame().await.unwrap().unwrap();
        server.until(json!({ "sent": 1, "open": 1, "stalled": 1 })).await;
        assert!(is_pending(body.frame()).await, "{path}");
        drop(body);
        server.until(json!({ "sent": 1, "open": 0, "stalled": 0 })).await;
    }
}

#[tokio::test]
async fn characters_and_events_are_cut_by_writes() {
    let server = Server::start().await;
    for (path, request) in &each("a") {
        server.tell(json!({ "sse": "split_utf8", "content": "\u{e9}\u{1f600}" })).await;
        let read = server.post(path, request).await;
        assert!(read.pieces.iter().any(|piece| std::str::from_utf8(piece).is_err()), "{path}");
        assert!(read.text().contains("\u{e9}\u{1f600}"), "{path}");
    }
    server.tell(json!({ "write_bytes": 40, "content": "x" })).await;
    let (path, request) = &each("a")[0];
    let read = server.post(path, request).await;
    assert!(read.pieces.iter().all(|piece| piece.len() <= 40) && read.whole);
    assert_eq!(read.events().last(), Some(&Value::from("[DONE]")));
}

#[tokio::test]
async fn a_stepped_stream_waits_for_each_step() {
    let server = Server::start().await;
    server.tell(json!({ "stepped": true })).await;
    for (path, request) in &each("a") {
        let mut body = server.open(Method::POST, path, request.to_string()).await.unwrap().into_body();
        let before = server.streams().await["sent"].as_u64().unwrap();
        for step in 1..=3 {
            assert!(is_pending(body.frame()).await, "{path}: nothing before its step");
            assert_eq!(server.post("/_step/c", &json!(1)).await.status, 200);
            let data = body.frame().await.unwrap().unwrap().into_data().unwrap();
            assert!(data.ends_with(b"\n\n"), "{path}: a whole event");
            assert_eq!(server.streams().await["sent"], before + step, "{path}");
        }
        drop(body);
        server.until(json!({ "sent": before + 3, "open": 0, "stalled": 0 })).await;
    }
    assert_eq!(server.post("/_step/c", &json!("many")).await.status, 400);
}

#[tokio::test]
async fn given_events_are_replayed_and_other_bases_work() {
    let server = Server::start().await;
    server.tell(json!({ "raw_events": [{ "type": "novel.event", "deep": { "field": ["x"] } }] })).await;
    let events = server.post("/c/responses", &responses("a", json!({ "stream": true }))).await.events();
    assert_eq!(events, [json!({ "type": "novel.event", "deep": { "field": ["x"] } })]);
    server.tell(json!({})).await;
    let azure = "/c/openai/deployments/gpt/chat/completions?api-version=2024-10-21";
    assert_eq!(server.post(azure, &chat("a", json!({}))).await.status, 200);
    assert_eq!(server.post("/c/v1/embeddings", &json!({ "input": "a" })).await.json()["object"], "list");
    assert_eq!(server.send(Method::GET, "/c/v1/models", &Value::Null).await.status, 200);
    assert_eq!(server.post("/c/v1/files", &json!({})).await.status, 404);
    let received = server.send(Method::GET, "/_requests/c", &Value::Null).await.json();
    assert_eq!(received[1]["path"], azure);
}
