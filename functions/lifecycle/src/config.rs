//! Configuration: the derived bucket, where checkpoints go outside the account, the tables, and where records go.

use aws::{AuditConfig, BadConfig, TableNames, Vars};
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
    pub audit: AuditConfig,
}

impl Config {
    /// # Errors
    /// Every missing or malformed variable, at once.
    pub fn from_vars(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, BadConfig> {
        let mut vars = Vars::new(get);
        let region = vars.require("CS_REGION", "il, eu or us");
        let derived = vars.require("CS_BUCKET_DERIVED", "the derived bucket's name");
        let origin = vars.require("CS_LOG_ORIGIN", "the region log's name");
        let tables = TableNames::from_vars(&mut vars, &[Table::Control, Table::Gates, Table::Identity]);
        let code = vars.require("CS_CODE_SHA256", "64 hexadecimal characters");
        let audit = AuditConfig::from_vars(&mut vars, "lifecycle", region, code);
        let sinks = get("CS_CHECKPOINT_SINKS").unwrap_or_default();
        let sinks = sinks.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
        let sinks = sinks.collect();
        let config = (|| {
            let (region, derived_bucket, origin) = (region?, derived?, origin?);
            Some(Self { region, derived_bucket, origin, sinks, tables: tables?, audit: audit? })
        })();
        vars.finish(config)
    }
}
