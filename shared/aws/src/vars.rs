//! Configuration from variables: every missing or bad one is reported at once.

use std::fmt;
use std::str::FromStr;

/// What is wrong with the configuration, one line per variable. Names only: a value may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadConfig(Vec<String>);

impl fmt::Display for BadConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bad configuration: {}", self.0.join("; "))
    }
}

impl std::error::Error for BadConfig {}

/// Reads variables and collects what is wrong with them.
pub struct Vars<'a> {
    get: &'a dyn Fn(&str) -> Option<String>,
    bad: Vec<String>,
}

impl fmt::Debug for Vars<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vars").field("bad", &self.bad).finish_non_exhaustive()
    }
}

impl<'a> Vars<'a> {
    pub fn new(get: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { get, bad: Vec::new() }
    }

    /// The variable, parsed; `None` after noting what is wrong with it.
    pub fn require<T: FromStr>(&mut self, name: &str, expected: &str) -> Option<T> {
        match (self.get)(name).filter(|text| !text.is_empty()) {
            None => self.bad.push(format!("{name} is not set (expected {expected})")),
            Some(text) => match text.parse() {
                Ok(value) => return Some(value),
                Err(_) => self.bad.push(format!("{name} is not {expected}")),
            },
        }
        None
    }

    /// What [`Vars::require`] gave, if nothing was wrong with any variable.
    ///
    /// # Errors
    /// All that was noted.
    pub fn finish<T>(self, config: Option<T>) -> Result<T, BadConfig> {
        match config {
            Some(config) if self.bad.is_empty() => Ok(config),
            _ => Err(BadConfig(self.bad)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_faults_are_told_at_once_and_no_value() {
        let get = |name: &str| (name == "B").then(|| "planted-value".to_owned());
        let mut vars = Vars::new(&get);
        let pair = (vars.require::<u32>("A", "a number"), vars.require::<u32>("B", "a number"));
        let error = vars.finish(pair.0.zip(pair.1)).unwrap_err().to_string();
        assert_eq!(error, "bad configuration: A is not set (expected a number); B is not a number");
    }
}
