//! Israel.

use super::Check;
use super::common::{any, digits, pair};
use crate::check::luhn;

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("il_id", is_id),
    ("il_id_short", is_short_id),
    ("il_company", is_company),
    ("il_bank_account", is_account),
];

/// Nine digits with a Luhn sum, not all zero.
fn is_id(text: &[u8]) -> bool {
    digits::<9>(text).is_some_and(|digits| any(&digits) && luhn(&digits))
}

/// Seven or eight digits: the leading zeros of an old number are often left out, which does not change the sum.
fn is_short_id(text: &[u8]) -> bool {
    let short = digits::<8>(text).map(|digits| any(&digits) && luhn(&digits));
    short.or_else(|| digits::<7>(text).map(|digits| any(&digits) && luhn(&digits))).unwrap_or(false)
}

/// Companies, associations and partnerships: as the personal number, first digit 5.
fn is_company(text: &[u8]) -> bool {
    text.first() == Some(&b'5') && is_id(text)
}

/// Clearing codes of banks (Bank of Israel, list of banks and branches): the first two digits of an account written
/// bank, branch, account.
const BANKS: &[u32] = &[3, 4, 9, 10, 11, 12, 13, 14, 17, 18, 20, 22, 23, 26, 31, 34, 39, 46, 52, 54, 68];

fn is_account(text: &[u8]) -> bool {
    let [tens, ones, rest @ ..] = text else { return false };
    let all = text.iter().all(u8::is_ascii_digit) && (7..=12).contains(&rest.len());
    all && BANKS.contains(&pair(tens - b'0', ones - b'0'))
}
