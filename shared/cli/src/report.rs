//! `countersign report`: how well the detectors do, measured on files of whoever asks.
//!
//! Precision and recall per type on labelled text, false positives per MB on text in which nothing is to be found. Counts
//! and names of types are printed, never a value.

mod clean;
mod labelled;
mod show;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::{Duration, Instant};

use redact::{Document, Policy, PolicyError};

use crate::args;
use crate::print;

/// Every type there is; without a policy file, what the detectors can do is measured and not what one policy wants.
const EVERYTHING: &str = r#""types":{"*":{"action":"redact","direction":"both"}}"#;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error("{file} does not read: {source}")]
    File { file: String, source: std::io::Error },
    #[error(
        "{file} is no labelled file: {source}. It is a JSON array of {{full_text, spans: [{{entity_type, \
         start_position, end_position}}]}}, positions in characters"
    )]
    Format { file: String, source: serde_json::Error },
    #[error("{file}, text {sample}: the span of {kind} at {start} is not inside the text")]
    Span { file: String, sample: usize, kind: String, start: usize },
    #[error("the policy is refused:\n{0}")]
    Refused(#[from] PolicyError),
    #[error("{0} has no text files")]
    Empty(String),
}

pub fn run(wanted: &args::Report) -> Result<(), Box<dyn std::error::Error>> {
    let policy = policy(wanted)?;
    let labelled = wanted.labelled.as_deref().map(|file| labelled::measure(&policy, file)).transpose()?;
    let clean = wanted.clean.as_deref().map(|directory| clean::measure(&policy, directory)).transpose()?;
    if wanted.json {
        return print::json(&show::Json { labelled: labelled.as_ref(), clean: clean.as_ref() });
    }
    labelled.as_ref().map_or(Ok(()), show::labelled)?;
    clean.as_ref().map_or(Ok(()), show::clean)
}

fn policy(wanted: &args::Report) -> Result<Policy, ReportError> {
    let text = match wanted.policy.as_deref() {
        Some(file) => read(file)?,
        None => {
            let countries = wanted.country.iter().map(|country| format!("\"{country}\"")).collect::<Vec<_>>();
            format!(r#"{{"v":1,"countries":[{}],{EVERYTHING}}}"#, countries.join(","))
        }
    };
    let document = Document::parse(&text)?;
    Ok(Policy::compile(None, Some(&document), None)?)
}

fn read(file: &Path) -> Result<String, ReportError> {
    std::fs::read_to_string(file)
        .map_err(|source| ReportError::File { file: file.display().to_string(), source })
}

/// Says on standard error how far the work has come, once it takes longer than anybody waits without a word.
struct Progress {
    what: &'static str,
    said: Instant,
}

impl Progress {
    const EVERY: Duration = Duration::from_secs(2);

    fn new(what: &'static str) -> Self {
        Self { what, said: Instant::now() }
    }

    fn at(&mut self, done: usize, all: usize) {
        if self.said.elapsed() >= Self::EVERY {
            self.said = Instant::now();
            print::progress(&format!("{done} of {all} {}", self.what));
        }
    }
}
