//! E-mail and IP addresses.

use std::net::Ipv6Addr;

/// Files that carry an @ in their name (`logo@2x.png`) end like this; no such top-level domain exists.
const IMAGE_ENDINGS: &[&str] = &["png", "jpg", "jpeg", "gif", "svg", "webp"];

/// Lengths of RFC 1035 section 2.3.4, in characters, and a top-level domain that holds a letter. A local part beyond
/// RFC 5321's 64 octets still counts: over-long or not, it names somebody.
pub(super) fn is_email(text: &str) -> bool {
    let Some((_, domain)) = text.rsplit_once('@') else { return false };
    let Some((_, top)) = domain.rsplit_once('.') else { return false };
    let labels_fit = domain.split('.').all(|label| (1..=63).contains(&label.chars().count()));
    // With more than one dot it may be an address that names a file (`dana@example.com.png`).
    let is_image = IMAGE_ENDINGS.iter().any(|ending| top.eq_ignore_ascii_case(ending))
        && domain.bytes().filter(|byte| *byte == b'.').count() == 1;
    labels_fit && domain.chars().count() <= 253 && top.chars().any(char::is_alphabetic) && !is_image
}

/// Four numbers up to 255 (leading zeros tolerated) that can be somebody's address.
pub(super) fn is_ipv4(text: &str) -> bool {
    let nobody = |first: u16| matches!(first, 0 | 127 | 255);
    let parts = text.split('.').map(|part| part.parse::<u16>().ok().filter(|part| *part <= 255));
    let Some(parts) = parts.collect::<Option<Vec<u16>>>() else { return false };
    parts.len() == 4 && parts.first().is_some_and(|first| !nobody(*first))
}

/// An address as std reads it, neither loopback nor unspecified. A shortened one (`::`) must also look like an
/// address and not like a path in code (`Face::add`) or a slice (`1::2`).
pub(super) fn is_ipv6(text: &str) -> bool {
    if !text.contains("::") && text.bytes().filter(|byte| *byte == b':').count() < 6 {
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
