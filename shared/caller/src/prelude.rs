//! An answer's status and headers, in the platform's terms.

use std::collections::BTreeMap;

use http::{HeaderValue, StatusCode};
use lambda_runtime::{Error, MetadataPrelude};

/// Every answer leaves through the response stream, whole ones as one piece: the URLs are in that mode, and read status
/// and headers from the prelude alone.
///
/// # Errors
/// A status or a header that is none: a fault of our own.
pub fn prelude(status: u16, headers: BTreeMap<&'static str, String>) -> Result<MetadataPrelude, Error> {
    let mut prelude =
        MetadataPrelude { status_code: StatusCode::from_u16(status)?, ..MetadataPrelude::default() };
    for (name, value) in headers {
        // The platform has a place of its own for cookies.
        match name {
            "set-cookie" => prelude.cookies.push(value),
            _ => drop(prelude.headers.insert(name, HeaderValue::try_from(value)?)),
        }
    }
    Ok(prelude)
}

/// A problem without a `type` is `about:blank`, whose title is that of its status (RFC 9457 section 4.2.1).
pub const fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        428 => "Precondition Required",
        429 => "Too Many Requests",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}
