//! The audit record: what a function says on the audit queue, and what the ledger keeps of it.
//!
//! Every field stands in one table below with its data class. A field without a class does not parse, and a
//! field whose type may not hold data of its class does not compile:
//!
//! ```compile_fail
//! // `source_ip` is personal, so plain text is a type error.
//! fn leak(record: &mut countersign_domain::AuditRecord) {
//!     record.source_ip = Some("203.0.113.7".to_owned());
//! }
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::class::{self, Carries};
use crate::id::text_serde;
use crate::{
    ActionId, ActorType, AgentId, CanonicalError, Code, DataClass, Decided, EventId, EventType, KeyId,
    Metadata, Name, OrgId, Phase, Region, SealedBytes, TenantId, Timestamp, UserId, canonical_fields,
};

/// The version that this code writes. Readers accept it and, from version 2 on, the one before.
pub const RECORD_VERSION: u8 = 1;

/// A C2SP entry bundle has 16-bit lengths (tlog-tiles v0.1.0), so a leaf of the ledger has at most 65,535 bytes. A record
/// leaves room for its producer's signature and for its place in the log: see `ledger`, `leaf.rs`.
const MAX_BYTES: usize = 63_487;

macro_rules! audit_record {
    (
        required { $($(#[$doc:meta])* $field:ident: $ty:ty => $class:ident,)+ }
        optional { $($(#[$odoc:meta])* $ofield:ident: $oty:ty => $oclass:ident,)+ }
    ) => {
        /// Who did what, when, and whether it was authorized. Shapes and classes: `AuditRecord::FIELDS`.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct AuditRecord {
            $($(#[$doc])* pub $field: $ty,)+
            $($(#[$odoc])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $ofield: Option<$oty>,)+
        }

        impl AuditRecord {
            /// Every field with its data class, in the order of the table.
            pub const FIELDS: &'static [(&'static str, DataClass)] = &[
                $((stringify!($field), <class::$class as Carries<$ty>>::CLASS),)+
                $((stringify!($ofield), <class::$oclass as Carries<Option<$oty>>>::CLASS),)+
            ];

            /// A record with the required fields and nothing else.
            #[expect(clippy::too_many_arguments, reason = "one argument per required field, so that none can be forgotten")]
            pub fn new($($field: $ty),+) -> Self {
                Self { $($field,)+ $($ofield: None,)+ }
            }
        }
    };
}

audit_record! {
    required {
        /// Version of this shape.
        v: u8 => Count,
        event_id: EventId => Identifier,
        created_at: Timestamp => Time,
        region: Region => Word,
        org_id: OrgId => Identifier,
        tenant_id: TenantId => Identifier,
        event_type: EventType => Word,
        phase: Phase => Word,
        actor_type: ActorType => Word,
        actor_id: Actor => Identifier,
        /// What was attempted: a name from the role table.
        action: Code => Word,
        decision: Decided => Word,
        /// Why, or how it ended: a code of [`crate::Reason`].
        reason: Code => Word,
        /// One sentence for people, from the catalogue: never text of the caller's.
        description: Description => Word,
        /// Details as JSON text.
        metadata: Metadata => Word,
    }
    optional {
        agent_id: AgentId => Identifier,
        /// The same for attempt and outcome.
        action_id: ActionId => Identifier,
        /// The platform's id of the request.
        request_id: Opaque => Identifier,
        trace_id: Opaque => Identifier,
        conversation_id: Opaque => Identifier,
        session_id: Opaque => Identifier,
        /// How the actor proved who it is.
        auth_method: Code => Word,
        mfa: bool => Word,
        /// What it was done to, such as `model:gpt-4o`.
        resource: Name => Word,
        /// By which key, role and policy version.
        authority: Authority => Word,
        /// Sealed under that person's own key: whoever the agent says it acts for.
        on_behalf_of: SealedBytes => Personal,
        /// The person's keyed digest, which names the key that `on_behalf_of` is sealed under.
        on_behalf_of_ref: Opaque => Identifier,
        /// Whether `on_behalf_of` was proven, or only asserted.
        identity_verified: bool => Word,
        subject_refs: Vec<Opaque> => Identifier,
        purpose: Code => Word,
        lawful_basis: Code => Word,
        consent_ref: Opaque => Identifier,
        data_classes: Vec<Code> => Word,
        retention_class: Code => Word,
        approval_id: Opaque => Identifier,
        /// Sealed: the address that the platform saw.
        source_ip: SealedBytes => Personal,
        model: Name => Word,
        provider: Name => Word,
        provider_region: Region => Word,
        input_tokens: u64 => Count,
        output_tokens: u64 => Count,
        /// Millionths of a US dollar.
        cost_usd_micros: u64 => Count,
        /// Detected types, and how often each was redacted. Never a value.
        dlp: BTreeMap<Code, u64> => Count,
        /// Keyed digest of what was sent to the provider.
        request_commitment: Digest => Commitment,
        /// Keyed digest of what the provider answered.
        response_commitment: Digest => Commitment,
    }
}

/// A record that cannot be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    #[error("not a record of version {RECORD_VERSION}: {category} at line {line}, column {column}")]
    Shape { category: &'static str, line: usize, column: usize },
    #[error("version {found} of the record is not known here")]
    Version { found: u8 },
    #[error("the record has {bytes} bytes, the limit is {MAX_BYTES}")]
    TooLarge { bytes: usize },
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
}

impl AuditRecord {
    /// The canonical bytes.
    ///
    /// # Errors
    /// A number beyond 2^53 - 1, or more than 63,487 bytes.
    pub fn to_canonical(&self) -> Result<String, RecordError> {
        bounded(&self.to_fields()?)
    }

    /// Every field that has a value, by name, of a record that has canonical bytes.
    ///
    /// # Errors
    /// As [`AuditRecord::to_canonical`].
    pub fn to_canonical_fields(&self) -> Result<Map<String, Value>, RecordError> {
        let fields = self.to_fields()?;
        bounded(&fields).map(|_| fields)
    }

    /// Every field that has a value, by name.
    ///
    /// # Errors
    /// A field that has no JSON form; none of today's is such.
    pub fn to_fields(&self) -> Result<Map<String, Value>, RecordError> {
        match serde_json::to_value(self).map_err(|error| RecordError::from_json(&error))? {
            Value::Object(fields) => Ok(fields),
            _ => Err(RecordError::Shape { category: "wrong shape", line: 0, column: 0 }),
        }
    }

    /// Reads the fields of [`AuditRecord::to_fields`], and no other.
    ///
    /// # Errors
    /// A field too many, too few or of another shape; a version that is not known.
    pub fn from_fields(fields: Map<String, Value>) -> Result<Self, RecordError> {
        let record: Self =
            serde_json::from_value(fields.into()).map_err(|error| RecordError::from_json(&error))?;
        if record.v == RECORD_VERSION { Ok(record) } else { Err(RecordError::Version { found: record.v }) }
    }

    /// Reads a record as a producer wrote it.
    ///
    /// # Errors
    /// Anything but exactly one record of a known version; the error names a place, never a value.
    pub fn from_text(text: &str) -> Result<Self, RecordError> {
        if text.len() > MAX_BYTES {
            return Err(RecordError::TooLarge { bytes: text.len() });
        }
        let record: Self = serde_json::from_str(text).map_err(|error| RecordError::from_json(&error))?;
        if record.v == RECORD_VERSION { Ok(record) } else { Err(RecordError::Version { found: record.v }) }
    }
}

fn bounded(fields: &Map<String, Value>) -> Result<String, RecordError> {
    let text = canonical_fields(fields)?;
    if text.len() > MAX_BYTES { Err(RecordError::TooLarge { bytes: text.len() }) } else { Ok(text) }
}

impl RecordError {
    /// `serde_json` quotes the offending value in its message; a place is enough and says nothing.
    pub fn from_json(error: &serde_json::Error) -> Self {
        let category = match error.classify() {
            serde_json::error::Category::Io => "unreadable",
            serde_json::error::Category::Syntax => "not JSON",
            serde_json::error::Category::Data => "wrong shape",
            serde_json::error::Category::Eof => "cut short",
        };
        Self::Shape { category, line: error.line(), column: error.column() }
    }
}

macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $what:literal, $ok:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = &'static str;

            fn from_str(text: &str) -> Result<Self, &'static str> {
                let ok: fn(&str) -> bool = $ok;
                if ok(text) { Ok(Self(text.to_owned())) } else { Err($what) }
            }
        }

        text_serde!($name);
    };
}

checked_text!(
    /// An id that the platform gave: 1 to 128 characters of `A-Z a-z 0-9 . _ : = ; -`.
    Opaque,
    "not an opaque id",
    |text| (1..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:=;-".contains(&byte))
);

checked_text!(
    /// Who acted: an agent's or a user's id, `operator`, or `system` for what the clock brings about.
    Actor,
    "not an actor",
    |text| ["operator", "system"].contains(&text) || text.parse::<AgentId>().is_ok() || text.parse::<UserId>().is_ok()
);

checked_text!(
    /// A sentence of ours: printable ASCII without digits, so that no value of a caller's fits in unseen.
    Description,
    "not a description",
    |text| (1..=160).contains(&text.len())
        && text.chars().all(is_description_char)
);

checked_text!(
    /// HMAC-SHA-256 as 64 hexadecimal characters, under a key of the tenant's: no dictionary of likely prompts
    /// can be tried against it without that key.
    Digest,
    "not a digest",
    |text| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
);

impl Opaque {
    /// A digest as 64 letters of `a` to `p`: without digits, no detector can take a part of it for a number of somebody's,
    /// and no search for keys takes it for one.
    pub fn from_digest(digest: &[u8; 32]) -> Self {
        let letter = |nibble: u8| char::from(b'a' + nibble);
        Self(digest.iter().flat_map(|byte| [letter(byte >> 4), letter(byte & 15)]).collect())
    }
}

impl Digest {
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        Self(nibbles.filter_map(|nibble| char::from_digit(nibble.into(), 16)).collect())
    }
}

impl Description {
    /// A sentence written in our own source. What no description may hold is left out, so the type stays true.
    pub fn literal(text: &'static str) -> Self {
        Self(text.chars().filter(|c| is_description_char(*c)).take(160).collect())
    }
}

const fn is_description_char(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, ' ' | ',' | '.' | ':' | '\'' | '(' | ')' | '-')
}

impl Actor {
    pub fn operator() -> Self {
        Self("operator".to_owned())
    }
}

impl Actor {
    pub fn system() -> Self {
        Self("system".to_owned())
    }
}

impl From<&UserId> for Actor {
    fn from(id: &UserId) -> Self {
        Self(id.as_str().to_owned())
    }
}

impl From<&crate::ScimTokenId> for Actor {
    fn from(id: &crate::ScimTokenId) -> Self {
        Self(id.as_str().to_owned())
    }
}

impl From<&AgentId> for Actor {
    fn from(id: &AgentId) -> Self {
        Self(id.as_str().to_owned())
    }
}

/// By which authority something was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    pub key_id: Option<KeyId>,
    /// The role that the owner holds in the tenant.
    pub role: Option<Code>,
    /// Version of the tenant's policy that was read with the facts.
    pub policy_version: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> AuditRecord {
        let at = Timestamp::from_unix_millis(1_790_000_000_123).unwrap();
        AuditRecord {
            agent_id: Some(AgentId::from_random([3; 10])),
            source_ip: Some(SealedBytes::from_sealed_form([b"CSE1".as_slice(), &[0; 90]].concat()).unwrap()),
            dlp: Some(BTreeMap::from([("email".parse().unwrap(), 2)])),
            ..AuditRecord::new(
                RECORD_VERSION,
                EventId::new(at, [1; 10]),
                at,
                Region::Eu,
                OrgId::from_random([2; 10]),
                TenantId::from_random([2; 10]),
                EventType::LlmCall,
                Phase::Attempt,
                ActorType::Agent,
                Actor::from(&AgentId::from_random([3; 10])),
                "llm.call".parse().unwrap(),
                Decided::Allow,
                "completed".parse().unwrap(),
                "An agent calls a model.".parse().unwrap(),
                Metadata::default().count("held_tokens", 9),
            )
        }
    }

    /// Pinned: stored objects are read back for years. A change here needs a new version and a migration plan.
    #[test]
    fn the_canonical_form_is_pinned() {
        let text = record().to_canonical().unwrap();
        assert!(text.starts_with(
            r#"{"action":"llm.call","actor_id":"agt_0c1g60r30c1g60r3","actor_type":"agent","agent_id""#
        ));
        assert!(text.contains(r#""created_at":"2026-09-21T14:13:20.123Z","decision":"allow""#), "{text}");
        assert!(text.contains(r#""metadata":"{\"held_tokens\":9}","org_id""#));
        assert_eq!(AuditRecord::from_text(&text).unwrap(), record());
    }

    #[test]
    fn a_foreign_or_damaged_record_is_refused_without_quoting_it() {
        let good = record().to_canonical().unwrap();
        for bad in [
            good.replace("\"v\":1", "\"v\":2"),
            good.replace("\"v\":1", "\"v\":1,\"extra\":\"planted-value\""),
            good.replace("An agent calls a model.", "Call 0501234567 planted-value"),
            good.replace("agt_", "planted-value"),
            good.trim_end_matches('}').to_owned(),
            "planted-value".to_owned(),
        ] {
            let error = AuditRecord::from_text(&bad).unwrap_err().to_string();
            assert!(!error.contains("planted-value"), "{error}");
        }
        assert!(matches!(
            AuditRecord::from_text(&" ".repeat(63_488)),
            Err(RecordError::TooLarge { bytes: 63_488 })
        ));
    }

    /// Reviewed: which fields hold personal data. A reader judges a change by this diff.
    #[test]
    fn the_personal_fields_are_these() {
        let personal: Vec<_> = AuditRecord::FIELDS
            .iter()
            .filter(|(_, class)| *class == DataClass::Personal)
            .map(|(name, _)| *name)
            .collect();
        assert_eq!(personal, ["on_behalf_of", "source_ip"]);
    }
}
