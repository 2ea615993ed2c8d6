//! Where `countersign ops` writes: the gateway's variables, with a signing key of its own.

use aws::{AuditConfig, BadConfig, TableNames, Vars};
use domain::Region;
use egress::Reach;
use tables::Table;

#[derive(Debug, Clone)]
pub struct Config {
    pub region: Region,
    pub reach: Reach,
    pub tables: TableNames,
    pub audit: AuditConfig,
    pub kms_key_arn: String,
}

const TABLES: [Table; 6] =
    [Table::Control, Table::Identity, Table::Gates, Table::Keys, Table::Kill, Table::Status];

/// What this command is: the hash of its own file.
fn own_code() -> ledger::Hash {
    let file = std::env::current_exe().and_then(std::fs::read);
    file.map_or_else(|_| ledger::Hash::of_nothing(), |bytes| ledger::Hash::of(&bytes))
}

impl Config {
    /// # Errors
    /// Every missing or malformed variable, at once.
    pub fn from_vars(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, BadConfig> {
        let mut vars = Vars::new(get);
        let stage = vars.require::<String>("CS_STAGE", "a stage's name, such as local or prod");
        let region = vars.require("CS_REGION", "il, eu or us");
        let tables = TableNames::from_vars(&mut vars, &TABLES);
        let audit = AuditConfig::from_vars(&mut vars, "operator", region, Some(own_code()));
        let key = vars.require("CS_KMS_KEY_ARN", "the ARN of the region's KMS key");
        let config = (|| {
            Some(Self {
                region: region?,
                reach: Reach::of_stage(&stage?),
                tables: tables?,
                audit: audit?,
                kms_key_arn: key?,
            })
        })();
        vars.finish(config)
    }
}
