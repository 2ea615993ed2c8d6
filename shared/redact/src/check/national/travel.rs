//! Identifiers of no one country: banks, legal entities, vehicles, phones.

use super::Check;
use super::common::{any, digits, mod_97, value36, values36};
use crate::check::luhn;

pub(super) const CHECKS: &[(&str, Check)] =
    &[("bic", is_bic), ("lei", is_lei), ("vin", is_vin), ("vin_unchecked", is_vin_shape), ("imei", is_imei)];

/// ISO 3166-1 alpha-2, and XK, which banks use for Kosovo.
const COUNTRIES: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ \
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO \
    FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE \
    JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO \
    MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW \
    PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM \
    TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW";

/// ISO 9362: four letters, country, two letters or digits, perhaps three more.
fn is_bic(text: &[u8]) -> bool {
    let Some((bank, rest)) = text.split_first_chunk::<4>() else { return false };
    let Some((country, place)) = rest.split_first_chunk::<2>() else { return false };
    let known = COUNTRIES.as_bytes().split(|byte| *byte == b' ').any(|code| code == country);
    let placed = matches!(place.len(), 2 | 5) && place.iter().all(|byte| value36(*byte).is_some());
    known && placed && bank.iter().all(u8::is_ascii_uppercase)
}

/// ISO 17442: eighteen letters and digits, two check digits, MOD 97-10.
fn is_lei(text: &[u8]) -> bool {
    let checked = text.last_chunk::<2>().is_some_and(|check| check.iter().all(u8::is_ascii_digit));
    checked && values36::<20>(text).is_some_and(|values| mod_97(values) == 1)
}

/// The value of a character in a vehicle identification number; I, O and Q are not used.
fn vin_value(byte: u8) -> Option<u32> {
    match byte {
        b'0'..=b'9' => Some(u32::from(byte - b'0')),
        b'A'..=b'H' => Some(u32::from(byte - b'A') + 1),
        b'J'..=b'N' => Some(u32::from(byte - b'J') + 1),
        b'P' => Some(7),
        b'R' => Some(9),
        b'S'..=b'Z' => Some(u32::from(byte - b'S') + 2),
        _ => None,
    }
}

/// Seventeen of the characters, the last four digits. Three letters at least: seventeen bare digits are a
/// timestamp or an order.
fn is_vin_shape(text: &[u8]) -> bool {
    let letters = text.iter().filter(|byte| byte.is_ascii_uppercase()).count();
    let serial = text.last_chunk::<4>().is_some_and(|serial| serial.iter().all(u8::is_ascii_digit));
    text.len() == 17 && letters >= 3 && serial && text.iter().all(|byte| vin_value(*byte).is_some())
}

/// With the check character of North America at the ninth place (49 CFR 565.15).
fn is_vin(text: &[u8]) -> bool {
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let values = text.iter().filter_map(|byte| vin_value(*byte));
    let rest = values.zip(WEIGHTS).map(|(value, weight)| value * weight).sum::<u32>() % 11;
    let check = match text.get(8) {
        Some(b'X') => Some(10),
        Some(digit @ b'0'..=b'9') => Some(u32::from(digit - b'0')),
        _ => None,
    };
    is_vin_shape(text) && check == Some(rest)
}

/// Mobile equipment: fifteen digits, Luhn.
fn is_imei(text: &[u8]) -> bool {
    digits::<15>(text).is_some_and(|digits| any(&digits) && luhn(&digits))
}
