//! People, switches and what they did.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use domain::{
    AgentId, ChangeId, Code, ConnectionId, Decided, KillScope, Name, Opaque, OrgId, Role, ScimTokenId,
    SessionId, TenantId, Timestamp, UserId, WorkloadId,
};

use super::{At, Seat};

#[derive(Debug, Subcommand)]
pub enum People {
    /// Lists people with a role in the tenant, or all of the organization that --org names
    List,
    /// Lets somebody in at their first sign-in, by e-mail address; who is in already gets the role at the next one
    Invite {
        email: String,
        /// Through which connection they sign in
        #[arg(long, value_name = "CONNECTION")]
        connection: ConnectionId,
        /// Their role in the tenant that --tenant names
        #[arg(long, value_name = "ROLE")]
        role: Option<Role>,
        /// They own the organization
        #[arg(long)]
        owner: bool,
    },
    /// Lists invitations that are open, by what they are named: of the tenant, or of the organization that --org names
    Invitations,
    /// Withdraws one
    Uninvite { invitation: Opaque },
    /// Lists somebody's sessions
    Sessions { user: UserId },
    /// Ends one of them: its very next request is refused
    EndSession { user: UserId, session: SessionId },
    /// Ends somebody's access at once: sessions, and keys of their own
    Suspend { user: UserId },
    /// Lets somebody in again; nothing old revives
    Resume { user: UserId },
}

#[derive(Debug, Subcommand)]
pub enum Workloads {
    /// Lists a tenant's
    List,
    /// Shows one
    Get { workload: WorkloadId },
    /// Lets one in: no secret is stored there
    Create {
        /// A name for people
        name: Name,
        /// What it may do in the tenant
        #[arg(long)]
        role: Role,
        /// Whose tokens it brings, as they spell it: https://token.actions.githubusercontent.com
        #[arg(long, value_name = "URL")]
        issuer: String,
        /// What it asks its token for; nothing else must take the same
        #[arg(long)]
        audience: String,
        /// One subject, or all below an owner: repo:acme/app:ref:refs/heads/main, repo:acme/*
        #[arg(long)]
        subject: String,
    },
    /// Stops it: its sessions end
    Suspend { workload: WorkloadId },
    /// Lets it sign in again
    Resume { workload: WorkloadId },
}

#[derive(Debug, Subcommand)]
pub enum Directories {
    /// Lists a connection's tokens
    Tokens { connection: ConnectionId },
    /// Asks for one, which another owner confirms and is shown: two live at once at most
    Token { connection: ConnectionId },
    /// Revokes one
    Revoke { connection: ConnectionId, token: ScimTokenId },
    /// Says whether a connection's directory is asked
    Asked { connection: ConnectionId },
    /// Asks a Google Workspace, which pushes nothing, every half hour
    ///
    /// Whose directory it is, and by which account it is read, another owner confirms; say it again then, and the key is set.
    Ask {
        connection: ConnectionId,
        /// An administrator of the Workspace, as whom the directory is read
        #[arg(long, value_name = "ADDRESS")]
        admin_email: String,
        /// The service account's key as Google gives it: a JSON file
        #[arg(long, value_name = "FILE")]
        key_file: PathBuf,
    },
    /// Asks it no more: whoever it told of stays
    AskNoMore { connection: ConnectionId },
}

#[derive(Debug, Subcommand)]
pub enum Roles {
    /// Lists who has which role
    List,
    /// Gives somebody a role, or another one
    Grant { user: UserId, role: Role },
    /// Takes somebody's role away
    Withdraw { user: UserId },
}

#[derive(Debug, Subcommand)]
pub enum Changes {
    /// Lists what waits: of a tenant, or of the organization that --org names
    List,
    /// Confirms another person's change
    Confirm { change: ChangeId },
    /// Withdraws your own
    Withdraw { change: ChangeId },
}

#[derive(Debug, Subcommand)]
pub enum Connections {
    /// Lists an organization's connections
    List,
    /// Shows one, without its client secret
    Get { connection: ConnectionId },
    /// Stops or allows sign-in by it
    Status {
        connection: ConnectionId,
        #[arg(value_parser = ["active", "suspended"])]
        status: String,
    },
}

#[derive(Debug, Args)]
pub struct Kills {
    #[command(subcommand)]
    pub command: Kill,

