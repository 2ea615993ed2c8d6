//! The provider ends sessions: by itself (OpenID Connect Back-Channel Logout 1.0), or through the browser (Front-Channel Logout
//! 1.0). A session is found by the provider's name of it (`sid`) or by the person, never by a scan.

mod universal;

use std::collections::BTreeMap;

use domain::{
    ActionId, ConnectionId, ConnectionRow, EventType, Opaque, OrgId, SessionId, SessionRow, Timestamp, UserId,
};
use tables::codec::Row as _;
use tables::{GateFault, Key, Marker, Swap, Table, end_session};

use crate::Rules;
use crate::ask::digest;
use crate::decide::{admit, sessions};
use crate::effects::{Effects, PAGE};
use crate::records::{Entry, Scribe};
use crate::refusal::Why;
use crate::response::Response;
use crate::signin::{Ready, random, scribe};
use crate::sso::Secret;
use crate::sso::jws::{Typ, Unverified};
use crate::sso::logout::{self, Ends, Logout};

/// What the log calls it.
const LOGOUT: &str = "sso.logout";

impl Effects {
    /// Ends the sessions that a provider says are over. The token is verified as any other is; what it does not name stays.
    ///
    /// # Errors
    /// As [`refused`] says.
    pub async fn logout(
        &self,
        rules: &Rules,
        id: &ConnectionId,
        token: Option<&str>,
        now: Timestamp,
    ) -> Result<Response, Why> {
        self.logged_out(rules, id, token, now).await.map(|()| Response::empty(200)).map_err(refused)
    }

    async fn logged_out(
        &self,
        rules: &Rules,
        id: &ConnectionId,
        token: Option<&str>,
        now: Timestamp,
    ) -> Result<(), Why> {
        let ready = self.ready(id).await?;
        let token = Secret::new(token.ok_or(Why::LogoutToken)?);
        let kid = Unverified::parse(token.expose(), Typ::Or("logout+jwt")).map_err(|_| Why::LogoutToken)?;
        let (_, keys) = self.providers.documents(&ready.connection, kid.kid(), now).await?;
        let told = logout::verify(&token, &ready.connection, &keys, now).map_err(|fault| {
            tracing::warn!(connection = id.as_str(), %fault, "logout.refused");
            Why::LogoutToken
        })?;
        let used = Key::sign_in(digest(&["countersign logout", &told.issuer, &told.jti]));
        self.unused(&used, Why::LogoutToken).await?;
        let found = self.found(&ready, &told, now).await?;
        let way = scribe(rules.region, &ready.row, now)?.ending_sessions(LOGOUT, Way::BackChannel);
        self.end(&way, found, now).await?;
        // Used up only when it has done its work: a provider tries again otherwise.
        self.once(used, Why::LogoutToken, now).await
    }

    /// Ends one session by the browser (OpenID Connect Front-Channel Logout 1.0). Whether there is one is told to nobody.
    ///
    /// # Errors
    /// As [`refused`] says.
    pub async fn front_logout(
        &self,
        rules: &Rules,
        id: &ConnectionId,
        query: &str,
        now: Timestamp,
    ) -> Result<Response, Why> {
        self.left(rules, id, query, now).await.map(|()| Response::empty(200)).map_err(refused)
    }

    async fn left(&self, rules: &Rules, id: &ConnectionId, query: &str, now: Timestamp) -> Result<(), Why> {
        let ready = self.ready(id).await?;
        let front = logout::front(query, &ready.connection).map_err(|_| Why::LogoutToken)?;
        let sid = sessions::at_provider(id, &front.issuer, &front.sid);
        let found =
            Found::of(self.sessions_at(&sid).await?, &ready.row, |row| row.sid.as_ref() == Some(&sid), now);
        let way = scribe(rules.region, &ready.row, now)?.ending_sessions(LOGOUT, Way::FrontChannel);
        self.end(&way, found, now).await
    }

