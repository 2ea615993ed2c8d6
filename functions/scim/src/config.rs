//! Configuration: names and addresses, read once at cold start. No secret is ever in a variable.

use aws::{AuditConfig, BadConfig, TableNames, Vars};
use domain::Region;
use egress::Reach;
use tables::Table;

#[derive(Debug, Clone)]
pub struct Config {
    pub region: Region,
    pub tables: TableNames,
    pub audit: AuditConfig,
    pub kms_key_arn: String,
    /// URL of the queue that tells of whoever was ended.
    pub lifecycle_queue: String,
    pub reach: Reach,
    /// What stands in for Google: on the local stage alone.
    pub directory: Option<String>,
}

const TABLES: [Table; 3] = [Table::Control, Table::Identity, Table::Keys];

impl Config {
    /// # Errors
    /// Every missing or malformed variable, at once.
    pub fn from_vars(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, BadConfig> {
        let mut vars = Vars::new(get);
        let region = vars.require("CS_REGION", "il, eu or us");
        let stage: Option<String> = vars.require("CS_STAGE", "the stage, such as production");
        let tables = TableNames::from_vars(&mut vars, &TABLES);
        let code = vars.require("CS_CODE_SHA256", "64 hexadecimal characters");
        let audit = AuditConfig::from_vars(&mut vars, "scim", region, code);
        let key = vars.require("CS_KMS_KEY_ARN", "the ARN of the region's KMS key");
        let queue = vars.require("CS_QUEUE_LIFECYCLE_URL", "the URL of the lifecycle queue");
        let config = (|| {
            Some(Self {
                region: region?,
                tables: tables?,
                audit: audit?,
                kms_key_arn: key?,
                lifecycle_queue: queue?,
                reach: Reach::of_stage(&stage?),
                directory: get("CS_DIRECTORY_ORIGIN").filter(|origin| !origin.is_empty()),
            })
        })();
        vars.finish(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_missing_is_told_at_once() {
        let error = Config::from_vars(&|name| (name == "CS_REGION").then(|| "mars".to_owned()))
            .unwrap_err()
            .to_string();
        for name in [
            "CS_REGION is not il, eu or us",
            "CS_STAGE",
            "CS_TABLE_IDENTITY",
            "CS_TABLE_KEYS",
            "CS_QUEUE_AUDIT_URL",
            "CS_QUEUE_LIFECYCLE_URL",
            "CS_SIGNING_KEY_ARN",
            "CS_KMS_KEY_ARN",
            "CS_CODE_SHA256",
        ] {
            assert!(error.contains(name), "{name}: {error}");
        }
        assert!(!error.contains("mars"));
    }
}
