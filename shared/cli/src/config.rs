//! Where `countersign ops` writes: the same variables as the gateway's.

use aws::{BadConfig, TableNames, Vars};
use domain::Region;
use egress::Reach;

#[derive(Debug, Clone)]
pub struct Config {
    pub region: Region,
    pub reach: Reach,
    pub tables: TableNames,
    pub audit_queue_url: String,
    pub kms_key_arn: String,
}

impl Config {
    /// # Errors
    /// Every missing or malformed variable, at once.
    pub fn from_vars(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, BadConfig> {
        let mut vars = Vars::new(get);
        let stage = vars.require::<String>("CS_STAGE", "a stage's name, such as local or prod");
        let region = vars.require("CS_REGION", "il, eu or us");
        let tables = TableNames::from_vars(&mut vars);
        let queue = vars.require("CS_QUEUE_AUDIT_URL", "the audit queue's URL");
        let key = vars.require("CS_KMS_KEY_ARN", "the ARN of the region's KMS key");
        let config = (|| {
            Some(Self {
                region: region?,
                reach: Reach::of_stage(&stage?),
                tables: tables?,
                audit_queue_url: queue?,
                kms_key_arn: key?,
            })
        })();
        vars.finish(config)
    }
}