    /// The sessions that a token is about.
    async fn found(&self, ready: &Ready, told: &Logout, now: Timestamp) -> Result<Found, Why> {
        let person = match &told.sub {
            None => None,
            Some(subject) => {
                let place = admit::link_of(&ready.row.org, &told.issuer, subject);
                let link = self.dynamo.get(&place).await.map_err(|_| Why::FactsUnavailable)?;
                link.as_ref().and_then(admit::linked_user)
            }
        };
        let sid = told.sid.as_ref().map(|sid| sessions::at_provider(&ready.row.id, &told.issuer, sid));
        let of_sid = |row: &SessionRow| row.sid == sid;
        let (org, row) = (&ready.row.org, &ready.row);
        Ok(match (told.ends(&ready.connection, person), &sid) {
            (Ends::All(person), _) => Found::all(person.clone(), self.sessions_of(org, &person).await?, now),
            (Ends::Of(person), _) => {
                let rows = self.sessions_of(org, &person).await?;
                Found::of(rows, row, |row| row.sid.is_none() || of_sid(row), now).also(person)
            }
            (Ends::At, Some(sid)) => Found::of(self.sessions_at(sid).await?, row, of_sid, now),
            (Ends::At | Ends::Nobody, _) => Found::default(),
        })
    }

    /// Ends what was found, person by person: recorded, written, recorded.
    async fn end(&self, scribe: &Scribe, found: Found, now: Timestamp) -> Result<(), Why> {
        for (user, ids) in found.0 {
            let scribe = Scribe { action_id: ActionId::new(now, random()?), ..scribe.clone() };
            let whose = (&user, ids.len() as u64);
            let allowed = domain::Code::literal("allowed");
            let attempt = scribe.logged_out(whose, now, random()?, domain::Phase::Attempt, allowed);
            self.audit.attempt(scribe.action_id, &[attempt]).await.map_err(|_| Why::AuditUnavailable)?;
            let ended = self.end_each(&ids, now).await;
            let (random, reason) = (random()?, Why::ended(ended));
            let outcome = scribe.logged_out(whose, aws::now(), random, domain::Phase::Outcome, reason);
            let _ = self.audit.record(&[outcome]).await;
            ended?;
        }
        Ok(())
    }

    async fn unused(&self, used: &Key, again: Why) -> Result<(), Why> {
        let used = self.dynamo.get(used).await.map_err(|_| Why::FactsUnavailable)?;
        if used.is_some() { Err(again) } else { Ok(()) }
    }

    /// A token ends sessions once: whoever has seen it cannot end later ones by it.
    async fn once(&self, used: Key, again: Why, now: Timestamp) -> Result<(), Why> {
        let swap = Swap::create(used, Marker::item()).expiring(now.plus_millis(3_600_000));
        match self.dynamo.write_all(vec![swap.to_write()]).await {
            Ok(()) => Ok(()),
            Err(GateFault::Condition(_)) => Err(again),
            Err(GateFault::NotWritten | GateFault::Unknown) => Err(Why::FactsUnavailable),
        }
    }

    async fn end_each(&self, ids: &[SessionId], now: Timestamp) -> Result<(), Why> {
        for id in ids {
            match self.dynamo.update(end_session(id, now)).await {
                // A session that was cleaned away has ended.
                Ok(()) | Err(GateFault::Condition(_)) => {}
                Err(GateFault::NotWritten | GateFault::Unknown) => return Err(Why::FactsUnavailable),
            }
        }
        Ok(())
    }

    /// Every session of a person.
    async fn sessions_of(&self, org: &OrgId, user: &UserId) -> Result<Vec<SessionRow>, Why> {
        self.sessions(&format!("ORG#{org}"), &format!("SESSION#{user}#")).await
    }

    /// Every session that came from one at a provider.
    async fn sessions_at(&self, sid: &Opaque) -> Result<Vec<SessionRow>, Why> {
        self.sessions(&Key::sessions_at_provider(sid), "SESSION#").await
    }

