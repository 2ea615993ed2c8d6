//! The management API: sign-in, sessions, and everything that is configured. Parse → load → decide → perform.
//!
//! # In scope
//! Single sign-on, sessions, and one table of operations (`routes`): each authenticated, authorized by `policy::admin`,
//! recorded before it takes effect, and written in one transaction over exactly what was read.
//!
//! # Out of scope
//! - Calls of agents: a gateway key is nobody here.
//! - What a role may do: `policy`. Formats of rows: `tables`.

mod ask;
mod athena;
mod bootstrap;
mod config;
mod decide;
mod door;
mod effects;
mod event;
mod handoff;
mod logout;
mod openapi;
mod operate;
mod page;
mod plan;
mod providers;
mod queries;
mod records;
mod refusal;
mod response;
mod routes;
mod secrets;
mod signin;
pub mod sso;
mod taken;
mod tokens;
mod who;
mod workloads;

use caller::Strangers;
use domain::{Reason, Region, SessionRow, Tenant, Timestamp};
use policy::admin::Policies;
use serde_json::Value;
use tables::Key;
use tables::codec::Row as _;

pub use athena::{Athena, AthenaConfig};
pub use config::Config;
pub use effects::Effects;
pub use providers::Providers;
pub use response::Response;
pub use secrets::Secrets;
pub use tokens::SessionTokens;

use ask::{Random, Rows};
use decide::channels::Channels;
use event::{Credential, Params, Request, Route};
use operate::{Asked, Decision};
use records::Scribe;
use refusal::{Refused, Why};
use routes::{Operation, Run};
use sso::Secret;
use sso::session_token::Shown;

/// What does not change between requests.
#[derive(Debug)]
pub struct Rules {
    pub region: Region,
    pub policies: Policies,
    /// Our own address, if one is configured.
    pub origin: String,
    pub reach: egress::Reach,
    /// Pages of ours at other addresses, to the letter, to which a session may be handed.
    pub handoff_to: Vec<String>,
    /// Which role in IAM may make the first organization.
    pub bootstrap: Option<String>,
}

/// By which of the function's names it was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Its URL, or whoever may invoke the function itself and so writes the whole event.
    Public,
    /// The alias that nobody reaches but by IAM (`infra`, bootstrap.tf).
    Bootstrap,
}

impl Door {
    /// From the ARN that the platform says was invoked, with its qualifier: not a part of the event.
    pub fn of(invoked_function_arn: &str) -> Self {
        if invoked_function_arn.ends_with(":bootstrap") { Self::Bootstrap } else { Self::Public }
    }
}

/// Everything that one instance keeps between requests.
#[derive(Debug)]
pub struct Admin {
    pub rules: Rules,
    pub effects: Effects,
    strangers: Strangers,
}

/// A session that verified, and what its path was understood by.
struct Known {
    session: SessionRow,
    /// The time of the token is over, whatever its row says.
    over: bool,
    seen: Rows,
}

impl Admin {
    pub fn new(rules: Rules, effects: Effects) -> Self {
        Self { rules, effects, strangers: Strangers::default() }
    }

    /// Answers one ingress event. Every fault is an answer; nothing is thrown.
    pub async fn handle(&self, event: &str, door: Door, now: Timestamp) -> Response {
        let request = match event::parse(event) {
            Ok(request) => request,
            Err(why) => return Response::problem(&why.into()),
        };
        if let Err(why) = request.tls {
            return self.stranger(&request, why, now);
        }
        match &request.route {
            Route::Health => Response::health(),
            Route::Document => Response::json(200, &openapi::document()),
            Route::Stray(why) => Response::problem(&(*why).into()),
            Route::Operation(operation, params) => {
                Box::pin(self.operation(&request, operation, (**params).clone(), now)).await
            }
            Route::Login { connection, return_to } => {
                let origin = self.origin(&request);
                let login =
                    Box::pin(self.effects.login(&origin, connection, return_to.as_deref(), now)).await;
                login.unwrap_or_else(|why| self.stranger(&request, why, now))
            }
            Route::Callback { connection, query, browser } => {
                Box::pin(self.effects.callback(&self.rules, connection, query, browser.as_deref(), now)).await
            }
            Route::Logout { connection, token } => {
                let ended =
                    Box::pin(self.effects.logout(&self.rules, connection, token.as_deref(), now)).await;
                ended.unwrap_or_else(|why| self.stranger(&request, why, now))
            }
            Route::FrontLogout { connection, query } => {
                let ended = Box::pin(self.effects.front_logout(&self.rules, connection, query, now)).await;
                ended.unwrap_or_else(|why| self.stranger(&request, why, now))
            }
            Route::UniversalLogout { connection, token } => {
                Box::pin(self.universal_logout(&request, connection, token.as_ref(), now)).await
            }
            Route::HandOff(asked) => Box::pin(self.hand_off(&request, asked, now)).await,
            Route::HandOffAllowed(asked) => Box::pin(self.allow(&request, asked, now)).await,
            Route::Redeem => Box::pin(self.redeem(&request, now)).await,
            Route::Workload => Box::pin(self.workload(&request, now)).await,
            Route::Bootstrap => Box::pin(self.bootstrap(&request, door, now)).await,
        }
    }

