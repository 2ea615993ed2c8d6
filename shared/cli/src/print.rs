//! What people and scripts see.

use std::error::Error;
use std::io::Write as _;

use serde::Serialize;

/// JSON on standard output.
pub fn json(value: &impl Serialize) -> Result<(), Box<dyn Error>> {
    let text = serde_json::to_string_pretty(value)?;
    Ok(writeln!(std::io::stdout(), "{text}")?)
}

/// An error on standard error. If even that cannot be written, the exit code still says it.
pub fn error(text: &str) {
    let _ = writeln!(std::io::stderr(), "countersign: {text}");
}

/// How far a long work has come, on standard error.
pub fn progress(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// A table: columns as wide as their widest cell, headings first.
pub fn table(rows: &[Vec<String>]) -> Result<(), Box<dyn Error>> {
    let widths = rows.iter().fold(Vec::new(), |mut widths: Vec<usize>, row| {
        widths.resize(widths.len().max(row.len()), 0);
        widths.iter_mut().zip(row).for_each(|(width, cell)| *width = (*width).max(cell.chars().count()));
        widths
    });
    let mut out = std::io::stdout();
    for row in rows {
        let cells: Vec<_> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        writeln!(out, "{}", cells.join("  ").trim_end())?;
    }
    Ok(())
}

/// A line on standard output.
pub fn line(text: &str) -> Result<(), Box<dyn Error>> {
    Ok(writeln!(std::io::stdout(), "{text}")?)
}

/// A text on standard output, as it is.
pub fn text(text: &str) -> Result<(), Box<dyn Error>> {
    Ok(write!(std::io::stdout(), "{text}")?)
}
