//! Configuration: names and addresses, read once at cold start. No secret is ever in a variable.

use aws::{AuditConfig, BadConfig, TableNames, Vars};
use domain::Region;
use egress::Reach;
use tables::Table;

use crate::athena::AthenaConfig;

#[derive(Debug, Clone)]
pub struct Config {
    pub region: Region,
    pub reach: Reach,
    pub tables: TableNames,
    pub audit: AuditConfig,
    pub kms_key_arn: String,
    /// The key that signs sessions, and nothing else.
    pub session_key_arn: String,
    pub athena: AthenaConfig,
    pub lifecycle_queue_url: String,
    /// Our own address, without a path: where identity providers send browsers back to.
    pub origin: String,
    /// Pages of ours at other addresses to which a session may be handed.
    pub handoff_to: Vec<String>,
    /// ARN of the IAM role that may make the first organization, while one may.
    pub bootstrap: Option<String>,
}

const TABLES: [Table; 6] =
    [Table::Control, Table::Identity, Table::Gates, Table::Keys, Table::Kill, Table::Status];

impl Config {
    /// # Errors
    /// Every missing or malformed variable, at once.
    pub fn from_vars(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, BadConfig> {
        let mut vars = Vars::new(get);
        let region = vars.require("CS_REGION", "il, eu or us");
        let stage: Option<String> = vars.require("CS_STAGE", "the stage, such as production");
        let tables = TableNames::from_vars(&mut vars, &TABLES);
        let code = vars.require("CS_CODE_SHA256", "64 hexadecimal characters");
        let audit = AuditConfig::from_vars(&mut vars, "admin", region, code);
        let key = vars.require("CS_KMS_KEY_ARN", "the ARN of the region's KMS key");
        let session_key = vars.require("CS_SESSION_KEY_ARN", "the ARN of the key that signs sessions");
        let workgroup = vars.require("CS_ATHENA_WORKGROUP", "the name of the region's workgroup in Athena");
        let database = vars.require("CS_ATHENA_DATABASE", "the name of the region's database in Glue");
        let lifecycle = vars.require("CS_QUEUE_LIFECYCLE_URL", "the lifecycle queue's URL");
        // Empty until it is known: a function's address is made after it.
        let origin = get("CS_ORIGIN").unwrap_or_default().trim_end_matches('/').to_owned();
        let handoff_to = get("CS_HANDOFF_TO").unwrap_or_default();
        let handoff_to = handoff_to.split(',').filter(|one| !one.is_empty()).map(str::to_owned).collect();
        let bootstrap = get("CS_BOOTSTRAP_ARN").filter(|arn| !arn.is_empty());
        let config = (|| {
            Some(Self {
                region: region?,
                reach: Reach::of_stage(&stage?),
                tables: tables?,
                audit: audit?,
                kms_key_arn: key?,
                session_key_arn: session_key?,
                athena: AthenaConfig { workgroup: workgroup?, database: database? },
                lifecycle_queue_url: lifecycle?,
                origin,
                handoff_to,
                bootstrap,
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
            "CS_QUEUE_AUDIT_URL",
            "CS_KMS_KEY_ARN",
            "CS_SESSION_KEY_ARN",
            "CS_ATHENA_WORKGROUP",
            "CS_ATHENA_DATABASE",
            "CS_QUEUE_LIFECYCLE_URL",
        ] {
            assert!(error.contains(name), "{name}: {error}");
        }
        assert!(!error.contains("mars"));
    }
}
