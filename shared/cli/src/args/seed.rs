//! Arguments of making a tenant.

use clap::Args;
use domain::{Code, Name, ProviderKind, Region, RestoreField, Uninspectable};

#[derive(Debug, Args)]
pub struct Seed {
    /// Base URL of a provider, such as https://api.openai.com/v1 or https://api.anthropic.com/v1
    #[arg(long, value_name = "URL")]
    pub provider_url: String,

    /// What the provider speaks: openai, azure, anthropic, or compatible for any other server of Chat Completions
    #[arg(long, value_name = "KIND", default_value = "openai")]
    pub provider_kind: ProviderKind,

    /// API version that Azure's deployment addresses want, such as 2024-10-21; its v1 API wants none
    #[arg(long, value_name = "VERSION")]
    pub provider_api_version: Option<Code>,

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

    /// Where the caller gets its own values back in answers: text, reasoning, tool_arguments, links
    #[arg(long, value_name = "FIELD,...", value_delimiter = ',', default_value = "text,reasoning")]
    pub restore: Vec<RestoreField>,

    /// Leave the caller's values redacted in the answers it gets
    #[arg(long, conflicts_with = "restore")]
    pub no_restore: bool,

    /// Take detected types in the model's own words out of answers too; streams are held back for it
    #[arg(long)]
    pub redact_answers: bool,
    /// Countries of the tenant (ISO 3166-1, such as IL): their numbers need no word beside them to be taken out.
    #[arg(long = "country", value_name = "CC")]
    pub countries: Vec<String>,

    /// What may pass uninspected: images, audio, files, remote_urls, hosted_tools, stored
    #[arg(long, value_name = "KIND,...", value_delimiter = ',')]
    pub permit: Vec<Uninspectable>,

    /// Tools that no call may declare and no answer may call
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub forbid_tools: Vec<Name>,

    /// Calls that the gateway key may make in a minute; 100 unless given
    #[arg(long, value_name = "CALLS")]
    pub requests_per_minute: Option<u32>,

    /// Make the tenant whose calls the platform makes itself, to see that it works: one in each region
    ///
    /// Its providers are the endpoints that are probed every five minutes, with their credentials and at the platform's
    /// expense: one token of the first model that each lists. Its gateway key is kept for `health`, sealed.
    #[arg(long)]
    pub canary: bool,

    /// Days until the gateway key expires; never unless given
    #[arg(long, value_name = "DAYS")]
    pub key_days: Option<u16>,
}
