//! The edge: a raw ingress event in, a typed [`Request`] out; a typed answer in, a raw response out.
//!
//! Two shapes come in, both in `events/gateway/`: function URLs (payload format 2.0) and API Gateway REST proxy
//! events. Only `requestContext` says where a call came from: headers are the caller's own words.

use std::collections::BTreeMap;
use std::net::IpAddr;

use base64::Engine as _;
use domain::{ActionId, GatewayKey, KeyError, Opaque, Reason};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::chat::Fault;
use crate::refusal::{self, Row};

/// Largest body that is read, in bytes. Function URLs deliver at most 6 MB, base64 included.
pub const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// An ingress event, as far as it is read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RawEvent {
    #[serde(default)]
    headers: BTreeMap<String, Value>,
    raw_path: Option<String>,
    path: Option<String>,
    http_method: Option<String>,
    #[serde(default)]
    request_context: RawContext,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawContext {
    http: Option<RawHttp>,
    identity: Option<RawPeer>,
    request_id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawHttp {
    method: String,
    source_ip: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawPeer {
    source_ip: Option<String>,
}

/// What a call asks for.
#[derive(Debug)]
pub enum Route {
    /// No key, no facts.
    Health,
    Models,
    /// The body's text, or why there is none. It is read only once the caller is known: a stranger cannot make the
    /// gateway work on it.
    Chat(Result<String, Fault>),
    /// A path or method that is not ours. Refused, and recorded if the caller is known.
    Stray(Reason),
}

/// A parsed call.
#[derive(Debug)]
pub struct Request {
    pub route: Route,
    pub key: Result<GatewayKey, Reason>,
    /// The address that the platform saw.
    pub source_ip: Option<IpAddr>,
    /// The platform's id of the request.
    pub request_id: Option<Opaque>,
}

/// Parses an event. Every fault but an oversize body is carried on, so that it can be refused and recorded.
///
/// # Errors
/// An oversize body, or an event of neither shape: refused here, without any I/O.
pub fn parse(event: &str) -> Result<Request, Reason> {
    let event: RawEvent = serde_json::from_str(event).map_err(|_| Reason::UnknownPath)?;
    let context = &event.request_context;
    let method = context.http.as_ref().map(|http| http.method.as_str()).or(event.http_method.as_deref());
    let path = event.raw_path.as_deref().or(event.path.as_deref());
    let source = context.http.as_ref().and_then(|http| http.source_ip.as_deref());
    let source = source.or(context.identity.as_ref().and_then(|peer| peer.source_ip.as_deref()));
    let headers = Headers(&event.headers);
    if event.body.as_ref().is_some_and(|body| decoded_len(body, event.is_base64_encoded) > MAX_BODY_BYTES) {
        return Err(Reason::BodyTooLarge);
    }
    Ok(Request {
        key: presented(headers.get("authorization")),
        source_ip: source.and_then(|source| source.parse().ok()),
        request_id: context.request_id.as_deref().and_then(|id| id.parse().ok()),
        route: route(method.unwrap_or_default(), path.unwrap_or_default(), &event, &headers),
    })
}

fn decoded_len(body: &str, base64: bool) -> usize {
    let padding = body.bytes().rev().take(2).filter(|byte| *byte == b'=').count();
    if base64 { (body.len() / 4 * 3).saturating_sub(padding) } else { body.len() }
}

/// Header names are case-insensitive (RFC 9110 section 5.1); REST events keep the caller's spelling.
struct Headers<'a>(&'a BTreeMap<String, Value>);

impl Headers<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        let named = |(key, _): &(&String, &Value)| key.eq_ignore_ascii_case(name);
        self.0.iter().find(named).and_then(|(_, value)| value.as_str())
    }
}

