//! Whom an auditor trusts, and what was agreed: a text of `name value` lines, so that it can be read out over the phone.

use crate::{NoteError, VerifierKey};

/// Keys and limits. None of them is taken from an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// The region log's name.
    pub origin: String,
    pub checkpoint: VerifierKey,
    /// Keys that certify producers: one per function.
    pub producers: Vec<VerifierKey>,
    pub witnesses: Vec<VerifierKey>,
    /// How many of the witnesses must have signed the newest checkpoint.
    pub threshold: usize,
    pub retention_days: u64,
    /// How old the newest checkpoint may be.
    pub max_age_minutes: u64,
    /// How long a record may be on its way while later ones of its producer are there already.
    pub grace_minutes: u64,
    /// How long an action may go on.
    pub open_minutes: u64,
}

/// A trust file that cannot be read; names the line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    #[error(
        "line {0}: expected `<name> <value>`, with a name of origin, checkpoint, producer, witness, threshold, \
             retention_days, max_age_minutes, grace_minutes or open_minutes"
    )]
    Line(usize),
    #[error("line {0}: {1}")]
    Key(usize, NoteError),
    #[error("`{0}` is missing")]
    Missing(&'static str),
}

impl Trust {
    pub fn new(origin: String, checkpoint: VerifierKey, producers: Vec<VerifierKey>) -> Self {
        Self {
            origin,
            checkpoint,
            producers,
            witnesses: Vec::new(),
            threshold: 0,
            retention_days: 365,
            max_age_minutes: 10,
            grace_minutes: 15,
            open_minutes: 60,
        }
    }

    /// Reads the text form. Empty lines and lines that begin with `#` are let be.
    ///
    /// # Errors
    /// Names the first line that is wrong, or what is missing.
    pub fn parse(text: &str) -> Result<Self, TrustError> {
        let (mut origin, mut checkpoint, mut producers, mut witnesses) = (None, None, Vec::new(), Vec::new());
        let mut numbers = Vec::new();
        for (n, line) in text.lines().enumerate().map(|(n, line)| (n + 1, line.trim())) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, value) = line.split_once(' ').ok_or(TrustError::Line(n))?;
            let key = || VerifierKey::parse(value.trim()).map_err(|error| TrustError::Key(n, error));
            match name {
                "origin" => origin = Some(value.trim().to_owned()),
                "checkpoint" => checkpoint = Some(key()?),
                "producer" => producers.push(key()?),
                "witness" => {
                    let key = VerifierKey::parse_witness(value.trim());
                    witnesses.push(key.map_err(|error| TrustError::Key(n, error))?);
                }
                _ => numbers.push((n, name, value.trim().parse::<u64>().map_err(|_| TrustError::Line(n))?)),
            }
        }
        let origin = origin.ok_or(TrustError::Missing("origin"))?;
        let mut trust = Self::new(origin, checkpoint.ok_or(TrustError::Missing("checkpoint"))?, producers);
        trust.witnesses = witnesses;
        for (n, name, value) in numbers {
            trust.set(name, value).ok_or(TrustError::Line(n))?;
        }
        if trust.producers.is_empty() { Err(TrustError::Missing("producer")) } else { Ok(trust) }
    }

    fn set(&mut self, name: &str, value: u64) -> Option<()> {
        match name {
            "threshold" => self.threshold = usize::try_from(value).ok()?,
            "retention_days" => self.retention_days = value,
            "max_age_minutes" => self.max_age_minutes = value,
            "grace_minutes" => self.grace_minutes = value,
            "open_minutes" => self.open_minutes = value,
            _ => return None,
        }
        Some(())
    }
}

impl std::fmt::Display for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "origin {}\ncheckpoint {}", self.origin, self.checkpoint)?;
        self.producers.iter().try_for_each(|key| writeln!(f, "producer {key}"))?;
        self.witnesses.iter().try_for_each(|key| writeln!(f, "witness {}", key.as_witness()))?;
        let Self { threshold, retention_days, max_age_minutes, grace_minutes, open_minutes, .. } = self;
        writeln!(
            f,
            "threshold {threshold}\nretention_days {retention_days}\nmax_age_minutes {max_age_minutes}"
        )?;
        writeln!(f, "grace_minutes {grace_minutes}\nopen_minutes {open_minutes}")
    }
}
