//! Denmark, Estonia, Finland, Latvia, Lithuania, Sweden.

use super::Check;
use super::common::{
    any, digits, is_birth, is_ddmmyy, is_entry, is_short_date, is_yymmdd, number, pair, two_pass, weighted,
};
use crate::check::luhn;

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("dk_cpr", is_dk_cpr),
    ("dk_cvr", is_dk_cvr),
    ("ee_ik", is_ee_ik),
    ("ee_company", is_ee_company),
    ("fi_hetu", is_fi_hetu),
    ("fi_business", is_fi_business),
    ("lt_asmens", is_lt_asmens),
    ("lv_pk", is_lv_pk),
    ("lv_pk_new", is_lv_new),
    ("lv_company", is_lv_company),
    ("se_personnummer", is_se_personnummer),
    ("se_samordning", is_se_samordning),
    ("se_orgnr", is_se_orgnr),
];

/// DDMMYY and a serial whose first digit tells the century. The old check digit is not guaranteed since 2007.
fn is_dk_cpr(text: &[u8]) -> bool {
    let Some([d, e, m, n, y, z, mark, ..]) = digits::<10>(text) else { return false };
    let year = pair(y, z);
    let century = match mark {
        0..=3 => 1900,
        4 | 9 if year > 36 => 1900,
        5..=8 if year > 57 => 1800,
        _ => 2000,
    };
    is_birth(century + year, pair(m, n), pair(d, e))
}

/// Company number, and VAT number without its prefix.
pub(super) fn is_dk_cvr(text: &[u8]) -> bool {
    let Some(digits) = digits::<8>(text) else { return false };
    digits[0] != 0 && weighted(&digits, &[2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
}

const BALTIC_FIRST: &[u32] = &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1];
const BALTIC_SECOND: &[u32] = &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3];

/// Century and sex, YYMMDD, serial, check digit.
fn is_ee_ik(text: &[u8]) -> bool {
    is_baltic(text, |century, [y, z, m, n, d, e]| {
        let year = 1700 + 100 * century.div_ceil(2) + pair(y, z);
        (1..=8).contains(&century) && is_birth(year, pair(m, n), pair(d, e))
    })
}

/// As in Estonia, three centuries; a first digit 9 leaves the date open.
fn is_lt_asmens(text: &[u8]) -> bool {
    is_baltic(text, |century, [y, z, m, n, d, e]| {
        let year = 1700 + 100 * century.div_ceil(2) + pair(y, z);
        century == 9 || (1..=6).contains(&century) && is_birth(year, pair(m, n), pair(d, e))
    })
}

fn is_baltic(text: &[u8], dated: fn(u32, [u8; 6]) -> bool) -> bool {
    let Some(digits) = digits::<11>(text) else { return false };
    let [century, y, z, m, n, d, e, .., check] = digits;
    two_pass(&digits[..10], BALTIC_FIRST, BALTIC_SECOND) == u32::from(check)
        && dated(u32::from(century), [y, z, m, n, d, e])
}

/// Business register: eight digits beginning with 1, 7, 8 or 9.
fn is_ee_company(text: &[u8]) -> bool {
    let Some(digits) = digits::<8>(text) else { return false };
    let check = two_pass(&digits[..7], BALTIC_FIRST, BALTIC_SECOND);
    matches!(digits[0], 1 | 7..=9) && check == u32::from(digits[7])
}

/// VAT number without its prefix.
pub(super) fn is_ee_kmkr(text: &[u8]) -> bool {
    digits::<9>(text).is_some_and(|digits| {
        any(&digits) && weighted(&digits, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)
    })
}

/// Check characters of the Finnish personal number, by remainder of 31.
const FI_CHECK: &[u8] = b"0123456789ABCDEFHJKLMNPRSTUVWXY";

/// DDMMYY, sign of the century, number from 002, check character. The commonest sign is a dash, which a compact
/// writing leaves out. Numbers from 900 are given for a time, by hospitals for one.
fn is_fi_hetu(text: &[u8]) -> bool {
    let Some((date, rest)) = text.split_first_chunk::<6>() else { return false };
    let rest = match rest {
        [b'+' | b'-' | b'A'..=b'F' | b'U'..=b'Y', rest @ ..] if rest.len() == 4 => rest,
        rest => rest,
    };
    let Some((serial, [check])) = rest.split_first_chunk::<3>() else { return false };
    let (Some(date), Some(serial)) = (digits::<6>(date), digits::<3>(serial)) else { return false };
    let all = number(&date) * 1000 + number(&serial);
    number(&serial) >= 2 && is_ddmmyy(&date) && is_entry(FI_CHECK, all % 31, *check)
}