    /// The sessions that markers name, page by page. One that was cleaned away is over.
    async fn sessions(&self, pk: &str, prefix: &str) -> Result<Vec<SessionRow>, Why> {
        let (mut rows, mut after) = (Vec::new(), None::<String>);
        loop {
            let page = self.dynamo.page(Table::Identity, pk, prefix, after.as_deref(), PAGE).await;
            let page = page.map_err(|_| Why::FactsUnavailable)?;
            let ids = page.rows.iter().filter_map(|(key, _)| key.sk.strip_prefix(prefix)?.parse().ok());
            let keys: Vec<Key> = ids.map(|id: SessionId| Key::session(&id)).collect();
            let items = self.dynamo.batch_get(&keys).await.map_err(|_| Why::FactsUnavailable)?;
            let read = items.values().map(SessionRow::from_item).collect::<Result<Vec<_>, _>>();
            rows.extend(read.map_err(|_| Why::FactsUnavailable)?);
            after = page.rows.last().map(|(key, _)| key.sk.clone()).filter(|_| page.more);
            if after.is_none() {
                return Ok(rows);
            }
        }
    }
}

/// What whoever asks is told. OpenID Connect Back-Channel Logout 1.0, section 2.8: whatever is wrong with a token, 400.
fn refused(why: Why) -> Why {
    match why {
        Why::FactsUnavailable | Why::AuditUnavailable | Why::ProviderUnavailable => why,
        _ => Why::LogoutToken,
    }
}

/// How a provider tells that sessions are over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// By a token with its signature.
    BackChannel,
    /// Through a browser: nothing proves it but that it knows the session's name.
    FrontChannel,
}

impl Way {
    const fn method(self) -> &'static str {
        match self {
            Self::BackChannel => "oidc",
            Self::FrontChannel => "front_channel",
        }
    }
}

/// Sessions that are to end, by person. Those that are over already are not among them.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found(BTreeMap<UserId, Vec<SessionId>>);

impl Found {
    fn new(rows: impl Iterator<Item = SessionRow>, now: Timestamp) -> Self {
        let mut found = Self::default();
        for row in rows.filter(|row| row.revoked_at.is_none() && now < row.expires_at) {
            found.0.entry(row.user).or_default().push(row.id);
        }
        found
    }

    /// All of a person's. It is told even if there is none.
    fn all(user: UserId, rows: Vec<SessionRow>, now: Timestamp) -> Self {
        Self::new(rows.into_iter(), now).also(user)
    }

    /// Those that came by this connection and that `ends` names. What a row's place says is not believed.
    fn of(
        rows: Vec<SessionRow>,
        connection: &ConnectionRow,
        ends: impl Fn(&SessionRow) -> bool,
        now: Timestamp,
    ) -> Self {
        let here = |row: &SessionRow| {
            row.org == connection.org && row.through.connection() == Some(&connection.id) && ends(row)
        };
        Self::new(rows.into_iter().filter(here), now)
    }

    fn also(mut self, user: UserId) -> Self {
        self.0.entry(user).or_default();
        self
    }
}

impl Scribe {
    fn ending_sessions(self, action: &'static str, way: Way) -> Self {
        Self { action, event: EventType::AuthSession, method: way.method(), ..self }
    }

