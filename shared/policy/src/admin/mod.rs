//! Who may manage what: people and programs, decided by Cedar from files that an auditor can read.
//!
//! ```text
//! cedar/schema.cedarschema      what there is: principals, resources, actions
//! cedar/platform.cedar          admins of the platform
//! cedar/organization.cedar      owners of an organization
//! cedar/tenant.cedar            roles within a tenant
//! matrix.txt                    what all of it comes to, reviewed: a row per action and resource, a column per holder
//! ```
//!
//! # In scope
//! [`Policies::authorize`], the only way to an [`AdminPermit`], and separation of duties beside it: who may give which
//! role to whom, who may confirm, and which changes wait for a second person.
//!
//! # Out of scope
//! - Reading rows, and whether a session or a break-glass is still valid: the caller says what holds now.
//! - Status codes: a function's `event.rs`.

mod action;
mod authorize;
mod duties;
mod entities;
mod principal;
#[cfg(test)]
mod tests;

pub use action::{Action, Class, Level, UnknownAction};
pub use authorize::{AdminPermit, Denial, Policies, PolicyError};
pub use duties::{
    CHANGE_TTL, Change, ConfirmRefused, Grant, Granted, LastOwner, Weakening, allowance_changed, last_owner,
    limits_weakened, may_change, may_confirm, may_grant,
};
pub use principal::{Principal, PrincipalId, Resource};
