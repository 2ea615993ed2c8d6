//! The command line.

pub mod api;
mod gates;
mod seed;

use clap::{Args, Parser, Subcommand};
use domain::{AgentId, Code, Name, Opaque, OrgId, ProviderId, ProviderKind, Region, TenantId, Timestamp};
use envelope::Purpose;

pub use gates::{Drill, Drilled, Gate, Kill, Limit, Network, Usage};
pub use seed::Seed;

/// Countersign's command: for people who manage it, operators and auditors.
#[derive(Debug, Parser)]
#[command(name = "countersign", version, arg_required_else_help = true)]
pub struct Program {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Writes configuration, under the IAM role `operator`; every command is recorded in the audit trail
    Ops {
        #[command(subcommand)]
        command: Ops,
    },

    /// Writes a tenant's audit log, or every tenant's, into a folder with everything that proves it
    ///
    /// Acts as the IAM role `operator`. The log is whole, so that nothing about the period must be believed: the manifest
    /// says how many records fall into it.
    Export(Export),

    /// Prints whom to trust: the keys that sign checkpoints and certify producers, and the agreed limits
    ///
    /// To be kept by whoever audits. Where it comes from is what a verification rests on.
    Trust,

    /// Measures the detectors on your own files: precision and recall on labelled text, false positives on clean text
    ///
    /// Offline. Every type is looked for, names and addresses too, unless --policy says otherwise. Types that a labelled file
    /// has and nothing here detects are listed as well. Prints counts, never a value.
    Report(Report),

    /// Verifies an export, offline: needs no AWS and no network
    ///
    /// Exit codes: 0 it holds, 1 it cannot be read, 2 wrong usage, from 10 on one for each class of fault.
    Verify(verify::Verify),

    #[command(flatten)]
    Api(api::Api),
}

#[derive(Debug, Args)]
pub struct Report {
    /// A JSON array of texts with labels, in the format of presidio-research (full_text, spans)
    #[arg(long, value_name = "FILE", required_unless_present = "clean")]
    pub labelled: Option<std::path::PathBuf>,

    /// A folder of text files in which nothing is to be found: every finding is a false positive
    #[arg(long, value_name = "FOLDER")]
    pub clean: Option<std::path::PathBuf>,

    /// A tenant's policy to measure under
    #[arg(long, value_name = "FILE")]
    pub policy: Option<std::path::PathBuf>,

    /// The tenant's country, such as IL; may be given several times
    #[arg(long, value_name = "COUNTRY", conflicts_with = "policy")]
    pub country: Vec<redact::Country>,

    /// JSON instead of tables
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Export {
    /// Whose log; without it, every tenant's
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<TenantId>,

    /// The period's first moment, such as 2026-11-01T00:00:00.000Z
    #[arg(long, value_name = "TIME", requires = "to")]
    pub from: Option<Timestamp>,

    /// The period's last moment
    #[arg(long, value_name = "TIME", requires = "from")]
    pub to: Option<Timestamp>,

    /// The folder to make
    #[arg(long, value_name = "FOLDER")]
    pub out: std::path::PathBuf,
}

impl Export {
    pub fn period(&self) -> Option<verify::Period> {
        self.from.zip(self.to).map(|(from, to)| verify::Period { from, to })
    }
}

#[derive(Debug, Subcommand)]
pub enum Ops {
    /// Makes an organization with an owner, a tenant, an agent, keys, a budget, a provider and a gateway key
    ///
    /// Prints the ids and the gateway key as JSON. The gateway key is shown this once and never again.
    ///
    /// Nobody can sign in to this organization: it is for the canary, for tests, and where there is no identity provider.
    /// With one, begin by `POST /v1/bootstrap` (README, "Deploying").
    ///
    /// Reads where to write from the variables of Terraform's output `operator_environment`, and the provider's API key
    /// from CS_PROVIDER_KEY: a secret on a command line can be read by every process of the machine.
    Seed(Seed),

    /// Shows a tenant's keys: versions, what is sealed under each, and what was destroyed
    Keys(Keys),

    /// Gives a tenant's root secret a new version, seals rows again under it, or retires old versions
    ///
    /// New values are sealed under the new version at once; whatever names an older one opens as before, until that is
    /// retired. Without a flag: a new version, then every credential again under it. What other roots sealed stays as it is,
    /// and their old versions with it.
    Rotate(Rotate),

    /// Destroys a person's key, or all keys of a tenant: what they sealed is unreadable from then on, for everybody
    ///
    /// Nothing undoes it. Copies in point-in-time backups of the keys table end within 35 days.
    Shred(Shred),

