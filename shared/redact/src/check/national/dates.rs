//! Dates of birth. Any plausible date passes: that it is one of birth, only the words around it can say.

use super::Check;
use super::common::{is_date, is_short_date};

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("date_day_first", |text| with_year_last(&numbers(text))),
    ("date_year_first", |text| with_year_first(&numbers(text))),
    ("date_compact", |text| with_year_first(&numbers(text)) || with_year_last(&numbers(text))),
    ("date_short_year", |text| with_short_year(&numbers(text))),
    ("date_month_name", has_month_name),
];

/// Nobody alive was born before; later ones are dates of events.
const YEARS: core::ops::RangeInclusive<u32> = 1900..=2035;

fn is_birthday(year: u32, month: u32, day: u32) -> bool {
    YEARS.contains(&year) && is_date(year, month, day)
}

/// The digits of the text, whatever stands between them.
fn numbers(text: &[u8]) -> Vec<u32> {
    text.iter().filter(|byte| byte.is_ascii_digit()).map(|byte| u32::from(byte - b'0')).collect()
}

fn value(digits: &[u32]) -> u32 {
    digits.iter().fold(0, |value: u32, digit| value.saturating_mul(10).saturating_add(*digit))
}

/// Day and month in either order, each of one or two digits, then the year.
fn with_year_last(digits: &[u32]) -> bool {
    let Some(at) = digits.len().checked_sub(4).filter(|at| (2..=4).contains(at)) else { return false };
    let (head, year) = digits.split_at(at);
    let either = |split: usize| {
        let (first, second) = head.split_at(split);
        let fits = (1..=2).contains(&first.len()) && (1..=2).contains(&second.len());
        let (first, second, year) = (value(first), value(second), value(year));
        fits && (is_birthday(year, second, first) || is_birthday(year, first, second))
    };
    either(1) || either(2.min(head.len()))
}

/// Year, month, day; what follows (a time of day) is not looked at.
fn with_year_first(digits: &[u32]) -> bool {
    let [a, b, c, d, m, n, e, f, ..] = digits else { return false };
    is_birthday(value(&[*a, *b, *c, *d]), m * 10 + n, e * 10 + f)
}

/// Six digits in any of the usual orders.
fn with_short_year(digits: &[u32]) -> bool {
    let [a, b, c, d, e, f] = digits else { return false };
    let (first, second, third) = (a * 10 + b, c * 10 + d, e * 10 + f);
    is_short_date(third, second, first)
        || is_short_date(third, first, second)
        || is_short_date(first, second, third)
}

/// Names and abbreviations of months in English, German, French, Spanish, Italian, Portuguese and Dutch, as far as
/// they are ASCII; those of one month in a row.
const MONTHS: [&str; 12] = [
    "JAN JANUARY JANUAR JANVIER JANV ENERO ENE GENNAIO GEN JANEIRO JANUARI",
    "FEB FEBRUARY FEBRUAR FEVRIER FEVR FEBRERO FEBBRAIO FEVEREIRO FEV FEBRUARI",
    "MAR MARCH MARS MARZO MARCO MAART MRT",
    "APR APRIL AVRIL AVR ABRIL ABR APRILE",
    "MAY MAI MAYO MAGGIO MAG MAIO MEI",
    "JUN JUNE JUNI JUIN JUNIO GIUGNO GIU JUNHO",
    "JUL JULY JULI JUILLET JUIL JULIO LUGLIO LUG JULHO",
    "AUG AUGUST AOUT AGOSTO AGO AUGUSTUS",
    "SEP SEPT SEPTEMBER SEPTEMBRE SEPTIEMBRE SETTEMBRE SET SETEMBRO",
    "OCT OCTOBER OKTOBER OKT OCTOBRE OCTUBRE OTTOBRE OTT OUTUBRO OUT",
    "NOV NOVEMBER NOVEMBRE NOVIEMBRE NOVEMBRO",
    "DEC DECEMBER DEZEMBER DEZ DECEMBRE DICIEMBRE DIC DICEMBRE DEZEMBRO",
];

/// A day, a month's name and a year of four digits, the day before or behind the name, with or without "de".
fn has_month_name(text: &[u8]) -> bool {
    let ordinal = |piece: &&[u8]| {
        matches!(
            piece,
            [b's' | b'S', b't' | b'T']
                | [b'n' | b'N' | b'r' | b'R', b'd' | b'D']
                | [b't' | b'T', b'h' | b'H']
        )
    };
    let mut pieces = pieces(text);
    pieces.retain(|piece| !ordinal(piece));
    match pieces.as_slice() {
        [name, rest] => {
            // Without separators the day and the year behind a name are one number.
            let split = rest.len().checked_sub(4).and_then(|at| rest.split_at_checked(at));
            split.is_some_and(|(day, year)| is_named_day(day, name, year))
        }
        [first, second, year] if second.iter().all(u8::is_ascii_digit) => is_named_day(second, first, year),
        [day, name, year] => is_named_day(day, name, year),
        [day, _, name, _, year] => is_named_day(day, name, year),
        _ => false,
    }
}

fn is_named_day(day: &[u8], name: &[u8], year: &[u8]) -> bool {
    let (day, year) = (numbers(day), numbers(year));
    let bare = name.strip_prefix(b"DE").and_then(|name| name.strip_suffix(b"DE"));
    let Some(month) = month_of(name).or_else(|| month_of(bare?)) else { return false };
    (1..=2).contains(&day.len()) && year.len() == 4 && is_birthday(value(&year), month, value(&day))
}

fn month_of(name: &[u8]) -> Option<u32> {
    let is_name = |row: &&str| row.split(' ').any(|known| known.as_bytes().eq_ignore_ascii_case(name));
    MONTHS.iter().position(is_name).and_then(|at| u32::try_from(at + 1).ok())
}

/// Runs of digits, and runs of letters; everything else separates.
fn pieces(text: &[u8]) -> Vec<&[u8]> {
    let same = |left: &u8, right: &u8| {
        (left.is_ascii_digit() && right.is_ascii_digit())
            || (left.is_ascii_alphabetic() && right.is_ascii_alphabetic())
    };
    text.chunk_by(same).filter(|run| run.iter().all(u8::is_ascii_alphanumeric)).collect()
}
