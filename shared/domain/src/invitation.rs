//! What is held for somebody until they sign in: an office or a role, by a digest of their address.

use crate::{ConnectionId, InEpoch, OrgId, Role, TenantId, Timestamp};

/// What awaits somebody at the first sign-in, found by a digest of the e-mail address that their provider must have verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InviteRow {
    pub org: OrgId,
    pub connection: ConnectionId,
    /// Administers the platform.
    pub platform: bool,
    /// Owns the organization.
    pub owner: bool,
    /// A role in a tenant.
    pub tenant: Option<(TenantId, Role)>,
    /// Who invited; nobody at the beginning of all.
    pub invited_by: Option<InEpoch>,
    /// Through which connection whoever invited was here: what came by one that was stopped is void. Rows from before it was kept
    /// name none, and are void too.
    pub through: Option<ConnectionId>,
    pub expires_at: Timestamp,
}

/// What tenants hold for somebody at their next sign-in, in one row by the same digest: each tenant once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantInvitesRow {
    pub org: OrgId,
    pub connection: ConnectionId,
    pub invites: Vec<TenantInvite>,
}

/// A role in a tenant, to which somebody who may give it invited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantInvite {
    pub tenant: TenantId,
    pub role: Role,
    pub invited_by: InEpoch,
    /// Through which connection whoever invited was here.
    pub through: ConnectionId,
    pub expires_at: Timestamp,
}

impl TenantInvitesRow {
    /// Of so many tenants at most: a sign-in takes them all in one write.
    pub const MOST: usize = 5;

    /// What a tenant holds.
    pub fn of(&self, tenant: &TenantId) -> Option<&TenantInvite> {
        self.invites.iter().find(|invite| invite.tenant == *tenant)
    }

    /// Those of other tenants that are not over.
    #[must_use]
    pub fn beside(mut self, tenant: &TenantId, now: Timestamp) -> Self {
        self.invites.retain(|invite| invite.tenant != *tenant && now < invite.expires_at);
        self
    }

    /// When the last of them is over.
    pub fn ends(&self) -> Option<Timestamp> {
        self.invites.iter().map(|invite| invite.expires_at).max()
    }
}
