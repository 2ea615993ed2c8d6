//! Who somebody is here: whose session it is says `admin`; what they hold in a tenant say the rows, read for this very request.
//! Pure.

use std::collections::BTreeSet;

use domain::{
    ApprovalRow, Code, ConnectionId, ConnectionRow, DelegationRow, GroupId, Lifecycle, NotCast, Opaque, Org,
    OrgId, Person, Role, Say, SessionId, Tenant, TenantId, Timestamp, UserId, Vote,
};
use serde::Deserialize;
use tables::codec::Row;
use tables::standing::{account_digest, role_through};
use tables::{Item, Key};

use crate::desk::{Rows, Told};

/// A session, as `admin` has judged it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub user: UserId,
    pub org: OrgId,
    pub id: SessionId,
    pub connection: ConnectionId,
    pub method: Code,
    pub mfa: bool,
}

#[derive(Deserialize)]
struct Judged {
    user: UserId,
    org: OrgId,
    session: JudgedSession,
    /// Programs have none: they decide nothing.
    connection: Option<ConnectionId>,
    method: Code,
}

#[derive(Deserialize)]
struct JudgedSession {
    id: SessionId,
    mfa: bool,
    client: String,
}

/// Why nobody is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoSession {
    /// To be signed in (again).
    SignIn,
    Unavailable,
}

impl Session {
    /// # Errors
    /// `admin` says otherwise, or the session is of another place: a command's token in a cookie is no browser.
    pub fn read(told: &Told) -> Result<Self, NoSession> {
        match told.status {
            200 => {}
            401 | 403 => return Err(NoSession::SignIn),
            _ => return Err(NoSession::Unavailable),
        }
        let judged = Judged::deserialize(&told.body).map_err(|_| NoSession::Unavailable)?;
        let connection = judged.connection.filter(|_| judged.session.client == "page");
        Ok(Self {
            user: judged.user,
            org: judged.org,
            id: judged.session.id,
            connection: connection.ok_or(NoSession::SignIn)?,
            method: judged.method,
            mfa: judged.session.mfa,
        })
    }
}

/// Somebody in a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Me {
    pub session: Session,
    pub tenant: TenantId,
    pub epoch: u64,
    /// The row that says that they are active, in which epoch.
    pub row: (Key, Item),
    /// Who they are, whatever accounts they have.
    pub subject: Opaque,
    pub role: Option<Role>,
    pub groups: BTreeSet<GroupId>,
    /// For whom they stand in now.
    pub instead_of: Vec<Called>,
    /// Every verified address that they came with, digested.
    pub addresses: BTreeSet<Opaque>,
    /// These, and their id: what an agent that acts for them may call them, digested.
    pub names: Vec<Opaque>,
    /// Whether the request that is looked at is made for them, or by an agent or a key that is theirs, whatever account it is
    /// under. Known once it is opened.
    pub is_behind: bool,
}

/// Somebody, and what an agent that acts for them may call them, digested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    pub user: UserId,
    pub names: Vec<Opaque>,
}

impl Called {
    /// By their own id, and by every verified address that they came with.
    pub fn of(org: &OrgId, person: Person) -> Self {
        let names = [vec![account_digest(org, &person.user.id)], person.addresses].concat();
        Self { user: person.user.id, names }
    }
}

/// The fields of a person's row that must not change while they decide.
pub const STANDING: [&str; 3] = ["user_id", "active", "epoch"];

/// Roles that may look at what a tenant's agents ask.
const READERS: [Role; 4] = [Role::Owner, Role::Admin, Role::Operator, Role::Developer];

/// The rows that say what somebody is in a tenant.
pub fn keys(session: &Session, tenant: &TenantId) -> Vec<Key> {
    vec![
        Key::user(&session.org, &session.user),
        Key::org(&session.org),
        Key::tenant(tenant),
        Key::binding(tenant, &session.user),
        Key::connection(&session.connection),
    ]
}

/// Why somebody is nobody in a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoStanding {
    /// They, their organization or their connection were stopped.
    Inactive,
    /// The tenant is another organization's, or there is none.
    Elsewhere,
    Unread,
}

impl NoStanding {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inactive => "user_inactive",
            Self::Elsewhere => "not_found",
            Self::Unread => "facts_unavailable",
        }
    }
}

fn read<T: Row>(rows: &Rows, key: &Key) -> Result<Option<T>, NoStanding> {
    rows.get(key).map(T::from_item).transpose().map_err(|_| NoStanding::Unread)
}

/// What somebody is in a tenant of their own organization.
///
/// # Errors
/// Nobody, or a row does not read.
pub fn standing(
    session: &Session,
    tenant: &TenantId,
    rows: &Rows,
    groups: BTreeSet<GroupId>,
) -> Result<Me, NoStanding> {
    let org: Option<Org> = read(rows, &Key::org(&session.org))?;
    let connection: Option<ConnectionRow> = read(rows, &Key::connection(&session.connection))?;
    let of: Option<Tenant> = read(rows, &Key::tenant(tenant))?;
    let place = Key::user(&session.org, &session.user);
    let person: Option<Person> = read(rows, &place)?;
    let stands = org.is_some_and(|org| org.status == Lifecycle::Active);
    let comes =
        connection.as_ref().is_some_and(|row| row.status == Lifecycle::Active && row.org == session.org);
    let person = person.filter(|one| one.user.active && one.user.id == session.user && stands && comes);
    let (person, row) = person.zip(rows.get(&place)).ok_or(NoStanding::Inactive)?;
    if of.is_none_or(|of| of.org != session.org || of.status == Lifecycle::Deleted) {
        return Err(NoStanding::Elsewhere);
    }
    Ok(Me {
        role: role_through(rows, tenant, &session.user, &session.connection)
            .map_err(|_| NoStanding::Unread)?,
        session: session.clone(),
        tenant: tenant.clone(),
        epoch: person.user.epoch,
        row: (place, row.clone()),
        subject: subject(&session.org, &person),
        groups,
        instead_of: Vec::new(),
        addresses: person.addresses.iter().cloned().collect(),
        names: Called::of(&session.org, person).names,
        is_behind: false,
    })
}

