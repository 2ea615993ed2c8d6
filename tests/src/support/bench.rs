//! Figures that a test counts, kept beside those that `make bench` measures.

use std::path::PathBuf;

use serde_json::{Map, Value};

use super::stack;

/// Puts `figures` into `target/bench/<file>.json`, and leaves the others there.
pub fn keep(file: &str, figures: &[(&str, u64)]) {
    let folder: PathBuf = stack().built("bench");
    std::fs::create_dir_all(&folder).expect("target can be written");
    let path = folder.join(format!("{file}.json"));
    let kept = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let mut kept: Map<String, Value> = kept.unwrap_or_default();
    kept.extend(figures.iter().map(|(name, figure)| ((*name).to_owned(), Value::from(*figure))));
    let text = serde_json::to_string_pretty(&kept).expect("figures are JSON");
    std::fs::write(path, text + "\n").expect("target can be written");
}
