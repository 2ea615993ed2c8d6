//! Base58Check (Bitcoin Core, `src/base58.cpp`; en.bitcoin.it/wiki/Base58Check_encoding): version, payload, and the
//! first four bytes of the doubled SHA-256 of both.

use sha2::{Digest, Sha256};

const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/// The longest text taken: an extended key has 111 characters. Decoding is quadratic, so there must be a limit.
const MAX_CHARS: usize = 112;
const CHECKSUM_LEN: usize = 4;
/// BIP-32 and SLIP-132: xprv xpub, yprv ypub, zprv zpub, tprv tpub.
const EXTENDED_VERSIONS: &[[u8; 4]] = &[
    [0x04, 0x88, 0xad, 0xe4],
    [0x04, 0x88, 0xb2, 0x1e],
    [0x04, 0x9d, 0x78, 0x78],
    [0x04, 0x9d, 0x7c, 0xb2],
    [0x04, 0xb2, 0x43, 0x0c],
    [0x04, 0xb2, 0x47, 0x46],
    [0x04, 0x35, 0x83, 0x94],
    [0x04, 0x35, 0x87, 0xcf],
];

/// A Bitcoin address of the main network: pay to public key hash (1…) or to script hash (3…).
pub(super) fn is_bitcoin(text: &[u8]) -> bool {
    payload(text).is_some_and(|payload| payload.len() == 21 && matches!(payload.first(), Some(0x00 | 0x05)))
}

/// A private key in Bitcoin's wallet import format: 32 bytes, and a 1 when its public key is compressed.
pub(super) fn is_wif(text: &[u8]) -> bool {
    payload(text).is_some_and(|payload| {
        let compressed = payload.len() == 34 && payload.last() == Some(&1);
        payload.first() == Some(&0x80) && (payload.len() == 33 || compressed)
    })
}

/// An extended key of BIP-32.
pub(super) fn is_extended_key(text: &[u8]) -> bool {
    payload(text).is_some_and(|payload| {
        payload.len() == 78 && EXTENDED_VERSIONS.iter().any(|version| payload.starts_with(version))
    })
}

/// A Tron address: version 0x41, 20 bytes.
pub(super) fn is_tron(text: &[u8]) -> bool {
    payload(text).is_some_and(|payload| payload.len() == 21 && payload.first() == Some(&0x41))
}

/// Version and payload, if the checksum holds.
fn payload(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = decode(text)?;
    let (body, checksum) = bytes.split_last_chunk::<CHECKSUM_LEN>()?;
    let digest = Sha256::digest(Sha256::digest(body));
    let length = body.len();
    let holds = digest.first_chunk::<CHECKSUM_LEN>() == Some(checksum);
    bytes.truncate(length);
    holds.then_some(bytes)
}

/// The number that `text` writes in base 58, big-endian, with a zero byte for each leading `1`.
fn decode(text: &[u8]) -> Option<Vec<u8>> {
    if text.len() > MAX_CHARS {
        return None;
    }
    let mut little: Vec<u8> = Vec::with_capacity(text.len());
    for character in text {
        let mut carry = ALPHABET.iter().position(|known| known == character)?;
        for byte in &mut little {
            carry += usize::from(*byte) * 58;
            *byte = low_byte(carry);
            carry >>= 8;
        }
        while carry > 0 {
            little.push(low_byte(carry));
            carry >>= 8;
        }
    }
    little.extend(text.iter().take_while(|character| **character == b'1').map(|_| 0));
    little.reverse();
    Some(little)
}

fn low_byte(value: usize) -> u8 {
    value.to_le_bytes().first().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_bitcoin_wiki_hold() {
        // en.bitcoin.it/wiki/Technical_background_of_version_1_Bitcoin_addresses; block 0; Bitcoin Core's
        // src/test/data/key_io_valid.json.
        for address in [
            "1PMycacnJaSqwwJqjawXBErnLsZ7RkXUAs",
            "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
            "1111111111111111111114oLvT2",
            "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
        ] {
            assert!(is_bitcoin(address.as_bytes()), "{address}");
            for at in 0..address.len() {
                let mut wrong = address.as_bytes().to_vec();
                wrong[at] = if wrong[at] == b'2' { b'3' } else { b'2' };
                assert!(!is_bitcoin(&wrong), "{address} at {at}");
            }
        }
        assert!(!is_bitcoin(b"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfN0"));
        assert!(!is_bitcoin(b""));
    }

    #[test]
    fn keys_hold() {
        // en.bitcoin.it/wiki/Wallet_import_format, and its compressed form; BIP-32 test vector 1.
        let wif = ["5HueCGU8rMjxEXxiPuD5BDku4MkFq", "eZyd4dZ1jvhTVqvbTLvyTJ"].concat();
        let compressed = ["KwdMAjGmerYanjeui5SHS7JkmpZv", "VipYvB2LJGU1ZxJwYvP98617"].concat();
        let extended = [
            "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqji",
            "ChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi",
        ]
        .concat();
        assert!(is_wif(wif.as_bytes()) && is_wif(compressed.as_bytes()));
        assert!(is_extended_key(extended.as_bytes()));
        assert!(
            !is_wif(extended.as_bytes()) && !is_extended_key(wif.as_bytes()) && !is_bitcoin(wif.as_bytes())
        );
    }

    #[test]
    fn a_tron_address_holds() {
        // The USDT contract, on every Tron explorer.
        assert!(is_tron(b"TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"));
        assert!(!is_tron(b"TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6s"));
    }

    #[test]
    fn long_texts_are_refused_unread() {
        assert_eq!(decode(&[b'2'; MAX_CHARS + 1]), None);
        assert_eq!(decode(b"11"), Some(vec![0, 0]));
        assert_eq!(decode(b"5R"), Some(vec![1, 0]));
    }
}
