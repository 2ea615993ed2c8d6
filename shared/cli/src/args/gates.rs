//! Arguments of what stands before calls: switches, networks and limits.

use clap::Args;
use domain::{AgentId, Code, DrillKind, KeyId, KillScope, Name, OrgId, TenantId};

#[derive(Debug, Args)]
pub struct Kill {
    /// The switch above everybody in this region
    #[arg(long)]
    pub platform: bool,

    /// The switch above this organization
    #[arg(long, value_name = "ORG")]
    pub org: Option<OrgId>,

    /// The switch above this tenant
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<TenantId>,

    /// The switch above this agent of the tenant
    #[arg(long, value_name = "AGENT", requires = "tenant")]
    pub agent: Option<AgentId>,

    /// What is stopped: all, llm, actions, new_keys
    #[arg(long, value_name = "SCOPE", default_value = "all")]
    pub scope: KillScope,

    /// Why, as a code for the audit trail, such as incident_4711
    #[arg(long, value_name = "CODE", required_unless_present = "show")]
    pub reason: Option<Code>,

    /// Turn the switch off
    #[arg(long, conflicts_with = "scope")]
    pub recover: bool,

    /// With --recover: only if the switch is still at this version
    #[arg(long, value_name = "VERSION", requires = "recover")]
    pub seen: Option<u64>,

    /// Show the switch, and turn nothing
    #[arg(long, conflicts_with_all = ["recover", "reason"])]
    pub show: bool,
}

#[derive(Debug, Args)]
pub struct Drill {
    /// Whose switch is turned on and off
    #[arg(long, value_name = "TENANT")]
    pub tenant: TenantId,

    /// Repeat the tenant: its calls are cut
    #[arg(long, value_name = "TENANT")]
    pub confirm: TenantId,

    /// The gateway's address, up to and including /v1
    #[arg(long, value_name = "URL")]
    pub gateway: String,

    /// A model of the tenant
    #[arg(long, value_name = "NAME", default_value = "gpt-4o-mini")]
    pub model: Name,

    /// How long the answer may be that runs while the switch is turned
    #[arg(long, value_name = "TOKENS", default_value_t = 2_000)]
    pub long_answer_tokens: u32,

    /// JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Drilled {
    /// In whose log it is kept
    #[arg(long, value_name = "TENANT")]
    pub tenant: TenantId,

    /// What was rehearsed: kill, provider, writer or restore
    #[arg(long, value_name = "KIND")]
    pub kind: DrillKind,

    /// How long it took
    #[arg(long, value_name = "MILLISECONDS")]
    pub millis: u64,

    /// It did not pass
    #[arg(long)]
    pub failed: bool,

    /// What was measured
    #[arg(value_name = "NAME=COUNT")]
    pub figures: Vec<crate::drilled::Figure>,
}

#[derive(Debug, Args)]
pub struct Gate {
    /// Whose gate
    #[arg(long, value_name = "TENANT", required_unless_present = "check")]
    pub tenant: Option<TenantId>,

    /// The document to write or check: JSON, up to 64 KiB
    #[arg(long, value_name = "FILE", required_unless_present = "show")]
    pub file: Option<std::path::PathBuf>,

    /// Write only over this version; 0 where there is none yet
    #[arg(long, value_name = "VERSION", requires = "file", conflicts_with_all = ["check", "show"])]
    pub previous: Option<u64>,

    /// Show the document, and write nothing
    #[arg(long, conflicts_with_all = ["file", "check"])]
    pub show: bool,

    /// Check a file, offline: needs no AWS
    #[arg(long, requires = "file", conflicts_with = "tenant")]
    pub check: bool,
}

#[derive(Debug, Args)]
pub struct Network {
    /// Whose networks; with --key: of one of its gateway keys
    #[arg(long, value_name = "TENANT")]
    pub tenant: TenantId,

    /// The networks of the tenant's organization, which holds for all of its tenants
    #[arg(long, conflicts_with = "key")]
    pub org: bool,

    /// The networks of this gateway key
    #[arg(long, value_name = "KEY")]
    pub key: Option<KeyId>,

    /// Networks to allow, in place of those that are allowed now: addresses or CIDR, IPv4 and IPv6
    #[arg(long, value_name = "CIDR,...", value_delimiter = ',', required_unless_present_any = ["anywhere", "show"])]
    pub allow: Vec<domain::Network>,

    /// Allow every network
    #[arg(long, conflicts_with = "allow")]
    pub anywhere: bool,

    /// Show what is allowed, and change nothing
    #[arg(long, conflicts_with_all = ["allow", "anywhere"])]
    pub show: bool,
}

#[derive(Debug, Args)]
pub struct Limit {
    /// Whose limits
    #[arg(long, value_name = "TENANT")]
    pub tenant: TenantId,

    /// Show them with what is used, and write nothing
    #[arg(long, conflicts_with_all = ["set", "remove", "time_zone", "join", "shards"])]
    pub show: bool,

    /// Limits to set, such as tenant:tokens:day=1000000 or agent/AGENT:usd:month=50.00
    #[arg(long, value_name = "LIMIT,...", value_delimiter = ',')]
    pub set: Vec<crate::limits::Set>,

    /// Limits to take away, such as agent/AGENT:usd:month
    #[arg(long, value_name = "PLACE,...", value_delimiter = ',')]
    pub remove: Vec<domain::Place>,

    /// Whose midnight begins a day and a month, such as Asia/Jerusalem
    #[arg(long, value_name = "ZONE")]
    pub time_zone: Option<domain::Zone>,

    /// Agents to put into teams, such as AGENT=sales
    #[arg(long, value_name = "AGENT=TEAM,...", value_delimiter = ',')]
    pub join: Vec<crate::limits::Join>,

    /// Over how many items the meters are spread: more for more calls a second, and only while nothing is used
    #[arg(long, value_name = "COUNT")]
    pub shards: Option<u8>,
}

#[derive(Debug, Args)]
pub struct Usage {
    /// Which organization
    #[arg(long, value_name = "ORG")]
    pub org: OrgId,

    /// Which of its tenants
    #[arg(long, value_name = "TENANT,...", value_delimiter = ',', required = true)]
    pub tenant: Vec<TenantId>,

    /// Which month, such as 2026-11
    #[arg(long, value_name = "MONTH", value_parser = super::month)]
    pub month: String,

    /// JSON instead of a table
    #[arg(long)]
    pub json: bool,
}
