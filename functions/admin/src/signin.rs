//! Signing in: away to the provider, back with a code, and in.

use domain::{
    ActionId, ActorType, ConnectionId, ConnectionRow, EventType, Lifecycle, Org, Region, SessionId, TenantId,
    Timestamp, UserId,
};
use tables::codec::Row as _;
use tables::gates::Write;
use tables::{Attr, GateFault, Key, Marker, Swap, deleted};

use crate::Rules;
use crate::ask::{Rows, digest};
use crate::decide::admit::{self, Admitted, Door};
use crate::effects::Effects;
use crate::event::{COOKIE, SIGN_IN_COOKIE};
use crate::records::{Entry, Scribe};
use crate::refusal::{Refused, Why};
use crate::response::Response;
use crate::secrets;
use crate::sso::begin::{Journey, RedirectUri, ReturnTo};
use crate::sso::jws::{Typ, Unverified};
use crate::sso::{
    BrowserSecret, Callback, Connection, Identity, Pending, Secret, TokenRequest, begin, id_token,
};
use crate::taken;

/// Where a provider sends browsers back to: each connection has an address of its own, by which providers that do not name
/// themselves are told apart (RFC 9700 section 4.4).
pub fn callback_of(origin: &str, id: &ConnectionId) -> String {
    format!("{origin}/v1/sso/{id}/callback")
}

/// Where people go after a sign-in that names no page.
const HOME: &str = "/v1/session";

/// A connection that may be used, as it was read.
pub(crate) struct Ready {
    pub(crate) row: ConnectionRow,
    pub(crate) connection: Connection,
}

/// What a provider's answer shows: who it is, and a token by which more of them can be asked for.
struct Shown {
    identity: Identity,
    access: Option<Secret>,
}

/// Nobody comes in, and what is to be written all the same.
#[derive(Debug)]
struct KeptOut {
    why: Why,
    writes: Vec<Write>,
}

impl From<Why> for KeptOut {
    fn from(why: Why) -> Self {
        Self { why, writes: Vec::new() }
    }
}

impl KeptOut {
    /// What is told, and what is written now: nothing that is not recorded. What is lost here is written at the next try.
    fn once(self, recorded: Result<(), Why>) -> (Why, Vec<Write>) {
        match recorded {
            Ok(()) => (self.why, self.writes),
            Err(graver) => (graver, Vec::new()),
        }
    }
}

impl Effects {
    pub(crate) async fn ready(&self, id: &ConnectionId) -> Result<Ready, Why> {
        let item = self.dynamo.get(&Key::connection(id)).await.map_err(|_| Why::FactsUnavailable)?;
        let row = ConnectionRow::from_item(&item.ok_or(Why::NotFound)?).map_err(|_| Why::FactsUnavailable)?;
        let org = self.dynamo.get(&Key::org(&row.org)).await.map_err(|_| Why::FactsUnavailable)?;
        let org = org.map(|item| Org::from_item(&item)).transpose().map_err(|_| Why::FactsUnavailable)?;
        let active = |status| status == Lifecycle::Active;
        if !active(row.status) || !org.is_some_and(|org| active(org.status)) {
            return Err(Why::NotFound);
        }
        let connection = self.providers.connection(&row)?;
        Ok(Ready { row, connection })
    }

    /// Sends a browser to the provider. What must come back with it is kept sealed, for ten minutes.
    ///
    /// # Errors
    /// There is no such connection, or its provider does not answer as it should.
    pub async fn login(
        &self,
        origin: &str,
        id: &ConnectionId,
        return_to: Option<&str>,
        now: Timestamp,
    ) -> Result<Response, Why> {
        let Ready { connection, .. } = self.ready(id).await?;
        let (discovery, _) = self.providers.documents(&connection, None, now).await?;
        let redirect_uri = RedirectUri::parse(&callback_of(origin, id), self.providers.reach());
        let redirect_uri = redirect_uri.map_err(|_| Why::FactsUnavailable)?;
        let return_to = ReturnTo::parse(return_to.unwrap_or(HOME)).map_err(|_| Why::UnknownPath)?;
        let browser = BrowserSecret::from_random(random()?);
        let journey =
            Journey { redirect_uri: &redirect_uri, return_to, browser: &browser, max_age: None, now };
        let (pending, url) = begin(&connection, &discovery, journey, [random()?, random()?, random()?]);
        self.keep(&pending, now).await?;
        let cookie = format!(
            "{SIGN_IN_COOKIE}={}; Path=/; Max-Age=600; Secure; HttpOnly; SameSite=Lax",
            browser.expose()
        );
        Ok(Response::see_other(&url).with("set-cookie", &cookie))
    }

