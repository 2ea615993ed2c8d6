//! False positives on text in which nothing is to be found.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use redact::{Direction, Policy};

use super::{Progress, ReportError};

#[derive(Debug, Default)]
pub(super) struct Clean {
    pub(super) files: usize,
    /// Files that are no UTF-8 text.
    pub(super) skipped: usize,
    pub(super) bytes: usize,
    /// Findings by detector.
    pub(super) by: BTreeMap<String, usize>,
}

impl Clean {
    pub(super) fn findings(&self) -> usize {
        self.by.values().sum()
    }

    #[expect(clippy::cast_precision_loss, reason = "counts and bytes stay far below 2^52")]
    pub(super) fn per_mb(&self, findings: usize) -> f64 {
        findings as f64 / (self.bytes as f64 / 1e6)
    }

    fn add(&mut self, policy: &Policy, text: &str) {
        self.files += 1;
        self.bytes += text.len();
        for hit in policy.detect(text, None, Direction::Request) {
            *self.by.entry(policy.id(hit.kind).to_owned()).or_default() += 1;
        }
    }
}

pub(super) fn measure(policy: &Policy, directory: &Path) -> Result<Clean, ReportError> {
    let mut files = Vec::new();
    gather(directory, &mut files)?;
    files.sort();
    let mut clean = Clean::default();
    let mut progress = Progress::new("clean files");
    for (at, file) in files.iter().enumerate() {
        let bytes = std::fs::read(file).map_err(|source| fault(file, source))?;
        match String::from_utf8(bytes) {
            Ok(text) => clean.add(policy, &text),
            Err(_) => clean.skipped += 1,
        }
        progress.at(at, files.len());
    }
    if clean.bytes == 0 { Err(ReportError::Empty(directory.display().to_string())) } else { Ok(clean) }
}

/// Every file below the directory. Links are not followed, so there is no way round in a circle.
fn gather(directory: &Path, files: &mut Vec<PathBuf>) -> Result<(), ReportError> {
    for entry in std::fs::read_dir(directory).map_err(|source| fault(directory, source))? {
        let entry = entry.map_err(|source| fault(directory, source))?;
        let kind = entry.file_type().map_err(|source| fault(&entry.path(), source))?;
        if kind.is_dir() {
            gather(&entry.path(), files)?;
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}

fn fault(path: &Path, source: std::io::Error) -> ReportError {
    ReportError::File { file: path.display().to_string(), source }
}
