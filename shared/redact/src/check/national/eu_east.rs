//! Bulgaria, Croatia, Czechia, Hungary, Poland, Romania, Slovakia, Slovenia.

use super::Check;
use super::common::{
    any, digits, is_birth, is_date, is_mod_11_10, is_short_date, number, pair, value36, weighted,
};

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("bg_egn", is_bg_egn),
    ("bg_lnch", is_bg_lnch),
    ("bg_eik", is_bg_eik),
    ("hr_oib", is_hr_oib),
    ("cz_rc", is_cz_rc),
    ("cz_rc_old", is_cz_rc_old),
    ("cz_ico", is_cz_ico),
    ("cz_account", is_cz_account),
    ("sk_dic", is_sk_dic),
    ("hu_adoszam", is_hu_adoszam),
    ("hu_taj", is_hu_taj),
    ("hu_szemelyi", is_hu_szemelyi),
    ("hu_adojel", is_hu_adojel),
    ("pl_pesel", is_pl_pesel),
    ("pl_nip", is_pl_nip),
    ("pl_regon", is_pl_regon),
    ("pl_regon_long", is_pl_regon_long),
    ("pl_id_card", is_pl_id_card),
    ("pl_passport", is_pl_passport),
    ("pl_pwz", is_pl_pwz),
    ("ro_cnp", is_ro_cnp),
    ("ro_cui", is_ro_cui),
    ("si_emso", is_si_emso),
    ("si_ddv", is_si_ddv),
];

/// Civil number: YYMMDD with 20 added to the month for the 1800s and 40 for the 2000s, serial, check digit.
fn is_bg_egn(text: &[u8]) -> bool {
    let Some(digits) = digits::<10>(text) else { return false };
    let [y, z, m, n, d, e, .., check] = digits;
    let (century, month) = match pair(m, n) {
        month @ 41.. => (2000, month - 40),
        month @ 21.. => (1800, month - 20),
        month => (1900, month),
    };
    let sum = weighted(&digits[..9], &[2, 4, 8, 5, 10, 9, 7, 3, 6]);
    is_birth(century + pair(y, z), month, pair(d, e)) && sum % 11 % 10 == u32::from(check)
}

/// Foreigners.
fn is_bg_lnch(text: &[u8]) -> bool {
    let Some(digits) = digits::<10>(text) else { return false };
    let sum = weighted(&digits[..9], &[21, 19, 17, 13, 11, 9, 7, 3, 1]);
    any(&digits) && sum % 10 == u32::from(digits[9])
}

/// Companies; VAT number of nine digits.
fn is_bg_eik(text: &[u8]) -> bool {
    let Some(digits) = digits::<9>(text) else { return false };
    let head = &digits[..8];
    let check = match weighted(head, &[1, 2, 3, 4, 5, 6, 7, 8]) % 11 {
        10 => weighted(head, &[3, 4, 5, 6, 7, 8, 9, 10]) % 11 % 10,
        check => check,
    };
    any(&digits) && check == u32::from(digits[8])
}

/// VAT number without its prefix: nine digits of a company, or ten of a person or anyone else.
pub(super) fn is_bg_vat(text: &[u8]) -> bool {
    let other = || {
        let Some(digits) = digits::<10>(text) else { return false };
        let sum = weighted(&digits[..9], &[4, 3, 2, 7, 6, 5, 4, 3, 2]);
        any(&digits) && (11 - sum % 11) % 11 == u32::from(digits[9])
    };
    is_bg_eik(text) || is_bg_egn(text) || is_bg_lnch(text) || other()
}

/// Personal and company number, and VAT number without its prefix.
pub(super) fn is_hr_oib(text: &[u8]) -> bool {
    digits::<11>(text).is_some_and(|digits| is_mod_11_10(&digits))
}

