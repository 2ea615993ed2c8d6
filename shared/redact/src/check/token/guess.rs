//! Values without a grammar: is this text random enough to be a secret, or is it a word, a name of code, or a
//! placeholder? The bounds were chosen on source code, so that hardly any name of code passes.

/// What people write where a secret belongs; and the name of an algorithm.
const PLACEHOLDERS: &[&str] = &[
    "your",
    "example",
    "changeme",
    "change_me",
    "change-me",
    "placeholder",
    "replace",
    "redacted",
    "dummy",
    "insert",
    "xxxx",
    "****",
    "....",
    "____",
    "----",
    "<",
    "${",
    "{{",
    "#{",
    "$(",
    "%(",
    "%s",
    "fixme",
    "todo",
    "enter",
    "sample",
    "not-a-",
    "not_a_",
    "notreal",
    "fake",
    "sha256",
    "mock",
];
/// Passwords of local set-ups and of documentation: to hide them helps nobody.
const WELL_KNOWN: &[&str] = &[
    "password", "passwd", "pass", "pwd", "secret", "token", "admin", "root", "user", "username", "guest",
    "test", "postgres", "mysql", "redis", "mongo", "rabbitmq", "elastic", "sa", "none", "null", "nil",
    "empty", "foo", "bar", "baz", "pw", "p", "hunter2", "key", "value", "string", "host", "port", "xxx",
    "xx", "x", "***", "**", "*", "...", "…", "abc", "123", "1234", "12345", "123456",
];
const SYMBOLS: &[u8] = b"!#$%&*@^~";
const LOWER: u8 = 0;
const UPPER: u8 = 1;
const DIGIT: u8 = 2;
/// A single digit is the number at the end of a name, unless the letters alternate a lot.
const ONE_DIGIT_PERCENT: usize = 35;
const MIN_SECRET: usize = 16;
const MIN_PASSWORD: usize = 8;

/// Letters and digits both, four of each: words joined by dashes are no key.
pub(super) fn is_mixed(text: &[u8]) -> bool {
    let has = |test: fn(&u8) -> bool| text.iter().filter(|byte| test(byte)).count() >= 4;
    has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
}

/// Letters and digits both, with some variety, and no placeholder: enough where a prefix or a name tells the rest.
pub(super) fn is_random(text: &[u8]) -> bool {
    let has = |test: fn(&u8) -> bool| text.iter().any(test);
    has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic) && different(text) >= 8 && !is_placeholder(text)
}

/// A long value that looks drawn at random.
pub(super) fn is_secret_value(text: &[u8]) -> bool {
    text.len() >= MIN_SECRET && is_scrambled(text, 20) && different(text) >= 8 && !is_placeholder(text)
}

/// A value that is plausible as a password where one is named: symbols, letters and digits; or letters of both cases
/// and digits, well mixed; or a long random value.
pub(super) fn is_password_value(text: &[u8]) -> bool {
    let has = |test: fn(&u8) -> bool| text.iter().any(test);
    let digits = has(u8::is_ascii_digit);
    let cases = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    let symbols = has(|byte| SYMBOLS.contains(byte)) && has(u8::is_ascii_alphabetic);
    let strong = digits && (symbols || (cases && is_scrambled(text, 30)));
    let variable = matches!(text.first(), Some(b'$' | b'@' | b'%' | b'&' | b'*' | b'#' | b'!'))
        && text.iter().skip(1).all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'%'));
    let shaped = text.len() >= MIN_PASSWORD && different(text) >= 5 && !variable;
    shaped && (strong || is_secret_value(text)) && !is_placeholder(text)
}

/// A password where the grammar leaves no doubt that it is one: anything but what everybody writes there.
pub(super) fn is_url_password(text: &[u8]) -> bool {
    let lower = text.to_ascii_lowercase();
    let known = WELL_KNOWN.iter().any(|word| word.as_bytes() == lower);
    let variable = matches!(text.first(), Some(b'$' | b'%' | b'{' | b'[' | b'(' | b'<' | b':'));
    let number = text.iter().all(u8::is_ascii_digit) && text.len() < 6;
    text.len() >= 3 && !known && !variable && !number && !is_placeholder(text)
}

/// Letters and digits that alternate: at least `percent` of the steps between neighbouring letters or digits go from
/// one of lower case, upper case and digits to another. A capital before a small letter is no such step, since words
/// begin so. Words and names of code have few, random texts more (40 to 47 % are expected in the usual alphabets).
fn is_scrambled(text: &[u8], percent: usize) -> bool {
    let classes = text.iter().map(|byte| class(*byte)).collect::<Vec<_>>();
    let count = |wanted: Option<u8>| classes.iter().filter(|class| **class == wanted).count();
    let pairs = classes.iter().zip(classes.iter().skip(1)).filter_map(|(one, next)| one.zip(*next));
    let (steps, changes) = pairs.fold((0, 0), |(steps, changes), (one, next)| {
        (steps + 1, changes + usize::from(one != next && (one, next) != (UPPER, LOWER)))
    });
    let digits = count(Some(DIGIT));
    let letters = count(Some(LOWER)) + count(Some(UPPER));
    let needed = if digits >= 2 { percent } else { percent.max(ONE_DIGIT_PERCENT) };
    digits >= 1 && letters >= 3 && changes * 100 >= steps * needed
}

