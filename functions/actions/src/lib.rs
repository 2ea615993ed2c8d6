//! Actions: what agents want tools to do, gated. Parse → load → decide → perform.
//!
//! # In scope
//! `POST /v1/actions`: an action is permitted, held for people, or refused, by the tenant's gate. `GET /v1/approvals/{id}`: an agent
//! waits. `POST /v1/permits/{id}/consume` and `…/outcome`: whoever runs the action takes the permit once, and tells what came of it.
//! The clock's `{"sweep": true}`: what nobody told of in time is UNKNOWN.
//!
//! # Out of scope
//! - Who decides, and how they are told: `approvals`. This function asks, and looks at the answer.
//! - Running anything: tools do.
//! - Writing configuration: its role cannot, and neither can this code.

mod asking;
mod config;
mod consume;
mod decide;
mod earlier;
mod effects;
mod event;
mod ids;
mod overdue;
mod permit;
mod records;
mod refusal;
mod response;
mod run;

use caller::{LoadFault, SealRandom, Strangers, is_sweep};
use domain::{GatewayKey, Reason, Timestamp};

pub use caller::Addresses;
pub use config::Config;
pub use decide::Rules;
pub use effects::Effects;
pub use response::Response;

use std::time::Duration;

use decide::{Moment, Random};
use event::{Request, Route};
use response::Refused;

/// Whoever waits is answered before the platform ends the function.
const KEPT_FOR_THE_END: Duration = Duration::from_secs(3);

/// Everything that one instance keeps between calls.
#[derive(Debug)]
pub struct Actions {
    pub rules: Rules,
    pub effects: Effects,
    strangers: Strangers,
}

impl Actions {
    pub fn new(rules: Rules, effects: Effects) -> Self {
        Self { rules, effects, strangers: Strangers::default() }
    }

    /// Answers one ingress event. Every fault is an answer; nothing is thrown.
    pub async fn handle(&self, event: &str, now: Timestamp, time_left: Duration) -> Response {
        if is_sweep(event) {
            let deadline = now.plus_millis(millis(time_left.saturating_sub(KEPT_FOR_THE_END)));
            let passed = Box::pin(self.effects.pass(&self.rules, deadline)).await;
            return Response::json(200, &serde_json::json!(passed));
        }
        let request = match event::parse(event) {
            Ok(request) => request,
            Err(reason) => {
                self.strangers.refused(reason, None, now);
                return response::error(&reason.into());
            }
        };
        match &request.route {
            Route::Health => Response::health(),
            Route::OpenApi => response::document(),
            Route::Jwks => self.effects.jwks().await,
            Route::Run(step, id, told) => {
                let tool = run::Tool { rules: &self.rules, effects: &self.effects, request: &request };
                let answered = Box::pin(tool.run(*step, id.as_ref(), told.as_ref(), now)).await;
                answered.unwrap_or_else(|stranger| {
                    self.strangers.refused(stranger, request.source_ip, now);
                    response::error(&stranger.into())
                })
            }
            Route::Act(_) | Route::Wait(..) | Route::Stray(_) => self.by_key(&request, now, time_left).await,
        }
    }

    async fn by_key(&self, request: &Request, now: Timestamp, time_left: Duration) -> Response {
        match &request.key {
            Ok(key) if key.region() != self.rules.region => self.elsewhere(key, request, now),
            // Boxed: the compiler lays out futures within futures only so deep.
            Ok(key) => Box::pin(self.known_key(key, request, now, time_left)).await,
            Err(reason) => self.stranger(request, *reason, now),
        }
    }

    async fn known_key(
        &self,
        key: &GatewayKey,
        request: &Request,
        now: Timestamp,
        time_left: Duration,
    ) -> Response {
        let Ok(random) = Random::draw() else { return response::error(&Reason::FactsUnavailable.into()) };
        let moment = Moment { now, random };
        let (facts, roots) = match self.effects.load(key, now).await {
            Ok(loaded) => loaded,
            Err(LoadFault::Unread(caller)) => {
                let refusal = decide::unread(&self.rules, request, &caller, &moment);
                return self.effects.refuse(refusal).await;
            }
            Err(LoadFault::Stranger(reason)) => return self.stranger(request, reason, now),
        };
        if let Route::Wait(id, seconds) = &request.route {
            let most = Duration::from_secs(*seconds).min(time_left.saturating_sub(KEPT_FOR_THE_END));
            return self.effects.wait(&self.rules, request, facts, &moment, (id, most)).await;
        }
        match decide::admit(&self.rules, request, facts, &moment) {
            Ok(admitted) => self.effects.act(&self.rules, *admitted, &roots).await,
            Err(refusal) => self.effects.refuse(refusal).await,
        }
    }

    /// Nobody is known, so nobody is blamed. A path that does not exist may be called that without a key.
    fn stranger(&self, request: &Request, reason: Reason, now: Timestamp) -> Response {
        self.strangers.refused(reason, request.source_ip, now);
        match request.route {
            Route::Stray(stray) => response::error(&stray.into()),
            _ => response::error(&reason.into()),
        }
    }

    /// The key's own text says which region it belongs to: nothing is read for it.
    fn elsewhere(&self, key: &GatewayKey, request: &Request, now: Timestamp) -> Response {
        self.strangers.refused(Reason::KeyOtherRegion, request.source_ip, now);
        let hint = format!("the key's region is {}, this one is {}", key.region(), self.rules.region);
        response::error(&Refused { hint: Some(hint), ..Refused::from(Reason::KeyOtherRegion) })
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
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
            first_seal: SealRandom::draw()?,
            second_seal: SealRandom::draw()?,
        })
    }
}