    fn logged_out(
        &self,
        (user, sessions): (&UserId, u64),
        at: Timestamp,
        random: [u8; 10],
        phase: domain::Phase,
        reason: domain::Code,
    ) -> domain::AuditRecord {
        let (resource, metadata) =
            (Some(format!("user:{user}")), domain::Metadata::default().count("sessions", sessions));
        self.record(Entry { resource, metadata, ..Self::entry(at, random, phase, reason) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Lifecycle, SessionClient, Through};
    use std::collections::BTreeSet;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_unix_millis(millis).unwrap()
    }

    fn connection(byte: u8) -> ConnectionId {
        ConnectionId::from_random([byte; 10])
    }

    fn session(byte: u8, user: u8, sid: Option<u8>) -> SessionRow {
        SessionRow {
            id: SessionId::from_random([byte; 10]),
            org: OrgId::from_random([1; 10]),
            user: UserId::from_random([user; 10]),
            epoch: 1,
            through: Through::Connection(connection(1)),
            client: SessionClient::Browser,
            created_at: at(0),
            seen_at: at(0),
            expires_at: at(9_000),
            mfa: true,
            revoked_at: None,
            root: None,
            handed: BTreeSet::new(),
            sid: sid.map(|byte| Opaque::from_digest(&[byte; 32])),
        }
    }

    /// Records tell what was proved from what was merely said.
    #[test]
    fn a_record_says_how_it_was_told() {
        let row = ConnectionRow {
            id: connection(1),
            org: OrgId::from_random([1; 10]),
            status: Lifecycle::Active,
            document: "{}".to_owned(),
            secret: None,
        };
        let user = UserId::from_random([1; 10]);
        for (way, method) in [(Way::BackChannel, "oidc"), (Way::FrontChannel, "front_channel")] {
            let scribe = scribe(domain::Region::Eu, &row, at(5)).unwrap().ending_sessions(LOGOUT, way);
            let allowed = domain::Code::literal("allowed");
            let record = scribe.logged_out((&user, 1), at(5), [7; 10], domain::Phase::Attempt, allowed);
            assert_eq!(record.auth_method, Some(domain::Code::literal(method)));
            assert_eq!(record.event_type, EventType::AuthSession);
        }
    }

    #[test]
    fn whoever_logs_out_wrongly_is_told_one_thing_unless_it_is_our_own_fault() {
        for why in [Why::NotFound, Why::LogoutToken, Why::Conflict] {
            assert_eq!(refused(why), Why::LogoutToken);
        }
        for why in [Why::FactsUnavailable, Why::AuditUnavailable, Why::ProviderUnavailable] {
            assert_eq!(refused(why), why);
        }
    }

    #[test]
    fn what_ends_came_by_this_connection_from_that_session_and_has_not_ended() {
        let row = ConnectionRow {
            id: connection(1),
            org: OrgId::from_random([1; 10]),
            status: Lifecycle::Active,
            document: "{}".to_owned(),
            secret: None,
        };
        let wanted = Some(Opaque::from_digest(&[7; 32]));
        let base = session(1, 1, Some(7));
        let rows = vec![
            base.clone(),
            session(2, 1, Some(8)),
            session(3, 2, Some(7)),
            session(4, 1, None),
            SessionRow { through: Through::Connection(connection(2)), ..session(5, 1, Some(7)) },
            SessionRow { org: OrgId::from_random([9; 10]), ..session(6, 1, Some(7)) },
            SessionRow { revoked_at: Some(at(1)), ..session(7, 1, Some(7)) },
            SessionRow { expires_at: at(5), ..session(8, 1, Some(7)) },
            // Handed over from the first: it has its name too.
            SessionRow {
                root: Some(base.id.clone()),
                client: SessionClient::Command,
                ..session(9, 1, Some(7))
            },
        ];
        let ids = |found: &Found| {
            let of = |user: u8| found.0.get(&UserId::from_random([user; 10])).cloned().unwrap_or_default();
            [of(1), of(2)]
        };
        let id = |byte: u8| SessionId::from_random([byte; 10]);
        let named = Found::of(rows.clone(), &row, |row| row.sid == wanted, at(5));
        assert_eq!(ids(&named), [vec![id(1), id(9)], vec![id(3)]]);
        let unknown = Found::of(rows.clone(), &row, |row| row.sid.is_none() || row.sid == wanted, at(5));
        assert_eq!(ids(&unknown), [vec![id(1), id(4), id(9)], vec![id(3)]]);
        let all = Found::all(
            base.user.clone(),
            rows.into_iter().filter(|row| row.user == base.user).collect(),
            at(5),
        );
        assert_eq!(ids(&all), [vec![id(1), id(2), id(4), id(5), id(6), id(9)], vec![]]);
        let none = Found::all(base.user, Vec::new(), at(5));
        assert_eq!(none.0.len(), 1, "that there was none is told of somebody known");
    }
}
