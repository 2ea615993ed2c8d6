//! Who may do what. Guards [`Permit`]: there is no other way to one than through the checks below, in this order.
//!
//! ```text
//! GatewayKey + KeyRow ──authenticate──▶ Caller ──standing──▶ Accountable ──authorize──▶ Permit
//!   the secret's hash       state of the key, owner and epoch,      role table and the
//!   in constant time        org, tenant, agent, networks, kill      key's own scopes
//!                           switches
//! ```
//!
//! # In scope
//! Authentication of a gateway key against its row, the standing of everybody behind it, the role table
//! (`roles.toml`) and key scopes. With the feature `admin` also who may manage what, and with `gate` which actions of agents
//! need whom, both decided by Cedar. Pure: facts and time are parameters; anything missing denies.
//!
//! # Out of scope
//! - Reading rows: `tables` and each function's `effects.rs`.
//! - Votes on an action that waits for people: `domain`'s `ApprovalRow`.
//! - Status codes and texts of refusals: each function's `event.rs`.

#[cfg(feature = "admin")]
pub mod admin;
mod caller;
#[cfg(feature = "gate")]
pub mod gate;
pub mod gate_names;
mod kill;
mod once;
mod permit;
mod roles;

pub use caller::{Accountable, Approach, Caller, NotAuthenticated, Standing, authenticate};
pub use kill::{Kills, OPERATOR, SamePerson, may_recover};
pub use permit::{Permit, Request};
pub use roles::{Action, RoleTable, RoleTableError};
