//! The joint to object storage. Production: S3. Tests: in memory, with faults.

use std::future::Future;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;

use crate::Config;

/// Why an object was not created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutFault {
    /// 412: the name is taken.
    Exists,
    /// Not confirmed: it may or may not exist. 409 ConditionalRequestConflict is one of these: another writer was at the
    /// name, and nobody knows yet with what end.
    Unknown,
}

/// The store did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unavailable;

/// The two buckets. In the locked one an object is created and never replaced: `create` is durable when it returns `Ok`,
/// and at most one of all calls for one name does. In the derived one whatever was there is replaced.
pub trait ObjectStore {
    fn create(&self, name: &str, body: Vec<u8>) -> impl Future<Output = Result<(), PutFault>> + Send;

    /// From the locked bucket; `None` when there is no such object.
    fn read(&self, name: &str) -> impl Future<Output = Result<Option<Vec<u8>>, Unavailable>> + Send;

    /// Into the derived bucket.
    fn derive(&self, name: &str, body: Vec<u8>) -> impl Future<Output = Result<(), Unavailable>> + Send;
}

/// S3.
#[derive(Debug, Clone)]
pub struct S3Store {
    client: Client,
    locked: String,
    derived: String,
}

impl S3Store {
    pub fn new(sdk: &aws::SdkConfig, config: &Config) -> Self {
        let (locked, derived) = (config.locked_bucket.clone(), config.derived_bucket.clone());
        Self { client: Client::new(sdk), locked, derived }
    }
}

fn status<E>(error: &SdkError<E>) -> u16 {
    match error {
        SdkError::ServiceError(context) => context.raw().status().as_u16(),
        _ => 0,
    }
}

fn failed<E: ProvideErrorMetadata>(operation: &'static str, error: &SdkError<E>) -> Unavailable {
    aws::log_s3_failure(operation, error);
    Unavailable
}

impl ObjectStore for S3Store {
    async fn create(&self, name: &str, body: Vec<u8>) -> Result<(), PutFault> {
        let put = self.client.put_object().bucket(&self.locked).key(name).if_none_match("*");
        let sent = put.content_type("application/octet-stream").body(ByteStream::from(body)).send().await;
        sent.map(|_| ()).map_err(|error| match status(&error) {
            412 => PutFault::Exists,
            _ => {
                let _ = failed("PutObject", &error);
                PutFault::Unknown
            }
        })
    }

    async fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        let got = match self.client.get_object().bucket(&self.locked).key(name).send().await {
            Ok(got) => got,
            Err(error) if status(&error) == 404 => return Ok(None),
            Err(error) => return Err(failed("GetObject", &error)),
        };
        let body = got.body.collect().await.map_err(|_| Unavailable)?;
        Ok(Some(body.to_vec()))
    }

    async fn derive(&self, name: &str, body: Vec<u8>) -> Result<(), Unavailable> {
        let put = self.client.put_object().bucket(&self.derived).key(name);
        let sent = put.content_type("application/json").body(ByteStream::from(body)).send().await;
        sent.map(|_| ()).map_err(|error| failed("PutObject", &error))
    }
}
