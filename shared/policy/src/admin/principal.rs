//! Who acts, and on what.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use domain::{Code, OrgId, Role, TenantId, UserId};

use super::Level;

/// Whoever acts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PrincipalId {
    User(UserId),
    /// A program, by the code under which it was configured.
    Workload(Code),
}

impl fmt::Display for PrincipalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "{id}"),
            Self::Workload(code) => write!(f, "{code}"),
        }
    }
}

/// Whoever acts, with all that they hold, as the rows say it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    pub id: PrincipalId,
    /// An admin of the platform.
    pub platform: bool,
    pub org_owner: Option<OrgId>,
    pub org_member: Option<OrgId>,
    pub roles: BTreeMap<TenantId, Role>,
    /// Tenants for which break-glass of this principal is open: confirmed by another person and not yet over.
    pub break_glass: BTreeSet<TenantId>,
    /// A second factor was shown at sign-in; true where the identity provider cannot tell.
    pub mfa: bool,
}

impl Principal {
    /// One that holds nothing, so that a test or a caller says what it adds.
    pub const fn nobody(id: PrincipalId) -> Self {
        Self {
            id,
            platform: false,
            org_owner: None,
            org_member: None,
            roles: BTreeMap::new(),
            break_glass: BTreeSet::new(),
            mfa: false,
        }
    }

    /// A program holds no office. One that does is a fault of the rows: it may do nothing at all.
    pub(crate) fn is_sound(&self) -> bool {
        let office = self.platform
            || self.org_owner.is_some()
            || !self.break_glass.is_empty()
            || self.roles.values().any(|role| *role == Role::Owner);
        matches!(self.id, PrincipalId::User(_)) || !office
    }

    fn is_owner(&self, org: &OrgId) -> bool {
        self.org_owner.as_ref() == Some(org)
    }

    fn is_in(&self, org: &OrgId, tenant: &TenantId) -> bool {
        self.platform || self.is_owner(org) || self.roles.contains_key(tenant)
    }

    /// Whether the principal may know that the resource exists. Decides between the two ways to say no, nothing else.
    pub(crate) fn knows(&self, resource: &Resource) -> bool {
        match resource {
            Resource::Platform => true,
            Resource::Org(org) => {
                self.platform || self.is_owner(org) || self.org_member.as_ref() == Some(org)
            }
            Resource::Tenant { org, tenant } => self.is_in(org, tenant),
            Resource::Owned { org, tenant, owner } => self.id == *owner || self.is_in(org, tenant),
        }
    }
}

/// What something is done to. The ids come from the rows, never from a request's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resource {
    Platform,
    Org(OrgId),
    Tenant {
        org: OrgId,
        tenant: TenantId,
    },
    /// What belongs to one person: their keys, their sessions, their part of the log. Or to one program: its sessions.
    Owned {
        org: OrgId,
        tenant: TenantId,
        owner: PrincipalId,
    },
}

impl Resource {
    pub const fn level(&self) -> Level {
        match self {
            Self::Platform => Level::Platform,
            Self::Org(_) => Level::Org,
            Self::Tenant { .. } => Level::Tenant,
            Self::Owned { .. } => Level::Owned,
        }
    }
}
