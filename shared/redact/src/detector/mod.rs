//! Detectors as data: what a file says, and how it becomes something that can run.

mod odds;
mod samples;
mod spec;

use core::fmt;
use core::mem::take;
use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};

use crate::check::{Check, by_name};
use crate::context::Words;
use crate::find::{Finders, Literals, Row as Literal};
use crate::mask::{Index, Mask, Owner};
pub(crate) use odds::{LEAST, Odds, Shape};
use samples::Samples;
pub(crate) use spec::Start;
use spec::{File, Row};

/// Longest label, so that a placeholder has a longest length.
pub(crate) const MAX_LABEL: usize = 16;

/// The files of this crate in order of priority: where two findings of one length and one score overlap, the earlier
/// detector names the placeholder.
const BUILTIN: &[&str] = &[
    include_str!("../../data/patterns/keys.toml"),
    include_str!("../../data/patterns/secrets_cloud.toml"),
    include_str!("../../data/patterns/secrets_ai.toml"),
    include_str!("../../data/patterns/secrets_code.toml"),
    include_str!("../../data/patterns/secrets_saas.toml"),
    include_str!("../../data/patterns/secrets_payment.toml"),
    include_str!("../../data/patterns/connections.toml"),
    include_str!("../../data/patterns/crypto.toml"),
    include_str!("../../data/patterns/mrz.toml"),
    include_str!("../../data/detectors/contact.toml"),
    include_str!("../../data/detectors/payment.toml"),
    include_str!("../../data/detectors/il.toml"),
    include_str!("../../data/detectors/us.toml"),
    include_str!("../../data/detectors/de.toml"),
    include_str!("../../data/detectors/fr.toml"),
    include_str!("../../data/detectors/at_be_nl_lu_ie.toml"),
    include_str!("../../data/detectors/eu_north.toml"),
    include_str!("../../data/detectors/eu_south.toml"),
    include_str!("../../data/detectors/eu_east.toml"),
    include_str!("../../data/detectors/uk_ch_no.toml"),
    include_str!("../../data/detectors/vat.toml"),
    include_str!("../../data/detectors/travel.toml"),
    include_str!("../../data/detectors/network.toml"),
    include_str!("../../data/patterns/network.toml"),
    include_str!("../../data/detectors/dates.toml"),
    include_str!("../../data/detectors/person.toml"),
    // Last: a row that knows whose key it is names the finding.
    include_str!("../../data/patterns/generic.toml"),
];

/// Why a detector file was refused.
#[derive(Debug, thiserror::Error)]
pub enum DetectorError {
    /// Not TOML, or not the shape of a detector file.
    #[error("detector file cannot be read")]
    File(#[from] toml::de::Error),
    /// A rule that a detector breaks.
    #[error("detector `{id}`: {rule}")]
    Rule {
        /// Detector id.
        id: String,
        /// The rule, as a sentence part.
        rule: &'static str,
    },
}

/// What kind of datum a detector finds: policies may name a whole group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Group {
    National,
    Tax,
    Business,
    Health,
    Travel,
    Finance,
    Contact,
    Network,
    Secret,
    Person,
    Date,
}

impl Group {
    /// The word in policies.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::National => "national",
            Self::Tax => "tax",
            Self::Business => "business",
            Self::Health => "health",
            Self::Travel => "travel",
            Self::Finance => "finance",
            Self::Contact => "contact",
            Self::Network => "network",
            Self::Secret => "secret",
            Self::Person => "person",
            Self::Date => "date",
        }
    }
}

/// A country by its two letters (ISO 3166-1 alpha-2), upper case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Country([u8; 2]);

/// Not two capital letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a country is two capital letters, as in ISO 3166-1")]
pub struct CountryError;

impl FromStr for Country {
    type Err = CountryError;

    fn from_str(text: &str) -> Result<Self, CountryError> {
        let letters: [u8; 2] = text.as_bytes().try_into().map_err(|_| CountryError)?;
        if letters.iter().all(u8::is_ascii_uppercase) { Ok(Self(letters)) } else { Err(CountryError) }
    }
}

impl TryFrom<String> for Country {
    type Error = CountryError;

    fn try_from(text: String) -> Result<Self, CountryError> {
        text.parse()
    }
}

