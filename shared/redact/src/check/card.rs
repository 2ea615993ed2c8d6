//! Payment cards: issuer range, length, Luhn.

use super::{luhn, number};

/// (first four digits from, to, lengths). Ranges: Wikipedia "Payment card number", issuer identification numbers,
/// rounded up to whole four-digit blocks where an issuer holds part of one. Twelve-digit numbers only for Maestro.
const ISSUERS: &[(u32, u32, &[usize])] = &[
    (604, 604, &[12, 13, 14, 15, 16, 17, 18, 19]), // Maestro UK, 0604
    (1800, 1800, &[15]),                           // JCB, older
    (2131, 2131, &[15]),                           // JCB, older
    (2200, 2204, &[16, 17, 18, 19]),               // Mir
    (2205, 2205, &[16]),                           // Borica
    (2221, 2720, &[16]),                           // Mastercard
    (3000, 3059, &[14, 15, 16, 17, 18, 19]),       // Diners Club
    (3095, 3095, &[14, 15, 16, 17, 18, 19]),       // Diners Club
    (3400, 3499, &[15]),                           // American Express
    (3500, 3599, &[16, 17, 18, 19]),               // JCB, RuPay
    (3600, 3699, &[14, 15, 16, 17, 18, 19]),       // Diners Club
    (3700, 3799, &[15]),                           // American Express
    (3800, 3999, &[14, 15, 16, 17, 18, 19]),       // Diners Club
    (4000, 4999, &[13, 16, 19]),                   // Visa
    (5000, 5099, &[12, 13, 14, 15, 16, 17, 18, 19]), // Maestro, Dankort, Verve
    (5100, 5599, &[16]),                           // Mastercard
    (5600, 5899, &[12, 13, 14, 15, 16, 17, 18, 19]), // Maestro
    (6000, 6199, &[16, 17, 18, 19]),               // Discover, RuPay
    (6200, 6299, &[16, 17, 18, 19]),               // UnionPay
    (6300, 6399, &[12, 13, 14, 15, 16, 17, 18, 19]), // Maestro, InstaPayment
    (6400, 6599, &[16, 17, 18, 19]),               // Discover, RuPay, Troy
    (6700, 6799, &[12, 13, 14, 15, 16, 17, 18, 19]), // Maestro
    (8100, 8299, &[16, 17, 18, 19]),               // UnionPay, RuPay
    (8600, 8600, &[16]),                           // Uzcard
    (9792, 9792, &[16]),                           // Troy
    (9860, 9860, &[16]),                           // Humo
];

/// 12 to 19 digits, as values, of a known issuer with a correct check digit.
pub(crate) fn is_card_number(digits: &[u8]) -> bool {
    issued(digits) && luhn(digits)
}

fn issued(digits: &[u8]) -> bool {
    let Some(prefix) = digits.get(..4).map(number) else { return false };
    let fits = |(from, to, lengths): &(u32, u32, &[usize])| {
        (*from..=*to).contains(&prefix) && lengths.contains(&digits.len())
    };
    ISSUERS.iter().any(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuer_and_length_must_agree() {
        let is_card = |text: &str| is_card_number(&super::super::digits(text.as_bytes()));
        assert!(is_card("378282246310005"));
        assert!(is_card("4111-1111 1111-1111"));
        assert!(!is_card("9111111111111111"));
        assert!(!is_card("4111111111111112"));
    }

    #[test]
    fn issuer_ranges_are_in_order_and_apart() {
        assert!(ISSUERS.windows(2).all(|pair| pair[0].1 < pair[1].0));
        assert!(ISSUERS.iter().all(|(from, to, lengths)| from <= to && !lengths.is_empty()));
    }
}
