//! From a presented key to somebody who can be held to account.

use domain::{Agent, GatewayKey, KeyRow, Lifecycle, Org, Owner, Reason, Role, Tenant, Timestamp, User};
use subtle::ConstantTimeEq as _;

/// The key does not verify. Nobody is known, so nobody is blamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key does not verify")]
pub struct NotAuthenticated;

/// A caller whose key verified: known from here on, so every refusal is recorded.
#[derive(Debug, Clone)]
pub struct Caller {
    row: KeyRow,
}

/// Checks the presented secret against the row, in constant time.
///
/// # Errors
/// The secret or any public part of the key differs from the row.
pub fn authenticate(presented: &GatewayKey, row: KeyRow) -> Result<Caller, NotAuthenticated> {
    let secret = presented.secret_hash().as_bytes().ct_eq(row.secret.as_bytes());
    let public =
        *presented.id() == row.id && presented.kind() == row.kind && presented.region() == row.region;
    if bool::from(secret) && public { Ok(Caller { row }) } else { Err(NotAuthenticated) }
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
}

/// A caller behind whom everybody is in good standing.
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
    /// Revoked, or expired at `now`.
    pub fn usable(&self, now: Timestamp) -> Result<(), Reason> {
        if self.row.revoked_at.is_some() {
            return Err(Reason::KeyRevoked);
        }
        if self.row.expires_at.is_some_and(|at| at <= now) { Err(Reason::KeyExpired) } else { Ok(()) }
    }

    /// Whether everybody behind the key is in good standing: owner, org, tenant, agent.
    ///
    /// # Errors
    /// The first who is not, or whose row is absent.
    pub fn standing(self, standing: &Standing) -> Result<Accountable, Reason> {
        let role = self.answering(standing)?;
        Ok(Accountable { row: self.row, role })
    }

    /// Whether the key may be used and everybody behind it is in good standing. No permission to do anything.
    pub fn may_act(&self, standing: &Standing, now: Timestamp) -> bool {
        self.usable(now).is_ok() && self.answering(standing).is_ok()
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
        let agent =
            standing.agent.as_ref().is_some_and(|agent| agent.id == self.row.agent && active(agent.status));
        if agent { Ok(role) } else { Err(Reason::AgentInactive) }
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