impl From<Country> for String {
    fn from(country: Country) -> Self {
        country.to_string()
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|letter| write!(f, "{}", char::from(*letter)))
    }
}

/// One kind of datum and how to find it.
pub struct Detector {
    id: String,
    label: String,
    group: Group,
    country: Option<Country>,
    source: String,
    context: Vec<String>,
    samples: Arc<Samples>,
    pub(crate) check: Option<Check>,
    /// Of forms: those of a form with separators or letters.
    pub(crate) odds: Odds,
    method: Method,
}

/// How a detector finds, as far as the tests ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// By masks; a check and words nearby decide.
    Masks,
    /// By a literal and a regular expression.
    Pattern,
    /// By code of its own.
    Code,
}

impl Detector {
    /// Name in findings, policies and audit records, such as `us_ssn`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Name in placeholders, such as `SSN`; several detectors may share one.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The group that a policy may name instead.
    pub const fn group(&self) -> Group {
        self.group
    }

    /// Whose number it is; none if it is nobody's in particular.
    pub const fn country(&self) -> Option<Country> {
        self.country
    }

    /// Where the rule comes from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Words whose neighbourhood makes a finding surer, in lower case.
    pub fn context(&self) -> &[String] {
        &self.context
    }

    /// Texts that are, each as a whole, a finding of this detector, if need be after one of its context words.
    pub fn examples(&self) -> &[String] {
        self.samples.of(&self.id).0
    }

    /// Texts in which this detector finds nothing, not even after a context word.
    pub fn negatives(&self) -> &[String] {
        self.samples.of(&self.id).1
    }

    /// How it finds.
    pub const fn method(&self) -> Method {
        self.method
    }

    /// A detector of a row.
    fn about(
        about: Row,
        samples: &Arc<Samples>,
        method: Method,
        shape: Shape,
    ) -> Result<Self, DetectorError> {
        let check = about.check.as_deref().map(by_name);
        if let Some(rule) = broken_rule(&about, check == Some(None)) {
            return Err(DetectorError::Rule { id: about.id, rule });
        }
        Ok(Self {
            odds: Odds::new(shape, about.prior, about.home, about.pass),
            id: about.id,
            label: about.label,
            group: about.group,
            country: about.country,
            source: about.source,
            context: about.context,
            samples: Arc::clone(samples),
            check: check.flatten(),
            method,
        })
    }
}

fn broken_rule(about: &Row, unknown_check: bool) -> Option<&'static str> {
    let is_label = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
    let is_share = |share: Option<f32>| share.is_none_or(|share| share > 0.0 && share <= 1.0);
    let rules = [
        (unknown_check, "no check has this name"),
        (about.id.is_empty(), "the id is empty"),
        (!(1..=MAX_LABEL).contains(&about.label.len()), "the label has 1 to 16 characters"),
        (!about.label.bytes().all(is_label), "the label is upper case A to Z and underscores"),
        (about.source.is_empty(), "the source is missing"),
        (about.examples.0 == 0 || about.negatives.0 == 0, "an example of each kind is needed"),
        (
            !is_share(about.pass) || !is_share(about.prior) || !is_share(about.home),
            "a share lies above 0 and up to 1",
        ),
    ];
    rules.iter().find(|(broken, _)| *broken).map(|(_, rule)| *rule)
}

impl fmt::Debug for Detector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Detector").field("id", &self.id).field("label", &self.label).finish_non_exhaustive()
    }
}

/// A set of detectors, ready to run. Immutable; share one.
pub struct Detectors {
    pub(crate) list: Vec<Detector>,
    /// Which of them are of the group `person`.
    pub(crate) persons: Vec<usize>,
    pub(crate) masks: Index,
    pub(crate) literals: Literals,
    pub(crate) finders: Finders,
    pub(crate) words: Words,
}

impl fmt::Debug for Detectors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Detectors").field("count", &self.list.len()).finish_non_exhaustive()
    }
}

impl Detectors {
    /// The set in this crate's `data`, compiled on first use.
    ///
    /// # Errors
    /// A broken data file. The tests of this crate show that there is none; a caller still refuses the request.
    pub fn builtin() -> Result<&'static Self, &'static DetectorError> {
        static SET: LazyLock<Result<Detectors, DetectorError>> = LazyLock::new(|| Detectors::parse(BUILTIN));
        SET.as_ref()
    }

