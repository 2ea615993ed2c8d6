//! How a program on loopback says where it listens.

use std::path::Path;

/// Written beside and renamed, so that a waiting reader sees either nothing or the whole number.
///
/// # Errors
/// The file cannot be written.
pub fn write(path: &Path, port: u16) -> std::io::Result<()> {
    let partial = path.with_extension("partial");
    std::fs::write(&partial, format!("{port}\n"))?;
    std::fs::rename(partial, path)
}
