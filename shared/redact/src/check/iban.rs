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

/// Country, length and ISO 7064 MOD 97-10. Any grouping by spaces or dashes is taken; lower case too.
pub(super) fn is_iban(text: &str) -> bool {
    let compact = text.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_uppercase());
    let compact = compact.collect::<Vec<u8>>();
    let ends_well = text.ends_with(|c: char| c.is_ascii_alphanumeric());
    let grouped = compact.len() != text.len();
    ends_well && has_length(&compact) && !(grouped && is_prose(&compact)) && mod97(&compact) == 1
}

fn has_length(compact: &[u8]) -> bool {
    let Some(country) = compact.get(..2) else { return false };
    LENGTHS.iter().any(|(code, length)| code.as_bytes() == country && *length == compact.len())
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
            assert!(is_iban(iban), "{iban}");
        }
        assert!(is_iban("MT84 MALT 0110 0001 2345 MTLC AST0 01S"));
    }

    #[test]
    fn countries_are_sorted_and_single() {
        assert!(LENGTHS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(LENGTHS.iter().all(|(_, length)| (15..=34).contains(length)));
    }
}
