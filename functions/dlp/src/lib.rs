//! DLP over HTTP: `POST /v1/detect`, `/v1/redact` and `/v1/restore`, for texts and documents that agents handle outside a
//! call of a model. Parse → load → decide → perform.
//!
//! # In scope
//! Authenticates gateway keys as the gateway does, and applies the same policies: finds data of detected types, takes it
//! out, keeps what tokens stand for, and gives that back to the agent and conversation in which they were made. Audited.
//!
//! # Out of scope
//! - Keeping any plaintext: what a token stands for is sealed before it is written, and nothing else is.
//! - What is detected, and how it is replaced: `redact`. Everything else about a text stays the caller's affair.
//! - Writing configuration: its role cannot, and neither can this code.

mod batch;
mod config;
mod decide;
mod effects;
mod engine;
mod event;
mod findings;
mod kept;
mod plan;
mod records;
mod refusal;
mod response;
mod tokens;

use caller::{LoadFault, SealRandom, Strangers};
use domain::{GatewayKey, Reason, Timestamp};

pub use caller::Addresses;
pub use config::Config;
pub use decide::Rules;
pub use effects::Effects;
pub use response::Response;

use decide::{Moment, Random};
use event::{Request, Route};
use response::Refused;

/// Everything that one instance keeps between calls.
#[derive(Debug)]
pub struct Dlp {
    pub rules: Rules,
    pub effects: Effects,
    strangers: Strangers,
}

impl Dlp {
    pub fn new(rules: Rules, effects: Effects) -> Self {
        Self { rules, effects, strangers: Strangers::default() }
    }

    /// Answers one ingress event. Every fault is an answer; nothing is thrown.
    pub async fn handle(&self, event: &str, now: Timestamp) -> Response {
        let request = match event::parse(event) {
            Ok(request) => request,
            Err(reason) => {
                self.strangers.refused(reason, None, now);
                return response::error(&reason.into());
            }
        };
        match &request.route {
            Route::Health => return Response::health(),
            Route::OpenApi => return response::document(),
            Route::Call(..) | Route::Stray(_) => {}
        }
        match &request.key {
            Ok(key) if key.region() != self.rules.region => self.elsewhere(key, &request, now),
            // Boxed: the compiler lays out futures within futures only so deep.
            Ok(_) => Box::pin(self.known_key(request, now)).await,
            Err(reason) => self.stranger(&request, *reason, now),
        }
    }

    async fn known_key(&self, request: Request, now: Timestamp) -> Response {
        let Ok(key) = &request.key else { return response::error(&Reason::KeyMissing.into()) };
        let Ok(random) = Random::draw() else { return response::error(&Reason::FactsUnavailable.into()) };
        let moment = Moment { now, random };
        match self.effects.load(key, now).await {
            Ok((mut facts, roots)) => {
                // Only a call with a body that reads can have something sealed for somebody.
                let call = matches!(&request.route, Route::Call(_, Ok(_)));
                let asserted = request.asserted.as_ref().ok().and_then(|said| said.on_behalf_of.as_deref());
                if let Some(person) = asserted.filter(|_| call) {
                    let (region, approach) = (self.rules.region, request.approach());
                    facts.person = self.effects.person(&facts, &roots, &approach, person, region, now).await;
                }
                let decision = decide::decide(&self.rules, request, facts, &moment);
                self.effects.perform(decision, &roots).await
            }
            Err(LoadFault::Unread(caller)) => {
                let decision = decide::unread(&self.rules, &request, &caller, &moment);
                self.effects.perform(decision, &effects::Roots::default()).await
            }
            Err(LoadFault::Stranger(reason)) => self.stranger(&request, reason, now),
        }
    }

    /// Nobody is known, so nobody is blamed. A path that does not exist may be called that without a key.
    fn stranger(&self, request: &Request, reason: Reason, now: Timestamp) -> Response {
        self.strangers.refused(reason, request.source_ip, now);
        match request.route {
            Route::Stray(stray) => response::error(&stray.into()),
            Route::Health | Route::OpenApi | Route::Call(..) => response::error(&reason.into()),
        }
    }

    /// The key's own text says which region it belongs to: nothing is read for it.
    fn elsewhere(&self, key: &GatewayKey, request: &Request, now: Timestamp) -> Response {
        self.strangers.refused(Reason::KeyOtherRegion, request.source_ip, now);
        let hint = format!("the key's region is {}, this one is {}", key.region(), self.rules.region);
        response::error(&Refused { hint: Some(hint), ..Refused::from(Reason::KeyOtherRegion) })
    }
}

impl Random {
    /// Draws the random bytes of one call.
    ///
    /// # Errors
    /// The operating system has none: the call is refused.
    fn draw() -> Result<Self, aws::EntropyError> {
        Ok(Self {
            action: aws::random()?,
            first_event: aws::random()?,
            second_event: aws::random()?,
            nonce: aws::random()?,
            tokens: aws::random()?,
            first_seal: SealRandom::draw()?,
            second_seal: SealRandom::draw()?,
        })
    }
}
