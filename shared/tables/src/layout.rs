//! Where each row lies. Primary keys are `T#<tenant>` and `<KIND>#<id>`; the exceptions are opaque and random.

mod approvals;

use std::fmt;

use domain::{
    AgentId, ChangeId, Code, ConnectionId, EventId, KeyId, Offboarding, Opaque, OrgId, QueryId, ScimTokenId,
    SessionId, TenantId, TokenDigest, UserId, WorkloadId,
};

use crate::shard_of;

/// The tables, split by who may write them, so that IAM says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Orgs, tenants, agents, gateway keys, policies, providers with sealed credentials.
    Control,
    /// Users and role bindings.
    Identity,
    /// Budgets, holds and rate windows.
    Gates,
    /// Wrapped root secrets and tombstones.
    Keys,
    /// Where each tenant's log ends, and which events it holds.
    Ledger,
    /// Values that tokens stand for beyond one request, sealed.
    Tokens,
    /// Kill switches.
    Kill,
    /// Requests for approval, up to their decision.
    Votes,
    /// Actions that were consumed, and what became of them.
    Approvals,
    /// How the platform is, and was.
    Status,
}

impl Table {
    pub const ALL: [Self; 10] = [
        Self::Control,
        Self::Identity,
        Self::Gates,
        Self::Keys,
        Self::Ledger,
        Self::Tokens,
        Self::Kill,
        Self::Votes,
        Self::Approvals,
        Self::Status,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Identity => "identity",
            Self::Gates => "gates",
            Self::Keys => "keys",
            Self::Ledger => "ledger",
            Self::Tokens => "tokens",
            Self::Kill => "kill",
            Self::Votes => "votes",
            Self::Approvals => "approvals",
            Self::Status => "status",
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The address of one item.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub table: Table,
    pub pk: String,
    pub sk: String,
}

impl Key {
    pub(crate) fn new(table: Table, pk: String, sk: impl Into<String>) -> Self {
        Self { table, pk, sk: sk.into() }
    }

    pub fn gateway_key(id: &KeyId) -> Self {
        Self::new(Table::Control, format!("KEY#{id}"), "KEY")
    }

    pub fn org(id: &OrgId) -> Self {
        Self::new(Table::Control, format!("ORG#{id}"), "ORG")
    }

    pub fn tenant(id: &TenantId) -> Self {
        Self::new(Table::Control, format!("T#{id}"), "TENANT")
    }

    pub fn agent(tenant: &TenantId, id: &AgentId) -> Self {
        Self::new(Table::Control, format!("T#{tenant}"), format!("AGENT#{id}"))
    }

    /// A team, by what limits name it.
    pub fn team(tenant: &TenantId, id: &Code) -> Self {
        Self::new(Table::Control, format!("T#{tenant}"), format!("TEAM#{id}"))
    }

    pub fn policy(tenant: &TenantId) -> Self {
        Self::new(Table::Control, format!("T#{tenant}"), "POLICY")
    }

    /// What is taken out of a tenant's calls, or of one agent's. Rows of their own, beside [`Key::policy`].
    pub fn dlp_policy(tenant: &TenantId, agent: Option<&AgentId>) -> Self {
        let sk = agent.map_or_else(|| "DLP#tenant".to_owned(), |agent| format!("DLP#agent#{agent}"));
        Self::new(Table::Control, format!("T#{tenant}"), sk)
    }

    /// What no tenant of an organization may fall below.
    pub fn dlp_floor(org: &OrgId) -> Self {
        Self::new(Table::Control, format!("ORG#{org}"), "DLP#floor")
    }

    pub fn providers(tenant: &TenantId) -> Self {
        Self::new(Table::Control, format!("T#{tenant}"), "PROVIDERS")
    }

    pub fn user(org: &OrgId, id: &UserId) -> Self {
        Self::new(Table::Identity, format!("ORG#{org}"), format!("USER#{id}"))
    }

    pub fn binding(tenant: &TenantId, user: &UserId) -> Self {
        Self::new(Table::Identity, format!("T#{tenant}"), format!("BIND#{user}"))
    }

    /// A person who owns the organization.
    pub fn org_owner(org: &OrgId, user: &UserId) -> Self {
        Self::new(Table::Identity, format!("ORG#{org}"), format!("OWNER#{user}"))
    }

