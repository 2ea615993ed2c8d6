//! Envelope encryption: the only place that makes or opens sealed bytes.
//!
//! ```text
//! KMS key (per region, HSM)            encryption context {app, tenant, region, purpose, version}
//!  └ root secret per tenant and purpose: 32 random bytes, wrapped by KMS, versioned from 1
//!     └ HKDF-SHA-256(root, info = purpose ‖ tenant ‖ region ‖ version, each length-prefixed)
//!        ├ per message: HKDF-SHA-256(salt 16) → AES-256-GCM key 32 ‖ commitment 32
//!        └ subject secret: 32 random bytes, sealed as a message under the `audit` root
//!           └ HKDF-SHA-256(secret, info = `subject` ‖ tenant ‖ region ‖ subject), key version 0
//!              └ per message, as above
//! ```
//!
//! Sealed form, big-endian: `CSE1` ‖ key version u32 ‖ salt 16 ‖ nonce 12 ‖ commitment 32 ‖ ciphertext ‖ tag 16.
//! The additional data names the row, field and, for credentials, the host that the value belongs to, so that a
//! ciphertext moved anywhere else does not open. The commitment is compared first: AES-GCM alone lets a forger
//! build one ciphertext that opens under two keys (Albertini et al., 2022, "How to Abuse and Fix Authenticated
//! Encryption Without Key Commitment").
//!
//! # In scope
//! Key derivation, sealing, opening, keyed digests, the [`KeyWrapper`] joint and the bounded cache of roots.
//!
//! # Out of scope
//! - Talking to KMS: `aws`.
//! - Clocks and random bytes: parameters.
//! - Which rows there are, and their conditional writes: `tables::keyring`. Rotating and shredding: `countersign ops`.

mod aad;
mod cache;
mod purpose;
mod root;
mod seal;
mod subject;

pub use aad::Aad;
pub use cache::{RootError, Roots};
pub use purpose::Purpose;
pub use root::{Committing, Context, KeyWrapper, RootKey, RootSecret, WrapError};
pub use seal::{OpenError, Plaintext, SEAL_RANDOM_BYTES, Sealed, sealed_version};
pub use subject::{SubjectKey, SubjectSecret};
