//! Configuration: names and addresses, read once at cold start. No secret is ever in a variable.

use std::time::Duration;

use aws::{AuditConfig, BadConfig, TableNames, Vars};
use domain::Region;
use egress::Reach;
use tables::Table;

#[derive(Debug, Clone)]
pub struct Config {
    pub region: Region,
    /// Which provider addresses may be called: only the local stage reaches loopback and plain HTTP.
    pub reach: Reach,
    pub tables: TableNames,
    pub audit: AuditConfig,
    pub kms_key_arn: String,
    /// The longest that a provider may take for a whole answer.
    pub provider_timeout: Duration,
}

const TABLES: [Table; 6] =
    [Table::Control, Table::Identity, Table::Gates, Table::Keys, Table::Tokens, Table::Kill];

impl Config {
    /// # Errors
    /// Every missing or malformed variable, at once.
    pub fn from_vars(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, BadConfig> {
        let mut vars = Vars::new(get);
        let stage = vars.require::<String>("CS_STAGE", "a stage's name, such as local or prod");
        let region = vars.require("CS_REGION", "il, eu or us");
        let tables = TableNames::from_vars(&mut vars, &TABLES);
        let code = vars.require("CS_CODE_SHA256", "64 hexadecimal characters");
        let audit = AuditConfig::from_vars(&mut vars, "gateway", region, code);
        let key = vars.require("CS_KMS_KEY_ARN", "the ARN of the region's KMS key");
        let timeout = vars.require::<u32>("CS_PROVIDER_TIMEOUT_MS", "a number of milliseconds");
        let config = (|| {
            Some(Self {
                region: region?,
                reach: Reach::of_stage(&stage?),
                tables: tables?,
                audit: audit?,
                kms_key_arn: key?,
                provider_timeout: Duration::from_millis(timeout?.into()),
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
            "CS_STAGE is not set",
            "CS_REGION is not il, eu or us",
            "CS_TABLE_KEYS",
            "CS_QUEUE_AUDIT_URL",
            "CS_SIGNING_KEY_ARN",
            "CS_CODE_SHA256",
            "CS_PROVIDER_TIMEOUT_MS",
        ] {
            assert!(error.contains(name), "{name}: {error}");
        }
        assert!(!error.contains("mars"));
    }

    #[test]
    fn only_the_local_stage_reaches_loopback() {
        for (stage, reach) in
            [("local", Reach::Loopback), ("prod", Reach::Public), ("localhost", Reach::Public)]
        {
            let get = |name: &str| {
                Some(match name {
                    "CS_STAGE" => stage.to_owned(),
                    "CS_REGION" => "eu".to_owned(),
                    "CS_PROVIDER_TIMEOUT_MS" => "1000".to_owned(),
                    "CS_CODE_SHA256" => "0".repeat(64),
                    other => other.to_lowercase(),
                })
            };
            assert_eq!(Config::from_vars(&get).unwrap().reach, reach, "{stage}");
        }
    }
}
