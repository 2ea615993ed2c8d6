//! International bank account numbers.

/// Length of the whole number per country (SWIFT IBAN registry, and the countries that use the form unregistered
/// are left out). Sorted by country.
#[rustfmt::skip]
const LENGTHS: &[(&str, usize)] = &[
    ("AD", 24), ("AE", 23), ("AL", 28), ("AT", 20), ("AZ", 28), ("BA", 20), ("BE", 16), ("BG", 22), ("BH", 22),
    ("BI", 27), ("BR", 29), ("BY", 28), ("CH", 21), ("CR", 22), ("CY", 28), ("CZ", 24), ("DE", 22), ("DJ", 27),
    ("DK", 18), ("DO", 28), ("EE", 20), ("EG", 29), ("ES", 24), ("FI", 18), ("FK", 18), ("FO", 18), ("FR", 27),
    ("GB", 22), ("GE", 22), ("GI", 23), ("GL", 18), ("GR", 27), ("GT", 28), ("HN", 28), ("HR", 21), ("HU", 28),
    ("IE", 22), ("IL", 23), ("IQ", 23), ("IS", 26), ("IT", 27), ("JO", 30), ("KW", 30), ("KZ", 20), ("LB", 28),
    ("LC", 32), ("LI", 21), ("LT", 20), ("LU", 20), ("LV", 21), ("LY", 25), ("MC", 27), ("MD", 24), ("ME", 22),
    ("MK", 19), ("MN", 20), ("MR", 27), ("MT", 31), ("MU", 30), ("NI", 28), ("NL", 18), ("NO", 15), ("OM", 23),
    ("PK", 24), ("PL", 28), ("PS", 29), ("PT", 25), ("QA", 29), ("RO", 24), ("RS", 22), ("RU", 33), ("SA", 24),
    ("SC", 31), ("SD", 18), ("SE", 24), ("SI", 19), ("SK", 24), ("SM", 27), ("SO", 23), ("ST", 25), ("SV", 28),
    ("TL", 23), ("TN", 24), ("TR", 26), ("UA", 29), ("VA", 22), ("VG", 24), ("XK", 20), ("YE", 30),
];

/// The length of the whole number in a country given by its two letters, in either case.
pub(crate) fn length(country: [u8; 2]) -> Option<usize> {
    let country = country.map(|letter| letter.to_ascii_uppercase());
    let at = LENGTHS.binary_search_by_key(&country.as_slice(), |(code, _)| code.as_bytes()).ok()?;
    LENGTHS.get(at).map(|(_, length)| *length)
}

/// ISO 7064 MOD 97-10 over the compact number, in capitals and of its country's length; written in groups, it may
/// also be a sentence.
pub(crate) fn is_compact_iban(compact: &[u8], grouped: bool) -> bool {
    let digits = compact.get(2..4).is_some_and(|check| check.iter().all(u8::is_ascii_digit));
    digits && !(grouped && is_prose(compact)) && mod97(compact) == 1
}

/// "de89 people came": a grouped candidate with more letters than digits is text, whatever its sum.
fn is_prose(compact: &[u8]) -> bool {
    compact.iter().filter(|byte| byte.is_ascii_digit()).count() * 2 < compact.len()
}

/// The first four characters moved to the end, letters as 10–35, read as one number modulo 97.
fn mod97(compact: &[u8]) -> u32 {
    let (head, tail) = compact.split_at_checked(4).unwrap_or((compact, &[]));
    tail.iter().chain(head).fold(0, |rest, byte| match char::from(*byte).to_digit(36) {
        Some(value) if value > 9 => (rest * 100 + value) % 97,
        Some(value) => (rest * 10 + value) % 97,
        None => rest,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_s_own_examples_pass() {
        for iban in
            ["GB29NWBK60161331926819", "MT84MALT011000012345MTLCAST001S", "BR1800360305000010009795493C1"]
        {
            assert!(is_compact_iban(iban.as_bytes(), true), "{iban}");
            assert_eq!(length([iban.as_bytes()[0] | 0x20, iban.as_bytes()[1]]), Some(iban.len()));
        }
        assert!(!is_compact_iban(b"GB28NWBK60161331926819", false));
    }

    #[test]
    fn countries_are_sorted_and_single() {
        assert!(LENGTHS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(LENGTHS.iter().all(|(_, length)| (15..=34).contains(length)));
    }
}