    /// Our own address: as it is configured, or as the platform was called.
    fn origin(&self, request: &Request) -> String {
        let configured = Some(self.rules.origin.clone()).filter(|origin| !origin.is_empty());
        configured.or_else(|| request.origin.clone()).unwrap_or_default()
    }

    /// Nobody is known, so nobody is blamed.
    fn stranger(&self, request: &Request, why: Why, now: Timestamp) -> Response {
        self.strangers.refused(Reason::KeyUnknown, request.source_ip, now);
        Response::problem(&why.into())
    }

    async fn operation(
        &self,
        request: &Request,
        operation: &'static Operation,
        params: Params,
        now: Timestamp,
    ) -> Response {
        let key = match &request.credential {
            Ok(Credential::Bearer(key) | Credential::Cookie(key)) => key,
            Ok(Credential::Iam(_)) => return self.stranger(request, Why::SignInNeeded, now),
            Err(why) => return self.stranger(request, *why, now),
        };
        match self.known(key, &params, now).await {
            Ok(known) => self.known_session(request, operation, params, known, now).await,
            Err(why) => self.stranger(request, why, now),
        }
    }

    async fn known(&self, token: &Secret, params: &Params, now: Timestamp) -> Result<Known, Why> {
        let (shown, over) = match self.effects.tokens.read(token, now).await? {
            Shown::Live(shown) => (shown, false),
            Shown::Over(shown) => (shown, true),
        };
        let (session, seen) = self.effects.present(&shown, params).await?;
        Ok(Known { session, over, seen })
    }

    async fn known_session(
        &self,
        request: &Request,
        operation: &'static Operation,
        mut params: Params,
        known: Known,
        now: Timestamp,
    ) -> Response {
        let Ok(random) = Random::draw() else { return Response::problem(&Why::FactsUnavailable.into()) };
        let Known { session, over, seen } = known;
        // A tenant is of the organization that its row names, whatever else the path says.
        if let Some(item) = params.tenant.as_ref().and_then(|tenant| seen.get(&Key::tenant(tenant))) {
            params.org = Tenant::from_item(item).ok().map(|tenant| tenant.org);
        }
        let refuse = |refused: Refused| self.refuse(request, operation, &session, refused, &random, now);
        if over {
            return refuse(Why::SessionIdle.into()).await;
        }
        let body = match read(request, operation) {
            Ok(body) => body,
            Err(refused) => return refuse(refused).await,
        };
        let repeated = decide::changes::repeated(request, &params, &session.user);
        let rows = match self.effects.facts(&session, operation, &params, &body, seen, repeated).await {
            Ok(rows) => rows,
            Err(why) => return refuse(why.into()).await,
        };
        let who = match who::standing(&session, &rows, &params, now) {
            Ok(who) => who,
            Err(why) => return refuse(why.into()).await,
        };
        let region = self.rules.region;
        let (params, body, rows) = (&params, &body, &rows);
        let forms = self.effects.providers.forms();
        let random = &random;
        let asked = Asked {
            request,
            operation,
            params,
            body,
            who: &who,
            rows,
            region,
            now,
            random,
            forms,
            channels: None,
        };
        let channels = match self.channels(&asked).await {
            Ok(channels) => channels,
            Err(why) => return refuse(why.into()).await,
        };
        let response = self.answer(&Asked { channels: channels.as_ref(), ..asked }).await;
        match self.effects.touch(&session, rows.get(&Key::session(&session.id)), now).await {
            Some(token) => renewed(response, request, &token),
            None => response,
        }
    }

