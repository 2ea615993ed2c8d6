//! KMS as the key service behind `envelope::KeyWrapper`, and as the signer of certificates and checkpoints.

use std::collections::HashMap;

use aws_sdk_kms::Client;
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{DataKeySpec, MessageType, SigningAlgorithmSpec};
use domain::WrappedRoot;
use envelope::{Context, KeyWrapper, RootSecret, WrapError};
use zeroize::Zeroize as _;

/// The region's symmetric KMS key. Roots are made inside KMS and leave it wrapped.
#[derive(Debug, Clone)]
pub struct KmsWrapper {
    client: Client,
    key_arn: String,
}

impl KmsWrapper {
    pub fn new(config: &aws_config::SdkConfig, key_arn: String) -> Self {
        Self { client: Client::new(config), key_arn }
    }
}

fn pairs(context: &Context) -> HashMap<String, String> {
    context.pairs().into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Logs the service's error code and nothing else of it.
fn fault<E: ProvideErrorMetadata>(operation: &'static str, error: &SdkError<E>) -> WrapError {
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    tracing::error!(operation, code = code.unwrap_or("no_answer"), "kms.failed");
    if code.is_some() { WrapError::Refused } else { WrapError::Unavailable }
}

impl KeyWrapper for KmsWrapper {
    async fn generate(&self, context: &Context) -> Result<WrappedRoot, WrapError> {
        let call = self.client.generate_data_key_without_plaintext().key_id(&self.key_arn);
        let call = call.key_spec(DataKeySpec::Aes256).set_encryption_context(Some(pairs(context)));
        let answer = call.send().await.map_err(|error| fault("GenerateDataKeyWithoutPlaintext", &error))?;
        answer.ciphertext_blob.map(|blob| WrappedRoot(blob.into_inner())).ok_or(WrapError::Unavailable)
    }

    async fn unwrap(&self, wrapped: &WrappedRoot, context: &Context) -> Result<RootSecret, WrapError> {
        let call = self.client.decrypt().key_id(&self.key_arn).ciphertext_blob(Blob::new(wrapped.0.clone()));
        let call = call.set_encryption_context(Some(pairs(context)));
        let answer = call.send().await.map_err(|error| fault("Decrypt", &error))?;
        let mut plain = answer.plaintext.map(Blob::into_inner).unwrap_or_default();
        let secret = plain.as_slice().try_into().map(RootSecret::new).map_err(|_| WrapError::Refused);
        plain.zeroize();
        secret
    }
}

/// KMS did not sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key service did not sign")]
pub struct NotSigned;

/// A signature over up to 4,096 bytes as they are, in KMS's own form.
async fn signature(
    client: &Client,
    key_arn: &str,
    message: &[u8],
    algorithm: SigningAlgorithmSpec,
) -> Result<Vec<u8>, NotSigned> {
    let call = client.sign().key_id(key_arn).message(Blob::new(message));
    let call = call.message_type(MessageType::Raw).signing_algorithm(algorithm);
    let answer = call.send().await.map_err(|error| {
        let _ = fault("Sign", &error);
        NotSigned
    })?;
    Ok(answer.signature.map(Blob::into_inner).unwrap_or_default())
}

/// A public key in its DER form (RFC 5280 section 4.1.2.7).
async fn public_key(client: &Client, key_arn: &str) -> Result<Vec<u8>, NotSigned> {
    let answer = client.get_public_key().key_id(key_arn).send().await.map_err(|error| {
        let _ = fault("GetPublicKey", &error);
        NotSigned
    })?;
    Ok(answer.public_key.map(Blob::into_inner).unwrap_or_default())
}

/// An Ed25519 key in KMS (`ECC_NIST_EDWARDS25519`). It never leaves it.
#[derive(Debug, Clone)]
pub struct KmsSigner {
    client: Client,
    key_arn: String,
}

/// What stands before the 32 bytes of an Ed25519 public key in its DER form (RFC 8410 section 4).
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

impl KmsSigner {
    pub fn new(config: &aws_config::SdkConfig, key_arn: String) -> Self {
        Self { client: Client::new(config), key_arn }
    }

    /// Signs up to 4,096 bytes as they are.
    ///
    /// # Errors
    /// Refused, or no answer.
    pub async fn sign(&self, message: &[u8]) -> Result<[u8; 64], NotSigned> {
        let signature = signature(&self.client, &self.key_arn, message, SigningAlgorithmSpec::Ed25519Sha512);
        signature.await?.try_into().map_err(|_| NotSigned)
    }

    /// The public key.
    ///
    /// # Errors
    /// Refused, no answer, or a key of another kind.
    pub async fn public_key(&self) -> Result<[u8; 32], NotSigned> {
        let der = public_key(&self.client, &self.key_arn).await?;
        der.strip_prefix(&SPKI_PREFIX).and_then(|key| key.try_into().ok()).ok_or(NotSigned)
    }
}
/// A P-256 key in KMS (`ECC_NIST_P256`) that signs by ES256 (RFC 7518 section 3.4). It never leaves it.
#[derive(Debug, Clone)]
pub struct KmsEcSigner {
    client: Client,
    key_arn: String,
    kid: String,
}

/// What stands before the 65 bytes of a P-256 point in its DER form (RFC 5480 section 2).
const P256_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

impl KmsEcSigner {
    /// `key_arn` names the key as well: another key is another name.
    pub fn new(config: &aws_config::SdkConfig, key_arn: String) -> Self {
        let kid = key_arn.rsplit('/').next().unwrap_or(&key_arn).to_owned();
        Self { client: Client::new(config), key_arn, kid }
    }

    /// What tokens name the key by.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Signs up to 4,096 bytes, digested by SHA-256 there: r and s, as JWS has them.
    ///
    /// # Errors
    /// Refused, or no answer.
    pub async fn sign(&self, message: &[u8]) -> Result<[u8; 64], NotSigned> {
        let der = signature(&self.client, &self.key_arn, message, SigningAlgorithmSpec::EcdsaSha256);
        fixed(&der.await?).ok_or(NotSigned)
    }

    /// The public key, as an uncompressed point.
    ///
    /// # Errors
    /// Refused, no answer, or a key of another kind.
    pub async fn public_key(&self) -> Result<[u8; 65], NotSigned> {
        let der = public_key(&self.client, &self.key_arn).await?;
        der.strip_prefix(&P256_PREFIX).and_then(|key| key.try_into().ok()).ok_or(NotSigned)
    }
}

/// KMS answers in DER (RFC 3279 section 2.2.3), a sequence of two integers; JWS wants both in 32 bytes, one after the other.
fn fixed(der: &[u8]) -> Option<[u8; 64]> {
    let (sequence, rest) = value(der, 0x30)?;
    let (r, after) = value(sequence, 0x02)?;
    let (s, end) = value(after, 0x02)?;
    let mut both = [0; 64];
    for (half, number) in both.chunks_exact_mut(32).zip([r, s]) {
        let number = if let [0, rest @ ..] = number { rest } else { number };
        let at = 32_usize.checked_sub(number.len())?;
        half.get_mut(at..)?.copy_from_slice(number);
    }
    (rest.is_empty() && end.is_empty()).then_some(both)
}

/// The contents of the first value, which has this tag and a short length, and what comes after it.
fn value(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let [found, length, rest @ ..] = der else { return None };
    let short = *found == tag && *length < 0x80;
    rest.split_at_checked((*length).into()).filter(|_| short)
}

#[cfg(test)]
mod ec_tests {
    use super::fixed;

    #[test]
    fn two_integers_become_64_bytes() {
        let der = [&[0x30, 0x26, 0x02, 0x21, 0x00][..], &[0xff; 32], &[0x02, 0x01, 0x07]].concat();
        let both = fixed(&der).unwrap();
        assert_eq!((both[..32] == [0xff; 32], both[62..] == [0, 7]), (true, true));
        for bad in [&[][..], &[0x30, 0x00], &der[..20], &[der.clone(), vec![0]].concat(), &[0x31, 0x02, 0, 0]]
        {
            assert_eq!(fixed(bad), None, "{bad:?}");
        }
    }
}
