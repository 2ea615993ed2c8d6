//! Sessions, connections to identity providers, invitations, and changes that wait for a second person.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::event::{NotInCatalogue, catalogue};
use crate::id::text_serde;
use crate::{
    ChangeId, Code, ConnectionId, Lifecycle, Opaque, OrgId, QueryId, Role, SealedBytes, SessionId, TenantId,
    Timestamp, User, UserId, WorkloadId,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

catalogue! {
    /// What holds a session.
    SessionClient {
        /// A browser, at our own address.
        Browser = "browser",
        /// The command, on somebody's own machine.
        Command = "command",
        /// A page of ours at another address.
        Page = "page",
        /// A program, by its platform's token.
        Workload = "workload",
    }
}

/// By what a session was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Through {
    /// A person, through an identity provider.
    Connection(ConnectionId),
    /// A program, by the token of its platform.
    Workload(WorkloadId),
}

impl Through {
    pub const fn connection(&self) -> Option<&ConnectionId> {
        match self {
            Self::Connection(id) => Some(id),
            Self::Workload(_) => None,
        }
    }
}

/// A session as its row holds it: read with every request, so that ending one ends it for the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    pub id: SessionId,
    pub org: OrgId,
    pub user: UserId,
    /// The person's epoch when it began: any later one ends it.
    pub epoch: u64,
    /// By what it was begun: over when that is.
    pub through: Through,
    /// What holds it.
    pub client: SessionClient,
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub seen_at: Timestamp,
    /// It ends then, however much it is used.
    pub expires_at: Timestamp,
    /// Whether a second factor was proven, or the provider cannot tell and the connection does not ask.
    pub mfa: bool,
    pub revoked_at: Option<Timestamp>,
    /// The session that it was handed over from: over when that is.
    pub root: Option<SessionId>,
    /// Sessions that were handed over from it: ended with it.
    pub handed: BTreeSet<SessionId>,
    /// Digest of the session at the identity provider, where the provider names one: a logout there finds it by this.
    pub sid: Option<Opaque>,
}

/// Without use for so long, a session ends: 30 minutes.
pub const IDLE_MS: u64 = 30 * 60_000;

/// Why a session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionEnd {
    Revoked,
    Expired,
    Idle,
}

impl SessionRow {
    /// # Errors
    /// It is over. Revoking goes before everything else.
    pub fn check(&self, now: Timestamp) -> Result<(), SessionEnd> {
        match () {
            () if self.revoked_at.is_some() => Err(SessionEnd::Revoked),
            () if self.expires_at <= now => Err(SessionEnd::Expired),
            () if now.millis_since(self.seen_at) >= IDLE_MS => Err(SessionEnd::Idle),
            () => Ok(()),
        }
    }

    /// Whether the session that this one was handed over from still carries it; `root` is that one's row. Time without use is
    /// counted for each by itself: a browser may be closed while a command goes on.
    ///
    /// # Errors
    /// It is over, or there is none any more.
    pub fn check_root(&self, root: Option<&Self>, now: Timestamp) -> Result<(), SessionEnd> {
        let Some(id) = &self.root else { return Ok(()) };
        let same = |row: &&Self| {
            row.id == *id && row.org == self.org && row.user == self.user && row.epoch == self.epoch
        };
        match root.filter(same) {
            Some(row) if row.revoked_at.is_none() && now < row.expires_at => Ok(()),
            Some(row) if row.revoked_at.is_none() => Err(SessionEnd::Expired),
            _ => Err(SessionEnd::Revoked),
        }
    }
}

/// A connection to an identity provider. What the document means is `admin`'s business, but for which roles it gives.
#[derive(Clone, PartialEq, Eq)]
pub struct ConnectionRow {
    pub id: ConnectionId,
    pub org: OrgId,
    pub status: Lifecycle,
    /// JSON text of at most 64 KiB.
    pub document: String,
    /// The client's secret at the provider, sealed for the provider's host; public clients have none.
    pub secret: Option<SealedBytes>,
}

/// Members of `group` hold `grant`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupRole {
    pub group: String,
    pub grant: GroupGrant,
}

/// A role in a tenant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupGrant {
    pub tenant: TenantId,
    pub role: Role,
}

