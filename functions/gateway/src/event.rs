//! The edge: a raw ingress event in, a typed [`Request`] out.
//!
//! Two shapes come in, both in `events/gateway/`: function URLs (payload format 2.0) and API Gateway REST proxy
//! events. Only `requestContext` says where a call came from: headers are the caller's own words.

use std::collections::BTreeMap;
use std::net::IpAddr;

use base64::Engine as _;
use domain::{GatewayKey, KeyError, Opaque, Reason};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::asserted::Asserted;
use crate::dialect::{Dialect, Vendor};
use crate::form::Fault;

/// Largest body that is read, in bytes. Function URLs deliver at most 6 MB, base64 included.
pub const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// An ingress event, as far as it is read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawEvent {
    /// REST events without headers say `null`.
    #[serde(default, deserialize_with = "absent_if_null")]
    headers: BTreeMap<String, Value>,
    raw_path: Option<String>,
    path: Option<String>,
    http_method: Option<String>,
    #[serde(default, deserialize_with = "absent_if_null")]
    request_context: RawContext,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

fn absent_if_null<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(it: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(it).map(Option::unwrap_or_default)
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawContext {
    http: Option<RawHttp>,
    identity: Option<RawPeer>,
    request_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawHttp {
    method: String,
    source_ip: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawPeer {
    source_ip: Option<String>,
}

/// What a call asks for.
pub enum Route {
    /// No key, no facts.
    Health,
    Models,
    /// A call of a model.
    Call(Dialect, Result<Sent, Fault>),
    /// A path or method that is not ours. Refused, and recorded if the caller is known.
    Stray(Vendor, Reason),
}

impl Route {
    /// In whose shape an error is told.
    pub const fn vendor(&self) -> Vendor {
        match self {
            Self::Call(dialect, _) => dialect.vendor(),
            Self::Stray(vendor, _) => *vendor,
            Self::Health | Self::Models => Vendor::OpenAi,
        }
    }
}

/// What came with a call.
pub struct Sent {
    /// The body's text. It is read only once the caller is known: a stranger cannot make the gateway work on it.
    pub body: String,
    /// What Anthropic's clients ask for beyond the dialect, each from a list that was reviewed.
    pub betas: Vec<&'static str>,
}

/// Shows nothing of the body: a debug form reaches logs.
impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Health => f.write_str("Health"),
            Self::Models => f.write_str("Models"),
            Self::Call(dialect, sent) => {
                f.debug_tuple("Call").field(dialect).field(&sent.as_ref().map(|_| "..")).finish()
            }
            Self::Stray(_, reason) => f.debug_tuple("Stray").field(reason).finish(),
        }
    }
}

/// A parsed call.
pub struct Request {
    pub route: Route,
    pub key: Result<GatewayKey, Reason>,
    /// What the caller says about the call.
    pub asserted: Result<Asserted, Fault>,
    /// The address that the platform saw.
    pub source_ip: Option<IpAddr>,
    /// The platform's id of the request.
    pub request_id: Option<Opaque>,
}

/// Shows no address.
impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request").field("route", &self.route).finish_non_exhaustive()
    }
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
        key: presented(&headers),
        asserted: Asserted::read(|name| headers.get(name)),
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

/// `Authorization: Bearer <key>`, whose scheme is case-insensitive (RFC 9110 section 11.1), or the header in which the
/// clients of Anthropic and of Azure OpenAI send a key.
fn presented(headers: &Headers<'_>) -> Result<GatewayKey, Reason> {
    let bearer = headers.get("authorization").and_then(|text| {
        let (scheme, key) = text.trim().split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(key)
    });
    let key = bearer.or_else(|| headers.get("x-api-key")).or_else(|| headers.get("api-key"));
    key.ok_or(Reason::KeyMissing)?.trim().parse().map_err(|error| match error {
        KeyError::Malformed => Reason::KeyMalformed,
        KeyError::Checksum => Reason::KeyChecksum,
    })
}

fn route(method: &str, path: &str, event: &RawEvent, headers: &Headers<'_>) -> Route {
    let stray = |reason| {
        let anthropic = path.starts_with("/v1/messages") || headers.get("anthropic-version").is_some();
        Route::Stray(if anthropic { Vendor::Anthropic } else { Vendor::OpenAi }, reason)
    };
    match (method, path, Dialect::of_path(path)) {
        ("GET", "/healthz", _) => Route::Health,
        ("GET", "/v1/models", _) => Route::Models,
        ("POST", _, Some(dialect)) => Route::Call(dialect, sent(event, headers)),
        (_, "/healthz" | "/v1/models", _) | (_, _, Some(_)) => stray(Reason::MethodNotAllowed),
        _ if KEPT.iter().any(|kept| below(path, kept)) => stray(Reason::RouteUninspectable),
        _ => stray(Reason::UnknownPath),
    }
}

/// Routes of the vendors by which the provider would keep content and work on it out of sight.
const KEPT: [&str; 12] = [
    "/v1/batches",
    "/v1/messages/batches",
    "/v1/files",
    "/v1/uploads",
    "/v1/assistants",
    "/v1/threads",
    "/v1/conversations",
    "/v1/vector_stores",
    "/v1/fine_tuning",
    "/v1/responses",
    "/v1/chat/completions",
    "/v1/realtime",
];

fn below(path: &str, root: &str) -> bool {
    path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn sent(event: &RawEvent, headers: &Headers<'_>) -> Result<Sent, Fault> {
    if !headers.get("content-type").is_some_and(is_json) {
        return Err(Fault::new(Reason::ContentType));
    }
    if headers.get("content-encoding").is_some_and(|coding| !coding.trim().eq_ignore_ascii_case("identity")) {
        return Err(Fault::new(Reason::ContentEncoding));
    }
    let betas = headers.get("anthropic-beta").map_or_else(|| Ok(Vec::new()), betas)?;
    Ok(Sent { body: text(event)?, betas })
}

/// Beta features that add nothing which could not be inspected. Anthropic API reference, "Beta headers", read 2026-11.
const BETAS: [&str; 12] = [
    "claude-code-20250219",
    "context-1m-2025-08-07",
    "context-management-2025-06-27",
    "effort-2025-11-24",
    "extended-cache-ttl-2025-04-11",
    "fine-grained-tool-streaming-2025-05-14",
    "interleaved-thinking-2025-05-14",
    "max-tokens-3-5-sonnet-2024-07-15",
    "output-128k-2025-02-19",
    "prompt-caching-2024-07-31",
    "structured-outputs-2025-11-13",
    "token-efficient-tools-2025-02-19",
];

fn betas(header: &str) -> Result<Vec<&'static str>, Fault> {
    let asked = header.split(',').map(str::trim).filter(|beta| !beta.is_empty());
    let known = |asked: &str| BETAS.iter().copied().find(|beta| *beta == asked);
    asked.map(|asked| known(asked).ok_or_else(unknown_beta)).collect()
}

fn unknown_beta() -> Fault {
    let hint = "a beta feature that was not reviewed could carry what nobody inspects; leave it out";
    Fault::at(Reason::InvalidField, "anthropic-beta", hint)
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

#[cfg(test)]
mod tests;
