//! What people and scripts see of a verification.

use std::io::{IsTerminal as _, Write as _};

use ledger::verify::{Finding, Report};
use serde_json::json;

use crate::{Folder, Verify};

/// A line on standard error that tells how far it is: rewritten on a terminal, every tenth elsewhere.
pub(crate) fn progress() -> impl FnMut(u64, u64) {
    let (terminal, mut told) = (std::io::stderr().is_terminal(), 0);
    move |done, all| {
        let percent = done.saturating_mul(100).checked_div(all).unwrap_or(100);
        let step = if terminal { 1 } else { 10 };
        // A small export is done before anybody looks.
        if all >= 10_000 && percent >= told + step {
            told = percent;
            let end = if terminal { "\r" } else { "\n" };
            let _ = write!(std::io::stderr(), "verified {done} of {all} leaves, {percent} %{end}");
        }
    }
}

pub(crate) fn report(
    folder: &Folder,
    report: &Report,
    own_keys: bool,
    wanted: &Verify,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::stdout();
    if wanted.json {
        let code = report.exit_code();
        let told = json!({
            "holds": code == 0, "exit_code": code, "report": report, "manifest_sha256": folder.fingerprint,
            "keys_of_the_export": own_keys, "time_of_the_export": wanted.as_of.is_none(),
            "pinned": wanted.pinned.is_some(),
        });
        return Ok(writeln!(out, "{}", serde_json::to_string_pretty(&told)?)?);
    }
    for line in summary(folder, report) {
        writeln!(out, "{line}")?;
    }
    for line in findings(&report.findings) {
        writeln!(out, "{line}")?;
    }
    if report.untold > 0 {
        writeln!(out, "… and {} more of the same kinds", report.untold)?;
    }
    for line in caveats(own_keys, folder.manifest.tenant.is_some(), wanted) {
        writeln!(out, "note: {line}")?;
    }
    let verdict = report.first().map_or("HOLDS".to_owned(), |class| {
        format!("DOES NOT HOLD: {} (exit code {})", class.meaning(), class.code())
    });
    Ok(writeln!(out, "\n{verdict}")?)
}

fn summary(folder: &Folder, report: &Report) -> Vec<String> {
    let manifest = &folder.manifest;
    let of = manifest.tenant.as_ref().map_or("every tenant".to_owned(), ToString::to_string);
    let newest = report.checkpoint.as_ref().and_then(|note| note.lines().nth(1)).unwrap_or("none");
    let rows = [
        ("export", format!("{of}, {}, taken {}", manifest.region, manifest.exported_at)),
        ("manifest", folder.fingerprint.to_string()),
        ("objects", report.objects.to_string()),
        ("tenants", report.tenants.to_string()),
        ("bundles", report.bundles.to_string()),
        ("records", format!("{}, of {} producers", report.records, report.producers)),
        ("intervals", format!("{}, newest checkpoint {newest}", report.intervals)),
        ("rows for SQL", report.rows.to_string()),
        ("calls", format!("{} outcomes, {} settled by the gates", manifest.outcomes, manifest.settled)),
        ("in flight", report.in_flight.to_string()),
    ];
    rows.into_iter().map(|(name, value)| format!("{name:<13} {value}")).collect()
}

fn findings(findings: &[Finding]) -> Vec<String> {
    if findings.is_empty() {
        return Vec::new();
    }
    let width = findings.iter().map(|one| one.class.as_str().len()).max().unwrap_or_default();
    let place = findings.iter().map(|one| one.place.len()).max().unwrap_or_default().min(60);
    let heading = format!("\ncode  {:<width$}  {:<place$}  finding", "class", "place");
    let row = |one: &Finding| {
        let (code, class) = (one.class.code(), one.class.as_str());
        // Names come from the export: a terminal must not obey them.
        let (at, says) = (printable(&one.place), printable(&one.says));
        format!("{code:<4}  {class:<width$}  {at:<place$}  {says}")
    };
    std::iter::once(heading).chain(findings.iter().map(row)).collect()
}

fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// What this verification rests on that the export itself said.
fn caveats(own_keys: bool, one_tenant: bool, wanted: &Verify) -> Vec<&'static str> {
    let mut notes = Vec::new();
    if own_keys {
        notes.push("keys and limits are the export's own; for an audit give those you got from elsewhere: --trust FILE");
    }
    if wanted.pinned.is_some() && one_tenant {
        notes.push("of one tenant's log a pinned checkpoint shows that the region's history is one; that this log only \
                    grew, an export of the whole region shows");
    }
    if wanted.pinned.is_none() {
        notes.push("without --pinned FILE an older state of everything cannot be told from the newest");
    }
    if wanted.as_of.is_none() {
        notes.push("when it was taken is the export's own word; say it yourself with --as-of TIME");
    }
    notes
}
