//! The edge: a raw ingress event in, a typed [`Request`] out. What every function reads alike is `caller`'s.

use std::net::IpAddr;

use caller::{Asserted, Fault, Ingress};
use domain::{GatewayKey, KillScope, Opaque, Reason};
use policy::Approach;

use crate::dialect::{Dialect, Vendor};
use crate::repeat::Again;

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
    pub again: Again,
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
    /// By which TLS version it came.
    pub tls: Result<(), Reason>,
}

impl Request {
    /// How the caller came, and which part of the kill switches stops it.
    pub const fn approach(&self) -> Approach {
        let scope = if matches!(self.route, Route::Call(..)) { KillScope::Llm } else { KillScope::All };
        Approach { source: self.source_ip, scope }
    }
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
/// As [`Ingress::parse`].
pub fn parse(event: &str) -> Result<Request, Reason> {
    let ingress = Ingress::parse(event)?;
    Ok(Request {
        key: ingress.key(),
        asserted: ingress.asserted(),
        source_ip: ingress.source_ip(),
        request_id: ingress.request_id(),
        tls: ingress.tls(),
        route: route(&ingress),
    })
}

fn route(ingress: &Ingress) -> Route {
    let (method, path) = (ingress.method(), ingress.path());
    let stray = |reason| {
        let anthropic = path.starts_with("/v1/messages") || ingress.header("anthropic-version").is_some();
        Route::Stray(if anthropic { Vendor::Anthropic } else { Vendor::OpenAi }, reason)
    };
    match (method, path, Dialect::of_path(path)) {
        ("GET", "/healthz", _) => Route::Health,
        ("GET", "/v1/models", _) => Route::Models,
        ("POST", _, Some(dialect)) => Route::Call(dialect, sent(ingress)),
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

fn sent(ingress: &Ingress) -> Result<Sent, Fault> {
    let body = ingress.json_text()?;
    let betas = ingress.header("anthropic-beta").map_or_else(|| Ok(Vec::new()), betas)?;
    Ok(Sent { body, betas, again: again(ingress)? })
}

/// Longest idempotency key, in bytes.
const IDEMPOTENCY_KEY_MAX: usize = 256;

fn again(ingress: &Ingress) -> Result<Again, Fault> {
    let key = ingress.header("idempotency-key").map(str::to_owned);
    if key.as_ref().is_some_and(|key| key.is_empty() || key.len() > IDEMPOTENCY_KEY_MAX) {
        let hint = "send 1 to 256 bytes, or leave the header out";
        return Err(Fault::at(Reason::InvalidField, "idempotency-key", hint));
    }
    // What is no number says nothing.
    let tries = ingress.header("x-stainless-retry-count").and_then(|count| count.parse().ok());
    Ok(Again { key, tries_before: tries })
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

#[cfg(test)]
mod tests;
