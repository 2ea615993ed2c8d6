//! Compiled policies by the very text of their documents: what is written anew is another text, so nothing gets old.

use core::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Document, Policy, PolicyError};

/// An instance serves few tenants at a time; beyond this many it starts anew.
const MOST: usize = 64;

/// Documents of a call, as they are stored: the organization's floor, the tenant's, the agent's.
pub type Texts<'a> = [Option<&'a str>; 3];

/// The texts that a policy was compiled from, and whether answers are searched.
struct Written {
    texts: [Option<String>; 3],
    answers: bool,
}

impl Written {
    fn is(&self, texts: Texts<'_>, answers: bool) -> bool {
        self.answers == answers && self.texts.iter().map(Option::as_deref).eq(texts)
    }
}

/// Compiles policies, each once. Its `Debug` shows nothing of them.
#[derive(Default)]
pub struct Policies(Mutex<Vec<(Written, Arc<Policy>)>>);

impl Policies {
    /// The policy of these documents; with `answers`, whatever is looked for is looked for in answers too.
    ///
    /// # Errors
    /// A document does not read: the call must be refused.
    pub fn get(&self, texts: Texts<'_>, answers: bool) -> Result<Arc<Policy>, PolicyError> {
        if texts.iter().all(Option::is_none) && !answers {
            return Ok(Policy::standard());
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, policy)) = known.iter().find(|(written, _)| written.is(texts, answers)) {
            return Ok(Arc::clone(policy));
        }
        let policy = Arc::new(compiled(texts, answers)?);
        if known.len() >= MOST {
            known.clear();
        }
        let texts = texts.map(|text| text.map(str::to_owned));
        known.push((Written { texts, answers }, Arc::clone(&policy)));
        Ok(policy)
    }
}

fn compiled(texts: Texts<'_>, answers: bool) -> Result<Policy, PolicyError> {
    let [floor, tenant, agent] = texts.map(|text| text.map(Document::parse).transpose());
    let policy = Policy::compile(floor?.as_ref(), tenant?.as_ref(), agent?.as_ref())?;
    Ok(if answers { policy.with_answers() } else { policy })
}

impl fmt::Debug for Policies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Policies(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_is_compiled_once_and_another_anew() {
        let policies = Policies::default();
        let one = |text: &str, answers: bool| policies.get([None, Some(text), None], answers).unwrap();
        let (first, again) = (one(r#"{"v":1}"#, false), one(r#"{"v":1}"#, false));
        assert!(Arc::ptr_eq(&first, &again));
        assert!(!Arc::ptr_eq(&first, &one(r#"{"v":1} "#, false)));
        assert!(!first.searches_answers() && one(r#"{"v":1}"#, true).searches_answers());
        assert!(Arc::ptr_eq(&policies.get([None; 3], false).unwrap(), &Policy::standard()));
    }

    #[test]
    fn what_does_not_read_is_an_error_every_time() {
        let policies = Policies::default();
        for _ in 0..2 {
            assert!(policies.get([None, None, Some("{}")], false).is_err());
        }
    }

    #[test]
    fn many_texts_do_not_grow_without_end() {
        let policies = Policies::default();
        for at in 0..200 {
            let text = format!("{}{{\"v\":1}}", " ".repeat(at));
            policies.get([Some(&text), None, None], false).unwrap();
        }
        assert!(policies.0.lock().unwrap().len() <= MOST);
    }
}
