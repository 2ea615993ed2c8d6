//! Opaque ids. Random parts are given by the caller, so that this crate stays free of a random generator.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::Timestamp;

/// Why a text is not an id of the wanted kind. Never carries the text itself: it came from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind}")]
pub struct IdError {
    kind: &'static str,
}

impl IdError {
    pub(crate) const fn of(kind: &'static str) -> Self {
        Self { kind }
    }
}

/// Crockford's base32, lower case: no `i`, `l`, `o`, `u`, so that an id can be read out over the phone.
pub(crate) const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const RANDOM_CHARS: usize = 16;

fn base32(random: [u8; 10]) -> String {
    let mut wide = [0_u8; 16];
    for (to, from) in wide.iter_mut().skip(6).zip(random) {
        *to = from;
    }
    let bits = u128::from_be_bytes(wide);
    let digit = |place: usize| ((bits >> (5 * (RANDOM_CHARS - 1 - place))) & 31) as usize;
    (0..RANDOM_CHARS).filter_map(|place| ALPHABET.get(digit(place))).map(|byte| char::from(*byte)).collect()
}

fn is_base32(text: &str) -> bool {
    text.len() == RANDOM_CHARS && text.bytes().all(|byte| ALPHABET.contains(&byte))
}

macro_rules! platform_id {
    ($name:ident) => {
        impl $name {
            /// The platform itself, in whose log stands what belongs to no tenant. No random id is it.
            pub fn platform() -> Self {
                Self::from_random([0; 10])
            }
        }
    };
}

macro_rules! opaque_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            #[doc = concat!("`", $prefix, "` and 80 random bits as 16 characters of base32.")]
            pub fn from_random(random: [u8; 10]) -> Self {
                Self(format!(concat!($prefix, "{}"), base32(random)))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                match text.strip_prefix($prefix) {
                    Some(random) if is_base32(random) => Ok(Self(text.to_owned())),
                    _ => Err(IdError { kind: stringify!($name) }),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        text_serde!($name);
    };
}

/// Serde through the text form, so that a parsed message holds only valid values.
macro_rules! text_serde {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use text_serde;

opaque_id!(/// An organization: the customer.
    OrgId, "org_");
opaque_id!(/// A tenant of an organization: the unit of isolation. Lives in exactly one region.
    TenantId, "ten_");
opaque_id!(/// A person.
    UserId, "usr_");
opaque_id!(/// A registered agent.
    AgentId, "agt_");
opaque_id!(/// A configured LLM provider endpoint.
    ProviderId, "prv_");
opaque_id!(/// A person's session with the management API.
    SessionId, "ses_");
opaque_id!(/// An organization's connection to its identity provider.
    ConnectionId, "con_");
opaque_id!(/// A program that signs in by a token of the platform that it runs on.
    WorkloadId, "wkl_");
opaque_id!(/// A change that waits for a second person.
    ChangeId, "chg_");
opaque_id!(/// A question to the audit trail.
    QueryId, "qry_");
opaque_id!(/// A group that a directory pushed.
    GroupId, "grp_");
opaque_id!(/// A token by which a directory pushes people.
    ScimTokenId, "sct_");
opaque_id!(/// A permission to run one action once.
    PermitId, "prm_");
opaque_id!(/// One process that sends audit records: an instance of a function, or one run of a command.
    ProducerId, "prd_");

platform_id!(OrgId);
platform_id!(TenantId);

impl TenantId {
    /// The tenant whose calls the platform makes itself, to see that it works: one in each region, under the same id, so that a
    /// policy can name it before it is there.
    pub fn canary() -> Self {
        Self::from_random([0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
    }
}

/// The public half of a gateway key: 16 characters of base62.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

impl KeyId {
    pub const CHARS: usize = 16;

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let ok = text.len() == Self::CHARS && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if ok { Ok(Self(text.to_owned())) } else { Err(IdError { kind: "KeyId" }) }
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

text_serde!(KeyId);

macro_rules! uuid_v7 {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// UUID version 7 (RFC 9562 section 5.7): 48 bits of Unix milliseconds, 74 random bits.
            pub fn new(at: Timestamp, random: [u8; 10]) -> Self {
                Self(uuid::Builder::from_unix_timestamp_millis(at.unix_millis(), &random).into_uuid())
            }

            /// The time that the id was made at, to the millisecond.
            pub fn created_at(&self) -> Option<Timestamp> {
                let (seconds, nanos) = self.0.get_timestamp()?.to_unix();
                Timestamp::from_unix_millis(i64::try_from(seconds).ok()? * 1_000 + i64::from(nanos / 1_000_000)).ok()
            }

            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let error = IdError { kind: stringify!($name) };
                let uuid = Uuid::try_parse(text).map_err(|_| error)?;
                // One text form only: the same id must always be the same object name.
                if uuid.get_version_num() == 7 && uuid.hyphenated().to_string() == text { Ok(Self(uuid)) } else { Err(error) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        text_serde!($name);
    };
}

uuid_v7!(/// One action of an agent: an LLM call from its attempt to its outcome.
    ActionId);
uuid_v7!(/// One audit record. Delivered twice, it is still one event.
    EventId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opaque_id_reads_back_and_other_kinds_do_not() {
        let id = TenantId::from_random([0xff; 10]);
        assert_eq!(id.as_str(), "ten_zzzzzzzzzzzzzzzz");
        assert_eq!(id.as_str().parse::<TenantId>(), Ok(id.clone()));
        assert!(id.as_str().parse::<OrgId>().is_err());
        for bad in [
            "",
            "ten_",
            "ten_ZZZZZZZZZZZZZZZZ",
            "ten_zzzzzzzzzzzzzzz",
            "ten_zzzzzzzzzzzzzzz/",
            "ten_zzzzzzzzzzzzzzzzz",
        ] {
            assert!(bad.parse::<TenantId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn base32_keeps_every_bit() {
        let one = OrgId::from_random([0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(one.as_str(), "org_0000000000000001");
        let high = OrgId::from_random([0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(high.as_str(), "org_g000000000000000");
    }

    #[test]
    fn an_action_id_knows_its_time_and_has_one_text_form() {
        let at = Timestamp::from_unix_millis(1_790_000_000_123).unwrap();
        let id = ActionId::new(at, [7; 10]);
        assert_eq!(id.created_at(), Some(at));
        assert_eq!(id.to_string().parse::<ActionId>(), Ok(id));
        assert!(id.to_string().to_uppercase().parse::<ActionId>().is_err());
        assert!("00000000-0000-4000-8000-000000000000".parse::<ActionId>().is_err());
    }
}
