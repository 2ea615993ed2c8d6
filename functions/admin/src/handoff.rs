//! A session for another place: a command on somebody's own machine (RFC 8252), or a page of ours at another address. The
//! browser carries a code there, good for 60 seconds and once, and only for whoever made its challenge, as RFC 7636 binds
//! codes. What is handed over is a session of its own, which can be listed and ended by itself.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use caller::form;
use domain::{
    ActionId, ConnectionId, Decided, EventType, HandoffRow, Opaque, Phase, SessionClient, SessionId,
    SessionRow, Timestamp,
};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tables::codec::Row as _;
use tables::gates::Write;
use tables::{GateFault, Item, Key, Swap, deleted};

use crate::Admin;
use crate::ask::{Rows, Who, digest};
use crate::decide::sessions;
use crate::effects::Effects;
use crate::event::{Credential, Params, Request};
use crate::page;
use crate::records::{Entry, Scribe};
use crate::refusal::{Refused, Why};
use crate::response::Response;
use crate::signin::random;
use crate::sso::Secret;
use crate::who;

/// How long a code is good.
const CODE_MS: u64 = 60_000;
/// Below are the ports of the system's own services.
const PORT_MIN: u16 = 1_024;
/// A code and a verifier are shorter.
const SECRET_BYTES_MAX: usize = 128;

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

    fn with_code(&self, code: &str) -> String {
        format!("{}?code={code}", self.address())
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
        pairs.extend(self.connection.as_ref().map(|id| ("connection", id.as_str())));
        form::pairs(&pairs)
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Redeem {
    code: String,
    verifier: String,
}

/// Whose code it is, and whether whoever shows it may have a session by it. Pure.
///
/// # Errors
/// It is over, or another's, or so is the session that it came from.
fn redeemed(
    row: &HandoffRow,
    verifier: &str,
    parent: &SessionRow,
    rows: &Rows,
    now: Timestamp,
) -> Result<Who, Why> {
    if now >= row.expires_at || challenge_of(verifier) != row.challenge {
        return Err(Why::HandoffCode);
    }
    who::standing(parent, rows, &Params::default(), now)
}

/// The session for the other place. It has what the first has, and ends no later.
fn child(parent: &SessionRow, client: SessionClient, id: SessionId, now: Timestamp) -> SessionRow {
    SessionRow { id, client, created_at: now, seen_at: now, revoked_at: None, ..parent.clone() }
}

impl Admin {
    /// A browser asks for it. For a page of ours a code goes out at once; for a program somebody is asked first.
    pub(crate) async fn hand_off(&self, request: &Request, asked: &HandOff, now: Timestamp) -> Response {
        self.asked(request, asked, now).await.unwrap_or_else(|why| Response::problem(&why.into()))
    }

    async fn asked(&self, request: &Request, asked: &HandOff, now: Timestamp) -> Result<Response, Why> {
        let place = Place::parse(&asked.to, &self.rules.handoff_to)?;
        challenge(&asked.challenge)?;
        match self.signed_in(request, now).await {
            // Somebody may be signed in elsewhere, without knowing it.
            Ok(who) if asked.is_elsewhere(&who) => asked.by_sign_in(),
            Ok(who) if matches!(place, Place::Loopback { .. }) => {
                Ok(page::consent(&place.address(), asked, (&who.user, &who.org)))
            }
            Ok(who) => self.issued(&who, &place, &asked.challenge, now).await,
            Err(why @ (Why::FactsUnavailable | Why::SessionOtherRegion)) => Err(why),
            // Nobody, or nobody any more.
            Err(_) => asked.by_sign_in(),
        }
    }

    /// Somebody has said yes, on our own page.
    pub(crate) async fn allow(&self, request: &Request, asked: &HandOff, now: Timestamp) -> Response {
        self.allowed(request, asked, now).await.unwrap_or_else(|why| Response::problem(&why.into()))
    }

    async fn allowed(&self, request: &Request, asked: &HandOff, now: Timestamp) -> Result<Response, Why> {
        let ours = request.from_origin.as_ref().is_some_and(|from| *from == self.origin(request));
        if !ours {
            return Err(Why::CsrfHeader);
        }
        let place = Place::parse(&asked.to, &self.rules.handoff_to)?;
        let who = self.signed_in(request, now).await?;
        if asked.is_elsewhere(&who) {
            return Err(Why::HandoffPlace);
        }
        self.issued(&who, &place, &asked.challenge, now).await
    }

    /// Whose browser it is. A bearer's session is with a program already.
    async fn signed_in(&self, request: &Request, now: Timestamp) -> Result<Who, Why> {
        let Ok(Credential::Cookie(key)) = &request.credential else { return Err(Why::SignInNeeded) };
        let known = self.known(key, &Params::default(), now).await?;
        if known.over {
            return Err(Why::SessionIdle);
        }
        let keys = who::keys(&known.session, &Params::default());
        let rows = self.effects.beside(keys, known.seen).await?;
        let who = who::standing(&known.session, &rows, &Params::default(), now)?;
        // A command's token in a cookie is no browser.
        if who.session.client == SessionClient::Browser { Ok(who) } else { Err(Why::SignInNeeded) }
    }

    async fn issued(&self, who: &Who, place: &Place, asked: &str, now: Timestamp) -> Result<Response, Why> {
        let code = URL_SAFE_NO_PAD.encode(random::<32>()?);
        let expires_at = now.plus_millis(CODE_MS);
        let row = HandoffRow {
            session: who.session.id.clone(),
            challenge: challenge(asked)?,
            client: place.client(),
            expires_at,
        };
        let swap = Swap::create(place_of(&code), row.to_item()).expiring(expires_at.plus_millis(3_600_000));
        self.effects.write_rows(vec![swap], None, &[]).await?;
        Ok(Response::see_other(&place.with_code(&code)))
    }

    /// The other place shows the code, and that it asked for it: it gets a session, once.
    pub(crate) async fn redeem(&self, request: &Request, now: Timestamp) -> Response {
        let wanted = match redeem_of(request) {
            Ok(wanted) => wanted,
            Err(refused) => return Response::problem(&refused),
        };
        match self.taken(&wanted.code).await {
            Ok((key, item, row)) => {
                let ended = self.exchange(&wanted, (&key, &item, &row), now).await;
                ended.unwrap_or_else(|why| Response::problem(&why.into()))
            }
            Err(why) => self.stranger(request, why, now),
        }
    }

    async fn taken(&self, code: &str) -> Result<(Key, Item, HandoffRow), Why> {
        let key = place_of(code);
        let item = self.effects.dynamo.get(&key).await.map_err(|_| Why::FactsUnavailable)?;
        let item = item.ok_or(Why::HandoffCode)?;
        let row = HandoffRow::from_item(&item).map_err(|_| Why::FactsUnavailable)?;
        Ok((key, item, row))
    }

    async fn exchange(
        &self,
        wanted: &Redeem,
        (key, item, row): (&Key, &Item, &HandoffRow),
        now: Timestamp,
    ) -> Result<Response, Why> {
        let at = Key::session(&row.session);
        let parent = self.effects.dynamo.get(&at).await.map_err(|_| Why::FactsUnavailable)?;
        let parent = parent.ok_or(Why::HandoffCode)?;
        let session = SessionRow::from_item(&parent).map_err(|_| Why::FactsUnavailable)?;
        let keys = who::keys(&session, &Params::default());
        let rows = self.effects.beside(keys, [(at, parent)].into()).await?;
        let scribe = handed(&who::named(&session), self.rules.region, ActionId::new(now, random()?));
        let who = match redeemed(row, &wanted.verifier, &session, &rows, now) {
            Ok(who) => who,
            Err(why) => {
                // A code that was shown wrongly is not shown again.
                let _ = self.effects.dynamo.write_all(vec![deleted(key, item)]).await;
                let refusal = scribe.refusal(why, now, random()?);
                self.effects.audit.record(&[refusal]).await.map_err(|_| Why::AuditUnavailable)?;
                return Err(why);
            }
        };
        let made = child(&who.session, row.client, SessionId::from_random(random()?), now);
        let used = (deleted(key, item), Why::HandoffCode);
        let token = self.effects.begin_session(&scribe, &made, Some(used), now).await?;
        Ok(Response::json(201, &told(&token, &made)))
    }
}

impl Effects {
    /// Begins a session that no browser signed in for: signed, recorded, written, recorded. `with`: what is used up by it, and
    /// why there is none where that is used up already.
    pub(crate) async fn begin_session(
        &self,
        scribe: &Scribe,
        made: &SessionRow,
        with: Option<(Write, Why)>,
        now: Timestamp,
    ) -> Result<Secret, Why> {
        let token = self.tokens.issue(made, now).await?;
        let attempt = scribe.handed(made, now, random()?, Phase::Attempt, domain::Code::literal("allowed"));
        self.audit.attempt(scribe.action_id, &[attempt]).await.map_err(|_| Why::AuditUnavailable)?;
        let (used, gone) = with.unzip();
        let begun = sessions::begun(made).map(|swap| swap.to_write());
        let written = self.dynamo.write_all(used.into_iter().chain(begun).collect()).await;
        let written = written.map_err(|fault| match fault {
            GateFault::Condition(_) => gone.unwrap_or(Why::FactsUnavailable),
            GateFault::NotWritten => Why::FactsUnavailable,
            GateFault::Unknown => Why::NotConfirmed,
        });
        let outcome = scribe.handed(made, aws::now(), random()?, Phase::Outcome, Why::ended(written));
        let _ = self.audit.record(&[outcome]).await;
        written.map(|()| token)
    }
}

/// What whoever may act as somebody is given.
pub fn told(token: &Secret, row: &SessionRow) -> Value {
    json!({"session": token.expose(), "expires_at": row.expires_at, "user": row.user, "org": row.org})
}

fn redeem_of(request: &Request) -> Result<Redeem, Refused> {
    let body: Value = serde_json::from_str(&request.body.clone()?).map_err(|_| Why::InvalidJson)?;
    let wanted: Redeem = crate::ask::read(&body)?;
    // What is longer is nobody's, and is not looked at.
    let long = wanted.code.len() > SECRET_BYTES_MAX || wanted.verifier.len() > SECRET_BYTES_MAX;
    if long { Err(Why::HandoffCode.into()) } else { Ok(wanted) }
}

fn handed(who: &Who, region: domain::Region, action: ActionId) -> Scribe {
    Scribe { method: "handoff", ..Scribe::of(who, region, action, "handoff.redeem", EventType::AuthSignIn) }
}

impl Scribe {
    /// The new session is what it is done to; the first is who did it.
    pub(crate) fn handed(
        &self,
        made: &SessionRow,
        at: Timestamp,
        random: [u8; 10],
        phase: Phase,
        reason: domain::Code,
    ) -> domain::AuditRecord {
        let client = domain::MetaValue::Code(domain::Code::literal(made.client.as_str()));
        self.record(Entry {
            at,
            random,
            phase,
            decision: Decided::Allow,
            reason,
            authority: None,
            resource: Some(format!("session:{}", made.id)),
            metadata: domain::Metadata::default().with("client", client),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "https://approvals.acme.com/v1/signed-in";

    #[test]
    fn a_session_goes_to_this_machine_or_to_an_address_of_ours_and_nowhere_else() {
        let ours = [OURS.to_owned()];
        let parsed = |text: &str| Place::parse(text, &ours);
        assert_eq!(parsed(OURS), Ok(Place::Ours(OURS.to_owned())));
        assert_eq!(parsed("http://127.0.0.1:40123/"), Ok(Place::Loopback { port: 40_123 }));
        for bad in [
            "",
            "https://approvals.acme.com/v1/signed-in/",
            "https://approvals.acme.com/v1/signed-in?x",
            "https://approvals.acme.com.evil.com/v1/signed-in",
            "http://127.0.0.1:40123",
            "http://127.0.0.1:40123/x",
            "http://127.0.0.1:80/",
            "http://127.0.0.1:+4000/",
            "http://127.0.0.1:70000/",
            "http://127.0.0.1:@evil.com/",
            "http://127.0.0.1:4000@evil.com/",
            "http://localhost:40123/",
            "https://127.0.0.1:40123/",
            "javascript:alert(1)",
        ] {
            assert_eq!(parsed(bad), Err(Why::HandoffPlace), "{bad}");
        }
    }

    #[test]
    fn a_code_is_taken_by_whoever_made_its_challenge() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let made = challenge("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").unwrap();
        assert_eq!(made, challenge_of(verifier));
        assert_ne!(made, challenge_of(verifier.trim_end_matches("k")));
        for bad in ["", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c", "!".repeat(43).as_str()] {
            assert_eq!(challenge(bad), Err(Why::HandoffPlace), "{bad}");
        }
    }

    #[test]
    fn a_code_ends_after_a_minute_whatever_else_is_right() {
        let at = |millis| Timestamp::from_unix_millis(millis).unwrap();
        let verifier = "v".repeat(43);
        let parent = SessionRow {
            id: SessionId::from_random([1; 10]),
            org: domain::OrgId::from_random([2; 10]),
            user: domain::UserId::from_random([3; 10]),
            epoch: 1,
            through: domain::Through::Connection(ConnectionId::from_random([4; 10])),
            client: SessionClient::Browser,
            created_at: at(0),
            seen_at: at(0),
            expires_at: at(9_000_000),
            mfa: true,
            revoked_at: None,
        };
        let row = HandoffRow {
            session: parent.id.clone(),
            challenge: challenge_of(&verifier),
            client: SessionClient::Command,
            expires_at: at(60_000),
        };
        let tried = |row: &HandoffRow, verifier: &str, now| {
            redeemed(row, verifier, &parent, &Rows::new(), at(now)).map(|_| ()).unwrap_err()
        };
        assert_eq!(tried(&row, &verifier, 60_000), Why::HandoffCode);
        assert_eq!(tried(&row, "another", 59_999), Why::HandoffCode);
        // In time, and by whoever asked: now the session itself is looked at, which no row stands behind here.
        assert_eq!(tried(&row, &verifier, 59_999), Why::OrgInactive);
        let made = child(&parent, SessionClient::Command, SessionId::from_random([7; 10]), at(5));
        assert_eq!((made.expires_at, made.mfa, made.epoch), (parent.expires_at, true, 1));
        assert!(made.id != parent.id);
    }

    #[test]
    fn whoever_is_not_signed_in_comes_back_here() {
        let asked = HandOff {
            to: "http://127.0.0.1:40123/".to_owned(),
            challenge: "c".repeat(43),
            connection: Some(ConnectionId::from_random([1; 10])),
        };
        let response = asked.by_sign_in().unwrap();
        assert_eq!(response.status(), 303);
        let back = format!("/v1/handoff?{}", asked.query());
        assert!(crate::sso::begin::ReturnTo::parse(&back).is_ok(), "{back}");
        assert_eq!(HandOff { connection: None, ..asked }.by_sign_in().unwrap_err(), Why::SignInNeeded);
    }
}