    #[command(flatten)]
    pub switch: Switch,

    #[command(flatten)]
    pub seat: Seat,
}

/// Which switch. A tenant's is the one that CS_TENANT names where nothing is said.
#[derive(Debug, Args)]
pub struct Switch {
    /// The tenant's; or CS_TENANT
    #[arg(long, value_name = "TENANT", global = true)]
    pub tenant: Option<TenantId>,

    /// One agent's of the tenant
    #[arg(long, value_name = "AGENT", global = true, conflicts_with_all = ["org", "platform"])]
    pub agent: Option<AgentId>,

    /// The organization's
    #[arg(long, value_name = "ORG", global = true, conflicts_with_all = ["tenant", "platform"])]
    pub org: Option<OrgId>,

    /// Everybody's
    #[arg(long, global = true, conflicts_with = "tenant")]
    pub platform: bool,
}

#[derive(Debug, Subcommand)]
pub enum Kill {
    /// Shows the switch
    Status,
    /// Stops whatever is below it; running calls are cut within a second
    Stop {
        /// Why, as a code for the audit trail, such as incident_4711
        #[arg(long, value_name = "CODE")]
        reason: Code,
        /// What is stopped: all, llm, actions or new_keys
        #[arg(long, value_name = "SCOPE", default_value = "all")]
        scope: KillScope,
    },
    /// Turns it off: by another person than who turned it on
    Recover {
        /// Why, as a code for the audit trail
        #[arg(long, value_name = "CODE")]
        reason: Code,
        /// Only if it is still at this version, as `status` or `stop` printed it
        #[arg(long, value_name = "VERSION")]
        seen: Option<u64>,
    },
}

#[derive(Debug, Args)]
pub struct Query {
    /// So far back from now, such as 24h, 30m or 7d
    #[arg(long, value_name = "AGE", default_value = "24h", value_parser = age, conflicts_with = "from")]
    pub since: u64,

    /// From this moment on, such as 2026-11-01T00:00:00.000Z
    #[arg(long, value_name = "TIME")]
    pub from: Option<Timestamp>,

    /// Up to this moment; without it, now
    #[arg(long, value_name = "TIME")]
    pub to: Option<Timestamp>,

    /// Of this agent
    #[arg(long, value_name = "AGENT")]
    pub agent: Option<AgentId>,

    /// By this actor, such as usr_… or the id of a gateway key
    #[arg(long, value_name = "ACTOR")]
    pub actor: Option<String>,

    /// Of these kinds, such as llm.call or admin.key
    #[arg(long, value_name = "TYPE,...", value_delimiter = ',')]
    pub event: Vec<Code>,

    /// Of this action, such as keys.create_own
    #[arg(long, value_name = "ACTION")]
    pub action: Option<Code>,

    /// What was decided: allow or deny
    #[arg(long, value_name = "DECISION")]
    pub decision: Option<Decided>,

    /// Everything about one action, by its id
    #[arg(long, value_name = "ID")]
    pub action_id: Option<String>,

    /// Rows of a page
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub limit: u16,

    /// All pages, not the first alone
    #[arg(long)]
    pub all: bool,

    #[command(flatten)]
    pub at: At,
}

/// `24h` in milliseconds.
fn age(text: &str) -> Result<u64, &'static str> {
    let wrong = "not an age, such as 24h, 30m or 7d";
    let unit = match text.chars().last() {
        Some('s') => 1_000,
        Some('m') => 60_000,
        Some('h') => 3_600_000,
        Some('d') => 86_400_000,
        _ => return Err(wrong),
    };
    let count: u64 = text.get(..text.len() - 1).and_then(|count| count.parse().ok()).ok_or(wrong)?;
    count.checked_mul(unit).filter(|age| *age > 0).ok_or(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_a_unit() {
        let known = [("24h", 86_400_000), ("30m", 1_800_000), ("7d", 604_800_000), ("1s", 1_000)];
        for (text, millis) in known {
            assert_eq!(age(text), Ok(millis), "{text}");
        }
        for bad in ["", "h", "24", "0h", "-1h", "1.5h", "1w", "é", "99999999999999999999d"] {
            assert!(age(bad).is_err(), "{bad}");
        }
    }
}
