//! Patterns of administrators: linear by construction, bounded in size and in what one match may take, and refused with the
//! reason.
//!
//! A pattern has a longest match, so that a stream can hold back enough to find it; it matches no empty text; it compiles
//! to little. The worst case stays linear: a byte costs at most as many steps as the compiled pattern has states.

use super::document::Compiled;
use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use regex_syntax::hir::Hir;

/// The most bytes that one match may have.
pub(crate) const LONGEST: usize = 512;
/// Bytes that one compiled pattern may take, and its lazy automaton.
pub(crate) const EACH: usize = 256 << 10;
/// Bytes that all patterns of a document may take together.
pub(crate) const ALL: usize = 2 << 20;
const NEST: u32 = 32;
/// The group that is the span, where a pattern has one.
pub(crate) const SPAN: &str = "v";

/// Compiles one pattern.
///
/// # Errors
/// Why it is refused, and what to do: never the pattern itself.
pub(crate) fn compile(pattern: &str) -> Result<Compiled, String> {
    let hir = parse(pattern)?;
    let longest = measured(&hir)?;
    let regex = RegexBuilder::new(pattern).size_limit(EACH).dfa_size_limit(EACH).nest_limit(NEST).build();
    let regex = regex.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => format!(
            "too costly: it compiles to more than {} KiB. Lower the counts in {{m,n}}; \\w, \\d, \\s and (?i) stand for \
             all scripts, and [A-Za-z0-9_] or [0-9] take much less",
            EACH >> 10
        ),
        _ => "it does not compile".to_owned(),
    })?;
    Ok(Compiled { regex, longest })
}

fn parse(pattern: &str) -> Result<Hir, String> {
    let parsed = regex_syntax::ParserBuilder::new().nest_limit(NEST).build().parse(pattern);
    parsed.map_err(|error| {
        let (kind, at) = match &error {
            regex_syntax::Error::Parse(error) => (error.kind().to_string(), error.span().start.offset),
            regex_syntax::Error::Translate(error) => (error.kind().to_string(), error.span().start.offset),
            _ => return "it is no regular expression".to_owned(),
        };
        format!("no pattern of the regex crate: {kind}, at byte {at}")
    })
}

fn measured(hir: &Hir) -> Result<usize, String> {
    let (least, most) = (hir.properties().minimum_len(), hir.properties().maximum_len());
    match (least, most) {
        (None, _) => Err("it can match nothing at all".to_owned()),
        (Some(0), _) => Err("it matches the empty text: make at least one part required".to_owned()),
        (_, None) => Err(format!(
            "it has no longest match: *, + and {{n,}} are unbounded; say how often at most, such as {{1,64}}, up to \
             {LONGEST} bytes in all"
        )),
        (_, Some(most)) if most > LONGEST => Err(format!(
            "one match may have {most} bytes, {LONGEST} are the most: lower the counts in {{m,n}} (a letter of any script \
             counts 4 bytes)"
        )),
        (_, Some(most)) => Ok(most),
    }
}

/// All patterns of a document at once, to learn in one pass which of them a text has.
///
/// # Errors
/// Together they are too costly.
pub(crate) fn set<'a>(patterns: impl Iterator<Item = &'a Regex>) -> Result<RegexSet, String> {
    let set = RegexSetBuilder::new(patterns.map(Regex::as_str));
    let mut set = set;
    let built = set.size_limit(ALL).dfa_size_limit(ALL).nest_limit(NEST).build();
    built.map_err(|_| {
        format!(
            "too costly: together the patterns compile to more than {} MiB. Use fewer, or smaller ones",
            ALL >> 20
        )
    })
}

/// Every span of a pattern in a text.
pub(crate) fn spans(regex: &Regex, text: &str, mut each: impl FnMut(usize, usize)) {
    if !regex.capture_names().flatten().any(|name| name == SPAN) {
        regex.find_iter(text).for_each(|found| each(found.start(), found.end()));
        return;
    }
    for found in regex.captures_iter(text) {
        // A group that took no part, or took nothing, says nothing: the whole match is the span.
        let span = found.name(SPAN).filter(|span| !span.is_empty()).or_else(|| found.get(0));
        if let Some(span) = span {
            each(span.start(), span.end());
        }
    }
}
