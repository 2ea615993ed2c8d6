//! Machine-readable zones of travel documents (ICAO Doc 9303 parts 4 to 7): lines of `A`–`Z`, `0`–`9` and `<`, with
//! check digits of weights 7, 3, 1 modulo 10 (part 3 section 4.9).

/// Line length and lines of each size: TD3 and visa A, TD2 and visa B, TD1.
const LONG: usize = 44;
const MIDDLE: usize = 36;
const SHORT: usize = 30;

/// The lines of one document, whatever white space, real or escaped, parts them.
pub(super) fn is_mrz(text: &[u8]) -> bool {
    let zone = unbroken(text);
    let lines = |width: usize| zone.chunks(width).collect::<Vec<_>>();
    match zone.len() {
        88 => two_lines(&lines(LONG), &[(28, 42)]),
        72 => two_lines(&lines(MIDDLE), &[]),
        90 => three_lines(&lines(SHORT)),
        _ => false,
    }
}

/// The zone's characters: line ends are left out, also as the two characters `\n`.
fn unbroken(text: &[u8]) -> Vec<u8> {
    let is_zone = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'<';
    text.iter().filter(|byte| is_zone(byte)).copied().collect()
}

/// TD3, TD2 and visas: document number, birth and expiry in the second line. Passports and TD2 also have a check digit
/// over all of them as the last character; visas, which begin with V, have free text there.
fn two_lines(lines: &[&[u8]], optional: &[(usize, usize)]) -> bool {
    let [first, second] = lines else { return false };
    let fields = [(0, 9), (13, 19), (21, 27)].iter().all(|(from, to)| field_holds(second, *from, *to));
    let visa = first.first() == Some(&b'V');
    fields
        && (visa
            || (optional.iter().all(|(from, to)| optional_holds(second, *from, *to)) && whole_holds(second)))
}

fn whole_holds(line: &[u8]) -> bool {
    let Some((last, rest)) = line.split_last() else { return false };
    let parts = [rest.get(..10), rest.get(13..20), rest.get(21..)];
    let all = parts.iter().flatten().flat_map(|part| part.iter()).copied();
    check_digit(all) == Some(*last)
}

/// TD1: the document number in the first line, birth and expiry in the second, with a check digit over the lines at
/// the second's end. A long document number goes on in the free text; its check digit follows there.
fn three_lines(lines: &[&[u8]]) -> bool {
    let [first, second, _] = lines else { return false };
    let number = field_holds(first, 5, 14) || first.get(14) == Some(&b'<');
    let dates = field_holds(second, 0, 6) && field_holds(second, 8, 14);
    let parts = [first.get(5..), second.get(..7), second.get(8..15), second.get(18..29)];
    let all = parts.iter().flatten().flat_map(|part| part.iter()).copied();
    number && dates && check_digit(all) == second.last().copied()
}

/// The field `from..to` is followed by its check digit.
fn field_holds(line: &[u8], from: usize, to: usize) -> bool {
    let field = line.get(from..to).unwrap_or_default();
    line.get(to).is_some_and(|digit| check_digit(field.iter().copied()) == Some(*digit))
}

/// As [`field_holds`]; an empty field may have a filler for its check digit.
fn optional_holds(line: &[u8], from: usize, to: usize) -> bool {
    let empty = line.get(from..=to).is_some_and(|field| field.iter().all(|byte| *byte == b'<'));
    empty || field_holds(line, from, to)
}

fn check_digit(field: impl Iterator<Item = u8>) -> Option<u8> {
    let values = field.map(value).collect::<Option<Vec<u32>>>()?;
    let sum: u32 = values.iter().zip([7, 3, 1].iter().cycle()).map(|(value, weight)| value * weight).sum();
    u8::try_from(sum % 10).ok().map(|digit| b'0' + digit)
}

fn value(character: u8) -> Option<u32> {
    match character {
        b'<' => Some(0),
        b'0'..=b'9' => Some(u32::from(character - b'0')),
        b'A'..=b'Z' => Some(u32::from(character - b'A') + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The specimens of ICAO Doc 9303, 8th edition: part 4 (TD3), part 5 (TD1), part 6 (TD2), part 7 (visas).
    const SPECIMENS: &[&str] = &[
        "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10",
        "I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<6\nERIKSSON<<ANNA<MARIA<<<<<<<<<<",
        "I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nD231458907UTO7408122F1204159<<<<<<<6",
        "V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL8988901C4XXX4009078F96121096ZE184226B<<<<<<",
        "V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nL8988901C4XXX4009078F9612109<<<<<<<<",
    ];

    #[test]
    fn the_specimens_of_icao_9303_hold() {
        for zone in SPECIMENS {
            assert!(is_mrz(zone.as_bytes()), "{zone}");
            assert!(is_mrz(zone.replace('\n', "\\n").as_bytes()), "{zone}");
            assert!(is_mrz(zone.replace('\n', "\r\n").as_bytes()), "{zone}");
        }
    }

    #[test]
    fn a_wrong_digit_is_noticed() {
        for zone in SPECIMENS {
            let birth = if zone.contains("740812") { "740812" } else { "400907" };
            assert!(!is_mrz(zone.replace(birth, "740813").as_bytes()), "{zone}");
        }
        assert!(!is_mrz(SPECIMENS[0].replace("10", "11").as_bytes()));
        assert!(!is_mrz(b"P<UTO"));
    }
}
