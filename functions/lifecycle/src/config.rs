//! Configuration: the derived bucket, where checkpoints go outside the account, and the table of the gates.

use aws::{BadConfig, TableNames, Vars};
use domain::Region;
use tables::Table;

#[derive(Debug, Clone)]
pub struct Config {
    pub region: Region,
    pub derived_bucket: String,
    /// The region log's name.
    pub origin: String,
    /// Buckets that somebody else owns.
    pub sinks: Vec<String>,
    pub tables: TableNames,
}

impl Config {
    /// # Errors
    /// Every missing or malformed variable, at once.
    pub fn from_vars(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, BadConfig> {
        let mut vars = Vars::new(get);
        let region = vars.require("CS_REGION", "il, eu or us");
        let derived = vars.require("CS_BUCKET_DERIVED", "the derived bucket's name");
        let origin = vars.require("CS_LOG_ORIGIN", "the region log's name");
        let tables = TableNames::from_vars(&mut vars, &[Table::Gates]);
        let sinks = get("CS_CHECKPOINT_SINKS").unwrap_or_default();
        let sinks = sinks.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
        let sinks = sinks.collect();
        let config = (|| {
            let (region, derived_bucket, origin, tables) = (region?, derived?, origin?, tables?);
            Some(Self { region, derived_bucket, origin, sinks, tables })
        })();
        vars.finish(config)
    }
}
