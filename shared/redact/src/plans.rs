//! Numbering plans: whether a number can be one in a country.

use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

use regex::{Regex, RegexBuilder};

use crate::detector::Country;

/// `data/phones.txt`.
const PLANS: &str = include_str!("../data/phones.txt");
/// Tried when the tenant names no countries: those of the regions that Countersign serves, the most frequent first.
const USUAL: [&str; 15] =
    ["US", "CA", "IL", "GB", "DE", "FR", "ES", "IT", "NL", "PL", "BE", "CH", "AT", "SE", "IE"];

struct Plan {
    code: &'static str,
    /// What is dialled before a number within the country, and not from abroad.
    prefix: &'static str,
    pattern: &'static str,
    regex: OnceLock<Option<Regex>>,
}

impl Plan {
    /// As an expression; North America's may be left out.
    fn optional_prefix(&self) -> String {
        if self.prefix == "1" { "1?".to_owned() } else { self.prefix.to_owned() }
    }

    fn has(&self, national: &str) -> bool {
        let compile = || compiled(self.pattern);
        self.regex.get_or_init(compile).as_ref().is_some_and(|regex| regex.is_match(national))
    }
}

#[derive(Default)]
struct Plans {
    /// In order.
    codes: Vec<&'static str>,
    by_country: BTreeMap<Country, Plan>,
    /// All usual countries' numbers as dialled, in one expression.
    usual: OnceLock<Option<Regex>>,
}

fn plans() -> &'static Plans {
    static LOADED: LazyLock<Plans> = LazyLock::new(load);
    &LOADED
}

fn load() -> Plans {
    let mut plans = Plans::default();
    for line in PLANS.lines().filter(|line| !line.starts_with('#')) {
        match line.strip_prefix("codes ") {
            Some(codes) => plans.codes = sorted(codes.split(' ')),
            None => drop(plan(line).map(|(country, plan)| plans.by_country.insert(country, plan))),
        }
    }
    plans
}

fn sorted(codes: core::str::Split<'static, char>) -> Vec<&'static str> {
    let mut codes: Vec<_> = codes.collect();
    codes.sort_unstable();
    codes
}

fn plan(line: &'static str) -> Option<(Country, Plan)> {
    let mut parts = line.splitn(4, ' ');
    let country = parts.next()?.parse().ok()?;
    let (code, prefix, pattern) = (parts.next()?, parts.next()?, parts.next()?);
    let prefix = if prefix == "-" { "" } else { prefix };
    Some((country, Plan { code, prefix, pattern, regex: OnceLock::new() }))
}

/// The length of the calling code that these digits begin with (ITU-T E.164: one to three digits, none a beginning of
/// another).
pub(crate) fn calling_code(digits: &str) -> Option<usize> {
    let known =
        |length: &usize| digits.get(..*length).is_some_and(|code| plans().codes.binary_search(&code).is_ok());
    (1..=3).find(known)
}

/// Whether these digits, as dialled within a country, can be a number of one of the countries, or of the usual ones.
pub(crate) fn is_national(digits: &str, countries: &[Country]) -> bool {
    let plans = plans();
    let in_one = |country: &Country| plans.by_country.get(country).is_some_and(|plan| dialled(plan, digits));
    countries.iter().any(in_one) || plans.is_usual(digits)
}

impl Plans {
    fn is_usual(&self, digits: &str) -> bool {
        self.usual.get_or_init(|| self.all_usual()).as_ref().is_some_and(|regex| regex.is_match(digits))
    }

    fn all_usual(&self) -> Option<Regex> {
        let countries = USUAL.iter().filter_map(|id| id.parse::<Country>().ok());
        let plans = countries.filter_map(|country| self.by_country.get(&country));
        let all: Vec<String> =
            plans.map(|plan| format!("{}(?:{})", plan.optional_prefix(), plan.pattern)).collect();
        compiled(&all.join("|"))
    }
}

/// An expression for whole numbers. The digits of other scripts are none here: with them it would be twenty times as large.
fn compiled(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(&format!("^(?:{pattern})$")).unicode(false).build().ok()
}

/// With the national prefix, or without it where there is none or it may be left out (as in North America).
fn dialled(plan: &Plan, digits: &str) -> bool {
    let national = match plan.prefix {
        "" => Some(digits),
        "1" => Some(digits.strip_prefix('1').unwrap_or(digits)),
        prefix => digits.strip_prefix(prefix),
    };
    national.is_some_and(|national| plan.has(national))
}

/// Whether these digits, calling code included, can be a number somewhere; a country whose plan is not there has none
/// that are wrong.
pub(crate) fn is_international(digits: &str) -> bool {
    let Some(length) = calling_code(digits) else { return false };
    let (code, national) = digits.split_at_checked(length).unwrap_or((digits, ""));
    // A national prefix is written in parentheses by those who do not know better: +41 (0)44.
    let stripped = national.strip_prefix('0').unwrap_or(national);
    let mut of_code = plans().by_country.values().filter(|plan| plan.code == code).peekable();
    of_code.peek().is_none() || of_code.any(|plan| plan.has(national) || plan.has(stripped))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plan_compiles_and_knows_its_country() {
        assert!(plans().by_country.values().all(|plan| Regex::new(plan.pattern).is_ok()));
        assert!(USUAL.iter().all(|country| plans().by_country.contains_key(&country.parse().unwrap())));
        assert!(plans().all_usual().is_some());
        assert_eq!(plans().by_country.len(), 45);
    }

    #[test]
    fn numbers_are_of_their_country() {
        let il = ["IL".parse().unwrap()];
        assert!(is_national("0541234567", &il) || is_national("0501234567", &il));
        assert!(is_national("2125550187", &[]));
        assert!(is_international("41446681800"));
        assert!(is_international("410446681800"));
        assert!(!is_international("999123456"));
        assert_eq!(calling_code("972501234567"), Some(3));
    }
}
