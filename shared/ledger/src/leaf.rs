//! Leaves of a tenant's log: a record at its place, or the trailer that ends each bundle.

use std::collections::BTreeMap;

use domain::{AgentId, RecordError, TenantId, Timestamp, canonical_json};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::producer::take;
use crate::{Hash, SignedRecord};

/// What the writer adds to a record: its place in the log and in its agent's part of it, and when it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The leaf's number in the tenant's log, from 0.
    pub seq: u64,
    /// The record's number among its agent's, from 1; absent when there is no agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_seq: Option<u64>,
    /// The leaf hash of the agent's record before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_prev: Option<Hash>,
    /// Never earlier than the leaf before.
    pub logged_at: Timestamp,
}

const PLACE_FIELDS: [&str; 4] = ["seq", "agent_seq", "agent_prev", "logged_at"];

/// A record in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub signed: SignedRecord,
    pub place: Place,
}

/// The last record of an agent so far: its number, and its leaf's hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentHead {
    pub agent_seq: u64,
    pub leaf: Hash,
}

/// The last leaf of every bundle: how many records it holds, when they were made, and the agents' heads after it. With it
/// a reader knows which bundles can hold records of a time or an agent without reading them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trailer {
    /// Always `trailer`, which no record has.
    kind: Kind,
    pub v: u8,
    pub tenant_id: TenantId,
    pub seq: u64,
    pub count: u64,
    pub min_created_at: Timestamp,
    pub max_created_at: Timestamp,
    pub logged_at: Timestamp,
    /// Of the agents with a record in this bundle.
    pub agents: BTreeMap<AgentId, AgentHead>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Trailer,
}

const TRAILER_VERSION: u8 = 1;

/// One leaf, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leaf {
    Entry(Box<Entry>),
    Trailer(Trailer),
}

/// Why bytes are no leaf of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeafError {
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error("not the canonical form (RFC 8785) of what it says")]
    NotCanonical,
    #[error("no leaf of a version that is known here")]
    Shape,
}

impl Entry {
    /// The leaf's bytes.
    ///
    /// # Errors
    /// A record that has no canonical form.
    pub fn to_text(&self) -> Result<String, RecordError> {
        Ok(canonical_json(&self.to_fields()?.into())?)
    }

    /// Every field of record, origin, proof and place, by name.
    ///
    /// # Errors
    /// A record that has no JSON form.
    pub fn to_fields(&self) -> Result<Map<String, Value>, RecordError> {
        let mut fields = self.signed.to_fields()?;
        let place = serde_json::to_value(&self.place).map_err(|error| RecordError::from_json(&error))?;
        if let Value::Object(mut place) = place {
            fields.append(&mut place);
        }
        Ok(fields)
    }

    fn from_fields(mut fields: Map<String, Value>) -> Result<Self, LeafError> {
        let place = take(&mut fields, &PLACE_FIELDS);
        let place = Place::deserialize(Value::Object(place)).map_err(|_| LeafError::Shape)?;
        Ok(Self { signed: SignedRecord::from_fields(fields)?, place })
    }
}

impl Trailer {
    pub(crate) fn new(
        tenant_id: TenantId,
        (seq, count): (u64, u64),
        created: (Timestamp, Timestamp),
        logged_at: Timestamp,
        agents: BTreeMap<AgentId, AgentHead>,
    ) -> Self {
        let (min_created_at, max_created_at) = created;
        let (kind, v) = (Kind::Trailer, TRAILER_VERSION);
        Self { kind, v, tenant_id, seq, count, min_created_at, max_created_at, logged_at, agents }
    }

    /// The leaf's bytes.
    ///
    /// # Errors
    /// Numbers beyond what JSON keeps.
    pub fn to_text(&self) -> Result<String, RecordError> {
        let value = serde_json::to_value(self).map_err(|error| RecordError::from_json(&error))?;
        Ok(canonical_json(&value)?)
    }
}

impl Leaf {
    /// # Errors
    /// Not a leaf, or not in its one form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LeafError> {
        let fields: Map<String, Value> = serde_json::from_slice(bytes).map_err(|_| LeafError::Shape)?;
        let (leaf, text) = if fields.contains_key("kind") {
            let trailer = Trailer::deserialize(Value::Object(fields)).map_err(|_| LeafError::Shape)?;
            if trailer.v != TRAILER_VERSION {
                return Err(LeafError::Shape);
            }
            let text = trailer.to_text()?;
            (Self::Trailer(trailer), text)
        } else {
            let entry = Entry::from_fields(fields)?;
            let text = entry.to_text()?;
            (Self::Entry(Box::new(entry)), text)
        };
        if text.as_bytes() == bytes { Ok(leaf) } else { Err(LeafError::NotCanonical) }
    }

    pub const fn seq(&self) -> u64 {
        match self {
            Self::Entry(entry) => entry.place.seq,
            Self::Trailer(trailer) => trailer.seq,
        }
    }

    pub const fn logged_at(&self) -> Timestamp {
        match self {
            Self::Entry(entry) => entry.place.logged_at,
            Self::Trailer(trailer) => trailer.logged_at,
        }
    }

    pub const fn tenant(&self) -> &TenantId {
        match self {
            Self::Entry(entry) => &entry.signed.record.tenant_id,
            Self::Trailer(trailer) => &trailer.tenant_id,
        }
    }
}

/// The head of an agent after `entry`, whose leaf hash is `leaf`.
pub(crate) fn agent_head(entry: &Entry, leaf: Hash) -> Option<(AgentId, AgentHead)> {
    let agent = entry.signed.record.agent_id.clone()?;
    let agent_seq = entry.place.agent_seq?;
    Some((agent, AgentHead { agent_seq, leaf }))
}
