//! Compiled gates, each document once.

use std::fmt;
use std::sync::Arc;

use super::{Faults, Gate};
use crate::once::Once;

/// Compiles gates, each once. Its `Debug` shows nothing of them.
#[derive(Default)]
pub struct Gates(Once<Gate>);

impl Gates {
    /// The gate of this document.
    ///
    /// # Errors
    /// The document does not read: the action must be refused.
    pub fn get(&self, text: &str) -> Result<Arc<Gate>, Faults> {
        self.0.get(text, Gate::parse)
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
}
