//! What an identity may do here: roles by its groups, and whether a person is created.

use std::collections::BTreeSet;

use domain::GroupGrant;

use super::connection::Connection;
use super::id_token::{Groups, Identity, Mfa};

/// The roles that groups give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    pub grants: BTreeSet<GroupGrant>,
    /// Whether a role that is missing here is one that the person lost. Otherwise the provider did not list all groups,
    /// and the caller says so: nothing is taken away that came by a group.
    pub complete: bool,
}

/// Groups are compared exactly, letter by letter.
pub fn grants(connection: &Connection, groups: &Groups) -> Granted {
    let held = groups.listed();
    let rows = connection.form().group_roles.iter().filter(|row| held.contains(&row.group));
    Granted { grants: rows.map(|row| row.grant.clone()).collect(), complete: groups.is_complete() }
}

/// What is known here of the person behind issuer and subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Person {
    Absent,
    Active,
    /// Once here, and let in no more. Only SCIM or an administrator brings them back.
    Deprovisioned,
}

/// What becomes of a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jit {
    /// The person that is there signs in.
    Existing,
    /// The person is created first.
    Create,
    /// Nothing is written.
    Refuse(Refusal),
}

/// For the person, who tells an administrator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("this account was deactivated")]
    Deprovisioned,
    #[error("this account is not known here: ask an administrator to invite or provision it")]
    NotProvisioned,
    #[error("no group of this account has a role here: ask an administrator to map one")]
    NoRole,
    #[error(
        "this account is in more groups than its provider tells: ask an administrator to limit the groups of the token"
    )]
    GroupsUntold,
    #[error("sign in with a second factor")]
    Mfa,
    #[error("the provider does not tell whether there was a second factor, and the organization wants one")]
    MfaUntold,
}

impl Refusal {
    /// For logs and metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Deprovisioned => "sign_in.deprovisioned",
            Self::NotProvisioned => "sign_in.not_provisioned",
            Self::NoRole => "sign_in.no_role",
            Self::GroupsUntold => "sign_in.groups_untold",
            Self::Mfa => "sign_in.mfa",
            Self::MfaUntold => "sign_in.mfa_untold",
        }
    }
}

/// Decides before any row is written: the person's state first, whatever the provider says.
pub fn sign_in(connection: &Connection, identity: &Identity, person: Person) -> Jit {
    if person == Person::Deprovisioned {
        return Jit::Refuse(Refusal::Deprovisioned);
    }
    match (connection.form().require_mfa, identity.mfa) {
        (true, Mfa::No) => return Jit::Refuse(Refusal::Mfa),
        (true, Mfa::Unknown) => return Jit::Refuse(Refusal::MfaUntold),
        _ => {}
    }
    match person {
        Person::Active => Jit::Existing,
        _ => created(connection, identity),
    }
}

fn created(connection: &Connection, identity: &Identity) -> Jit {
    let granted = grants(connection, &identity.groups);
    match (connection.form().jit, granted.grants.is_empty(), granted.complete) {
        (false, _, _) => Jit::Refuse(Refusal::NotProvisioned),
        (true, false, _) => Jit::Create,
        (true, true, true) => Jit::Refuse(Refusal::NoRole),
        (true, true, false) => Jit::Refuse(Refusal::GroupsUntold),
    }
}

#[cfg(test)]
mod tests;
