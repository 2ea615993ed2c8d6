//! The dialects a provider speaks, and the errors of each.

use bytes::Bytes;
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::answer::{Body, json_response};

/// Anthropic's: <https://platform.claude.com/docs/en/api/versioning>.
pub(super) const VERSIONS: [&str; 2] = ["2023-06-01", "2026-10-21"];
const AZURE_KEY: &str = "Access denied due to invalid subscription key or wrong API endpoint.";
const OPENAI_KEY: &str = "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).";

/// One operation of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// `POST chat/completions`.
    Chat,
    /// `POST responses`.
    Responses,
    /// `POST embeddings`.
    Embeddings,
    /// `POST messages`.
    Messages,
    /// `POST messages/count_tokens`.
    CountTokens,
    /// `GET models`.
    Models,
}

impl Route {
    /// The operation of a path without its channel. A base URL may end in `/v1`, in nothing (Anthropic's SDK adds `v1`
    /// itself), in Azure's `/openai/v1` or in `/openai/deployments/<name>`.
    pub(super) fn find(method: &Method, path: &str) -> Option<Self> {
        let path = path.strip_prefix("openai/").unwrap_or(path);
        let path = path.strip_prefix("v1/").unwrap_or_else(|| below_deployment(path));
        match (method, path) {
            (&Method::POST, "chat/completions") => Some(Self::Chat),
            (&Method::POST, "responses") => Some(Self::Responses),
            (&Method::POST, "embeddings") => Some(Self::Embeddings),
            (&Method::POST, "messages") => Some(Self::Messages),
            (&Method::POST, "messages/count_tokens") => Some(Self::CountTokens),
            (&Method::GET, "models") => Some(Self::Models),
            _ => None,
        }
    }

    /// The credentials and headers that each kind of provider demands: 401 or 400 without. Anthropic takes a key either
    /// way; its SDKs send `x-api-key` with the older version and a Bearer token with the newer.
    pub(super) fn admit(self, head: &Parts) -> Result<(), Box<Response<Body>>> {
        let has = |name: &str| head.headers.get(name).is_some_and(|value| !value.is_empty());
        let version = version(head);
        let azure = head.uri.path().contains("/openai/");
        let bearer =
            head.headers.get("authorization").is_some_and(|value| value.as_bytes().starts_with(b"Bearer "));
        let anthropic = self.is_anthropic() || (self == Self::Models && version.is_some());
        let (status, message) = match () {
            () if anthropic && !bearer && !has("x-api-key") => {
                (StatusCode::UNAUTHORIZED, "x-api-key header is required")
            }
            () if anthropic && version.is_none() => {
                (StatusCode::BAD_REQUEST, "anthropic-version: header is required")
            }
            () if anthropic && !VERSIONS.contains(&version.unwrap_or_default()) => {
                (StatusCode::BAD_REQUEST, "anthropic-version: not a valid version")
            }
            () if azure && !has("api-key") => (StatusCode::UNAUTHORIZED, AZURE_KEY),
            () if !azure && !anthropic && !bearer => (StatusCode::UNAUTHORIZED, OPENAI_KEY),
            () => return Ok(()),
        };
        Err(Box::new(self.problem(status, message)))
    }

    pub(super) fn is_anthropic(self) -> bool {
        matches!(self, Self::Messages | Self::CountTokens)
    }

    /// Under what name the provider's id of a request is returned.
    pub(super) fn request_id_header(self) -> &'static str {
        if self.is_anthropic() { "request-id" } else { "x-request-id" }
    }

    /// An error in this dialect.
    pub(super) fn problem(self, status: StatusCode, message: &str) -> Response<Body> {
        json_response(status, &self.error(status, message))
    }

    pub(super) fn error(self, status: StatusCode, message: &str) -> Value {
        if self.is_anthropic() { anthropic_error(status, message) } else { openai_error(status, message) }
    }

    /// The body, which must be a JSON object.
    pub(super) fn parse(self, body: &Bytes) -> Result<Value, Box<Response<Body>>> {
        let parsed = serde_json::from_slice::<Value>(body).ok().filter(Value::is_object);
        parsed.ok_or_else(|| Box::new(self.problem(StatusCode::BAD_REQUEST, "the body is not a JSON object")))
    }
}

/// Anthropic's version of the API that a request is written for.
pub(super) fn version(head: &Parts) -> Option<&str> {
    head.headers.get("anthropic-version").and_then(|value| value.to_str().ok())
}

/// `deployments/<name>/chat/completions` → `chat/completions`.
fn below_deployment(path: &str) -> &str {
    let below = path.strip_prefix("deployments/").and_then(|path| path.split_once('/'));
    below.map_or(path, |(_, path)| path)
}

/// OpenAI's error shape, which its SDK turns into an exception with this message.
pub(super) fn openai_error(status: StatusCode, message: &str) -> Value {
    let (kind, code) = match status.as_u16() {
        401 => ("authentication_error", Some("invalid_api_key")),
        404 => ("invalid_request_error", Some("model_not_found")),
        429 => ("rate_limit_error", Some("rate_limit_exceeded")),
        500.. => ("server_error", None),
        _ => ("invalid_request_error", None),
    };
    json!({ "error": { "message": message, "type": kind, "param": null, "code": code } })
}

/// Anthropic's: <https://docs.anthropic.com/en/api/errors>.
fn anthropic_error(status: StatusCode, message: &str) -> Value {
    let kind = match status.as_u16() {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    };
    json!({ "type": "error", "error": { "type": kind, "message": message }, "request_id": "req_standin" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_base_url_leads_to_its_route() {
        for (path, route) in [
            ("v1/chat/completions", Some(Route::Chat)),
            ("chat/completions", Some(Route::Chat)),
            ("openai/v1/responses", Some(Route::Responses)),
            ("openai/deployments/gpt/embeddings", Some(Route::Embeddings)),
            ("v1/messages", Some(Route::Messages)),
            ("messages/count_tokens", Some(Route::CountTokens)),
            ("v1/v1/messages", None),
            ("v1/files", None),
        ] {
            assert_eq!(Route::find(&Method::POST, path), route, "{path}");
        }
        assert_eq!(Route::find(&Method::GET, "v1/models"), Some(Route::Models));
        assert_eq!(Route::find(&Method::GET, "v1/messages"), None);
    }
}
