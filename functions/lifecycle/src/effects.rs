//! The effects: copies to sinks; and for each partition, read, put the merged file, then remove what it replaces.
//!
//! Between the last two steps a query sees rows twice, never less than all: the timeline query takes each once.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use domain::Timestamp;

use crate::Config;
use crate::decide;

#[derive(Debug)]
pub struct Effects {
    client: Client,
    pub(crate) dynamo: aws::Dynamo,
    pub(crate) audit: aws::AuditSender,
    pub(crate) config: Config,
}

/// So that a part is read and written within seconds and megabytes.
const FILES_AT_ONCE: usize = 200;
/// A file that is large enough already.
const LARGE_BYTES: i64 = 16 * 1024 * 1024;

/// A code for the log.
pub type Fault = &'static str;

fn failed<E: ProvideErrorMetadata>(operation: &'static str, error: &SdkError<E>) -> Fault {
    aws::log_s3_failure(operation, error);
    "store_unavailable"
}

impl Effects {
    pub fn new(sdk: &aws::SdkConfig, config: Config) -> Self {
        let dynamo = aws::Dynamo::new(sdk, config.tables.clone());
        let audit = aws::AuditSender::new(sdk, config.audit.clone());
        Self { client: Client::new(sdk), dynamo, audit, config }
    }

    /// Copies the newest checkpoint to every sink; how many took it. One that fails does not stop the others.
    ///
    /// # Errors
    /// There is no checkpoint, or a sink did not take it.
    pub async fn deliver_checkpoint(&self) -> Result<u64, Fault> {
        let note = self.read("checkpoint").await?;
        let size = decide::size_of(&note, &self.config.origin).ok_or("not_a_checkpoint")?;
        let name = decide::sink_name(self.config.region, size);
        let (mut delivered, mut ended) = (0, Ok(()));
        for sink in &self.config.sinks {
            match self.put(sink, &name, note.clone()).await {
                Ok(()) => delivered += 1,
                Err(fault) => ended = Err(fault),
            }
        }
        tracing::info!(size, delivered, sinks = self.config.sinks.len(), "checkpoint.delivered");
        ended.map(|()| delivered)
    }

    /// Merges what can be merged; how many partitions were. One that cannot be does not stop the others.
    ///
    /// # Errors
    /// A partition was left as it is.
    pub async fn compact(&self, now: Timestamp) -> Result<u64, Fault> {
        let (mut compacted, mut ended) = (0, Ok(()));
        for (partition, names) in decide::partitions(self.names("task_timeline/").await?, now) {
            match self.merge(&partition, names).await {
                Ok(()) => compacted += 1,
                Err(fault) => {
                    tracing::error!(partition, code = fault, "partition.not_merged");
                    ended = Err(fault);
                }
            }
        }
        ended.map(|()| compacted)
    }

    /// Some files at a time: what is merged stays merged, and the next day's run goes on with the rest.
    async fn merge(&self, partition: &str, names: Vec<String>) -> Result<(), Fault> {
        for some in names.chunks(FILES_AT_ONCE).filter(|some| some.len() > 1) {
            self.merge_some(partition, some.to_vec()).await?;
        }
        Ok(())
    }

    async fn merge_some(&self, partition: &str, names: Vec<String>) -> Result<(), Fault> {
        let mut files = Vec::new();
        for name in &names {
            files.push(self.read(name).await?);
        }
        let merged = decide::merge(partition, &files)?;
        self.put(&self.config.derived_bucket, &merged.name, merged.rows).await?;
        let replaced: Vec<_> = names.into_iter().filter(|name| *name != merged.name).collect();
        for some in replaced.chunks(1_000) {
            self.remove(some).await?;
        }
        Ok(())
    }

    async fn names(&self, prefix: &str) -> Result<Vec<String>, Fault> {
        let list = self.client.list_objects_v2().bucket(&self.config.derived_bucket).prefix(prefix);
        let mut pages = list.into_paginator().send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| failed("ListObjectsV2", &error))?;
            let small =
                page.contents().iter().filter(|object| object.size().unwrap_or_default() < LARGE_BYTES);
            names.extend(small.filter_map(|object| object.key.clone()));
        }
        Ok(names)
    }

    async fn read(&self, name: &str) -> Result<String, Fault> {
        let got = self.client.get_object().bucket(&self.config.derived_bucket).key(name).send().await;
        let got = got.map_err(|error| failed("GetObject", &error))?;
        let body = got.body.collect().await.map_err(|_| "store_unavailable")?;
        String::from_utf8(body.to_vec()).map_err(|_| "not_text")
    }

    async fn put(&self, bucket: &str, name: &str, body: String) -> Result<(), Fault> {
        let put = self.client.put_object().bucket(bucket).key(name);
        let sent = put.body(ByteStream::from(body.into_bytes())).send().await;
        sent.map(|_| ()).map_err(|error| failed("PutObject", &error))
    }

    async fn remove(&self, names: &[String]) -> Result<(), Fault> {
        let one = |name: &String| ObjectIdentifier::builder().key(name).build();
        let objects: Result<Vec<_>, _> = names.iter().map(one).collect();
        let objects = Delete::builder().set_objects(objects.ok()).build().map_err(|_| "no_names")?;
        let call = self.client.delete_objects().bucket(&self.config.derived_bucket).delete(objects);
        let gone = call.send().await.map_err(|error| failed("DeleteObjects", &error))?;
        if gone.errors().is_empty() { Ok(()) } else { Err("not_removed") }
    }
}
