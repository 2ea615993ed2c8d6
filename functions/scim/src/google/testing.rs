//! What tests ask by.

use domain::{DirectoryAccount, Timestamp};
use serde_json::json;

/// A service account's key, as its file has it (RFC 5208).
pub fn pem() -> String {
    let text = include_str!("testing/service_key.txt");
    format!("-----BEGIN PRIVATE KEY-----\n{text}-----END PRIVATE KEY-----\n")
}

pub fn account() -> DirectoryAccount {
    let json = json!({
        "admin_email": "admin@acme.test", "client_email": "reader@acme.iam.gserviceaccount.com", "private_key": pem(),
    });
    serde_json::from_value(json).unwrap()
}

pub fn now() -> Timestamp {
    Timestamp::from_unix_millis(1_795_430_530_000).unwrap()
}
