//! What a caller says about its call in headers: for whom, why, and in which conversation. Recorded as asserted: no
//! control believes it.

use domain::{Code, Reason};

use crate::Fault;

/// Longest value of one such header, in bytes.
const MAX_BYTES: usize = 256;
/// Most subjects of one call.
const MAX_SUBJECTS: usize = 16;

/// The headers of section 11 of the design, as they came.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Asserted {
    /// People whom the call is about.
    pub subjects: Vec<String>,
    pub purpose: Option<Code>,
    pub conversation: Option<String>,
    /// The person whom the agent says it acts for.
    pub on_behalf_of: Option<String>,
}

/// Names people.
impl std::fmt::Debug for Asserted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Asserted(..)")
    }
}

impl Asserted {
    /// Reads the headers.
    ///
    /// # Errors
    /// The first that has another form than documented.
    pub fn read<'h>(header: impl Fn(&str) -> Option<&'h str>) -> Result<Self, Fault> {
        let text = |name: &str| match header(name).map(str::trim) {
            None => Ok(None),
            Some(text) if (1..=MAX_BYTES).contains(&text.len()) => Ok(Some(text.to_owned())),
            Some(_) => {
                Err(Fault::at(Reason::InvalidField, name, "send 1 to 256 bytes, or leave the header out"))
            }
        };
        let purpose = match text("x-cs-purpose")? {
            None => None,
            Some(purpose) => Some(purpose.parse().map_err(|_| {
                let hint = "send a code: 1 to 64 characters of a-z, 0-9, '.', '_' and '-'";
                Fault::at(Reason::InvalidField, "x-cs-purpose", hint)
            })?),
        };
        Ok(Self {
            subjects: subjects(header("x-cs-subject"))?,
            purpose,
            conversation: text("x-cs-conversation")?,
            on_behalf_of: text("x-cs-on-behalf-of")?,
        })
    }
}

/// One or several, separated by commas.
fn subjects(header: Option<&str>) -> Result<Vec<String>, Fault> {
    let Some(header) = header else { return Ok(Vec::new()) };
    let subjects: Vec<_> = header.split(',').map(|one| one.trim().to_owned()).collect();
    let fine = subjects.len() <= MAX_SUBJECTS
        && subjects.iter().all(|subject| (1..=MAX_BYTES).contains(&subject.len()));
    let hint = "send up to 16 subjects of 1 to 256 bytes, separated by commas";
    if fine { Ok(subjects) } else { Err(Fault::at(Reason::InvalidField, "x-cs-subject", hint)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, value: &str) -> Result<Asserted, Fault> {
        Asserted::read(|header| (header == name).then_some(value))
    }

    #[test]
    fn what_is_said_is_kept_and_what_is_malformed_is_named() {
        assert_eq!(read("other", "x"), Ok(Asserted::default()));
        assert_eq!(read("x-cs-subject", "dana, noa").unwrap().subjects, ["dana", "noa"]);
        assert_eq!(read("x-cs-purpose", "support.refund").unwrap().purpose, "support.refund".parse().ok());
        assert_eq!(read("x-cs-conversation", " c-1 ").unwrap().conversation.as_deref(), Some("c-1"));
        assert_eq!(read("x-cs-on-behalf-of", "Dana").unwrap().on_behalf_of.as_deref(), Some("Dana"));
        let long = "x".repeat(257);
        for (name, value) in [
            ("x-cs-subject", ""),
            ("x-cs-subject", "a,,b"),
            ("x-cs-subject", &"a,".repeat(17)),
            ("x-cs-purpose", "Free text"),
            ("x-cs-conversation", &long),
            ("x-cs-on-behalf-of", ""),
        ] {
            let fault = read(name, value).unwrap_err();
            assert_eq!((fault.reason, fault.param.as_deref()), (Reason::InvalidField, Some(name)));
        }
        assert!(!format!("{:?}", read("x-cs-on-behalf-of", "Dana")).contains("Dana"));
    }
}
