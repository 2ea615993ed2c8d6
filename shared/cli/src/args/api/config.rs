//! Tenants and what is configured in them.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use domain::{
    AgentId, Code, KeyId, Name, Network, OrgId, Place, ProviderId, ProviderKind, Region, TenantId, Timestamp,
    UserId, Zone,
};

use super::Seat;
use crate::args::model;
use crate::limits::Set;

#[derive(Debug, Subcommand)]
pub enum Tenants {
    /// Lists the tenants in which you have a part; with --org, all of an organization
    List,
    /// Shows one
    Get { tenant: TenantId },
    /// Makes one, with an empty list of providers
    Create {
        /// A name for people
        name: Name,
        /// Where it lives, for good: the region of this address
        #[arg(long)]
        region: Region,
        /// Tokens in all, until limits are set
        #[arg(long, value_name = "TOKENS")]
        budget_tokens: u64,
    },
    /// Refuses every call of its agents from now on
    Suspend { tenant: TenantId },
    /// Lets its agents call again
    Resume { tenant: TenantId },
}

#[derive(Debug, Subcommand)]
pub enum Agents {
    /// Lists a tenant's agents
    List,
    /// Shows one
    Get { agent: AgentId },
    /// Registers one; you answer for it
    Create {
        /// A name for people
        name: Name,
        /// Whose limits count beside its own
        #[arg(long)]
        team: Option<Code>,
    },
    /// Refuses its calls from the next one on
    Suspend { agent: AgentId },
    /// Lets it call again
    Resume { agent: AgentId },
    /// Gives it to another person to answer for
    Owner {
        agent: AgentId,
        owner: UserId,
        /// Who answers for it once that person has left; without one it is suspended then
        #[arg(long)]
        deputy: Option<UserId>,
    },
    /// Puts it into a team, or out of any
    Team {
        agent: AgentId,
        #[arg(required_unless_present = "none")]
        team: Option<Code>,
        /// Out of any team; out of a limited one needs a second person
        #[arg(long, conflicts_with = "team")]
        none: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum Teams {
    /// Lists a tenant's teams
    List,
    /// Makes one
    Create {
        /// What limits name it by, for good: such as sales
        team: Code,
        /// For people, if not the same
        #[arg(long)]
        name: Option<Name>,
    },
    /// Gives one another name
    Rename { team: Code, name: Name },
    /// Takes one away
    Remove { team: Code },
}

#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Lists a tenant's gateway keys
    List,
    /// Shows one, without its secret
    Get { key: KeyId },
    /// Makes one and prints it: it is shown this once
    ///
    /// Your own key ends with your account; the tenant's (--service) does not.
    Create(Box<NewKey>),
    /// Gives a key of the tenant a new secret and prints it: it is shown this once
    Rotate {
        key: KeyId,
        /// For how long the old secret is taken beside the new one; 0 ends it at once
        #[arg(long, value_name = "SECONDS", default_value_t = 3_600)]
        overlap: u64,
    },
    /// Revokes one for good
    Revoke {
        key: KeyId,
        /// One of your own
        #[arg(long)]
        own: bool,
    },
}

#[derive(Debug, Args)]
pub struct NewKey {
    /// Which agent calls with it
    #[arg(long, value_name = "AGENT")]
    pub agent: AgentId,

    /// A key of the tenant instead of your own
    #[arg(long)]
    pub service: bool,

    /// What it is for: llm.call, models.list, dlp.detect, dlp.redact, dlp.restore, actions.request
    #[arg(long, value_name = "ACTION,...", value_delimiter = ',', default_value = "llm.call,models.list")]
    pub actions: Vec<Code>,

    /// Only these models
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub models: Vec<Name>,

    /// Only these providers
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub providers: Vec<Name>,

    /// Only from these networks
    #[arg(long, value_name = "NETWORK,...", value_delimiter = ',')]
    pub networks: Vec<Network>,

    /// At most so many requests a minute
    #[arg(long, value_name = "COUNT")]
    pub per_minute: Option<u32>,

