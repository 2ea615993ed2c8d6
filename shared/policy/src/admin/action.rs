//! Every management action there is: one table.

use std::fmt;
use std::str::FromStr;

/// What an action is done to, without saying which one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    Platform,
    Org,
    Tenant,
    /// What belongs to one person in a tenant.
    Owned,
}

impl Level {
    /// The name in the matrix and in the API's document.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Org => "org",
            Self::Tenant => "tenant",
            Self::Owned => "own",
        }
    }
}

/// What an action does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    Read,
    Write,
    /// It stops something or takes it away.
    Destructive,
}

impl Class {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Destructive => "destructive",
        }
    }
}

/// No action has this name. Does not carry it: it came from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a management action")]
pub struct UnknownAction;

macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $class:ident, $mfa:literal, [$($level:ident),+];)+) => {
        /// A management action. The schema of the policies has the same table.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action {
            $($(#[$doc])* $variant),+
        }

        impl Action {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in policies, in the matrix and in the audit record.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),+
                }
            }

            pub const fn class(self) -> Class {
                match self {
                    $(Self::$variant => Class::$class),+
                }
            }

            /// Whether holders of an office and admins need a second factor for it.
            pub const fn needs_mfa(self) -> bool {
                match self {
                    $(Self::$variant => $mfa),+
                }
            }

            /// What it can be done to.
            pub const fn levels(self) -> &'static [Level] {
                match self {
                    $(Self::$variant => &[$(Level::$level),+]),+
                }
            }
        }
    };
}

actions! {
    OrgCreate = "org.create", Write, true, [Platform];
    OrgList = "org.list", Read, false, [Platform];
    /// Name and state.
    OrgRead = "org.read", Read, false, [Org];
    OrgSuspend = "org.suspend", Destructive, true, [Org];
    SsoRead = "sso.read", Read, false, [Org];
    SsoEdit = "sso.edit", Write, true, [Org];
    ScimTokenManage = "scim_token.manage", Write, true, [Org];
    TenantCreate = "tenant.create", Write, true, [Org];
    TenantList = "tenant.list", Read, false, [Org];
    /// Name and state.
    TenantRead = "tenant.read", Read, false, [Tenant];
    TenantSuspend = "tenant.suspend", Destructive, true, [Tenant];
    TenantDelete = "tenant.delete", Destructive, true, [Tenant];
    TeamRead = "team.read", Read, false, [Tenant];
    TeamEdit = "team.edit", Write, true, [Tenant];
    AgentRead = "agent.read", Read, false, [Tenant];
    AgentEdit = "agent.edit", Write, true, [Tenant];
    /// And what undoes it.
    AgentSuspend = "agent.suspend", Destructive, true, [Tenant];
    KeyRead = "key.read", Read, false, [Tenant];
    KeyManageService = "key.manage_service", Write, true, [Tenant];
    /// Make, see, rotate and revoke.
    KeyManageOwn = "key.manage_own", Write, true, [Owned];
    KeyRevokeAny = "key.revoke_any", Destructive, true, [Tenant];
    ProviderRead = "provider.read", Read, false, [Tenant];
    ProviderEdit = "provider.edit", Write, true, [Tenant];
    /// Of an organization: its floor.
    DlpRead = "dlp.read", Read, false, [Org, Tenant];
    DlpEdit = "dlp.edit", Write, true, [Tenant];
    DlpFloorEdit = "dlp.floor_edit", Write, true, [Org];
    /// Which actions of agents need whom.
    GateRead = "gate.read", Read, false, [Tenant];
    GateEdit = "gate.edit", Write, true, [Tenant];
    /// How people are told of requests for approval.
    ChannelRead = "channel.read", Read, false, [Tenant];
    ChannelEdit = "channel.edit", Write, true, [Tenant];
    /// What the organization allows the tenant of its budget is among them, for its owners to change.
    LimitRead = "limit.read", Read, false, [Tenant];
    LimitEdit = "limit.edit", Write, true, [Tenant];
    NetworkRead = "network.read", Read, false, [Org, Tenant];
    NetworkEdit = "network.edit", Write, true, [Org, Tenant];
    KillRead = "kill.read", Read, false, [Platform, Org, Tenant];
    KillActivate = "kill.activate", Destructive, true, [Org, Tenant];
    KillRecover = "kill.recover", Write, true, [Platform, Org, Tenant];
    PlatformKill = "platform.kill", Destructive, true, [Platform];
    BindingRead = "binding.read", Read, false, [Platform, Org, Tenant];
    /// Developer, Operator, Member, Viewer: given and taken.
    GrantMember = "grant.member", Write, true, [Tenant];
    GrantAdmin = "grant.admin", Write, true, [Tenant];
    GrantOwner = "grant.owner", Write, true, [Tenant];
    GrantOrgOwner = "grant.org_owner", Write, true, [Org];
    GrantPlatform = "grant.platform", Write, true, [Platform];
    UserRead = "user.read", Read, false, [Org, Tenant];
    UserInvite = "user.invite", Write, true, [Org, Tenant];
    /// And what undoes it.
    UserDeactivate = "user.deactivate", Destructive, true, [Org];
    SessionReadAny = "session.read_any", Read, false, [Org, Tenant];
    SessionRevokeAny = "session.revoke_any", Destructive, true, [Org, Tenant];
    /// List and end.
    SessionOwn = "session.own", Write, false, [Owned];
    AuditRead = "audit.read", Read, false, [Platform, Org, Tenant];
    AuditReadOwn = "audit.read_own", Read, false, [Owned];
    ChangeRead = "change.read", Read, false, [Platform, Org, Tenant];
    ChangeConfirm = "change.confirm", Write, true, [Platform, Org, Tenant];
    BreakGlassOpen = "break_glass.open", Write, true, [Tenant];
    BreakGlassConfirm = "break_glass.confirm", Write, true, [Tenant];
    /// Machine principals: the issuer and subject whose tokens they bring, and the role that they hold.
    WorkloadManage = "workload.manage", Write, true, [Tenant];
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Action {
    type Err = UnknownAction;

    fn from_str(text: &str) -> Result<Self, UnknownAction> {
        Self::ALL.iter().copied().find(|one| one.as_str() == text).ok_or(UnknownAction)
    }
}