fn class(byte: u8) -> Option<u8> {
    match byte {
        b'a'..=b'z' => Some(LOWER),
        b'A'..=b'Z' => Some(UPPER),
        b'0'..=b'9' => Some(DIGIT),
        _ => None,
    }
}

/// How many different bytes there are.
fn different(text: &[u8]) -> usize {
    let mut seen = [0_u64; 4];
    for byte in text {
        if let Some(bits) = seen.get_mut(usize::from(byte >> 6)) {
            *bits |= 1 << (byte & 63);
        }
    }
    seen.iter().map(|bits| bits.count_ones() as usize).sum()
}

/// A text that says that it is none, or counts up through the alphabet or the digits.
fn is_placeholder(text: &[u8]) -> bool {
    let lower = text.to_ascii_lowercase();
    let mut rising = 0;
    for (at, byte) in lower.iter().enumerate() {
        let rest = lower.get(at..).unwrap_or_default();
        let mut words = BEGINS.get(usize::from(*byte)).copied().unwrap_or(0);
        while words != 0 {
            let word = PLACEHOLDERS.get(words.trailing_zeros() as usize);
            if word.is_some_and(|word| rest.starts_with(word.as_bytes())) {
                return true;
            }
            words &= words - 1;
        }
        rising += usize::from(byte.checked_add(1).as_ref() == rest.get(1));
    }
    rising * 2 >= lower.len().max(4)
}

/// For each byte, which of [`PLACEHOLDERS`] begin with it, a bit for each.
#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const BEGINS: [u32; 256] = {
    assert!(PLACEHOLDERS.len() <= 32, "a bit for each");
    let mut begins = [0; 256];
    let mut at = 0;
    while at < PLACEHOLDERS.len() {
        begins[PLACEHOLDERS[at].as_bytes()[0] as usize] |= 1 << at;
        at += 1;
    }
    begins
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_a_prefix_letters_and_digits_are_enough() {
        assert!(is_random(b"nmaqhbb6zabjactesiydcfuvuk"));
        for value in
            ["hub_download_everything", "aaaaaaaaaaaaaaa1", "your_key_goes_here_1", "3141592653589793"]
        {
            assert!(!is_random(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn random_values_are_secrets() {
        for value in [
            "3f9d0c5e7a1b42688d7e6f5a4b3c2d1e",
            "k7Qm2ZxV9pLs4TbR8wYc",
            "8c1f7d1e-9a53-4b0e-8b9d-2f6c0e5a7d31",
            "wJalrXUtnFEMI7MDENGbPxRfiCY3k8",
        ] {
            assert!(is_secret_value(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn words_names_and_placeholders_are_not() {
        for value in [
            "xxxxxxxxxxxxxxxxxxxxxxxx",
            "your-api-key-here-12345",
            "<insert-token-here-123>",
            "my_secret_manager_v1alpha1",
            "SomeLongTypeName2",
            "SecretKeyLength256",
            "0123456789abcdef0123",
            "std.collections.HashMap2",
            "arn-aws-secretsmanager-eu",
            "correct-horse-battery-staple",
            "3f9d0c5e",
        ] {
            assert!(!is_secret_value(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn passwords_mix_kinds_of_characters() {
        for value in ["Tr0ub4dor&3", "Xy7#kd92", "S3cr3t!pass", "aB3dE9kQ", "k7qm2zxv9pls4tbr8wyc"] {
            assert!(is_password_value(value.as_bytes()), "{value}");
        }
        for value in [
            "password",
            "Password2",
            "config.password1",
            "$DB_PASSWORD1",
            "@password12",
            "%PASSWORD1%",
            "changeme1!",
            "A1!b",
            "12345678",
        ] {
            assert!(!is_password_value(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn a_url_has_any_password_but_the_usual_ones() {
        for value in ["s3cr3t", "correcthorse", "p%40ss"] {
            assert!(is_url_password(value.as_bytes()), "{value}");
        }
        for value in [
            "password",
            "PASS",
            "${PASS}",
            "%s",
            "$PW",
            "<password>",
            "8080",
            "xx",
            "your-password",
            "{password}",
        ] {
            assert!(!is_url_password(value.as_bytes()), "{value}");
        }
    }
}
