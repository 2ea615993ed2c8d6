//! Ways to write a value so that it reads the same to people or programs.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

type Disguise = fn(&str) -> String;

pub(super) const DISGUISES: &[(&str, Disguise)] = &[
    ("plain (in one quote)", |v| format!("'{v}'")),
    ("zero width space", |v| between(v, "\u{200b}")),
    ("zero width non-joiner", |v| between(v, "\u{200c}")),
    ("zero width joiner", |v| between(v, "\u{200d}")),
    ("word joiner", |v| between(v, "\u{2060}")),
    ("byte order mark", |v| between(v, "\u{feff}")),
    ("soft hyphen", |v| between(v, "\u{ad}")),
    ("RLO/PDF around", |v| format!("\u{202e}{v}\u{202c}")),
    ("isolates around", |v| format!("\u{2066}{v}\u{2069}")),
    ("isolates between", |v| each(v, |c| format!("\u{2068}{c}\u{2069}"))),
    ("full width", full_width),
    ("mathematical digits", |v| digits(v, '𝟎')),
    ("mathematical letters", mathematical),
    ("Arabic-Indic digits", |v| digits(v, '٠')),
    ("extended Arabic digits", |v| digits(v, '۰')),
    ("Devanagari digits", |v| digits(v, '०')),
    ("Cyrillic letters", |v| swapped(v, CYRILLIC)),
    ("Greek letters", |v| swapped(v, GREEK)),
    ("no-break space", |v| separated(v, '\u{a0}')),
    ("figure space", |v| separated(v, '\u{2007}')),
    ("non-breaking hyphen", |v| separated(v, '\u{2011}')),
    ("en dash", |v| separated(v, '–')),
    ("spaced characters", spaced),
    ("percent, ordinary", |v| percent(v, |c| !c.is_ascii_alphanumeric() && !"-._~".contains(c))),
    ("percent, full", |v| percent(v, |_| true)),
    ("base64", |v| STANDARD.encode(v)),
    ("base64, no padding", |v| STANDARD_NO_PAD.encode(v)),
    ("base64url", |v| URL_SAFE.encode(v)),
    ("base64url, no padding", |v| URL_SAFE_NO_PAD.encode(v)),
    ("hex, lower", |v| v.bytes().map(|byte| format!("{byte:02x}")).collect()),
    ("hex, upper", |v| v.bytes().map(|byte| format!("{byte:02X}")).collect()),
    (r"JSON \u", |v| each(v, |c| format!("\\u{:04x}", u32::from(c)))),
    ("HTML decimal", |v| each(v, |c| format!("&#{};", u32::from(c)))),
    ("HTML hex", |v| each(v, |c| format!("&#x{:x};", u32::from(c)))),
    ("HTML named", |v| each(v, named)),
    ("base64 of percent", |v| STANDARD.encode(percent(v, |_| true))),
    ("percent of percent", |v| percent(v, |_| true).replace('%', "%25")),
    ("percent of base64", |v| percent(&STANDARD.encode(v), |_| true)),
    ("base64 of hex", |v| STANDARD.encode(v.bytes().map(|byte| format!("{byte:02x}")).collect::<String>())),
    ("prefix ב", |v| format!("ב{v}")),
    ("prefix ל", |v| format!("ל{v}")),
    ("prefix מ", |v| format!("מ{v}")),
    ("prefix ה", |v| format!("ה{v}")),
    ("prefix ו", |v| format!("ו{v}")),
    ("prefix כ", |v| format!("כ{v}")),
    ("prefix ש", |v| format!("ש{v}")),
    ("prefix של", |v| format!("של{v}")),
    ("Hebrew letters after", |v| format!("{v}בבקשה")),
];

/// Latin letters, and what looks like them.
const CYRILLIC: &str = "aаcсeеoоpрxхyуiіjјAАBВCСEЕHНKКMМOОPРTТXХIІJЈSЅsѕ";
const GREEK: &str = "oοvνAΑBΒEΕHΗIΙKΚMΜNΝOΟPΡTΤXΧYΥZΖ";

fn each(value: &str, write: impl Fn(char) -> String) -> String {
    value.chars().map(write).collect()
}

fn between(value: &str, mark: &str) -> String {
    value.chars().map(String::from).collect::<Vec<_>>().join(mark)
}

fn shifted(c: char, by: u32) -> char {
    char::from_u32(u32::from(c) + by).expect("a character")
}

fn full_width(value: &str) -> String {
    value.chars().map(|c| if c == ' ' { '\u{3000}' } else { shifted(c, 0xfee0) }).collect()
}

fn digits(value: &str, zero: char) -> String {
    value.chars().map(|c| c.to_digit(10).map_or(c, |digit| shifted(zero, digit))).collect()
}

fn mathematical(value: &str) -> String {
    let letter = |c: char| match c {
        'A'..='Z' => shifted('𝐀', u32::from(c) - u32::from('A')),
        'a'..='z' => shifted('𝐚', u32::from(c) - u32::from('a')),
        _ => c,
    };
    value.chars().map(letter).collect()
}

fn swapped(value: &str, pairs: &str) -> String {
    let pairs = pairs.chars().collect::<Vec<_>>();
    let like = |c: char| pairs.chunks(2).find(|pair| pair[0] == c).map_or(c, |pair| pair[1]);
    value.chars().map(like).collect()
}

fn separated(value: &str, by: char) -> String {
    // Of an address or a name, the dashes belong to it.
    if value.contains(['@', '_']) {
        return value.to_owned();
    }
    value.chars().map(|c| if matches!(c, ' ' | '-') { by } else { c }).collect()
}

fn spaced(value: &str) -> String {
    between(&value.replace(' ', ""), " ")
}

fn percent(value: &str, is_encoded: impl Fn(char) -> bool) -> String {
    each(value, |c| if is_encoded(c) { format!("%{:02X}", u32::from(c)) } else { c.to_string() })
}

fn named(c: char) -> String {
    match c {
        '@' => "&commat;".to_owned(),
        '.' => "&period;".to_owned(),
        '-' => "&hyphen;".to_owned(),
        '_' => "&lowbar;".to_owned(),
        '+' => "&plus;".to_owned(),
        ' ' => "&nbsp;".to_owned(),
        other => other.to_string(),
    }
}