/// Birth number of Czechia and Slovakia: divisible by 11; until 1985 a remainder of 10 could stand as 0.
fn is_cz_rc(text: &[u8]) -> bool {
    let Some(digits) = digits::<10>(text) else { return false };
    let year = pair(digits[0], digits[1]);
    let century = if year < 54 { 2000 } else { 1900 };
    let checked = number(&digits).is_multiple_of(11) || digits[9] == 0 && number(&digits[..9]) % 11 == 10;
    checked && is_cz_birth(&digits[..6], century)
}

/// Given before 1954: nine digits, no check digit.
fn is_cz_rc_old(text: &[u8]) -> bool {
    digits::<9>(text).is_some_and(|digits| pair(digits[0], digits[1]) < 54 && is_cz_birth(&digits[..6], 1900))
}

/// The month is 50 more for women, and 20 more where the numbers of a day are used up.
fn is_cz_birth(values: &[u8], century: u32) -> bool {
    let [y, z, m, n, d, e] = *values else { return false };
    let month = match pair(m, n) {
        month @ 71..=82 => month - 70,
        month @ 51..=62 => month - 50,
        month @ 21..=32 => month - 20,
        month => month,
    };
    is_birth(century + pair(y, z), month, pair(d, e))
}

/// Companies, and their VAT number: eight digits, not beginning with 9.
fn is_cz_ico(text: &[u8]) -> bool {
    let Some(digits) = digits::<8>(text) else { return false };
    let check = (11 - weighted(&digits[..7], &[8, 7, 6, 5, 4, 3, 2]) % 11) % 10;
    digits[0] != 9 && any(&digits) && check == u32::from(digits[7])
}

/// VAT number without its prefix: of a company, a person, or nine digits beginning with 6.
pub(super) fn is_cz_dic(text: &[u8]) -> bool {
    let special = || {
        let Some(digits) = digits::<9>(text) else { return false };
        let sum = weighted(&digits[1..8], &[8, 7, 6, 5, 4, 3, 2]);
        digits[0] == 6 && (sum % 11 + 8) % 10 == u32::from(digits[8])
    };
    is_cz_ico(text) || is_cz_rc(text) || is_cz_rc_old(text) || special()
}

/// Account and bank code without or with a prefix of six digits; both numbers divisible by 11 in their weights.
fn is_cz_account(text: &[u8]) -> bool {
    if !text.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let Some((number, _bank)) = text.len().checked_sub(4).and_then(|at| text.split_at_checked(at)) else {
        return false;
    };
    let (prefix, account) = match number.len() {
        5..=10 => (&[][..], number),
        16 => number.split_at(6),
        _ => return false,
    };
    // Both are right-aligned: their last digits have the last weights.
    let fits = |digits: &[u8], weights: &[u32]| {
        let values = digits.iter().rev().map(|digit| u32::from(digit - b'0'));
        values.zip(weights.iter().rev()).map(|(value, weight)| value * weight).sum::<u32>().is_multiple_of(11)
    };
    const WEIGHTS: [u32; 10] = [6, 3, 7, 9, 10, 5, 8, 4, 2, 1];
    account.iter().any(|digit| *digit != b'0') && fits(prefix, &WEIGHTS) && fits(account, &WEIGHTS)
}

/// Tax number.
fn is_sk_dic(text: &[u8]) -> bool {
    let Some(digits) = digits::<10>(text) else { return false };
    digits[0] != 0 && matches!(digits[2], 2..=4 | 7..=9) && number(&digits).is_multiple_of(11)
}

/// VAT number without its prefix: the tax number or, for some persons, their birth number.
pub(super) fn is_sk_vat(text: &[u8]) -> bool {
    is_sk_dic(text) || is_cz_rc(text)
}

/// VAT number without its prefix: eight digits, the last a check digit.
pub(super) fn is_hu_anum(text: &[u8]) -> bool {
    let Some(digits) = digits::<8>(text) else { return false };
    any(&digits) && weighted(&digits, &[9, 7, 3, 1, 9, 7, 3, 1]).is_multiple_of(10)
}

