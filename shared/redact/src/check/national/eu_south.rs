//! Cyprus, Greece, Italy, Malta, Portugal, Spain.

use super::Check;
use super::common::{
    any, digits, digits_letter, is_ddmmyy, is_entry, is_short_date, letter_digits, number, pair, value36,
    values36, weighted,
};
use crate::check::luhn;

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("cy_tic", is_cy_tic),
    ("es_dni", is_es_dni),
    ("es_nie", is_es_nie),
    ("es_cif", is_es_cif),
    ("es_nuss", is_es_nuss),
    ("es_ccc", is_es_ccc),
    ("gr_amka", is_gr_amka),
    ("gr_afm", is_gr_afm),
    ("gr_id_card", is_gr_id_card),
    ("it_cf", is_it_cf),
    ("it_iva", is_it_iva),
    ("mt_id", is_mt_id),
    ("pt_nif", is_pt_nif),
    ("pt_niss", is_pt_niss),
    ("pt_cc", is_pt_cc),
];

/// What a digit or letter counts at an odd place, in Italy and Cyprus: 0 and A are 1, 1 and B are 0, and so on.
const ODD: [u32; 26] =
    [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];

fn odd(at: u8) -> u32 {
    ODD.get(usize::from(at)).copied().unwrap_or(0)
}

/// Tax identification code, and VAT number without its prefix: eight digits and a letter; none begins with 12.
pub(super) fn is_cy_tic(text: &[u8]) -> bool {
    let Some((digits, letter)) = digits_letter::<8>(text) else { return false };
    let value = |(at, digit): (usize, &u8)| if at % 2 == 0 { odd(*digit) } else { u32::from(*digit) };
    let sum = digits.iter().enumerate().map(value).sum::<u32>();
    !digits.starts_with(&[1, 2]) && sum % 26 == u32::from(letter - b'A')
}

/// Check letters of Spanish personal numbers, by remainder of 23.
const ES_LETTERS: &[u8] = b"TRWAGMYFPDXBNJZSQVHLCKE";

/// Eight digits and a check letter.
fn is_es_dni(text: &[u8]) -> bool {
    digits_letter::<8>(text)
        .is_some_and(|(digits, letter)| is_entry(ES_LETTERS, number(&digits) % 23, letter))
}

/// Foreigners: X, Y or Z stand for a first digit 0, 1 or 2.
fn is_es_nie(text: &[u8]) -> bool {
    let Some((first @ b'X'..=b'Z', rest)) = text.split_first() else { return false };
    let Some((digits, letter)) = digits_letter::<7>(rest) else { return false };
    let all = u64::from(first - b'X') * 10_000_000 + number(&digits);
    is_entry(ES_LETTERS, all % 23, letter)
}

/// Companies and bodies: a letter, seven digits, a Luhn digit or the letter in its place.
fn is_es_cif(text: &[u8]) -> bool {
    let Some((head, [check])) = text.split_at_checked(8) else { return false };
    let Some((kind, digits)) = letter_digits::<7>(head) else { return false };
    let known = b"ABCDEFGHJNPQRSUVW".contains(&kind);
    let [a, b, c, d, e, f, g] = digits;
    let fits = |digit: u8| luhn(&[a, b, c, d, e, f, g, digit]);
    let digit = if check.is_ascii_digit() {
        Some(check - b'0')
    } else {
        b"JABCDEFGHI".iter().position(|letter| letter == check).and_then(|at| u8::try_from(at).ok())
    };
    known && digit.is_some_and(fits)
}

/// VAT number without its prefix: any of the above, or a personal number with K, L or M before it.
pub(super) fn is_es_vat(text: &[u8]) -> bool {
    let special = || {
        let Some((b'K'..=b'M', rest)) = text.split_first() else { return false };
        digits_letter::<7>(rest)
            .is_some_and(|(digits, letter)| is_entry(ES_LETTERS, number(&digits) % 23, letter))
    };
    is_es_dni(text) || is_es_nie(text) || is_es_cif(text) || special()
}

/// Social security: province, number, two check digits. Below ten million the number counts as seven digits.
fn is_es_nuss(text: &[u8]) -> bool {
    let Some(digits) = digits::<12>(text) else { return false };
    let (province, own) = (number(&digits[..2]), number(&digits[2..10]));
    let scale = if own < 10_000_000 { 10_000_000 } else { 100_000_000 };
    province != 0 && (province * scale + own) % 97 == number(&digits[10..])
}

/// Bank account: bank and branch, two check digits, account.
fn is_es_ccc(text: &[u8]) -> bool {
    let Some(digits) = digits::<20>(text) else { return false };
    let check = |values: &[u8], weights: &[u32]| match 11 - weighted(values, weights) % 11 {
        11 => 0,
        10 => 1,
        check => check,
    };
    let first = check(&digits[..8], &[4, 8, 5, 10, 9, 7, 3, 6]);
    let second = check(&digits[10..], &[1, 2, 4, 8, 5, 10, 9, 7, 3, 6]);
    any(&digits) && first == u32::from(digits[8]) && second == u32::from(digits[9])
}

/// Social security: DDMMYY, serial, Luhn.
fn is_gr_amka(text: &[u8]) -> bool {
    digits::<11>(text).is_some_and(|digits| is_ddmmyy(&digits[..6]) && luhn(&digits))
}

