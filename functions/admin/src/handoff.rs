//! A session for another place: a command on somebody's own machine (RFC 8252), or a page of ours at another address. The
//! browser carries a code there, good for 60 seconds and once, and only for whoever made its challenge, as RFC 7636 binds
//! codes. What is handed over is a session of its own, which can be listed and ended by itself, and which ends with the one that
//! it came from.

mod redeem;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use caller::form;
use domain::{
    ActionId, ConnectionId, Decided, EventType, HandoffRow, Opaque, Phase, SessionClient, SessionId,
    SessionRow, Timestamp,
};
use sha2::{Digest as _, Sha256};
use tables::codec::Row as _;
use tables::{Key, Swap};

use crate::ask::{Who, digest};
use crate::event::{Credential, Params, Request};
use crate::page;
use crate::records::{Entry, Scribe};
use crate::refusal::Why;
use crate::response::Response;
use crate::signin::random;
use crate::{Admin, Known, who};

pub use redeem::told;

/// How long a code is good.
const CODE_MS: u64 = 60_000;
/// Below are the ports of the system's own services.
const PORT_MIN: u16 = 1_024;
/// To so many places one session is handed: one write ends them all.
const HANDED_MAX: usize = 40;
/// What whoever asks knows its answer by.
const STATE_BYTES_MAX: usize = 128;

/// Where a session may be handed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A program on the machine of whoever sits before the browser. They are asked: any program could be that.
    Loopback { port: u16 },
    /// An address that the deployment names, to the letter.
    Ours(String),
}

impl Place {
    /// # Errors
    /// It is neither. What merely begins like an address of ours is another's.
    pub fn parse(text: &str, ours: &[String]) -> Result<Self, Why> {
        if ours.iter().any(|one| one == text) {
            return Ok(Self::Ours(text.to_owned()));
        }
        let port = text.strip_prefix("http://127.0.0.1:").and_then(|rest| rest.strip_suffix('/'));
        let port = port.filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
        let port = port.and_then(|port| port.parse().ok()).filter(|port| *port >= PORT_MIN);
        port.map(|port| Self::Loopback { port }).ok_or(Why::HandoffPlace)
    }

    /// Without its path: what a page's form may lead to.
    fn address(&self) -> String {
        match self {
            Self::Loopback { port } => format!("http://127.0.0.1:{port}/"),
            Self::Ours(url) => url.clone(),
        }
    }

    fn with_code(&self, code: &str, state: Option<&str>) -> String {
        let state = state.map(|state| format!("&state={state}")).unwrap_or_default();
        format!("{}?code={code}{state}", self.address())
    }

    const fn client(&self) -> SessionClient {
        match self {
            Self::Loopback { .. } => SessionClient::Command,
            Self::Ours(_) => SessionClient::Page,
        }
    }
}

/// What a browser is sent here with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandOff {
    pub to: String,
    /// Base64url of a SHA-256, 43 characters.
    pub challenge: String,
    /// Goes back with the code: whoever asked takes no code that is not its own.
    pub state: Option<String>,
    /// Through which identity provider to sign in, if that is still to be done.
    pub connection: Option<ConnectionId>,
}

/// # Errors
/// It is no digest.
fn challenge(text: &str) -> Result<Opaque, Why> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    bytes.map(|bytes| Opaque::from_digest(&bytes)).ok_or(Why::HandoffPlace)
}

fn challenge_of(verifier: &str) -> Opaque {
    Opaque::from_digest(&Sha256::digest(verifier).into())
}

/// Where a code's row lies: whoever reads the table has no code.
fn place_of(code: &str) -> Key {
    Key::sign_in(digest(&["countersign handoff", code]))
}

impl HandOff {
    fn query(&self) -> String {
        let mut pairs = vec![("to", self.to.as_str()), ("challenge", self.challenge.as_str())];
        pairs.extend(self.state.as_ref().map(|state| ("state", state.as_str())));
        pairs.extend(self.connection.as_ref().map(|id| ("connection", id.as_str())));
        form::pairs(&pairs)
    }

    /// Where it may go.
    ///
    /// # Errors
    /// Nowhere, or it is not asked for as it should be.
    fn place(&self, ours: &[String]) -> Result<Place, Why> {
        challenge(&self.challenge)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
        let sound = |state: &String| (1..=STATE_BYTES_MAX).contains(&state.len()) && state.bytes().all(plain);
        if !self.state.as_ref().is_none_or(sound) {
            return Err(Why::HandoffPlace);
        }
        Place::parse(&self.to, ours)
    }

