//! The effects, in their one order: whose session; read the facts; record; write; record; tell. What is decided is decided in
//! `decide.rs` and in the domain, over rows that the write compares again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::{
    ActionId, ApprovalId, ApprovalRow, ConnectionId, DelegationRow, DlpPolicyRow, GroupId, LastRow, LinkRow,
    Opaque, OrgId, Person, RootRow, SealedBytes, TenantId, Timestamp, UserId, VotedRow,
};
use envelope::{Aad, Purpose, RootKey, SEAL_RANDOM_BYTES};
use redact::{Policies, Policy};
use tables::codec::Row;
use tables::directory;
use tables::standing::account_digest;
use tables::{Item, Key, Table};

use crate::action::{Action, NotShown};
use crate::desk::{Away, Desk, Outside, Rows};
use crate::event::Request;
use crate::figures::{Figures, LAST};
use crate::mask;
use crate::records::{Entry, Scribe};
use crate::token::Token;
use crate::who::{self, Called, Me, NoSession, NoStanding, Session};

/// What effects need.
pub struct Effects<D: Desk, O: Outside> {
    pub desk: D,
    pub outside: O,
    pub policies: Policies,
    /// Our own address, as browsers see it.
    pub own: String,
    /// The address of `admin`, as browsers see it.
    pub admin: String,
}

impl<D: Desk, O: Outside> std::fmt::Debug for Effects<D, O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Effects").field("own", &self.own).finish_non_exhaustive()
    }
}

/// More pages of one list are not read for one request.
const PAGES_MAX: usize = 10;

/// A request with all that bears on it, read for one question of one person.
#[derive(Debug)]
pub struct Case {
    pub me: Me,
    pub row: ApprovalRow,
    /// As it was read: what a write is compared with.
    pub item: Item,
    pub rows: Rows,
    pub root: Arc<RootKey>,
    pub action: Result<Action, NotShown>,
    /// The last approved one of the same tool and target: perhaps this one.
    pub last: Option<(LastRow, Action)>,
    pub policy: Arc<Policy>,
}

/// Why there is no case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoCase {
    /// There is no such request, or none for them: they are told the same.
    Nothing(&'static str),
    Unavailable,
}

impl From<Away> for NoCase {
    fn from(Away: Away) -> Self {
        Self::Unavailable
    }
}

impl From<NoStanding> for NoCase {
    fn from(why: NoStanding) -> Self {
        match why {
            NoStanding::Unread => Self::Unavailable,
            NoStanding::Inactive | NoStanding::Elsewhere => Self::Nothing(why.as_str()),
        }
    }
}

/// A row, if it is there.
///
/// # Errors
/// It does not read.
pub fn find<T: Row>(rows: &Rows, key: &Key) -> Result<Option<T>, Away> {
    let read = |item| {
        T::from_item(item).inspect_err(|error| {
            tracing::error!(table = key.table.as_str(), %error, "row.unreadable");
        })
    };
    rows.get(key).map(read).transpose().map_err(|_| Away)
}

/// Ten random bytes.
///
/// # Errors
/// The operating system has none.
pub fn ten(desk: &impl Desk) -> Result<[u8; 10], Away> {
    let [a, b, c, d, e, f, g, h, i, j, ..] = desk.random()?;
    Ok([a, b, c, d, e, f, g, h, i, j])
}

impl<D: Desk, O: Outside> Effects<D, O> {
    /// Whose session a browser has, and its next token.
    ///
    /// # Errors
    /// Nobody's, or it is not known now.
    pub async fn session(&self, request: &Request) -> Result<(Session, Option<Token>), NoSession> {
        let token = request.session.as_ref().ok_or(NoSession::SignIn)?;
        let told = self.outside.session(token).await.map_err(|Away| NoSession::Unavailable)?;
        Session::read(&told).map(|session| (session, told.renewed))
    }

    /// # Errors
    /// The operating system has no random bytes.
    pub fn action(&self) -> Result<ActionId, Away> {
        Ok(ActionId::new(self.desk.now(), ten(&self.desk)?))
    }

