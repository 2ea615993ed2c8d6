//! The answer to a chat completion, in OpenAI's shape or as the channel was told.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use http_body_util::combinators::BoxBody;
use hyper::body::Frame;
use hyper::header::{CONTENT_LENGTH, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use super::behaviour::{Behaviour, Usage};
use super::{bytes_response, problem};

/// Bodies may end early on purpose.
pub(super) type Body = BoxBody<Bytes, Dropped>;

/// Not a real time: answers that differ only in their id are easier to compare.
const CREATED: u64 = 1_760_000_000;

/// The connection is closed on purpose.
#[derive(Debug)]
pub(super) struct Dropped;

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("connection dropped on purpose")
    }
}

impl std::error::Error for Dropped {}

/// The answer to `POST /v1/chat/completions`.
pub(super) fn chat(request: &Bytes, behaviour: &Behaviour) -> Result<Response<Body>, Dropped> {
    if behaviour.drop {
        return Err(Dropped);
    }
    let status = behaviour.status.map_or(Ok(StatusCode::OK), StatusCode::from_u16);
    let Ok(status) = status else {
        return Ok(problem(StatusCode::BAD_REQUEST, "the channel was told a status that is none"));
    };
    let response = match (&behaviour.body, serde_json::from_slice::<Value>(request)) {
        (Some(body), _) => bytes_response(status, Bytes::from(body.clone())),
        (None, _) if status.as_u16() >= 400 => problem(status, "the stand-in was told to fail"),
        (None, Ok(request)) => completion(status, &request, behaviour),
        (None, Err(_)) => problem(StatusCode::BAD_REQUEST, "the body is not JSON"),
    };
    Ok(finish(response, behaviour))
}

fn completion(status: StatusCode, request: &Value, behaviour: &Behaviour) -> Response<Body> {
    let Some(messages) = request.get("messages").and_then(Value::as_array) else {
        return problem(StatusCode::BAD_REQUEST, "`messages` is missing");
    };
    if request.get("stream") == Some(&Value::Bool(true)) {
        return problem(StatusCode::BAD_REQUEST, "the stand-in does not stream yet");
    }
    let whole =
        behaviour.content.clone().unwrap_or_else(|| format!("You said: {}", last_user_text(messages)));
    let (content, finish_reason) = clamp(whole, max_tokens(request));
    let counted = Usage {
        prompt_tokens: messages.iter().map(|message| words(&text(message))).sum(),
        completion_tokens: words(&content),
    };
    let message = json!({ "role": "assistant", "content": content, "refusal": null });
    let mut answer = json!({
        "id": next_id("chatcmpl-standin-"),
        "object": "chat.completion",
        "created": CREATED,
        "model": request.get("model").cloned().unwrap_or(Value::Null),
        "choices": [{ "index": 0, "message": message, "finish_reason": finish_reason, "logprobs": null }],
    });
    if let (Some(usage), Some(fields)) = (behaviour.usage.unwrap_or(Some(counted)), answer.as_object_mut()) {
        fields.insert("usage".to_owned(), usage_json(usage));
    }
    bytes_response(status, Bytes::from(answer.to_string()))
}

fn usage_json(usage: Usage) -> Value {
    let total = usage.prompt_tokens.saturating_add(usage.completion_tokens);
    json!({ "prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens, "total_tokens": total })
}

fn last_user_text(messages: &[Value]) -> String {
    let user = |message: &&Value| message.get("role").and_then(Value::as_str) == Some("user");
    messages.iter().rev().find(user).map(text).unwrap_or_default()
}

/// The text of one message: a string, or its parts of type `text`.
fn text(message: &Value) -> String {
    match message.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let texts = parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str));
            texts.collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

/// One token a word: wrong for a model, exact for a test.
fn words(text: &str) -> u64 {
    u64::try_from(text.split_whitespace().count()).unwrap_or(u64::MAX)
}

fn max_tokens(request: &Value) -> Option<u64> {
    ["max_completion_tokens", "max_tokens"].iter().find_map(|name| request.get(name).and_then(Value::as_u64))
}

/// Stops at the asked maximum as a model would, so that usage stays inside what the caller held for it.
fn clamp(text: String, max: Option<u64>) -> (String, &'static str) {
    match max {
        Some(max) if words(&text) > max => {
            let max = usize::try_from(max).unwrap_or(usize::MAX);
            (text.split_whitespace().take(max).collect::<Vec<_>>().join(" "), "length")
        }
        _ => (text, "stop"),
    }
}

fn next_id(prefix: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("{prefix}{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

fn finish(mut response: Response<Body>, behaviour: &Behaviour) -> Response<Body> {
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&next_id("req_standin_")) {
        headers.insert("x-request-id", id);
    }
    for (name, value) in &behaviour.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
    if behaviour.truncate { truncated(response) } else { response }
}

/// The promised length stays whole; half of it is sent before the connection closes.
fn truncated(response: Response<Body>) -> Response<Body> {
    let (mut head, body) = response.into_parts();
    let length = hyper::body::Body::size_hint(&body).exact().unwrap_or(0);
    head.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    let half = usize::try_from(length / 2).unwrap_or(0);
    Response::from_parts(head, Half { body, left: half, flushed: false }.boxed())
}

/// The first `left` bytes of `body`, then an error.
struct Half {
    body: Body,
    left: usize,
    flushed: bool,
}

impl hyper::body::Body for Half {
    type Data = Bytes;
    type Error = Dropped;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Dropped>>> {
        if self.left > 0 {
            let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(cx));
            let data =
                frame.and_then(Result::ok).and_then(|frame| frame.into_data().ok()).unwrap_or_default();
            let data = data.slice(..data.len().min(self.left));
            self.left = if data.is_empty() { 0 } else { self.left - data.len() };
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        if !self.flushed {
            // One more turn: hyper writes what it has when a body is not ready, and drops it on an error.
            self.flushed = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(Dropped)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn answer(request: Value, behaviour: &Behaviour) -> Value {
        let response = chat(&Bytes::from(request.to_string()), behaviour).unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice(&body).unwrap()
    }

    fn request() -> Value {
        json!({ "model": "m", "messages": [
            { "role": "system", "content": "be brief" },
            { "role": "user", "content": [{ "type": "text", "text": "one two" }] },
            { "role": "assistant", "content": "three" },
        ]})
    }

    #[tokio::test]
    async fn echoes_the_last_user_message_and_counts_words() {
        let answer = answer(request(), &Behaviour::default()).await;
        assert_eq!(answer["choices"][0]["message"]["content"], "You said: one two");
        assert_eq!(answer["usage"], json!({ "prompt_tokens": 5, "completion_tokens": 4, "total_tokens": 9 }));
        assert_eq!((&answer["object"], &answer["model"]), (&json!("chat.completion"), &json!("m")));
    }

    #[tokio::test]
    async fn stops_at_the_asked_maximum() {
        let mut request = request();
        request["max_tokens"] = json!(2);
        let answer = answer(request, &Behaviour::default()).await;
        assert_eq!(answer["choices"][0]["message"]["content"], "You said:");
        assert_eq!(answer["choices"][0]["finish_reason"], "length");
    }

    #[tokio::test]
    async fn usage_can_be_left_out_and_status_set() {
        let told = Behaviour { usage: Some(None), ..Behaviour::default() };
        assert!(answer(request(), &told).await.get("usage").is_none());
        let told = Behaviour { status: Some(503), ..Behaviour::default() };
        assert_eq!(answer(request(), &told).await["error"]["type"], "server_error");
    }
}
