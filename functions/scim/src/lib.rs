//! SCIM 2.0: an identity provider says who is in, and which groups they are in. Parse → load → decide → perform.
//!
//! # In scope
//! The protocol of RFC 7643, 7644 and 9865, driven by one table of attributes (`schema`); what a push means for access: whoever
//! is ended is out at the next request, and roles follow groups. Directories that push nothing are asked (`pull`, `google`).
//!
//! # Out of scope
//! - Signing in: `admin`. Keys and sessions are not looked for here: each is read with its owner's row, which this function
//!   writes.
//! - What a leaver leaves behind: `lifecycle`.

mod access;
pub mod bulk;
mod config;
mod cursor;
mod decide;
mod desk;
mod directory;
pub mod discovery;
mod effects;
pub mod error;
mod event;
pub mod filter;
mod find;
pub mod google;
mod groups;
mod index;
mod leaving;
pub mod list;
mod many;
mod members;
pub mod patch;
pub mod path;
pub mod project;
mod pull;
mod push;
pub mod query;
mod records;
pub mod resource;
mod response;
mod roles;
pub mod schema;
mod sealer;
mod users;

use std::collections::HashMap;
use std::sync::Arc;

use caller::Strangers;
use domain::{Code, ConnectionId, EventType, Reason, ScimToken, Timestamp};
use tables::{Item, Key};

pub use config::Config;
pub use desk::{Desk, Live};
pub use effects::Effects;
pub use pull::{Clock, Google, Places, Stopped, Told};
pub use response::Response;
pub use sealer::Sealer;

use directory::{Directory, Known, Unknown};
use effects::Session;
use error::ScimError;
use event::{Request, Target};
use records::Scribe;

/// Items by key, as they were read.
pub type Rows = HashMap<Key, Item>;

/// Everything that one instance keeps between requests.
#[derive(Debug)]
pub struct Scim<D: Desk> {
    pub effects: Effects<D>,
    strangers: Strangers,
}

/// Who pushes, and how that is recorded.
enum Pushes {
    /// A directory that may.
    Yes(Box<Directory>, Scribe),
    /// Nobody that may: answered already.
    No(Response),
}

impl<D: Desk> Scim<D> {
    pub fn new(effects: Effects<D>) -> Self {
        Self { effects, strangers: Strangers::default() }
    }

    /// Answers one ingress event. Every fault is an answer; nothing is thrown.
    pub async fn handle(&self, event: &str, now: Timestamp) -> Response {
        let request = match event::parse(event) {
            Ok(request) => request,
            Err(error) => return Response::error(&error),
        };
        match (request.method.as_str(), &request.target) {
            ("GET", Target::Health) => Response::health(),
            ("POST", Target::Token) => self.token(&request, now).await,
            _ => match &request.bearer {
                Some(token) => self.known(&request, token, now).await,
                None => self.stranger(&request, Reason::KeyMissing, now),
            },
        }
    }

    async fn known(&self, request: &Request, token: &ScimToken, now: Timestamp) -> Response {
        match Box::pin(self.pushes(request, token, now)).await {
            Ok(Pushes::Yes(directory, scribe)) => {
                let action = scribe.action_id;
                let answer = Box::pin(self.answer(request, &directory, &scribe, now)).await;
                let response = match answer {
                    Ok(response) => response,
                    Err(error) => self.refusal(&scribe, &error).await,
                };
                response.with_action(action)
            }
            Ok(Pushes::No(response)) => response,
            Err(error) => Response::error(&error),
        }
    }

    /// A refusal of a known directory is recorded. That something does not work just now is none.
    async fn refusal(&self, scribe: &Scribe, error: &ScimError) -> Response {
        if error.status != 503 {
            self.effects.refused(scribe, effects::reason(error)).await;
        }
        Response::error(error)
    }

