//! What a document must be. Every fault is told, by field.

use super::custom::Source;
use super::document::{Allow, Compiled, Pattern, Raw, Term, Tokens};
use super::error::{Faults, near_misses, shown};
use super::resolve::{Kind, pick};
use super::{Action, CUSTOM, Direction, GROUPS, KNOWN_ADDRESS, KNOWN_PERSON, PolicyError, TypeInfo};
use super::{allow, country, ordinary, pattern};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

const TERMS_MAX: usize = 200;
const PATTERNS_MAX: usize = 50;
const EXAMPLES_MAX: usize = 20;
const WORD_CHARS: RangeInclusive<usize> = 2..=128;
const ADDRESS_CHARS: RangeInclusive<usize> = 4..=128;
const VALUE_BYTES: RangeInclusive<usize> = 1..=512;
const THRESHOLD: RangeInclusive<f32> = 0.05..=0.99;
pub(crate) const TTL_SECONDS: RangeInclusive<u32> = 60..=2_592_000;
pub(crate) const RESTORES: RangeInclusive<u32> = 1..=600;

/// Checks everything, and gives the compiled patterns.
///
/// # Errors
/// All faults.
pub(crate) fn check(raw: &Raw, types: &[TypeInfo<'_>]) -> Result<Vec<Compiled>, PolicyError> {
    let mut faults = Faults::default();
    let newer = "this program knows version 1 of policies: write `\"v\": 1`, or use a newer program";
    faults.unless(raw.v == 1, || "v".to_owned(), newer);
    countries(raw.countries.as_deref().unwrap_or_default(), &mut faults);
    type_rules(raw, types, &mut faults);
    raw.terms.iter().enumerate().for_each(|(n, one)| term(n, one, &mut faults));
    let compiled = raw.patterns.iter().enumerate().map(|(n, one)| a_pattern(n, one, &mut faults)).collect();
    counts(raw, &mut faults);
    ids(raw, &mut faults);
    texts("people", raw.people.as_deref(), WORD_CHARS, &mut faults);
    texts("addresses", raw.addresses.as_deref(), ADDRESS_CHARS, &mut faults);
    if let Some(allowed) = &raw.allow {
        allow_list(allowed, types, &mut faults);
    }
    tokens(raw.tokens, &mut faults);
    let compiled: Option<Vec<Compiled>> = compiled;
    match compiled.filter(|_| faults.is_empty()) {
        Some(compiled) => {
            greedy(raw, &compiled, &mut faults)?;
            faults.end().map(|()| compiled)
        }
        None => faults.end().map(|()| Vec::new()),
    }
}

fn counts(raw: &Raw, faults: &mut Faults) {
    let lists = [("terms", raw.terms.len(), TERMS_MAX), ("patterns", raw.patterns.len(), PATTERNS_MAX)];
    for (path, count, most) in lists {
        if count > most {
            faults.add(path, format!("there are {count}, {most} are the most: put words into one term"));
        }
    }
}

fn countries(codes: &[String], faults: &mut Faults) {
    for (n, code) in codes.iter().enumerate() {
        if let Some(what) = country::fault(code) {
            faults.add(format!("countries[{n}]"), what);
        }
    }
}

/// Every name that `types` may have, `*` aside.
fn names<'a>(types: &'a [TypeInfo<'a>]) -> impl Iterator<Item = &'a str> {
    types.iter().map(|one| one.id).chain(GROUPS).chain([KNOWN_PERSON, KNOWN_ADDRESS])
}

fn type_rules(raw: &Raw, types: &[TypeInfo<'_>], faults: &mut Faults) {
    for (name, rule) in &raw.types {
        let path = format!("types.{}", shown(name));
        if name == CUSTOM {
            faults.add(&path, "terms and patterns have an action each: set it there");
        } else if name != "*" && !names(types).any(|known| known == name) {
            faults.add(&path, unknown(name, names(types)));
        }
        if let Some(threshold) = rule.threshold {
            let wrong = "use a score from 0.05 (finds more) to 0.99 (finds less); 0.5 is the default";
            faults.unless(THRESHOLD.contains(&threshold), || format!("{path}.threshold"), wrong);
        }
        tokenized(rule.action, rule.direction, || format!("{path}.action"), faults);
    }
    secrets(raw, types, faults);
}

fn unknown<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> String {
    let near: Vec<_> = near_misses(name, names).into_iter().map(|near| format!("`{near}`")).collect();
    let remedy = if near.is_empty() {
        "`countersign ops policy --check` without a file lists all of them".to_owned()
    } else {
        format!("did you mean {}?", near.join(" or "))
    };
    format!("there is no type or group of this name: {remedy}")
}

/// A token stands for what the caller sent: nothing that only a model said has anybody to be given back to.
fn tokenized(
    action: Action,
    direction: Option<Direction>,
    path: impl FnOnce() -> String,
    faults: &mut Faults,
) {
    let pointless = action == Action::Tokenize && direction == Some(Direction::Answer);
    let what = "`tokenize` keeps a value for its sender, and an answer's values have none: use `redact`, `hash` or `mask`, or \
                the direction `request`";
    faults.unless(!pointless, path, what);
}

/// A secret that is kept for days is one more place to steal it from.
fn secrets(raw: &Raw, types: &[TypeInfo<'_>], faults: &mut Faults) {
    let secrets = types.iter().filter(|one| one.group == "secret").map(|one| one.id).chain(["secret"]);
    let deciding = secrets.filter_map(|id| pick(&raw.types, &Kind::detector(id, "secret").chain));
    let deciding = deciding.filter(|(_, rule)| rule.action == Action::Tokenize).map(|(name, _)| name);
    for name in deciding.collect::<BTreeSet<_>>() {
        let what = "`tokenize` would keep secrets beyond the request: give `secret` an action of its own, such as `redact`";
        faults.add(format!("types.{}.action", shown(name)), what);
    }
}

fn term(n: usize, term: &Term, faults: &mut Faults) {
    let path = format!("terms[{n}]");
    id(&path, &term.id, faults);
    label(&path, term.label.as_deref(), faults);
    faults.unless(!term.words.is_empty(), || format!("{path}.words"), "a term has at least one word");
    texts(&format!("{path}.words"), Some(&term.words), WORD_CHARS, faults);
    tokenized(term.action, term.direction, || format!("{path}.action"), faults);
}

fn a_pattern(n: usize, one: &Pattern, faults: &mut Faults) -> Option<Compiled> {
    let path = format!("patterns[{n}]");
    id(&path, &one.id, faults);
    label(&path, one.label.as_deref(), faults);
    tokenized(one.action, one.direction, || format!("{path}.action"), faults);
    let examples = (1..=EXAMPLES_MAX).contains(&one.examples.len());
    faults.unless(
        examples,
        || format!("{path}.examples"),
        "give 1 to 20 texts in which the pattern is found",
    );
    let compiled = match pattern::compile(&one.pattern) {
        Ok(compiled) => compiled,
        Err(what) => {
            faults.add(format!("{path}.pattern"), what);
            return None;
        }
    };
    for (at, example) in one.examples.iter().enumerate() {
        let found = example.len() <= pattern::LONGEST && compiled.regex.is_match(example);
        let what =
            "the pattern is not found in this example, or it is longer than 512 bytes: mend one of them";
        faults.unless(found, || format!("{path}.examples[{at}]"), what);
    }
    Some(compiled)
}

fn id(path: &str, id: &str, faults: &mut Faults) {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let fits = (1..=32).contains(&id.len())
        && id.bytes().all(plain)
        && id.starts_with(|c: char| c.is_ascii_lowercase());
    let what = "use 1 to 32 characters of a-z, 0-9 and `_`, a letter first: records name findings by it";
    faults.unless(fits, || format!("{path}.id"), what);
}

fn label(path: &str, label: Option<&str>, faults: &mut Faults) {
    let fits = |label: &str| {
        (1..=16).contains(&label.len()) && label.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
    };
    let what = "use 1 to 16 characters of A-Z and `_`: placeholders show it";
    faults.unless(label.is_none_or(fits), || format!("{path}.label"), what);
}

/// Terms and patterns share one space of ids: records do not say which of them it was.
fn ids(raw: &Raw, faults: &mut Faults) {
    let terms = raw.terms.iter().enumerate().map(|(n, term)| (format!("terms[{n}].id"), &term.id));
    let patterns = raw.patterns.iter().enumerate().map(|(n, one)| (format!("patterns[{n}].id"), &one.id));
    let mut taken = BTreeMap::new();
    for (path, id) in terms.chain(patterns) {
        if let Some(first) = taken.insert(id, path.clone()) {
            faults.add(path, format!("the id stands at `{first}` already: choose another"));
        }
    }
}

fn texts(path: &str, list: Option<&[String]>, chars: RangeInclusive<usize>, faults: &mut Faults) {
    for (n, text) in list.unwrap_or_default().iter().enumerate() {
        let fits = chars.contains(&text.chars().count())
            && text.trim() == text
            && !text.contains(char::is_control)
            && text.contains(char::is_alphanumeric);
        if !fits {
            let (least, most) = (chars.start(), chars.end());
            let what = format!(
                "use {least} to {most} characters, with a letter or digit among them, no space at either end and no control \
                 characters"
            );
            faults.add(format!("{path}[{n}]"), what);
        }
    }
}

fn allow_list(list: &Allow, types: &[TypeInfo<'_>], faults: &mut Faults) {
    for (n, value) in list.values.iter().enumerate() {
        let what = "use 1 to 512 bytes: the value exactly as it is found";
        faults.unless(VALUE_BYTES.contains(&value.len()), || format!("allow.values[{n}]"), what);
    }
    for (n, domain) in list.domains.iter().enumerate() {
        let what = "use a domain of at least two labels in lower case, such as `example.com`, or `*.example.com` for what is \
                    below it";
        faults.unless(allow::is_domain(domain), || format!("allow.domains[{n}]"), what);
    }
    for (n, name) in list.types.iter().flatten().enumerate() {
        if name != CUSTOM && !names(types).any(|known| known == name) {
            faults.add(format!("allow.types[{n}]"), unknown(name, names(types).chain([CUSTOM])));
        }
    }
}

fn tokens(tokens: Tokens, faults: &mut Faults) {
    let ttl = tokens.ttl_seconds.is_none_or(|seconds| TTL_SECONDS.contains(&seconds));
    faults.unless(ttl, || "tokens.ttl_seconds".to_owned(), "use 60 to 2592000 seconds, which are 30 days");
    let rate = tokens.restores_per_minute.is_none_or(|rate| RESTORES.contains(&rate));
    faults.unless(rate, || "tokens.restores_per_minute".to_owned(), "use 1 to 600");
}

/// Runs terms and patterns over an ordinary text.
fn greedy(raw: &Raw, compiled: &[Compiled], faults: &mut Faults) -> Result<(), PolicyError> {
    let terms = raw.terms.iter().map(|term| Source::words(&term.words, term.whole_word, term.case_sensitive));
    let rules: Vec<_> = terms.chain(compiled.iter().map(Source::Pattern)).enumerate().collect();
    for (rule, what) in ordinary::too_greedy(rules)? {
        let path = match rule.checked_sub(raw.terms.len()) {
            None => format!("terms[{rule}].words"),
            Some(n) => format!("patterns[{n}].pattern"),
        };
        faults.add(path, what);
    }
    Ok(())
}