    /// One record, acknowledged.
    ///
    /// # Errors
    /// It was not: what it tells of must not happen.
    pub async fn record(&self, scribe: &Scribe, entry: Entry) -> Result<(), Away> {
        self.desk.record(&[scribe.record(entry)]).await
    }

    /// The same, where what it tells of has happened.
    pub async fn told(&self, scribe: &Scribe, entry: Entry) {
        if self.record(scribe, entry).await.is_err() {
            tracing::error!(action_id = %scribe.action_id, "step.not_recorded");
        }
    }

    /// Of which tenant a request is.
    ///
    /// # Errors
    /// The tables did not answer.
    pub async fn link(&self, id: &ApprovalId) -> Result<Option<LinkRow>, Away> {
        let key = Key::approval_link(id);
        let rows = self.desk.rows(std::slice::from_ref(&key)).await?;
        find(&rows, &key)
    }

    /// All rows of a partition whose sort keys begin with `prefix`, as far as one request reads.
    ///
    /// # Errors
    /// The tables did not answer.
    pub async fn listed(&self, table: Table, pk: &str, prefix: &str) -> Result<Vec<(Key, Item)>, Away> {
        let mut all: Vec<(Key, Item)> = Vec::new();
        for _ in 0..PAGES_MAX {
            let after = all.last().map(|(key, _)| key.sk.clone());
            let page = self.desk.page(table, pk, prefix, after.as_deref()).await?;
            all.extend(page.rows);
            if !page.more {
                break;
            }
        }
        Ok(all)
    }

    /// Groups that a directory says somebody is in.
    async fn groups(&self, connection: &ConnectionId, user: &UserId) -> Result<BTreeSet<GroupId>, Away> {
        let prefix = directory::groups_of(user);
        let rows = self.listed(Table::Identity, &directory::partition(connection), &prefix).await?;
        Ok(rows.iter().filter_map(|(key, _)| directory::group_of(user, key)).collect())
    }

    /// Absences that are agreed in a tenant.
    ///
    /// # Errors
    /// The tables did not answer.
    pub async fn absences(&self, tenant: &TenantId) -> Result<Vec<DelegationRow>, Away> {
        let rows = self.listed(Table::Votes, &format!("T#{tenant}"), Key::AWAY).await?;
        Ok(rows.iter().filter_map(|(_, item)| DelegationRow::from_item(item).ok()).collect())
    }

    /// What people are called, digested: by their ids, and by every address that they came with.
    ///
    /// # Errors
    /// The tables did not answer, or a row does not read.
    pub async fn called(
        &self,
        org: &OrgId,
        users: &BTreeSet<UserId>,
    ) -> Result<BTreeMap<UserId, Vec<Opaque>>, Away> {
        let keys: Vec<Key> = users.iter().map(|user| Key::user(org, user)).collect();
        let rows = if keys.is_empty() { Rows::default() } else { self.desk.rows(&keys).await? };
        let named = |(user, key): (&UserId, &Key)| {
            // Somebody who is gone is known by their id alone.
            let names = find::<Person>(&rows, key)?.map(|person| Called::of(org, person).names);
            Ok((user.clone(), names.unwrap_or_else(|| vec![account_digest(org, user)])))
        };
        users.iter().zip(&keys).map(named).collect()
    }

