//! What is wrong with a document: field, fault and remedy. Keys and limits are named, words, values and patterns never.

use std::fmt;

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where, such as `terms[3].words[0]`; `.` is the document itself.
    pub path: String,
    /// What is wrong, and what to do about it.
    pub what: String,
}

/// A document that is refused, with everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyError {
    problems: Vec<Problem>,
}

impl PolicyError {
    pub(crate) fn new(problems: Vec<Problem>) -> Self {
        Self { problems }
    }

    pub(crate) fn one(path: impl Into<String>, what: impl Into<String>) -> Self {
        Self::new(vec![Problem { path: path.into(), what: what.into() }])
    }

    /// The faults, in the order of the document's fields.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.problems.iter().enumerate() {
            let end = if n == 0 { "" } else { "\n" };
            write!(f, "{end}`{}`: {}", problem.path, problem.what)?;
        }
        Ok(())
    }
}

impl std::error::Error for PolicyError {}

/// Collects faults.
#[derive(Default)]
pub(crate) struct Faults(Vec<Problem>);

impl Faults {
    pub(crate) fn add(&mut self, path: impl Into<String>, what: impl Into<String>) {
        self.0.push(Problem { path: path.into(), what: what.into() });
    }

    pub(crate) fn unless(&mut self, holds: bool, path: impl FnOnce() -> String, what: &str) {
        if !holds {
            self.add(path(), what);
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn end(self) -> Result<(), PolicyError> {
        if self.0.is_empty() { Ok(()) } else { Err(PolicyError::new(self.0)) }
    }
}

/// A key of a document, if it looks like one: a value in its place is not shown.
pub(crate) fn shown(key: &str) -> &str {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_*.-".contains(&byte);
    let fits = (1..=64).contains(&key.len()) && key.bytes().all(plain);
    if fits { key } else { "?" }
}

/// The names nearest to one that is not among them, three at most.
pub(crate) fn near_misses<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let wrong = wrong.to_lowercase().replace('-', "_");
    let furthest = (wrong.chars().count() / 3).clamp(2, 3);
    let rank = |name: &'a str| {
        let part = wrong.len() >= 3 && (name.contains(&wrong) || wrong.contains(name));
        let far = distance(&wrong, name);
        (part || far <= furthest).then_some((far, name))
    };
    let mut near: Vec<_> = names.filter_map(rank).collect();
    near.sort_unstable();
    near.dedup();
    near.into_iter().take(3).map(|(_, name)| name).collect()
}

/// Levenshtein's distance, in characters. A long text is far from every name.
fn distance(one: &str, other: &str) -> usize {
    if one.len() > 64 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (n, from) in one.chars().enumerate() {
        let mut diagonal = n;
        let mut left = n + 1;
        for (cell, to) in row.iter_mut().zip(std::iter::once(None).chain(other.chars().map(Some))) {
            let above = *cell;
            *cell = match to {
                None => n + 1,
                Some(to) => (above + 1).min(left + 1).min(diagonal + usize::from(from != to)),
            };
            left = *cell;
            diagonal = above;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_levenshtein() {
        for (one, other, far) in
            [("", "", 0), ("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3), ("email", "emial", 2)]
        {
            assert_eq!(distance(one, other), far, "{one} {other}");
        }
    }

    #[test]
    fn a_mistyped_name_has_neighbours_and_a_value_has_none() {
        let names = ["email", "us_ssn", "il_id", "card"];
        assert_eq!(near_misses("emial", names.into_iter()), ["email"]);
        assert_eq!(near_misses("SSN", names.into_iter()), ["us_ssn"]);
        assert!(near_misses("Dana Levi, Herzl 1", names.into_iter()).is_empty());
        assert_eq!(shown("Dana Levi"), "?");
        assert_eq!(shown("us_ssn"), "us_ssn");
    }
}
