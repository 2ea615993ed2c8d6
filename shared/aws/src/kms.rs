//! KMS as the key service behind `envelope::KeyWrapper`.

use std::collections::HashMap;

use aws_sdk_kms::Client;
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::DataKeySpec;
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
