//! The command line.

use clap::{Args, Parser, Subcommand};
use domain::{Name, ProviderKind, Region};

/// Countersign's command for operators and auditors.
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
}

#[derive(Debug, Subcommand)]
pub enum Ops {
    /// Makes an organization with an owner, a tenant, an agent, keys, a budget, a provider and a gateway key
    ///
    /// Prints the ids and the gateway key as JSON. The gateway key is shown this once and never again.
    ///
    /// Reads where to write from CS_REGION, CS_STAGE, CS_TABLE_CONTROL, CS_TABLE_IDENTITY, CS_TABLE_GATES,
    /// CS_TABLE_KEYS, CS_QUEUE_AUDIT_URL and CS_KMS_KEY_ARN (`make up` prints them), and the provider's API key
    /// from CS_PROVIDER_KEY: a secret on a command line can be read by every process of the machine.
    Seed(Seed),
}

#[derive(Debug, Args)]
pub struct Seed {
    /// Base URL of an OpenAI-compatible provider, such as https://api.openai.com/v1
    #[arg(long, value_name = "URL")]
    pub provider_url: String,

    /// Habits of the provider: openai, or compatible for any other server of the dialect
    #[arg(long, value_name = "KIND", default_value = "openai")]
    pub provider_kind: ProviderKind,

    /// What the audit trail calls the provider
    #[arg(long, value_name = "NAME", default_value = "provider")]
    pub provider_name: Name,

    /// Region in which the provider processes the calls: il, eu or us
    #[arg(long, value_name = "REGION")]
    pub provider_region: Region,

    /// Where that region is stated, and when it was read
    #[arg(long, value_name = "TEXT", default_value = "stated by the operator at seeding")]
    pub provider_region_source: String,

    /// Models that the provider offers
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', required = true)]
    pub models: Vec<Name>,

    /// Models that the gateway key may call; all of them unless given
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub key_models: Option<Vec<Name>>,

    /// The tenant's budget in tokens, in all
    #[arg(long, value_name = "TOKENS", default_value_t = 1_000_000)]
    pub budget_tokens: u64,

    /// The most output tokens of one answer
    #[arg(long, value_name = "TOKENS", default_value_t = 4_096)]
    pub max_output_tokens: u64,

    /// Leave the caller's values redacted in the answers it gets
    #[arg(long)]
    pub no_restore: bool,

    /// Days until the gateway key expires; never unless given
    #[arg(long, value_name = "DAYS")]
    pub key_days: Option<u16>,
}
