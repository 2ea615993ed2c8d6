//! Takes personal data and secrets of detected types out of a request, and puts them back for the caller.
//!
//! ```text
//! data/*.toml ─▶ Detectors ─┐
//! documents ───▶ Policy ────┴▶ redact_json ─▶ Redaction { body: Redacted<Value>, vault, findings, tokens }
//!                                                to the provider ▲      │ stays here ▲ to the record ▲ kept, sealed
//!                                 Vault::restore_text(answer) ◀─────────┘
//!
//! one text:  view (NFKC, look-alikes) ─▶ find (one sweep; names) ─▶ layers (escapes, base64: each a text again)
//!            ─▶ policed (thresholds, allow lists) ─▶ hits (merged) ─▶ apply (action) ─▶ settle (until nothing is left)
//! ```
//!
//! The crate guards [`Redacted`]: a value of that type exists only because this crate walked it. It is pure: the
//! random bytes of [`Draw`] are a parameter, there is no clock, no I/O and no log.
//!
//! # What's in scope
//! - Detectors as data: masks (numbers), patterns behind literals (secrets), and code (mail, addresses, cards, phones,
//!   names). These are *detected types*, never "all personal data".
//! - Every string leaf and object key of a JSON body, and integers below its top level.
//! - Placeholders that live for one request, tokens that outlive it, and restoration outside links.
//! - Policies: actions, directions, thresholds, terms, patterns, allow lists, floors.
//!
//! # What's out of scope
//! - Keeping tokens: the crate `caller`. Values split across JSON leaves.
//! - Images, audio and files inside a body: the gateway refuses what cannot be inspected.
//!
//! # Known losses
//! A four-part version number is an IP address, `git@host.tld` is an e-mail address: both are replaced, and restored in
//! the answer. An integer in a nested field that passes a check becomes a string. Numbers that need a word have none
//! within 64 bytes before and 24 after, or in their field's name.

mod answer;
mod apply;
mod boundary;
mod check;
mod context;
mod detect;
mod detector;
mod find;
mod findings;
mod fold;
mod hits;
mod layers;
mod mask;
mod names;
mod names_joint;
mod placeholder;
mod plans;
mod policed;
mod policy;
mod proof;
mod redact;
mod render;
mod restore;
mod settle;
mod shortcut;
#[cfg(test)]
mod shortcut_tests;
mod steps;
#[cfg(test)]
mod steps_tests;
mod vault;
mod view;

pub use answer::{ANSWER_HOLD_BACK_BYTES, AnswerRedactor, redact_answer_text};
pub use apply::NewToken;
pub use detector::{Country, CountryError, Detector, DetectorError, Detectors, Group, Method};
pub use findings::Findings;
pub use hits::{Hit, Kind};
pub use names::{Entity, EntityModel, NameKind};
pub use placeholder::{Nonce, tokens};
pub use policy::{
    Action, Custom, CustomHit, CustomKind, Direction, Document, Documents, Explained, GROUPS, Policies,
    Policy, PolicyError, Problem, Rule, Texts, TokenLimits, TypeInfo, Weaker, builtin_types,
};
pub use proof::Redacted;
pub use redact::{Draw, Exempt, MAX_DEPTH, RedactError, Redaction, redact_json};
pub use restore::{Form, HOLD_BACK_BYTES, Links, Restorer};
pub use vault::Vault;
