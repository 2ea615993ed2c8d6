//! The commands that call the management API.

mod config;
mod people;

use clap::{Args, Subcommand};
use domain::{ConnectionId, OrgId, SessionId, TenantId};

pub use config::{
    Agents, Apply, Budgets, Channels, Gate, Keys, Networks, NewKey, Policies, ProviderForm, Providers, Teams,
    Tenants,
};
pub use people::{Changes, Connections, Directories, Kill, Kills, People, Query, Roles, Switch, Workloads};

/// Who may do what, decided and recorded by the management API. Sign in first: `countersign login`.
#[derive(Debug, Subcommand)]
pub enum Api {
    /// Signs you in through your organization's identity provider, in a browser
    Login(Login),

    /// Ends your session, and forgets it here
    Logout(Seat),

    /// Shows who you are signed in as
    Whoami(Seat),

    #[command(flatten)]
    Of(Nouns),

    /// Kill switches: of a tenant, one of its agents, an organization or the platform
    Kill(Kills),

    /// Asks a tenant's audit log: who did what, when, and how it was decided
    Query(Query),

    /// Brings tenants, agents, providers, policies and limits to what a file says, after showing the difference
    ///
    /// Nothing is deleted: what is there and not in the file is named. What weakens a control waits for a second person.
    Apply(Apply),

    /// Prints completions for a shell, such as: countersign completions bash
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// Kinds of things, each with what is done to it.
#[derive(Debug, Subcommand)]
pub enum Nouns {
    /// Shows where you are signed in, and ends it there
    Sessions(Noun<Sessions>),

    /// Tenants of your organization: where agents, keys and policies live
    Tenants(Noun<Tenants>),

    /// Agents of a tenant
    Agents(Noun<Agents>),

    /// Teams of a tenant, whose limits their agents share
    Teams(Noun<Teams>),

    /// Gateway keys of a tenant
    Keys(Noun<Keys>),

    /// Providers of a tenant, in the order in which they are tried
    Providers(Noun<Providers>),

    /// What is taken out of calls: DLP policies of a tenant and of its agents
    Policies(Noun<Policies>),

    /// Which actions of a tenant's agents need whom
    Gate(Noun<Gate>),

    /// How people and agents of a tenant are told of requests for approval
    Channels(Noun<Channels>),

    /// How much a tenant may use, in tokens and in dollars
    Budgets(Noun<Budgets>),

    /// From which networks gateway keys may be used
    Networks(Noun<Networks>),

    /// People of your organization
    People(Noun<People>),

    /// Who has which role in a tenant
    Roles(Noun<Roles>),

    /// Changes that wait for a second person
    Changes(Noun<Changes>),

    /// Programs that sign in by their platform's token
    Workloads(Noun<Workloads>),

    /// How a connection's directory tells of people: tokens that it pushes by (SCIM), or a key that it is asked by
    Directories(Noun<Directories>),

    /// Connections to identity providers
    Connections(Noun<Connections>),
}

/// Under which heading of the help stands what every command takes.
const WHERE: &str = "Everywhere";

/// Where a command goes, and how it prints.
#[derive(Debug, Clone, Default, Args)]
pub struct Seat {
    /// Address of the management API, such as https://admin.example.com; or CS_ADMIN_URL
    #[arg(long, value_name = "URL", global = true, help_heading = WHERE)]
    pub admin: Option<String>,

    /// The API's own JSON instead of tables; each page of a list is a document of its own
    #[arg(long, global = true, help_heading = WHERE)]
    pub json: bool,
}

/// Where a command goes, and whose things it is about.
#[derive(Debug, Clone, Default, Args)]
pub struct At {
    #[command(flatten)]
    pub seat: Seat,

    /// Whose; or CS_TENANT
    #[arg(long, value_name = "TENANT", global = true, help_heading = WHERE)]
    pub tenant: Option<TenantId>,