/// One person, whatever accounts they have here: by the verified address that they came with last. An identity of a provider is
/// one account already, so that two accounts of one person are under two of them.
fn subject(org: &OrgId, person: &Person) -> Opaque {
    match person.addresses.last() {
        Some(address) => Opaque::of(&["countersign person", org.as_str(), address.as_str()]),
        None => account_digest(org, &person.user.id),
    }
}

/// Who stands behind a request: the owner of its key, whoever answered for the agent when it asked, and whoever does now.
pub fn behind(from: &domain::Requester, owner: Option<UserId>) -> BTreeSet<UserId> {
    let then = [&from.owner, &from.answers].into_iter().flatten().map(|one| one.user.clone());
    then.chain(owner).collect()
}

/// For whom somebody stands in now, if those are there still.
pub fn instead_of(me: &UserId, rows: &[DelegationRow], now: Timestamp) -> Vec<UserId> {
    let now = |row: &&DelegationRow| row.to == *me && row.user != *me && row.from <= now && now < row.until;
    rows.iter().filter(now).map(|row| row.user.clone()).collect()
}

/// What somebody may do about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum May {
    Decide,
    /// Look, and why no more.
    Look(NotCast),
    Nothing,
}

impl Me {
    /// The same person before an opened request: nobody decides about what is done for them, or by an agent or a key of theirs, nor
    /// does anybody in their stead. `behind`: what all of those are called.
    #[must_use]
    pub fn before(mut self, behind: &BTreeSet<Opaque>) -> Self {
        let is = |names: &[Opaque]| names.iter().any(|name| behind.contains(name));
        self.instead_of.retain(|one| !is(&one.names));
        Self { is_behind: is(&self.names), ..self }
    }

    pub fn reads(&self) -> bool {
        self.role.is_some_and(|role| READERS.contains(&role))
    }

    /// Their word, if it counts for anything: by themselves, or for somebody who is away. A word for somebody counts beside
    /// theirs no more than once.
    pub fn vote(&self, row: &ApprovalRow, say: Say, (at, took_ms): (Timestamp, u64)) -> Vote {
        let own = self.word(row, say, None, (at, took_ms));
        if row.asks(&own) || !self.reads() {
            return own;
        }
        let has = |user: &UserId| {
            row.votes.iter().any(|vote| vote.user == *user || vote.instead_of.as_ref() == Some(user))
        };
        let away = self.instead_of.iter().map(|one| &one.user);
        let away = away.filter(|user| !has(user) && !row.from.is_own(user));
        let mut words = away.map(|user| self.word(row, say, Some(user.clone()), (at, took_ms)));
        words.find(|vote| row.asks(vote)).unwrap_or(own)
    }

    fn word(
        &self,
        row: &ApprovalRow,
        say: Say,
        instead_of: Option<UserId>,
        (at, took_ms): (Timestamp, u64),
    ) -> Vote {
        let asked = named(row);
        Vote {
            user: self.session.user.clone(),
            org: self.session.org.clone(),
            epoch: self.epoch,
            via: self.session.connection.clone(),
            subject: self.subject.clone(),
            addresses: self.addresses.clone(),
            say,
            role: self.role,
            groups: self.groups.iter().filter(|group| asked.contains(group)).cloned().collect(),
            instead_of,
            at,
            session: self.session.id.clone(),
            method: self.session.method.clone(),
            mfa: self.session.mfa,
            took_ms,
        }
    }

    /// What they may do about a request now. Pure: the write compares all of it again.
    pub fn may(&self, row: &ApprovalRow, now: Timestamp) -> May {
        let vote = self.vote(row, Say::Deny, (now, 0));
        let asked = row.asks(&vote);
        match self.cast(row.clone(), vote, now) {
            Ok(_) => May::Decide,
            Err(_) if !self.reads() && !asked => May::Nothing,
            Err(why) => May::Look(why),
        }
    }

    /// Adds their word, unless somebody has said it in their place.
    ///
    /// # Errors
    /// As [`ApprovalRow::cast`].
    pub fn cast(&self, row: ApprovalRow, vote: Vote, now: Timestamp) -> Result<ApprovalRow, NotCast> {
        if self.is_behind && row.is_open(now) {
            return Err(NotCast::Own);
        }
        let stood_in = row.votes.iter().any(|one| one.instead_of.as_ref() == Some(&vote.user));
        if stood_in && row.is_open(now) {
            return Err(NotCast::Twice);
        }
        row.cast(vote, now)
    }
}

/// Groups that the rules of a request name.
fn named(row: &ApprovalRow) -> BTreeSet<&GroupId> {
    let quorums = row.rules.iter().flat_map(|rule| &rule.quorum).flat_map(|quorum| &quorum.of.groups);
    let escalated = row.rules.iter().filter_map(|rule| rule.escalate.as_ref()).flat_map(|one| &one.to.groups);
    quorums.chain(escalated).collect()
}

#[cfg(test)]
mod tests;