/// Business number, and VAT number without its prefix.
pub(super) fn is_fi_business(text: &[u8]) -> bool {
    let Some(digits) = digits::<8>(text) else { return false };
    any(&digits) && weighted(&digits, &[7, 9, 10, 5, 8, 4, 2, 1]).is_multiple_of(11)
}

/// Nine digits, the eighth 1; or twelve, the eleventh 1, for those registered for a time.
pub(super) fn is_lt_pvm(text: &[u8]) -> bool {
    let nine = digits::<9>(text).is_some_and(|digits| {
        let check = two_pass(&digits[..8], &[1, 2, 3, 4, 5, 6, 7, 8], &[3, 4, 5, 6, 7, 8, 9, 1]);
        digits[7] == 1 && check == u32::from(digits[8])
    });
    let twelve = digits::<12>(text).is_some_and(|digits| {
        let check =
            two_pass(&digits[..11], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2], &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4]);
        digits[10] == 1 && check == u32::from(digits[11])
    });
    nine || twelve
}

/// DDMMYY, century, serial, check digit; or, since July 2017, 32 to 39 and no date.
fn is_lv_pk(text: &[u8]) -> bool {
    let Some(digits) = digits::<11>(text) else { return false };
    let sum = weighted(&digits, &[10, 5, 8, 4, 2, 1, 6, 3, 7, 9]);
    let dated = digits[6] <= 2 && is_ddmmyy(&digits[..6]);
    (dated || is_lv_new(text)) && (1 + sum) % 11 % 10 == u32::from(digits[10])
}

/// The shape of the newer code alone: no source seen says that its last digit is a check digit.
fn is_lv_new(text: &[u8]) -> bool {
    digits::<11>(text).is_some_and(|digits| digits[0] == 3 && digits[1] >= 2)
}

/// Companies and other legal persons: the first digit is above 3.
fn is_lv_company(text: &[u8]) -> bool {
    let Some(digits) = digits::<11>(text) else { return false };
    digits[0] > 3 && weighted(&digits, &[9, 1, 4, 8, 3, 10, 2, 5, 7, 6, 1]) % 11 == 3
}

/// VAT number without its prefix: of a company or a person.
pub(super) fn is_lv_pvn(text: &[u8]) -> bool {
    is_lv_company(text) || is_lv_pk(text)
}

/// Ten digits, or twelve with the century; from the age of 100 on, ten with a plus sign.
fn is_se_personnummer(text: &[u8]) -> bool {
    is_se_person(text, |day| Some(day).filter(|day| *day <= 31))
}

/// Coordination number: the day is 60 more.
fn is_se_samordning(text: &[u8]) -> bool {
    is_se_person(text, |day| day.checked_sub(60))
}

fn is_se_person(text: &[u8], day_of: fn(u32) -> Option<u32>) -> bool {
    let dated = |year: u32, values: &[u8; 10]| {
        let [_, _, m, n, d, e, ..] = *values;
        let is_day = |day: u32| match year {
            0..=99 => is_short_date(year, pair(m, n), day),
            _ => is_birth(year, pair(m, n), day),
        };
        luhn(values) && day_of(pair(d, e)).is_some_and(is_day)
    };
    if let Some(digits) = digits::<12>(text) {
        let year = pair(digits[0], digits[1]) * 100 + pair(digits[2], digits[3]);
        return year > 99 && digits.last_chunk().is_some_and(|ten| dated(year, ten));
    }
    let ten = match text {
        [date @ .., b'+' | b'-', a, b, c, d] if date.len() == 6 => [date, &[*a, *b, *c, *d]].concat(),
        _ => text.to_vec(),
    };
    digits::<10>(&ten).is_some_and(|ten| dated(pair(ten[0], ten[1]), &ten))
}

/// Organisations: the third digit is at least 2, so that no number is also a date.
fn is_se_orgnr(text: &[u8]) -> bool {
    digits::<10>(text).is_some_and(|digits| digits[0] != 0 && digits[2] >= 2 && luhn(&digits))
}

/// VAT number without its prefix: ten digits of an organisation or a person, and 01.
pub(super) fn is_se_vat(text: &[u8]) -> bool {
    text.strip_suffix(b"01")
        .and_then(digits::<10>)
        .is_some_and(|digits| any(&digits) && luhn(&digits) && (digits[2] >= 2 || is_yymmdd(&digits[..6])))
}