    /// Replaces a provider's API key with the one in CS_PROVIDER_KEY
    Credential(Credential),

    /// Shows a tenant's providers in the order in which they are tried, adds one at the end, or takes one off
    ///
    /// Reads the new provider's API key from CS_PROVIDER_KEY. The list is written over what was read, so that of two
    /// operators at once neither loses what the other did.
    Provider(Provider),

    /// Shows, checks or writes what is taken out of calls: a tenant's DLP policy, an agent's, or an organization's floor
    ///
    /// A document is written over the version that was read: of two operators at once one hears of the other. Prints what is
    /// done with each type and whose word that is, and what a change makes weaker.
    Policy(Policy),

    /// Shows, checks or writes a tenant's gate document: which actions of its agents need whom
    ///
    /// Written over the version that was read. No second person is asked: for when nobody of the tenant can.
    Gate(Gate),

    /// Stops calls at once: of everybody, an organization, a tenant or one agent; recovers them; or shows the switch
    ///
    /// A call that begins after the command has returned is refused; calls that run are cut within a second. Stopping works
    /// even when the audit queue does not; recovering does not.
    Kill(Kill),

    /// Rehearses a tenant's kill switch while a call of it runs, and measures: commit, first refusal, cut, recovery
    ///
    /// For a tenant that is there for it: its calls are cut. Makes calls with the gateway key in CS_GATEWAY_KEY, one of them as
    /// long as --long-answer-tokens allow, and records the figures as drill.kill.
    Drill(Drill),

    /// Keeps what a drill came to that was held with other tools: of a provider, of the ledger's writer, of a backup
    ///
    /// Recorded as drill.* in the tenant's log, and kept where `health` looks whether one is overdue.
    Drilled(Drilled),

    /// Says from which networks an organization's, a tenant's or a key's gateway keys may be used
    Network(Network),

    /// Shows or changes how much a tenant may use: by tenant, organization, team, agent and key, in tokens and in dollars
    ///
    /// Limits are written over the version that was read: of two operators at once one hears of the other. A limit counts
    /// from when it is first set, except the tenant's by day and month, whose meters always run.
    Limit(Limit),

    /// Prints what tenants of an organization used in a month, by day, in tokens and in dollars
    Usage(Usage),

    /// Makes a tenant's rows for SQL again from the ledger: one file per day, whatever lay there before
    Rebuild(Rebuild),
}

#[derive(Debug, Args)]
pub struct Policy {
    /// Whose policy. With --org: tenants of the organization, in whose logs the change is recorded
    #[arg(long, value_name = "TENANT,...", value_delimiter = ',', required_unless_present = "check")]
    pub tenant: Vec<TenantId>,

    /// The policy of this agent: what it says of a type goes before what the tenant's says
    #[arg(long, value_name = "AGENT", conflicts_with = "org")]
    pub agent: Option<AgentId>,

    /// The floor of this organization, which no policy of its tenants and agents can weaken
    #[arg(long, value_name = "ORG")]
    pub org: Option<OrgId>,

    /// The document to write or check: JSON, up to 64 KiB
    #[arg(long, value_name = "FILE", required_unless_present_any = ["check", "show"])]
    pub file: Option<std::path::PathBuf>,

    /// Write only over this version; 0 where there is none yet
    #[arg(long, value_name = "VERSION", requires = "file", conflicts_with_all = ["check", "show"])]
    pub previous: Option<u64>,

    /// Show what holds, and write nothing
    #[arg(long, conflicts_with_all = ["file", "check"])]
    pub show: bool,

    /// With --show: print the document as it was written, with all its words and names
    #[arg(long, requires = "show")]
    pub document: bool,

    /// Check a file, offline: needs no AWS. Without one: what holds where nobody wrote a policy
    #[arg(long, conflicts_with_all = ["tenant", "agent", "org"])]
    pub check: bool,

    /// With --check: the organization's floor
    #[arg(long, value_name = "FILE", requires = "check")]
    pub floor_file: Option<std::path::PathBuf>,

    /// With --check: the tenant's policy, when --file is an agent's
    #[arg(long, value_name = "FILE", requires = "check")]
    pub tenant_file: Option<std::path::PathBuf>,
}

/// `2026-11`.
fn month(text: &str) -> Result<String, &'static str> {
    let first: Result<Timestamp, _> = format!("{text}-01T00:00:00.000Z").parse();
    if first.is_ok() { Ok(text.to_owned()) } else { Err("not a month, such as 2026-11") }
}

