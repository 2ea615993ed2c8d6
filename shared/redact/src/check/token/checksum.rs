//! Tokens that carry a CRC-32 of themselves: a random string passes once in 2³².

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE36: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
const CHECKSUM_LEN: usize = 6;
const GITLAB_CHECKSUM_LEN: usize = 7;

/// GitHub's scheme, npm's too: after the prefix and its underscore, the last six characters are the base62 form of
/// the CRC-32 of the characters before them.
pub(super) fn has_crc32_base62(bytes: &[u8]) -> bool {
    let Some(underscore) = bytes.iter().position(|byte| *byte == b'_') else { return false };
    let secret = bytes.get(underscore + 1..).unwrap_or_default();
    let Some((entropy, checksum)) = secret.split_last_chunk::<CHECKSUM_LEN>() else { return false };
    *checksum == based(crc32fast::hash(entropy), BASE62)
}

/// GitLab's routable tokens: the last seven characters are the base36 form of the CRC-32 of everything before them,
/// prefix and all (gitlab-org/gitlab, `lib/authn/token_field/generator/routable_token.rb`).
pub(super) fn is_gitlab_routable(bytes: &[u8]) -> bool {
    let Some((body, checksum)) = bytes.split_last_chunk::<GITLAB_CHECKSUM_LEN>() else { return false };
    *checksum == based(crc32fast::hash(body), BASE36)
}

/// This product's own gateway keys; see `domain::GatewayKey`.
pub(super) fn is_countersign_key(bytes: &[u8]) -> bool {
    core::str::from_utf8(bytes).is_ok_and(|text| text.parse::<domain::GatewayKey>().is_ok())
}

/// `value` in the digits of `alphabet`, padded with zeros; the callers' lengths hold every CRC-32.
fn based<const LEN: usize>(mut value: u32, alphabet: &[u8]) -> [u8; LEN] {
    let base = u32::try_from(alphabet.len()).unwrap_or(u32::MAX);
    let mut text = [b'0'; LEN];
    for slot in text.iter_mut().rev() {
        *slot = alphabet.get((value % base) as usize).copied().unwrap_or(b'0');
        value /= base;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_padded() {
        assert_eq!(based(0, BASE62), *b"000000");
        assert_eq!(based(61, BASE62), *b"00000z");
        assert_eq!(based(u32::MAX, BASE62), *b"4gfFC3");
        assert_eq!(based(u32::MAX, BASE36), *b"1z141z3");
    }

    #[test]
    fn github_and_npm_tokens_carry_their_checksum() {
        // The first is an example that public tests of this scheme use; the second is the dummy of
        // github.com/secretlint/secretlint/issues/200.
        let github = ["gh", "p_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17"].concat();
        let npm = ["np", "m_qkJaB6MffYVzZXWqmcoF49yrUxP3wf0LsakP"].concat();
        for token in [github, npm] {
            assert!(has_crc32_base62(token.as_bytes()), "{token}");
            assert!(!has_crc32_base62(token.replace('0', "1").as_bytes()), "{token}");
        }
        assert!(!has_crc32_base62(b"ghp_short"));
        assert!(!has_crc32_base62(b"no underscore"));
    }

    #[test]
    fn a_routable_token_is_read_as_it_is_written() {
        let body = "glpat-bm90IGEgc2VjcmV0IQpvOjEEAw.01.0w";
        let checksum: [u8; GITLAB_CHECKSUM_LEN] = based(crc32fast::hash(body.as_bytes()), BASE36);
        let token = format!("{body}{}", String::from_utf8_lossy(&checksum));
        assert!(is_gitlab_routable(token.as_bytes()));
        assert!(!is_gitlab_routable(token.replace("01.", "02.").as_bytes()));
        assert!(!is_gitlab_routable(b"glpat-"));
    }

    #[test]
    fn a_gateway_key_is_found_by_its_own_parser() {
        let random = core::array::from_fn(|at| u8::try_from(at * 37 % 256).unwrap());
        let key = domain::GatewayKey::mint(domain::KeyKind::Service, "eu".parse().unwrap(), &random).unwrap();
        assert!(is_countersign_key(key.reveal().as_bytes()));
        assert!(!is_countersign_key(key.reveal().replace("_eu_", "_us_").as_bytes()));
        assert!(!is_countersign_key(b"cs_svc_eu_\xff"));
    }
}
