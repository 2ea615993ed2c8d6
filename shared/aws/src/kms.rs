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
        let call = self.client.sign().key_id(&self.key_arn).message(Blob::new(message));
        let call = call.message_type(MessageType::Raw).signing_algorithm(SigningAlgorithmSpec::Ed25519Sha512);
        let answer = call.send().await.map_err(|error| {
            let _ = fault("Sign", &error);
            NotSigned
        })?;
        let signature = answer.signature.map(Blob::into_inner).unwrap_or_default();
        signature.try_into().map_err(|_| NotSigned)
    }

    /// The public key.
    ///
    /// # Errors
    /// Refused, no answer, or a key of another kind.
    pub async fn public_key(&self) -> Result<[u8; 32], NotSigned> {
        let call = self.client.get_public_key().key_id(&self.key_arn);
        let answer = call.send().await.map_err(|error| {
            let _ = fault("GetPublicKey", &error);
            NotSigned
        })?;
        let der = answer.public_key.map(Blob::into_inner).unwrap_or_default();
        der.strip_prefix(&SPKI_PREFIX).and_then(|key| key.try_into().ok()).ok_or(NotSigned)
    }
}
