//! Tokens of sessions: signed by the key service, whose key never leaves it, and checked without it.

use std::sync::{Arc, Mutex, PoisonError};

use aws::KmsSigner;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{Region, SessionRow, Timestamp};

use crate::refusal::Why;
use crate::signin::random;
use crate::sso::jws::{Typ, Unverified};
use crate::sso::session_token::{self, Session, Shown, TYP};
use crate::sso::{Alg, Jwks, Key, Secret};

/// Who signs, and what is known of the key.
#[derive(Debug)]
pub struct SessionTokens {
    signer: KmsSigner,
    kid: String,
    region: Region,
    /// The public half, fetched once.
    keys: Mutex<Option<Arc<Jwks>>>,
}

/// Each region is an issuer of its own: a session is good where it was begun.
fn issuer(region: Region) -> String {
    format!("countersign:{region}")
}

impl SessionTokens {
    /// `key_arn` names the key as well: another key is another name, and what the older one signed is over.
    pub fn new(signer: KmsSigner, key_arn: &str, region: Region) -> Self {
        let kid = key_arn.rsplit('/').next().unwrap_or(key_arn).to_owned();
        Self { signer, kid, region, keys: Mutex::default() }
    }

    /// A token of a session, from now on.
    ///
    /// # Errors
    /// The key service did not sign.
    pub async fn issue(&self, row: &SessionRow, now: Timestamp) -> Result<Secret, Why> {
        let session = Session::of(row, URL_SAFE_NO_PAD.encode(random::<10>()?));
        let unsigned = session_token::unsigned(&session, &issuer(self.region), &self.kid, Alg::EdDsa, now);
        let unsigned = unsigned.map_err(|_| Why::KeysUnavailable)?;
        let signature = self.signer.sign(unsigned.message()).await.map_err(|_| Why::KeysUnavailable)?;
        Ok(unsigned.signed(&signature))
    }

    /// Whose token it is.
    ///
    /// # Errors
    /// Nobody's: it is none of ours, or of another region.
    pub async fn read(&self, token: &Secret, now: Timestamp) -> Result<Shown, Why> {
        let region = region_of(token).ok_or(Why::SessionUnknown)?;
        if region != self.region {
            return Err(Why::SessionOtherRegion);
        }
        let keys = self.keys().await?;
        session_token::verify(token, &issuer(self.region), &keys, now).map_err(|_| Why::SessionUnknown)
    }

    async fn keys(&self) -> Result<Arc<Jwks>, Why> {
        let kept = self.keys.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(keys) = kept {
            return Ok(keys);
        }
        let public = self.signer.public_key().await.map_err(|_| Why::KeysUnavailable)?;
        let keys =
            Jwks::from_keys(vec![Key::ed25519(&self.kid, &public)]).map_err(|_| Why::KeysUnavailable)?;
        let keys = Arc::new(keys);
        *self.keys.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&keys));
        Ok(keys)
    }
}

/// The region that a token names, before anything of it is believed: whoever calls at the wrong address is told the right
/// one.
fn region_of(token: &Secret) -> Option<Region> {
    let unverified = Unverified::parse(token.expose(), Typ::Only(TYP)).ok()?;
    unverified.issuer()?.strip_prefix("countersign:")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sso::testing::{TestKey, now};

    #[test]
    fn a_token_names_its_region() {
        let key = TestKey::new(Alg::EdDsa, "k");
        let session = Session {
            user: "usr_0123456789abcdef".parse().unwrap(),
            sid: "ses_0123456789abcdef".parse().unwrap(),
            epoch: 1,
            jti: "one".to_owned(),
        };
        let unsigned =
            session_token::unsigned(&session, &issuer(Region::Il), "k", Alg::EdDsa, now()).unwrap();
        let signature = key.sign(unsigned.message());
        let token = unsigned.signed(&signature);
        assert_eq!(region_of(&token), Some(Region::Il));
        let public = key.public().try_into().unwrap();
        let keys = Jwks::from_keys(vec![Key::ed25519("k", &public)]).unwrap();
        let read = session_token::verify(&token, &issuer(Region::Il), &keys, now());
        assert_eq!(read, Ok(Shown::Live(session)));
        for other in ["", "a.b.c", "cs_usr_eu_0123456789abcdef"] {
            assert_eq!(region_of(&Secret::new(other)), None, "{other}");
        }
    }
}
