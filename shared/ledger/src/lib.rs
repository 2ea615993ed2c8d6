//! The ledger: leaves, an RFC 6962 tree per tenant, bundles of leaves, the region log over all tenants, and its signed
//! checkpoints. What can be decided about it without a clock or a store is decided here.
//!
//! ```text
//! record, signed by its producer, at its place (canonical JSON, at most 65,535 bytes) = leaf
//!  └ tree of one tenant (RFC 6962, SHA-256), kept as its frontier: one hash per perfect subtree
//!     └ bundle: the leaves of one commit, under the number of the first; the last is a trailer
//!     └ head: size and root
//!        └ interval: the heads of all tenants at one time = leaf of the region log
//!           └ checkpoint (C2SP tlog-checkpoint): origin, size, root; signed as a note (C2SP signed-note, Ed25519)
//! ```
//!
//! # In scope
//! Encoding, hashing, numbering, proofs, and [`verify`], which believes nothing but keys and a checkpoint that it is given.
//! What is written here is read for years: every format is pinned.
//!
//! # Out of scope
//! - Signing checkpoints and certificates: those keys lie in KMS, and whoever asks it builds the note from the answer.
//! - Storage, and who may write: `functions/audit-writer`.

mod append;
mod bundle;
mod checkpoint;
mod leaf;
mod note;
mod producer;
mod proof;
mod region;
pub mod row;
pub mod tiles;
pub mod timeline;
mod tree;
pub mod verify;

pub use append::{AgentHeads, AppendError, Commit, Head, MAX_AGENTS, MAX_RECORDS, append, fitting, replay};
pub use bundle::{Bundle, BundleError, MAX_LEAF_BYTES};
pub use checkpoint::{Checkpoint, CheckpointError};
pub use leaf::{AgentHead, Entry, Leaf, LeafError, Place, Trailer};
pub use note::{Note, NoteError, NoteSignature, VerifierKey};
pub use producer::{
    Certificate, Draft, NotEncoded, Origin, Producer, RecordSignature, SignedRecord, Uncertified,
};
pub use proof::{NotProven, consistency, inclusion, verify_consistency, verify_inclusion};
pub use region::{Heads, Interval, IntervalObject, RegionFault, TenantHead, checkpoint_name};
pub use tree::{Frontier, FrontierError, Hash, NotAHash, leaf_hash};

#[cfg(test)]
mod sample;
