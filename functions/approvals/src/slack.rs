//! A click in Slack. The message there says nothing of what is asked, so nobody approves by it: one may deny, or open the link.
//!
//! The signature is over the body as it was sent, `v0:{timestamp}:{body}`, and counts for five minutes (Slack, "Verifying requests
//! from Slack"). A click counts once.

use domain::{
    ApprovalId, ApprovalRow, Code, ConnectionId, EventType, LinkRow, Metadata, Opaque, OrgId, Phase, Say,
    SessionId, TenantId, Timestamp, UserId,
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tables::approvals::step;
use tables::gates::Write;
use tables::{GateFault, Key, Marker, Swap, Table, unchanged};

use crate::channels::Slack;
use crate::desk::{Away, Desk, Outside};
use crate::effects::{Case, Effects, NoCase, ten};
use crate::event::SlackCall;
use crate::records::{Entry, Scribe};
use crate::response::Response;
use crate::who::{May, STANDING, Session};
use domain::ApprovalStep as Step;

/// Older, or newer, than that is refused.
const WINDOW_S: u64 = 300;
/// How often a word is decided anew because others decide at the same time.
const TRIES: u32 = 16;

/// Why a click does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unheard {
    /// Not Slack's, late, or not readable: nobody is known.
    Forged,
    /// It was taken before.
    Replayed,
    /// The workspace's person is nobody of the tenant's.
    Nobody,
    /// Their word does not count, and why.
    Refused(&'static str),
    Unavailable,
}

impl From<Away> for Unheard {
    fn from(Away: Away) -> Self {
        Self::Unavailable
    }
}

/// What a click says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Click {
    pub team: String,
    pub user: String,
    pub action_ts: String,
    /// `None`: the link, which Slack tells of too.
    pub deny: Option<ApprovalId>,
}

#[derive(Deserialize)]
struct Payload {
    #[serde(rename = "type")]
    kind: String,
    team: Named,
    user: Named,
    actions: Vec<Acted>,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

#[derive(Deserialize)]
struct Acted {
    action_id: String,
    action_ts: String,
    #[serde(default)]
    value: String,
}

/// Whether a call is of the workspace that holds this secret, and of now. Pure.
///
/// # Errors
/// It is not.
pub fn verified(call: &SlackCall, secret: &str, now: Timestamp) -> Result<(), Unheard> {
    let at: u64 = call.timestamp.parse().map_err(|_| Unheard::Forged)?;
    if at.abs_diff(now.unix_millis() / 1_000) > WINDOW_S {
        return Err(Unheard::Forged);
    }
    let hex = call.signature.strip_prefix("v0=").ok_or(Unheard::Forged)?;
    let signature = from_hex(hex).ok_or(Unheard::Forged)?;
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_err(|_| Unheard::Forged)?;
    let mac =
        mac.chain_update(b"v0:").chain_update(&call.timestamp).chain_update(b":").chain_update(&call.body);
    // In a time that says nothing.
    if secret.is_empty() {
        Err(Unheard::Forged)
    } else {
        mac.verify_slice(&signature).map_err(|_| Unheard::Forged)
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| char::from(c).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let byte = |pair: &[u8]| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    };
    text.as_bytes().chunks(2).map(byte).collect()
}

/// Reads the form of a click (Slack, "block_actions payload"). Pure.
///
/// # Errors
/// It is none.
pub fn click(body: &str) -> Result<Click, Unheard> {
    let pairs = caller::form::parse(body, 8).ok_or(Unheard::Forged)?;
    let text = pairs.into_iter().find(|(name, _)| name == "payload").ok_or(Unheard::Forged)?.1;
    let payload: Payload = serde_json::from_str(&text).map_err(|_| Unheard::Forged)?;
    let [acted] = payload.actions.as_slice() else { return Err(Unheard::Forged) };
    if payload.kind != "block_actions" {
        return Err(Unheard::Forged);
    }
    let deny = match acted.action_id.as_str() {
        "deny" => Some(acted.value.parse().map_err(|_| Unheard::Forged)?),
        _ => None,
    };
    Ok(Click { team: payload.team.id, user: payload.user.id, action_ts: acted.action_ts.clone(), deny })
}

impl Click {
    fn digest(&self, tenant: &TenantId) -> Opaque {
        Opaque::of(&["countersign slack", tenant.as_str(), &self.team, &self.user, &self.action_ts])
    }
}

impl<D: Desk, O: Outside> Effects<D, O> {
    /// A call of Slack's. It is answered alike whatever comes of it, but where it is not Slack's at all.
    pub(crate) async fn slack(&self, tenant: &TenantId, call: &SlackCall) -> Response {
        match self.heard(tenant, call).await {
            Ok(()) | Err(Unheard::Replayed | Unheard::Nobody | Unheard::Refused(_)) => {
                Response::text(200, "")
            }
            Err(Unheard::Forged) => {
                Response::text(401, "the signature is not this tenant's workspace's, or is not of now")
            }
            Err(Unheard::Unavailable) => Response::text(503, "try again"),
        }
    }

    async fn heard(&self, tenant: &TenantId, call: &SlackCall) -> Result<(), Unheard> {
        let slack =
            self.channels(tenant).await?.and_then(|channels| channels.slack).ok_or(Unheard::Forged)?;
        let secret = slack.signing_secret.as_ref().ok_or(Unheard::Forged)?;
        verified(call, secret.expose(), self.desk.now())?;
        let click = click(&call.body)?;
        let Some(id) = click.deny.clone() else { return Ok(()) };
        let link = self.link(&id).await?.filter(|link| link.tenant == *tenant).ok_or(Unheard::Nobody)?;
        self.once(tenant, &click).await?;
        let session = self.as_session(&link, &slack, &click).await?;
        let denied = Box::pin(self.deny(&link, &id, &session)).await;
        if let Err(Unheard::Refused(reason)) = denied {
            let scribe = self.of_slack(&session, tenant)?;
            let entry = Entry::refusal(EventType::ApprovalVoted, reason, self.desk.now(), ten(&self.desk)?);
            self.record(&scribe, entry).await?;
        }
        denied
    }

