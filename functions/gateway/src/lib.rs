//! The gateway: one URL between agents and models. Parse → load → decide → perform.
//!
//! # In scope
//! Authenticates gateway keys, decides, redacts, forwards calls of OpenAI Chat Completions, Responses and Embeddings and of
//! Anthropic Messages, whole or streamed, to providers of the same or another dialect, settles and records.
//!
//! # Out of scope
//! - Writing configuration: its role cannot, and neither can this code.
//! - The ledger: records go to the audit queue and no further.
//! - Routes by which a provider would keep content, such as batches and files: refused by name.

mod answer;
mod beside;
mod breaker;
mod budget;
mod candidates;
mod cleared;
mod config;
mod decide;
mod dialect;
mod effects;
mod event;
mod form;
mod gated;
mod limits;
mod live;
mod outcome;
mod plan;
mod prices;
mod provider;
mod read;
mod records;
mod refusal;
mod repeat;
mod response;
mod sse;
mod stream;
mod tools;
mod translate;
mod upstream;
mod withhold;

use std::sync::Arc;
use std::time::Duration;

use caller::{LoadFault, Strangers};
use domain::{GatewayKey, Reason, Timestamp};

pub use breaker::Places;
pub use caller::Addresses;
pub use cleared::Cleared;
pub use config::Config;
pub use decide::{Moment, Random, Rules};
pub use effects::Effects;
pub use prices::{Prices, PricesError};
pub use response::Response;

use breaker::Tried;
use dialect::Vendor;
use effects::Roots;
use event::{Request, Route};
use records::SealRandom;
use response::Refused;

/// Everything that one instance keeps between calls.
#[derive(Debug)]
pub struct Gateway {
    pub rules: Rules,
    pub effects: Arc<Effects>,
    strangers: Strangers,
}

impl Gateway {
    pub fn new(rules: Rules, effects: Effects) -> Self {
        Self { rules, effects: Arc::new(effects), strangers: Strangers::default() }
    }

    /// Answers one ingress event. Every fault is an answer in the dialect's shape; nothing is thrown.
    pub async fn handle(&self, event: &str, now: Timestamp, time_left: Duration) -> Response {
        let request = match event::parse(event) {
            Ok(request) => request,
            Err(reason) => {
                self.strangers.refused(reason, None, now);
                return Response::error(Vendor::OpenAi, &reason.into());
            }
        };
        if matches!(request.route, Route::Health) {
            return Response::health();
        }
        match &request.key {
            Ok(key) if key.region() != self.rules.region => self.elsewhere(key, &request, now),
            // Boxed: the compiler lays out futures within futures only so deep.
            Ok(_) => Box::pin(self.known_key(request, now, time_left)).await,
            Err(reason) => self.stranger(&request, *reason, now),
        }
    }

    /// Tries one provider after the other, as long as each certainly did nothing. Every try reads the facts anew and is
    /// decided, held and recorded by itself.
    async fn known_key(&self, mut request: Request, now: Timestamp, time_left: Duration) -> Response {
        let mut tried = Tried::default();
        let mut response = self.one_try(&request, now, time_left, tried.clone()).await;
        while let Some(failed) = response.failed() {
            tried.0.push(failed.clone());
            if let Route::Call(_, Ok(sent)) = &mut request.route {
                sent.again.go_on();
            }
            let again = aws::now();
            let left = time_left.saturating_sub(Duration::from_millis(again.millis_since(now)));
            response = self.one_try(&request, again, left, tried.clone()).await;
        }
        response
    }

    async fn one_try(
        &self,
        request: &Request,
        now: Timestamp,
        time_left: Duration,
        tried: Tried,
    ) -> Response {
        let vendor = request.route.vendor();
        let Ok(key) = &request.key else { return Response::error(vendor, &Reason::KeyMissing.into()) };
        let Ok(random) = Random::draw() else {
            return Response::error(vendor, &Reason::FactsUnavailable.into());
        };
        let moment = Moment { now, time_left, random };
        match self.effects.load(key, self.rules.region, now).await {
            Ok((mut facts, roots)) => {
                facts.tried = tried;
                // Only a call with a body that reads can have something sealed for somebody.
                let call = matches!(&request.route, Route::Call(_, Ok(_)));
                let asserted = request.asserted.as_ref().ok().and_then(|said| said.on_behalf_of.as_deref());
                if let Some(person) = asserted.filter(|_| call) {
                    let approach = request.approach();
                    facts.person = self
                        .effects
                        .person(&facts, roots.audit.as_ref(), &approach, person, self.rules.region, now)
                        .await;
                }
                let decision = decide::decide(&self.rules, request, facts, &moment);
                self.effects.perform(decision, &roots).await
            }
            Err(LoadFault::Unread(caller)) => {
                self.effects
                    .perform(decide::unread(&self.rules, request, &caller, &moment), &Roots::default())
                    .await
            }
            Err(LoadFault::Stranger(reason)) => self.stranger(request, reason, now),
        }
    }

    /// Nobody is known, so nobody is blamed. A path that does not exist may be called that without a key.
    fn stranger(&self, request: &Request, reason: Reason, now: Timestamp) -> Response {
        self.strangers.refused(reason, request.source_ip, now);
        match request.route {
            Route::Stray(vendor, stray) => Response::error(vendor, &stray.into()),
            _ => Response::error(request.route.vendor(), &reason.into()),
        }
    }

    /// The key's own text says which gateway it belongs to: nothing is read for it, and nothing forwarded.
    fn elsewhere(&self, key: &GatewayKey, request: &Request, now: Timestamp) -> Response {
        self.strangers.refused(Reason::KeyOtherRegion, request.source_ip, now);
        let hint = format!("the key's region is {}, this gateway's is {}", key.region(), self.rules.region);
        let vendor = request.route.vendor();
        Response::error(vendor, &Refused { hint: Some(hint), ..Refused::from(Reason::KeyOtherRegion) })
    }
}

impl Random {
    /// Draws the random bytes of one call.
    ///
    /// # Errors
    /// The operating system has none: the call is refused.
    pub fn draw() -> Result<Self, aws::EntropyError> {
        Ok(Self {
            action: aws::random()?,
            first_event: aws::random()?,
            second_event: aws::random()?,
            nonce: aws::random()?,
            tokens: aws::random()?,
            first_seal: SealRandom::draw()?,
            second_seal: SealRandom::draw()?,
            tools_returned: aws::random()?,
            tools_requested: aws::random()?,
        })
    }
}
