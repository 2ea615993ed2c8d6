//! What tests ask by.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use domain::Timestamp;
use serde_json::json;

use super::Account;

/// The key of tests as a service account's file has it (RFC 5208).
pub fn pem() -> String {
    let pkcs1 = BASE64.decode(RSA.replace('\n', "")).unwrap();
    let long = |tag: u8, inner: &[u8]| {
        let length = u16::try_from(inner.len()).unwrap().to_be_bytes();
        [&[tag, 0x82], length.as_slice(), inner].concat()
    };
    let algorithm =
        [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
    let inner = [[0x02, 0x01, 0x00].as_slice(), &algorithm, &long(0x04, &pkcs1)].concat();
    let lines: Vec<String> =
        BASE64.encode(long(0x30, &inner)).as_bytes().chunks(64).map(|line| text(line).to_owned()).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

const RSA: &str = include_str!("../../../admin/src/sso/testing/rsa_of_tests.txt");

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

pub fn account() -> Account {
    let json = json!({
        "admin_email": "admin@acme.test", "client_email": "reader@acme.iam.gserviceaccount.com", "private_key": pem(),
    });
    serde_json::from_value(json).unwrap()
}

pub fn now() -> Timestamp {
    Timestamp::from_unix_millis(1_795_430_530_000).unwrap()
}
