//! The region log: one leaf per interval, over the heads of all tenants.
//!
//! ```text
//! checkpoint (C2SP, signed)   origin, n + 1, root
//!  └ region log (RFC 6962)     leaf n: the interval's time, how many tenants, and the root over their heads
//!     └ heads (RFC 6962)       one leaf per tenant in the order of their ids: size and root of its log
//!        └ tenant's log        records and trailers
//! ```
//! One signature covers every tenant. That a tenant's log has no further leaf is shown with one path in the newest
//! interval; that none has vanished, by comparing intervals.

use std::collections::BTreeMap;

use domain::{Region, TenantId, Timestamp, canonical_json};
use serde::{Deserialize, Serialize};

use crate::proof::inclusion;
use crate::{Frontier, Hash, leaf_hash};

/// How far a tenant's log goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantHead {
    pub root: Hash,
    pub size: u64,
    pub tenant_id: TenantId,
}

/// The heads of all tenants at one time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heads(BTreeMap<TenantId, (u64, Hash)>);

/// One leaf of the region log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    pub v: u8,
    /// The leaf's number, from 0.
    pub n: u64,
    /// Never earlier than the interval before.
    pub at: Timestamp,
    pub region: Region,
    pub tenants: u64,
    pub heads_root: Hash,
}

const VERSION: u8 = 1;

/// What lies in the bucket for one interval: its leaf, and the heads that are new since the interval before, or all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntervalObject {
    pub interval: Interval,
    /// Whether `heads` is every tenant's.
    pub full: bool,
    pub heads: Vec<TenantHead>,
}

/// An interval that cannot be read or does not follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RegionFault {
    #[error("not an interval of a version that is known here")]
    Shape,
    #[error("the heads are not those whose root the interval names")]
    Heads,
}

impl TenantHead {
    /// The leaf's bytes: canonical JSON.
    pub fn leaf(&self) -> Vec<u8> {
        let Self { root, size, tenant_id } = self;
        // Sorted keys, a hash and an id: canonical as written.
        format!(r#"{{"root":"{root}","size":{size},"tenant_id":"{tenant_id}"}}"#).into_bytes()
    }
}

impl Heads {
    /// Takes heads over: later ones replace earlier ones of the same tenant.
    pub fn put(&mut self, heads: impl IntoIterator<Item = TenantHead>) {
        self.0.extend(heads.into_iter().map(|head| (head.tenant_id, (head.size, head.root))));
    }

    pub fn get(&self, tenant: &TenantId) -> Option<TenantHead> {
        let (size, root) = *self.0.get(tenant)?;
        Some(TenantHead { root, size, tenant_id: tenant.clone() })
    }

    pub fn iter(&self) -> impl Iterator<Item = TenantHead> {
        let head = |(tenant, (size, root)): (&TenantId, &(u64, Hash))| TenantHead {
            root: *root,
            size: *size,
            tenant_id: tenant.clone(),
        };
        self.0.iter().map(head)
    }

    fn leaf_hashes(&self) -> Vec<Hash> {
        self.iter().map(|head| leaf_hash(&head.leaf())).collect()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The root over all heads.
    pub fn root(&self) -> Hash {
        let mut tree = Frontier::default();
        self.leaf_hashes().into_iter().for_each(|leaf| tree.append(leaf));
        tree.root()
    }

    /// The number of a tenant's head among all, and the path that shows it.
    pub fn proof(&self, tenant: &TenantId) -> Option<(u64, Vec<Hash>)> {
        let index = self.0.keys().position(|one| one == tenant)?;
        Some((u64::try_from(index).ok()?, inclusion(&self.leaf_hashes(), index)?))
    }

    /// Heads that `self` has and `before` has not.
    pub fn since(&self, before: &Self) -> Vec<TenantHead> {
        self.iter().filter(|head| before.0.get(&head.tenant_id) != Some(&(head.size, head.root))).collect()
    }

    /// Whether everything in `before` still stands: no tenant is missing, no log has become shorter.
    pub fn continues(&self, before: &Self) -> bool {
        before.0.iter().all(|(tenant, (size, root))| {
            self.0.get(tenant).is_some_and(|(now, now_root)| now > size || (now == size && now_root == root))
        })
    }
}

impl Interval {
    pub fn new(n: u64, at: Timestamp, region: Region, heads: &Heads) -> Self {
        let tenants = u64::try_from(heads.len()).unwrap_or(u64::MAX);
        Self { v: VERSION, n, at, region, tenants, heads_root: heads.root() }
    }

    /// The leaf's bytes.
    ///
    /// # Errors
    /// Numbers beyond what JSON keeps.
    pub fn to_text(&self) -> Result<String, RegionFault> {
        let value = serde_json::to_value(self).map_err(|_| RegionFault::Shape)?;
        canonical_json(&value).map_err(|_| RegionFault::Shape)
    }

    /// # Errors
    /// The interval has no text.
    pub fn leaf_hash(&self) -> Result<Hash, RegionFault> {
        Ok(leaf_hash(self.to_text()?.as_bytes()))
    }
}

impl IntervalObject {
    /// The object's name in the locked bucket.
    pub fn name_at(n: u64) -> String {
        format!("region/leaf/{n:020}")
    }

    /// # Errors
    /// Numbers beyond what JSON keeps.
    pub fn to_text(&self) -> Result<String, RegionFault> {
        let value = serde_json::to_value(self).map_err(|_| RegionFault::Shape)?;
        canonical_json(&value).map_err(|_| RegionFault::Shape)
    }

    /// # Errors
    /// Not an interval's object in its one form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RegionFault> {
        let read: Self = serde_json::from_slice(bytes).map_err(|_| RegionFault::Shape)?;
        let canonical = read.to_text()?.as_bytes() == bytes;
        if canonical && read.interval.v == VERSION { Ok(read) } else { Err(RegionFault::Shape) }
    }

    /// The heads after this interval.
    ///
    /// # Errors
    /// They are not those that the interval names.
    pub fn after(&self, before: &Heads) -> Result<Heads, RegionFault> {
        let mut heads = if self.full { Heads::default() } else { before.clone() };
        heads.put(self.heads.iter().cloned());
        let told = (self.interval.tenants, self.interval.heads_root);
        let found = (u64::try_from(heads.len()).unwrap_or(u64::MAX), heads.root());
        if told == found { Ok(heads) } else { Err(RegionFault::Heads) }
    }
}

/// The name of the checkpoint over the first `size` intervals in the locked bucket.
pub fn checkpoint_name(size: u64) -> String {
    format!("region/checkpoint/{size:020}")
}