/// Tax number of a business: the above, a kind of taxation, and the tax office's county.
fn is_hu_adoszam(text: &[u8]) -> bool {
    let Some((head, tail)) = text.split_at_checked(8) else { return false };
    let Some([kind, county, low]) = digits::<3>(tail) else { return false };
    let placed = matches!(pair(county, low), 2..=20 | 22..=44 | 51);
    is_hu_anum(head) && (1..=5).contains(&kind) && placed
}

/// Social security.
fn is_hu_taj(text: &[u8]) -> bool {
    let Some(digits) = digits::<9>(text) else { return false };
    any(&digits) && weighted(&digits[..8], &[3, 7, 3, 7, 3, 7, 3, 7]) % 10 == u32::from(digits[8])
}

/// Personal identifier: sex and century, YYMMDD, serial, check digit. Those born from 1997 on have the weights
/// turned round; first digits 5 to 8 are of foreigners and of the 1800s, without a sure century.
fn is_hu_szemelyi(text: &[u8]) -> bool {
    let Some(digits) = digits::<11>(text) else { return false };
    let [mark, y, z, m, n, d, e, .., check] = digits;
    let year = pair(y, z);
    let newer = matches!(mark, 3 | 4) || matches!(mark, 1 | 2) && year >= 97;
    let weights = if newer { [10, 9, 8, 7, 6, 5, 4, 3, 2, 1] } else { [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] };
    let century = if matches!(mark, 3 | 4) { 2000 } else { 1900 };
    let dated = (1..=4).contains(&mark) && is_birth(century + year, pair(m, n), pair(d, e))
        || (5..=8).contains(&mark) && is_short_date(year, pair(m, n), pair(d, e));
    dated && weighted(&digits[..10], &weights) % 11 == u32::from(check)
}

/// Tax identifier of a person: 8, days since 1867-01-01, serial, check digit.
fn is_hu_adojel(text: &[u8]) -> bool {
    let Some(digits) = digits::<10>(text) else { return false };
    let sum = weighted(&digits[..9], &[1, 2, 3, 4, 5, 6, 7, 8, 9]);
    digits[0] == 8 && sum % 11 == u32::from(digits[9])
}

/// YYMMDD with the century in the month, serial, check digit.
fn is_pl_pesel(text: &[u8]) -> bool {
    let Some(digits) = digits::<11>(text) else { return false };
    let [y, z, m, n, d, e, ..] = digits;
    let month = pair(m, n);
    let century = match month / 20 {
        0 => 1900,
        1 => 2000,
        2 => 2100,
        3 => 2200,
        _ => 1800,
    };
    // A PESEL of a later century is well-formed too: the rule is about its making, not about the living.
    let dated = is_date(century + pair(y, z), month % 20, pair(d, e));
    dated && weighted(&digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]).is_multiple_of(10)
}

