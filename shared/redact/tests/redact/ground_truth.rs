//! Recall on identifiers that other programs made and judged: `tests/oracle/ground_truth.py`.
//!
//! With a word beside it that names it, every identifier that has a rule is found. Without one, how many are found is
//! printed: for a tenant of no country, and for a tenant of the identifier's own country.

use std::collections::BTreeMap;
use std::path::PathBuf;

use countersign_redact::{Detector, Direction, Policy};
use serde::Deserialize;

use crate::common::{of, set};

const LANGUAGES: [&str; 9] = ["he", "en", "de", "fr", "es", "it", "nl", "pl", "eu"];
/// Least recall with context. Phones have plans, not check digits.
const LEAST: f64 = 0.99;
const LEAST_PHONE: f64 = 0.95;

/// One number under two names: rule, words and writing are the same, and only the tenant's country tells them apart.
const SAME: [(&str, &str); 2] = [("sk_rc", "cz_rc"), ("sk_ico", "cz_ico")];

/// Whether people write a value as the vectors have it: accounts not without their slash, VAT with a branch not without `GB`.
fn is_written(id: &str, value: &str) -> bool {
    id != "cz_account" && !(id == "gb_vat" && value.len() == 12)
}

#[derive(Deserialize, Clone)]
struct Sample {
    full_text: String,
    spans: Vec<Span>,
    metadata: Metadata,
}

#[derive(Deserialize, Clone)]
struct Span {
    entity_type: String,
    entity_value: String,
    /// In code points.
    start_position: usize,
}

#[derive(Deserialize, Clone)]
struct Metadata {
    context: bool,
}

impl Sample {
    /// The one span of these files: its type, and its bytes.
    fn span(&self) -> (&str, usize, usize) {
        let span = &self.spans[0];
        let start = self.full_text.char_indices().nth(span.start_position).expect("inside the text").0;
        (&span.entity_type, start, start + span.entity_value.len())
    }

    fn with_value(&self, value: &str) -> Self {
        let (_, start, end) = self.span();
        let mut other = self.clone();
        let around = self.full_text.get(..start).zip(self.full_text.get(end..));
        let (before, after) = around.expect("on characters");
        other.full_text = format!("{before}{value}{after}");
        value.clone_into(&mut other.spans[0].entity_value);
        other
    }
}

fn read(path: &str) -> Vec<u8> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(path);
    std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn samples() -> Vec<Sample> {
    let files = LANGUAGES.iter().map(|name| read(&format!("ground_truth_{name}.json")));
    files
        .flat_map(|file| serde_json::from_slice::<Vec<Sample>>(&file).expect("the labelled format"))
        .collect()
}

#[derive(Default)]
struct Count {
    all: u32,
    right: u32,
    /// Found as something else: taken out, under another name.
    otherwise: u32,
    missed: Vec<String>,
}

impl Count {
    fn add(&mut self, policy: &Policy, sample: &Sample) {
        let (id, start, end) = sample.span();
        let wanted = detector(id).label();
        let hits = policy.detect(&sample.full_text, None, Direction::Request);
        let over = hits.iter().filter(|hit| hit.start < end && start < hit.end).collect::<Vec<_>>();
        let is = |found: &str| found == id || SAME.contains(&(id, found));
        let is_right = over.iter().any(|hit| is(policy.id(hit.kind)) || policy.label(hit.kind) == wanted);
        self.all += 1;
        self.right += u32::from(is_right);
        self.otherwise += u32::from(!is_right && !over.is_empty());
        if !is_right && self.missed.len() < 4 {
            let found = over.iter().map(|hit| policy.id(hit.kind)).collect::<Vec<_>>().join(" ");
            self.missed.push(format!("{:?} found as {found:?}", sample.full_text));
        }
    }

    /// What does not reach the model, be it under this name or another country's: one number can obey several rules, and
    /// "tax number" is what many countries call theirs.
    fn taken_out(&self) -> f64 {
        f64::from(self.right + self.otherwise) / f64::from(self.all.max(1))
    }

    fn recall(&self) -> f64 {
        f64::from(self.right) / f64::from(self.all.max(1))
    }
}

