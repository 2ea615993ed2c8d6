//! What the platform is given back: status, headers, and a body that is whole or arrives in pieces.

use std::collections::BTreeMap;
use std::pin::Pin;

use bytes::Bytes;
use domain::{ActionId, Reason};
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt as _, stream};
use lambda_runtime::{Error, StreamResponse};
use serde_json::{Value, json};

use crate::breaker::Failed;
use crate::dialect::{Dialect, Vendor};
use crate::form::Fault;
use crate::refusal::{self, Row};
use crate::sse::Event;

/// The pieces of a body. It cannot fail: whatever goes wrong is told within it, in the dialect's own words.
pub type Body = Pin<Box<dyn Stream<Item = Bytes> + Send>>;

/// The same in the platform's terms.
pub type Pieces = BoxStream<'static, Result<Bytes, Error>>;

/// Names tools that a gate could stop: a header of whole answers, a comment in streams.
pub const GATED: &str = "x-cs-gated-tools";

/// An answer to one ingress event.
pub struct Response {
    status: u16,
    headers: BTreeMap<&'static str, String>,
    body: Body,
    /// Set when nothing was done, and another provider may be tried before this is the answer.
    failed: Option<Failed>,
}

impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Response").field("status", &self.status).finish_non_exhaustive()
    }
}

impl Response {
    fn new(status: u16, content_type: &str, body: Body) -> Self {
        let headers = BTreeMap::from([
            ("content-type", content_type.to_owned()),
            ("cache-control", "no-store".to_owned()),
        ]);
        Self { status, headers, body, failed: None }
    }

    fn json(status: u16, body: &Value) -> Self {
        let body = Bytes::from(body.to_string());
        Self::new(status, "application/json", stream::iter([body]).boxed())
    }

    pub fn health() -> Self {
        Self::json(200, &json!({"status": "ok"}))
    }

    /// The list of models, in a shape that both vendors' clients read.
    pub fn models<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let model = |name: &str| {
            json!({"id": name, "object": "model", "created": 0, "owned_by": "countersign",
                "type": "model", "display_name": name, "created_at": "1970-01-01T00:00:00Z"})
        };
        let data: Vec<_> = names.map(model).collect();
        let end = |model: Option<&Value>| model.and_then(|model| model.get("id")).cloned();
        let (first, last) = (end(data.first()), end(data.last()));
        let list =
            json!({"object": "list", "data": data, "has_more": false, "first_id": first, "last_id": last});
        Self::json(200, &list)
    }

    /// The provider's answer, put before its caller.
    pub fn answer(body: &Value) -> Self {
        Self::json(200, body)
    }

    /// The provider's answer as it arrives.
    pub fn live(body: Body) -> Self {
        Self::new(200, "text/event-stream; charset=utf-8", body)
    }

    /// A refusal or a bad ending, in the shape of the caller's dialect.
    pub fn error(vendor: Vendor, refused: &Refused) -> Self {
        let row = refusal::row(refused.reason);
        let mut response = Self::json(row.status, &refused.body(vendor));
        // The SDKs of both vendors obey this header over their own rule, which retries every 429 and 5xx.
        response.headers.insert("x-should-retry", row.retry.to_string());
        if let Some(seconds) = refused.retry_after {
            response.headers.insert("retry-after", seconds.to_string());
        }
        if refused.reason == Reason::MethodNotAllowed {
            response.headers.insert("allow", "GET, POST".to_owned());
        }
        response
    }

    #[must_use]
    pub fn with_action(mut self, action: ActionId) -> Self {
        self.headers.insert("x-cs-action-id", action.to_string());
        self
    }

    #[must_use]
    pub fn or_next(self, failed: Option<Failed>) -> Self {
        Self { failed, ..self }
    }

    pub const fn failed(&self) -> Option<&Failed> {
        self.failed.as_ref()
    }

    /// Tells the caller which limit was sent upstream instead of its own.
    #[must_use]
    pub fn with_clamped(mut self, clamped: Option<&str>) -> Self {
        self.headers.extend(clamped.map(|clamped| ("x-cs-clamped", clamped.to_owned())));
        self
    }

    /// Tells the caller which of the tools that the model calls a gate could stop.
    #[must_use]
    pub fn with_gated(mut self, tools: Option<String>) -> Self {
        self.headers.extend(tools.map(|tools| (GATED, tools)));
        self
    }

    pub const fn status(&self) -> u16 {
        self.status
    }

    /// As the platform takes it.
    ///
    /// # Errors
    /// A header that is none: a fault of our own.
    pub fn into_stream(self) -> Result<StreamResponse<Pieces>, Error> {
        let (status, headers, body) = self.into_parts();
        let metadata_prelude = caller::prelude(status, headers)?;
        Ok(StreamResponse { metadata_prelude, stream: body.map(Ok).boxed() })
    }

    pub fn into_parts(self) -> (u16, BTreeMap<&'static str, String>, Body) {
        (self.status, self.headers, self.body)
    }
}