/// Tax number, and VAT number without its prefix.
pub(super) fn is_pl_nip(text: &[u8]) -> bool {
    let Some(digits) = digits::<10>(text) else { return false };
    any(&digits) && weighted(&digits[..9], &[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 == u32::from(digits[9])
}

/// Business register.
fn is_pl_regon(text: &[u8]) -> bool {
    let Some(digits) = digits::<9>(text) else { return false };
    any(&digits) && weighted(&digits[..8], &[8, 9, 2, 3, 4, 5, 6, 7]) % 11 % 10 == u32::from(digits[8])
}

/// Business register, local unit: a REGON and five digits more.
fn is_pl_regon_long(text: &[u8]) -> bool {
    let Some(digits) = digits::<14>(text) else { return false };
    let sum = weighted(&digits[..13], &[2, 4, 8, 5, 0, 9, 7, 3, 6, 1, 2, 4, 8]);
    text.get(..9).is_some_and(is_pl_regon) && sum % 11 % 10 == u32::from(digits[13])
}

/// Identity card: three letters, six digits, the first of them the check digit.
fn is_pl_id_card(text: &[u8]) -> bool {
    is_pl_document::<3, 6>(text, &[7, 3, 1, 9, 7, 3, 1, 7, 3])
}

/// Passport: two letters, seven digits, the first of them the check digit.
fn is_pl_passport(text: &[u8]) -> bool {
    is_pl_document::<2, 7>(text, &[7, 3, 9, 1, 7, 3, 1, 7, 3])
}

fn is_pl_document<const LETTERS: usize, const DIGITS: usize>(text: &[u8], weights: &[u32]) -> bool {
    let Some((letters, tail)) = text.split_first_chunk::<LETTERS>() else { return false };
    let values = letters.map(|letter| value36(letter).filter(|value| *value > 9));
    let Some(digits) = digits::<DIGITS>(tail) else { return false };
    let all = values.iter().flatten().copied().chain(digits).collect::<Vec<u8>>();
    values.iter().all(Option::is_some) && weighted(&all, weights).is_multiple_of(10)
}

/// Physicians' licence: the first digit, never 0, checks the six behind.
fn is_pl_pwz(text: &[u8]) -> bool {
    let Some(digits) = digits::<7>(text) else { return false };
    digits[0] != 0 && weighted(&digits[1..], &[1, 2, 3, 4, 5, 6]) % 11 == u32::from(digits[0])
}

/// Sex and century, YYMMDD, county, serial, check digit. 7, 8 and 9 are of residents, without a sure century.
fn is_ro_cnp(text: &[u8]) -> bool {
    let Some(digits) = digits::<13>(text) else { return false };
    let [mark, y, z, m, n, d, e, county, low, .., check] = digits;
    let (year, month, day) = (pair(y, z), pair(m, n), pair(d, e));
    let dated = match mark {
        1 | 2 => is_birth(1900 + year, month, day),
        3 | 4 => is_birth(1800 + year, month, day),
        5 | 6 => is_birth(2000 + year, month, day),
        7..=9 => is_short_date(year, month, day),
        _ => false,
    };
    let placed = matches!(pair(county, low), 1..=48 | 51 | 52 | 70 | 80..=83);
    let sum = weighted(&digits[..12], &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]);
    let wanted = match sum % 11 {
        10 => 1,
        rest => rest,
    };
    dated && placed && wanted == u32::from(check)
}

/// Company tax code, and VAT number without its prefix: two to ten digits, right-aligned.
pub(super) fn is_ro_cui(text: &[u8]) -> bool {
    let Some((check, head)) = text.split_last() else { return false };
    if !(2..=10).contains(&text.len()) || !text.iter().all(u8::is_ascii_digit) || text.first() == Some(&b'0')
    {
        return false;
    }
    let values = head.iter().rev().map(|digit| u32::from(digit - b'0'));
    let sum = values.zip([2, 3, 5, 7, 1, 2, 3, 5, 7]).map(|(value, weight)| value * weight).sum::<u32>();
    sum * 10 % 11 % 10 == u32::from(check - b'0')
}

/// Personal number of Slovenia (and of the states that were Yugoslavia): DDMMYYY, register, serial, check digit.
fn is_si_emso(text: &[u8]) -> bool {
    let Some(digits) = digits::<13>(text) else { return false };
    let [d, e, m, n, thousand, y, z, .., check] = digits;
    let year = u32::from(thousand) * 100 + pair(y, z);
    let year = if year < 800 { 2000 + year } else { 1000 + year };
    let sum = weighted(&digits[..12], &[7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]);
    is_birth(year, pair(m, n), pair(d, e)) && (11 - sum % 11) % 11 % 10 == u32::from(check)
}

/// Tax number, and VAT number without its prefix.
pub(super) fn is_si_ddv(text: &[u8]) -> bool {
    let Some(digits) = digits::<8>(text) else { return false };
    let check = 11 - weighted(&digits[..7], &[8, 7, 6, 5, 4, 3, 2]) % 11;
    digits[0] != 0 && check < 11 && check % 10 == u32::from(digits[7])
}