/// What is read of a connection's document here.
#[derive(Deserialize)]
struct Mapping {
    #[serde(default)]
    group_roles: Vec<GroupRole>,
}

impl ConnectionRow {
    /// Whether it gives that role in a tenant to any of its groups: a mapping that was taken away or lowered counts no longer,
    /// whatever a binding says that came by it.
    pub fn gives(&self, tenant: &TenantId, role: Role) -> bool {
        let is = |one: &GroupRole| one.grant.tenant == *tenant && one.grant.role == role;
        serde_json::from_str::<Mapping>(&self.document).is_ok_and(|form| form.group_roles.iter().any(is))
    }
}

impl fmt::Debug for ConnectionRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionRow").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A program that may sign in: whose tokens it brings, and what it may do with them.
#[derive(Clone, PartialEq, Eq)]
pub struct WorkloadRow {
    pub id: WorkloadId,
    pub org: OrgId,
    pub tenant: TenantId,
    /// As whom it acts: an id of its own, which no person has.
    pub user: UserId,
    pub role: Role,
    pub status: Lifecycle,
    /// Any later one ends its sessions.
    pub epoch: u64,
    /// JSON text: issuer, audience and subject of the tokens. What they mean is `admin`'s business.
    pub federation: String,
    /// The person who answers for it. Without one in good standing it does nothing; rows from before name none.
    pub owner: Option<InEpoch>,
    /// Who made it, or named its owner last: as long as nobody else does, what it does is theirs too. Rows from before name nobody.
    pub set_by: Option<UserId>,
}

/// Somebody in an epoch of theirs: once they were ended, what hangs on them is over, even if they are let in again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InEpoch {
    pub user: UserId,
    /// `None`: of a row from before it was kept, and over.
    pub epoch: Option<u64>,
}

impl InEpoch {
    pub const fn new(user: UserId, epoch: u64) -> Self {
        Self { user, epoch: Some(epoch) }
    }

    /// Whether they are who they were, by their row.
    pub fn stands(&self, person: Option<&User>) -> bool {
        person.is_some_and(|one| one.active && one.id == self.user && Some(one.epoch) == self.epoch)
    }
}

impl fmt::Debug for WorkloadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkloadRow").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A session that is being handed to another place: by whom it was allowed, and who may take it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandoffRow {
    /// The session that it comes from.
    pub session: SessionId,
    /// SHA-256 of a secret that only whoever asked has.
    pub challenge: Opaque,
    pub client: SessionClient,
    pub expires_at: Timestamp,
    /// When a session was begun by it. The row stays a while, so that it is known whose code is shown again.
    pub used_at: Option<Timestamp>,
}

/// Who owns a tenant or an organization, in one row: each change of it is one after the other, so that the last cannot go
/// unseen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OwnersRow(pub BTreeSet<UserId>);

/// Who administers the platform, in one row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AdminsRow {
    pub admins: BTreeSet<UserId>,
    /// There have been two: from then on nobody is made one by one person alone.
    pub seconded: bool,
}

/// A platform administrator's way into a tenant: reasoned, for a time, and opened by two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakGlassRow {
    /// The change that opened it; rows from before name none.
    pub id: Option<ChangeId>,
    /// For whom it is open.
    pub user: UserId,
    pub reason: Code,
    pub confirmed_by: UserId,
    pub expires_at: Timestamp,
}

catalogue! {
    /// Where a change stands that needs a second person.
    ChangeState {
        Pending = "pending",
        Confirmed = "confirmed",
        Withdrawn = "withdrawn",
    }
}

/// A change that waits for a second person.
#[derive(Clone, PartialEq, Eq)]
pub struct ChangeRow {
    pub id: ChangeId,
    /// The operation, by its name in the API document.
    pub operation: Code,
    /// The path that was called.
    pub path: String,
    /// The body that was sent, as JSON text of at most 64 KiB.
    pub body: String,
    /// What it was to be made on: the digest of the row as the first person saw it.
    pub seen: Option<Opaque>,
    pub by: UserId,
    /// As whom they asked; rows from before do not say, and are confirmed by nobody.
    pub asked_as: Option<AskedAs>,
    pub at: Timestamp,
    pub expires_at: Timestamp,
    pub state: ChangeState,
}

