//! Arithmetic that the rules of several states share.

/// A date of birth lies in these years. The crate has no clock: the last one is well after its making, and a
/// number that tells a later year is no person's.
pub(super) const BIRTH_YEARS: core::ops::RangeInclusive<u32> = 1800..=2035;

/// Exactly `N` decimal digits, as values 0–9.
pub(super) fn digits<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let bytes: [u8; N] = text.try_into().ok()?;
    bytes.iter().all(u8::is_ascii_digit).then(|| bytes.map(|byte| byte - b'0'))
}

/// The text as one letter and exactly `N` digits.
pub(super) fn letter_digits<const N: usize>(text: &[u8]) -> Option<(u8, [u8; N])> {
    let (letter, rest) = text.split_first()?;
    letter.is_ascii_uppercase().then_some(())?;
    Some((*letter, digits(rest)?))
}

/// The text as exactly `N` digits and one letter.
pub(super) fn digits_letter<const N: usize>(text: &[u8]) -> Option<([u8; N], u8)> {
    let (letter, rest) = text.split_last()?;
    letter.is_ascii_uppercase().then_some(())?;
    Some((digits(rest)?, *letter))
}

/// 0–9 and A–Z as 0–35; nothing else has a value.
pub(super) fn value36(byte: u8) -> Option<u8> {
    let value = char::from(byte).to_digit(36)?;
    u8::try_from(value).ok().filter(|_| !byte.is_ascii_lowercase())
}

/// Exactly `N` digits and letters, as values 0–35.
pub(super) fn values36<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let bytes: [u8; N] = text.try_into().ok()?;
    let values = bytes.map(|byte| value36(byte).unwrap_or(u8::MAX));
    values.iter().all(|value| *value < 36).then_some(values)
}

/// Σ value × weight, to the shorter of the two.
pub(super) fn weighted(values: &[u8], weights: &[u32]) -> u32 {
    values.iter().zip(weights).map(|(value, weight)| u32::from(*value) * weight).sum()
}

/// Σ of the digit sums of value × weight, for weights up to 2 and two-digit products in general.
pub(super) fn weighted_digit_sums(values: &[u8], weights: &[u32]) -> u32 {
    let sum = |(value, weight): (&u8, &u32)| {
        let product = u32::from(*value) * weight;
        product / 10 + product % 10
    };
    values.iter().zip(weights).map(sum).sum()
}

/// Digits as a number. Twenty digits would not fit; callers have at most fifteen.
pub(super) fn number(values: &[u8]) -> u64 {
    values.iter().fold(0, |number: u64, digit| number.saturating_mul(10).saturating_add(u64::from(*digit)))
}

/// Two digits as a number.
pub(super) fn pair(tens: u8, ones: u8) -> u32 {
    u32::from(tens) * 10 + u32::from(ones)
}

/// The entry of a check character table, if `at` is in it.
pub(super) fn is_entry(table: &[u8], at: u64, found: u8) -> bool {
    usize::try_from(at).ok().and_then(|at| table.get(at)) == Some(&found)
}

/// The Baltic rule: weighted sum modulo 11; where that gives 10, once more with other weights, and 10 becomes 0.
pub(super) fn two_pass(values: &[u8], first: &[u32], second: &[u32]) -> u32 {
    match weighted(values, first) % 11 {
        10 => weighted(values, second) % 11 % 10,
        rest => rest,
    }
}

/// ISO/IEC 7064 MOD 11,10 over all digits, the last being the check digit.
pub(super) fn is_mod_11_10(values: &[u8]) -> bool {
    let Some((check, head)) = values.split_last() else { return false };
    let product = head.iter().fold(10, |product, digit| match (product + u32::from(*digit)) % 10 {
        0 => 20 % 11,
        sum => sum * 2 % 11,
    });
    (product + u32::from(*check)) % 10 == 1
}

/// ISO/IEC 7064 MOD 97-10 remainder, letters as 10–35.
pub(super) fn mod_97(values: impl IntoIterator<Item = u8>) -> u32 {
    values.into_iter().fold(0, |rest, value| match value {
        0..=9 => (rest * 10 + u32::from(value)) % 97,
        _ => (rest * 100 + u32::from(value)) % 97,
    })
}

/// Weights 7, 3, 1 repeated, modulo 10: the check digit of ICAO Doc 9303 part 3 section 4.9.
pub(super) fn mod_731(values: &[u8]) -> u32 {
    let weights = [7, 3, 1].into_iter().cycle();
    values.iter().zip(weights).map(|(value, weight)| u32::from(*value) * weight).sum::<u32>() % 10
}

/// A day of the Gregorian calendar.
pub(super) fn is_date(year: u32, month: u32, day: u32) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// A date on which somebody can have been born.
pub(super) fn is_birth(year: u32, month: u32, day: u32) -> bool {
    BIRTH_YEARS.contains(&year) && is_date(year, month, day)
}

/// A date with a two-digit year, in some century.
pub(super) fn is_short_date(year: u32, month: u32, day: u32) -> bool {
    is_date(1900 + year, month, day) || is_date(2000 + year, month, day)
}

/// Six digits YYMMDD in some century.
pub(super) fn is_yymmdd(values: &[u8]) -> bool {
    match values {
        [y, z, m, n, d, e] => is_short_date(pair(*y, *z), pair(*m, *n), pair(*d, *e)),
        _ => false,
    }
}

/// Six digits DDMMYY in some century.
pub(super) fn is_ddmmyy(values: &[u8]) -> bool {
    match values {
        [d, e, m, n, y, z] => is_short_date(pair(*y, *z), pair(*m, *n), pair(*d, *e)),
        _ => false,
    }
}

/// Any digit but zero in it?
pub(super) fn any(values: &[u8]) -> bool {
    values.iter().any(|value| *value != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_know_their_months() {
        assert!(is_date(2000, 2, 29) && is_date(2024, 2, 29) && is_date(1999, 12, 31));
        assert!(!is_date(1900, 2, 29) && !is_date(2023, 2, 29) && !is_date(2023, 4, 31));
        assert!(!is_date(2023, 0, 1) && !is_date(2023, 13, 1) && !is_date(2023, 1, 0));
        assert!(is_yymmdd(&[0, 0, 0, 2, 2, 9]), "29 February 2000");
        assert!(!is_birth(2036, 1, 1) && is_birth(2035, 12, 31));
    }

    #[test]
    fn values_are_of_digits_and_capitals_only() {
        assert_eq!(value36(b'Z'), Some(35));
        assert_eq!(value36(b'z'), None);
        assert_eq!(value36(b'-'), None);
        assert_eq!(digits::<2>(b"1A"), None);
        assert_eq!(digits::<2>(b"123"), None);
    }

    #[test]
    fn iso_7064_gives_the_remainders_of_its_examples() {
        assert!(is_mod_11_10(&[0, 7, 9, 4, 5]), "ISO/IEC 7064 section 9.2");
        assert_eq!(mod_97([7, 9, 4, 4, 4]), 1, "ISO/IEC 7064 MOD 97-10 of 794, check characters 44");
    }
}
