//! The joint to object storage. Production: S3. Tests: in memory, with faults.

use std::future::Future;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_s3::primitives::ByteStream;

use crate::Config;
use crate::decide::{Bucket, Object};

/// Why an object was not created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutFault {
    /// 412: the name is taken.
    Exists,
    /// 409 ConditionalRequestConflict: another writer was at it. Not an answer to whether it exists; try again.
    Conflict,
    /// Not confirmed: it may or may not exist.
    Unavailable,
}

/// Creates objects, never replaces one. `create` is durable when it returns `Ok`, and at most one of several
/// concurrent calls for one name returns `Ok`.
pub trait ObjectStore {
    fn create(&self, object: &Object) -> impl Future<Output = Result<(), PutFault>> + Send;
}

/// The two buckets.
#[derive(Debug, Clone)]
pub struct S3Store {
    client: Client,
    config: Config,
}

impl S3Store {
    pub fn new(sdk: &aws::SdkConfig, config: Config) -> Self {
        Self { client: Client::new(sdk), config }
    }
}

impl ObjectStore for S3Store {
    async fn create(&self, object: &Object) -> Result<(), PutFault> {
        let bucket = match object.bucket {
            Bucket::Locked => &self.config.locked_bucket,
            Bucket::Derived => &self.config.derived_bucket,
        };
        let put = self.client.put_object().bucket(bucket).key(&object.name).if_none_match("*");
        let put =
            put.content_type("application/json").body(ByteStream::from(object.body.clone().into_bytes()));
        put.send().await.map(|_| ()).map_err(|error| {
            let status = match &error {
                SdkError::ServiceError(context) => context.raw().status().as_u16(),
                _ => 0,
            };
            match status {
                412 => PutFault::Exists,
                409 => PutFault::Conflict,
                _ => {
                    let code = error.code().unwrap_or("no_answer");
                    tracing::error!(operation = "PutObject", code, "s3.failed");
                    PutFault::Unavailable
                }
            }
        })
    }
}