    /// Whether the browser's session is of another connection than the one that is asked for.
    fn is_elsewhere(&self, who: &Who) -> bool {
        self.connection.is_some() && self.connection.as_ref() != who.session.through.connection()
    }

    /// Through the provider, and back to here.
    fn by_sign_in(&self) -> Result<Response, Why> {
        let connection = self.connection.as_ref().ok_or(Why::SignInNeeded)?;
        let back = form::encode(&format!("/v1/handoff?{}", self.query()));
        Ok(Response::see_other(&format!("/v1/sso/{connection}/login?return_to={back}")))
    }
}

/// Nobody, or somebody who is known and may hand nothing over now.
struct NotSignedIn {
    why: Why,
    known: Option<Box<SessionRow>>,
}

impl From<Why> for NotSignedIn {
    fn from(why: Why) -> Self {
        Self { why, known: None }
    }
}

/// What becomes of a browser that asks.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    SignIn,
    /// Whoever sits before it.
    Ask(Place),
    Issue(Place),
}

/// Where a browser goes from here. Pure.
///
/// # Errors
/// It leads nowhere, or it cannot be told who it is. Of whoever is known that is recorded.
fn next(asked: &HandOff, signed_in: &Result<Who, NotSignedIn>, ours: &[String]) -> Result<Next, Why> {
    let place = asked.place(ours)?;
    let sign_in = || asked.by_sign_in().map(|_| Next::SignIn);
    match signed_in {
        // Somebody may be signed in elsewhere, without knowing it.
        Ok(who) if asked.is_elsewhere(who) => sign_in(),
        Ok(_) if matches!(place, Place::Loopback { .. }) => Ok(Next::Ask(place)),
        Ok(_) => Ok(Next::Issue(place)),
        Err(NotSignedIn { why: why @ (Why::FactsUnavailable | Why::SessionOtherRegion), .. }) => Err(*why),
        // Nobody, or nobody any more.
        Err(_) => sign_in(),
    }
}

/// Whether somebody's yes counts, and where it leads. Pure.
///
/// # Errors
/// It came from another's page, leads nowhere, or is of another connection than was asked for.
fn granted(asked: &HandOff, from_ours: bool, who: &Who, ours: &[String]) -> Result<Place, Why> {
    if !from_ours {
        return Err(Why::CsrfHeader);
    }
    let place = asked.place(ours)?;
    if asked.is_elsewhere(who) { Err(Why::HandoffPlace) } else { Ok(place) }
}

impl Admin {
    /// A browser asks for it. For a page of ours a code goes out at once; for a program somebody is asked first.
    pub(crate) async fn hand_off(&self, request: &Request, asked: &HandOff, now: Timestamp) -> Response {
        self.asked(request, asked, now).await.unwrap_or_else(|why| Response::problem(&why.into()))
    }

    async fn asked(&self, request: &Request, asked: &HandOff, now: Timestamp) -> Result<Response, Why> {
        let signed_in = self.signed_in(request, now).await;
        let next = next(asked, &signed_in, &self.rules.handoff_to);
        let refused = match (next, signed_in) {
            (Ok(Next::SignIn), _) => return asked.by_sign_in(),
            (Ok(Next::Ask(place)), Ok(who)) => {
                return Ok(page::consent(&place.address(), asked, (&who.user, &who.org)));
            }
            (Ok(Next::Issue(place)), Ok(who)) => return self.issued(&who, &place, asked, now).await,
            (Err(why), Ok(who)) => (why, Some(who)),
            (Err(why), Err(NotSignedIn { known, .. })) => (why, known.map(|session| who::named(&session))),
            (Ok(Next::Ask(_) | Next::Issue(_)), Err(NotSignedIn { why, .. })) => (why, None),
        };
        match refused {
            (why, Some(who)) => Err(self.not_handed(&who, why, now).await),
            (why, None) => Err(why),
        }
    }

    /// Somebody has said yes, on our own page.
    pub(crate) async fn allow(&self, request: &Request, asked: &HandOff, now: Timestamp) -> Response {
        self.allowed(request, asked, now).await.unwrap_or_else(|why| Response::problem(&why.into()))
    }

