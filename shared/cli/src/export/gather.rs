//! Reads the buckets: every version of every object, with its lock, and the rows.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::DisplayErrorContext;
use aws_sdk_s3::types::ObjectLockMode;
use domain::{ActorType, KeyId, Phase, ProducerId, TenantId, Timestamp};
use futures_util::{StreamExt as _, TryStreamExt as _};
use ledger::verify::{Shown, Version};
use ledger::{Bundle, Entry, Heads, IntervalObject, Leaf, checkpoint_name};

use verify::{Manifest, Period};

use super::Config;

/// Objects that are read at once.
const CONCURRENT: usize = 32;

pub struct Stores {
    pub(super) client: Client,
    locked: String,
    pub(super) derived: String,
}

/// Everything that an export holds, but what the tables say.
#[derive(Default)]
pub struct Gathered {
    pub versions: Vec<Version>,
    pub objects: BTreeMap<String, Vec<u8>>,
    pub rows: BTreeMap<TenantId, Vec<String>>,
    pub shown: Option<Shown>,
    pub told: Summary,
}

/// What the records say together: each is read once for all of it.
#[derive(Default)]
pub struct Summary {
    /// The last number of each tenant's log.
    ends: BTreeMap<TenantId, u64>,
    pub key_ids: BTreeSet<KeyId>,
    pub records: u64,
    pub in_period: u64,
    pub outcomes: u64,
    /// The last number that each producer gave to a record of each tenant.
    pub numbered: BTreeMap<(TenantId, ProducerId), u64>,
}

impl Summary {
    fn take(&mut self, entry: Entry, period: Option<Period>) {
        let (record, origin) = (entry.signed.record, entry.signed.origin);
        self.records += 1;
        self.in_period += u64::from(Manifest::covers(period, record.created_at));
        let outcome = record.phase == Phase::Outcome && record.actor_type == ActorType::Agent;
        self.outcomes += u64::from(outcome);
        self.ends.insert(record.tenant_id.clone(), entry.place.seq);
        let number = self.numbered.entry((record.tenant_id, origin.producer)).or_default();
        *number = origin.n.max(*number);
        self.key_ids.extend(record.authority.and_then(|authority| authority.key_id));
    }
}

pub(super) fn failed<E>(what: &str, error: aws_sdk_s3::error::SdkError<E>) -> Box<dyn Error>
where
    aws_sdk_s3::error::SdkError<E>: Error + 'static,
{
    format!("{what} failed: {}; act as the role operator", DisplayErrorContext(error)).into()
}

fn time(at: Option<&aws_sdk_s3::primitives::DateTime>) -> Option<Timestamp> {
    Timestamp::from_unix_millis(at?.to_millis().ok()?).ok()
}

impl Stores {
    pub fn new(sdk: &aws::SdkConfig, config: &Config) -> Self {
        let (locked, derived) = (config.locked.clone(), config.derived.clone());
        Self { client: Client::new(sdk), locked, derived }
    }