/// `Authorization: Bearer <key>`; the scheme is case-insensitive (RFC 9110 section 11.1).
fn presented(authorization: Option<&str>) -> Result<GatewayKey, Reason> {
    let (scheme, key) =
        authorization.and_then(|text| text.trim().split_once(' ')).ok_or(Reason::KeyMissing)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Reason::KeyMissing);
    }
    key.trim().parse().map_err(|error| match error {
        KeyError::Malformed => Reason::KeyMalformed,
        KeyError::Checksum => Reason::KeyChecksum,
    })
}

fn route(method: &str, path: &str, event: &RawEvent, headers: &Headers<'_>) -> Route {
    match (method, path) {
        ("GET", "/healthz") => Route::Health,
        ("GET", "/v1/models") => Route::Models,
        ("POST", "/v1/chat/completions") => Route::Chat(chat(event, headers)),
        (_, "/healthz" | "/v1/models" | "/v1/chat/completions") => Route::Stray(Reason::MethodNotAllowed),
        _ => Route::Stray(Reason::UnknownPath),
    }
}

fn chat(event: &RawEvent, headers: &Headers<'_>) -> Result<String, Fault> {
    if !headers.get("content-type").is_some_and(is_json) {
        return Err(Fault::new(Reason::ContentType));
    }
    if headers.get("content-encoding").is_some_and(|coding| !coding.trim().eq_ignore_ascii_case("identity")) {
        return Err(Fault::new(Reason::ContentEncoding));
    }
    text(event)
}

/// `application/json`, with any parameters (RFC 9110 section 8.3.1).
fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

fn text(event: &RawEvent) -> Result<String, Fault> {
    let body = event.body.as_deref().unwrap_or_default();
    if !event.is_base64_encoded {
        return Ok(body.to_owned());
    }
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(body)
        .map_err(|_| Fault::new(Reason::InvalidUtf8))?;
    String::from_utf8(bytes).map_err(|_| Fault::new(Reason::InvalidUtf8))
}

/// What the platform is given back, in the shape that both ingresses understand.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    status_code: u16,
    headers: BTreeMap<&'static str, String>,
    body: String,
    is_base64_encoded: bool,
}

impl Response {
    fn json(status: u16, body: &Value) -> Self {
        let headers = BTreeMap::from([
            ("content-type", "application/json".to_owned()),
            ("cache-control", "no-store".to_owned()),
        ]);
        Self { status_code: status, headers, body: body.to_string(), is_base64_encoded: false }
    }

    pub fn health() -> Self {
        Self::json(200, &json!({"status": "ok"}))
    }

    /// The list of models in the dialect's shape.
    pub fn models<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let model =
            |name: &str| json!({"id": name, "object": "model", "created": 0, "owned_by": "countersign"});
        Self::json(200, &json!({"object": "list", "data": names.map(model).collect::<Vec<_>>()}))
    }

    /// The provider's answer, restored where policy says so.
    pub fn answer(body: Value) -> Self {
        Self::json(200, &body)
    }

    /// A refusal or a bad ending, in the dialect's shape.
    pub fn error(refused: &Refused) -> Self {
        let Row { status, kind, message, retry, .. } = refusal::row(refused.reason);
        let message = match &refused.hint {
            Some(hint) => format!("{message} ({hint})"),
            None => message.to_owned(),
        };
        let code = if status == 401 { "invalid_api_key" } else { refused.reason.as_str() };
        let error = json!({"message": message, "type": kind, "param": refused.param, "code": code});
        let mut response = Self::json(status, &json!({"error": error}));
        // Both OpenAI SDKs obey this header over their own rule, which retries every 429 and 5xx.
        response.headers.insert("x-should-retry", retry.to_string());
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

    /// Tells the caller which limit was sent upstream instead of its own.
    #[must_use]
    pub fn with_clamped(mut self, clamped: Option<&str>) -> Self {
        self.headers.extend(clamped.map(|clamped| ("x-cs-clamped", clamped.to_owned())));
        self
    }

    pub const fn status(&self) -> u16 {
        self.status_code
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

#[cfg(test)]
mod tests;
