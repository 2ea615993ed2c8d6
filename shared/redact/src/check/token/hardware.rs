//! Hardware addresses (IEEE 802 MAC, EUI-48).

/// Six bytes as 12 hexadecimal digits, whatever separates them; not all equal (zero, broadcast), and, separated by
/// dashes, not digits alone: that is how dates with a time are written.
pub(super) fn is_mac(text: &[u8]) -> bool {
    let digits = text.iter().filter(|byte| byte.is_ascii_hexdigit()).copied().collect::<Vec<_>>();
    let separated = text.iter().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'-' | b'.'));
    let varied = digits.first().is_some_and(|first| digits.iter().any(|digit| digit != first));
    let date = text.contains(&b'-') && digits.iter().all(u8::is_ascii_digit);
    separated && digits.len() == 12 && varied && !date
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_writings_hold() {
        for mac in
            ["00:1b:63:84:45:e6", "00-1B-63-84-45-E6", "001b.6384.45e6", "001B638445E6", "00:11:22:33:44:55"]
        {
            assert!(is_mac(mac.as_bytes()), "{mac}");
        }
        for other in [
            "00:00:00:00:00:00",
            "ff:ff:ff:ff:ff:ff",
            "20-11-25-10-30-00",
            "00:1b:63:84:45",
            "00:1b:63:84:45:e6:00",
        ] {
            assert!(!is_mac(other.as_bytes()), "{other}");
        }
    }
}
