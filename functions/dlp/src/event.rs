//! The edge: a raw ingress event in, a typed [`Request`] out. What every function reads alike is `caller`'s.

use std::net::IpAddr;

use caller::{Asserted, Fault, Ingress};
use domain::{GatewayKey, KillScope, Opaque, Reason};
use policy::{Action, Approach};

/// What a call asks for.
pub enum Route {
    /// No key, no facts.
    Health,
    /// The OpenAPI document: no key, no facts.
    OpenApi,
    /// The body's text. It is read only once the caller is known: a stranger cannot make the function work on it.
    Call(Action, Result<String, Fault>),
    /// A path or method that is not ours. Refused, and recorded if the caller is known.
    Stray(Reason),
}

/// Shows nothing of the body: a debug form reaches logs.
impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Health => f.write_str("Health"),
            Self::OpenApi => f.write_str("OpenApi"),
            Self::Call(action, body) => {
                f.debug_tuple("Call").field(action).field(&body.as_ref().map(|_| "..")).finish()
            }
            Self::Stray(reason) => f.debug_tuple("Stray").field(reason).finish(),
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
    /// How the caller came. What happens here is no call of a model: only a switch that stops everything stops it.
    pub const fn approach(&self) -> Approach {
        Approach { source: self.source_ip, scope: KillScope::All }
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

/// Every path, and its one method.
pub const ROUTES: [(&str, &str); 5] = [
    ("GET", "/healthz"),
    ("GET", "/v1/openapi.json"),
    ("POST", "/v1/detect"),
    ("POST", "/v1/redact"),
    ("POST", "/v1/restore"),
];

/// The path of an action, as a key's scopes name it.
pub const fn path(action: Action) -> &'static str {
    match action {
        Action::DlpDetect => "/v1/detect",
        Action::DlpRedact => "/v1/redact",
        Action::DlpRestore => "/v1/restore",
        Action::LlmCall | Action::ModelsList | Action::ActionsRequest => "",
    }
}

fn route(ingress: &Ingress) -> Route {
    let call = |action| Route::Call(action, ingress.json_text());
    match (ingress.method(), ingress.path()) {
        ("GET", "/healthz") => Route::Health,
        ("GET", "/v1/openapi.json") => Route::OpenApi,
        ("POST", "/v1/detect") => call(Action::DlpDetect),
        ("POST", "/v1/redact") => call(Action::DlpRedact),
        ("POST", "/v1/restore") => call(Action::DlpRestore),
        (_, path) if ROUTES.iter().any(|(_, ours)| *ours == path) => Route::Stray(Reason::MethodNotAllowed),
        _ => Route::Stray(Reason::UnknownPath),
    }
}

#[cfg(test)]
mod tests;
