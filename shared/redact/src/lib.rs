//! Takes personal data and secrets of detected types out of a request, and puts them back for the caller.
//!
//! ```text
//! data/detectors/*.toml ─▶ Detectors ─▶ redact_json ─▶ Redaction { body: Redacted<Value>, vault, findings }
//!                                                         to the provider ▲      │ stays here    ▲ to the audit record
//!                                          Vault::restore_text(answer) ◀─────────┘
//! ```
//!
//! The crate guards [`Redacted`]: a value of that type exists only because this crate walked it. It is pure: the
//! random bytes of the [`Nonce`] are a parameter, there is no clock, no I/O and no log.
//!
//! # What's in scope
//! - Detectors as data: id, label, pattern, check, boundary, examples, negative examples, source. E-mail, payment
//!   card, IBAN, US SSN, Israeli ID, IPv4 and IPv6 addresses, private keys, JWTs and the key families of common
//!   providers. These are *detected types*, never "all personal data".
//! - Every string leaf and object key of a JSON body, and integers below its top level.
//! - Placeholders that live for one request, and their restoration outside links.
//!
//! # What's out of scope
//! - Undoing evasion (zero-width characters, full width, Hebrew and Arabic-Indic digits, unusual separators,
//!   homoglyphs) and decoding layers (percent, base64, hex, HTML entities, `\u`): the DLP issue's normalised view.
//! - Names, street addresses, phones, dates, the national numbers of other countries, connection strings; values
//!   split across JSON leaves.
//! - Context words, tenant countries, scores, policies (mask, hash, block) and custom terms: same issue.
//! - Images, audio and files inside a body: the gateway refuses what cannot be inspected.
//!
//! # Known losses
//! A nine-digit order number passes the Israeli ID's check one time in ten, a four-part version number is an IP
//! address, `git@host.tld` is an e-mail address: all three are replaced, and restored in the answer. An integer in a
//! nested field (a JSON schema's `maximum`) that passes a check becomes a string.

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
    Action, Custom, CustomHit, CustomKind, Direction, Document, Explained, GROUPS, Policies, Policy,
    PolicyError, Problem, Rule, Texts, TokenLimits, TypeInfo, Weaker, builtin_types,
};
pub use proof::Redacted;
pub use redact::{Draw, Exempt, MAX_DEPTH, RedactError, Redaction, redact_json};
pub use restore::{Form, HOLD_BACK_BYTES, Links, Restorer};
pub use vault::Vault;