/// A refusal as the caller is told it. Holds field names, numbers and configured names, never text of the caller's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub reason: Reason,
    pub param: Option<String>,
    pub hint: Option<String>,
    pub retry_after: Option<u32>,
}

impl From<Reason> for Refused {
    fn from(reason: Reason) -> Self {
        Self { reason, param: None, hint: None, retry_after: None }
    }
}

impl From<Fault> for Refused {
    fn from(Fault { reason, param, hint }: Fault) -> Self {
        Self { reason, param, hint, retry_after: None }
    }
}

impl Refused {
    /// What is wrong and where, in one sentence.
    fn message(&self) -> String {
        let message = refusal::row(self.reason).message;
        let hint = self.hint.as_deref();
        hint.map_or_else(|| message.to_owned(), |hint| format!("{message} ({hint})"))
    }

    fn code(&self) -> &'static str {
        if refusal::row(self.reason).status == 401 { "invalid_api_key" } else { self.reason.as_str() }
    }

    /// OpenAI: `{"error": {message, type, param, code}}`. Anthropic: `{"type": "error", "error": {type, message, code}}`, where
    /// the place is part of the message.
    fn body(&self, vendor: Vendor) -> Value {
        let Row { status, kind, .. } = refusal::row(self.reason);
        match vendor {
            Vendor::OpenAi => {
                let error = json!({"message": self.message(), "type": kind, "param": self.param, "code": self.code()});
                json!({ "error": error })
            }
            Vendor::Anthropic => {
                let place = self.param.as_deref().map(|param| format!("{param}: ")).unwrap_or_default();
                let message = format!("{place}{}", self.message());
                json!({"type": "error", "error": {"type": anthropic_type(status), "message": message,
                    "code": self.code()}})
            }
        }
    }

    /// The event that ends a stream which went wrong; `number` is its place in a stream of Responses.
    pub fn event(&self, dialect: Dialect, number: u64) -> Event {
        let (name, data) = match dialect {
            Dialect::Messages | Dialect::CountTokens => (Some("error"), self.body(Vendor::Anthropic)),
            Dialect::Responses => (Some("error"), self.responses_event(number)),
            Dialect::Chat | Dialect::Embeddings => (None, self.body(Vendor::OpenAi)),
        };
        Event { name: name.map(str::to_owned), data: data.to_string() }
    }

    /// Flat, as OpenAI's API reference has it ("Streaming events", `error`), and nested, as OpenAI sends it: its SDK
    /// for Python takes only a nested one for an error.
    fn responses_event(&self, number: u64) -> Value {
        let mut data = self.body(Vendor::OpenAi);
        if let Some(fields) = data.as_object_mut() {
            fields.insert("type".to_owned(), "error".into());
            fields.insert("sequence_number".to_owned(), number.into());
            fields.insert("code".to_owned(), self.code().into());
            fields.insert("message".to_owned(), self.message().into());
            fields.insert("param".to_owned(), self.param.clone().into());
        }
        data
    }
}

