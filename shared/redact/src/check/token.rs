//! Credentials with a checksum or a telling mix of characters.

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const CHECKSUM_LEN: usize = 6;

/// GitHub's scheme: after the prefix and its underscore, the last six characters are the base62 form of the CRC32 of
/// the characters before them.
pub(super) fn has_crc32_base62(text: &str) -> bool {
    let Some((_, secret)) = text.split_once('_') else { return false };
    let split = secret.len().checked_sub(CHECKSUM_LEN).and_then(|at| secret.split_at_checked(at));
    split
        .is_some_and(|(entropy, checksum)| base62(crc32fast::hash(entropy.as_bytes())) == checksum.as_bytes())
}

/// Six base62 digits, padded with zeros; a CRC32 always fits.
fn base62(mut value: u32) -> [u8; CHECKSUM_LEN] {
    let mut text = [b'0'; CHECKSUM_LEN];
    for slot in text.iter_mut().rev() {
        *slot = BASE62.get((value % 62) as usize).copied().unwrap_or(b'0');
        value /= 62;
    }
    text
}

/// Letters and digits both: words joined by dashes are no key.
pub(super) fn is_mixed(text: &str) -> bool {
    let has = |test: fn(&u8) -> bool| text.bytes().filter(test).count() >= 4;
    has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base62_pads_to_six() {
        assert_eq!(&base62(0), b"000000");
        assert_eq!(&base62(61), b"00000z");
        assert_eq!(&base62(u32::MAX), b"4gfFC3");
    }
}
