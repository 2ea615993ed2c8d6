//! An export as a folder:
//!
//! ```text
//! manifest.json    what it is of, and the hash of every file
//! versions.jsonl   the bucket's list: every version of every object, and until when it is locked
//! locked/…         the objects, under their names
//! rows/…           rows for SQL, one file per tenant
//! shown.json       what shows a tenant's head in the region log; absent when the whole region is here
//! admitted.json    settled calls by tenant and day, from the gates
//! keys.json        the gateway keys that the records name, as they were at the export
//! trust.txt        keys and limits, for convenience: an auditor has their own
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::path::{Component, Path, PathBuf};

use domain::TenantId;
use ledger::Hash;
use ledger::verify::{RegionEvidence, Version};

use crate::manifest::MANIFEST_VERSION;
use crate::{Manifest, Period};

/// An export on disk.
#[derive(Debug)]
pub struct Folder {
    home: PathBuf,
    pub manifest: Manifest,
    /// Of the manifest itself: to be noted down.
    pub fingerprint: Hash,
}

/// A folder that cannot be read as an export.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    #[error("{path} cannot be read ({error}): is this the folder that `countersign export` made?")]
    Unreadable { path: String, error: std::io::Error },
    #[error("{path} has another form than an export's; make the export anew")]
    Form { path: String },
}

fn unreadable(path: &Path, error: std::io::Error) -> FolderError {
    FolderError::Unreadable { path: path.display().to_string(), error }
}

pub(crate) fn text(path: &Path) -> Result<String, FolderError> {
    std::fs::read_to_string(path).map_err(|error| unreadable(path, error))
}

impl Folder {
    /// # Errors
    /// No manifest that can be read.
    pub fn open(home: &Path) -> Result<Self, FolderError> {
        let path = home.join("manifest.json");
        let text = text(&path)?;
        let manifest: Option<Manifest> = serde_json::from_str(&text).ok();
        let manifest = manifest.filter(|manifest| manifest.v == MANIFEST_VERSION);
        let manifest = manifest.ok_or(FolderError::Form { path: path.display().to_string() })?;
        Ok(Self { home: home.to_owned(), manifest, fingerprint: Hash::of(text.as_bytes()) })
    }

    pub(crate) fn versions(&self) -> Result<Vec<Version>, FolderError> {
        let path = self.home.join("versions.jsonl");
        let form = |_| FolderError::Form { path: path.display().to_string() };
        text(&path)?.lines().map(|line| serde_json::from_str(line).map_err(form)).collect()
    }

    pub(crate) fn locked(&self, name: &str) -> Option<Vec<u8>> {
        let path = self.home.join("locked").join(name);
        let file = std::fs::symlink_metadata(&path).is_ok_and(|found| found.is_file());
        if file { std::fs::read(path).ok() } else { None }
    }

    /// Line by line: a tenant's rows may be gigabytes. What is no text is a line that no record has.
    pub(crate) fn rows(&self, tenant: &TenantId, take: &mut dyn FnMut(&str)) {
        let Ok(file) = std::fs::File::open(self.home.join(format!("rows/{tenant}.jsonl"))) else { return };
        for line in BufReader::new(file).lines() {
            match line {
                Ok(line) => take(&line),
                Err(_) => return take("not text"),
            }
        }
    }

    pub(crate) fn region(&self) -> Result<RegionEvidence, FolderError> {
        if self.manifest.tenant.is_none() {
            return Ok(RegionEvidence::Whole);
        }
        self.json("shown.json").map(|shown| RegionEvidence::Shown(Box::new(shown)))
    }

    pub(crate) fn admitted(&self) -> Result<BTreeMap<TenantId, BTreeMap<String, u64>>, FolderError> {
        self.json("admitted.json")
    }

    fn json<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<T, FolderError> {
        let path = self.home.join(name);
        serde_json::from_str(&text(&path)?)
            .map_err(|_| FolderError::Form { path: path.display().to_string() })
    }

    /// Files that are missing, changed, or not in the manifest.
    pub(crate) fn unlike_manifest(&self) -> Vec<(String, &'static str)> {
        let mut found = Vec::new();
        let there = files_below(&self.home, &self.home);
        for (name, hash) in &self.manifest.files {
            match hash_of(&self.home, name) {
                None => found.push((name.clone(), "is missing")),
                Some(there) if there != *hash => found.push((name.clone(), "was changed")),
                Some(_) => {}
            }
        }
        let strange =
            there.iter().filter(|name| *name != "manifest.json" && !self.manifest.files.contains_key(*name));
        found.extend(strange.map(|name| (name.clone(), "is not in the manifest")));
        found
    }

    /// Writes a manifest over everything that lies in `home`.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn seal(home: &Path, mut manifest: Manifest) -> Result<Self, FolderError> {
        for name in files_below(home, home) {
            let hash = hash_of(home, &name).ok_or(FolderError::Form { path: name.clone() })?;
            manifest.files.insert(name, hash);
        }
        let path = home.join("manifest.json");
        let text = serde_json::to_string_pretty(&manifest).unwrap_or_default() + "\n";
        std::fs::write(&path, &text).map_err(|error| unreadable(&path, error))?;
        Self::open(home)
    }
}

/// A regular file's hash, read in parts; `None` for whatever is none, or lies elsewhere. An export may be hostile.
fn hash_of(home: &Path, name: &str) -> Option<Hash> {
    let name = Path::new(name);
    if !name.components().all(|part| matches!(part, Component::Normal(_))) {
        return None;
    }
    let path = home.join(name);
    let inside = path
        .ancestors()
        .take_while(|part| *part != home)
        .all(|part| std::fs::symlink_metadata(part).is_ok_and(|found| !found.is_symlink()));
    if !inside || !std::fs::symlink_metadata(&path).is_ok_and(|found| found.is_file()) {
        return None;
    }
    Hash::of_reader(&mut std::fs::File::open(path).ok()?).ok()
}

/// Regular files, and anything else by its name: it is in no manifest. Links are not followed.
fn files_below(folder: &Path, home: &Path) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if std::fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir()) {
            files.extend(files_below(&path, home));
        } else if let Ok(name) = path.strip_prefix(home) {
            files.insert(name.to_string_lossy().into_owned());
        }
    }
    files
}

impl Manifest {
    /// Whether a time lies in the period; every time does when there is none.
    pub fn covers(period: Option<Period>, at: domain::Timestamp) -> bool {
        period.is_none_or(|period| period.from <= at && at <= period.to)
    }
}
