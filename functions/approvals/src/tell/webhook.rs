//! A message to a tenant's own address, signed as Standard Webhooks are: HMAC-SHA-256 over `{id}.{timestamp}.{body}`
//! (<https://www.standardwebhooks.com>, specification 1.0.0). Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::Timestamp;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// What goes out: headers, and the body that they sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

/// Signs a body. `id` is the same for every try of one message: whoever takes it twice knows it by that.
pub fn signed(secret: &str, id: &str, now: Timestamp, body: String) -> Signed {
    let seconds = now.unix_millis() / 1_000;
    let key = match secret.strip_prefix("whsec_").and_then(|text| STANDARD.decode(text).ok()) {
        Some(key) => key,
        None => secret.as_bytes().to_vec(),
    };
    // HMAC takes keys of any length; the error type exists for other MACs.
    let mac = Hmac::<Sha256>::new_from_slice(&key).map(|mac| {
        let signed = format!("{id}.{seconds}.{body}");
        STANDARD.encode(mac.chain_update(signed).finalize().into_bytes())
    });
    let headers = vec![
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", seconds.to_string()),
        ("webhook-signature", format!("v1,{}", mac.unwrap_or_default())),
    ];
    Signed { headers, body }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own libraries (`svix`, `standardwebhooks`): key, message and signature.
    #[test]
    fn it_signs_as_others_verify() {
        let now = Timestamp::from_unix_millis(1_614_265_330_000).unwrap();
        let signed = signed(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            now,
            r#"{"test": 2432232314}"#.to_owned(),
        );
        assert_eq!(
            signed.headers,
            [
                ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned()),
                ("webhook-timestamp", "1614265330".to_owned()),
                ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=".to_owned()),
            ]
        );
    }
}