    async fn keep(&self, pending: &Pending, now: Timestamp) -> Result<(), Why> {
        let key = Key::sign_in(digest(&["countersign sign-in", pending.state.expose()]));
        let text = serde_json::to_string(pending).map_err(|_| Why::FactsUnavailable)?;
        let sealed = self.secrets.seal(&secrets::sign_in(&key), &text, now).await?;
        let mut row = Marker::item();
        row.insert("pending".to_owned(), Attr::B(sealed.as_bytes().to_vec()));
        let swap = Swap::create(key, row).expiring(now.plus_millis(3_600_000));
        self.dynamo.write_all(vec![swap.to_write()]).await.map_err(|_| Why::FactsUnavailable)
    }

    /// Takes what was kept away: whoever comes second with the same state finds nothing.
    async fn take(&self, callback: &Callback, now: Timestamp) -> Result<Pending, Why> {
        let key = Key::sign_in(digest(&["countersign sign-in", callback.state().expose()]));
        let item =
            self.dynamo.get(&key).await.map_err(|_| Why::FactsUnavailable)?.ok_or(Why::SignInReplayed)?;
        match self.dynamo.write_all(vec![deleted(&key, &item)]).await {
            Ok(()) => {}
            Err(GateFault::Condition(_)) => return Err(Why::SignInReplayed),
            Err(GateFault::NotWritten | GateFault::Unknown) => return Err(Why::FactsUnavailable),
        }
        let Some(Attr::B(sealed)) = item.get("pending") else { return Err(Why::FactsUnavailable) };
        let sealed = tables::sealed_bytes(sealed).map_err(|_| Why::FactsUnavailable)?;
        let opened = self.secrets.open(&secrets::sign_in(&key), &sealed, now).await?;
        opened.as_str().and_then(|text| serde_json::from_str(text).ok()).ok_or(Why::FactsUnavailable)
    }

    /// What came back with the browser, believed only as far as it belongs to what this browser began.
    async fn identified(
        &self,
        id: &ConnectionId,
        query: &str,
        browser: &BrowserSecret,
        now: Timestamp,
    ) -> Result<(Ready, Pending, Shown), Why> {
        let callback = Callback::parse(query).map_err(|_| Why::SignInFailed)?;
        let pending = self.take(&callback, now).await?;
        let ready = self.ready(id).await?;
        let shown = self.exchanged(callback, &pending, &ready, browser, now).await?;
        Ok((ready, pending, shown))
    }

    async fn exchanged(
        &self,
        callback: Callback,
        pending: &Pending,
        ready: &Ready,
        browser: &BrowserSecret,
        now: Timestamp,
    ) -> Result<Shown, Why> {
        let Ready { row, connection } = ready;
        let told = |fault: &dyn std::fmt::Display| {
            tracing::warn!(connection = connection.id().as_str(), %fault, "sign_in.refused");
            Why::SignInFailed
        };
        let (discovery, _) = self.providers.documents(connection, None, now).await?;
        let code =
            callback.accept(pending, connection, &discovery, browser, now).map_err(|fault| told(&fault))?;
        let secret = self.client_secret(row, connection, now).await?;
        let request = TokenRequest::new(&code, pending, connection, &discovery, &secret);
        let tokens = self.providers.exchange(&request).await.map_err(|fault| told(&fault))?;
        let kid = Unverified::parse(tokens.id_token.expose(), Typ::Plain).map_err(|fault| told(&fault))?;
        let (_, keys) = self.providers.documents(connection, kid.kid(), now).await?;
        let access = tokens.access_token;
        let identity = id_token::verify(&tokens.id_token, connection, &keys, pending, access.as_ref(), now);
        identity.map(|identity| Shown { identity, access }).map_err(|fault| told(&fault))
    }

    async fn client_secret(
        &self,
        row: &ConnectionRow,
        connection: &Connection,
        now: Timestamp,
    ) -> Result<Secret, Why> {
        let Some(sealed) = &row.secret else { return Ok(Secret::new("")) };
        let host = issuer_host(connection.issuer(), self.providers.reach()).ok_or(Why::FactsUnavailable)?;
        let aad = secrets::client(&Key::connection(&row.id), &host);
        let opened = self.secrets.open(&aad, sealed, now).await?;
        opened.as_str().map(Secret::new).ok_or(Why::KeysUnavailable)
    }

    /// Ends a sign-in: in, with a session, or not at all. Recorded before anything is written.
    pub async fn callback(
        &self,
        rules: &Rules,
        id: &ConnectionId,
        query: &str,
        browser: Option<&str>,
        now: Timestamp,
    ) -> Response {
        let browser = BrowserSecret::from_cookie(browser.unwrap_or_default());
        // Before a token has verified nobody is known, and nothing goes into anybody's ledger.
        let (ready, pending, shown) = match self.identified(id, query, &browser, now).await {
            Ok(identified) => identified,
            Err(why) => return refusal(why),
        };
        let mut scribe = match scribe(rules.region, &ready.row, now) {
            Ok(scribe) => scribe,
            Err(why) => return refusal(why),
        };
        match self.let_in(&ready, shown, &mut scribe, now).await {
            Ok((token, admitted)) => within(&token, &pending, &admitted),
            Err(kept_out) => refusal(self.kept_out(kept_out, &scribe, now).await),
        }
    }

