//! Separation of duties: what no single principal does alone. Beside the policies, because each compares two principals
//! or two states, where a policy sees one.

use std::time::Duration;

use domain::{Level as LimitLevel, LimitsRow, Role};

use super::{Action, Denial, Level, Principal, PrincipalId, Resource};

/// How long a change waits for its second person.
pub const CHANGE_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// What somebody is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Granted {
    Role(Role),
    OrgOwner,
    Platform,
}

impl Granted {
    /// The action that giving or taking it is, which policies decide.
    pub const fn action(self) -> Action {
        match self {
            Self::Platform => Action::GrantPlatform,
            Self::OrgOwner => Action::GrantOrgOwner,
            Self::Role(Role::Owner) => Action::GrantOwner,
            Self::Role(Role::Admin) => Action::GrantAdmin,
            Self::Role(_) => Action::GrantMember,
        }
    }

    /// Whoever answers for others is a person: the platform, an organization and a tenant are nobody's but people's.
    const fn is_office(self) -> bool {
        matches!(self, Self::Platform | Self::OrgOwner | Self::Role(Role::Owner))
    }
}

/// What is given, and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    pub to: PrincipalId,
    pub granted: Granted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holder {
    Platform,
    BreakGlass,
    OrgOwner,
    Role(Role),
}

const ALL_ROLES: &[Granted] = &[
    Granted::Role(Role::Owner),
    Granted::Role(Role::Admin),
    Granted::Role(Role::Developer),
    Granted::Role(Role::Operator),
    Granted::Role(Role::Member),
    Granted::Role(Role::Viewer),
];
const BELOW_ADMIN: &[Granted] = &[
    Granted::Role(Role::Developer),
    Granted::Role(Role::Operator),
    Granted::Role(Role::Member),
    Granted::Role(Role::Viewer),
];

/// Who gives what, and where. Nobody gives more than they have there.
const GRANTS: [(Level, Holder, &[Granted]); 6] = [
    (Level::Platform, Holder::Platform, &[Granted::Platform]),
    (Level::Org, Holder::OrgOwner, &[Granted::OrgOwner]),
    (Level::Tenant, Holder::OrgOwner, ALL_ROLES),
    (Level::Tenant, Holder::Role(Role::Owner), ALL_ROLES),
    (Level::Tenant, Holder::Role(Role::Admin), BELOW_ADMIN),
    // A tenant whose last owner left gets a new one.
    (Level::Tenant, Holder::BreakGlass, &[Granted::Role(Role::Owner)]),
];

impl Holder {
    /// Whether the principal is one, of this resource.
    fn is(self, principal: &Principal, resource: &Resource) -> bool {
        let owns = |org| principal.org_owner.as_ref() == Some(org);
        match (self, resource) {
            (Self::Platform, Resource::Platform) => principal.platform,
            (Self::OrgOwner, Resource::Org(org) | Resource::Tenant { org, .. }) => owns(org),
            (Self::Role(role), Resource::Tenant { tenant, .. }) => principal.roles.get(tenant) == Some(&role),
            (Self::BreakGlass, Resource::Tenant { tenant, .. }) => {
                principal.platform && principal.break_glass.contains(tenant)
            }
            _ => false,
        }
    }
}

/// Whether the principal may give that, or take it from others: their own level is the highest. Whoever comes through broken
/// glass takes nothing.
fn reaches(granter: &Principal, resource: &Resource, granted: Granted, takes: bool) -> Result<(), Denial> {
    if !granter.knows(resource) {
        return Err(Denial::NotFound);
    }
    let row = |(level, holder, gives): &(Level, Holder, &[Granted])| {
        let only_gives = *holder == Holder::BreakGlass;
        let may = !(takes && only_gives) && gives.contains(&granted);
        may && *level == resource.level() && holder.is(granter, resource)
    };
    let person = matches!(granter.id, PrincipalId::User(_));
    if person && GRANTS.iter().any(row) { Ok(()) } else { Err(Denial::Forbidden) }
}

/// Whether the principal may give that to whom. The action of [`Granted::action`] is authorized besides.
///
/// # Errors
/// It is more than the granter has, or for the granter, or an office for a program.
pub fn may_grant(granter: &Principal, resource: &Resource, grant: Grant) -> Result<(), Denial> {
    reaches(granter, resource, grant.granted, false)?;
    let program = matches!(grant.to, PrincipalId::Workload(_));
    let refused = grant.to == granter.id || (program && grant.granted.is_office());
    if refused { Err(Denial::Forbidden) } else { Ok(()) }
}