    fn of_slack(&self, session: &Session, tenant: &TenantId) -> Result<Scribe, Away> {
        Ok(Scribe::person(session, None, tenant, (self.desk.region(), self.action()?)))
    }

    /// A click is taken once, whoever sends it again.
    async fn once(&self, tenant: &TenantId, click: &Click) -> Result<(), Unheard> {
        let until = self.desk.now().plus_millis(2 * WINDOW_S * 1_000);
        let swap = Swap::create(Key::taken_once(&click.digest(tenant)), Marker::item()).expiring(until);
        match self.desk.write(vec![swap.to_write()]).await {
            Ok(()) => Ok(()),
            Err(GateFault::Condition(_)) => Err(Unheard::Replayed),
            Err(GateFault::NotWritten | GateFault::Unknown) => Err(Unheard::Unavailable),
        }
    }

    /// Slack's word for who it is, as a session of theirs: without a second factor, and without any before or after.
    async fn as_session(&self, link: &LinkRow, slack: &Slack, click: &Click) -> Result<Session, Unheard> {
        let user = slack.users.get(&click.user).cloned().ok_or(Unheard::Nobody)?;
        let digest = Sha256::digest(click.digest(&link.tenant).as_str());
        let id = digest.first_chunk::<10>().copied().ok_or(Unheard::Unavailable)?;
        let connection = self.a_connection(&link.org, &user).await?.ok_or(Unheard::Nobody)?;
        let (id, method) = (SessionId::from_random(id), Code::literal("slack"));
        Ok(Session { user, org: link.org.clone(), id, connection, method, mfa: false })
    }

    /// By which connection somebody comes: the one whose directory has them in a group, or the first that there is.
    async fn a_connection(&self, org: &OrgId, user: &UserId) -> Result<Option<ConnectionId>, Away> {
        let mut first = None;
        for one in self.connections_of(org).await? {
            let prefix = tables::directory::groups_of(user);
            let page = self
                .desk
                .page(Table::Identity, &tables::directory::partition(&one.id), &prefix, None)
                .await?;
            if !page.rows.is_empty() {
                return Ok(Some(one.id));
            }
            first = first.or(Some(one.id));
        }
        Ok(first)
    }

    async fn deny(&self, link: &LinkRow, id: &ApprovalId, session: &Session) -> Result<(), Unheard> {
        for round in 0..TRIES {
            let Some((scribe, row, writes)) = self.denial(link, id, session).await? else { return Ok(()) };
            let event = EventType::ApprovalVoted;
            let said = || Metadata::default().flag("denied_in_slack", true);
            let attempt = Entry::of(event, Phase::Attempt, self.desk.now(), ten(&self.desk)?).with(said());
            self.desk.attempt(scribe.action_id, scribe.record(attempt)).await?;
            let written = self.wrote(&scribe, writes, &row).await?;
            let outcome = Entry::of(event, Phase::Outcome, self.desk.now(), ten(&self.desk)?).with(said());
            if written {
                self.told(&scribe, outcome).await;
                return self.denied(&scribe, &row).await;
            }
            self.told(&scribe, outcome.because("approvals_unavailable")).await;
            self.desk.pause(round).await;
        }
        Err(Unheard::Unavailable)
    }

    /// What their no writes; `None`: they have said it.
    async fn denial(
        &self,
        link: &LinkRow,
        id: &ApprovalId,
        session: &Session,
    ) -> Result<Option<(Scribe, ApprovalRow, Vec<Write>)>, Unheard> {
        let Case { me, row, item, rows, action, .. } =
            self.case(session, link, id).await.map_err(|why| match why {
                NoCase::Nothing(reason) => Unheard::Refused(reason),
                NoCase::Unavailable => Unheard::Unavailable,
            })?;
        // For whom it is done is not known.
        action.map_err(|_| Unheard::Unavailable)?;
        if row.votes.iter().any(|vote| vote.user == session.user && vote.say == Say::Deny) {
            return Ok(None);
        }
        let now = self.desk.now();
        if me.may(&row, now) == May::Nothing {
            return Err(Unheard::Refused("role_forbids"));
        }
        let vote = me.vote(&row, Say::Deny, (now, 0));
        let refused = |why| Unheard::Refused(crate::decide::No::Not(why).as_str());
        let new = me.cast(row, vote, now).map_err(refused)?;
        let mut writes = step(&item, &new, now);
        let (key, item) = &me.row;
        writes.push(unchanged(key, Some(item), &STANDING));
        let binding = Key::binding(&me.tenant, &session.user);
        writes.push(unchanged(&binding, rows.get(&binding), &["role", "via"]));
        let scribe = self.of_slack(session, &me.tenant)?.about(&new);
        Ok(Some((scribe, new, writes)))
    }

    async fn denied(&self, scribe: &Scribe, row: &ApprovalRow) -> Result<(), Unheard> {
        if row.state == domain::ApprovalState::Pending {
            return Ok(());
        }
        let entry = Entry::of(EventType::ApprovalDecided, Phase::Single, self.desk.now(), ten(&self.desk)?);
        self.told(scribe, entry.because("denied")).await;
        self.tell(row, Step::Decided).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
