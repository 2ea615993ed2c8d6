//! The named checks that detectors refer to. Each takes the whole candidate and says whether it is what it looks like.

pub(crate) mod card;
pub(crate) mod iban;
mod national;
mod token;

/// A check: the candidate → is it one. Of a mask the compact candidate in capitals, of a pattern the span as it stands.
pub(crate) type Check = fn(&[u8]) -> bool;

/// The check called `name`.
pub(crate) fn by_name(name: &str) -> Option<Check> {
    national::by_name(name).or_else(|| token::by_name(name))
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
#[cfg(test)]
fn digits(text: &[u8]) -> Vec<u8> {
    text.iter().filter(|byte| byte.is_ascii_digit()).map(|byte| byte.wrapping_sub(b'0')).collect()
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
        let good = digits(b"4111111111111111");
        assert!(luhn(&good));
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] = (bad[at] + 1) % 10;
            assert!(!luhn(&bad), "digit {at}");
        }
    }
}