#[derive(Debug, Args)]
pub struct Provider {
    /// Whose list
    #[arg(long, value_name = "TENANT")]
    pub tenant: TenantId,

    /// Show the list, without credentials, and write nothing
    #[arg(long, conflicts_with_all = ["remove", "provider_url"])]
    pub show: bool,

    /// Take this one off
    #[arg(long, value_name = "PROVIDER", conflicts_with = "provider_url")]
    pub remove: Option<ProviderId>,

    /// Base URL of the one to add, such as https://api.openai.com/v1
    #[arg(long, value_name = "URL", requires_all = ["provider_region", "models"])]
    pub provider_url: Option<String>,

    /// What it speaks: openai, azure, anthropic, or compatible for any other server of Chat Completions
    #[arg(long, value_name = "KIND", default_value = "openai")]
    pub provider_kind: ProviderKind,

    /// API version that Azure's deployment addresses want, such as 2024-10-21; its v1 API wants none
    #[arg(long, value_name = "VERSION")]
    pub provider_api_version: Option<Code>,

    /// What the audit trail calls it
    #[arg(long, value_name = "NAME", default_value = "provider")]
    pub provider_name: Name,

    /// Region in which it processes the calls: il, eu or us
    #[arg(long, value_name = "REGION")]
    pub provider_region: Option<Region>,

    /// Where that region is stated, and when it was read
    #[arg(long, value_name = "TEXT", default_value = "stated by the operator")]
    pub provider_region_source: String,

    /// Models that it offers: as agents call them, and, where it calls one otherwise, =ITS-NAME
    #[arg(long, value_name = "NAME[=ITS-NAME],...", value_delimiter = ',', value_parser = model)]
    pub models: Vec<(Name, Name)>,

    /// The most output tokens of one answer
    #[arg(long, value_name = "TOKENS", default_value_t = 4_096)]
    pub max_output_tokens: u64,
}

fn model(text: &str) -> Result<(Name, Name), domain::NameError> {
    let (name, upstream) = text.split_once('=').unwrap_or((text, text));
    Ok((name.parse()?, upstream.parse()?))
}

#[derive(Debug, Args)]
pub struct Rebuild {
    /// Whose rows
    #[arg(long, value_name = "TENANT")]
    pub tenant: TenantId,
}

#[derive(Debug, Args)]
pub struct Keys {
    /// Whose keys
    #[arg(long, value_name = "TENANT")]
    pub tenant: TenantId,

    /// JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Rotate {
    /// Whose keys
    #[arg(long, value_name = "TENANT")]
    pub tenant: TenantId,

    /// Which root: cred, audit, token, sso, scim, directory or action
    #[arg(long, value_name = "PURPOSE")]
    pub purpose: Purpose,

    /// Make no new version: only seal rows again under the current one
    #[arg(long)]
    pub reseal: bool,

    /// Make no new version: let nothing below the current one be opened any more
    #[arg(long, conflicts_with = "reseal")]
    pub retire: bool,

    /// JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Shred {
    /// Whose keys
    #[arg(long, value_name = "TENANT")]
    pub tenant: TenantId,

    /// Destroy the key of the person with this digest, as records name it in on_behalf_of_ref
    #[arg(long, value_name = "PSN", conflicts_with = "all_keys", value_parser = pseudonym)]
    pub subject: Option<Opaque>,

    /// Destroy all keys of the tenant: no call can be made for it any more. Otherwise one person's: --subject, or the
    /// name in CS_SUBJECT
    #[arg(long)]
    pub all_keys: bool,

    /// Why, as a code for the audit trail, such as erasure_request or offboarding
    #[arg(long, value_name = "CODE")]
    pub reason: Code,

    /// Repeat what is to be destroyed: all-keys:TENANT for all keys, the digest that --subject names, else the tenant's id
    #[arg(long, value_name = "ID")]
    pub confirm: String,
}

/// A digest, and no name: what is given here stands in records that nobody can change.
fn pseudonym(text: &str) -> Result<Opaque, &'static str> {
    let letters = text.strip_prefix("psn_").unwrap_or_default();
    let fits = letters.len() == 32 && letters.bytes().all(|byte| (b'a'..=b'p').contains(&byte));
    let wrong = "not a digest (psn_ and 32 letters); a name goes into CS_SUBJECT";
    if fits { text.parse().map_err(|_| wrong) } else { Err(wrong) }
}

#[derive(Debug, Args)]
pub struct Credential {
    /// Whose provider
    #[arg(long, value_name = "TENANT")]
    pub tenant: TenantId,

    /// Which one
    #[arg(long, value_name = "PROVIDER")]
    pub provider: ProviderId,
}
