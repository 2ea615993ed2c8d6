//! The rows that a decision reads, as values. Their item formats are in `tables`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use crate::event::{NotInCatalogue, catalogue};
use crate::id::text_serde;
use crate::{
    AgentId, Code, KeyId, KeyKind, Name, Networks, Opaque, OrgId, Previous, ProviderId, Region, SealedBytes,
    SecretHash, Sight, TenantId, Timestamp, UserId,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

catalogue! {
    /// Whether something may act.
    Lifecycle {
        Active = "active",
        Suspended = "suspended",
        /// For good: of tenants alone.
        Deleted = "deleted",
    }
}

catalogue! {
    /// A person's role in a tenant.
    Role {
        Owner = "owner",
        Admin = "admin",
        Developer = "developer",
        Operator = "operator",
        Member = "member",
        Viewer = "viewer",
    }
}

catalogue! {
    /// Which dialects a provider speaks, and with which habits.
    ProviderKind {
        /// OpenAI itself: Chat Completions, Responses and Embeddings; `max_completion_tokens`, and `store`, which is
        /// sent as false.
        OpenAi = "openai",
        /// Azure OpenAI: the same, with the credential in `api-key`.
        Azure = "azure",
        /// Anthropic: Messages.
        Anthropic = "anthropic",
        /// Any other server of Chat Completions and Embeddings: `max_tokens`, and no `store`, which many refuse.
        Compatible = "compatible",
    }
}

catalogue! {
    /// What no control can look into. Each kind is refused unless the tenant's policy permits it.
    Uninspectable {
        Images = "images",
        Audio = "audio",
        /// Documents and file ids.
        Files = "files",
        /// Addresses that the provider would fetch.
        RemoteUrls = "remote_urls",
        /// Tools that the provider runs: search, code, remote MCP servers.
        HostedTools = "hosted_tools",
        /// Conversations and responses that the provider keeps.
        Stored = "stored",
    }
}

catalogue! {
    /// Where in an answer the caller's own values are put back.
    RestoreField {
        Text = "text",
        /// Reasoning that nobody signed: summaries and `reasoning_content`.
        Reasoning = "reasoning",
        /// Arguments of tool calls.
        ToolArguments = "tool_arguments",
        /// Addresses, link targets and markup within those fields.
        Links = "links",
    }
}

/// Who answers for a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// A person, and the epoch that the person had when the key was made: any later epoch ends the key.
    User { id: UserId, epoch: u64 },
    /// The tenant itself.
    Tenant,
}

/// What a key may be used for. Narrower than its owner's role, never wider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scopes {
    pub actions: BTreeSet<Code>,
    /// `None`: every model of the tenant.
    pub models: Option<BTreeSet<Name>>,
    /// `None`: every provider of the tenant.
    pub providers: Option<BTreeSet<Name>>,
    /// `None`: every route that its actions have. Paths, such as `/v1/chat/completions`.
    pub routes: Option<BTreeSet<Name>>,
}

impl Scopes {
    /// These actions, and nothing narrower.
    pub const fn of(actions: BTreeSet<Code>) -> Self {
        Self { actions, models: None, providers: None, routes: None }
    }
}

/// A gateway key as its row holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRow {
    pub id: KeyId,
    pub kind: KeyKind,
    pub region: Region,
    pub org: OrgId,
    pub tenant: TenantId,
    pub agent: AgentId,
    pub owner: Owner,
    pub secret: SecretHash,
    /// Who was shown the secret: nobody, where a program was. A person's own key ends with them, whoever saw it.
    pub seen: Option<Sight>,
    /// While the key rotates: the secret that it had.
    pub previous: Option<Previous>,
    pub scopes: Scopes,
    /// `None`: from anywhere that its tenant and organization allow.
    pub networks: Option<Networks>,
    /// `None`: what its kind has.
    pub requests_per_minute: Option<u32>,
    pub active_from: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
    /// From then on it is refused unless its secret was replaced: whoever saw it has left.
    pub rotate_by: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Org {
    pub id: OrgId,
    pub status: Lifecycle,
    /// From where its keys may be used; `None`: from anywhere.
    pub networks: Option<Networks>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    pub id: TenantId,
    pub org: OrgId,
    pub region: Region,
    pub status: Lifecycle,
    /// From where its keys may be used; `None`: from anywhere that its organization allows.
    pub networks: Option<Networks>,
}

