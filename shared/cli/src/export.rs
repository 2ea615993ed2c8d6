//! `countersign export`: what an auditor is given, out of the region's stores, and `countersign trust`.
//!
//! Order matters: settled calls are read before the log, the region log before the tenants', so that whatever moves
//! meanwhile only adds.

mod gather;
mod rows;
mod write;

use std::collections::BTreeMap;
use std::error::Error;

use aws::{BadConfig, Credentials, Dynamo, KmsSigner, TableNames, Vars};
use domain::{EventType, Metadata, Region, TenantId};
use ledger::VerifierKey;
use ledger::verify::Trust;
use tables::{Key, Table};

use crate::args;
use crate::ops::{Bench, Told};
use crate::print;
use gather::Gathered;

type Get<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// Names of what is read, from the variables of Terraform's output `operator_environment`.
#[derive(Debug, Clone)]
pub struct Config {
    pub region: Region,
    pub tables: TableNames,
    pub locked: String,
    pub derived: String,
    pub origin: String,
    checkpoint_key: String,
    /// Who signs records, and with which key.
    producers: Vec<(&'static str, String)>,
}

/// Who signs records, and the variable of the signing key's ARN.
const PRODUCERS: [(&str, &str); 9] = [
    ("gateway", "CS_GATEWAY_SIGNING_KEY_ARN"),
    ("dlp", "CS_DLP_SIGNING_KEY_ARN"),
    ("lifecycle", "CS_LIFECYCLE_SIGNING_KEY_ARN"),
    ("admin", "CS_ADMIN_SIGNING_KEY_ARN"),
    ("scim", "CS_SCIM_SIGNING_KEY_ARN"),
    ("health", "CS_HEALTH_SIGNING_KEY_ARN"),
    ("actions", "CS_ACTIONS_SIGNING_KEY_ARN"),
    ("approvals", "CS_APPROVALS_SIGNING_KEY_ARN"),
    ("operator", "CS_SIGNING_KEY_ARN"),
];

impl Config {
    fn from_vars(get: Get<'_>) -> Result<Self, BadConfig> {
        let mut vars = Vars::new(get);
        let region = vars.require("CS_REGION", "il, eu or us");
        let tables = TableNames::from_vars(&mut vars, &[Table::Control, Table::Gates]);
        let mut text = |name, expected| vars.require::<String>(name, expected);
        let locked = text("CS_BUCKET_LOCKED", "the locked bucket's name");
        let derived = text("CS_BUCKET_DERIVED", "the derived bucket's name");
        let origin = text("CS_LOG_ORIGIN", "the region log's name");
        let checkpoint = text("CS_CHECKPOINT_KEY_ARN", "the ARN of the key that signs checkpoints");
        // Every missing one is reported, not the first alone.
        let producers: Vec<_> = PRODUCERS
            .iter()
            .map(|(name, variable)| text(variable, "the ARN of a signing key").map(|arn| (*name, arn)))
            .collect();
        let producers = producers.into_iter().collect::<Option<_>>();
        let config = (|| {
            Some(Self {
                region: region?,
                tables: tables?,
                locked: locked?,
                derived: derived?,
                origin: origin?,
                checkpoint_key: checkpoint?,
                producers: producers?,
            })
        })();
        vars.finish(config)
    }

