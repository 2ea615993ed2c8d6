//! The other half: whoever asked shows its code, and gets a session by it.

use std::collections::BTreeSet;

use domain::{ActionId, EventType, HandoffRow, Phase, SessionClient, SessionId, SessionRow, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use tables::codec::Row as _;
use tables::gates::Write;
use tables::{Attr, GateFault, Item, Key, Swap, deleted, hand_over};

use super::{HANDED_MAX, challenge_of, place_of};
use crate::ask::{Rows, Who};
use crate::decide::sessions;
use crate::effects::Effects;
use crate::event::{Params, Request};
use crate::records::Scribe;
use crate::refusal::{Refused, Why};
use crate::response::Response;
use crate::signin::random;
use crate::sso::Secret;
use crate::{Admin, who};

/// A code and a verifier are shorter.
const SECRET_BYTES_MAX: usize = 128;

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
pub(super) fn redeemed(
    row: &HandoffRow,
    verifier: &str,
    parent: &SessionRow,
    rows: &Rows,
    now: Timestamp,
) -> Result<Who, Why> {
    if row.used_at.is_some() || now >= row.expires_at || challenge_of(verifier) != row.challenge {
        return Err(Why::HandoffCode);
    }
    let who = who::standing(parent, rows, &Params::default(), now)?;
    if parent.handed.len() >= HANDED_MAX { Err(Why::HandoffMost) } else { Ok(who) }
}

/// The session for the other place. It has what the first has, and ends with it.
pub(super) fn child(parent: &SessionRow, client: SessionClient, id: SessionId, now: Timestamp) -> SessionRow {
    SessionRow {
        id,
        client,
        created_at: now,
        seen_at: now,
        revoked_at: None,
        root: Some(parent.root.clone().unwrap_or_else(|| parent.id.clone())),
        handed: BTreeSet::new(),
        ..parent.clone()
    }
}

/// A code is used while the session that it came from has not ended: both in the write that begins the new one.
fn used(key: &Key, item: &Item, made: &SessionRow, now: Timestamp) -> Vec<Write> {
    let mut new = item.clone();
    new.insert("used_at".to_owned(), Attr::text(now));
    let used = Swap { key: key.clone(), old: Some(item.clone()), new };
    let over = made.root.iter().map(|root| Write::from(hand_over(root, &made.id)));
    std::iter::once(used.to_write()).chain(over).collect()
}

impl Admin {
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
                // A code that was shown wrongly, or again, is told of once: from then on it is nobody's.
                let _ = self.effects.dynamo.write_all(vec![deleted(key, item)]).await;
                let refusal = scribe.refusal(why, now, random()?);
                self.effects.audit.record(&[refusal]).await.map_err(|_| Why::AuditUnavailable)?;
                return Err(why);
            }
        };
        let made = child(&who.session, row.client, SessionId::from_random(random()?), now);
        let token = self
            .effects
            .begin_session(&scribe, &made, (used(key, item, &made, now), Why::HandoffCode), now)
            .await?;
        Ok(Response::json(201, &told(&token, &made)))
    }
}

impl Effects {
    /// Begins a session that no browser signed in for: signed, recorded, written, recorded. `with`: what is written beside it, and
    /// why there is none where that cannot be.
    pub(crate) async fn begin_session(
        &self,
        scribe: &Scribe,
        made: &SessionRow,
        (with, gone): (Vec<Write>, Why),
        now: Timestamp,
    ) -> Result<Secret, Why> {
        let token = self.tokens.issue(made, now).await?;
        let told =
            |at, random, phase, reason| scribe.handed((&made.id, made.client), at, random, phase, reason);
        let attempt = told(now, random()?, Phase::Attempt, domain::Code::literal("allowed"));
        self.audit.attempt(scribe.action_id, &[attempt]).await.map_err(|_| Why::AuditUnavailable)?;
        let begun = sessions::begun(made).into_iter().map(|swap| swap.to_write());
        let written = self.dynamo.write_all(with.into_iter().chain(begun).collect()).await;
        let written = written.map_err(|fault| match fault {
            GateFault::Condition(_) => gone,
            GateFault::NotWritten => Why::FactsUnavailable,
            GateFault::Unknown => Why::NotConfirmed,
        });
        let outcome = told(aws::now(), random()?, Phase::Outcome, Why::ended(written));
        let _ = self.audit.record(&[outcome]).await;
        written.map(|()| token)
    }
}

/// What whoever may act as somebody is given.
pub fn told(token: &Secret, row: &SessionRow) -> Value {
    let mut told =
        json!({"session": token.expose(), "expires_at": row.expires_at, "user": row.user, "org": row.org});
    if let (Value::Object(fields), Some(connection)) = (&mut told, row.through.connection()) {
        fields.insert("connection".to_owned(), json!(connection));
    }
    told
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
