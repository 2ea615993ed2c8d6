//! Austria, Belgium, Ireland, Luxembourg, the Netherlands.

use super::Check;
use super::common::{
    BIRTH_YEARS, any, digits, digits_letter, is_birth, is_entry, mod_97, number, pair, value36, weighted,
    weighted_digit_sums,
};
use crate::check::luhn;

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("at_svnr", is_at_svnr),
    ("at_tin", is_at_tin),
    ("be_nn", is_be_nn),
    ("be_bis", is_be_bis),
    ("be_enterprise", is_be_enterprise),
    ("be_eid", is_be_eid),
    ("ie_pps", is_ie_pps),
    ("lu_matricule", is_lu_matricule),
    ("nl_bsn", is_nl_bsn),
    ("nl_education", is_nl_education),
    ("nl_document", is_nl_document),
];

/// Social insurance: serial from 100, check digit, DDMMYY. Where the serials of a day are used up, or the day is
/// unknown, the month is 13 to 15.
fn is_at_svnr(text: &[u8]) -> bool {
    let Some(digits) = digits::<10>(text) else { return false };
    let [serial, _, _, check, d, e, m, n, _, _] = digits;
    let dated = (1..=31).contains(&pair(d, e)) && (1..=15).contains(&pair(m, n));
    let sum = weighted(&digits, &[3, 7, 9, 0, 5, 8, 4, 2, 1, 6]);
    serial != 0 && dated && sum % 11 == u32::from(check)
}

/// Abgabenkontonummer. Which tax offices exist is not asked: the list changes.
fn is_at_tin(text: &[u8]) -> bool {
    digits::<9>(text).is_some_and(|digits| any(&digits) && luhn(&digits))
}

/// VAT number without its prefix: U and eight digits.
pub(super) fn is_at_uid(text: &[u8]) -> bool {
    let Some(digits) = text.strip_prefix(b"U").and_then(digits::<8>) else { return false };
    let sum = weighted_digit_sums(&digits[..7], &[1, 2, 1, 2, 1, 2, 1]);
    (sum + 4 + u32::from(digits[7])).is_multiple_of(10)
}

/// National register: YYMMDD, counter, check. The month is 00 where the birthday is unknown, and days beyond the
/// month's are given too, so only the month is asked.
fn is_be_nn(text: &[u8]) -> bool {
    is_be_register(text, |month| month <= 12)
}

/// As the national register, for those who are not in it: the month is 20 more, or 40 where the sex is known.
fn is_be_bis(text: &[u8]) -> bool {
    is_be_register(text, |month| matches!(month, 20..=32 | 40..=52))
}

fn is_be_register(text: &[u8], dated: fn(u32) -> bool) -> bool {
    let Some(digits) = digits::<11>(text) else { return false };
    let [y, z, m, n, ..] = digits;
    let (head, check) = (number(&digits[..9]), number(&digits[9..]));
    // From 2000 on, a 2 is put before the nine digits.
    let checked =
        |century: u32, head: u64| BIRTH_YEARS.contains(&(century + pair(y, z))) && 97 - head % 97 == check;
    dated(pair(m, n)) && (checked(1900, head) || checked(2000, head + 2_000_000_000))
}

/// Enterprise number, and VAT number without its prefix.
pub(super) fn is_be_enterprise(text: &[u8]) -> bool {
    let Some(digits) = digits::<10>(text) else { return false };
    digits[0] <= 1 && any(&digits[..8]) && 97 - number(&digits[..8]) % 97 == number(&digits[8..])
}

/// Number on the identity card: the first ten digits modulo 97, 97 for a remainder of zero.
fn is_be_eid(text: &[u8]) -> bool {
    let Some(digits) = digits::<12>(text) else { return false };
    let rest = number(&digits[..10]) % 97;
    (if rest == 0 { 97 } else { rest }) == number(&digits[10..])
}

/// Check letters of Irish numbers, by remainder.
const IE_LETTERS: &[u8] = b"WABCDEFGHIJKLMNOPQRSTUV";

/// Personal public service number: seven digits, check letter, and perhaps a second letter.
fn is_ie_pps(text: &[u8]) -> bool {
    let second = text.get(8).copied();
    matches!(second, None | Some(b'A' | b'B' | b'H' | b'W' | b'T' | b'X')) && is_ie_checked(text)
}

/// VAT number without its prefix: as the PPS number with other second letters, or the older form, in which the
/// second character is a letter.
pub(super) fn is_ie_vat(text: &[u8]) -> bool {
    let second = text.get(8).copied();
    let new = matches!(second, None | Some(b'A'..=b'I' | b'W')) && is_ie_checked(text);
    new || is_ie_old_vat(text)
}

fn is_ie_checked(text: &[u8]) -> bool {
    let (head, second) = match text {
        [head @ .., second] if text.len() == 9 => (head, *second),
        _ => (text, b'W'),
    };
    let Some((digits, letter)) = digits_letter::<7>(head) else { return false };
    // A second letter of the times before 2013 (W, T, X) counts as nothing.
    let extra = match second {
        b'A'..=b'I' => u64::from(second - b'A' + 1) * 9,
        _ => 0,
    };
    let sum = u64::from(weighted(&digits, &[8, 7, 6, 5, 4, 3, 2])) + extra;
    is_entry(IE_LETTERS, sum % 23, letter)
}

