//! Cursors (RFC 9865): where the next page begins, for an hour. No secret: one leads nowhere but into the same directory.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{Opaque, Timestamp};

use crate::discovery::CURSOR_SECONDS;
use crate::error::ScimError;
use crate::query::Query;
use crate::schema::Kind;

/// What a cursor is of: another question has another one.
pub fn about(kind: Kind, query: &Query) -> String {
    let filter = query.filter.as_ref().map(ToString::to_string).unwrap_or_default();
    let sort = query.sort.map(|sort| format!("{} {}", sort.by, sort.descending)).unwrap_or_default();
    Opaque::of(&["countersign scim cursor", kind.name(), &filter, &sort]).as_str().chars().take(16).collect()
}

/// Behind which id or number a page begins.
pub fn cursor(behind: &str, about: &str, now: Timestamp) -> String {
    let until = now.plus_millis(CURSOR_SECONDS * 1_000).unix_millis();
    URL_SAFE_NO_PAD.encode(format!("{behind} {about} {until}"))
}

/// # Errors
/// Another question's, expired, or none of ours.
pub fn opened(text: &str, about: &str, now: Timestamp) -> Result<String, ScimError> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| ScimError::cursor_unknown())?;
    let text = String::from_utf8(bytes).map_err(|_| ScimError::cursor_unknown())?;
    let mut parts = text.split(' ');
    let (Some(behind), Some(of), Some(until), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(ScimError::cursor_unknown());
    };
    let until: u64 = until.parse().map_err(|_| ScimError::cursor_unknown())?;
    let plain = behind.len() <= 32 && behind.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match () {
        () if of != about || !plain => Err(ScimError::cursor_unknown()),
        () if until <= now.unix_millis() => Err(ScimError::cursor_expired()),
        () => Ok(behind.to_owned()),
    }
}

#[cfg(test)]
mod tests;
