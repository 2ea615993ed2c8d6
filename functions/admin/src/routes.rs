//! Every operation of the management API, as one table: path, who may call it, what it takes and what it does. The OpenAPI
//! document and the tests of authorization are made from it.

use domain::EventType;
use policy::admin::Action;
use serde_json::Value;
use tables::{Item, Key, Table};

use crate::ask::Ask;
use crate::decide;
use crate::decide::{
    agents, audit, changes, channels, connections, directories, dlp, gate, glass, invitations, keys, kill,
    limits, offices, orgs, people, providers, scim_tokens, sessions, status, teams, tenant_people, tenants,
    users, workloads,
};
use crate::event::Params;
use crate::plan::{Change, Shown};
use crate::refusal::Refused;

/// Whose resource a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    Platform,
    Org,
    Tenant,
    /// What belongs to the caller, in the caller's own organization.
    Self_,
}

/// One operation.
#[derive(Debug)]
pub struct Operation {
    /// Its name: `operationId` in the document, and `action` in records.
    pub name: &'static str,
    pub method: &'static str,
    pub path: &'static str,
    pub action: Action,
    pub on: On,
    pub summary: &'static str,
    pub run: Run,
}

impl Operation {
    /// Whether it confirms what somebody else asked for.
    pub fn confirms(&self) -> bool {
        self.path.ends_with("/{change}/confirm")
    }
}

/// What an operation does with what was read for it.
pub enum Run {
    /// Shows rows: nothing is written.
    Show { needs: Needs, show: fn(&Ask<'_>) -> Result<Shown, Refused> },
    /// Shows a page of a partition.
    List(List),
    /// The same of a list whose rows say less than what is shown: with one more row for each.
    Joined(List, Beside),
    /// The same of what lies within something that must be there, which is read before.
    Within(Needs, List),
    /// Shows what the log answers to a question, which another operation asked.
    Answer { needs: Needs },
    /// Changes rows, recorded before and after.
    Change {
        needs: Needs,
        event: EventType,
        /// The shape of the body: a JSON schema.
        body: Option<fn() -> Value>,
        /// Which status says that it is done.
        status: u16,
        decide: fn(&Ask<'_>) -> Result<Change, Refused>,
    },
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Show { .. } => "Show",
            Self::List(_) => "List",
            Self::Joined(..) => "Joined",
            Self::Within(..) => "Within",
            Self::Answer { .. } => "Answer",
            Self::Change { .. } => "Change",
        })
    }
}

/// The rows that an operation reads beside those of its caller. What a body names is read too.
pub type Needs = fn(&Params, &Value) -> Vec<Key>;

