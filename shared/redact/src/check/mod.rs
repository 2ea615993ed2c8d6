//! The named checks that detectors refer to. Each takes the whole candidate and says whether it is what it looks like.

mod card;
mod iban;
mod national;
mod network;
mod token;

/// A check: the candidate's text → is it one.
pub(crate) type Check = fn(&str) -> bool;

/// Every check under the name that data files use.
const CHECKS: &[(&str, Check)] = &[
    ("card", card::is_card),
    ("iban", iban::is_iban),
    ("us_ssn", national::is_us_ssn),
    ("il_id", national::is_il_id),
    ("email", network::is_email),
    ("ipv4", network::is_ipv4),
    ("ipv6", network::is_ipv6),
    ("crc32_base62", token::has_crc32_base62),
    ("mixed", token::is_mixed),
];

/// The check called `name`.
pub(crate) fn by_name(name: &str) -> Option<Check> {
    CHECKS.iter().find(|(known, _)| *known == name).map(|(_, check)| *check)
}

/// Luhn's sum over decimal digits, last one the check digit (ISO/IEC 7812-1 annex B).
fn luhn(digits: &[u8]) -> bool {
    let step = |(at, digit): (usize, &u8)| match (at % 2, digit * 2) {
        (0, _) => u32::from(*digit),
        (_, doubled) => u32::from(doubled / 10 + doubled % 10),
    };
    digits.iter().rev().enumerate().map(step).sum::<u32>().is_multiple_of(10)
}

/// The ASCII digits of `text`, as values 0–9.
fn digits(text: &str) -> Vec<u8> {
    text.bytes().filter(u8::is_ascii_digit).map(|byte| byte - b'0').collect()
}

/// A group of digits as a number; the caller's pattern keeps it short.
fn number(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |number: u32, digit| number.saturating_mul(10).saturating_add(u32::from(*digit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luhn_catches_every_single_wrong_digit() {
        let good = digits("4111111111111111");
        assert!(luhn(&good));
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] = (bad[at] + 1) % 10;
            assert!(!luhn(&bad), "digit {at}");
        }
    }
}