/// Whether the principal may make whoever is `before` what is `after`: both must be theirs to give, so that nobody takes
/// down whom they could not have raised. Nobody is taken down by being made an owner. None of both is no role. Taking from
/// oneself is allowed, see [`last_owner`].
///
/// # Errors
/// As [`may_grant`].
pub fn may_change(
    granter: &Principal,
    resource: &Resource,
    whose: &PrincipalId,
    before: Option<Granted>,
    after: Option<Granted>,
) -> Result<(), Denial> {
    let before = before.filter(|_| after != Some(Granted::Role(Role::Owner)));
    before.map_or(Ok(()), |before| reaches(granter, resource, before, true))?;
    after.map_or(Ok(()), |granted| may_grant(granter, resource, Grant { to: whose.clone(), granted }))
}

/// The last owner stays until there is another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the last owner cannot be removed by hand: name another first")]
pub struct LastOwner;

/// By hand alone. Where the directory says that the person left, access ends first.
///
/// # Errors
/// No owner would remain.
pub const fn last_owner(remaining_owners_after: usize) -> Result<(), LastOwner> {
    if remaining_owners_after == 0 { Err(LastOwner) } else { Ok(()) }
}

/// Why somebody is no second person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConfirmRefused {
    #[error("whoever asked for it cannot confirm it: a second person must")]
    SamePerson,
    #[error("a program cannot confirm: a second person must")]
    Workload,
}

/// Whether `confirmer` is a second person. That they may confirm at all is authorized besides.
///
/// # Errors
/// It is the same principal, or no person.
pub fn may_confirm(requested_by: &PrincipalId, confirmer: &PrincipalId) -> Result<(), ConfirmRefused> {
    match confirmer {
        PrincipalId::Workload(_) => Err(ConfirmRefused::Workload),
        PrincipalId::User(_) if requested_by == confirmer => Err(ConfirmRefused::SamePerson),
        PrincipalId::User(_) => Ok(()),
    }
}

/// What waits for a second person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weakening {
    Dlp,
    Limit,
    Approval,
    KillRecovery,
    BreakGlass,
}

impl Weakening {
    pub const ALL: [Self; 5] = [Self::Dlp, Self::Limit, Self::Approval, Self::KillRecovery, Self::BreakGlass];

    /// The name in the audit record and in a pending change.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dlp => "dlp",
            Self::Limit => "limit",
            Self::Approval => "approval",
            Self::KillRecovery => "kill_recovery",
            Self::BreakGlass => "break_glass",
        }
    }
}

/// A change that may weaken a control. Whether one document of DLP or approvals is weaker than another is known where
/// such documents are read.
#[derive(Debug, Clone, Copy)]
pub enum Change<'a> {
    Dlp {
        weaker: bool,
    },
    /// None before: the tenant is being set up, and no limit is weakened.
    Limits {
        before: Option<&'a LimitsRow>,
        after: &'a LimitsRow,
    },
    Approval {
        weaker: bool,
    },
    KillRecovery,
    BreakGlass,
}

impl Change<'_> {
    /// What it weakens; none takes effect at once.
    pub fn needs_second_person(self) -> Option<Weakening> {
        let (weaker, what) = match self {
            Self::Dlp { weaker } => (weaker, Weakening::Dlp),
            Self::Limits { before, after } => {
                (before.is_some_and(|before| limits_weakened(before, after)), Weakening::Limit)
            }
            Self::Approval { weaker } => (weaker, Weakening::Approval),
            Self::KillRecovery => (true, Weakening::KillRecovery),
            Self::BreakGlass => (true, Weakening::BreakGlass),
        };
        weaker.then_some(what)
    }
}

/// Whether more may be used than before: a limit is gone or higher, or the time zone is another, in which the day and
/// with it the day's allowance may begin anew.
pub fn limits_weakened(before: &LimitsRow, after: &LimitsRow) -> bool {
    let laxer = before.limits().iter().any(|old| after.find(&old.place).is_none_or(|most| most > old.most));
    laxer || before.zone() != after.zone()
}

/// Whether what the organization allows the tenant of its budget is different: for its owners alone to change.
pub fn allowance_changed(before: Option<&LimitsRow>, after: &LimitsRow) -> bool {
    let of_org = |row: &LimitsRow| {
        let limits = row.limits().iter().filter(|limit| limit.place.level == LimitLevel::Org);
        limits.cloned().collect::<Vec<_>>()
    };
    before.map(of_org).unwrap_or_default() != of_org(after)
}