    /// A person who administers the platform.
    pub fn platform_admin(user: &UserId) -> Self {
        Self::new(Table::Identity, "PLATFORM".to_owned(), format!("ADMIN#{user}"))
    }

    /// Who administers the platform, in one row.
    pub fn platform_admins() -> Self {
        Self::new(Table::Identity, "PLATFORM".to_owned(), "ADMINS")
    }

    /// That an administrator has signed in: from then on nobody comes in by IAM alone.
    pub fn bootstrapped() -> Self {
        Self::new(Table::Identity, "PLATFORM".to_owned(), "BOOTSTRAPPED")
    }

    /// Who owns a tenant, in one row.
    pub fn owners(tenant: &TenantId) -> Self {
        Self::new(Table::Identity, format!("T#{tenant}"), "OWNERS")
    }

    /// Who owns an organization, in one row.
    pub fn org_owners(org: &OrgId) -> Self {
        Self::new(Table::Identity, format!("ORG#{org}"), "OWNERS")
    }

    /// A platform administrator's way into a tenant.
    pub fn break_glass(tenant: &TenantId, user: &UserId) -> Self {
        Self::new(Table::Identity, format!("T#{tenant}"), format!("GLASS#{user}"))
    }

    /// A session. A partition each: it is found by what its owner presents.
    pub fn session(id: &SessionId) -> Self {
        Self::new(Table::Identity, format!("SES#{id}"), "SESSION")
    }

    /// That a person has a session: what lists them.
    pub fn session_of(org: &OrgId, user: &UserId, id: &SessionId) -> Self {
        Self::new(Table::Identity, format!("ORG#{org}"), format!("SESSION#{user}#{id}"))
    }

    /// That a session came from one at an identity provider, by that one's digest: what a logout there finds it by.
    pub fn session_at_provider(digest: &Opaque, id: &SessionId) -> Self {
        Self::new(Table::Identity, Self::sessions_at_provider(digest), format!("SESSION#{id}"))
    }

    /// The partition of sessions that came from one at an identity provider.
    pub fn sessions_at_provider(digest: &Opaque) -> String {
        format!("SID#{digest}")
    }

    /// That somebody has left, until what they held was dealt with. They lie together in few partitions, so that all can be
    /// read every few minutes.
    pub fn offboarding(left: &Offboarding) -> Self {
        let Offboarding { org, user, epoch, .. } = left;
        let shard = shard_of(user.as_str());
        Self::new(Table::Identity, Self::offboardings(shard), format!("{org}#{user}#{epoch}"))
    }

    /// One of the partitions of those who have left: the person's id's last character, one of [`HEAD_SHARDS`](crate::HEAD_SHARDS).
    pub fn offboardings(shard: char) -> String {
        format!("OFFBOARD#{shard}")
    }

    /// A program that signs in by its platform's token. A partition each: it names itself.
    pub fn workload(id: &WorkloadId) -> Self {
        Self::new(Table::Identity, format!("WKL#{id}"), "WORKLOAD")
    }

    /// That a tenant has such a program: what lists them.
    pub fn workload_of(tenant: &TenantId, id: &WorkloadId) -> Self {
        Self::new(Table::Identity, format!("T#{tenant}"), format!("WORKLOAD#{id}"))
    }

    /// A connection to an identity provider.
    pub fn connection(id: &ConnectionId) -> Self {
        Self::new(Table::Identity, format!("CON#{id}"), "CONNECTION")
    }

    /// That an organization has a connection: what lists them.
    pub fn connection_of(org: &OrgId, id: &ConnectionId) -> Self {
        Self::new(Table::Identity, format!("ORG#{org}"), format!("CONNECTION#{id}"))
    }

    /// Which person an identity of a provider is: by a digest of issuer and subject, which no e-mail address can stand for.
    pub fn link(org: &OrgId, digest: impl fmt::Display) -> Self {
        Self::new(Table::Identity, format!("ORG#{org}"), format!("LINK#{digest}"))
    }

    /// What awaits somebody at the first sign-in.
    pub fn invite(org: &OrgId, digest: impl fmt::Display) -> Self {
        Self::new(Table::Identity, format!("ORG#{org}"), format!("INVITE#{digest}"))
    }

    /// What tenants hold for somebody at the next sign-in, by the digest of an invitation.
    pub fn tenant_invites(org: &OrgId, digest: impl fmt::Display) -> Self {
        Self::new(Table::Identity, format!("ORG#{org}"), format!("INVITED#{digest}"))
    }