    /// Recorded, then written.
    async fn kept_out(&self, kept_out: KeptOut, scribe: &Scribe, now: Timestamp) -> Why {
        let record = scribe.refused_sign_in(&kept_out, now, random().unwrap_or_default());
        let recorded = self.audit.record(&[record]).await.map_err(|_| Why::AuditUnavailable);
        let (why, writes) = kept_out.once(recorded);
        if !writes.is_empty() {
            let _ = self.dynamo.write_all(writes).await;
        }
        why
    }

    /// Reads who it is, and what they are. From then on the records name them, if they are somebody.
    async fn let_in(
        &self,
        ready: &Ready,
        shown: Shown,
        scribe: &mut Scribe,
        now: Timestamp,
    ) -> Result<(Secret, Admitted), KeptOut> {
        let Shown { mut identity, access } = shown;
        let new_user = UserId::from_random(random()?);
        let rows = self.at_the_door(ready, &identity, &new_user, now).await?;
        *scribe =
            scribe.clone().of_known(admit::linked(&rows, &ready.row.org, &ready.row, &identity).as_ref());
        if let Some(groups) = self.providers.more_groups(&ready.connection, &identity.groups, access).await {
            identity.groups = groups;
        }
        self.enter(ready, identity, (new_user, rows), scribe, now).await
    }

    async fn enter(
        &self,
        ready: &Ready,
        identity: Identity,
        (new_user, rows): (UserId, Rows),
        scribe: &Scribe,
        now: Timestamp,
    ) -> Result<(Secret, Admitted), KeptOut> {
        let door = Door {
            connection: &ready.connection,
            row: &ready.row,
            identity: &identity,
            rows: &rows,
            now,
            new_user,
            session: SessionId::from_random(random()?),
        };
        let admitted = match admit::admit(&door) {
            Err(why @ Why::Deprovisioned) => {
                return Err(KeptOut { why, writes: admit::kept_out(&door) });
            }
            admitted => admitted?,
        };
        let token = self.tokens.issue(&admitted.session, now).await?;
        let scribe = scribe.clone().by(&admitted);
        let taken = taken::all(&scribe, &admitted, now)?;
        let mut attempts = vec![scribe.sign_in(&admitted, now, random()?)];
        for one in &taken {
            attempts.push(one.attempt(now)?);
        }
        self.audit.attempt(scribe.action_id, &attempts).await.map_err(|_| Why::AuditUnavailable)?;
        let written = match self.dynamo.write_all(admitted.writes.clone()).await {
            Ok(()) => Ok(()),
            Err(GateFault::Condition(_)) => Err(Why::Conflict),
            Err(GateFault::NotWritten) => Err(Why::FactsUnavailable),
            Err(GateFault::Unknown) => Err(Why::NotConfirmed),
        };
        let mut outcomes = vec![scribe.ended(written, aws::now(), random()?)];
        for one in &taken {
            outcomes.push(one.outcome(written, aws::now())?);
        }
        let _ = self.audit.record(&outcomes).await;
        written.map(|()| (token, admitted)).map_err(KeptOut::from)
    }
}

fn within(token: &Secret, pending: &Pending, admitted: &Admitted) -> Response {
    tracing::info!(session = admitted.session.id.as_str(), created = admitted.created, "sign_in.done");
    Response::see_other(pending.return_to.as_str()).with("set-cookie", &cookie(token))
}

/// A browser's session: for this very host, out of reach of scripts.
pub fn cookie(token: &Secret) -> String {
    format!("{COOKIE}={}; Path=/; Max-Age=43200; Secure; HttpOnly; SameSite=Lax", token.expose())
}

pub(crate) fn refusal(why: Why) -> Response {
    Response::problem(&Refused::from(why))
}

pub(crate) fn random<const N: usize>() -> Result<[u8; N], Why> {
    aws::random().map_err(|_| Why::FactsUnavailable)
}

/// Which host a connection's secret is sealed for.
pub fn issuer_host(issuer: &str, reach: egress::Reach) -> Option<String> {
    egress::Target::parse(issuer, reach).ok().map(|target| target.host())
}

/// Nobody yet: the provider's word is all there is.
pub(crate) fn scribe(region: Region, row: &ConnectionRow, now: Timestamp) -> Result<Scribe, Why> {
    Ok(Scribe {
        region,
        action_id: ActionId::new(now, random()?),
        actor: domain::Actor::system(),
        actor_type: ActorType::System,
        method: "oidc",
        session: None,
        mfa: None,
        request_id: None,
        org: row.org.clone(),
        tenant: TenantId::platform(),
        action: "sso.sign_in",
        event: EventType::AuthSignIn,
    })
}