/// As whom somebody asked for a change: what must still hold when it is confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedAs {
    /// Their own organization, which need not be the one that the change is of.
    pub org: OrgId,
    /// Any later one means that they were ended since.
    pub epoch: u64,
    /// Through which they had signed in: roles that came by its groups are theirs as long as it gives them.
    pub connection: ConnectionId,
}

impl fmt::Debug for ChangeRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangeRow")
            .field("id", &self.id)
            .field("operation", &self.operation)
            .finish_non_exhaustive()
    }
}

/// A question to the audit trail: who asked, and where its answer is found. Of the question itself it holds a digest alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryRow {
    pub id: QueryId,
    /// As whatever runs the SQL calls it.
    pub execution: Opaque,
    /// What was asked: the same digest is the same question.
    pub question: Opaque,
    pub by: UserId,
    /// Asked of one's own doing: nobody else reads the answer.
    pub own: bool,
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_unix_millis(millis).unwrap()
    }

    #[test]
    fn a_session_ends_by_any_of_its_limits() {
        let row = SessionRow {
            id: SessionId::from_random([1; 10]),
            org: OrgId::from_random([2; 10]),
            user: UserId::from_random([3; 10]),
            epoch: 1,
            through: Through::Connection(ConnectionId::from_random([4; 10])),
            client: SessionClient::Browser,
            created_at: at(0),
            seen_at: at(1_000),
            expires_at: at(3 * 3_600_000),
            mfa: true,
            revoked_at: None,
            root: None,
            handed: BTreeSet::new(),
            sid: None,
        };
        let last = i64::try_from(IDLE_MS).unwrap() + 1_000;
        assert_eq!(row.check(at(last - 1)), Ok(()));
        assert_eq!(row.check(at(last)), Err(SessionEnd::Idle));
        let used = SessionRow { seen_at: at(3 * 3_600_000 - 1), ..row.clone() };
        assert_eq!(used.check(at(3 * 3_600_000)), Err(SessionEnd::Expired));
        let revoked = SessionRow { revoked_at: Some(at(9)), ..used };
        assert_eq!(revoked.check(at(3 * 3_600_000)), Err(SessionEnd::Revoked));
    }

    #[test]
    fn what_was_handed_over_ends_with_what_it_came_from() {
        let root = SessionRow {
            id: SessionId::from_random([1; 10]),
            org: OrgId::from_random([2; 10]),
            user: UserId::from_random([3; 10]),
            epoch: 1,
            through: Through::Connection(ConnectionId::from_random([4; 10])),
            client: SessionClient::Browser,
            created_at: at(0),
            seen_at: at(0),
            expires_at: at(9_000),
            mfa: true,
            revoked_at: None,
            root: None,
            handed: BTreeSet::new(),
            sid: None,
        };
        let id = SessionId::from_random([5; 10]);
        let child = SessionRow { id, root: Some(root.id.clone()), ..root.clone() };
        let revoked = SessionRow { revoked_at: Some(at(1)), ..root.clone() };
        let stranger = SessionRow { user: UserId::from_random([9; 10]), ..root.clone() };
        let idle = SessionRow { expires_at: at(900_000_000), ..root.clone() };
        for (row, now, expected) in [
            (Some(&root), 8_999, Ok(())),
            (Some(&root), 9_000, Err(SessionEnd::Expired)),
            (Some(&revoked), 8_999, Err(SessionEnd::Revoked)),
            (Some(&revoked), 9_000, Err(SessionEnd::Revoked)),
            (Some(&stranger), 1, Err(SessionEnd::Revoked)),
            (Some(&child), 1, Err(SessionEnd::Revoked)),
            (Some(&SessionRow { epoch: 2, ..root.clone() }), 1, Err(SessionEnd::Revoked)),
            (None, 1, Err(SessionEnd::Revoked)),
            (Some(&idle), 800_000_000, Ok(())),
        ] {
            assert_eq!(child.check_root(row, at(now)), expected, "{row:?} at {now}");
        }
        assert_eq!(root.check_root(None, at(1)), Ok(()), "nothing stands above a sign-in");
    }
}
