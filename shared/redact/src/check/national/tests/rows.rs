//! The data rows keep their word: masks, checks, examples, shares and priors agree.

use super::super::by_name;
use super::mask::{Random, alphabets, compact, fault, fits};
use serde::Deserialize;
use std::collections::BTreeSet;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    detector: Vec<Row>,
    #[serde(default)]
    pattern: Vec<Pattern>,
}

/// What these tests need of a row for texts that begin with a literal.
#[derive(Deserialize)]
struct Pattern {
    id: String,
    literals: Vec<String>,
    pattern: String,
    check: String,
    examples: Vec<String>,
    not: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    label: String,
    group: String,
    country: Option<String>,
    source: String,
    forms: Vec<String>,
    check: Option<String>,
    pass: f64,
    prior: Option<f64>,
    home: Option<f64>,
    #[serde(default)]
    strong: Vec<String>,
    context: Vec<String>,
    examples: Vec<String>,
    not: Vec<String>,
}

const FILES: &[&str] = &[
    "il",
    "de",
    "at_be_nl_lu_ie",
    "fr",
    "eu_north",
    "eu_south",
    "eu_east",
    "uk_ch_no",
    "us",
    "vat",
    "travel",
    "dates",
];

/// What a word beside a candidate multiplies the odds by.
const CONTEXT: f64 = 500.0;

fn files() -> impl Iterator<Item = File> {
    FILES.iter().map(|name| {
        let path = format!("{}/data/detectors/{name}.toml", env!("CARGO_MANIFEST_DIR"));
        toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    })
}

fn rows() -> Vec<Row> {
    files().flat_map(|file| file.detector).collect()
}

impl Pattern {
    fn takes(&self, text: &str) -> bool {
        let (pattern, check) = (regex::Regex::new(&self.pattern).unwrap(), by_name(&self.check).unwrap());
        let starts = self.literals.iter().flat_map(|literal| text.match_indices(literal));
        starts.into_iter().any(|(at, _)| {
            let found = pattern.captures_at(text, at).filter(|found| found.get(0).unwrap().start() == at);
            let span = found.map(|found| found.name("v").or(found.get(0)).unwrap());
            let alone = |span: &regex::Match<'_>| {
                text.as_bytes().get(span.end()).is_none_or(|byte| !byte.is_ascii_alphanumeric())
            };
            span.filter(alone).is_some_and(|span| check(span.as_str().as_bytes()))
        })
    }
}

#[test]
fn every_pattern_takes_its_examples_and_no_negative() {
    for pattern in files().flat_map(|file| file.pattern) {
        for example in &pattern.examples {
            assert!(pattern.takes(example), "{}: {example}", pattern.id);
        }
        for text in &pattern.not {
            assert!(!pattern.takes(text), "{}: {text}", pattern.id);
        }
    }
}

impl Row {
    fn check(&self) -> fn(&[u8]) -> bool {
        self.check
            .as_deref()
            .map_or(|_: &[u8]| true, |name| by_name(name).unwrap_or_else(|| panic!("{name}")))
    }

    fn takes(&self, text: &str) -> bool {
        self.forms.iter().any(|form| fits(form, text)) && (self.check())(&compact(text))
    }

    /// Odds that a text of `form` which passes the check is one, without a word beside it.
    fn odds(&self, form: &str, home: bool) -> f64 {
        let digits_only = form.chars().all(|c| c == '9');
        let prior = match (home && self.country.is_some(), digits_only) {
            _ if self.strong.iter().any(|strong| strong == form) => 0.6,
            (false, true) => self.prior.unwrap_or(0.003),
            (false, false) => self.prior.unwrap_or(0.02),
            (true, true) => self.home.unwrap_or(0.1),
            (true, false) => self.home.unwrap_or(0.3),
        };
        prior / (1.0 - prior) / self.pass
    }
}

