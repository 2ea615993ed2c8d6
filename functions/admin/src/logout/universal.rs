//! A provider ends everything of somebody's (Global Token Revocation; Okta's Universal Logout): server to server, by a status
//! alone. Whoever cannot be told apart from a stranger is told 401; what is asked by the provider itself and refused is recorded.

use domain::{AddressRow, ConnectionId, FoundRow, OrgId, Timestamp, UserId};
use tables::codec::Row as _;
use tables::{Key, directory};

use super::{Found, Way};
use crate::ask::{Rows, digest};
use crate::decide::{admit, users};
use crate::event::Request;
use crate::refusal::Why;
use crate::response::Response;
use crate::signin::{Ready, random, refusal, scribe};
use crate::sso::jws::{TokenFault, Typ, Unverified};
use crate::sso::universal::{self, Asker, Named, Subject, SubjectFault, TYP};
use crate::sso::{Connection, Secret};
use crate::{Admin, Effects, Rules};

const ACTION: &str = "sso.universal_logout";

/// How much of somebody's ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Every session: the provider or its own directory names the person.
    All,
    /// What came by this connection: an address identifies nobody, and may be of somebody who is another provider's.
    Here,
}

impl From<SubjectFault> for Why {
    fn from(fault: SubjectFault) -> Self {
        match fault {
            SubjectFault::Malformed => Self::UniversalSubject,
            SubjectFault::Foreign => Self::UniversalClient,
            SubjectFault::Unnamed => Self::UniversalUnnamed,
        }
    }
}

/// Where each provider posts to, which its tokens are for.
fn endpoint(origin: &str, id: &ConnectionId) -> String {
    format!("{origin}/v1/sso/{id}/universal-logout")
}

/// Rows by which somebody is found, most certain first.
fn places(org: &OrgId, connection: &Connection, named: &Named<'_>) -> Vec<(Key, Reach)> {
    let of = connection.id();
    let found = |by, digest| (directory::found(of, directory::Kind::User, by, &digest), Reach::All);
    let identity = named.identity.map(|(issuer, sub)| (admit::link_of(org, issuer, sub), Reach::All));
    let external =
        named.external.map(|id| found(directory::By::External, directory::external_digest(of, id)));
    let by_email = named.email.into_iter().flat_map(|email| {
        [
            found(directory::By::Name, directory::name_digest(of, email)),
            found(directory::By::Mail, directory::mail_digest(of, email)),
            (Key::address(org, users::address_of(org, email)), Reach::Here),
        ]
    });
    identity.into_iter().chain(external).chain(by_email).collect()
}

/// Who is meant: whom the first of these rows names.
///
/// # Errors
/// Nobody, more than one, or a row does not read.
fn person(places: &[(Key, Reach)], rows: &Rows) -> Result<(UserId, Reach), Why> {
    for (key, reach) in places {
        let Some(item) = rows.get(key) else { continue };
        let user = match reach {
            Reach::Here => AddressRow::from_item(item)?.user,
            Reach::All => match admit::linked_user(item) {
                Some(user) => Some(user),
                None => only(&FoundRow::from_item(item)?)?,
            },
        };
        if let Some(user) = user {
            return Ok((user, *reach));
        }
    }
    Err(Why::UniversalUnknown)
}

/// What directories call people by need not be theirs alone.
fn only(row: &FoundRow) -> Result<Option<UserId>, Why> {
    match row.0.len() {
        0 => Ok(None),
        1 => directory::ids::<UserId>(row).into_iter().next().map(Some).ok_or(Why::FactsUnavailable),
        _ => Err(Why::UniversalUnnamed),
    }
}

/// Where it is kept that a token was used.
fn used(asker: &Asker) -> Key {
    Key::sign_in(digest(&["countersign universal logout", &asker.issuer, &asker.jti]))
}

impl Admin {
    /// Logs somebody out everywhere, as their provider asks.
    pub(crate) async fn universal_logout(
        &self,
        request: &Request,
        id: &ConnectionId,
        token: Option<&Secret>,
        now: Timestamp,
    ) -> Response {
        let endpoint = endpoint(&self.origin(request), id);
        let (ready, asker) = match self.effects.asker(id, &endpoint, token, now).await {
            Ok(known) => known,
            Err(why @ (Why::UniversalToken | Why::UniversalClient)) => {
                return self.stranger(request, why, now);
            }
            Err(why) => return refusal(why),
        };
        let body = request.body.as_deref().ok();
        match self.effects.everywhere(&self.rules, (&ready, &asker), body, now).await {
            Ok(()) => Response::empty(204),
            Err(why) => refusal(why),
        }
    }
}

impl Effects {
    /// Which provider asks. A connection that is none, or is stopped, is told apart from a wrong token by nobody.
    async fn asker(
        &self,
        id: &ConnectionId,
        endpoint: &str,
        token: Option<&Secret>,
        now: Timestamp,
    ) -> Result<(Ready, Asker), Why> {
        let token = token.ok_or(Why::UniversalToken)?;
        let kid = Unverified::parse(token.expose(), Typ::Only(TYP)).map_err(|_| Why::UniversalToken)?;
        let ready = self.ready(id).await.map_err(|why| match why {
            Why::NotFound => Why::UniversalToken,
            why => why,
        })?;
        let (_, keys) = self.providers.documents(&ready.connection, kid.kid(), now).await?;
        let asker = universal::verify(token, &ready.connection, endpoint, &keys, now).map_err(|fault| {
            tracing::warn!(connection = id.as_str(), %fault, "universal_logout.refused");
            if fault == TokenFault::Subject { Why::UniversalClient } else { Why::UniversalToken }
        })?;
        self.unused(&used(&asker), Why::UniversalToken).await?;
        Ok((ready, asker))
    }

    /// What cannot be done just now leaves the token as it is: the provider tries again by it.
    async fn everywhere(
        &self,
        rules: &Rules,
        (ready, asker): (&Ready, &Asker),
        body: Option<&str>,
        now: Timestamp,
    ) -> Result<(), Why> {
        let ended = self.end_everywhere(rules, ready, body, now).await;
        match ended {
            Ok(()) => {}
            Err(why @ (Why::FactsUnavailable | Why::AuditUnavailable)) => return Err(why),
            Err(why) => {
                let scribe = scribe(rules.region, &ready.row, now)?.ending_sessions(ACTION, Way::BackChannel);
                let refused = scribe.refusal(why, now, random()?);
                self.audit.record(&[refused]).await.map_err(|_| Why::AuditUnavailable)?;
            }
        }
        self.once(used(asker), Why::UniversalToken, now).await?;
        ended
    }

    async fn end_everywhere(
        &self,
        rules: &Rules,
        ready: &Ready,
        body: Option<&str>,
        now: Timestamp,
    ) -> Result<(), Why> {
        let subject = Subject::parse(body.ok_or(Why::UniversalSubject)?)?;
        let org = &ready.row.org;
        let places = places(org, &ready.connection, &subject.named(&ready.connection)?);
        let keys: Vec<Key> = places.iter().map(|(key, _)| key.clone()).collect();
        let rows = self.dynamo.batch_get(&keys).await.map_err(|_| Why::FactsUnavailable)?;
        let (user, reach) = person(&places, &rows)?;
        let sessions = self.sessions_of(org, &user).await?;
        let found = match reach {
            Reach::All => Found::all(user, sessions, now),
            Reach::Here => Found::of(sessions, &ready.row, |_| true, now).also(user),
        };
        let way = scribe(rules.region, &ready.row, now)?.ending_sessions(ACTION, Way::BackChannel);
        self.end(&way, found, now).await
    }
}

#[cfg(test)]
mod tests;
