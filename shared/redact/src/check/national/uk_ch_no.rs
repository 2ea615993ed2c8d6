//! The United Kingdom, Switzerland, Norway.

use super::Check;
use super::common::{
    any, digits, digits_letter, is_birth, is_date, is_ddmmyy, is_entry, number, pair, weighted,
};

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("gb_nhs", is_gb_nhs),
    ("gb_chi", is_gb_chi),
    ("gb_nino", is_gb_nino),
    ("gb_utr", is_gb_utr),
    ("gb_vat", is_gb_vat),
    ("gb_driving", is_gb_driving),
    ("gb_upn", is_gb_upn),
    ("ch_ahv", is_ch_ahv),
    ("ch_uid", is_ch_uid),
    ("no_fnr", is_no_fnr),
    ("no_orgnr", is_no_orgnr),
    ("no_account", is_no_account),
];

fn is_gb_nhs(text: &[u8]) -> bool {
    digits::<10>(text).is_some_and(|digits| any(&digits) && is_nhs_sum(&digits))
}

/// Scotland's health number: DDMMYY, serial, and the NHS number's check digit.
fn is_gb_chi(text: &[u8]) -> bool {
    digits::<10>(text).is_some_and(|digits| is_ddmmyy(&digits[..6]) && is_nhs_sum(&digits))
}

fn is_nhs_sum(digits: &[u8; 10]) -> bool {
    weighted(digits, &[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
}

/// National insurance: prefixes that are never given are left out; the last letter is A to D.
fn is_gb_nino(text: &[u8]) -> bool {
    let Some(([first, second], rest)) = text.split_first_chunk() else { return false };
    let prefix = b"ABCEGHJKLMNOPRSTWXYZ".contains(first) && b"ABCEGHJKLMNPRSTWXYZ".contains(second);
    let taken = [b"BG", b"GB", b"KN", b"NK", b"NT", b"TN", b"ZZ"].contains(&&[*first, *second]);
    let tail = digits_letter::<6>(rest).is_some_and(|(_, last)| (b'A'..=b'D').contains(&last));
    prefix && !taken && *first != b'O' && tail
}

/// Unique taxpayer reference: the first digit checks the nine behind.
fn is_gb_utr(text: &[u8]) -> bool {
    let Some(digits) = digits::<10>(text) else { return false };
    let sum = weighted(&digits[1..], &[6, 7, 8, 9, 10, 5, 4, 3, 2]);
    is_entry(b"21987654321", u64::from(sum % 11), digits[0] + b'0')
}

/// Nine digits, or twelve with a branch; the two check digits complete a multiple of 97, less 55 for newer ones (a rest of
/// 42; 55 is taken too, as python-stdnum takes it).
pub(super) fn is_gb_vat(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"GB").unwrap_or(text);
    let text = digits::<12>(text).and(text.get(..9)).unwrap_or(text);
    digits::<9>(text).is_some_and(|digits| {
        any(&digits) && matches!(weighted(&digits, &[8, 7, 6, 5, 4, 3, 2, 10, 1]) % 97, 0 | 42 | 55)
    })
}

/// Driving licence of Great Britain: surname padded with 9, decade, month (50 more for women), day, year, initials,
/// a digit, two check letters whose rule is not public.
fn is_gb_driving(text: &[u8]) -> bool {
    let Some((surname, rest)) = text.split_first_chunk::<5>() else { return false };
    let Some((birth, [first, second, digit, tail @ ..])) = rest.split_first_chunk::<6>() else {
        return false;
    };
    let padded = surname.iter().skip_while(|byte| byte.is_ascii_uppercase()).all(|byte| *byte == b'9');
    let Some([_, m, n, d, e, _]) = digits::<6>(birth) else { return false };
    let month = pair(m, n);
    let month = if month > 50 { month - 50 } else { month };
    let initial = |byte: &u8| byte.is_ascii_uppercase() || *byte == b'9';
    let named = surname.first().is_some_and(u8::is_ascii_uppercase) && padded;
    let letters = tail.len() == 2 && tail.iter().all(u8::is_ascii_uppercase);
    // The year's digits are apart, and a leap year allows any February.
    let dated = is_date(2000, month, pair(d, e));
    named && dated && initial(first) && initial(second) && digit.is_ascii_digit() && letters
}

/// Pupils: a check letter before twelve digits, or eleven digits and a letter for a number given for a time.
fn is_gb_upn(text: &[u8]) -> bool {
    const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRTUVWXYZ";
    let Some((check, rest)) = text.split_first() else { return false };
    let Some((head, [last])) = rest.split_at_checked(11) else { return false };
    let Some(head) = digits::<11>(head) else { return false };
    let last = match last {
        b'0'..=b'9' => Some(usize::from(last - b'0')),
        letter => LETTERS.iter().position(|known| known == letter),
    };
    let Some(last) = last.and_then(|last| u64::try_from(last).ok()) else { return false };
    let sum = u64::from(weighted(&head, &[2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])) + last * 13;
    is_entry(LETTERS, sum % 23, *check)
}

/// Old-age insurance: 756 and an EAN-13 check digit.
fn is_ch_ahv(text: &[u8]) -> bool {
    let Some(digits) = digits::<13>(text) else { return false };
    digits.starts_with(&[7, 5, 6])
        && weighted(&digits, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]).is_multiple_of(10)
}

/// Businesses: CHE and nine digits.
fn is_ch_uid(text: &[u8]) -> bool {
    let Some(digits) = text.strip_prefix(b"CHE").and_then(digits::<9>) else { return false };
    any(&digits) && weighted(&digits, &[5, 4, 3, 2, 7, 6, 5, 4, 1]).is_multiple_of(11)
}

/// DDMMYY (the day 40 more for those without residence), individual number, two check digits.
fn is_no_fnr(text: &[u8]) -> bool {
    let Some(digits) = digits::<11>(text) else { return false };
    let [d, e, m, n, y, z, ..] = digits;
    let (day, month, year) = (pair(d, e), pair(m, n), pair(y, z));
    let day = if day > 40 { day - 40 } else { day };
    let month = if month > 40 { month - 40 } else { month };
    let century = match (number(&digits[6..9]), year) {
        (500..=749, 54..) => 1800,
        (0..=499, _) | (900..=999, 40..) => 1900,
        (500..=999, ..=39) => 2000,
        _ => return false,
    };
    let first = weighted(&digits[..10], &[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]);
    let second = weighted(&digits, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]);
    is_birth(century + year, month, day) && first.is_multiple_of(11) && second.is_multiple_of(11)
}

fn is_no_orgnr(text: &[u8]) -> bool {
    let text = text.strip_suffix(b"MVA").unwrap_or(text);
    let text = text.strip_prefix(b"NO").unwrap_or(text);
    digits::<9>(text).is_some_and(|digits| {
        any(&digits) && weighted(&digits, &[3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
    })
}

/// Bank account: eleven digits.
fn is_no_account(text: &[u8]) -> bool {
    digits::<11>(text).is_some_and(|digits| {
        any(&digits) && weighted(&digits, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
    })
}