/// Tax number, and VAT number without its prefix.
pub(super) fn is_gr_afm(text: &[u8]) -> bool {
    let Some(digits) = digits::<9>(text) else { return false };
    let sum = weighted(&digits[..8], &[256, 128, 64, 32, 16, 8, 4, 2]);
    any(&digits) && sum % 11 % 10 == u32::from(digits[8])
}

/// Identity card: two letters that the Greek and the Latin alphabet share, six digits.
fn is_gr_id_card(text: &[u8]) -> bool {
    let Some(([first, second], rest)) = text.split_first_chunk() else { return false };
    let shared = |letter: &u8| b"ABEZHIKMNOPTYX".contains(letter);
    shared(first) && shared(second) && digits::<6>(rest).is_some()
}

/// Letters that stand for digits where two people would have the same code, by digit.
const IT_DIGITS: &[u8] = b"LMNPQRSTUV";
/// Letters of the months.
const IT_MONTHS: &[u8] = b"ABCDEHLMPRST";

/// Codice fiscale: surname, name, year, month, day (40 more for women), place, check letter.
fn is_it_cf(text: &[u8]) -> bool {
    let Ok(bytes) = <[u8; 16]>::try_from(text) else { return false };
    let (head, check) = (&bytes[..15], bytes[15]);
    let value = |byte: &u8| if byte.is_ascii_digit() { byte - b'0' } else { byte.wrapping_sub(b'A') };
    let counted =
        |(at, byte): (usize, &u8)| if at % 2 == 0 { odd(value(byte)) } else { u32::from(value(byte)) };
    let letters = head.iter().all(u8::is_ascii_alphanumeric) && bytes[..6].iter().all(u8::is_ascii_uppercase);
    let sum = head.iter().enumerate().map(counted).sum::<u32>() % 26;
    letters && is_it_birth(&bytes) && u32::from(check) == u32::from(b'A') + sum
}

fn is_it_birth(bytes: &[u8; 16]) -> bool {
    let digit = |byte: u8| {
        let letter = IT_DIGITS.iter().position(|letter| *letter == byte).and_then(|at| u8::try_from(at).ok());
        if byte.is_ascii_digit() { Some(byte - b'0') } else { letter }
    };
    let [_, _, _, _, _, _, y, z, month, d, e, place, p, q, r, _] = *bytes;
    let values = [y, z, d, e, p, q, r].map(digit);
    let [Some(y), Some(z), Some(d), Some(e), Some(_), Some(_), Some(_)] = values else { return false };
    let Some(month) = IT_MONTHS.iter().position(|known| *known == month) else { return false };
    let day = pair(d, e);
    let day = if day > 40 { day - 40 } else { day };
    let placed = matches!(place, b'A'..=b'M' | b'Z');
    placed && u32::try_from(month + 1).is_ok_and(|month| is_short_date(pair(y, z), month, day))
}

/// VAT number without its prefix: company, office of the province, Luhn.
pub(super) fn is_it_iva(text: &[u8]) -> bool {
    let Some(digits) = digits::<11>(text) else { return false };
    let office = matches!(number(&digits[7..10]), 1..=100 | 120 | 121 | 888 | 999);
    any(&digits[..7]) && office && luhn(&digits)
}

/// Identity card: seven digits and a letter that tells the register.
fn is_mt_id(text: &[u8]) -> bool {
    digits_letter::<7>(text).is_some_and(|(digits, letter)| any(&digits) && b"ABGHLMPZ".contains(&letter))
}

/// VAT number without its prefix.
pub(super) fn is_mt_vat(text: &[u8]) -> bool {
    let Some(digits) = digits::<8>(text) else { return false };
    digits[0] != 0 && weighted(&digits, &[3, 4, 6, 7, 8, 9, 10, 1]).is_multiple_of(37)
}

/// Tax number, and VAT number without its prefix.
pub(super) fn is_pt_nif(text: &[u8]) -> bool {
    let Some(digits) = digits::<9>(text) else { return false };
    let check = (11 - weighted(&digits[..8], &[9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11 % 10;
    digits[0] != 0 && check == u32::from(digits[8])
}

/// Social security: eleven digits beginning with 1 or 2, weights the primes from 29 down.
fn is_pt_niss(text: &[u8]) -> bool {
    let Some(digits) = digits::<11>(text) else { return false };
    let sum = weighted(&digits[..10], &[29, 23, 19, 17, 13, 11, 7, 5, 3, 2]);
    matches!(digits[0], 1 | 2) && 9 - sum % 10 == u32::from(digits[10])
}

/// Citizen card: eight digits, a digit, a version of two characters, a digit; Luhn with letters as 10–35.
fn is_pt_cc(text: &[u8]) -> bool {
    let Some(values) = values36::<12>(text) else { return false };
    let shaped = text.iter().enumerate().all(|(at, byte)| matches!(at, 9 | 10) || byte.is_ascii_digit());
    let step = |(at, value): (usize, &u8)| match u32::from(*value) * 2 {
        _ if at % 2 == 1 => u32::from(*value),
        doubled if doubled > 9 => doubled - 9,
        doubled => doubled,
    };
    shaped
        && text.get(9).copied().and_then(value36).is_some_and(|v| v > 9)
        && values.iter().enumerate().map(step).sum::<u32>().is_multiple_of(10)
}
