//! Checks of credentials and of other texts that `[[pattern]]` rows find by a telling literal.
//!
//! Each takes the raw bytes of a span, whatever they are, and says whether it is what it looks like. None panics.

mod base58;
mod bech32;
mod checksum;
mod encoded;
mod ethereum;
mod guess;
mod hardware;
mod mrz;

/// A check: the bytes of a span → is it one.
pub(crate) type Check = fn(&[u8]) -> bool;

/// Every check under the name that data files use.
pub(crate) const CHECKS: &[(&str, Check)] = &[
    ("crc32_base62", checksum::has_crc32_base62),
    ("gitlab_routable", checksum::is_gitlab_routable),
    ("countersign_key", checksum::is_countersign_key),
    ("bitcoin_base58", base58::is_bitcoin),
    ("bitcoin_wif", base58::is_wif),
    ("bitcoin_extended_key", base58::is_extended_key),
    ("tron_address", base58::is_tron),
    ("bech32", bech32::is_bech32),
    ("segwit_address", bech32::is_segwit),
    ("eip55", ethereum::is_eip55),
    ("eth_one_case", ethereum::is_one_case),
    ("mrz", mrz::is_mrz),
    ("mac", hardware::is_mac),
    ("jwt", encoded::is_jwt),
    ("basic_auth", encoded::is_basic_auth),
    ("mixed", guess::is_mixed),
    ("random", guess::is_random),
    ("secret_value", guess::is_secret_value),
    ("password_value", guess::is_password_value),
    ("url_password", guess::is_url_password),
];

/// The check called `name`.
pub(crate) fn by_name(name: &str) -> Option<Check> {
    CHECKS.iter().find(|(known, _)| *known == name).map(|(_, check)| *check)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_single() {
        let names: std::collections::BTreeSet<_> = CHECKS.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), CHECKS.len());
        assert!(by_name("mixed").is_some());
        assert!(by_name("no such check").is_none());
    }

    /// Bytes that reach deep into the checks: prefixes that they strip, and the alphabets that they decode.
    fn texts() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..200),
            r"(bc1|BC1|ltc1|0x|eyJ|T|1|5|xprv|glpat-|cs_usr_eu_|P<|I<)?[0-9A-Za-z<+/=_:.\-]{0,200}"
                .prop_map(String::into_bytes),
        ]
    }

    proptest! {
        #[test]
        fn no_check_panics(bytes in texts()) {
            for (_, check) in CHECKS {
                check(&bytes);
            }
        }
    }
}
