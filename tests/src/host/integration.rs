//! How a function says status and headers: before a stream, or around a whole body.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, SET_COOKIE};
use serde::Deserialize;
use serde_json::Value;

/// Between status and headers and the bytes of a stream.
const DELIMITER: [u8; 8] = [0; 8];
/// Longest status and headers.
const PRELUDE_BYTES_MAX: usize = 64 << 10;
/// The connection's own business.
const HOP_BY_HOP: [&str; 4] = ["connection", "content-length", "keep-alive", "transfer-encoding"];

/// Status, headers, and the part of the body that is known.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Integration {
    status_code: u16,
    #[serde(default)]
    headers: BTreeMap<String, Value>,
    #[serde(default)]
    cookies: Vec<String>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

/// Status and headers of a stream whose first bytes are `read`; `Ok(None)` when there are too few yet.
pub(super) fn prelude(read: &Bytes) -> Result<Option<Opening>, &'static str> {
    let Some(at) = read.windows(DELIMITER.len()).position(|bytes| bytes == DELIMITER) else {
        let long = read.len() > PRELUDE_BYTES_MAX;
        return if long { Err("no end of status and headers in 64 KiB") } else { Ok(None) };
    };
    let told: Integration =
        serde_json::from_slice(&read.slice(..at)).map_err(|_| "status and headers are malformed")?;
    opening(&told, read.slice(at + DELIMITER.len()..)).map(Some)
}

/// A whole answer. JSON without a `statusCode` is a body by itself, as function URLs have it.
pub(super) fn whole(payload: Bytes) -> Result<Opening, &'static str> {
    // A list would pass for the fields in their order.
    let object = serde_json::from_slice::<Value>(&payload).ok().filter(Value::is_object);
    let Some(told) = object.and_then(|object| serde_json::from_value::<Integration>(object).ok()) else {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        return Ok(Opening { status: StatusCode::OK, headers, body: payload });
    };
    let body = told.body.clone().unwrap_or_default();
    let body = match told.is_base64_encoded {
        true => STANDARD.decode(body).map_err(|_| "the body is not base64")?,
        false => body.into_bytes(),
    };
    opening(&told, Bytes::from(body))
}

fn opening(told: &Integration, body: Bytes) -> Result<Opening, &'static str> {
    let status = StatusCode::from_u16(told.status_code).map_err(|_| "the status is none")?;
    let mut headers = HeaderMap::new();
    for (name, value) in &told.headers {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let name = HeaderName::try_from(name).map_err(|_| "a header's name is none")?;
        let value = HeaderValue::try_from(value).map_err(|_| "a header's value is none")?;
        if !HOP_BY_HOP.contains(&name.as_str()) {
            headers.append(name, value);
        }
    }
    for cookie in &told.cookies {
        headers.append(SET_COOKIE, HeaderValue::from_str(cookie).map_err(|_| "a cookie is none")?);
    }
    Ok(Opening { status, headers, body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prelude_is_found_however_it_is_cut() {
        let text =
            b"{\"statusCode\":201,\"headers\":{\"x-a\":\"b\"},\"cookies\":[\"c=d\"]}\0\0\0\0\0\0\0\0rest";
        let end = text.len() - 4;
        for cut in 0..end {
            assert!(prelude(&Bytes::from_static(&text[..cut])).unwrap().is_none(), "{cut}");
        }
        let opening = prelude(&Bytes::from_static(text)).unwrap().unwrap();
        assert_eq!((opening.status.as_u16(), &opening.body[..]), (201, &b"rest"[..]));
        assert_eq!(
            (&opening.headers["x-a"], &opening.headers["set-cookie"]),
            (&"b".parse().unwrap(), &"c=d".parse().unwrap())
        );
        assert!(prelude(&Bytes::from_static(b"{}\0\0\0\0\0\0\0\0")).is_err());
        assert!(prelude(&Bytes::from(vec![b'x'; PRELUDE_BYTES_MAX + 1])).is_err());
    }

    #[test]
    fn whole_answers_may_be_base64_or_bare_json() {
        let answer =
            whole(Bytes::from_static(br#"{"statusCode":200,"body":"aGk=","isBase64Encoded":true}"#)).unwrap();
        assert_eq!(&answer.body[..], b"hi");
        let answer = whole(Bytes::from_static(b"[1]")).unwrap();
        assert_eq!((answer.status.as_u16(), &answer.body[..]), (200, &b"[1]"[..]));
        assert!(whole(Bytes::from_static(br#"{"statusCode":7}"#)).is_err());
    }
}
