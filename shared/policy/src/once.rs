//! What documents say, each read once: what is written anew is another text, so nothing gets old.

use std::sync::{Arc, Mutex, PoisonError};

/// An instance serves few tenants at a time; beyond this many it starts anew.
const MOST: usize = 64;

/// What texts say, by the texts.
pub struct Once<T>(Mutex<Vec<(String, Arc<T>)>>);

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Once<T> {
    /// What this text says.
    ///
    /// # Errors
    /// Those of `parse`, each time.
    pub fn get<E>(&self, text: &str, parse: impl FnOnce(&str) -> Result<T, E>) -> Result<Arc<T>, E> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, read)) = known.iter().find(|(one, _)| one == text) {
            return Ok(Arc::clone(read));
        }
        let read = Arc::new(parse(text)?);
        if known.len() >= MOST {
            known.clear();
        }
        known.push((text.to_owned(), Arc::clone(&read)));
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_texts_do_not_grow_without_end() {
        let once = Once::default();
        for at in 0..200 {
            once.get(&at.to_string(), |text| Ok::<_, ()>(text.to_owned())).unwrap();
        }
        assert!(once.0.lock().unwrap().len() <= MOST);
    }
}
