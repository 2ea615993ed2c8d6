//! What a connection's directory pushed: people and groups, and how they are found. Personal values lie sealed in one document
//! each; what is compared is a digest.

use std::collections::BTreeSet;
use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::{GroupId, Opaque, OrgId, ScimTokenId, SealedBytes, SecretHash, Timestamp, UserId};

/// By what a directory's people and groups are found. Digests, so that a row's key tells no name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Handles {
    /// Unique in a connection: a person's `userName`, a group's `displayName`, without regard to case (RFC 7643 section 4).
    pub name: Option<Opaque>,
    /// The client's own id, to the letter.
    pub external: Option<Opaque>,
    /// A person's addresses, without regard to case.
    pub mails: BTreeSet<Opaque>,
}

/// A person whom a directory pushed. Whether they may come in is in [`crate::Person`], which every request reads.
#[derive(Clone, PartialEq, Eq)]
pub struct DirectoryUserRow {
    pub id: UserId,
    pub org: OrgId,
    /// As the directory last said.
    pub active: bool,
    pub handles: Handles,
    /// Counts changes: the entity tag.
    pub version: u64,
    pub created_at: Timestamp,
    pub modified_at: Timestamp,
    /// JSON text, sealed.
    pub document: SealedBytes,
}

/// A group that a directory pushed. Its members are rows of their own.
#[derive(Clone, PartialEq, Eq)]
pub struct DirectoryGroupRow {
    pub id: GroupId,
    pub org: OrgId,
    pub handles: Handles,
    /// By what a connection's mapping of groups to roles names it: digests of its name and of its external id, to the letter.
    pub mapped_by: BTreeSet<Opaque>,
    pub version: u64,
    pub created_at: Timestamp,
    pub modified_at: Timestamp,
    /// JSON text without members, sealed.
    pub document: SealedBytes,
}

/// Shows no handle.
impl fmt::Debug for DirectoryUserRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectoryUserRow").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for DirectoryGroupRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectoryGroupRow").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Who is found by one handle: ids of people or of groups.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FoundRow(pub BTreeSet<String>);

impl FoundRow {
    /// The most that have one handle: client's ids and addresses are not unique, and a row has an end.
    pub const MOST: usize = 100;
}

/// What a directory was given for its client's secret: good for an hour, and no longer than the token behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScimAccessRow {
    pub id: ScimTokenId,
    pub secret: SecretHash,
    /// The token that it was given for: over when that is.
    pub via: ScimTokenId,
    pub expires_at: Timestamp,
}

impl Opaque {
    /// A digest of several parts, each told apart from the next by its length. The first says what it is of.
    pub fn of(parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        Self::from_digest(&hash.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pinned: rows are found by these for as long as they live.
    #[test]
    fn a_digest_of_parts_tells_where_each_ends() {
        assert_ne!(Opaque::of(&["a", "bc"]), Opaque::of(&["ab", "c"]));
        assert_eq!(
            Opaque::of(&["countersign address", "org_0000000000000000", "dana@acme.test"]).as_str(),
            "piinkepobokmlmehielkndncfeimobflmhplibaiaefafnccjifkdilnnpmpbhfg"
        );
    }
}
