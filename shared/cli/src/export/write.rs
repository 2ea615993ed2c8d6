//! Writes an export as a folder, and its manifest last.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use domain::TenantId;
use ledger::timeline::{self, Question};
use ledger::verify::Trust;
use serde::Serialize;
use verify::{Folder, Manifest, Period};

use super::Config;
use super::gather::Gathered;
use crate::args;

type Days = BTreeMap<TenantId, BTreeMap<String, u64>>;

pub fn folder(
    wanted: &args::Export,
    config: &Config,
    trust: &Trust,
    gathered: &Gathered,
    admitted: &Days,
    keys: &[serde_json::Value],
) -> Result<Folder, Box<dyn Error>> {
    let home = &wanted.out;
    for (name, bytes) in &gathered.objects {
        put(&home.join("locked").join(name), bytes)?;
    }
    put(&home.join("versions.jsonl"), lines(&gathered.versions)?.as_bytes())?;
    for (tenant, rows) in &gathered.rows {
        let text: String = rows.iter().flat_map(|row| [row, "\n"]).collect();
        put(&home.join(format!("rows/{tenant}.jsonl")), text.as_bytes())?;
    }
    if let Some(shown) = &gathered.shown {
        put(&home.join("shown.json"), serde_json::to_string(shown)?.as_bytes())?;
    }
    put(&home.join("admitted.json"), serde_json::to_string_pretty(admitted)?.as_bytes())?;
    put(&home.join("keys.json"), serde_json::to_string_pretty(keys)?.as_bytes())?;
    put(&home.join("trust.txt"), trust.to_string().as_bytes())?;
    Ok(Folder::seal(home, manifest(wanted, config, gathered, admitted))?)
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(fs::write(path, bytes)?)
}

fn lines(values: &[impl Serialize]) -> Result<String, serde_json::Error> {
    values.iter().map(|value| Ok(serde_json::to_string(value)? + "\n")).collect()
}

fn manifest(wanted: &args::Export, config: &Config, gathered: &Gathered, admitted: &Days) -> Manifest {
    let (period, told) = (wanted.period(), &gathered.told);
    Manifest {
        v: 1,
        region: config.region,
        tenant: wanted.tenant.clone(),
        exported_at: aws::now(),
        period,
        query: wanted.tenant.as_ref().and_then(|tenant| query(config, tenant, period)),
        records: told.records,
        records_in_period: told.in_period,
        outcomes: told.outcomes,
        settled: admitted.values().flat_map(BTreeMap::values).sum(),
        producers: u64::try_from(told.numbered.len()).unwrap_or(u64::MAX),
        numbered: told.numbered.values().sum(),
        files: BTreeMap::new(),
    }
}

/// The first page's question about the tenant's rows of the period, as it is asked of Athena.
fn query(config: &Config, tenant: &TenantId, period: Option<Period>) -> Option<String> {
    let period = period?;
    let question = Question {
        agent: None,
        from: period.from,
        to: period.to,
        event_types: Vec::new(),
        decision: None,
        actor: None,
        action: None,
        attempted: None,
        limit: timeline::MAX_ROWS,
        after: None,
    };
    timeline::sql(config.region, tenant, &question).ok()
}