/// Anthropic API reference, "Errors", read 2026-11.
const fn anthropic_type(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        400..=499 => "invalid_request_error",
        503 => "overloaded_error",
        504 => "timeout_error",
        _ => "api_error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[test]
    fn an_error_has_the_shape_of_its_dialect() {
        let refused = Refused { param: Some("tools[0]".to_owned()), ..Reason::ToolForbidden.into() };
        let openai = refused.body(Vendor::OpenAi);
        assert_eq!(openai["error"]["code"], "tool_forbidden");
        assert_eq!(openai["error"]["param"], "tools[0]");
        let anthropic = refused.body(Vendor::Anthropic);
        assert_eq!(
            (&anthropic["type"], &anthropic["error"]["type"]),
            (&json!("error"), &json!("permission_error"))
        );
        assert!(anthropic["error"]["message"].as_str().unwrap().starts_with("tools[0]: "));
        let event = |dialect| refused.event(dialect, 7);
        assert_eq!(event(Dialect::Chat).name, None);
        assert_eq!(event(Dialect::Messages).name.as_deref(), Some("error"));
        let data: Value = serde_json::from_str(&event(Dialect::Responses).data).unwrap();
        assert_eq!((&data["type"], &data["sequence_number"]), (&json!("error"), &json!(7)));
        for field in ["code", "message", "param"] {
            assert_eq!(data[field], data["error"][field], "flat and nested");
        }
    }

    fn whole(body: Body) -> Value {
        let bytes: Vec<u8> = body.collect::<Vec<_>>().now_or_never().unwrap().concat();
        serde_json::from_slice(&bytes).unwrap()
    }

    fn error(refused: &Refused) -> (u16, Value, BTreeMap<&'static str, String>) {
        let (status, headers, body) = Response::error(Vendor::OpenAi, refused).into_parts();
        (status, whole(body), headers)
    }

    #[test]
    fn errors_have_the_dialects_shape() {
        for (reason, status, kind, code, retry) in [
            (Reason::KeyMissing, 401, "authentication_error", "invalid_api_key", "false"),
            (Reason::KeyExpired, 401, "authentication_error", "invalid_api_key", "false"),
            (Reason::UnknownPath, 404, "invalid_request_error", "unknown_path", "false"),
            (Reason::MethodNotAllowed, 405, "invalid_request_error", "method_not_allowed", "false"),
            (Reason::BodyTooLarge, 413, "invalid_request_error", "body_too_large", "false"),
            (Reason::RoleForbids, 403, "permission_error", "role_forbids", "false"),
            (Reason::BudgetExceeded, 429, "insufficient_quota", "budget_exceeded", "false"),
            (Reason::FactsUnavailable, 503, "api_error", "facts_unavailable", "true"),
            (Reason::ProviderTimeout, 504, "api_error", "provider_timeout", "false"),
            (Reason::ProviderThrottled, 429, "api_error", "provider_throttled", "true"),
        ] {
            let (answered, body, headers) = error(&reason.into());
            assert_eq!(answered, status, "{reason}");
            let fields: Vec<_> = body["error"].as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(
                (fields, body.as_object().unwrap().len()),
                (vec!["message", "type", "param", "code"], 1)
            );
            assert_eq!(
                (&body["error"]["type"], &body["error"]["code"]),
                (&json!(kind), &json!(code)),
                "{reason}"
            );
            assert!(
                body["error"]["message"].as_str().is_some_and(|text| !text.is_empty())
                    && body["error"]["param"].is_null()
            );
            assert_eq!(headers["x-should-retry"], retry, "{reason}");
            assert_eq!(headers["content-type"], "application/json");
            assert_eq!(headers["cache-control"], "no-store");
            assert_eq!(headers.contains_key("allow"), status == 405, "{reason}");
            assert!(!headers.contains_key("retry-after"), "{reason}");
        }
    }

    #[test]
    fn an_error_names_its_place_and_when_to_try_again() {
        let refused = Refused {
            param: Some("messages[0].content".to_owned()),
            hint: Some("content is a string".to_owned()),
            retry_after: Some(17),
            ..Refused::from(Reason::InvalidField)
        };
        let (_, body, headers) = error(&refused);
        assert_eq!(body["error"]["param"], "messages[0].content");
        assert_eq!(body["error"]["message"], "a field is missing or malformed (content is a string)");
        assert_eq!(headers["retry-after"], "17");
        assert_eq!(error(&Reason::MethodNotAllowed.into()).2["allow"], "GET, POST");
    }

    #[test]
    fn answers_have_the_platforms_shape() {
        let action = ActionId::new(domain::Timestamp::from_unix_millis(0).unwrap(), [0; 10]);
        let response = Response::models(["a", "b"].into_iter())
            .with_action(action)
            .with_clamped(Some("max_completion_tokens=5"))
            .with_clamped(None);
        let (status, headers, body) = response.into_parts();
        assert_eq!((status, &headers["x-cs-action-id"]), (200, &action.to_string()));
        assert_eq!(headers["x-cs-clamped"], "max_completion_tokens=5");
        let body = whole(body);
        assert_eq!((&body["object"], &body["data"][1]["id"]), (&json!("list"), &json!("b")));
        assert_eq!((&body["first_id"], &body["last_id"]), (&json!("a"), &json!("b")));
        assert_eq!(Response::health().status(), 200);
    }
}