    async fn pushes(
        &self,
        request: &Request,
        token: &ScimToken,
        now: Timestamp,
    ) -> Result<Pushes, ScimError> {
        let (known, row, given, rows) = match self.effects.present(token).await {
            Ok(presented) => presented,
            Err(Unknown::Stranger) => return Ok(Pushes::No(self.stranger(request, Reason::KeyUnknown, now))),
            Err(Unknown::Unread) => return Err(effects::unavailable()),
        };
        let scribe = Scribe { by_access: given.is_some(), ..self.scribe(request, &known, now)? };
        let path: Option<&ConnectionId> = request.connection.as_ref();
        match directory::admitted(&known, &row, given.as_ref(), path, &rows, now) {
            Ok(Ok(directory)) => {
                if directory::ends_soon(&row, now) {
                    let (connection, until) = (&directory.connection, row.expires_at);
                    tracing::warn!(%connection, token = %row.id, %until, "directory.token_ends_soon");
                }
                Ok(Pushes::Yes(Box::new(directory), scribe))
            }
            Ok(Err(why)) => {
                self.effects.refused(&scribe, why.reason()).await;
                let error = ScimError::plain(401, why.detail());
                Ok(Pushes::No(Response::error(&error).with_action(scribe.action_id)))
            }
            Err(_) => Err(effects::unavailable()),
        }
    }

    fn scribe(&self, request: &Request, known: &Known, now: Timestamp) -> Result<Scribe, ScimError> {
        let (event, action) = push::named(request);
        let tls = match request.tls.as_deref() {
            Some("TLSv1.3") => Some(Code::literal("modern")),
            Some("TLSv1.2") => Some(Code::literal("older")),
            Some(_) => Some(Code::literal("other")),
            None => None,
        };
        Ok(Scribe {
            region: self.effects.region,
            action_id: effects::action(now)?,
            known: known.clone(),
            request_id: request.request_id.clone(),
            tls,
            action,
            event,
            begun: Arc::default(),
            by_access: false,
        })
    }

    async fn answer(
        &self,
        request: &Request,
        directory: &Directory,
        scribe: &Scribe,
        now: Timestamp,
    ) -> Result<Response, ScimError> {
        let keys =
            self.effects.sealer.keys(&self.effects.desk, now).await.map_err(|_| effects::unavailable())?;
        let until = now.plus_millis(effects::GOES_ON_MS);
        let session = Session { directory, keys, base: &request.base, now, until };
        self.effects.answer(&session, request, scribe).await
    }

    /// An access token for a client's secret.
    async fn token(&self, request: &Request, now: Timestamp) -> Response {
        let token = match access::presented(request) {
            Ok(token) => token,
            Err(response) => {
                self.strangers.refused(Reason::KeyMalformed, request.source_ip, now);
                return response;
            }
        };
        match self.pushes(request, &token, now).await {
            // An access token is no client's secret: it would live as long as it liked.
            Ok(Pushes::Yes(_, scribe)) if scribe.by_access => {
                let error = ScimError::plain(401, "an access token is no client's secret");
                self.effects.refused(&scribe, effects::reason(&error)).await;
                access::refused(401, "invalid_client", "client_secret is the text of a SCIM token itself")
                    .with_action(scribe.action_id)
            }
            Ok(Pushes::Yes(directory, scribe)) => {
                let scribe = Scribe { event: EventType::ScimAccess, action: "oauth.token", ..scribe };
                let given = self.effects.give_access(&directory, &scribe, now).await;
                given.unwrap_or_else(|error| Response::error(&error)).with_action(scribe.action_id)
            }
            Ok(Pushes::No(_)) => {
                access::refused(401, "invalid_client", "the client is not known or not active")
            }
            Err(error) => Response::error(&error),
        }
    }

    /// Nobody is known, so nobody is blamed: one answer for all.
    fn stranger(&self, request: &Request, reason: Reason, now: Timestamp) -> Response {
        self.strangers.refused(reason, request.source_ip, now);
        Response::error(&ScimError::plain(
            401,
            "send a SCIM token of this connection as `Authorization: Bearer …`",
        ))
    }
}
