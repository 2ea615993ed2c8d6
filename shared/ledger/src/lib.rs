//! The bytes of the ledger: leaves, an RFC 6962 tree, bundles of leaves, and signed checkpoints over them.
//!
//! ```text
//! record (canonical JSON, at most 65,535 bytes) = leaf
//!  └ tree of one tenant (RFC 6962, SHA-256), kept as its frontier: one hash per perfect subtree
//!     └ bundle: the leaves of one commit, content-addressed
//!     └ checkpoint (C2SP tlog-checkpoint): origin, size, root; signed as a note (C2SP signed-note, Ed25519)
//! ```
//!
//! # In scope
//! Encoding, hashing, proofs and their verification. What is written here is read for years: every format is pinned.
//!
//! # Out of scope
//! - Signing: the key lies in KMS, and whoever asks it builds the note from the answer.
//! - Storage, and who may write: `functions/audit-writer`.

mod bundle;
mod checkpoint;
mod note;
mod proof;
mod tree;

pub use bundle::{Bundle, BundleError, MAX_LEAF_BYTES};
pub use checkpoint::{Checkpoint, CheckpointError};
pub use note::{Note, NoteError, NoteSignature, VerifierKey};
pub use proof::{NotProven, consistency, inclusion, verify_consistency, verify_inclusion};
pub use tree::{Frontier, FrontierError, Hash, leaf_hash};
