//! The United States.

use super::Check;
use super::common::{any, digits, pair, weighted};
use crate::check::luhn;

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("us_ssn", is_ssn),
    ("us_itin", is_itin),
    ("us_atin", is_atin),
    ("us_ein", is_ein),
    ("us_ptin", is_ptin),
    ("us_aba", is_aba),
    ("us_npi", is_npi),
    ("us_dea", is_dea),
    ("us_mbi", is_mbi),
];

/// Area, group and serial that the SSA can have issued (randomised since 2011, so 8xx is valid).
fn is_ssn(text: &[u8]) -> bool {
    let Some([a, b, c, d, e, serial @ ..]) = digits::<9>(text) else { return false };
    let area = [a, b, c];
    any(&area) && area != [6, 6, 6] && a != 9 && any(&[d, e]) && any(&serial)
}

/// Individual taxpayers without an SSN: area 9xx and the groups the IRS gives.
fn is_itin(text: &[u8]) -> bool {
    let Some([9, _, _, d, e, ..]) = digits::<9>(text) else { return false };
    matches!(pair(d, e), 50..=65 | 70..=88 | 90..=92 | 94..=99)
}

/// Children in adoption: area 9xx, group 93.
fn is_atin(text: &[u8]) -> bool {
    matches!(digits::<9>(text), Some([9, _, _, 9, 3, ..]))
}

/// Employers: no campus of the IRS gives these prefixes.
fn is_ein(text: &[u8]) -> bool {
    let Some([a, b, ..]) = digits::<9>(text) else { return false };
    !matches!(pair(a, b), 0 | 7..=9 | 17..=19 | 28 | 29 | 49 | 69 | 70 | 78 | 79 | 89 | 96 | 97)
}

/// Tax preparers: P and eight digits.
fn is_ptin(text: &[u8]) -> bool {
    text.strip_prefix(b"P").and_then(digits::<8>).is_some()
}

/// Routing number of a bank: Federal Reserve district first, weights 3, 7, 1.
fn is_aba(text: &[u8]) -> bool {
    let Some(digits) = digits::<9>(text) else { return false };
    let district = matches!(pair(digits[0], digits[1]), 0..=12 | 21..=32 | 61..=72 | 80);
    any(&digits) && district && weighted(&digits, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)
}

/// Health care providers: Luhn with 80840, the prefix of health cards of the United States, before it.
fn is_npi(text: &[u8]) -> bool {
    let Some(digits) = digits::<10>(text) else { return false };
    let whole = [&[8, 0, 8, 4, 0], digits.as_slice()].concat();
    matches!(digits[0], 1 | 2) && luhn(&whole)
}

/// Prescribers: a letter of the kind of registrant, the initial of the name or 9, seven digits.
fn is_dea(text: &[u8]) -> bool {
    let Some(([kind, initial], rest)) = text.split_first_chunk() else { return false };
    let Some([a, b, c, d, e, f, check]) = digits::<7>(rest) else { return false };
    let known = b"ABCDEFGHJKLMPRSTUX".contains(kind) && (initial.is_ascii_uppercase() || *initial == b'9');
    known && weighted(&[a, b, c, d, e, f], &[1, 2, 1, 2, 1, 2]) % 10 == u32::from(check)
}

/// Medicare beneficiaries: eleven places, each with its kind of character; no S, L, O, I, B, Z.
fn is_mbi(text: &[u8]) -> bool {
    let letter = |byte: u8| byte.is_ascii_uppercase() && !b"SLOIBZ".contains(&byte);
    let fits = |(byte, kind): (&u8, &u8)| match kind {
        b'C' => (b'1'..=b'9').contains(byte),
        b'A' => letter(*byte),
        b'X' => letter(*byte) || byte.is_ascii_digit(),
        _ => byte.is_ascii_digit(),
    };
    text.len() == 11 && text.iter().zip(b"CAXNAXNAANN").all(fits)
}