fn is_ie_old_vat(text: &[u8]) -> bool {
    let [first, second, rest @ ..] = text else { return false };
    let Some((tail, letter)) = digits_letter::<5>(rest) else { return false };
    let sum = u64::from(weighted(&tail, &[7, 6, 5, 4, 3])) + u64::from(first.wrapping_sub(b'0')) * 2;
    first.is_ascii_digit() && second.is_ascii_uppercase() && is_entry(IE_LETTERS, sum % 23, letter)
}

/// VAT number without its prefix.
pub(super) fn is_lu_tva(text: &[u8]) -> bool {
    let Some(digits) = digits::<8>(text) else { return false };
    number(&digits[..6]) % 89 == number(&digits[6..])
}

/// National identification number: YYYYMMDD, serial, a Luhn digit and a Verhoeff digit, both over the first eleven.
fn is_lu_matricule(text: &[u8]) -> bool {
    let Some(digits) = digits::<13>(text) else { return false };
    let [a, b, c, d, m, n, e, f, ..] = digits;
    let dated = is_birth(pair(a, b) * 100 + pair(c, d), pair(m, n), pair(e, f));
    dated && luhn(&digits[..12]) && is_verhoeff(&digits[..11], digits[12])
}

/// Verhoeff's permutation: the eight rows are its powers.
const PERMUTATION: [u8; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];

/// The product of the dihedral group of ten elements: 0–4 turns, 5–9 flips.
fn dihedral(left: u8, right: u8) -> u8 {
    match (left < 5, right < 5) {
        (true, true) => (left + right) % 5,
        (true, false) => 5 + (left + right) % 5,
        (false, true) => 5 + (left + 5 - right) % 5,
        (false, false) => (left + 5 - right) % 5,
    }
}

fn is_verhoeff(head: &[u8], check: u8) -> bool {
    let permute = |digit: u8, times: usize| {
        (0..times % 8).fold(digit, |digit, _| PERMUTATION.get(usize::from(digit)).copied().unwrap_or(0))
    };
    let digits = head.iter().copied().chain([check]).rev();
    digits.enumerate().fold(0, |sum, (at, digit)| dihedral(sum, permute(digit, at))) == 0
}

/// Citizen service number, with a leading zero where it has eight digits; RSIN of legal persons.
fn is_nl_bsn(text: &[u8]) -> bool {
    let nine = digits::<9>(text).is_some_and(|digits| any(&digits) && nl_eleven(&digits).is_multiple_of(11));
    let eight = digits::<8>(text).is_some_and(|digits| {
        let sum = weighted(&digits, &[8, 7, 6, 5, 4, 3, 2, 10]);
        any(&digits) && sum.is_multiple_of(11)
    });
    nine || eight
}

/// Weights 9…2, −1: −1 is 10 modulo 11.
fn nl_eleven(digits: &[u8; 9]) -> u32 {
    weighted(digits, &[9, 8, 7, 6, 5, 4, 3, 2, 10]) % 11
}

/// Pupils without a citizen service number: remainder 5, beginning with 10.
fn is_nl_education(text: &[u8]) -> bool {
    digits::<9>(text).is_some_and(|digits| digits.starts_with(&[1, 0]) && nl_eleven(&digits) == 5)
}

/// VAT number without its prefix: RSIN, B, two digits; or, for persons, MOD 97-10 over the whole with NL.
pub(super) fn is_nl_btw(text: &[u8]) -> bool {
    let Some((head, tail)) = text.split_at_checked(9) else { return false };
    let shaped =
        digits::<9>(head).is_some() && tail.strip_prefix(b"B").and_then(digits::<2>).is_some_and(|d| any(&d));
    shaped && (is_nl_bsn(head) || mod_97(b"NL".iter().chain(text).filter_map(|byte| value36(*byte))) == 1)
}

/// Passport and identity card: two letters, six letters or digits, a digit; no letter O.
fn is_nl_document(text: &[u8]) -> bool {
    let Ok(bytes) = <[u8; 9]>::try_from(text) else { return false };
    let [first, second, .., last] = bytes;
    let letters = first.is_ascii_uppercase() && second.is_ascii_uppercase();
    let rest = bytes.iter().all(|byte| value36(*byte).is_some() && *byte != b'O');
    letters && rest && last.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dihedral_group_is_one() {
        for left in 0..10 {
            assert_eq!((dihedral(left, 0), dihedral(0, left)), (left, left));
            for right in 0..10 {
                for third in 0..10 {
                    let one = dihedral(dihedral(left, right), third);
                    assert_eq!(one, dihedral(left, dihedral(right, third)));
                }
            }
        }
        assert!(is_verhoeff(&[2, 3, 6], 3), "en.wikipedia.org/wiki/Verhoeff_algorithm, 236 → 3");
    }
}
