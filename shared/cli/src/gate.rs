//! `countersign ops gate`: which actions of a tenant's agents need whom, shown, checked and written.
//!
//! For when nobody of the tenant can: no second person is asked. A document is checked by the code that will read it, recorded
//! before it takes effect, and written over the version that was read.

use std::error::Error;
use std::path::Path;

use domain::{Code, EventType, GateRow, MetaValue, Metadata};
use policy::gate::{Faults, Gate, weaker};
use tables::codec::Row as _;
use tables::{Key, PolicyStore as _, WritePolicy};

use crate::args;
use crate::dlp::{DlpError, put};
use crate::keys::KeysError;
use crate::ops::{Bench, Told};
use crate::print;

type Get<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);
type Shown = Result<(), Box<dyn Error>>;

/// Why a gate was not shown or written.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    #[error("{file} is refused:\n{faults}")]
    Refused { file: String, faults: Faults },
    #[error("there is no gate document yet: every action is refused")]
    Nothing,
    #[error("say which --tenant")]
    NoTenant,
}

pub async fn run(get: Get<'_>, wanted: args::Gate) -> Shown {
    // A document with faults is refused before anybody is asked anything.
    let file = wanted.file.as_deref().map(read).transpose()?;
    if wanted.check {
        return print::line("the document is one");
    }
    let bench = Bench::open(get, wanted.tenant.as_ref().ok_or(GateError::NoTenant)?).await?;
    let stored = stored(&bench).await?;
    match file {
        None => show(&stored.ok_or(GateError::Nothing)?),
        Some((text, gate)) => write(&bench, stored.as_ref(), (text, &gate), wanted.previous).await,
    }
}

async fn stored(bench: &Bench) -> Result<Option<GateRow>, DlpError> {
    let item = bench.store.read_policy(&Key::gate(&bench.ring.tenant)).await?;
    let row = item.map(|item| GateRow::from_item(&item)).transpose();
    Ok(row.map_err(|_| KeysError::Unreadable)?)
}

/// A file's text, and the gate that it is.
fn read(file: &Path) -> Result<(String, Gate), Box<dyn Error>> {
    let name = file.display().to_string();
    let text =
        std::fs::read_to_string(file).map_err(|source| DlpError::File { file: name.clone(), source })?;
    let text = text.trim().to_owned();
    let gate = Gate::parse(&text).map_err(|faults| GateError::Refused { file: name, faults })?;
    Ok((text, gate))
}

/// Version and digest, then the document, which names no person but by id.
fn show(row: &GateRow) -> Shown {
    let digest = ledger::Hash::of(row.document.as_bytes());
    print::line(&format!("version {}, SHA-256 {digest}", row.version))?;
    if let Err(faults) = Gate::parse(&row.document) {
        print::error(&format!("warning: it does not read, so every action is refused:\n{faults}"));
    }
    print::line(&row.document)
}

async fn write(
    bench: &Bench,
    stored: Option<&GateRow>,
    (text, gate): (String, &Gate),
    previous: Option<u64>,
) -> Shown {
    let from = stored.map_or(0, |row| row.version);
    if let Some(previous) = previous.filter(|previous| *previous != from) {
        return Err(DlpError::NotPrevious { found: from, previous }.into());
    }
    let old = stored.and_then(|row| Gate::parse(&row.document).ok());
    let weaker = weaker(old.as_ref(), gate);
    let told = told(&text, from.saturating_add(1), weaker);
    // Rows of gates and of policies have one form: a version and a text.
    let write = WritePolicy::over(Key::gate(&bench.ring.tenant), from, text);
    bench.recorded(told, put(&bench.store, &write), |metadata, ()| metadata).await?;
    print::line(&format!("version {} of the gate is written", write.row.version))?;
    if weaker {
        print::line(&format!("weaker than version {from}: it may let through more, or hold it for fewer"))?;
    }
    Ok(())
}

fn told(text: &str, version: u64, weaker: bool) -> Told {
    let mut metadata = Metadata::default().count("version", version).flag("weaker", weaker);
    if let Ok(digest) = ledger::Hash::of(text.as_bytes()).to_string().parse::<Code>() {
        metadata = metadata.with("sha256", MetaValue::Code(digest));
    }
    Told {
        event: EventType::AdminGate,
        action: "ops.gate",
        description: "An operator writes which actions of a tenant's agents need whom.",
        resource: "gate:tenant".to_owned(),
        subject: None,
        metadata,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::TenantId;
    use std::collections::BTreeMap;
    use tables::Attr;

    /// What is written as a policy reads as a gate.
    #[test]
    fn a_gate_s_row_is_of_the_form_of_a_policy_s() {
        let write = WritePolicy::over(Key::gate(&TenantId::from_random([2; 10])), 4, "{\"v\":1}".to_owned());
        let row = GateRow { version: 5, document: "{\"v\":1}".to_owned() };
        assert_eq!(GateRow::from_item(&write.row.to_item()).unwrap(), row);
        let update = write.to_update();
        let values: BTreeMap<_, _> = update.values.into_iter().collect();
        assert_eq!(values[":document"], Attr::text("{\"v\":1}"));
        assert_eq!(update.key.sk, "GATE");
    }

    #[test]
    fn records_hold_a_digest_and_nothing_of_the_document() {
        let told = told("{\"planted\": 1}", 3, true);
        let text = format!("{:?}", told.metadata);
        assert!(text.contains("sha256") && text.contains("weaker") && !text.contains("planted"), "{text}");
    }
}