    /// Compiles the detectors of TOML texts; their order is their priority.
    ///
    /// # Errors
    /// Names the detector and the rule that it breaks.
    pub fn parse(files: &[&str]) -> Result<Self, DetectorError> {
        let mut set = Building::default();
        for file in files {
            set.samples = Arc::new(Samples::new(file));
            let file: File = toml::from_str(file)?;
            file.finder.into_iter().try_for_each(|one| set.found(one))?;
            file.detector.into_iter().try_for_each(|one| set.masked(one))?;
            file.pattern.into_iter().try_for_each(|one| set.patterned(one))?;
        }
        let words = Words::new(set.list.iter().map(Detector::context));
        let persons = set.list.iter().enumerate().filter(|(_, one)| one.group == Group::Person);
        Ok(Self {
            persons: persons.map(|(at, _)| at).collect(),
            list: set.list,
            masks: set.masks,
            literals: set.literals.build(),
            finders: set.finders,
            words,
        })
    }

    /// The detectors in order of priority.
    pub fn iter(&self) -> impl Iterator<Item = &Detector> {
        self.list.iter()
    }
}

#[derive(Default)]
struct Building {
    list: Vec<Detector>,
    ids: BTreeSet<String>,
    masks: Index,
    literals: crate::find::LiteralsBuilder,
    finders: Finders,
    /// Of the file that is being read.
    samples: Arc<Samples>,
}

impl Building {
    fn add(&mut self, row: Row, method: Method, shape: Shape) -> Result<usize, DetectorError> {
        let detector = Detector::about(row, &self.samples, method, shape)?;
        if !self.ids.insert(detector.id.clone()) {
            return Err(DetectorError::Rule { id: detector.id, rule: "the id is taken" });
        }
        self.list.push(detector);
        Ok(self.list.len().saturating_sub(1))
    }

    fn masked(&mut self, mut row: Row) -> Result<(), DetectorError> {
        let (id, prior, home, pass) = (row.id.clone(), row.prior, row.home, row.pass);
        let (forms, strong) = (take(&mut row.forms), take(&mut row.strong));
        let is_checked = row.check.is_some();
        let broken = |rule| DetectorError::Rule { id: id.clone(), rule };
        if forms.is_empty() {
            return Err(broken("a detector has forms"));
        }
        let at = self.add(row, Method::Masks, Shape::Shaped)?;
        for form in forms.iter().chain(strong.iter().filter(|form| !forms.contains(form))) {
            let mask = Mask::parse(form).map_err(broken)?;
            let shape = match (strong.contains(form), mask.is_bare()) {
                (true, _) => Shape::Strong,
                (false, true) => Shape::Bare,
                (false, false) => Shape::Shaped,
            };
            let odds = Odds::new(shape, prior, home, pass);
            self.masks.add(Owner { detector: at, odds, is_checked }, mask);
        }
        Ok(())
    }

    fn patterned(&mut self, mut row: Row) -> Result<(), DetectorError> {
        let id = row.id.clone();
        let broken = |rule| DetectorError::Rule { id: id.clone(), rule };
        let shape = if row.prior.is_some() { Shape::Bare } else { Shape::Strong };
        let (literals, anywhere) = (take(&mut row.literals), take(&mut row.anywhere));
        let (start, min_run) = (row.start, row.min_run);
        let (pattern, boundary) = row
            .pattern
            .take()
            .zip(row.boundary)
            .ok_or_else(|| broken("a pattern has an expression and a boundary"))?;
        let at = self.add(row, Method::Pattern, shape)?;
        let literal = Literal { literals, anywhere, start, source: pattern, boundary, min_run };
        self.literals.add(at, literal).map_err(broken)
    }

    fn found(&mut self, row: Row) -> Result<(), DetectorError> {
        let id = row.id.clone();
        let finder = row.finder.ok_or(DetectorError::Rule { id, rule: "a finder names its code" })?;
        let at = self.add(row, Method::Code, Shape::Strong)?;
        self.finders.set(finder, at);
        Ok(())
    }
}
