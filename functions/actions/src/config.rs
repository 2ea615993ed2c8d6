//! Configuration: names and addresses, read once at cold start. No secret is ever in a variable.

use aws::{AuditConfig, BadConfig, TableNames, Vars};
use domain::Region;
use tables::Table;

#[derive(Debug, Clone)]
pub struct Config {
    pub region: Region,
    pub tables: TableNames,
    pub audit: AuditConfig,
    pub kms_key_arn: String,
    /// The key that signs permits (`ECC_NIST_P256`).
    pub permit_key_arn: String,
    /// URL of the queue of what people are told.
    pub queue: String,
}

const TABLES: [Table; 7] =
    [Table::Control, Table::Identity, Table::Gates, Table::Keys, Table::Kill, Table::Votes, Table::Approvals];

impl Config {
    /// # Errors
    /// Every missing or malformed variable, at once.
    pub fn from_vars(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, BadConfig> {
        let mut vars = Vars::new(get);
        let region = vars.require("CS_REGION", "il, eu or us");
        let tables = TableNames::from_vars(&mut vars, &TABLES);
        let code = vars.require("CS_CODE_SHA256", "64 hexadecimal characters");
        let audit = AuditConfig::from_vars(&mut vars, "actions", region, code);
        let key = vars.require("CS_KMS_KEY_ARN", "the ARN of the region's KMS key");
        let permit = vars.require("CS_PERMIT_KEY_ARN", "the ARN of the key that signs permits");
        let queue = vars.require("CS_QUEUE_APPROVALS_URL", "the URL of the queue of what people are told");
        let config = (|| {
            Some(Self {
                region: region?,
                tables: tables?,
                audit: audit?,
                kms_key_arn: key?,
                permit_key_arn: permit?,
                queue: queue?,
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
            "CS_TABLE_VOTES",
            "CS_TABLE_APPROVALS",
            "CS_QUEUE_AUDIT_URL",
            "CS_KMS_KEY_ARN",
            "CS_PERMIT_KEY_ARN",
            "CS_QUEUE_APPROVALS_URL",
            "CS_CODE_SHA256",
        ] {
            assert!(error.contains(name), "{name}: {error}");
        }
        assert!(!error.contains("mars"));
    }
}