    /// Every tenant that has a log.
    pub async fn tenants(&self) -> Result<Vec<TenantId>, Box<dyn Error>> {
        let mut pages = self.client.list_objects_v2().bucket(&self.locked).prefix("t/").delimiter("/");
        pages = pages.max_keys(1_000);
        let mut pages = pages.into_paginator().send();
        let mut tenants = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| failed("listing tenants", error))?;
            let id = |prefix: &str| prefix.strip_prefix("t/")?.strip_suffix('/')?.parse().ok();
            tenants.extend(page.common_prefixes().iter().filter_map(|one| id(one.prefix()?)));
        }
        Ok(tenants)
    }

    /// The region log: its leaves, and then the checkpoints over those that were listed.
    pub async fn region(&self) -> Result<Gathered, Box<dyn Error>> {
        let mut gathered = Gathered::default();
        self.take("region/leaf/", &mut gathered).await?;
        let leaves = gathered.objects.len();
        self.take("region/checkpoint/", &mut gathered).await?;
        let last = checkpoint_name(u64::try_from(leaves)?);
        gathered.versions.retain(|one| one.name.starts_with("region/leaf/") || one.name <= last);
        gathered.objects.retain(|name, _| name.starts_with("region/leaf/") || *name <= last);
        gathered.versions.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(gathered)
    }

    /// The tenants' logs, behind the region log that was read before: what they gain meanwhile is not signed yet, and does
    /// no harm. For one tenant the region log becomes what shows that tenant's head.
    pub async fn gather(
        &self,
        mut gathered: Gathered,
        tenants: &[TenantId],
        only: Option<&TenantId>,
        period: Option<Period>,
    ) -> Result<Gathered, Box<dyn Error>> {
        if let Some(tenant) = only {
            let shown = Some(shown(&gathered, tenant)?);
            // What else the region log says is about others.
            gathered = Gathered { shown, ..Gathered::default() };
        }
        for tenant in tenants {
            self.take(&format!("t/{tenant}/"), &mut gathered).await?;
        }
        // A row is there before its record's message is acknowledged, so rows are read last.
        let mut told = Summary::default();
        gathered.entries().for_each(|entry| told.take(entry, period));
        gathered.told = told;
        for tenant in tenants {
            // The log has grown since it was read: rows behind its end are not this export's.
            let end = gathered.told.ends.get(tenant).copied().unwrap_or_default();
            let mut rows = self.rows(tenant).await?;
            rows.retain(|row| seq(row).is_none_or(|seq| seq <= end));
            gathered.rows.insert(tenant.clone(), rows);
        }
        Ok(gathered)
    }

    pub(super) async fn take(&self, prefix: &str, gathered: &mut Gathered) -> Result<(), Box<dyn Error>> {
        let listed = self.versions(prefix).await?;
        let read = futures_util::stream::iter(listed.into_iter().map(|one| self.read(one)));
        let read: Vec<_> = read.buffered(CONCURRENT).try_collect().await?;
        for (version, latest, bytes) in read {
            if latest && !version.delete_marker {
                gathered.objects.insert(version.name.clone(), bytes);
            }
            gathered.versions.push(version);
        }
        Ok(())
    }

    /// As S3 lists them: by name, the newest version first.
    async fn versions(&self, prefix: &str) -> Result<Vec<(Version, bool)>, Box<dyn Error>> {
        let (mut found, mut key, mut id) = (Vec::new(), None, None);
        loop {
            let call = self.client.list_object_versions().bucket(&self.locked).prefix(prefix);
            let call = call.set_key_marker(key.take()).set_version_id_marker(id.take());
            let page = call.send().await.map_err(|error| failed("listing versions", error))?;
            for one in page.versions() {
                found.push(listed(one.key(), one.version_id(), false, one.last_modified(), one.is_latest())?);
            }
            for one in page.delete_markers() {
                found.push(listed(one.key(), one.version_id(), true, one.last_modified(), one.is_latest())?);
            }
            if page.is_truncated() != Some(true) {
                found.sort_by(|one, other| one.0.name.cmp(&other.0.name));
                return Ok(found);
            }
            (key, id) = (page.next_key_marker, page.next_version_id_marker);
        }
    }

    async fn read(
        &self,
        (mut version, latest): (Version, bool),
    ) -> Result<(Version, bool, Vec<u8>), Box<dyn Error>> {
        if version.delete_marker {
            return Ok((version, latest, Vec::new()));
        }
        let call = self.client.get_object().bucket(&self.locked).key(&version.name);
        let got = call.version_id(&version.version_id).send().await;
        let got = got.map_err(|error| failed("reading an object", error))?;
        if got.object_lock_mode() == Some(&ObjectLockMode::Compliance) {
            version.locked_until = time(got.object_lock_retain_until_date());
        }
        let bytes = got.body.collect().await?.to_vec();
        Ok((version, latest, bytes))
    }
}

fn seq(row: &str) -> Option<u64> {
    serde_json::from_str::<serde_json::Value>(row).ok()?.get("seq")?.as_u64()
}

fn listed(
    name: Option<&str>,
    id: Option<&str>,
    delete_marker: bool,
    modified: Option<&aws_sdk_s3::primitives::DateTime>,
    latest: Option<bool>,
) -> Result<(Version, bool), Box<dyn Error>> {
    let (name, version_id) = name.zip(id).ok_or("the bucket lists an object without a name or version")?;
    let modified = time(modified).ok_or("the bucket lists an object without a time")?;
    let (name, version_id) = (name.to_owned(), version_id.to_owned());
    Ok((
        Version { name, version_id, delete_marker, modified, locked_until: None },
        latest.unwrap_or_default(),
    ))
}

/// What shows the tenant's head in the newest interval that a checkpoint covers.
fn shown(gathered: &Gathered, tenant: &TenantId) -> Result<Shown, Box<dyn Error>> {
    let (mut heads, mut leaves) = (Heads::default(), Vec::new());
    let mut newest = None;
    for n in 0.. {
        let Some(bytes) = gathered.objects.get(&IntervalObject::name_at(n)) else { break };
        let one = IntervalObject::from_bytes(bytes)?;
        let Some(note) = gathered.objects.get(&checkpoint_name(n + 1)) else { break };
        heads = one.after(&heads)?;
        leaves.push(one.interval.leaf_hash()?);
        newest = Some((one.interval, String::from_utf8(note.clone())?));
    }
    let (newest, checkpoint) = newest.ok_or("there is no checkpoint yet: the first comes within a minute")?;
    let none = "no checkpoint covers this tenant yet: its first comes within a minute of its first record";
    let ((index, path), head) = heads.proof(tenant).zip(heads.get(tenant)).ok_or(none)?;
    Ok(Shown { checkpoint, leaves, newest, head, index, path })
}

impl Gathered {
    /// All records that can be read, in the order of the logs.
    pub fn entries(&self) -> impl Iterator<Item = Entry> {
        let bundles = self.objects.iter().filter(|(name, _)| name.starts_with("t/"));
        let leaves = bundles.filter_map(|(_, bytes)| Bundle::from_bytes(bytes).ok());
        let entry = |leaf: &Vec<u8>| match Leaf::from_bytes(leaf) {
            Ok(Leaf::Entry(entry)) => Some(*entry),
            _ => None,
        };
        leaves.flat_map(move |bundle| bundle.leaves().iter().filter_map(entry).collect::<Vec<_>>())
    }
}
