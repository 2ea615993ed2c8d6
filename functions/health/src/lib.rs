//! Health: whether the platform works, asked every five minutes from outside and from within, and shown to everybody.
//!
//! # In scope
//! Probing each endpoint of a provider with the platform's own credential, a call of the canary through our own ingress up to its
//! record, the state of queues, keys, tables and the lock; what that means for breakers; the status of the region, its history
//! and its page.
//!
//! # Out of scope
//! - Routing: a breaker is told, and calls go where `gateway` sends them.
//! - Endpoints that the platform has no credential for, such as a tenant's own servers: their breakers hear of calls alone.
//! - Deciding that somebody must be woken: alarms do, in Terraform, by the lines and figures that are written here.

mod availability;
mod canary;
mod certificates;
mod config;
mod decide;
mod effects;
mod event;
mod feed;
mod page;
mod probe;
mod response;
mod watch;

use domain::Timestamp;

pub use config::Config;
pub use effects::{Effects, Fault};
pub use event::{Asked, Clock};
pub use response::Response;

/// Does what one event asks for: a run by the clock, or an answer to somebody.
pub async fn handle(effects: &Effects, event: &str, now: Timestamp) -> Response {
    match event::parse(event) {
        Asked::Clock(Clock::Probe {}) => match Box::pin(effects.run(now)).await {
            Ok(told) => Response::json(200, &told),
            Err(fault) => {
                tracing::error!(code = fault, "health.failed");
                Response::problem(503, fault)
            }
        },
        Asked::Live => Response::live(),
        Asked::Page => shown(effects, now, page::render).await,
        Asked::Document => shown(effects, now, page::document).await,
        Asked::Refused(status) => Response::problem(status, "unknown_path"),
    }
}

/// The last document, as somebody asked for it. That there is none is a status too: nobody knows.
async fn shown(
    effects: &Effects,
    now: Timestamp,
    show: fn(Option<&domain::StatusDocument>, domain::Region, Timestamp) -> Response,
) -> Response {
    match effects.document().await {
        Ok(document) => show(document.as_ref(), effects.region(), now),
        Err(fault) => Response::problem(503, fault),
    }
}
