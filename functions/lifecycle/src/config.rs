//! Configuration: the derived bucket, and where checkpoints go outside the account.

use aws::{BadConfig, Vars};
use domain::Region;

#[derive(Debug, Clone)]
pub struct Config {
    pub region: Region,
    pub derived_bucket: String,
    /// The region log's name.
    pub origin: String,
    /// Buckets that somebody else owns.
    pub sinks: Vec<String>,
}

impl Config {
    /// # Errors
    /// Every missing or malformed variable, at once.
    pub fn from_vars(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, BadConfig> {
        let mut vars = Vars::new(get);
        let region = vars.require("CS_REGION", "il, eu or us");
        let derived = vars.require("CS_BUCKET_DERIVED", "the derived bucket's name");
        let origin = vars.require("CS_LOG_ORIGIN", "the region log's name");
        let sinks = get("CS_CHECKPOINT_SINKS").unwrap_or_default();
        let sinks = sinks.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
        let sinks = sinks.collect();
        let config = (|| Some(Self { region: region?, derived_bucket: derived?, origin: origin?, sinks }))();
        vars.finish(config)
    }
}
