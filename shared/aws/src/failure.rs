//! What the log says of a service's refusal: the operation and the error's code, and nothing else of it.

use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};

/// Logs a call to S3 that failed, for functions that have a client of their own.
pub fn log_s3_failure<E: ProvideErrorMetadata>(operation: &'static str, error: &SdkError<E>) {
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    tracing::error!(operation, code = code.unwrap_or("no_answer"), "s3.failed");
}
