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
