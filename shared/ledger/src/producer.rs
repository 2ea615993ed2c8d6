//! Producers: who sent a record, numbered and signed by a key that lives no longer than the process.
//!
//! A producer makes its key when it starts, has it certified once by a key in KMS, and then signs each record itself. It
//! numbers its records per tenant, each with the hash of the one before, so that one that never arrived leaves a hole.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use domain::{AuditRecord, ProducerId, RecordError, TenantId, Timestamp, canonical_fields};
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::{Hash, VerifierKey};

/// What stands before the bytes that a producer signs, so that a signature means a record and nothing else.
const RECORD_CONTEXT: &str = "countersign/record/v1\n";
const PRODUCER_CONTEXT: &str = "countersign/producer/v1\n";

/// Where a record stands among what its producer has sent about the tenant. Signed with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    pub producer: ProducerId,
    /// From 1, without gaps, for each tenant.
    pub n: u64,
    /// Hash of the producer's record `n - 1` about this tenant; absent for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prev: Option<Hash>,
    /// SHA-256 of the code that runs, as it was deployed.
    pub code_sha256: Hash,
}

/// Names of [`Origin`]'s fields, in a record's text.
pub(crate) const ORIGIN_FIELDS: [&str; 4] = ["producer", "n", "prev", "code_sha256"];
const PROOF_FIELDS: [&str; 2] = ["producer_sig", "producer_cert"];

/// Shows that a producer's key is one of ours: public key 32 ‖ milliseconds u64 ‖ signature 64, in base64url.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Certificate {
    public: [u8; 32],
    issued_at: Timestamp,
    signature: [u8; 64],
}

/// A signature of 64 bytes, in base64url.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordSignature([u8; 64]);

/// A text that is not what it should encode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a {0} in base64url")]
pub struct NotEncoded(&'static str);

fn statement(key_name: &str, origin: (&ProducerId, &Hash), public: &[u8; 32], at: Timestamp) -> String {
    let (producer, code) = origin;
    let public = STANDARD.encode(public);
    format!("{PRODUCER_CONTEXT}{key_name}\n{producer}\n{public}\n{code}\n{at}\n")
}

impl Certificate {
    pub const fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// Whether `key` certified that `producer`, running `code`, signs with this certificate's key.
    pub fn is_by(&self, key: &VerifierKey, producer: &ProducerId, code: &Hash) -> bool {
        let told = statement(key.name(), (producer, code), &self.public, self.issued_at);
        key.signed(told.as_bytes(), &self.signature)
    }
}

impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.issued_at.unix_millis().to_be_bytes();
        f.write_str(
            &URL_SAFE_NO_PAD.encode([self.public.as_slice(), at.as_slice(), &self.signature].concat()),
        )
    }
}

impl FromStr for Certificate {
    type Err = NotEncoded;

    fn from_str(text: &str) -> Result<Self, NotEncoded> {
        let read = || {
            let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
            let (public, rest) = bytes.split_first_chunk::<32>()?;
            let (at, signature) = rest.split_first_chunk::<8>()?;
            let at = i64::try_from(u64::from_be_bytes(*at)).ok()?;
            let issued_at = Timestamp::from_unix_millis(at).ok()?;
            Some(Self { public: *public, issued_at, signature: signature.try_into().ok()? })
        };
        read().ok_or(NotEncoded("certificate"))
    }
}

impl fmt::Display for RecordSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl FromStr for RecordSignature {
    type Err = NotEncoded;

    fn from_str(text: &str) -> Result<Self, NotEncoded> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or(NotEncoded("signature"))
    }
}

macro_rules! text_serde {
    ($($name:ident),+) => {$(
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
    )+};
}
text_serde!(Certificate, RecordSignature);

#[derive(Serialize, Deserialize)]
struct Proof {
    producer_sig: RecordSignature,
    producer_cert: Certificate,
}

/// A record as it lies on the audit queue: one flat object, signed but for its signature and certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedRecord {
    pub record: AuditRecord,
    pub origin: Origin,
    pub signature: RecordSignature,
    pub certificate: Certificate,
}

impl SignedRecord {
    /// The text of the message.
    ///
    /// # Errors
    /// A record that has no canonical form.
    pub fn to_text(&self) -> Result<String, RecordError> {
        Ok(canonical_fields(&self.to_fields()?)?)
    }

    /// Reads a message. What it says is not yet shown: see [`SignedRecord::is_signed`].
    ///
    /// # Errors
    /// Anything but one record with its origin and signature; the error names a place, never a value.
    pub fn from_text(text: &str) -> Result<Self, RecordError> {
        let fields = serde_json::from_str(text).map_err(|error| RecordError::from_json(&error))?;
        Self::from_fields(fields)
    }

    pub(crate) fn to_fields(&self) -> Result<Map<String, Value>, RecordError> {
        let mut fields = self.record.to_fields()?;
        fields.append(&mut object(&self.origin)?);
        fields.append(&mut object(&Proof { producer_sig: self.signature, producer_cert: self.certificate })?);
        Ok(fields)
    }

    pub(crate) fn from_fields(mut fields: Map<String, Value>) -> Result<Self, RecordError> {
        let origin: Origin = read(take(&mut fields, &ORIGIN_FIELDS))?;
        let proof: Proof = read(take(&mut fields, &PROOF_FIELDS))?;
        let record = AuditRecord::from_fields(fields)?;
        Ok(Self { record, origin, signature: proof.producer_sig, certificate: proof.producer_cert })
    }

    fn signed_text(&self) -> Result<String, RecordError> {
        let mut fields = self.record.to_fields()?;
        fields.append(&mut object(&self.origin)?);
        signed_text(&fields)
    }

