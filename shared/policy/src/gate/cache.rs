//! Compiled gates by the digest of their documents: what is written anew is another text, so nothing gets old.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::{Faults, Gate};

/// An instance serves few tenants at a time; beyond this many it starts anew.
const MOST: usize = 64;

/// Compiles gates, each once. Its `Debug` shows nothing of them.
#[derive(Default)]
pub struct Gates(Mutex<Vec<([u8; 32], Arc<Gate>)>>);

impl Gates {
    /// The gate of this document.
    ///
    /// # Errors
    /// The document does not read: the action must be refused.
    pub fn get(&self, text: &str) -> Result<Arc<Gate>, Faults> {
        let digest: [u8; 32] = Sha256::digest(text).into();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, gate)) = known.iter().find(|(one, _)| *one == digest) {
            return Ok(Arc::clone(gate));
        }
        let gate = Arc::new(Gate::parse(text)?);
        if known.len() >= MOST {
            known.clear();
        }
        known.push((digest, Arc::clone(&gate)));
        Ok(gate)
    }
}

impl fmt::Debug for Gates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gates(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_is_compiled_once_and_another_anew() {
        let gates = Gates::default();
        let first = gates.get(r#"{"v":1}"#).unwrap();
        assert!(Arc::ptr_eq(&first, &gates.get(r#"{"v":1}"#).unwrap()));
        assert!(!Arc::ptr_eq(&first, &gates.get(r#"{"v":1} "#).unwrap()));
        for _ in 0..2 {
            assert!(gates.get("{}").is_err());
        }
    }

    #[test]
    fn many_texts_do_not_grow_without_end() {
        let gates = Gates::default();
        for at in 0..200 {
            gates.get(&format!("{}{{\"v\":1}}", " ".repeat(at))).unwrap();
        }
        assert!(gates.0.lock().unwrap().len() <= MOST);
    }
}
