//! Gates by their names, each document read once.

use std::fmt;
use std::sync::Arc;

use super::{GateUnreadable, GatedTools};
use crate::once::Once;

/// Reads documents, each once. Its `Debug` shows nothing of them.
#[derive(Default)]
pub struct GateNames(Once<GatedTools>);

impl GateNames {
    /// The names in this document.
    ///
    /// # Errors
    /// It does not read: every tool could be stopped by what it would have said.
    pub fn get(&self, text: &str) -> Result<Arc<GatedTools>, GateUnreadable> {
        self.0.get(text, GatedTools::parse)
    }
}

impl fmt::Debug for GateNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GateNames(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_is_read_once_and_another_anew() {
        let names = GateNames::default();
        let first = names.get(r#"{"v":1}"#).unwrap();
        assert!(Arc::ptr_eq(&first, &names.get(r#"{"v":1}"#).unwrap()));
        assert!(!Arc::ptr_eq(&first, &names.get(r#"{"v":1} "#).unwrap()));
        for _ in 0..2 {
            assert_eq!(names.get("{}"), Err(GateUnreadable));
        }
    }
}
