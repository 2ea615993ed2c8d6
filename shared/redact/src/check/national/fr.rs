//! France.

use super::Check;
use super::common::{digits, number, pair, value36};
use crate::check::luhn;

pub(super) const CHECKS: &[(&str, Check)] =
    &[("fr_nir", is_nir), ("fr_spi", is_spi), ("fr_siren", is_siren), ("fr_siret", is_siret)];

/// Social security number: sex, year, month, place, order, two check digits. The departments of Corsica are
/// written 2A and 2B and counted as 19 and 18.
fn is_nir(text: &[u8]) -> bool {
    let Ok(mut bytes) = <[u8; 15]>::try_from(text) else { return false };
    match (bytes[5], bytes[6]) {
        (b'2', b'A') => (bytes[5], bytes[6]) = (b'1', b'9'),
        (b'2', b'B') => (bytes[5], bytes[6]) = (b'1', b'8'),
        _ => (),
    }
    let Some(digits) = digits::<15>(&bytes) else { return false };
    // 3, 4, 7 and 8 are provisional numbers; months above 12 stand for incomplete civil records.
    let sex = matches!(digits[0], 1..=4 | 7 | 8);
    let month = matches!(pair(digits[3], digits[4]), 1..=12 | 20..=42 | 50..=99);
    sex && month && 97 - number(&digits[..13]) % 97 == number(&digits[13..])
}

/// Tax number of a person (numéro fiscal de référence): the last three digits are the first ten modulo 511.
fn is_spi(text: &[u8]) -> bool {
    let Some(digits) = digits::<13>(text) else { return false };
    digits[0] <= 3 && number(&digits[..10]) % 511 == number(&digits[10..])
}

pub(super) fn is_siren(text: &[u8]) -> bool {
    digits::<9>(text).is_some_and(|digits| luhn(&digits))
}

/// The SIREN of La Poste, whose establishments have numbers whose digits add up to a multiple of five.
const LA_POSTE: &[u8] = b"356000000";

/// A SIREN and five digits for the establishment.
fn is_siret(text: &[u8]) -> bool {
    let Some(digits) = digits::<14>(text) else { return false };
    let post =
        text.starts_with(LA_POSTE) && digits.iter().map(|digit| u32::from(*digit)).sum::<u32>() % 5 == 0;
    luhn(&digits[..9]) && (luhn(&digits) || post)
}

/// Letters and digits of the newer VAT keys: no I, no O.
const KEY: &[u8] = b"0123456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/// VAT number without its prefix: two characters of key and a SIREN (for Monaco, nine digits from 000).
pub(super) fn is_tva(text: &[u8]) -> bool {
    let Some(([first, second], siren)) = text.split_first_chunk() else { return false };
    let Some(digits) = digits::<9>(siren) else { return false };
    let known = is_siren(siren) || siren.starts_with(b"000");
    known && is_key(*first, *second, number(&digits))
}

/// Two digits: (100 SIREN + 12) modulo 97. With a letter, the position in [`KEY`] counts, modulo 11.
fn is_key(first: u8, second: u8, siren: u64) -> bool {
    let place = |byte: u8| KEY.iter().position(|known| *known == byte).and_then(|at| u64::try_from(at).ok());
    let (Some(high), Some(low)) = (place(first), place(second)) else { return false };
    if first.is_ascii_digit() && second.is_ascii_digit() {
        return (siren * 100 + 12) % 97 == high * 10 + low;
    }
    let key = if first.is_ascii_digit() {
        (high * 24 + low).checked_sub(10)
    } else {
        (high * 34 + low).checked_sub(100)
    };
    value36(first).is_some() && key.is_some_and(|key| (siren + 1 + key / 11) % 11 == key % 11)
}