    /// What the producer's next record about this tenant names as `prev`.
    ///
    /// # Errors
    /// A record that has no canonical form.
    pub fn hash(&self) -> Result<Hash, RecordError> {
        Ok(Hash::of(self.signed_text()?.as_bytes()))
    }

    /// Whether the certificate's key signed the record. Whose certificate it is: [`Certificate::is_by`].
    pub fn is_signed(&self) -> bool {
        let Ok(key) = VerifyingKey::from_bytes(&self.certificate.public) else { return false };
        let signature = ed25519_dalek::Signature::from_bytes(&self.signature.0);
        self.signed_text().is_ok_and(|text| key.verify_strict(text.as_bytes(), &signature).is_ok())
    }
}

fn object(value: &impl Serialize) -> Result<Map<String, Value>, RecordError> {
    match serde_json::to_value(value).map_err(|error| RecordError::from_json(&error))? {
        Value::Object(fields) => Ok(fields),
        _ => Ok(Map::new()),
    }
}

fn read<'de, T: Deserialize<'de>>(fields: Map<String, Value>) -> Result<T, RecordError> {
    T::deserialize(Value::Object(fields)).map_err(|error| RecordError::from_json(&error))
}

/// Takes the named fields out.
pub(crate) fn take(fields: &mut Map<String, Value>, names: &[&str]) -> Map<String, Value> {
    names.iter().filter_map(|name| fields.remove_entry(*name)).collect()
}

/// Of the fields of a record and of its origin.
fn signed_text(fields: &Map<String, Value>) -> Result<String, RecordError> {
    Ok(RECORD_CONTEXT.to_owned() + &canonical_fields(fields)?)
}

/// A producer whose key nobody has certified yet.
pub struct Uncertified {
    key: SigningKey,
    id: ProducerId,
    code: Hash,
    key_name: String,
    at: Timestamp,
}

impl Uncertified {
    /// `seed` is fresh random bytes; `key_name` is the name of the key that is to certify it, such as
    /// `countersign/eu/gateway`.
    pub fn new(seed: &[u8; 32], id: ProducerId, code: Hash, key_name: String, at: Timestamp) -> Self {
        Self { key: SigningKey::from_bytes(seed), id, code, key_name, at }
    }

    /// What KMS is to sign.
    pub fn statement(&self) -> String {
        statement(&self.key_name, (&self.id, &self.code), self.key.verifying_key().as_bytes(), self.at)
    }

    pub fn certified(self, signature: [u8; 64]) -> Producer {
        let public = self.key.verifying_key().to_bytes();
        let certificate = Certificate { public, issued_at: self.at, signature };
        Producer { key: self.key, id: self.id, code: self.code, certificate, places: HashMap::new() }
    }
}

/// Numbers and signs the records of one process. A record that is signed must be sent until it is acknowledged, and
/// before any later one of the same tenant: its number is taken.
pub struct Producer {
    key: SigningKey,
    id: ProducerId,
    code: Hash,
    certificate: Certificate,
    places: HashMap<TenantId, (u64, Hash)>,
}

impl Producer {
    /// # Errors
    /// A record that is too large or has no canonical form. No number is taken then.
    pub fn sign(&mut self, record: AuditRecord) -> Result<SignedRecord, RecordError> {
        let Draft { tenant, mut fields } = Draft::of(&record)?;
        let (origin, signature) = self.number(&tenant, &mut fields)?;
        Ok(SignedRecord { record, origin, signature, certificate: self.certificate })
    }

    /// The same for a record of which only the message is wanted: [`SignedRecord::to_text`].
    ///
    /// # Errors
    /// None that a draft could have.
    pub fn message(&mut self, draft: Draft) -> Result<String, RecordError> {
        let Draft { tenant, mut fields } = draft;
        let (_, producer_sig) = self.number(&tenant, &mut fields)?;
        fields.append(&mut object(&Proof { producer_sig, producer_cert: self.certificate })?);
        Ok(canonical_fields(&fields)?)
    }

    /// Adds the origin to a record's fields, and signs them.
    fn number(
        &mut self,
        tenant: &TenantId,
        fields: &mut Map<String, Value>,
    ) -> Result<(Origin, RecordSignature), RecordError> {
        let last = self.places.get(tenant);
        let n = last.map_or(0, |(n, _)| *n).saturating_add(1);
        let prev = last.map(|(_, hash)| *hash);
        let origin = Origin { producer: self.id.clone(), n, prev, code_sha256: self.code };
        fields.append(&mut object(&origin)?);
        let text = signed_text(fields)?;
        let signature = RecordSignature(self.key.sign(text.as_bytes()).to_bytes());
        self.places.insert(tenant.clone(), (n, Hash::of(text.as_bytes())));
        Ok((origin, signature))
    }
}

/// A record of a size and form that can be sent, before it has a number.
#[derive(Debug)]
pub struct Draft {
    tenant: TenantId,
    fields: Map<String, Value>,
}

impl Draft {
    /// # Errors
    /// A record that is too large or has no canonical form.
    pub fn of(record: &AuditRecord) -> Result<Self, RecordError> {
        Ok(Self { tenant: record.tenant_id.clone(), fields: record.to_canonical_fields()? })
    }

    pub const fn tenant(&self) -> &TenantId {
        &self.tenant
    }
}

/// They hold a private key.
macro_rules! no_debug {
    ($($name:ident),+) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).field("id", &self.id).finish_non_exhaustive()
            }
        }
    )+};
}
no_debug!(Uncertified, Producer);

#[cfg(test)]
mod tests;