impl Scribe {
    /// Whoever the provider has shown, if it is somebody here: not let in is not unknown.
    fn of_known(self, user: Option<&UserId>) -> Self {
        match user {
            Some(user) => Self { actor: domain::Actor::from(user), actor_type: ActorType::User, ..self },
            None => self,
        }
    }

    fn by(self, admitted: &Admitted) -> Self {
        Self {
            actor: domain::Actor::from(&admitted.user),
            actor_type: ActorType::User,
            session: admitted.session.id.as_str().parse().ok(),
            mfa: Some(admitted.mfa),
            ..self
        }
    }

    pub(crate) fn entry(
        at: Timestamp,
        random: [u8; 10],
        phase: domain::Phase,
        reason: domain::Code,
    ) -> Entry {
        let (decision, metadata) = (domain::Decided::Allow, domain::Metadata::default());
        Entry { at, random, phase, decision, reason, authority: None, resource: None, metadata }
    }

    fn sign_in(&self, admitted: &Admitted, at: Timestamp, random: [u8; 10]) -> domain::AuditRecord {
        let metadata = domain::Metadata::default().flag("created", admitted.created);
        let entry = Self::entry(at, random, domain::Phase::Attempt, domain::Code::literal("allowed"));
        self.record(Entry { metadata, ..entry })
    }

    fn ended(&self, ended: Result<(), Why>, at: Timestamp, random: [u8; 10]) -> domain::AuditRecord {
        let reason = Why::ended(ended);
        self.record(Self::entry(at, random, domain::Phase::Outcome, reason))
    }

    fn refused_sign_in(&self, kept_out: &KeptOut, at: Timestamp, random: [u8; 10]) -> domain::AuditRecord {
        let entry = Self::entry(at, random, domain::Phase::Single, kept_out.why.code());
        let metadata = match kept_out.writes.is_empty() {
            true => domain::Metadata::default(),
            false => domain::Metadata::default().flag("address_closed", true),
        };
        self.record(Entry { decision: domain::Decided::Deny, metadata, ..entry })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Lifecycle, OrgId};

    /// A refusal says whose it is as soon as that is known: whoever is not let in is not nobody.
    #[test]
    fn a_refused_sign_in_names_whoever_is_known() {
        let now = Timestamp::from_unix_millis(1_790_000_000_000).unwrap();
        let row = ConnectionRow {
            id: ConnectionId::from_random([1; 10]),
            org: OrgId::from_random([2; 10]),
            status: Lifecycle::Active,
            document: "{}".to_owned(),
            secret: None,
        };
        let user = UserId::from_random([3; 10]);
        for (known, actor, kind) in [
            (Some(&user), domain::Actor::from(&user), ActorType::User),
            (None, domain::Actor::system(), ActorType::System),
        ] {
            let scribe = scribe(Region::Eu, &row, now).unwrap().of_known(known);
            for why in [Why::NotAdmitted, Why::MfaRequired, Why::Deprovisioned, Why::GroupsUntold] {
                let record = scribe.refused_sign_in(&why.into(), now, [7; 10]);
                assert_eq!((&record.actor_id, record.actor_type), (&actor, kind));
                assert_eq!((record.org_id, record.reason), (row.org.clone(), why.code()));
                assert_eq!(record.event_type, EventType::AuthSignIn);
                assert_eq!(record.metadata, domain::Metadata::default());
            }
        }
    }

    /// An address is closed once it is told that it is, and not before.
    #[test]
    fn nothing_is_written_of_whoever_is_kept_out_before_it_is_recorded() {
        let org = OrgId::from_random([2; 10]);
        let place = Key::address(&org, domain::Opaque::from_digest(&[3; 32]));
        let kept_out = || {
            let why = Why::Deprovisioned;
            KeptOut { why, writes: vec![Swap::create(place.clone(), Marker::item()).to_write()] }
        };
        let now = Timestamp::from_unix_millis(1_790_000_000_000).unwrap();
        let row = ConnectionRow {
            id: ConnectionId::from_random([1; 10]),
            org: org.clone(),
            status: Lifecycle::Active,
            document: "{}".to_owned(),
            secret: None,
        };
        let record = scribe(Region::Eu, &row, now).unwrap().refused_sign_in(&kept_out(), now, [7; 10]);
        assert_eq!(record.metadata, domain::Metadata::default().flag("address_closed", true));
        let (why, writes) = kept_out().once(Ok(()));
        assert_eq!((why, writes.len()), (Why::Deprovisioned, 1));
        assert_eq!(kept_out().once(Err(Why::AuditUnavailable)), (Why::AuditUnavailable, Vec::new()));
    }
}