    /// Those of them who are there still.
    async fn active(&self, org: &OrgId, users: &[UserId]) -> Result<Vec<Called>, Away> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<Key> = users.iter().map(|user| Key::user(org, user)).collect();
        let rows = self.desk.rows(&keys).await?;
        let is = |user: &UserId| {
            let row = find::<Person>(&rows, &Key::user(org, user)).ok().flatten();
            row.filter(|row| row.user.active && row.user.id == *user)
        };
        Ok(users.iter().filter_map(is).map(|person| Called::of(org, person)).collect())
    }

    /// What somebody is in a tenant now, from these rows.
    ///
    /// # Errors
    /// Nobody, or the tables did not answer.
    pub async fn me(&self, session: &Session, tenant: &TenantId, rows: &Rows) -> Result<Me, NoCase> {
        let groups = self.groups(&session.connection, &session.user).await?;
        let me = who::standing(session, tenant, rows, groups)?;
        let away = who::instead_of(&session.user, &self.absences(tenant).await?, self.desk.now());
        Ok(Me { instead_of: self.active(&session.org, &away).await?, ..me })
    }

    /// The key of a tenant's requests.
    ///
    /// # Errors
    /// There is none, or it does not open.
    pub async fn root(&self, tenant: &TenantId, rows: &Rows) -> Result<Arc<RootKey>, Away> {
        let row = root_row(tenant, rows)?;
        let roots = self.desk.roots();
        roots.current(tenant, Purpose::Action, &row, self.desk.now()).await.map_err(|error| {
            tracing::error!(tenant_id = %tenant, %error, "root.unavailable");
            Away
        })
    }

    /// An opened text.
    ///
    /// # Errors
    /// It does not open, for whatever reason.
    pub async fn open(
        &self,
        tenant: &TenantId,
        rows: &Rows,
        aad: &Aad,
        sealed: &SealedBytes,
    ) -> Result<Token, Away> {
        let row = root_row(tenant, rows)?;
        let opened =
            self.desk.roots().open(tenant, Purpose::Action, &row, aad, sealed, self.desk.now()).await;
        let opened = opened.map_err(|error| {
            tracing::error!(tenant_id = %tenant, %error, "sealed.not_opened");
            Away
        })?;
        opened.as_str().map(Token::new).ok_or(Away)
    }

    /// # Errors
    /// It could not be sealed.
    pub fn seal(&self, root: &RootKey, aad: &Aad, text: &str) -> Result<SealedBytes, Away> {
        let drawn = self.desk.random()?;
        let random = drawn.first_chunk::<SEAL_RANDOM_BYTES>().ok_or(Away)?;
        root.seal(aad, text.as_bytes(), random).map(SealedBytes::from).map_err(|_| Away)
    }

    /// Everything about a request for one person.
    ///
    /// # Errors
    /// There is nothing for them, or it could not be read.
    pub async fn case(&self, session: &Session, link: &LinkRow, id: &ApprovalId) -> Result<Case, NoCase> {
        let tenant = &link.tenant;
        let place = Key::approval(tenant, id);
        let mut keys = who::keys(session, tenant);
        keys.extend(around(tenant, &link.org));
        keys.push(place.clone());
        keys.push(Key::approval_view(id, &session.user));
        keys.push(Key::run_of_approval(tenant, id));
        let mut rows = self.desk.rows(&keys).await?;
        let me = self.me(session, tenant, &rows).await?;
        let item = rows.get(&place).cloned().ok_or(NoCase::Nothing("approval_unknown"))?;
        let row: ApprovalRow = find(&rows, &place)?.ok_or(NoCase::Nothing("approval_unknown"))?;
        let root = self.root(tenant, &rows).await?;
        let aad = Aad::action(tenant, id);
        let text = self.open(tenant, &rows, &aad, &row.asked.sealed).await;
        let action = text.map_err(|Away| NotShown::Unread).and_then(|text| Action::of(&row, text.expose()));
        let agent = Key::dlp_policy(tenant, Some(&row.from.agent));
        let last = action.as_ref().ok().map(|action| last_key(&row, action, &root));
        let called = Key::agent(tenant, &row.from.agent);
        let more: Vec<Key> = last.iter().cloned().chain([agent.clone(), called.clone()]).collect();
        rows.extend(self.desk.rows(&more).await?);
        let owner = find::<domain::Agent>(&rows, &called)?.and_then(|agent| agent.owner);
        let behind = self.called(&link.org, &who::behind(&row.from, owner)).await?;
        let mut behind: BTreeSet<Opaque> = behind.into_values().flatten().collect();
        behind.extend(action.as_ref().ok().and_then(|action| action.cause.clone()));
        let me = me.before(&behind);
        let last = match last {
            Some(key) => self.last(tenant, &rows, &key).await,
            None => None,
        };
        let policy = policy(
            &self.policies,
            &rows,
            [&Key::dlp_floor(&link.org), &Key::dlp_policy(tenant, None), &agent],
        )?;
        Ok(Case { me, row, item, rows, root, action, last, policy })
    }

    /// What was approved last. One that does not open is no reason to decide without a look: it is as if there were none.
    async fn last(&self, tenant: &TenantId, rows: &Rows, key: &Key) -> Option<(LastRow, Action)> {
        let row: LastRow = find(rows, key).ok().flatten()?;
        let text = self.open(tenant, rows, &Aad::action(tenant, &row.approval), &row.sealed).await.ok()?;
        let action = Action::read(text.expose()).ok()?;
        Some((row, action))
    }

    /// How somebody has decided lately.
    pub async fn figures(&self, user: &UserId) -> Figures {
        let page = self.desk.page(Table::Votes, &Key::voted_by(user), Key::VOTED, None).await;
        let rows = page.map(|page| page.rows).unwrap_or_default();
        let rows: Vec<VotedRow> =
            rows.iter().take(LAST).filter_map(|(_, item)| VotedRow::from_item(item).ok()).collect();
        Figures::of(&rows)
    }
}

