//! Configuration: the ledger's table, its two buckets, and the key that signs checkpoints.

use aws::{BadConfig, TableNames, Vars};
use domain::Region;
use tables::Table;

#[derive(Debug, Clone)]
pub struct Config {
    pub region: Region,
    pub tables: TableNames,
    pub locked_bucket: String,
    pub derived_bucket: String,
    pub checkpoint_key_arn: String,
    /// The region log's name, which its checkpoints begin with.
    pub origin: String,
}

impl Config {
    /// # Errors
    /// Every missing or malformed variable, at once.
    pub fn from_vars(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, BadConfig> {
        let mut vars = Vars::new(get);
        let region = vars.require("CS_REGION", "il, eu or us");
        let tables = TableNames::from_vars(&mut vars, &[Table::Ledger]);
        let locked = vars.require("CS_BUCKET_LOCKED", "the locked bucket's name");
        let derived = vars.require("CS_BUCKET_DERIVED", "the derived bucket's name");
        let key = vars.require("CS_CHECKPOINT_KEY_ARN", "the ARN of the key that signs checkpoints");
        let origin = vars.require("CS_LOG_ORIGIN", "the region log's name");
        let config = (|| {
            Some(Self {
                region: region?,
                tables: tables?,
                locked_bucket: locked?,
                derived_bucket: derived?,
                checkpoint_key_arn: key?,
                origin: origin?,
            })
        })();
        vars.finish(config)
    }
}
