//! The edge: what the clock asks for, or what somebody asks over HTTP. Everything that is not known is refused here.

use caller::Ingress;
use serde::Deserialize;

/// What the clock asks for: one object with one name in it, which no request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Clock {
    /// Every five minutes: look at everything.
    Probe {},
}

/// What an event asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    Clock(Clock),
    /// Whether the function lives.
    Live,
    /// The page for people.
    Page,
    /// The same for programs.
    Document,
    /// With this status.
    Refused(u16),
}

pub fn parse(event: &str) -> Asked {
    if let Ok(clock) = serde_json::from_str(event) {
        return Asked::Clock(clock);
    }
    let Ok(ingress) = Ingress::parse(event) else { return Asked::Refused(413) };
    let asked = match ingress.path() {
        "/" => Asked::Page,
        "/v1/status" => Asked::Document,
        "/healthz" => Asked::Live,
        _ => return Asked::Refused(404),
    };
    // Whoever looks sends nothing. That the page is public does not make the transport old.
    match ingress.method() {
        "GET" | "HEAD" if ingress.tls().is_ok() => asked,
        "GET" | "HEAD" => Asked::Refused(421),
        _ => Asked::Refused(405),
    }
}

#[cfg(test)]
mod tests;