    /// The tenant's channels, for whoever may see or write them.
    async fn channels(&self, asked: &Asked<'_>) -> Result<Option<Channels>, Why> {
        match &asked.params.tenant {
            Some(tenant)
                if asked.rows.contains_key(&Key::channels(tenant))
                    && operate::allowed(&self.rules.policies, asked) =>
            {
                self.effects.secrets.channels(tenant, asked.rows, asked.now).await
            }
            _ => Ok(None),
        }
    }

    async fn answer(&self, asked: &Asked<'_>) -> Response {
        let decision = match operate::decide(&self.rules.policies, asked) {
            Decision::Look(record, decision) => match self.effects.audit.record(&[*record]).await {
                Ok(()) => *decision,
                Err(_) => return Response::problem(&Why::AuditUnavailable.into()),
            },
            decision => decision,
        };
        match decision {
            // It was told, and is told once.
            Decision::Look(..) => Response::problem(&Why::DecisionFault.into()),
            Decision::Show(shown) => Response::json(200, &shown.body).with_etag(shown.etag.as_deref()),
            Decision::Page(list, beside) => {
                match who::resource(asked.operation.on, asked.params, asked.who) {
                    Ok(resource) => {
                        let ask = operate::ask(asked, &resource);
                        self.effects.page(list, beside, &ask, asked.request.after.as_deref()).await
                    }
                    Err(why) => Response::problem(&why.into()),
                }
            }
            Decision::Answer(row, scribe) => {
                let told = self.effects.answer(&row, asked.request.after.as_deref()).await;
                match told {
                    Ok(body) => Response::json(200, &body),
                    Err(why) => {
                        let record = scribe.refusal(why, asked.now, asked.random.attempt);
                        self.refused(&why.into(), record).await
                    }
                }
            }
            Decision::Write(plan) => self.effects.perform(*plan).await,
            Decision::Refuse(refused, record) => self.refused(&refused, *record).await,
        }
    }

    /// Somebody whose session verified is known: the refusal is recorded.
    async fn refuse(
        &self,
        request: &Request,
        operation: &'static Operation,
        session: &SessionRow,
        refused: Refused,
        random: &Random,
        now: Timestamp,
    ) -> Response {
        let action = domain::ActionId::new(now, random.action);
        let who = who::named(session);
        let scribe =
            Scribe::of(&who, self.rules.region, action, operation.name, domain::EventType::AdminRefused);
        let scribe = Scribe { request_id: request.request_id.clone(), ..scribe };
        self.refused(&refused, scribe.refusal(refused.why, now, random.attempt)).await
    }

    /// An unrecorded refusal is still a refusal; the caller learns the graver fault.
    async fn refused(&self, refused: &Refused, record: domain::AuditRecord) -> Response {
        let action = record.action_id;
        let recorded = self.effects.audit.record(&[record]).await;
        let response = match recorded {
            Ok(()) => Response::problem(refused),
            Err(_) => Response::problem(&Why::AuditUnavailable.into()),
        };
        match action {
            Some(action) => response.with_action(action),
            None => response,
        }
    }
}

/// Whoever brought a token takes the next one with them, in the same way.
fn renewed(response: Response, request: &Request, token: &Secret) -> Response {
    match request.credential {
        Ok(Credential::Cookie(_)) => response.with("set-cookie", &signin::cookie(token)),
        _ => response.with("x-cs-session", token.expose()),
    }
}

/// The body of a request that may change something, once it is known to come from its caller's own hand.
fn read(request: &Request, operation: &Operation) -> Result<Value, Refused> {
    if !matches!(operation.run, Run::Change { .. }) {
        return Ok(Value::Null);
    }
    if matches!(request.credential, Ok(Credential::Cookie(_))) && !request.csrf_safe {
        return Err(Why::CsrfHeader.into());
    }
    if request.idempotency.as_ref().is_some_and(|key| !(1..=128).contains(&key.len())) {
        return Err(Why::IdempotencyKey.into());
    }
    let text = request.body.clone()?;
    serde_json::from_str(&text).map_err(|error| {
        Refused::hint(Why::InvalidJson, format!("line {}, column {}", error.line(), error.column()))
    })
}

impl Random {
    /// Draws the random bytes of one request.
    ///
    /// # Errors
    /// The operating system has none.
    fn draw() -> Result<Self, aws::EntropyError> {
        Ok(Self {
            action: aws::random()?,
            attempt: aws::random()?,
            outcome: aws::random()?,
            id: aws::random()?,
            secret: aws::random()?,
            change: aws::random()?,
        })
    }
}