/// Beside a request: the root of its tenant, and what is personal there.
pub fn around(tenant: &TenantId, org: &OrgId) -> [Key; 3] {
    let root = Key::root(tenant, Purpose::Action.as_str());
    [root, Key::dlp_floor(org), Key::dlp_policy(tenant, None)]
}

fn root_row(tenant: &TenantId, rows: &Rows) -> Result<RootRow, Away> {
    find(rows, &Key::root(tenant, Purpose::Action.as_str()))?.ok_or(Away)
}

/// Where lies what was approved last of a tool and a target: by a keyed digest, since targets may be personal.
pub fn last_key(row: &ApprovalRow, action: &Action, root: &RootKey) -> Key {
    let of = serde_json::json!([row.asked.tool, action.target]).to_string();
    Key::last_approved(
        &row.from.tenant,
        root.commitment("last", row.from.tenant.as_str().as_bytes(), of.as_bytes()),
    )
}

fn policy(
    policies: &Policies,
    rows: &Rows,
    [floor, tenant, agent]: [&Key; 3],
) -> Result<Arc<Policy>, NoCase> {
    let [floor, tenant, agent] = [floor, tenant, agent].map(|key| find::<DlpPolicyRow>(rows, key));
    let (floor, tenant, agent) = (floor?, tenant?, agent?);
    Ok(mask::policy(
        policies,
        [&floor, &tenant, &agent].map(|row| row.as_ref().map(|row| row.document.as_str())),
    ))
}

impl Case {
    /// Whether the last approved one is this one: if it was read as waiting, it was approved meanwhile.
    pub fn is_last(&self) -> bool {
        self.last.as_ref().is_some_and(|(last, _)| last.approval == self.row.id)
    }

    /// When they first looked at it.
    pub fn looked(&self) -> Option<Timestamp> {
        let key = Key::approval_view(&self.row.id, &self.me.session.user);
        find::<domain::ViewRow>(&self.rows, &key).ok().flatten().map(|row| row.at)
    }

    /// What a form of this session holds, so that no other page can send it.
    pub fn csrf(&self) -> String {
        csrf(&self.root, &self.me.session, &self.me.tenant)
    }

    /// A keyed digest of what a page showed to this session.
    pub fn seen(&self, what: &str, reveal: bool) -> String {
        let whose = format!("{}#{}#{reveal}", self.me.session.id, self.row.id);
        self.root.commitment("seen", whose.as_bytes(), what.as_bytes()).to_string()
    }
}

/// What a form of a session holds in a tenant.
pub fn csrf(root: &RootKey, session: &Session, tenant: &TenantId) -> String {
    root.commitment("csrf", session.id.as_str().as_bytes(), tenant.as_str().as_bytes()).to_string()
}
