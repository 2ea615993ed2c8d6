//! Admin: single sign-on, so far.
//!
//! # In scope
//! Sign-in by OpenID Connect, as pure modules.
//!
//! # Out of scope
//! The management API: no `config.rs`, no `event.rs`, no `decide.rs` and no `effects.rs` yet.

pub mod sso;
