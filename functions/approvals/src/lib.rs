//! Approvals: the page on which people decide about what agents want to do, and how they are told of it.
//!
//! ```text
//! browser ──GET /a/{approval}──▶ session at `admin` ─▶ rows ─▶ page            only that it was looked at is kept
//!         ──POST /a/{approval}─▶ decide (pure) ─▶ record ─▶ one write ─▶ record ─▶ queue
//! queue   ──requested, reminded, escalated, decided──▶ mail, Slack, webhooks   a link, and never what is asked
//! clock   ──{"sweep":true}─────▶ late, stopped, left, to be reminded of ─▶ one write each ─▶ queue
//! ```
//!
//! # In scope
//! Pages, words, comments, absences; telling people and agents; reminders, escalation, expiry and cancellation; clicks in Slack.
//!
//! # Out of scope
//! - Whose session a token is: `admin` alone judges that, for every request.
//! - Making requests, permits and their consumption: `actions`, where everybody's standing is looked at again.
//! - What a word counts for: `domain`. How it is written: `tables`.

mod absence;
mod action;
mod batch;
mod channels;
mod config;
mod decide;
mod desk;
mod effects;
mod event;
mod figures;
mod look;
mod mail;
mod mask;
mod odd;
mod page;
mod records;
mod response;
mod signin;
mod slack;
mod tell;
#[cfg(test)]
mod tests;
mod token;
mod votes;
mod who;

use aws::BatchResponse;
use caller::Strangers;
use domain::{Reason, Timestamp};
use lambda_runtime::{Error, FunctionResponse};
use serde::Serialize;

pub use caller::Pieces;
pub use config::Config;
pub use desk::{Desk, Live, Outside, World};
pub use effects::Effects;
pub use mail::Mail;
pub use response::Response;
pub use tell::Swept;

use event::{Event, Request, Route};
use look::unavailable;
use signin::{Back, renewed};
use who::{NoSession, Session};

/// A pass of the clock leaves so much for what it has begun.
const LEAST_MS: u64 = 10_000;

/// Everything that one instance keeps between events.
#[derive(Debug)]
pub struct Approvals<D: Desk, O: Outside> {
    pub effects: Effects<D, O>,
    strangers: Strangers,
}

/// What comes of an event.
#[derive(Debug)]
pub enum Answer {
    Http(Response),
    /// Which messages are to come again.
    Batch(BatchResponse),
    Sweep(Swept),
}

/// As the platform takes what is no answer to a browser.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Plain {
    Batch(BatchResponse),
    Sweep(Swept),
}

impl Answer {
    /// Pages leave through the response stream, as the URL reads them; the queue and the clock read JSON.
    ///
    /// # Errors
    /// A header that is none: a fault of our own.
    pub fn into_platform(self) -> Result<FunctionResponse<Plain, Pieces>, Error> {
        Ok(match self {
            Self::Http(response) => FunctionResponse::StreamingResponse(response.into_stream()?),
            Self::Batch(batch) => FunctionResponse::BufferedResponse(Plain::Batch(batch)),
            Self::Sweep(swept) => FunctionResponse::BufferedResponse(Plain::Sweep(swept)),
        })
    }
}

impl<D: Desk, O: Outside> Approvals<D, O> {
    pub fn new(effects: Effects<D, O>) -> Self {
        Self { effects, strangers: Strangers::default() }
    }

    /// Answers one event. Every fault is an answer; nothing is thrown. `deadline`: in milliseconds of Unix time.
    pub async fn handle(&self, event: &str, deadline: u64) -> Answer {
        match event::parse(event) {
            Err(status) => Answer::Http(stray(status)),
            Ok(Event::Batch(batch)) => {
                let told = |body: String| async move { Box::pin(self.effects.notify(&body)).await };
                Answer::Batch(aws::deliver(batch, told).await)
            }
            Ok(Event::Sweep) => {
                let until = i64::try_from(deadline.saturating_sub(LEAST_MS)).unwrap_or(i64::MAX);
                let until = Timestamp::from_unix_millis(until).unwrap_or(Timestamp::MAX);
                Answer::Sweep(Box::pin(self.effects.sweep(until)).await)
            }
            Ok(Event::Http(request)) => {
                let response = Box::pin(self.http(&request)).await;
                Answer::Http(if request.head { response.without_body() } else { response })
            }
        }
    }

    async fn http(&self, request: &Request) -> Response {
        if !request.tls {
            self.strangers.refused(Reason::TlsVersion, request.source_ip, self.effects.desk.now());
            return Response::text(403, "connect with TLS 1.3: older versions are not taken here");
        }
        match &request.route {
            Route::Health => Response::text(200, "ok"),
            Route::Stray(status) => stray(*status),
            // Whoever asks for the head alone is nobody who reads: nothing is looked up, and nothing kept.
            _ if request.head => Response::page(200, page::notice("Countersign approvals", "", None)),
            Route::SignedIn { code, state } => self.effects.signed_in(request, code, state).await,
            Route::SignOut => self.effects.signed_out(request).await,
            Route::Slack(tenant, call) => {
                let response = self.effects.slack(tenant, call).await;
                if response.status() == 401 {
                    self.strangers.refused(Reason::KeyUnknown, request.source_ip, self.effects.desk.now());
                }
                response
            }
            _ => self.person(request).await,
        }
    }

    async fn person(&self, request: &Request) -> Response {
        match self.effects.session(request).await {
            Ok((session, token)) => renewed(self.known(request, &session).await, token.as_ref()),
            Err(NoSession::Unavailable) => unavailable(),
            Err(NoSession::SignIn) => self.nobody(request).await,
        }
    }

    async fn known(&self, request: &Request, session: &Session) -> Response {
        let effects = &self.effects;
        match &request.route {
            Route::List(tenant) => effects.list(request, session, tenant.as_ref(), None).await,
            Route::Look { approval, reveal } => effects.look(request, session, (approval, *reveal)).await,
            Route::Decide(approval, word) => effects.decide(request, session, (approval, word)).await,
            Route::DecideAll(words) => effects.decide_all(request, session, words).await,
            Route::Away(tenant) => effects.away(request, session, tenant.as_ref(), None).await,
            Route::SetAway(wanted) => effects.set_away(request, session, wanted).await,
            Route::Health | Route::SignedIn { .. } | Route::SignOut | Route::Slack(..) | Route::Stray(_) => {
                stray(404)
            }
        }
    }

    /// Nobody is known, so nobody is blamed. A form is not sent elsewhere, and what it said is not kept.
    async fn nobody(&self, request: &Request) -> Response {
        self.strangers.refused(Reason::KeyUnknown, request.source_ip, self.effects.desk.now());
        match &request.route {
            Route::Decide(..) | Route::DecideAll(_) | Route::SetAway(_) => {
                let back = Back::of(&request.route).path();
                let text = "You were signed out meanwhile, so nothing was done.";
                Response::page(401, page::notice("Sign in again", text, Some((&back, "Sign in, and go on"))))
            }
            _ => self.effects.to_sign_in(request).await,
        }
    }
}

fn stray(status: u16) -> Response {
    let text = match status {
        405 => "This page is not asked for in that way.",
        413 => "That is more than is read here.",
        _ => "There is no such page.",
    };
    Response::page(status, page::notice("Nothing here", text, Some(("/", "What waits for you"))))
}
