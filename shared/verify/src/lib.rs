//! `countersign verify`: an export, verified offline. No network, no AWS: a static binary of this crate alone can be handed
//! to whoever audits.
//!
//! # In scope
//! The folder that an export is ([`Folder`]), its manifest, and what people and scripts see of a verification.
//!
//! # Out of scope
//! - What is checked: `ledger::verify`.
//! - Making an export: `cli`.

mod folder;
mod manifest;
mod show;

pub use folder::{Folder, FolderError};
pub use manifest::{Manifest, Period};

use std::path::PathBuf;

use domain::Timestamp;
use ledger::verify::{Class, Evidence, Report, Trust};

/// What to verify, and against what.
#[derive(Debug, clap::Args)]
pub struct Verify {
    /// The folder that `countersign export` made
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,

    /// Whom you trust: keys and limits, as `countersign trust` prints them; got otherwise than with the export
    #[arg(long, value_name = "FILE")]
    pub trust: Option<PathBuf>,

    /// A checkpoint that you have kept: history must still be the one that it is over
    #[arg(long, value_name = "FILE")]
    pub pinned: Option<PathBuf>,

    /// When the export was taken, such as 2026-11-23T10:42:10.120Z; else the export's own word is taken for it
    #[arg(long, value_name = "TIME")]
    pub as_of: Option<Timestamp>,

    /// JSON instead of tables
    #[arg(long)]
    pub json: bool,
}

/// Verifies and shows; the exit code.
///
/// # Errors
/// The export, the trust file or the checkpoint cannot be read at all.
pub fn run(wanted: &Verify) -> Result<u8, Box<dyn std::error::Error>> {
    let folder = Folder::open(&wanted.folder)?;
    let own = wanted.trust.is_none();
    let trust_file = wanted.trust.clone().unwrap_or_else(|| wanted.folder.join("trust.txt"));
    let trust = Trust::parse(&folder::text(&trust_file)?)?;
    let pinned = wanted.pinned.as_ref().map(|file| folder::text(file)).transpose()?;
    let as_of = wanted.as_of.unwrap_or(folder.manifest.exported_at);
    let report = verify(&folder, &trust, pinned, as_of, &mut show::progress())?;
    show::report(&folder, &report, own, wanted)?;
    Ok(report.exit_code())
}

/// Verifies a folder.
///
/// # Errors
/// A file of it that must be read has another form.
pub fn verify(
    folder: &Folder,
    trust: &Trust,
    pinned: Option<String>,
    as_of: Timestamp,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Report, FolderError> {
    let versions = folder.versions()?;
    let read = |name: &str| folder.locked(name);
    let rows = |tenant: &domain::TenantId, take: &mut dyn FnMut(&str)| folder.rows(tenant, take);
    let evidence = Evidence {
        versions: &versions,
        read: &read,
        region: folder.region()?,
        tenant: folder.manifest.tenant.clone(),
        rows: Some(&rows),
        admitted: folder.admitted()?,
        pinned,
        as_of,
    };
    let mut report = ledger::verify::verify(&evidence, trust, progress);
    for (file, says) in folder.unlike_manifest() {
        report.add(Class::Manifest, file, says);
    }
    report.findings.sort();
    Ok(report)
}
