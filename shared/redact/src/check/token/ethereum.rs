//! Ethereum addresses: `0x` and 40 hexadecimal digits, whose case is a checksum (EIP-55).

use sha3::{Digest, Keccak256};

const DIGITS: usize = 40;
/// Fewer different digits than this are a constant of some program, such as the zero address; a random address never
/// has fewer (once in 10¹⁰).
const MIN_DIFFERENT: usize = 8;

/// An address in the mixed case of EIP-55: a random one passes about once in 4,000 times.
pub(super) fn is_eip55(text: &[u8]) -> bool {
    let Some(digits) = address(text) else { return false };
    let hash = Keccak256::digest(digits.to_ascii_lowercase());
    let nibbles = hash.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let right =
        |(digit, nibble): (&u8, u8)| digit.is_ascii_digit() || digit.is_ascii_uppercase() == (nibble >= 8);
    digits.iter().zip(nibbles).all(right)
}

/// An address without a checksum: all letters are of one case.
pub(super) fn is_one_case(text: &[u8]) -> bool {
    address(text).is_some_and(|digits| {
        !(digits.iter().any(u8::is_ascii_lowercase) && digits.iter().any(u8::is_ascii_uppercase))
    })
}

/// The digits after `0x`, if they are the right number and there is variety in them.
fn address(text: &[u8]) -> Option<&[u8]> {
    let digits = text.strip_prefix(b"0x").filter(|digits| digits.len() == DIGITS)?;
    let lower = digits.to_ascii_lowercase();
    let different = b"0123456789abcdef".iter().filter(|digit| lower.contains(digit)).count();
    let shaped = digits.iter().all(u8::is_ascii_hexdigit) && digits.iter().any(u8::is_ascii_alphabetic);
    (shaped && different >= MIN_DIFFERENT).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_eip_55_hold() {
        for address in [
            "0x52908400098527886E0F7030069857D2E4169EE7",
            "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
            "0xde709f2102306220921060314715629080e2fb77",
            "0x27b1fdb04752bbc536007a920d24acb045561c26",
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
            "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
            "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
        ] {
            assert!(is_eip55(address.as_bytes()), "{address}");
        }
        assert!(!is_eip55(b"0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed"));
        assert!(!is_eip55(b"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe"));
    }

    #[test]
    fn one_case_needs_variety() {
        assert!(is_one_case(b"0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"));
        assert!(!is_one_case(b"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"));
        assert!(!is_one_case(b"0x0000000000000000000000000000000000000000"));
        assert!(!is_eip55(b"0x0000000000000000000000000000000000000000"));
        assert!(!is_one_case(b"0xffffffffffffffffffffffffffffffffffffffff"));
    }
}
