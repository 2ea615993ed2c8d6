//! An HTTP request as a function URL's event, payload format 2.0.

use std::net::SocketAddr;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, COOKIE, USER_AGENT};
use hyper::http::request::Parts;
use serde_json::{Map, Value, json};

use super::pool::unix_millis;

const API_ID: &str = "standinhost";
const DOMAIN: &str = "standinhost.lambda-url.eu-central-1.on.aws";

/// The event of a request that came from `peer`. Headers that only the platform can know are set as it sets them.
pub(super) fn from_http(
    head: &Parts,
    body: &Bytes,
    peer: SocketAddr,
    id: &str,
    trace: &str,
    at: SystemTime,
) -> Value {
    let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
    let header = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
    let mut event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers(head, peer, trace),
        "requestContext": {
            "accountId": "anonymous",
            "apiId": API_ID,
            "domainName": DOMAIN,
            "domainPrefix": API_ID,
            "http": {
                "method": head.method.as_str(),
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": peer.ip().to_string(),
                "userAgent": header(USER_AGENT),
            },
            "requestId": id,
            "routeKey": "$default",
            "stage": "$default",
            "timeEpoch": unix_millis(at),
        },
        "isBase64Encoded": false,
    });
    let Some(fields) = event.as_object_mut() else { return event };
    if let Some(cookies) = header(COOKIE) {
        fields.insert("cookies".to_owned(), cookies.split("; ").collect());
    }
    if !query.is_empty() {
        fields.insert("queryStringParameters".to_owned(), parameters(query));
    }
    if !body.is_empty() {
        let (text, base64) = encoded(header(CONTENT_TYPE), body);
        fields.insert("body".to_owned(), json!(text));
        fields.insert("isBase64Encoded".to_owned(), json!(base64));
    }
    event
}

/// Several headers of one name are joined by `,`.
fn headers(head: &Parts, peer: SocketAddr, trace: &str) -> Map<String, Value> {
    let mut all = Map::new();
    for name in head.headers.keys().filter(|name| **name != COOKIE) {
        let values: Vec<_> = head
            .headers
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
            .collect();
        all.insert(name.to_string(), json!(values.join(",")));
    }
    let before = all
        .get("x-forwarded-for")
        .and_then(Value::as_str)
        .map(|list| format!("{list}, "))
        .unwrap_or_default();
    for (name, value) in [
        ("x-amzn-tls-cipher-suite", "TLS_AES_128_GCM_SHA256"),
        ("x-amzn-tls-version", "TLSv1.3"),
        ("x-amzn-trace-id", trace),
        ("x-forwarded-for", &format!("{before}{}", peer.ip())),
        ("x-forwarded-port", "443"),
        ("x-forwarded-proto", "https"),
    ] {
        all.insert(name.to_owned(), json!(value));
    }
    all
}

/// Percent-decoded; several values of one name are joined by `,`.
fn parameters(query: &str) -> Value {
    let mut all = Map::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decoded(name), decoded(value));
        let joined = match all.get(&name).and_then(Value::as_str) {
            Some(before) => format!("{before},{value}"),
            None => value,
        };
        all.insert(name, json!(joined));
    }
    Value::Object(all)
}

fn decoded(text: &str) -> String {
    let mut rest = text.as_bytes();
    let mut out = Vec::with_capacity(rest.len());
    while let Some((byte, after)) = rest.split_first() {
        let escape = after.split_at_checked(2).filter(|_| *byte == b'%');
        let escaped = escape.and_then(|(digits, after)| Some((hex(digits)?, after)));
        let plain = (if *byte == b'+' { b' ' } else { *byte }, after);
        let (byte, after) = escaped.unwrap_or(plain);
        out.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hex(digits: &[u8]) -> Option<u8> {
    let plain = digits.iter().all(u8::is_ascii_hexdigit);
    std::str::from_utf8(digits).ok().filter(|_| plain).and_then(|digits| u8::from_str_radix(digits, 16).ok())
}

/// Text types are passed on as text, everything else as base64.
fn encoded(content_type: Option<&str>, body: &Bytes) -> (String, bool) {
    let kind = content_type.unwrap_or_default().to_ascii_lowercase();
    let text = ["text/", "application/json", "application/xml", "application/javascript"];
    match std::str::from_utf8(body) {
        Ok(body) if text.iter().any(|prefix| kind.starts_with(prefix)) => (body.to_owned(), false),
        _ => (STANDARD.encode(body), true),
    }
}
