//! Who a caller is, from its own key and the platform's own facts: what every function with a way in from outside needs
//! before it can decide anything.
//!
//! ```text
//! ingress event ──Ingress──▶ key, asserted headers, body        no I/O, nobody known yet
//! GatewayKey ──load──▶ Loaded { caller, standing, rows }         one consistent read; a wrong secret ends here
//! Loaded ──Keys::open──▶ audit and pseudonym key                 what a record is sealed under
//! Scribe ──record──▶ AuditRecord                                 the address sealed before it leaves the process
//! ```
//!
//! # In scope
//! The two shapes of ingress events, with their limits; the key as it is presented and strict JSON; what callers assert;
//! where the rows behind a key lie, and reading them; the key of the person whom a call is for; strangers, who are counted
//! and never blamed; the part of a record that says who acted; tokens, which belong to the caller in whose call they were made.
//!
//! # Out of scope
//! - What a caller may do: `policy`. What it is told: each function's table of refusals.
//! - Paths, bodies and answers: each function's `event.rs`.

mod addresses;
mod asserted;
mod dlp;
mod escaped;
mod fault;
pub mod form;
mod ingress;
pub mod json;
mod keep;
mod keys;
mod load;
pub mod person;
mod prelude;
mod rate;
pub mod refusal;
mod scribe;
mod sites;
mod strangers;
pub mod tokens;
pub mod told;
mod whole;

pub use addresses::{Address, Addresses};
pub use asserted::Asserted;
pub use dlp::Documents;
pub use escaped::escaped;
pub use fault::Fault;
pub use ingress::{Ingress, MAX_BODY_BYTES, is_sweep};
pub use keep::Keeping;
pub use keys::{Keys, keys_fault};
pub use load::{LoadFault, Loaded, Unreadable, WATCH_EVERY, load, watch};
pub use person::{NoPerson, Person, acquainted};
pub use prelude::{prelude, title};
pub use rate::{RateFault, rate};
pub use refusal::Refused;
pub use scribe::{Entry, Said, Scribe, SealRandom};
pub use sites::{NoSites, sites};
pub use strangers::Strangers;
pub use whole::{Pieces, Whole, whole};
