//! Gates by their names, each document read once.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::{GateUnreadable, GatedTools};

/// How many are kept.
const MOST: usize = 64;

/// Reads documents, each once. Its `Debug` shows nothing of them.
#[derive(Default)]
pub struct GateNames(Mutex<Vec<(String, Arc<GatedTools>)>>);

impl GateNames {
    /// The names in this document.
    ///
    /// # Errors
    /// It does not read: every tool could be stopped by what it would have said.
    pub fn get(&self, text: &str) -> Result<Arc<GatedTools>, GateUnreadable> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, names)) = known.iter().find(|(one, _)| one == text) {
            return Ok(Arc::clone(names));
        }
        let names = Arc::new(GatedTools::parse(text)?);
        if known.len() >= MOST {
            known.clear();
        }
        known.push((text.to_owned(), Arc::clone(&names)));
        Ok(names)
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

    #[test]
    fn many_texts_do_not_grow_without_end() {
        let names = GateNames::default();
        for at in 0..200 {
            names.get(&format!("{}{{\"v\":1}}", " ".repeat(at))).unwrap();
        }
        assert!(names.0.lock().unwrap().len() <= MOST);
    }
}
