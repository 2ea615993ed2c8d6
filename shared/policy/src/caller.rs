//! From a presented key to somebody who can be held to account.

use std::net::IpAddr;

use domain::{
    Agent, Code, GatewayKey, KeyRow, KeyState, KillScope, Lifecycle, Org, Owner, Reason, Role, SecretHash,
    Tenant, Timestamp, User, UserId,
};
use subtle::{Choice, ConstantTimeEq as _};

use crate::Kills;

/// The key does not verify. Nobody is known, so nobody is blamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key does not verify")]
pub struct NotAuthenticated;

/// A caller whose key verified: known from here on, so every refusal is recorded.
#[derive(Debug, Clone)]
pub struct Caller {
    row: KeyRow,
    /// It was the secret before the last that verified.
    by_previous: bool,
}

/// Checks the presented secret against the row, in constant time: against both secrets of a key that was rotated.
///
/// # Errors
/// The secret or any public part of the key differs from the row.
pub fn authenticate(presented: &GatewayKey, row: KeyRow) -> Result<Caller, NotAuthenticated> {
    let hash = presented.secret_hash();
    let same = |secret: &SecretHash| hash.as_bytes().ct_eq(secret.as_bytes());
    let current = same(&row.secret);
    let previous = row.previous.as_ref().map_or(Choice::from(0), |previous| same(&previous.secret));
    let public =
        *presented.id() == row.id && presented.kind() == row.kind && presented.region() == row.region;
    if !public || !bool::from(current | previous) {
        return Err(NotAuthenticated);
    }
    Ok(Caller { row, by_previous: !bool::from(current) })
}

/// How a caller came, and for what.
#[derive(Debug, Clone, Copy)]
pub struct Approach {
    /// The address that the platform saw.
    pub source: Option<IpAddr>,
    /// Which part of the kill switches stops it.
    pub scope: KillScope,
}

/// The rows behind a key, as they were read in one trip. Anything absent denies.
#[derive(Debug, Clone)]
pub struct Standing {
    pub org: Option<Org>,
    pub tenant: Option<Tenant>,
    pub agent: Option<Agent>,
    /// The person and the role in the tenant; not read for keys that belong to the tenant.
    pub user: Option<User>,
    pub role: Option<Role>,
    /// Whoever answers for the agent, if a person does.
    pub agent_owner: Option<User>,
    /// The switches above.
    pub kills: Kills,
}

impl Standing {
    /// The team that the agent belongs to.
    pub fn team(&self) -> Option<Code> {
        self.agent.as_ref().and_then(|agent| agent.team.clone())
    }
}

/// A caller behind whom everybody is in good standing, who comes from where it may, and above whom no kill switch is on.
#[derive(Debug, Clone)]
pub struct Accountable {
    pub(crate) row: KeyRow,
    /// `None`: the tenant itself answers.
    pub(crate) role: Option<Role>,
}

impl Caller {
    pub const fn row(&self) -> &KeyRow {
        &self.row
    }

    /// Whether the key itself may still be used.
    ///
    /// # Errors
    /// Revoked, expired, or not yet active at `now`; the secret was to be replaced by now; or it was, and its overlap is over.
    pub fn usable(&self, now: Timestamp) -> Result<(), Reason> {
        match self.row.state(now) {
            KeyState::Revoked => Err(Reason::KeyRevoked),
            KeyState::Expired => Err(Reason::KeyExpired),
            KeyState::Created => Err(Reason::KeyNotActive),
            KeyState::Overdue => Err(Reason::KeyRotationOverdue),
            KeyState::Active if self.by_previous => Err(Reason::KeyRotated),
            KeyState::Active | KeyState::Rotating => Ok(()),
        }
    }

    /// Whether everybody behind the key is in good standing: owner, org, tenant, agent and its owner; then whether it may be used from
    /// where it comes, then whether a kill switch above is on.
    ///
    /// # Errors
    /// The first that does not hold, or whose row is absent.
    pub fn standing(self, standing: &Standing, approach: &Approach) -> Result<Accountable, Reason> {
        let role = self.admitted(standing, approach)?;
        Ok(Accountable { row: self.row, role })
    }

    /// Whether the key may be used, and all of the above. No permission to do anything.
    pub fn may_act(&self, standing: &Standing, approach: &Approach, now: Timestamp) -> bool {
        self.usable(now).is_ok() && self.admitted(standing, approach).is_ok()
    }

    fn admitted(&self, standing: &Standing, approach: &Approach) -> Result<Option<Role>, Reason> {
        let role = self.answering(standing)?;
        self.near(standing, approach.source)?;
        standing.kills.check(approach.scope)?;
        Ok(role)
    }

    /// Every list that there is must allow the address. One that the platform did not see is in none.
    fn near(&self, standing: &Standing, source: Option<IpAddr>) -> Result<(), Reason> {
        let org = standing.org.as_ref().and_then(|org| org.networks.as_ref());
        let tenant = standing.tenant.as_ref().and_then(|tenant| tenant.networks.as_ref());
        let lists = [org, tenant, self.row.networks.as_ref()];
        let allowed = lists.into_iter().flatten().all(|list| source.is_some_and(|source| list.allow(source)));
        if allowed { Ok(()) } else { Err(Reason::NetworkNotAllowed) }
    }

    /// The role of whoever answers for the caller.
    fn answering(&self, standing: &Standing) -> Result<Option<Role>, Reason> {
        let role = self.owner_role(standing)?;
        let active = |status: Lifecycle| status == Lifecycle::Active;
        let org = standing.org.as_ref().is_some_and(|org| org.id == self.row.org && active(org.status));
        if !org {
            return Err(Reason::OrgInactive);
        }
        let tenant = standing.tenant.as_ref().is_some_and(|tenant| {
            tenant.id == self.row.tenant && tenant.org == self.row.org && active(tenant.status)
        });
        if !tenant {
            return Err(Reason::TenantInactive);
        }
        let agent = standing.agent.as_ref();
        let agent = agent.filter(|agent| agent.id == self.row.agent && active(agent.status));
        let owner = &agent.ok_or(Reason::AgentInactive)?.owner;
        let there =
            |id: &UserId| standing.agent_owner.as_ref().is_some_and(|user| user.id == *id && user.active);
        if owner.as_ref().is_none_or(there) { Ok(role) } else { Err(Reason::AgentOwnerInactive) }
    }

    /// The role of the person behind the key: `None` when the tenant answers for it.
    fn owner_role(&self, standing: &Standing) -> Result<Option<Role>, Reason> {
        let Owner::User { id, epoch } = &self.row.owner else { return Ok(None) };
        let user = standing
            .user
            .as_ref()
            .filter(|user| user.id == *id && user.active)
            .ok_or(Reason::OwnerInactive)?;
        if user.epoch != *epoch {
            return Err(Reason::OwnerEpoch);
        }
        standing.role.map(Some).ok_or(Reason::OwnerInactive)
    }
}