    /// Which organization; without it your own
    #[arg(long, value_name = "ORG", global = true, help_heading = WHERE)]
    pub org: Option<OrgId>,
}

/// One kind of thing, and what is done to it.
#[derive(Debug, Args)]
pub struct Noun<C: Subcommand> {
    #[command(subcommand)]
    pub command: C,

    #[command(flatten)]
    pub at: At,
}

#[derive(Debug, Args)]
pub struct Login {
    /// Through which connection; without it, the one that was used last
    #[arg(long, value_name = "CONNECTION")]
    pub connection: Option<ConnectionId>,

    /// Only print the address, and open no browser
    #[arg(long)]
    pub no_browser: bool,

    /// As a machine: the variable that holds its OpenID Connect token
    #[arg(long, value_name = "NAME", requires = "workload", conflicts_with_all = ["connection", "no_browser"])]
    pub workload_token_env: Option<String>,

    /// As a machine: which workload it is
    #[arg(long, value_name = "WORKLOAD", requires = "workload_token_env", value_parser = workload)]
    pub workload: Option<String>,

    #[command(flatten)]
    pub seat: Seat,
}

/// `wkl_` and 16 characters, as all ids of ours.
fn workload(text: &str) -> Result<String, &'static str> {
    let fits = text.strip_prefix("wkl_").is_some_and(|rest| {
        rest.len() == 16 && rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    });
    if fits { Ok(text.to_owned()) } else { Err("not a workload's id, such as wkl_ and 16 characters") }
}

#[derive(Debug, Subcommand)]
pub enum Sessions {
    /// Lists your sessions
    List,
    /// Ends one of them: its very next request is refused
    End { session: SessionId },
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use crate::args::Program;

    #[test]
    fn the_commands_are_as_clap_wants_them_and_complete_in_every_shell() {
        Program::command().debug_assert();
        for shell in [clap_complete::Shell::Bash, clap_complete::Shell::Zsh, clap_complete::Shell::Fish] {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Program::command(), "countersign", &mut script);
            assert!(String::from_utf8(script).unwrap().contains("budgets"));
        }
    }

    #[test]
    fn what_cannot_be_meant_is_wrong_usage() {
        let (tenant, org) = ("ten_0000000000000001", "org_0000000000000001");
        let read = |words: &[&str]| Program::try_parse_from([&["countersign"], words].concat()).is_ok();
        assert!(read(&["kill", "status", "--tenant", tenant]) && read(&["kill", "--org", org, "status"]));
        assert!(!read(&["kill", "status", "--tenant", tenant, "--org", org]), "which switch?");
        assert!(!read(&["kill", "stop", "--tenant", tenant]), "no reason");
        assert!(read(&["gate", "get"]) && read(&["gate", "put", "f"]) && read(&["channels", "put", "f"]));
        assert!(read(&["ops", "gate", "--check", "--file", "f"]) && !read(&["ops", "gate", "--check"]));
        assert!(read(&["ops", "gate", "--tenant", tenant, "--show"]) && !read(&["ops", "gate", "--show"]));
        assert!(!read(&["ops", "gate", "--tenant", tenant]), "nothing to write");
        assert!(!read(&["kill", "status", "--platform", "--tenant", tenant]));
        assert!(!read(&["agents", "team", "agt_0000000000000001"]) && !read(&["networks", "set"]));
        assert!(
            !read(&["networks", "set", "10.0.0.0/8", "--anywhere"])
                && read(&["networks", "set", "--anywhere"])
        );
        assert!(!read(&["budgets", "set"]) && read(&["budgets", "set", "tenant:tokens:day=5", "--json"]));
        assert!(
            !read(&["login", "--workload", "wkl_0000000000000001"])
                && !read(&["login", "--workload-token-env", "T"])
        );
        assert!(read(&["people", "list", "--admin", "https://a.example", "--json", "--org", org]));
        assert!(!read(&["query", "--since", "1h", "--from", "2026-11-01T00:00:00.000Z"]));
        assert!(!read(&["apply", "-f", "x", "--yes", "--dry-run"]) && !read(&["apply"]));
    }
}