fn detector(id: &str) -> &'static Detector {
    set().iter().find(|one| one.id() == id).unwrap_or_else(|| panic!("there is no detector {id}"))
}

/// Policies for a tenant of no country, and of each country.
#[derive(Default)]
struct Homes(BTreeMap<String, Policy>);

impl Homes {
    fn of(&mut self, countries: &str) -> &Policy {
        let document = || format!(r#"{{"v":1,"countries":[{countries}]}}"#);
        self.0.entry(countries.to_owned()).or_insert_with(|| of(&document()))
    }

    fn home(&mut self, id: &str) -> &Policy {
        let country = detector(id).country().map(|country| format!("\"{country}\""));
        self.of(&country.unwrap_or_default())
    }
}

#[derive(Default)]
struct Row {
    context: Count,
    bare: Count,
    home: Count,
}

#[test]
fn identifiers_with_their_names_beside_them_are_found() {
    let mut homes = Homes::default();
    let mut rows = BTreeMap::<String, Row>::new();
    for sample in samples() {
        let id = sample.span().0.to_owned();
        let row = rows.entry(id.clone()).or_default();
        if sample.metadata.context {
            row.context.add(homes.of(""), &sample);
        } else {
            row.bare.add(homes.of(""), &sample);
            row.home.add(homes.home(&id), &sample);
        }
    }
    println!("{:18} with context: n right other | without: n, right: no country, home", "type");
    for (id, row) in &rows {
        let (context, bare, home) = (&row.context, &row.bare, &row.home);
        println!(
            "{id:18} {:15} {:5.3} {:5} | {:10} {:18.3} {:5.3}",
            context.all,
            context.recall(),
            context.otherwise,
            bare.all,
            bare.recall(),
            home.recall(),
        );
    }
    let mut failed = Vec::new();
    for (id, row) in &rows {
        let least = if id == "phone" { LEAST_PHONE } else { LEAST };
        if row.context.taken_out() < least {
            failed.push(format!("{id} {:.3}: {:#?}", row.context.taken_out(), row.context.missed));
        }
    }
    assert!(failed.is_empty(), "{} types: {}", failed.len(), failed.join("\n"));
}

/// Two hundred values per rule, each in one of the sentences of its kind.
#[test]
fn every_vector_is_found_in_the_sentences_of_its_kind() {
    #[derive(Deserialize)]
    struct Vectors {
        checks: BTreeMap<String, Vector>,
    }
    #[derive(Deserialize)]
    struct Vector {
        valid: Vec<String>,
    }
    let vectors: Vectors = serde_json::from_slice(&read("national_vectors.json")).expect("vectors");
    let mut sentences = BTreeMap::<String, (Vec<Sample>, Vec<Sample>)>::new();
    for sample in samples() {
        let of = sentences.entry(sample.span().0.to_owned()).or_default();
        if sample.metadata.context { of.0.push(sample) } else { of.1.push(sample) }
    }
    let mut homes = Homes::default();
    let mut failed = Vec::new();
    println!("{:18} with context: n right other | without: no country, home", "type");
    for (id, vector) in &vectors.checks {
        let Some((with, without)) = sentences.get(id) else { continue };
        let mut row = Row::default();
        let written = vector.valid.iter().filter(|value| is_written(id, value)).collect::<Vec<_>>();
        if written.is_empty() {
            continue;
        }
        for (n, value) in written.into_iter().enumerate() {
            row.context.add(homes.of(""), &with[n % with.len()].with_value(value));
            let bare = without[n % without.len()].with_value(value);
            row.bare.add(homes.of(""), &bare);
            row.home.add(homes.home(id), &bare);
        }
        let (context, bare, home) = (&row.context, &row.bare, &row.home);
        println!(
            "{id:18} {:15} {:5.3} {:5} | {:11.3} {:5.3}",
            context.all,
            context.recall(),
            context.otherwise,
            bare.recall(),
            home.recall()
        );
        if context.taken_out() < LEAST {
            failed.push(format!("{id} {:.3}: {:#?}", context.taken_out(), context.missed));
        }
    }
    assert!(failed.is_empty(), "{} types: {}", failed.len(), failed.join("\n"));
}
