//! The edge: a raw ingress event in, a typed [`Request`] out. What every function reads alike is `caller`'s.

use std::net::IpAddr;

use caller::{Asserted, Fault, Ingress};
use domain::{ApprovalId, GatewayKey, KillScope, Opaque, PermitId, Reason};
use policy::Approach;

use crate::asking::{Asking, Told};

/// What a request asks for.
pub enum Route {
    /// No key, no facts.
    Health,
    /// The OpenAPI document: no key, no facts.
    OpenApi,
    /// The public half of the key that signs permits: no key, no facts.
    Jwks,
    /// An agent asks for an action. The body's text is read only once the caller is known.
    Act(Result<String, Fault>),
    /// An agent asks what became of its request, and waits so many seconds for an answer.
    Wait(Result<ApprovalId, Reason>, u64),
    /// A tool takes a permit, or tells what came of it.
    Run(Step, Result<PermitId, Reason>, Result<Told, Fault>),
    /// A path or method that is not ours. Refused, and recorded if the caller is known.
    Stray(Reason),
}

/// What a tool does with a permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Consume,
    Outcome,
}

/// Shows nothing of a body: a debug form reaches logs.
impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Health => f.write_str("Health"),
            Self::OpenApi => f.write_str("OpenApi"),
            Self::Jwks => f.write_str("Jwks"),
            Self::Act(body) => f.debug_tuple("Act").field(&body.as_ref().map(|_| "..")).finish(),
            Self::Wait(id, seconds) => f.debug_tuple("Wait").field(id).field(seconds).finish(),
            Self::Run(step, id, _) => f.debug_tuple("Run").field(step).field(id).finish(),
            Self::Stray(reason) => f.debug_tuple("Stray").field(reason).finish(),
        }
    }
}

/// A parsed request.
pub struct Request {
    pub route: Route,
    pub key: Result<GatewayKey, Reason>,
    /// What stands behind `Bearer`: a tool presents its permit there.
    pub bearer: Option<String>,
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
        Approach { source: self.source_ip, scope: KillScope::Actions }
    }
}

/// Shows no address and no token.
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
        bearer: ingress.bearer().map(str::to_owned),
        asserted: ingress.asserted(),
        source_ip: ingress.source_ip(),
        request_id: ingress.request_id(),
        tls: ingress.tls(),
        route: route(&ingress),
    })
}

/// The paths that there are, as the OpenAPI document writes them.
#[cfg(test)]
pub const ROUTES: [(&str, &str); 7] = [
    ("GET", "/healthz"),
    ("GET", "/v1/openapi.json"),
    ("GET", "/v1/permits/jwks.json"),
    ("POST", "/v1/actions"),
    ("GET", "/v1/approvals/{id}"),
    ("POST", "/v1/permits/{id}/consume"),
    ("POST", "/v1/permits/{id}/outcome"),
];

/// The longest that anybody waits, in seconds: less than what proxies between give up after.
const WAIT_MAX: u64 = 55;

fn route(ingress: &Ingress) -> Route {
    let parts: Vec<&str> = ingress.path().split('/').skip(1).collect();
    match (ingress.method(), parts.as_slice()) {
        ("GET", ["healthz"]) => Route::Health,
        ("GET", ["v1", "openapi.json"]) => Route::OpenApi,
        ("GET", ["v1", "permits", "jwks.json"]) => Route::Jwks,
        ("POST", ["v1", "actions"]) => Route::Act(ingress.json_text()),
        ("GET", ["v1", "approvals", id]) => {
            let seconds = ingress.query("wait").and_then(|text| text.parse().ok()).unwrap_or(0);
            Route::Wait(id.parse().map_err(|_| Reason::ApprovalUnknown), u64::min(seconds, WAIT_MAX))
        }
        ("POST", ["v1", "permits", id, step @ ("consume" | "outcome")]) => {
            let step = if *step == "consume" { Step::Consume } else { Step::Outcome };
            let told = ingress.json_text().and_then(|body| Told::read(step, &body));
            Route::Run(step, id.parse().map_err(|_| Reason::PermitInvalid), told)
        }
        (
            _,
            ["healthz"]
            | ["v1", "openapi.json"]
            | ["v1", "actions"]
            | ["v1", "permits", "jwks.json"]
            | ["v1", "approvals", _],
        )
        | (_, ["v1", "permits", _, "consume" | "outcome"]) => Route::Stray(Reason::MethodNotAllowed),
        _ => Route::Stray(Reason::UnknownPath),
    }
}

/// Reads the body of a request for an action, once its caller is known.
///
/// # Errors
/// Its form.
pub fn asking(body: &str) -> Result<Asking, Fault> {
    Asking::read(body)
}

#[cfg(test)]
mod tests;
