//! Bech32 (BIP-173) and bech32m (BIP-350): a human-readable part, a `1`, and 5-bit values with a BCH checksum.

const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
const CHECKSUM_LEN: usize = 6;
/// Segwit addresses have at most 90 characters; other uses of the encoding are longer, with weaker error detection.
const MAX_CHARS: usize = 200;
const MAX_SEGWIT_CHARS: usize = 90;
/// Human-readable parts of segwit addresses: Bitcoin and Litecoin, main and test networks.
const SEGWIT_NETWORKS: &[&[u8]] = &[b"bc", b"tb", b"ltc", b"tltc"];

/// Which constant the checksum leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Variant {
    Bech32,
    Bech32m,
}

struct Decoded {
    /// Lower case.
    network: Vec<u8>,
    /// 5-bit values, checksum taken off.
    values: Vec<u8>,
    variant: Variant,
}

/// Any bech32 or bech32m text, whatever its human-readable part.
pub(super) fn is_bech32(text: &[u8]) -> bool {
    decode(text).is_some()
}

/// A segwit address of Bitcoin or Litecoin: witness version 0 is bech32 with a program of 20 or 32 bytes, versions 1
/// to 16 are bech32m with 2 to 40 bytes.
pub(super) fn is_segwit(text: &[u8]) -> bool {
    let Some(Decoded { network, values, variant }) = decode(text).filter(|_| text.len() <= MAX_SEGWIT_CHARS)
    else {
        return false;
    };
    let Some((version, program)) = values.split_first() else { return false };
    let length = program_length(program);
    let allowed = match (version, variant) {
        (0, Variant::Bech32) => matches!(length, Some(20 | 32)),
        (1..=16, Variant::Bech32m) => length.is_some_and(|length| (2..=40).contains(&length)),
        _ => false,
    };
    allowed && SEGWIT_NETWORKS.contains(&network.as_slice())
}

/// Whole bytes in 5-bit values: what is left over is less than one value, and zero.
fn program_length(values: &[u8]) -> Option<usize> {
    let spare = values.len() * 5 % 8;
    let last = values.last().copied().unwrap_or(0);
    (spare < 5 && last & ((1 << spare) - 1) == 0).then_some(values.len() * 5 / 8)
}

fn decode(text: &[u8]) -> Option<Decoded> {
    let mixed = text.iter().any(u8::is_ascii_lowercase) && text.iter().any(u8::is_ascii_uppercase);
    if mixed || text.len() > MAX_CHARS || !text.iter().all(u8::is_ascii_graphic) {
        return None;
    }
    let text = text.to_ascii_lowercase();
    let separator = text.iter().rposition(|byte| *byte == b'1').filter(|at| *at > 0)?;
    let (network, data) = text.split_at_checked(separator)?;
    let values = data.iter().skip(1).map(|byte| value(*byte)).collect::<Option<Vec<u8>>>()?;
    let variant = variant(network, &values)?;
    let length = values.len().checked_sub(CHECKSUM_LEN)?;
    let values = values.get(..length)?.to_vec();
    Some(Decoded { network: network.to_vec(), values, variant })
}

fn value(character: u8) -> Option<u8> {
    ALPHABET.iter().position(|known| *known == character).and_then(|at| u8::try_from(at).ok())
}

fn variant(network: &[u8], values: &[u8]) -> Option<Variant> {
    let high = network.iter().map(|byte| byte >> 5);
    let low = network.iter().map(|byte| byte & 31);
    let all = high.chain([0]).chain(low).chain(values.iter().copied());
    match all.fold(1, step) {
        1 => Some(Variant::Bech32),
        0x2bc8_30a3 => Some(Variant::Bech32m),
        _ => None,
    }
}

fn step(sum: u32, value: u8) -> u32 {
    let top = sum >> 25;
    let next = (sum & 0x01ff_ffff) << 5 ^ u32::from(value);
    GENERATOR
        .iter()
        .enumerate()
        .fold(next, |next, (bit, term)| if top >> bit & 1 == 1 { next ^ term } else { next })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_bip_173_and_350_hold() {
        for text in [
            "A12UEL5L",
            "a12uel5l",
            "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
            "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
            "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w",
            "?1ezyfcl",
            "A1LQFN3A",
            "an83characterlonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11sg7hg6",
            "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx",
            "split1checkupstagehandshakeupstreamerranterredcaperredlc445v",
            "?1v759aa",
        ] {
            assert!(is_bech32(text.as_bytes()), "{text}");
        }
        for text in [
            "pzry9x0s0muk",
            "1pzry9x0s0muk",
            "x1b4n0q5v",
            "li1dgmt3",
            "A1G7SGD8",
            "10a06t8",
            "a12UEL5L",
            "1qzzfhee",
        ] {
            assert!(!is_bech32(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn the_addresses_of_bip_350_hold() {
        for address in [
            "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
            "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7",
            "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y",
            "BC1SW50QGDZ25J",
            "bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs",
            "tb1qqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesrxh6hy",
            "tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c",
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
        ] {
            assert!(is_segwit(address.as_bytes()), "{address}");
        }
        for address in [
            "tc1qw508d6qejxtdg4y5r3zarvary0c5xw7kg3g4ty",
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",
            "tb1z0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqglt7rf",
            "BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL",
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh",
            "tb1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq24jc47",
            "bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4",
            "BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R",
            "bc1pw5dgrnzv",
            "BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P",
            "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq47Zagq",
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf",
            "bc1gmk9yu",
        ] {
            assert!(!is_segwit(address.as_bytes()), "{address}");
        }
    }
}
