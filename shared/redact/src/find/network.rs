//! IP addresses.

use std::net::Ipv6Addr;

use super::{Finder, Sweep, run_of};
use crate::mask::{continues, continues_before};

/// The longest text of an address has 45 characters (`::ffff:` and so on, with four decimal parts).
const MAX_IPV6: usize = 46;

impl Sweep<'_, '_> {
    /// Four numbers up to 255 (leading zeros tolerated) that can be somebody's address.
    pub(super) fn ipv4(&mut self, start: usize) {
        let Some(detector) = self.set.finders.get(Finder::Ipv4) else { return };
        if continues_before(self.bytes, start) {
            return;
        }
        let Some(end) = four_parts(self.bytes, start) else { return };
        if !continues(self.bytes, end, false) {
            self.hit(start, end, detector, 0.9);
        }
    }

    /// An IPv6 address around the colon at `at`, or a pair of hexadecimal digits before it.
    pub(super) fn colon(&mut self, at: usize) {
        self.hex_pairs(at);
        let Some(detector) = self.set.finders.get(Finder::Ipv6) else { return };
        let Some(start) = hex_group(self.bytes, at).filter(|start| *start >= self.colon_end) else { return };
        if self.before(start).is_some_and(|byte| byte.is_ascii_alphanumeric()) {
            return;
        }
        let length =
            run_of(self.bytes.get(..start.saturating_add(MAX_IPV6)).unwrap_or(self.bytes), start, |byte| {
                byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.')
            });
        self.colon_end = start.saturating_add(length);
        if self.byte(self.colon_end).is_some_and(|byte| byte.is_ascii_alphanumeric()) {
            return;
        }
        let whole = self.text.get(start..self.colon_end).unwrap_or_default();
        if let Some(length) = ipv6(whole) {
            self.hit(start, start.saturating_add(length), detector, 0.9);
        }
    }
}

fn four_parts(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    for part in 0..4 {
        let digits = run_of(bytes, at, u8::is_ascii_digit);
        let value = bytes.get(at..at.checked_add(digits)?)?;
        let value = value
            .iter()
            .fold(0_u32, |value, digit| value.saturating_mul(10).saturating_add(u32::from(digit - b'0')));
        let is_nobody = part == 0 && matches!(value, 0 | 127 | 255);
        if !(1..=3).contains(&digits) || value > 255 || is_nobody {
            return None;
        }
        at = at.checked_add(digits)?;
        if part < 3 {
            (bytes.get(at) == Some(&b'.')).then_some(())?;
            at = at.checked_add(1)?;
        }
    }
    Some(at)
}

/// Where the hexadecimal group before the `:` at `at` begins.
fn hex_group(bytes: &[u8], at: usize) -> Option<usize> {
    let before = bytes.get(..at)?;
    let next = bytes.get(at.checked_add(1)?)?;
    let digits = before.iter().rev().take(5).take_while(|byte| byte.is_ascii_hexdigit()).count();
    let opens = digits == 0 && *next == b':' && before.last() != Some(&b':');
    let continues = (1..=4).contains(&digits) && (next.is_ascii_hexdigit() || *next == b':');
    if opens || continues { at.checked_sub(digits) } else { None }
}

/// The length of the address that a run of its characters begins with: all of it, but for marks that end a sentence.
fn ipv6(run: &str) -> Option<usize> {
    let trimmed = run.trim_end_matches('.');
    let shorter = trimmed.strip_suffix(':').filter(|rest| !rest.ends_with(':'));
    [Some(trimmed), shorter].into_iter().flatten().find(|text| is_ipv6(text)).map(str::len)
}

/// An address as std reads it, neither loopback nor unspecified. A shortened one (`::`) must also look like an
/// address and not like a path in code (`Face::add`) or a slice (`1::2`).
fn is_ipv6(text: &str) -> bool {
    let colons = text.bytes().filter(|byte| *byte == b':').count();
    if !text.contains("::") && colons < 6 {
        return false;
    }
    let Ok(address) = text.parse::<Ipv6Addr>() else { return false };
    let somebody = !address.is_loopback() && !address.is_unspecified();
    somebody && (!text.contains("::") || address.to_ipv4_mapped().is_some() || is_address_like(text))
}

fn is_address_like(text: &str) -> bool {
    let groups = text.split(':').filter(|group| !group.is_empty()).count();
    let first = text.split(':').next().unwrap_or_default();
    let has_digit = text.bytes().any(|byte| byte.is_ascii_digit());
    has_digit && (groups >= 3 || first.len() == 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colon_needs_hex_beside_it() {
        assert_eq!(hex_group(b"ip:2001:db8", 2), None);
        assert_eq!(hex_group(b"ip:2001:db8", 7), Some(3));
        assert_eq!(hex_group(b"ip ::1", 3), Some(3));
        assert_eq!(hex_group(b"face: x", 4), None);
    }

    #[test]
    fn marks_after_an_address_do_not_belong_to_it() {
        assert_eq!(ipv6("2001:db8::7."), Some(11));
        assert_eq!(ipv6("2001:db8::7:"), Some(11));
        assert_eq!(ipv6("2001:db8:85a3::"), Some(15));
        assert_eq!(ipv6("10:42:26"), None);
    }
}