    /// That a tenant holds something there: what lists it.
    pub fn tenant_invite(tenant: &TenantId, digest: impl fmt::Display) -> Self {
        Self::new(Table::Identity, format!("T#{tenant}"), format!("INVITE#{digest}"))
    }

    /// An e-mail address in an organization, by its digest.
    pub fn address(org: &OrgId, digest: impl fmt::Display) -> Self {
        Self::new(Table::Identity, format!("ORG#{org}"), format!("ADDRESS#{digest}"))
    }

    /// A token of a connection's directory. Found by what the directory presents.
    pub fn scim_token(connection: &ConnectionId, id: &ScimTokenId) -> Self {
        Self::new(Table::Identity, format!("CON#{connection}"), format!("SCIMTOKEN#{id}"))
    }

    /// Which tokens of a connection are live, in one row.
    pub fn scim_slots(connection: &ConnectionId) -> Self {
        Self::new(Table::Identity, format!("CON#{connection}"), "SCIMSLOTS")
    }

    /// By what the directory of a connection is asked. All of them lie together: they are gone through by the clock.
    pub fn pull(connection: &ConnectionId) -> Self {
        Self::new(Table::Identity, Self::PULLS.to_owned(), format!("{}{connection}", Self::PULL))
    }

    /// Where all directories lie that are asked.
    pub const PULLS: &str = "PULLS";
    /// What their sort keys begin with.
    pub const PULL: &str = "PULL#";

    /// A sign-in on its way through the provider, by a digest of its state.
    pub fn sign_in(digest: impl fmt::Display) -> Self {
        Self::new(Table::Identity, format!("LOGIN#{digest}"), "LOGIN")
    }

    /// A question to a tenant's log.
    pub fn query(tenant: &TenantId, id: &QueryId) -> Self {
        Self::new(Table::Identity, format!("T#{tenant}"), format!("QUERY#{id}"))
    }

    /// A question to what the platform's log holds of an organization.
    pub fn query_of_org(org: &OrgId, id: &QueryId) -> Self {
        Self::new(Table::Identity, format!("ORG#{org}"), format!("QUERY#{id}"))
    }

    /// A change of a tenant's configuration that waits for a second person.
    pub fn change(tenant: &TenantId, id: &ChangeId) -> Self {
        Self::new(Table::Control, format!("T#{tenant}"), format!("CHANGE#{id}"))
    }

    /// A change of an organization's configuration that waits for a second person.
    pub fn org_change(org: &OrgId, id: &ChangeId) -> Self {
        Self::new(Table::Control, format!("ORG#{org}"), format!("CHANGE#{id}"))
    }

    /// A change of the platform's own that waits for a second person.
    pub fn platform_change(id: &ChangeId) -> Self {
        Self::new(Table::Control, "PLATFORM".to_owned(), format!("CHANGE#{id}"))
    }

    /// That a tenant has a gateway key: what lists them.
    pub fn gateway_key_of(tenant: &TenantId, id: &KeyId) -> Self {
        Self::new(Table::Control, format!("T#{tenant}"), format!("KEY#{id}"))
    }

    /// That an organization has a tenant: what lists them.
    pub fn tenant_of(org: &OrgId, id: &TenantId) -> Self {
        Self::new(Table::Control, format!("ORG#{org}"), format!("TENANT#{id}"))
    }

    /// That the platform has an organization: what lists them.
    pub fn org_of_platform(id: &OrgId) -> Self {
        Self::new(Table::Control, "PLATFORM".to_owned(), format!("ORG#{id}"))
    }

    /// A tenant's roots for one purpose, such as `cred`.
    pub fn root(tenant: &TenantId, purpose: &str) -> Self {
        Self::new(Table::Keys, format!("T#{tenant}"), format!("ROOT#{purpose}"))
    }

    /// The key of one person. A partition of its own: the gateway may write there, and nowhere near the roots.
    pub fn subject(tenant: &TenantId, subject: &Opaque) -> Self {
        Self::new(Table::Keys, Self::subjects(tenant), format!("SUBJ#{subject}"))
    }

    /// The partition of a tenant's subject keys.
    pub fn subjects(tenant: &TenantId) -> String {
        format!("T#{tenant}#S")
    }