    /// Keys as KMS has them, and the limits that go without saying.
    async fn trust(&self, sdk: &aws::SdkConfig) -> Result<Trust, Box<dyn Error>> {
        let key = async |arn: &String, name: String| {
            let public = KmsSigner::new(sdk, arn.clone()).public_key().await?;
            Ok::<_, Box<dyn Error>>(VerifierKey::new(&name, &public)?)
        };
        let region = self.region;
        let checkpoint = key(&self.checkpoint_key, self.origin.clone()).await?;
        let mut producers = Vec::new();
        for (name, arn) in &self.producers {
            producers.push(key(arn, format!("countersign/{region}/{name}")).await?);
        }
        Ok(Trust::new(self.origin.clone(), checkpoint, producers))
    }
}

/// Prints the trust file: to be kept by whoever audits, and compared with what they got before.
pub async fn trust(get: Get<'_>) -> Result<(), Box<dyn Error>> {
    let config = Config::from_vars(get)?;
    let sdk = aws::sdk_config(Credentials::Person).await;
    let trust = config.trust(&sdk).await?;
    print::text(&trust.to_string())
}

pub async fn export(get: Get<'_>, wanted: args::Export) -> Result<(), Box<dyn Error>> {
    if wanted.out.exists() {
        return Err(format!("{} exists: an export is a new folder", wanted.out.display()).into());
    }
    let config = Config::from_vars(get)?;
    let sdk = aws::sdk_config(Credentials::Person).await;
    let trust = config.trust(&sdk).await?;
    let dynamo = Dynamo::new(&sdk, config.tables.clone());
    let stores = gather::Stores::new(&sdk, &config);
    // The region log comes first: whom it signs for has a log by then.
    let region = stores.region().await?;
    let tenants = match &wanted.tenant {
        Some(tenant) => vec![tenant.clone()],
        None => stores.tenants().await?,
    };
    print::error(&format!("exporting {} tenant(s) to {}", tenants.len(), wanted.out.display()));
    let work = async {
        let admitted = admitted(&dynamo, &tenants).await?;
        let gathered = stores.gather(region, &tenants, wanted.tenant.as_ref(), wanted.period()).await?;
        let keys = keys(&dynamo, &gathered).await?;
        write::folder(&wanted, &config, &trust, &gathered, &admitted, &keys)
    };
    let folder = match &wanted.tenant {
        // The tenant may know who was given its log.
        Some(tenant) => {
            let told = Told {
                event: EventType::LedgerExport,
                action: "ledger.export",
                description: "An operator exports the audit log of a tenant.",
                resource: "ledger:tenant".to_owned(),
                subject: None,
                metadata: Metadata::default(),
            };
            let records = |metadata: Metadata, folder: &verify::Folder| {
                metadata.count("records", folder.manifest.records)
            };
            Bench::open(get, tenant).await?.recorded(told, work, records).await?
        }
        None => work.await?,
    };
    let manifest = &folder.manifest;
    let rows = [
        vec!["exported".to_owned(), wanted.out.display().to_string()],
        vec!["records".to_owned(), manifest.records.to_string()],
        vec!["in the period".to_owned(), manifest.records_in_period.to_string()],
        vec!["calls settled".to_owned(), format!("{}, outcomes {}", manifest.settled, manifest.outcomes)],
        vec!["numbered".to_owned(), format!("{} by {} producers", manifest.numbered, manifest.producers)],
        vec!["manifest".to_owned(), folder.fingerprint.to_string()],
    ];
    print::table(&rows)?;
    print::line(&format!("verify it with: countersign verify {}", wanted.out.display()))
}

/// Makes a tenant's rows again from its log.
pub async fn rebuild(get: Get<'_>, wanted: args::Rebuild) -> Result<(), Box<dyn Error>> {
    let config = Config::from_vars(get)?;
    let sdk = aws::sdk_config(Credentials::Person).await;
    let stores = gather::Stores::new(&sdk, &config);
    let told = Told {
        event: EventType::LedgerRebuild,
        action: "ledger.rebuild",
        description: "An operator makes the rows for SQL again from the ledger.",
        resource: "ledger:rows".to_owned(),
        subject: None,
        metadata: Metadata::default(),
    };
    let bench = Bench::open(get, &wanted.tenant).await?;
    let came = |metadata: Metadata, rows: &u64| metadata.count("rows", *rows);
    let rows = bench.recorded(told, stores.rebuild(&wanted.tenant), came).await?;
    print::line(&format!("{rows} rows were made again from the ledger"))
}

/// Settled calls by tenant and day.
async fn admitted(
    dynamo: &Dynamo,
    tenants: &[TenantId],
) -> Result<BTreeMap<TenantId, BTreeMap<String, u64>>, Box<dyn Error>> {
    let mut all = BTreeMap::new();
    for tenant in tenants {
        let mut days = BTreeMap::new();
        for shard in 0..domain::SHARDS {
            // Shards are numbered without a gap.
            let Some(row) = dynamo.get(&Key::budget(tenant, shard)).await? else { break };
            for (day, count) in tables::gates::admitted(&row)? {
                *days.entry(day).or_default() += count;
            }
        }
        all.insert(tenant.clone(), days);
    }
    Ok(all)
}

/// The gateway keys that the records name, as they are now: whose, of what kind, until when. Never a hash.
async fn keys(dynamo: &Dynamo, gathered: &Gathered) -> Result<Vec<serde_json::Value>, Box<dyn Error>> {
    use tables::codec::Row as _;
    let mut found = Vec::new();
    for id in &gathered.told.key_ids {
        let Some(item) = dynamo.get(&Key::gateway_key(id)).await? else { continue };
        let row = domain::KeyRow::from_item(&item)?;
        let owner = match &row.owner {
            domain::Owner::User { id, .. } => Some(id.to_string()),
            domain::Owner::Tenant => None,
        };
        found.push(serde_json::json!({
            "key_id": row.id, "kind": row.kind.to_string(), "tenant_id": row.tenant, "agent_id": row.agent,
            "owner": owner, "actions": row.scopes.actions, "expires_at": row.expires_at, "revoked_at": row.revoked_at,
        }));
    }
    Ok(found)
}