/// A person. Deactivation is one write: `active = false, epoch + 1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    pub active: bool,
    pub epoch: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    pub id: AgentId,
    pub status: Lifecycle,
    /// Whose limits count beside its own.
    pub team: Option<Code>,
    /// The person who answers for it: without them it does nothing. `None`: the tenant itself does.
    pub owner: Option<UserId>,
    /// Who answers for it once its owner has left.
    pub deputy: Option<UserId>,
}

/// What the tenant's policy says, as one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyRow {
    pub version: u64,
    /// Where the caller gets its own values back in an answer; nowhere if empty.
    pub restore: BTreeSet<RestoreField>,
    /// Whether detected types in the model's own words are taken out of answers.
    pub redact_answers: bool,
    /// What may pass uninspected.
    pub permits: BTreeSet<Uninspectable>,
    /// Tools that no call may declare and no answer may call.
    pub forbidden_tools: BTreeSet<Name>,
    /// The most output tokens of one answer; sent upstream when the caller asks for more or for nothing.
    pub max_output_tokens: u64,
}

/// A model as the tenant's agents call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderModel {
    pub name: Name,
    /// The name that the provider knows it by.
    pub upstream: Name,
    pub max_output_tokens: u64,
}

/// A provider endpoint, its region with a dated source, and its sealed credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    pub id: ProviderId,
    pub name: Name,
    pub kind: ProviderKind,
    pub base_url: String,
    /// Azure's deployment addresses want one on every call; its v1 API does not.
    pub api_version: Option<Code>,
    pub region: Region,
    /// Where the region is stated, and when that was read.
    pub region_source: String,
    pub models: Vec<ProviderModel>,
    pub credential: SealedBytes,
}

/// All providers of a tenant, in the order in which they are tried: one item, so that the list is read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Providers(pub Vec<Provider>);

impl Providers {
    /// The first provider with `model`, and its entry there.
    pub fn find(&self, model: &str) -> Option<(&Provider, &ProviderModel)> {
        let entry =
            |provider: &'_ Provider| provider.models.iter().position(|one| one.name.as_str() == model);
        self.0
            .iter()
            .find_map(|provider| entry(provider).and_then(|at| Some((provider, provider.models.get(at)?))))
    }
}

/// A tenant's root secrets for one purpose, each wrapped by the region's KMS key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootRow {
    pub current: u32,
    pub min_decrypt: u32,
    pub versions: BTreeMap<u32, WrappedRoot>,
    /// A tombstone: the roots were destroyed, and none may be made again silently.
    pub shredded: bool,
}

impl RootRow {
    /// With the first root that there is.
    pub fn first(wrapped: WrappedRoot) -> Self {
        Self { current: 1, min_decrypt: 1, versions: BTreeMap::from([(1, wrapped)]), shredded: false }
    }
}

/// The key of one person, by the keyed digest that stands for them: what only that key opens dies with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubjectRow {
    /// The key's secret, sealed under the tenant's root.
    Active(SealedBytes),
    /// A tombstone: the key was destroyed, and none may be made again silently.
    Shredded,
}

/// A root secret as KMS wrapped it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct WrappedRoot(pub Vec<u8>);

impl fmt::Debug for WrappedRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WrappedRoot({} bytes)", self.0.len())
    }
}

/// A DLP policy as it was written: a tenant's, an agent's, or the floor of an organization. What the document means is
/// `redact`'s business.
#[derive(Clone, PartialEq, Eq)]
pub struct DlpPolicyRow {
    /// 1 for the first, and one more with every write.
    pub version: u64,
    /// JSON text of at most 64 KiB. Holds words and names of people, and is never logged.
    pub document: String,
}

impl fmt::Debug for DlpPolicyRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DlpPolicyRow(version {}, {} bytes)", self.version, self.document.len())
    }
}

/// A value that a token stands for beyond one request. Its row is found by the token's digest alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// The agent in whose call the token was made, and to which alone it is given back.
    pub agent: AgentId,
    /// Keyed digest of the conversation, when the caller named one: the value is given back in no other.
    pub conversation: Option<Opaque>,
    /// What was detected, such as `email`.
    pub kind: Code,
    /// The person under whose key the value is sealed, as `psn_...`; without one it is the tenant's key.
    pub subject: Option<Opaque>,
    pub sealed: SealedBytes,
    /// From this moment on nothing is given back, whether or not the row is still there.
    pub expires_at: Timestamp,
}