    /// How much a tenant and its own may use. What they used is in [`Key::budget`].
    pub fn limits(tenant: &TenantId) -> Self {
        Self::new(Table::Control, format!("T#{tenant}"), "LIMITS")
    }

    /// What is kept of a month's days, such as `2026-11`, once their meters are forgotten.
    pub fn usage(tenant: &TenantId, month: &str) -> Self {
        Self::new(Table::Gates, format!("T#{tenant}#U"), format!("USAGE#{month}"))
    }

    /// A tenant's meters and holds, shard by shard.
    pub fn budget(tenant: &TenantId, shard: u8) -> Self {
        Self::new(Table::Gates, format!("T#{tenant}#B{shard}"), "BUDGET")
    }

    /// How much of something a gateway key has had in one minute of Unix time. A partition of its own: whoever counts there
    /// reaches no budget.
    pub fn rate_window(tenant: &TenantId, what: &str, key: &KeyId, minute: u64) -> Self {
        Self::new(Table::Gates, format!("T#{tenant}#R"), format!("RATE#{what}#{key}#{minute}"))
    }

    /// What lets a call be made once: by the digest of its idempotency key, or of its body.
    pub fn once(tenant: &TenantId, key: &KeyId, digest: &Opaque) -> Self {
        Self::new(Table::Gates, format!("T#{tenant}#R"), format!("ONCE#{key}#{digest}"))
    }

    /// The breaker of an endpoint, by its short digest: one for all tenants that call it.
    pub fn endpoint_breaker(endpoint: impl fmt::Display) -> Self {
        Self::new(Table::Gates, format!("PROVIDER#{endpoint}"), "BREAKER")
    }

    /// A tenant's own breaker of one provider and the credential that it has there: another credential has another one.
    pub fn own_breaker(
        tenant: &TenantId,
        provider: impl fmt::Display,
        credential: impl fmt::Display,
    ) -> Self {
        Self::new(Table::Gates, format!("T#{tenant}#R"), format!("BREAKER#{provider}#{credential}"))
    }

    /// Where a tenant's log ends. Heads lie together in few partitions, so that all can be read each minute.
    pub fn head(tenant: &TenantId) -> Self {
        let shard = shard_of(tenant.as_str());
        Self::new(Table::Ledger, Self::heads(shard), tenant.as_str())
    }

    /// One of the partitions of heads: the tenant id's last character, one of [`HEAD_SHARDS`](crate::HEAD_SHARDS).
    pub fn heads(shard: char) -> String {
        format!("HEADS#{shard}")
    }

    /// Where the region log ends.
    pub fn region_head() -> Self {
        Self::new(Table::Ledger, "REGION".to_owned(), "HEAD")
    }

    /// An event that the ledger holds. A partition each: no partition is hot.
    pub fn event(tenant: &TenantId, event: &EventId) -> Self {
        Self::new(Table::Ledger, format!("T#{tenant}#{event}"), "EVENT")
    }

    /// What a token stands for.
    pub fn token(tenant: &TenantId, token: &TokenDigest) -> Self {
        Self::new(Table::Tokens, format!("T#{tenant}"), format!("TOKEN#{token}"))
    }

    /// The last record of an agent.
    pub fn agent_head(tenant: &TenantId, agent: &AgentId) -> Self {
        Self::new(Table::Ledger, format!("T#{tenant}#{agent}"), "AGENT")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pinned: rows are found by these for as long as they live.
    #[test]
    fn rows_of_dlp_lie_where_they_lay() {
        let (tenant, agent) = (TenantId::from_random([2; 10]), AgentId::from_random([3; 10]));
        let place = |key: Key| format!("{} {} {}", key.table, key.pk, key.sk);
        assert_eq!(place(Key::dlp_policy(&tenant, None)), format!("control T#{tenant} DLP#tenant"));
        assert_eq!(
            place(Key::dlp_policy(&tenant, Some(&agent))),
            format!("control T#{tenant} DLP#agent#{agent}")
        );
        let org = OrgId::from_random([1; 10]);
        assert_eq!(place(Key::dlp_floor(&org)), format!("control ORG#{org} DLP#floor"));
        let token = TokenDigest::of("[EMAIL_T_0]");
        assert_eq!(place(Key::token(&tenant, &token)), format!("tokens T#{tenant} TOKEN#{token}"));
    }
}