#[test]
fn every_row_is_well_formed() {
    let mut ids = BTreeSet::new();
    for row in rows() {
        let id = &row.id;
        assert!(ids.insert(id.clone()), "{id} twice");
        assert!(id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'), "{id}");
        let label = row.label.as_bytes();
        assert!(
            (1..=16).contains(&label.len()) && label.iter().all(|c| c.is_ascii_uppercase() || *c == b'_'),
            "{id}"
        );
        let groups =
            ["national", "tax", "business", "health", "travel", "finance", "contact", "network", "date"];
        assert!(groups.contains(&row.group.as_str()), "{id}");
        assert!(row.country.as_ref().is_none_or(|country| country.len() == 2), "{id}");
        assert!(row.source.len() > 10 && !row.examples.is_empty() && !row.not.is_empty(), "{id}");
        assert!(
            row.pass > 0.0 && row.pass <= 1.0 && (row.check.is_some() || (row.pass - 1.0).abs() < 1e-9),
            "{id}"
        );
        for form in &row.forms {
            assert_eq!(fault(form), None, "{id}: {form}");
        }
        assert_eq!(row.forms.iter().collect::<BTreeSet<_>>().len(), row.forms.len(), "{id}: a form twice");
        assert!(row.strong.iter().all(|form| row.forms.contains(form)), "{id}");
        for words in &row.context {
            assert!((1..=4).contains(&words.split_whitespace().count()), "{id}: {words}");
            assert_eq!(words, &words.to_lowercase(), "{id}");
        }
        assert_eq!(
            row.context.iter().collect::<BTreeSet<_>>().len(),
            row.context.len(),
            "{id}: a word twice"
        );
    }
}

#[test]
fn every_example_fits_and_passes_and_no_negative_does() {
    for row in rows() {
        for example in &row.examples {
            assert!(row.takes(example), "{}: {example}", row.id);
        }
        for text in &row.not {
            assert!(!row.takes(text), "{}: {text}", row.id);
        }
    }
}

#[test]
fn every_check_has_a_row() {
    let used = rows().into_iter().filter_map(|row| row.check).collect::<BTreeSet<_>>();
    // The pattern of travel.toml uses the check of BICs too.
    let unused = super::super::TABLES.iter().copied().flatten().filter(|(name, _)| !used.contains(*name));
    assert_eq!(unused.map(|(name, _)| *name).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn the_share_of_random_strings_that_pass_is_what_the_data_say() {
    const STRINGS: u32 = 100_000;
    for row in rows() {
        let (check, form) = (row.check(), &row.forms[0]);
        let mut source =
            Random(row.id.bytes().fold(7_u64, |seed, byte| seed.wrapping_mul(31) + u64::from(byte)));
        let (places, mut text) = (alphabets(form), Vec::new());
        let mut passes = || {
            source.text(&places, &mut text);
            check(&text)
        };
        let passed = (0..STRINGS).filter(|_| passes()).count();
        let share = f64::from(u32::try_from(passed).unwrap()) / f64::from(STRINGS);
        let near =
            (share / row.pass).max(row.pass / share.max(1e-9)) < 1.5 || (share - row.pass).abs() < 0.002;
        assert!(near, "{}: {share} of {form} pass, not {}", row.id, row.pass);
    }
}

#[test]
fn every_form_is_found_beside_a_word() {
    for row in rows() {
        for form in &row.forms {
            assert!(row.odds(form, false) * CONTEXT >= 1.0, "{}: {form}", row.id);
            assert!(row.odds(form, true) * CONTEXT >= 1.0, "{}: {form} at home", row.id);
        }
    }
}

#[test]
fn what_is_only_a_shape_is_never_found_without_a_word() {
    for row in rows().iter().filter(|row| row.check.is_none() || row.group == "date") {
        for form in &row.forms {
            assert!(row.odds(form, false) < 1.0 && row.odds(form, true) < 1.0, "{}: {form}", row.id);
        }
    }
}

/// Numbers of clean text: order numbers and times. Where one is taken for an identifier without a word beside it and
/// without a country, at most one in two thousand is.
#[test]
fn numbers_without_a_word_are_left_alone() {
    const NUMBERS: u32 = 20_000;
    let rows = rows();
    let found = rows.iter().flat_map(|row| {
        let forms = row.forms.iter().filter(|form| row.odds(form, false) >= 1.0);
        forms.map(move |form| (row.id.as_str(), form.as_str(), row.check()))
    });
    let found = found.collect::<Vec<_>>();
    let mut source = Random(20_351_231);
    for kind in NUMBERS_OF_CLEAN_TEXT {
        let mut taken = Vec::new();
        for _ in 0..NUMBERS {
            let text = kind.chars().map(|c| clean(c, &mut source)).collect::<String>();
            let mut found = found.iter().filter(|(_, form, _)| form.len() == text.len());
            let by = found.find(|(_, form, check)| fits(form, &text) && check(&compact(&text)));
            taken.extend(by.map(|(id, _, _)| format!("{text} ({id})")));
        }
        assert!(taken.len() <= 10, "{kind}: {} of {NUMBERS}: {:?}", taken.len(), &taken[..10]);
    }
}

/// `9` a digit, `A` a letter, `X` either, `m` `d` `h` `s` two digits of a month, day, hour, minute or second.
const NUMBERS_OF_CLEAN_TEXT: &[&str] = &[
    "99999",
    "999999",
    "9999999",
    "99999999",
    "999999999",
    "9999999999",
    "99999999999",
    "999999999999",
    "9999999999999",
    "99999999999999",
    "999999999999999",
    "9999999999999999",
    "99999999999999999",
    "999999999999999999",
    "9999999999999999999",
    "99999999999999999999",
    // Seconds and milliseconds since 1970, and written times.
    "17999999 99",
    "1799999999",
    "1799999999999",
    "20 2md",
    "202md",
    "2024md",
    "2024md9999",
    "2024mdhss",
    "2024mdhss999",
    "24md-9999",
    "24md9999",
    "2024md-9999",
    "2024md-hss",
    "24md-hss",
    "2024-m-d",
    "d.m.2024",
    "m/d/2024",
    // Orders, tickets, phone numbers, versions, amounts.
    "A9999999",
    "AA999999",
    "AA99999999",
    "AAA999999",
    "AAA-999999",
    "A-9999999",
    "AAA9999999",
    "999-9999999-9999999",
    "999-999-9999",
    "999 999 999",
    "999.999.999",
    "99 99 99 99",
    "9999-9999",
    "9999-9999-9999",
    "99.99.99",
    "99.9.999",
    "XXXXXXXX",
    "XXXXXXXXXX",
    "XXXXXXXXXXX",
    "XXXXXXXXXXXX",
    "XXXXXXXXXXXXXXXX",
    "XXXXXXXXXXXXXXXXX",
    "XXXXXXXXXXXXXXXXXXXX",
    "AA9999999A",
    "99999999A",
    "9999999AA",
    "AA999999A",
    "999999AA",
];

fn clean(mask: char, source: &mut Random) -> String {
    match mask {
        'm' => format!("{:02}", source.below(12) + 1),
        'd' => format!("{:02}", source.below(28) + 1),
        'h' => format!("{:02}", source.below(24)),
        's' => format!("{:02}", source.below(60)),
        '9' => char::from(b'0' + u8::try_from(source.below(10)).unwrap()).to_string(),
        'A' => char::from(b'A' + u8::try_from(source.below(26)).unwrap()).to_string(),
        'X' => clean(if source.below(36) < 10 { '9' } else { 'A' }, source),
        other => other.to_string(),
    }
}
