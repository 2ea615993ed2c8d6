//! What a decision comes to: something to show, or writes with what is said about them.

use domain::{Metadata, Offboarding, OrgId, ProviderId, TenantId};
use envelope::Purpose;
use serde_json::Value;
use tables::gates::Write;
use tables::{Key, Swap};
use zeroize::Zeroizing;

use crate::queries::NewQuery;

/// What is shown, and the entity tag of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    pub body: Value,
    pub etag: Option<String>,
}

/// Rows to be written in one transaction, all or none.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub swaps: Vec<Swap>,
    /// Other writes of the same transaction.
    pub writes: Vec<Write>,
    /// A secret that is sealed into one of the rows before they are written.
    pub secret: Option<NewSecret>,
    /// The same of a provider's credential, under its tenant's own root.
    pub credential: Option<NewCredential>,
    /// Channels of a tenant, sealed under its own root for actions: their row among the others is made of it.
    pub channels: Option<NewChannels>,
    /// A question to the log, which is started and kept instead of rows.
    pub query: Option<NewQuery>,
    /// What it is done to, such as `key:<id>`.
    pub resource: String,
    pub metadata: Metadata,
    /// What the caller gets when it is done.
    pub body: Value,
    pub etag: Option<String>,
    /// Whether it lets more happen than before: then a second person must agree.
    pub weakens: bool,
    /// In whose log it is told, if not where the path says.
    pub log: Option<(OrgId, TenantId)>,
    /// Whether it is told in the platform's own log too.
    pub of_platform: bool,
    /// Where what is made can be read.
    pub location: Option<String>,
    /// A tenant whose root keys are made with it.
    pub roots: Option<TenantId>,
    /// Somebody who is ended with it: told to `lifecycle` once it is written.
    pub ends: Option<Offboarding>,
    /// Done before: nothing is written or told again.
    pub already: bool,
    /// Whether it is done even if it cannot be recorded: a stop.
    pub regardless: bool,
}

/// The secret of a connection, or of its directory, for its row and its provider's host: elsewhere it does not open.
#[derive(Clone, PartialEq)]
pub struct NewSecret {
    pub purpose: Purpose,
    pub row: Key,
    pub host: String,
    pub text: Zeroizing<String>,
}

impl std::fmt::Debug for NewSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewSecret(..)")
    }
}

/// The credential of a provider, for the one host that may ever receive it.
#[derive(Clone, PartialEq)]
pub struct NewCredential {
    pub tenant: TenantId,
    pub provider: ProviderId,
    pub host: String,
    pub text: Zeroizing<String>,
}

impl std::fmt::Debug for NewCredential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewCredential(..)")
    }
}

/// Where people and agents of a tenant are told, as it is sealed.
#[derive(Clone, PartialEq)]
pub struct NewChannels {
    pub tenant: TenantId,
    pub version: u64,
    pub text: Zeroizing<String>,
}

impl std::fmt::Debug for NewChannels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewChannels(..)")
    }
}

impl Change {
    pub fn of(swaps: Vec<Swap>, resource: impl Into<String>, body: Value) -> Self {
        Self {
            swaps,
            writes: Vec::new(),
            secret: None,
            credential: None,
            channels: None,
            query: None,
            resource: resource.into(),
            metadata: Metadata::default(),
            body,
            etag: None,
            weakens: false,
            log: None,
            of_platform: false,
            location: None,
            roots: None,
            ends: None,
            already: false,
            regardless: false,
        }
    }

    /// What was done before, as it is now.
    pub fn already(resource: impl Into<String>, body: Value) -> Self {
        Self { already: true, ..Self::of(Vec::new(), resource, body) }
    }
}
