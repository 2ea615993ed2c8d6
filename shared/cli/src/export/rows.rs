//! Rows for SQL: read for an export, and made again from the ledger.

use std::collections::BTreeSet;
use std::error::Error;
use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use domain::TenantId;
use ledger::row;

use super::gather::{Gathered, Stores, failed};

/// While a day's files are merged its rows are there twice, for as long as it takes to remove what was merged.
const TRIES: u32 = 6;
const MERGING: Duration = Duration::from_secs(2);

impl Stores {
    /// Every row of a tenant. Rows that are still there twice after some tries are given as they are.
    pub(super) async fn rows(&self, tenant: &TenantId) -> Result<Vec<String>, Box<dyn Error>> {
        let mut rows = self.rows_now(tenant).await?;
        for _ in 1..TRIES {
            if rows.iter().collect::<BTreeSet<_>>().len() == rows.len() {
                break;
            }
            tokio::time::sleep(MERGING).await;
            rows = self.rows_now(tenant).await?;
        }
        Ok(rows)
    }

    async fn rows_now(&self, tenant: &TenantId) -> Result<Vec<String>, Box<dyn Error>> {
        let mut rows = Vec::new();
        for name in self.row_files(tenant).await? {
            let got = self.client.get_object().bucket(&self.derived).key(name).send().await;
            let got = match got {
                Ok(got) => got,
                // Merged away since it was listed: its rows are in a file that the next try finds.
                Err(error) if error.as_service_error().is_some_and(|error| error.is_no_such_key()) => {
                    continue;
                }
                Err(error) => return Err(failed("reading rows", error)),
            };
            let text = String::from_utf8(got.body.collect().await?.to_vec())?;
            rows.extend(text.lines().map(str::to_owned));
        }
        Ok(rows)
    }

    async fn row_files(&self, tenant: &TenantId) -> Result<Vec<String>, Box<dyn Error>> {
        let prefix = format!("task_timeline/tenant_id={tenant}/");
        let list = self.client.list_objects_v2().bucket(&self.derived).prefix(prefix);
        let mut pages = list.into_paginator().send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| failed("listing rows", error))?;
            names.extend(page.contents().iter().filter_map(|one| one.key.clone()));
        }
        Ok(names)
    }

    /// One file per day out of the log, and nothing else of what the log held then; how many rows. What the writer adds
    /// meanwhile begins behind it, and stays.
    pub(super) async fn rebuild(&self, tenant: &TenantId) -> Result<u64, Box<dyn Error>> {
        let mut gathered = Gathered::default();
        self.take(&format!("t/{tenant}/"), &mut gathered).await?;
        let entries: Vec<_> = gathered.entries().collect();
        let end = entries.last().map_or(0, |entry| entry.place.seq);
        let mut made = BTreeSet::new();
        for (name, text) in row::merged_files(tenant, &entries)? {
            let put = self.client.put_object().bucket(&self.derived).key(&name);
            let put = put.body(ByteStream::from(text.into_bytes())).send().await;
            put.map_err(|error| failed("writing rows", error))?;
            made.insert(name);
        }
        let old = self.row_files(tenant).await?.into_iter().filter(|name| !made.contains(name));
        let old: Vec<_> = old.filter(|name| first(name).is_none_or(|first| first <= end)).collect();
        for some in old.chunks(1_000) {
            let one = |name: &String| ObjectIdentifier::builder().key(name).build();
            let objects = some.iter().map(one).collect::<Result<Vec<_>, _>>()?;
            let objects = Delete::builder().set_objects(Some(objects)).build()?;
            let gone = self.client.delete_objects().bucket(&self.derived).delete(objects).send().await;
            let gone = gone.map_err(|error| failed("removing old rows", error))?;
            if !gone.errors().is_empty() {
                return Err("some old rows were not removed: run the command again".into());
            }
        }
        Ok(u64::try_from(entries.len()).unwrap_or(u64::MAX))
    }
}

/// The first number that a file of rows is named by.
fn first(name: &str) -> Option<u64> {
    name.rsplit_once('/')?.1.get(..20)?.parse().ok()
}
