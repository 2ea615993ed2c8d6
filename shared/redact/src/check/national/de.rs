//! Germany.

use super::Check;
use super::common::{
    digits, is_mod_11_10, letter_digits, mod_731, pair, value36, values36, weighted, weighted_digit_sums,
};

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("de_idnr", is_idnr),
    ("de_w_idnr", is_w_idnr),
    ("de_rvnr", is_rvnr),
    ("de_kvnr", is_kvnr),
    ("de_id_card", |text| is_checked_document(text, ID_CARD)),
    ("de_id_card_serial", |text| is_serial(text, ID_CARD)),
    ("de_passport", |text| is_checked_document(text, PASSPORT)),
    ("de_passport_serial", |text| is_serial(text, PASSPORT)),
    ("de_lanr", is_lanr),
    ("de_register", is_register),
];

/// Steuerliche Identifikationsnummer: one digit of the first ten occurs twice or three times, every other at most
/// once; three times never in a row.
fn is_idnr(text: &[u8]) -> bool {
    let Some(digits) = digits::<11>(text) else { return false };
    let head = &digits[..10];
    let count = |value: u8| head.iter().filter(|digit| **digit == value).count();
    let repeated = (0..10).map(count).filter(|count| *count > 1).collect::<Vec<usize>>();
    let in_a_row = head.windows(3).any(|three| matches!(three, [a, b, c] if a == b && b == c));
    digits[0] != 0 && matches!(repeated.as_slice(), [2 | 3]) && !in_a_row && is_mod_11_10(&digits)
}

/// Wirtschafts-Identifikationsnummer: as the VAT number, and five digits for the kind of business.
fn is_w_idnr(text: &[u8]) -> bool {
    let parts = text.strip_prefix(b"DE").and_then(|text| text.split_at_checked(9));
    parts.is_some_and(|(number, kind)| is_ust(number) && digits::<5>(kind).is_some())
}

/// Umsatzsteuer-Identifikationsnummer without its prefix.
pub(super) fn is_ust(text: &[u8]) -> bool {
    digits::<9>(text).is_some_and(|digits| digits[0] != 0 && is_mod_11_10(&digits))
}

/// Pension insurance: area, date of birth, initial, serial, check digit. The day and month are only bounded: 00
/// stands for an unknown one.
fn is_rvnr(text: &[u8]) -> bool {
    let Some((head, tail)) = text.split_at_checked(8) else { return false };
    let (Some(head), Some((letter, tail))) = (digits::<8>(head), letter_digits::<3>(tail)) else {
        return false;
    };
    let [area, zone, d, e, m, n, y, z] = head;
    let initial = letter - b'A' + 1;
    let [serial, low, check] = tail;
    let values = [area, zone, d, e, m, n, y, z, initial / 10, initial % 10, serial, low];
    let sum = weighted_digit_sums(&values, &[2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1]);
    pair(d, e) <= 31 && pair(m, n) <= 12 && sum % 10 == u32::from(check)
}

/// Health insurance: a letter, eight digits, check digit.
fn is_kvnr(text: &[u8]) -> bool {
    let Some((letter, [a, b, c, d, e, f, g, h, check])) = letter_digits::<9>(text) else { return false };
    let initial = letter - b'A' + 1;
    let values = [initial / 10, initial % 10, a, b, c, d, e, f, g, h];
    weighted_digit_sums(&values, &[1, 2, 1, 2, 1, 2, 1, 2, 1, 2]) % 10 == u32::from(check)
}

/// Letters that begin the serial of an identity card, and of a passport.
const ID_CARD: &[u8] = b"LMNPRTVWXY";
const PASSPORT: &[u8] = b"CFGHJK";
/// No vowels and no letters that look like digits or each other.
const SERIAL: &[u8] = b"0123456789CFGHJKLMNPRTVWXYZ";

/// The nine characters of a serial, at least one a digit.
fn is_serial(text: &[u8], first: &[u8]) -> bool {
    text.len() == 9
        && text.first().is_some_and(|letter| first.contains(letter))
        && text.iter().all(|byte| SERIAL.contains(byte))
        && text.iter().any(u8::is_ascii_digit)
}

/// A serial and its check digit, as in the machine-readable zone.
fn is_checked_document(text: &[u8], first: &[u8]) -> bool {
    let Some((check, serial)) = text.split_last() else { return false };
    let values = values36::<9>(serial).map(|values| mod_731(&values));
    is_serial(serial, first) && check.is_ascii_digit() && values == value36(*check).map(u32::from)
}

/// Physicians of the statutory system: the seventh digit checks six; two more say the specialty.
fn is_lanr(text: &[u8]) -> bool {
    let Some(digits) = digits::<9>(text) else { return false };
    let sum = weighted(&digits[..6], &[4, 9, 4, 9, 4, 9]);
    (10 - sum % 10) % 10 == u32::from(digits[6])
}

/// Commercial register: HRA or HRB and a number.
fn is_register(text: &[u8]) -> bool {
    let number = text.strip_prefix(b"HRA").or_else(|| text.strip_prefix(b"HRB"));
    number.is_some_and(|number| (1..=6).contains(&number.len()) && number.iter().all(u8::is_ascii_digit))
}
