//! `application/x-www-form-urlencoded`, as queries and token requests have it (WHATWG URL, section 5).

/// Encodes one value; a space becomes `+`.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'*' | b'-' | b'.' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// Pairs as one text: `a=1&b=2`.
pub fn pairs(pairs: &[(&str, &str)]) -> String {
    let pair = |(name, value): &(&str, &str)| format!("{}={}", encode(name), encode(value));
    pairs.iter().map(pair).collect::<Vec<_>>().join("&")
}

/// Reads a query or a form. `None` for an escape that is none, for what is not UTF-8, and for more than `most` pairs.
pub fn parse(text: &str, most: usize) -> Option<Vec<(String, String)>> {
    let parts: Vec<&str> = text.split('&').filter(|part| !part.is_empty()).collect();
    if parts.len() > most {
        return None;
    }
    let pair = |part: &&str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        Some((decode(name)?, decode(value)?))
    };
    parts.iter().map(pair).collect()
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => hex(rest.next()?)? * 16 + hex(rest.next()?)?,
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    u8::try_from(char::from(digit).to_digit(16)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_form_is_refused() {
        assert_eq!(parse("a=1&b=%C3%A4+x&c", 3).unwrap()[1], ("b".to_owned(), "ä x".to_owned()));
        for bad in ["a=%", "a=%4", "a=%zz", "a=%ff", "a=1&b=2&c=3&d=4"] {
            assert_eq!(parse(bad, 3), None, "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_text_reads_back(name in ".*", value in ".*") {
            let text = pairs(&[(&name, &value)]);
            proptest::prop_assert_eq!(parse(&text, 1), Some(vec![(name, value)]));
        }
    }
}