    async fn allowed(&self, request: &Request, asked: &HandOff, now: Timestamp) -> Result<Response, Why> {
        let from_ours = request.from_origin.as_ref().is_some_and(|from| *from == self.origin(request));
        let who = match self.signed_in(request, now).await {
            Ok(who) => who,
            Err(NotSignedIn { why, known: None }) => return Err(why),
            Err(NotSignedIn { why, known: Some(session) }) => {
                return Err(self.not_handed(&who::named(&session), why, now).await);
            }
        };
        match granted(asked, from_ours, &who, &self.rules.handoff_to) {
            Ok(place) => self.issued(&who, &place, asked, now).await,
            Err(why) => Err(self.not_handed(&who, why, now).await),
        }
    }

    /// Records that somebody known hands nothing over. The graver fault is told.
    async fn not_handed(&self, who: &Who, why: Why, now: Timestamp) -> Why {
        let recorded = async {
            let refusal =
                issuing(who, self.rules.region, ActionId::new(now, random()?)).refusal(why, now, random()?);
            self.effects.audit.record(&[refusal]).await.map_err(|_| Why::AuditUnavailable)
        };
        recorded.await.err().unwrap_or(why)
    }

    /// Whose browser it is. A bearer's session is with a program already.
    async fn signed_in(&self, request: &Request, now: Timestamp) -> Result<Who, NotSignedIn> {
        let Ok(Credential::Cookie(key)) = &request.credential else { return Err(Why::SignInNeeded.into()) };
        let Known { session, over, seen } = self.known(key, &Params::default(), now).await?;
        let standing = async {
            if over {
                return Err(Why::SessionIdle);
            }
            let rows = self.effects.beside(who::keys(&session, &Params::default()), seen).await?;
            let who = who::standing(&session, &rows, &Params::default(), now)?;
            // A command's token in a cookie is no browser.
            if who.session.client == SessionClient::Browser { Ok(who) } else { Err(Why::SignInNeeded) }
        };
        let standing = standing.await;
        standing.map_err(|why| NotSignedIn { why, known: Some(Box::new(session)) })
    }

    /// Gives out a code: recorded, written, recorded.
    async fn issued(
        &self,
        who: &Who,
        place: &Place,
        asked: &HandOff,
        now: Timestamp,
    ) -> Result<Response, Why> {
        if who.session.handed.len() >= HANDED_MAX {
            return Err(self.not_handed(who, Why::HandoffMost, now).await);
        }
        let code = URL_SAFE_NO_PAD.encode(random::<32>()?);
        let expires_at = now.plus_millis(CODE_MS);
        let row = HandoffRow {
            session: who.session.id.clone(),
            challenge: challenge(&asked.challenge)?,
            client: place.client(),
            expires_at,
            used_at: None,
        };
        let scribe = issuing(who, self.rules.region, ActionId::new(now, random()?));
        let told =
            |at, random, phase, reason| scribe.handed((&row.session, row.client), at, random, phase, reason);
        let attempt = told(now, random()?, Phase::Attempt, domain::Code::literal("allowed"));
        let recorded = self.effects.audit.attempt(scribe.action_id, &[attempt]).await;
        recorded.map_err(|_| Why::AuditUnavailable)?;
        let swap = Swap::create(place_of(&code), row.to_item()).expiring(expires_at.plus_millis(3_600_000));
        let written = self.effects.write_rows(vec![swap], None, &[]).await;
        let outcome = told(aws::now(), random()?, Phase::Outcome, Why::ended(written));
        let _ = self.effects.audit.record(&[outcome]).await;
        written.map(|()| Response::see_other(&place.with_code(&code, asked.state.as_deref())))
    }
}

fn issuing(who: &Who, region: domain::Region, action: ActionId) -> Scribe {
    Scribe::of(who, region, action, "handoff.issue", EventType::AuthHandOff)
}

impl Scribe {
    /// A session is what it is done to: the new one that is begun, or the one that a code is given out for.
    pub(crate) fn handed(
        &self,
        (session, client): (&SessionId, SessionClient),
        at: Timestamp,
        random: [u8; 10],
        phase: Phase,
        reason: domain::Code,
    ) -> domain::AuditRecord {
        let client = domain::MetaValue::Code(domain::Code::literal(client.as_str()));
        self.record(Entry {
            at,
            random,
            phase,
            decision: Decided::Allow,
            reason,
            authority: None,
            resource: Some(format!("session:{session}")),
            metadata: domain::Metadata::default().with("client", client),
        })
    }
}

#[cfg(test)]
mod tests;