    /// When it ends, such as 2026-12-31T00:00:00.000Z
    #[arg(long, value_name = "TIME")]
    pub expires: Option<Timestamp>,
}

#[derive(Debug, Subcommand)]
pub enum Providers {
    /// Lists a tenant's providers, without credentials
    List,
    /// Adds one at the end of the list. Its credential is read from CS_PROVIDER_KEY or standard input
    Add(Box<ProviderForm>),
    /// Changes one. Another address voids its credential: give the new one in CS_PROVIDER_KEY or on standard input
    Set {
        provider: ProviderId,
        #[command(flatten)]
        form: Box<ProviderForm>,
    },
    /// Takes one off the list
    Remove { provider: ProviderId },
}

/// What is said of a provider. What is not said stays as it is, or must be said of a new one.
#[derive(Debug, Default, Args)]
pub struct ProviderForm {
    /// What the audit trail calls it
    #[arg(long, value_name = "NAME")]
    pub name: Option<Name>,

    /// What it speaks: openai, azure, anthropic or compatible
    #[arg(long, value_name = "KIND")]
    pub kind: Option<ProviderKind>,

    /// Base URL, such as https://api.openai.com/v1
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,

    /// API version that Azure's deployment addresses want
    #[arg(long, value_name = "VERSION")]
    pub api_version: Option<Code>,

    /// Region in which it processes calls: il, eu or us
    #[arg(long, value_name = "REGION")]
    pub region: Option<Region>,

    /// Where that region is stated, and when it was read
    #[arg(long, value_name = "TEXT")]
    pub region_source: Option<String>,

    /// Models that it offers: as agents call them, and, where it calls one otherwise, =ITS-NAME
    #[arg(long, value_name = "NAME[=ITS-NAME],...", value_delimiter = ',', value_parser = model)]
    pub models: Vec<(Name, Name)>,

    /// The most output tokens of one answer, of each model named here
    #[arg(long, value_name = "TOKENS", default_value_t = 4_096)]
    pub max_output_tokens: u64,

    /// Read the credential from standard input instead of CS_PROVIDER_KEY
    #[arg(long)]
    pub credential_stdin: bool,
}

#[derive(Debug, Subcommand)]
pub enum Policies {
    /// Shows what is taken out of a tenant's calls, or of an agent's
    Get {
        #[arg(long, value_name = "AGENT")]
        agent: Option<AgentId>,
    },
    /// Writes the policy from a file; one that takes out less needs a second person
    Set {
        /// JSON, up to 64 KiB
        file: PathBuf,
        #[arg(long, value_name = "AGENT")]
        agent: Option<AgentId>,
    },
}

#[derive(Debug, Subcommand)]
pub enum Gate {
    /// Shows the gate document
    Get,
    /// Writes it from a file; one that may let through more needs a second person
    #[command(visible_alias = "set")]
    Put {
        /// JSON, up to 64 KiB
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub enum Channels {
    /// Shows whom it tells, and at which hosts: no key and no whole address
    Get,
    /// Writes them from a file; keys and addresses that it does not say stay
    #[command(visible_alias = "set")]
    Put {
        /// JSON, up to 64 KiB; /dev/stdin where keys shall lie in no file
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub enum Budgets {
    /// Shows a tenant's limits
    Get,
    /// Changes limits; more, or one less of them, needs a second person
    Set {
        /// Such as tenant:tokens:day=1000000 or team/sales:usd:month=50.00
        #[arg(value_name = "PLACE=LIMIT", required_unless_present_any = ["remove", "time_zone"])]
        limits: Vec<Set>,
        /// Take this limit away
        #[arg(long, value_name = "PLACE")]
        remove: Vec<Place>,
        /// By which days and months begin, such as Asia/Jerusalem
        #[arg(long, value_name = "ZONE")]
        time_zone: Option<Zone>,
    },
}

#[derive(Debug, Subcommand)]
pub enum Networks {
    /// Shows a tenant's list; with --org, the organization's
    Get,
    /// Writes the whole list
    Set(NetworkList),
}

#[derive(Debug, Args)]
pub struct NetworkList {
    /// Such as 203.0.113.0/24 or 2001:db8::/32
    #[arg(required_unless_present = "anywhere")]
    pub networks: Vec<Network>,

    /// From anywhere
    #[arg(long, conflicts_with = "networks")]
    pub anywhere: bool,
}

#[derive(Debug, Args)]
pub struct Apply {
    /// YAML or JSON: see the README, "The command"
    #[arg(short, long, value_name = "FILE")]
    pub file: PathBuf,

    /// Write without asking
    #[arg(long)]
    pub yes: bool,

    /// Only show the difference
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,

    /// Which organization; without it the file's, or your own
    #[arg(long, value_name = "ORG")]
    pub org: Option<OrgId>,

    #[command(flatten)]
    pub seat: Seat,
}