/// The row that is read beside one of a list.
pub type Beside = fn(&Ask<'_>, &Key) -> Option<Key>;

/// A partition, the beginning of the sort keys that count, and what becomes of each row.
pub struct List {
    pub table: Table,
    pub partition: fn(&Params, &Ask<'_>) -> Option<String>,
    pub prefix: fn(&Ask<'_>) -> String,
    /// The row that a marker stands for; `None`: the row itself is shown.
    pub row: Option<fn(&Key) -> Option<Key>>,
    pub show: fn(&Ask<'_>, &Key, &Item) -> Option<Value>,
}

impl std::fmt::Debug for List {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("List").field("table", &self.table).finish_non_exhaustive()
    }
}

fn none(_: &Params, _: &Value) -> Vec<Key> {
    Vec::new()
}

macro_rules! operations {
    ($($method:ident $path:literal $name:literal $action:ident on $on:ident, $summary:literal => $run:expr;)+) => {
        pub static OPERATIONS: &[Operation] = &[$(Operation {
            name: $name,
            method: stringify!($method),
            path: $path,
            action: Action::$action,
            on: On::$on,
            summary: $summary,
            run: $run,
        }),+];
    };
}

const fn show(needs: Needs, show: fn(&Ask<'_>) -> Result<Shown, Refused>) -> Run {
    Run::Show { needs, show }
}

const fn answer(needs: Needs) -> Run {
    Run::Answer { needs }
}

const fn change(
    needs: Needs,
    event: EventType,
    status: u16,
    body: Option<fn() -> Value>,
    decide: fn(&Ask<'_>) -> Result<Change, Refused>,
) -> Run {
    Run::Change { needs, event, body, status, decide }
}

operations! {
    GET "/v1/session" "session.get" SessionOwn on Self_, "Who you are, and what you may do" => show(none, sessions::me);
    DELETE "/v1/session" "session.end" SessionOwn on Self_, "End this session" => change(none, EventType::AuthSession, 204, None, sessions::end_own);
    GET "/v1/sessions" "sessions.list" SessionOwn on Self_, "Your sessions" => Run::List(sessions::LIST);
    GET "/v1/session/tenants" "session.tenants" SessionOwn on Self_, "Tenants in which you have a role, and which: by people, by groups, or as an owner of the organization" => Run::Joined(tenants::MINE, tenants::beside);
    DELETE "/v1/sessions/{session}" "sessions.revoke" SessionOwn on Self_, "End one of your sessions" => change(sessions::needs, EventType::AuthSession, 204, None, sessions::revoke);
    DELETE "/v1/orgs/{org}/users/{user}/sessions/{session}" "sessions.revoke_any" SessionRevokeAny on Org, "End somebody's session" => change(sessions::needs, EventType::AuthSession, 204, None, sessions::revoke_any);

    GET "/v1/orgs" "orgs.list" OrgList on Platform, "Organizations of the platform" => Run::List(orgs::LIST);
    POST "/v1/orgs" "orgs.create" OrgCreate on Platform, "Make an organization, its connection and the invitation of its owner" => change(none, EventType::AdminOrg, 201, Some(crate::bootstrap::schema), orgs::create);
    GET "/v1/orgs/{org}" "orgs.get" OrgRead on Org, "An organization" => show(orgs::needs, orgs::get);
    PUT "/v1/orgs/{org}/status" "orgs.status" OrgSuspend on Org, "Suspend or reactivate an organization" => change(orgs::needs, EventType::AdminOrg, 200, Some(decide::status_schema), orgs::status);
    GET "/v1/orgs/{org}/networks" "orgs.networks_get" NetworkRead on Org, "From which networks its gateway keys may be used" => show(orgs::needs, orgs::networks_get);
    PUT "/v1/orgs/{org}/networks" "orgs.networks" NetworkEdit on Org, "From which networks its gateway keys may be used" => change(orgs::needs, EventType::AdminNetwork, 200, Some(tenants::networks_schema), orgs::networks);

    GET "/v1/orgs/{org}/connections" "connections.list" SsoRead on Org, "Connections to identity providers" => Run::List(connections::LIST);
    POST "/v1/orgs/{org}/connections" "connections.create" SsoEdit on Org, "Connect one more identity provider, which needs a second person" => change(connections::needs, EventType::AdminConnection, 201, Some(connections::schema), connections::create);
    GET "/v1/orgs/{org}/connections/{connection}" "connections.get" SsoRead on Org, "A connection" => show(connections::needs, connections::get);
    PUT "/v1/orgs/{org}/connections/{connection}" "connections.put" SsoEdit on Org, "Change a connection; another issuer voids the client's secret, and what lets more in needs a second person" => change(connections::needs, EventType::AdminConnection, 200, Some(connections::schema), connections::put);
    PUT "/v1/orgs/{org}/connections/{connection}/secret" "connections.secret" SsoEdit on Org, "Set the client's secret, for the issuer that you saw" => change(connections::needs, EventType::AdminConnection, 200, Some(connections::secret_schema), connections::put_secret);
    PUT "/v1/orgs/{org}/connections/{connection}/status" "connections.status" SsoEdit on Org, "Stop sign-in by a connection, or allow it again, which needs a second person" => change(connections::needs, EventType::AdminConnection, 200, Some(decide::status_schema), connections::status);

    GET "/v1/orgs/{org}/connections/{connection}/directory" "directories.get" SsoRead on Org, "Whether a connection's directory is asked" => show(directories::needs, directories::get);
    PUT "/v1/orgs/{org}/connections/{connection}/directory" "directories.put" ScimTokenManage on Org, "Agree on which Google Workspace is asked for its people and groups, and by which account: needs a second person" => change(directories::needs, EventType::AdminConnection, 200, Some(directories::schema), directories::put);
    PUT "/v1/orgs/{org}/connections/{connection}/directory/key" "directories.key" ScimTokenManage on Org, "Set the key of the account that two agreed on: the directory is asked every half hour from then on" => change(directories::needs, EventType::AdminConnection, 200, Some(directories::key_schema), directories::put_key);
    DELETE "/v1/orgs/{org}/connections/{connection}/directory" "directories.remove" ScimTokenManage on Org, "Ask it no more" => change(directories::needs, EventType::AdminConnection, 204, None, directories::remove);
    GET "/v1/orgs/{org}/connections/{connection}/scim-tokens" "scim_tokens.list" SsoRead on Org, "Live tokens of a connection's directory" => Run::List(scim_tokens::LIST);
    POST "/v1/orgs/{org}/connections/{connection}/scim-tokens" "scim_tokens.create" ScimTokenManage on Org, "Make a token for a connection's directory, which needs a second person: shown once, to whoever confirms it; two live at most" => change(scim_tokens::needs, EventType::AdminScimToken, 201, Some(scim_tokens::create_schema), scim_tokens::create);
    DELETE "/v1/orgs/{org}/connections/{connection}/scim-tokens/{token}" "scim_tokens.revoke" ScimTokenManage on Org, "Revoke a directory's token for good" => change(scim_tokens::needs, EventType::AdminScimToken, 204, None, scim_tokens::revoke);

    GET "/v1/orgs/{org}/tenants" "tenants.list" TenantList on Org, "Tenants of an organization" => Run::List(tenants::LIST);
    POST "/v1/orgs/{org}/tenants" "tenants.create" TenantCreate on Org, "Make a tenant" => change(tenants::create_needs, EventType::AdminTenant, 201, Some(tenants::create_schema), tenants::create);
    GET "/v1/tenants/{tenant}" "tenants.get" TenantRead on Tenant, "A tenant" => show(tenants::needs, tenants::get);
    PUT "/v1/tenants/{tenant}/status" "tenants.status" TenantSuspend on Tenant, "Suspend or reactivate a tenant" => change(tenants::needs, EventType::AdminTenant, 200, Some(decide::status_schema), tenants::status);
    GET "/v1/tenants/{tenant}/networks" "tenants.networks_get" NetworkRead on Tenant, "From which networks its gateway keys may be used" => show(tenants::needs, tenants::networks_get);
    PUT "/v1/tenants/{tenant}/networks" "tenants.networks" NetworkEdit on Tenant, "From which networks its gateway keys may be used" => change(tenants::needs, EventType::AdminNetwork, 200, Some(tenants::networks_schema), tenants::networks);

    DELETE "/v1/tenants/{tenant}" "tenants.remove" TenantDelete on Tenant, "Delete a tenant and destroy its keys, for good: needs a second person" => change(tenants::needs, EventType::AdminTenant, 200, None, tenants::remove);

    GET "/v1/tenants/{tenant}/agents" "agents.list" AgentRead on Tenant, "Agents of a tenant" => Run::List(agents::LIST);
    POST "/v1/tenants/{tenant}/agents" "agents.create" AgentEdit on Tenant, "Register an agent" => change(agents::create_needs, EventType::AdminAgent, 201, Some(agents::create_schema), agents::create);
    GET "/v1/tenants/{tenant}/agents/{agent}" "agents.get" AgentRead on Tenant, "An agent" => show(agents::needs, agents::get);
    PUT "/v1/tenants/{tenant}/agents/{agent}/status" "agents.status" AgentSuspend on Tenant, "Suspend or reactivate an agent: its calls are refused from the next one on" => change(agents::needs, EventType::AdminAgent, 200, Some(decide::status_schema), agents::status);
    PUT "/v1/tenants/{tenant}/agents/{agent}/owner" "agents.owner" AgentEdit on Tenant, "Give an agent to another person to answer for: without one it does nothing" => change(agents::owner_needs, EventType::AdminAgent, 200, Some(agents::owner_schema), agents::owner_of);
    PUT "/v1/tenants/{tenant}/agents/{agent}/team" "agents.team" TeamEdit on Tenant, "Put an agent into a team, whose limits count beside its own" => change(agents::team_needs, EventType::AdminAgent, 200, Some(agents::team_schema), agents::team_of);

    GET "/v1/tenants/{tenant}/teams" "teams.list" TeamRead on Tenant, "Teams of a tenant" => Run::List(teams::LIST);
    POST "/v1/tenants/{tenant}/teams" "teams.create" TeamEdit on Tenant, "Make a team" => change(teams::needs, EventType::AdminTeam, 201, Some(teams::create_schema), teams::create);
    GET "/v1/tenants/{tenant}/teams/{team}" "teams.get" TeamRead on Tenant, "A team" => show(teams::needs, teams::get);
    PUT "/v1/tenants/{tenant}/teams/{team}" "teams.put" TeamEdit on Tenant, "Name a team anew" => change(teams::needs, EventType::AdminTeam, 200, Some(teams::rename_schema), teams::rename);
    DELETE "/v1/tenants/{tenant}/teams/{team}" "teams.remove" TeamEdit on Tenant, "Remove a team that has no agent and no limit" => change(teams::needs, EventType::AdminTeam, 204, None, teams::remove);

    GET "/v1/tenants/{tenant}/keys" "keys.list" KeyRead on Tenant, "Gateway keys of a tenant" => Run::List(keys::LIST);
    POST "/v1/tenants/{tenant}/keys/own" "keys.create_own" KeyManageOwn on Self_, "Make a gateway key of your own: it ends with your account" => change(keys::create_needs, EventType::AdminKey, 201, Some(keys::create_schema), keys::create_own);
    POST "/v1/tenants/{tenant}/keys/service" "keys.create_service" KeyManageService on Tenant, "Make a gateway key of the tenant" => change(keys::create_needs, EventType::AdminKey, 201, Some(keys::create_schema), keys::create_service);
    GET "/v1/tenants/{tenant}/keys/{key}" "keys.get" KeyRead on Tenant, "A gateway key" => show(keys::needs, keys::get);
    POST "/v1/tenants/{tenant}/keys/{key}/rotate" "keys.rotate" KeyManageService on Tenant, "Give a key of the tenant a new secret, with an overlap" => change(keys::needs, EventType::AdminKey, 200, Some(keys::rotate_schema), keys::rotate);
    DELETE "/v1/tenants/{tenant}/keys/{key}" "keys.revoke" KeyRevokeAny on Tenant, "Revoke a gateway key for good" => change(keys::needs, EventType::AdminKey, 200, None, keys::revoke);

    DELETE "/v1/tenants/{tenant}/keys/own/{key}" "keys.revoke_own" KeyManageOwn on Self_, "Revoke a gateway key of your own" => change(keys::needs, EventType::AdminKey, 200, None, keys::revoke_own);

    GET "/v1/tenants/{tenant}/providers" "providers.get" ProviderRead on Tenant, "Providers of a tenant, in the order in which they are tried" => show(providers::needs, providers::get);
    GET "/v1/tenants/{tenant}/status" "status.get" ProviderRead on Tenant, "How the platform is for a tenant, and how the endpoints of its providers are" => show(status::needs, status::get);
    POST "/v1/tenants/{tenant}/providers" "providers.create" ProviderEdit on Tenant, "Add a provider at the end of the list" => change(providers::needs, EventType::AdminProvider, 201, Some(providers::schema), providers::create);
    PUT "/v1/tenants/{tenant}/providers/{provider}" "providers.put" ProviderEdit on Tenant, "Change a provider; another host voids its credential" => change(providers::needs, EventType::AdminProvider, 200, Some(providers::schema), providers::put);
    DELETE "/v1/tenants/{tenant}/providers/{provider}" "providers.remove" ProviderEdit on Tenant, "Take a provider off the list" => change(providers::needs, EventType::AdminProvider, 204, None, providers::remove);

    GET "/v1/tenants/{tenant}/dlp" "dlp.get" DlpRead on Tenant, "What is taken out of calls" => show(dlp::needs, dlp::get);
    PUT "/v1/tenants/{tenant}/dlp" "dlp.put" DlpEdit on Tenant, "Write the DLP policy; one that takes out less needs a second person" => change(dlp::needs, EventType::AdminPolicy, 200, Some(dlp::schema), dlp::put);
    GET "/v1/tenants/{tenant}/agents/{agent}/dlp" "dlp.get_agent" DlpRead on Tenant, "What is taken out of one agent's calls" => show(dlp::needs, dlp::get);
    PUT "/v1/tenants/{tenant}/agents/{agent}/dlp" "dlp.put_agent" DlpEdit on Tenant, "Write an agent's DLP policy" => change(dlp::needs, EventType::AdminPolicy, 200, Some(dlp::schema), dlp::put);

    GET "/v1/orgs/{org}/dlp" "dlp.get_floor" DlpRead on Org, "What no tenant of an organization may fall below" => show(dlp::needs, dlp::get);
    PUT "/v1/orgs/{org}/dlp" "dlp.put_floor" DlpFloorEdit on Org, "Write the floor; one that takes out less needs a second person" => change(dlp::needs, EventType::AdminPolicy, 200, Some(dlp::schema), dlp::put);

    GET "/v1/tenants/{tenant}/gate" "gate.get" GateRead on Tenant, "Which actions of agents need whom" => show(gate::needs, gate::get);
    PUT "/v1/tenants/{tenant}/gate" "gate.put" GateEdit on Tenant, "Write the gate document; one that may let through more needs a second person" => change(gate::needs, EventType::AdminGate, 200, Some(gate::schema), gate::put);

    GET "/v1/tenants/{tenant}/channels" "channels.get" ChannelRead on Tenant, "How people and agents are told of requests for approval; no key and no whole address" => show(channels::needs, channels::get);
    PUT "/v1/tenants/{tenant}/channels" "channels.put" ChannelEdit on Tenant, "Say how people and agents are told; keys and addresses that are not said again stay" => change(channels::needs, EventType::AdminChannels, 200, Some(channels::schema), channels::put);

    GET "/v1/tenants/{tenant}/limits" "limits.get" LimitRead on Tenant, "Limits of use" => show(limits::needs, limits::get);
    PUT "/v1/tenants/{tenant}/limits" "limits.put" LimitEdit on Tenant, "Set the limits of use; more needs a second person" => change(limits::needs, EventType::AdminLimit, 200, Some(limits::schema), limits::put);

    GET "/v1/tenants/{tenant}/kill" "kill.get" KillRead on Tenant, "The kill switch of a tenant" => show(kill::needs, kill::get);
    POST "/v1/tenants/{tenant}/kill" "kill.stop" KillActivate on Tenant, "Stop a tenant, or one of its agents: running calls are cut within a second" => change(kill::needs, EventType::KillActivated, 200, Some(kill::stop_schema), kill::stop);
    POST "/v1/tenants/{tenant}/kill/recover" "kill.recover" KillRecover on Tenant, "Turn the switch off: by another person than who turned it on" => change(kill::needs, EventType::KillRecovered, 200, Some(kill::recover_schema), kill::recover);

    GET "/v1/orgs/{org}/kill" "kill.get_org" KillRead on Org, "The kill switch of an organization" => show(kill::needs, kill::get);
    POST "/v1/orgs/{org}/kill" "kill.stop_org" KillActivate on Org, "Stop an organization with all its tenants" => change(kill::needs, EventType::KillActivated, 200, Some(kill::stop_above_schema), kill::stop);
    POST "/v1/orgs/{org}/kill/recover" "kill.recover_org" KillRecover on Org, "Turn the switch off: by another person than who turned it on" => change(kill::needs, EventType::KillRecovered, 200, Some(kill::recover_above_schema), kill::recover);
    GET "/v1/platform/kill" "kill.get_platform" KillRead on Platform, "The kill switch of the platform" => show(kill::needs, kill::get);
    POST "/v1/platform/kill" "kill.stop_platform" PlatformKill on Platform, "Stop everything" => change(kill::needs, EventType::KillActivated, 200, Some(kill::stop_above_schema), kill::stop);
    POST "/v1/platform/kill/recover" "kill.recover_platform" KillRecover on Platform, "Turn the switch off: by another person than who turned it on" => change(kill::needs, EventType::KillRecovered, 200, Some(kill::recover_above_schema), kill::recover);

    GET "/v1/platform/admins" "admins.list" BindingRead on Platform, "Who administers the platform" => Run::List(offices::ADMINS);
    PUT "/v1/platform/admins/{user}" "admins.give" GrantPlatform on Platform, "Make somebody an administrator of the platform, which needs a second one; the first of all names the second" => change(offices::admin_needs, EventType::AdminBinding, 200, Some(offices::admin_schema), offices::give_admin);
    DELETE "/v1/platform/admins/{user}" "admins.take" GrantPlatform on Platform, "Take an administrator's office away, which needs a second one" => change(offices::admin_needs, EventType::AdminBinding, 200, None, offices::take_admin);
    GET "/v1/platform/changes" "platform_changes.list" ChangeRead on Platform, "Changes of the platform that wait for a second person" => Run::List(changes::LIST);
    POST "/v1/platform/changes/{change}/confirm" "platform_changes.confirm" ChangeConfirm on Platform, "Confirm another administrator's change" => change(changes::needs, EventType::AdminChange, 200, None, changes::confirm);
    POST "/v1/platform/changes/{change}/withdraw" "platform_changes.withdraw" ChangeRead on Platform, "Withdraw your change" => change(changes::needs, EventType::AdminChange, 200, None, changes::withdraw);

    GET "/v1/tenants/{tenant}/roles" "roles.list" BindingRead on Tenant, "Who has which role in a tenant" => Run::List(people::ROLES);
    PUT "/v1/tenants/{tenant}/roles/{user}" "roles.grant" GrantMember on Tenant, "Give somebody a role, or another one" => change(people::needs, EventType::AdminBinding, 200, Some(people::grant_schema), people::grant);
    DELETE "/v1/tenants/{tenant}/roles/{user}" "roles.withdraw" GrantMember on Tenant, "Take somebody's role away" => change(people::needs, EventType::AdminBinding, 204, None, people::withdraw);
    GET "/v1/orgs/{org}/owners" "owners.list" BindingRead on Org, "Who owns an organization" => Run::List(offices::OWNERS);
    PUT "/v1/orgs/{org}/owners/{user}" "owners.give" GrantOrgOwner on Org, "Make somebody an owner of the organization" => change(offices::owner_needs, EventType::AdminBinding, 200, None, offices::give_owner);
    DELETE "/v1/orgs/{org}/owners/{user}" "owners.take" GrantOrgOwner on Org, "Take an owner's office away; the last one stays" => change(offices::owner_needs, EventType::AdminBinding, 200, None, offices::take_owner);
    GET "/v1/orgs/{org}/users" "users.list" UserRead on Org, "People of an organization" => Run::List(people::USERS);
    GET "/v1/orgs/{org}/users/{user}" "users.get" UserRead on Org, "A person of an organization" => show(users::needs, users::get);
    PUT "/v1/orgs/{org}/users/{user}/status" "users.status" UserDeactivate on Org, "Deactivate somebody, whose sessions and keys end at once, or reactivate them" => change(users::needs, EventType::AdminUser, 200, Some(decide::status_schema), users::status);
    GET "/v1/orgs/{org}/users/{user}/sessions" "users.sessions" SessionReadAny on Org, "Somebody's sessions" => Run::List(users::SESSIONS);
    GET "/v1/orgs/{org}/invitations" "invitations.list" UserRead on Org, "Invitations that are open" => Run::List(invitations::LIST);
    DELETE "/v1/orgs/{org}/invitations/{invitation}" "invitations.withdraw" UserInvite on Org, "Withdraw an invitation" => change(invitations::needs, EventType::AdminUser, 204, None, invitations::withdraw);
    POST "/v1/orgs/{org}/invitations" "invitations.create" UserInvite on Org, "Let somebody in at the first sign-in, by e-mail address" => change(people::invite_needs, EventType::AdminUser, 201, Some(people::invite_schema), people::invite);

    GET "/v1/tenants/{tenant}/users" "tenants.users" UserRead on Tenant, "People with a role in a tenant" => Run::Joined(tenant_people::USERS, tenant_people::person);
    GET "/v1/tenants/{tenant}/users/{user}/sessions" "tenants.sessions" SessionReadAny on Tenant, "Sessions of somebody with a role in a tenant" => Run::Within(tenant_people::role_needs, tenant_people::SESSIONS);
    DELETE "/v1/tenants/{tenant}/users/{user}/sessions/{session}" "tenants.end_session" SessionRevokeAny on Tenant, "End a session of somebody with a role in a tenant" => change(tenant_people::session_needs, EventType::AuthSession, 204, None, tenant_people::revoke);
    GET "/v1/tenants/{tenant}/invitations" "tenants.invitations" UserRead on Tenant, "Roles that a tenant holds for people until they sign in" => Run::List(tenant_people::INVITATIONS);
    POST "/v1/tenants/{tenant}/invitations" "tenants.invite" UserInvite on Tenant, "Hold a role for somebody, by e-mail address, until they sign in the next time" => change(tenant_people::invite_needs, EventType::AdminUser, 201, Some(tenant_people::schema), tenant_people::invite);
    DELETE "/v1/tenants/{tenant}/invitations/{invitation}" "tenants.uninvite" UserInvite on Tenant, "Withdraw an invitation of a tenant" => change(tenant_people::withdraw_needs, EventType::AdminUser, 204, None, tenant_people::withdraw);

    GET "/v1/tenants/{tenant}/workloads" "workloads.list" BindingRead on Tenant, "Programs that sign in by their platform's token" => Run::List(workloads::LIST);
    POST "/v1/tenants/{tenant}/workloads" "workloads.create" WorkloadManage on Tenant, "Let a program sign in by its platform's token: no secret is stored there" => change(workloads::create_needs, EventType::AdminWorkload, 201, Some(workloads::schema), workloads::create);
    GET "/v1/tenants/{tenant}/workloads/{workload}" "workloads.get" BindingRead on Tenant, "A program that signs in" => show(workloads::needs, workloads::get);
    PUT "/v1/tenants/{tenant}/workloads/{workload}/status" "workloads.status" WorkloadManage on Tenant, "Stop or allow a program; its sessions end" => change(workloads::needs, EventType::AdminWorkload, 200, Some(decide::status_schema), workloads::status);
    PUT "/v1/tenants/{tenant}/workloads/{workload}/owner" "workloads.owner" WorkloadManage on Tenant, "Give a program to another person to answer for: without one in good standing it does nothing; its sessions end" => change(workloads::owner_needs, EventType::AdminWorkload, 200, Some(workloads::owner_schema), workloads::owner_of);
    POST "/v1/tenants/{tenant}/audit/queries" "audit.ask" AuditRead on Tenant, "Ask a tenant's log: who, what, when and by which authority" => change(none, EventType::AuditQuery, 202, Some(audit::schema), audit::ask_tenant);
    POST "/v1/tenants/{tenant}/audit/own-queries" "audit.ask_own" AuditReadOwn on Self_, "Ask a tenant's log for what you did yourself" => change(none, EventType::AuditQuery, 202, Some(audit::schema), audit::ask_own);
    GET "/v1/tenants/{tenant}/audit/queries/{query}" "audit.answer" AuditRead on Tenant, "What the log answers: 24 hours long; of somebody's own doing, for them alone" => answer(audit::needs);
    POST "/v1/orgs/{org}/audit/queries" "audit.ask_org" AuditRead on Org, "Ask for what was done to an organization itself" => change(none, EventType::AuditQuery, 202, Some(audit::schema), audit::ask_org);
    GET "/v1/orgs/{org}/audit/queries/{query}" "audit.answer_org" AuditRead on Org, "What the log answers" => answer(audit::needs);
    POST "/v1/platform/audit/queries" "audit.ask_platform" AuditRead on Platform, "Ask for what was done to the platform itself" => change(none, EventType::AuditQuery, 202, Some(audit::schema), audit::ask_platform);
    GET "/v1/platform/audit/queries/{query}" "audit.answer_platform" AuditRead on Platform, "What the log answers" => answer(audit::needs);

    GET "/v1/orgs/{org}/changes" "org_changes.list" ChangeRead on Org, "Changes of an organization that wait for a second person" => Run::List(changes::LIST);
    POST "/v1/orgs/{org}/changes/{change}/confirm" "org_changes.confirm" ChangeConfirm on Org, "Confirm another person's change" => change(changes::needs, EventType::AdminChange, 200, None, changes::confirm);
    POST "/v1/orgs/{org}/changes/{change}/withdraw" "org_changes.withdraw" ChangeRead on Org, "Withdraw your change" => change(changes::needs, EventType::AdminChange, 200, None, changes::withdraw);
    GET "/v1/tenants/{tenant}/changes" "changes.list" ChangeRead on Tenant, "Changes that wait for a second person" => Run::List(changes::LIST);
    POST "/v1/tenants/{tenant}/changes/{change}/confirm" "changes.confirm" ChangeConfirm on Tenant, "Confirm another person's change" => change(changes::needs, EventType::AdminChange, 200, None, changes::confirm);
    POST "/v1/tenants/{tenant}/break-glass" "break_glass.open" BreakGlassOpen on Tenant, "Ask for a way into a tenant, for a reason and a time" => change(glass::needs, EventType::AdminBreakGlass, 200, Some(glass::schema), glass::open);
    GET "/v1/tenants/{tenant}/break-glass" "break_glass.list" ChangeRead on Tenant, "Ways into a tenant that are open" => Run::List(glass::LIST);
    DELETE "/v1/tenants/{tenant}/break-glass/{change}" "break_glass.close" BreakGlassConfirm on Tenant, "Close a way into a tenant before its time: the next request is refused" => change(changes::needs, EventType::AdminBreakGlass, 204, None, glass::close);
    POST "/v1/tenants/{tenant}/break-glass/{change}/confirm" "break_glass.confirm" BreakGlassConfirm on Tenant, "Open a tenant for another platform administrator" => change(changes::needs, EventType::AdminBreakGlass, 200, None, changes::confirm_glass);
    POST "/v1/tenants/{tenant}/changes/{change}/withdraw" "changes.withdraw" ChangeRead on Tenant, "Withdraw your change" => change(changes::needs, EventType::AdminChange, 200, None, changes::withdraw);
}

/// An operation by its name.
pub fn named(name: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|one| one.name == name)
}
