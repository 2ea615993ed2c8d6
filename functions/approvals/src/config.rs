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
    /// URL of the queue of what people and agents are told.
    pub queue: String,
    /// From whom mail comes; without it none is sent.
    pub mail_from: Option<String>,
    pub reach: Reach,
}

const TABLES: [Table; 6] =
    [Table::Votes, Table::Approvals, Table::Control, Table::Identity, Table::Keys, Table::Kill];

impl Config {
    /// # Errors
    /// Every missing or malformed variable, at once.
    pub fn from_vars(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, BadConfig> {
        let mut vars = Vars::new(get);
        let region = vars.require("CS_REGION", "il, eu or us");
        let stage: Option<String> = vars.require("CS_STAGE", "the stage, such as production");
        let tables = TableNames::from_vars(&mut vars, &TABLES);
        let code = vars.require("CS_CODE_SHA256", "64 hexadecimal characters");
        let audit = AuditConfig::from_vars(&mut vars, "approvals", region, code);
        let key = vars.require("CS_KMS_KEY_ARN", "the ARN of the region's KMS key");
        let queue = vars.require("CS_QUEUE_APPROVALS_URL", "the URL of the queue of what people are told");
        let config = (|| {
            Some(Self {
                region: region?,
                tables: tables?,
                audit: audit?,
                kms_key_arn: key?,
                queue: queue?,
                mail_from: get("CS_MAIL_FROM").filter(|from| !from.is_empty()),
                reach: Reach::of_stage(&stage?),
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
            "CS_TABLE_VOTES",
            "CS_TABLE_KILL",
            "CS_QUEUE_AUDIT_URL",
            "CS_KMS_KEY_ARN",
            "CS_QUEUE_APPROVALS_URL",
        ] {
            assert!(error.contains(name), "{name}: {error}");
        }
        assert!(!error.contains("mars") && !error.contains("CS_MAIL_FROM"));
    }
}
