//! Unwrapped roots, kept for a bounded time so that a warm call needs no key service.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::{Region, RootRow, SealedBytes, TenantId, Timestamp, WrappedRoot};

use crate::seal::sealed_version;
use crate::{Aad, Context, KeyWrapper, OpenError, Plaintext, Purpose, RootKey, WrapError};

/// How long an unwrapped root may stay in memory.
const MAX_AGE_MS: u64 = 5 * 60 * 1_000;
/// How many roots one instance keeps. Beyond it the cache is emptied: correctness never depends on it.
const MAX_ROOTS: usize = 1_024;

/// Why a root cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RootError {
    #[error("the tenant has no key for this purpose, or its row does not read")]
    Missing,
    #[error("the tenant's keys for this purpose were destroyed")]
    Shredded,
    #[error("key version {version} is retired")]
    Retired { version: u32 },
    #[error("key version {version} does not exist")]
    UnknownVersion { version: u32 },
    #[error(transparent)]
    Wrap(#[from] WrapError),
    #[error(transparent)]
    Open(#[from] OpenError),
}

struct Kept {
    key: Arc<RootKey>,
    since: Timestamp,
}

/// Root keys behind a [`KeyWrapper`]. Every use passes the row that was just read, so that a tombstone or a
/// retired version takes effect at once, whatever is cached.
pub struct Roots<W> {
    wrapper: W,
    region: Region,
    kept: Mutex<HashMap<(Context, WrappedRoot), Kept>>,
}

impl<W> std::fmt::Debug for Roots<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Roots")
    }
}

impl<W: KeyWrapper> Roots<W> {
    pub fn new(wrapper: W, region: Region) -> Self {
        Self { wrapper, region, kept: Mutex::default() }
    }

    /// The key that new values are sealed under.
    ///
    /// # Errors
    /// Shredded, or the key service did not unwrap it.
    pub async fn current(
        &self,
        tenant: &TenantId,
        purpose: Purpose,
        row: &RootRow,
        now: Timestamp,
    ) -> Result<Arc<RootKey>, RootError> {
        self.version(tenant, purpose, row, row.current, now).await
    }

    /// Opens a sealed value with the key version that it names.
    ///
    /// # Errors
    /// As [`Roots::current`], a version below `min_decrypt`, or a value that does not open.
    pub async fn open(
        &self,
        tenant: &TenantId,
        purpose: Purpose,
        row: &RootRow,
        aad: &Aad,
        sealed: &SealedBytes,
        now: Timestamp,
    ) -> Result<Plaintext, RootError> {
        let version = sealed_version(sealed).ok_or(OpenError::Malformed)?;
        Ok(self.version(tenant, purpose, row, version, now).await?.open(aad, sealed)?)
    }

    async fn version(
        &self,
        tenant: &TenantId,
        purpose: Purpose,
        row: &RootRow,
        version: u32,
        now: Timestamp,
    ) -> Result<Arc<RootKey>, RootError> {
        if row.shredded {
            return Err(RootError::Shredded);
        }
        if version < row.min_decrypt {
            return Err(RootError::Retired { version });
        }
        let wrapped = row.versions.get(&version).ok_or(RootError::UnknownVersion { version })?;
        let context = Context { tenant: tenant.clone(), region: self.region, purpose, version };
        let place = (context, wrapped.clone());
        if let Some(key) = self.fresh(&place, now) {
            return Ok(key);
        }
        let secret = self.wrapper.unwrap(wrapped, &place.0).await?;
        let key = Arc::new(RootKey::derive(&secret, &place.0));
        self.keep(place, &key, now);
        Ok(key)
    }

    fn fresh(&self, place: &(Context, WrappedRoot), now: Timestamp) -> Option<Arc<RootKey>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(place)
            .filter(|kept| now.millis_since(kept.since) < MAX_AGE_MS)
            .map(|kept| Arc::clone(&kept.key))
    }

    fn keep(&self, place: (Context, WrappedRoot), key: &Arc<RootKey>, now: Timestamp) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, kept| now.millis_since(kept.since) < MAX_AGE_MS);
        if kept.len() >= MAX_ROOTS {
            kept.clear();
        }
        kept.insert(place, Kept { key: Arc::clone(key), since: now });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RootSecret;
    use std::collections::BTreeMap;
    use std::future::Future;
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Poll, Waker};

    #[derive(Default)]
    struct Counting(AtomicUsize);

    impl KeyWrapper for &Counting {
        async fn generate(&self, _: &Context) -> Result<WrappedRoot, WrapError> {
            Err(WrapError::Refused)
        }

        async fn unwrap(&self, wrapped: &WrappedRoot, _: &Context) -> Result<RootSecret, WrapError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            wrapped.0.as_slice().try_into().map(RootSecret::new).map_err(|_| WrapError::Refused)
        }
    }

    /// Nothing here waits for anything, so one poll finishes it.
    fn now_or_never<T>(future: impl Future<Output = T>) -> T {
        match pin!(future).poll(&mut std::task::Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("waited"),
        }
    }

    fn row() -> RootRow {
        let versions = BTreeMap::from([(1, WrappedRoot(vec![1; 32])), (2, WrappedRoot(vec![2; 32]))]);
        RootRow { current: 2, min_decrypt: 1, versions, shredded: false }
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_unix_millis(millis).unwrap()
    }

    #[test]
    fn a_warm_root_needs_no_key_service_and_ages_out() {
        let (counting, tenant) = (Counting::default(), TenantId::from_random([1; 10]));
        let roots = Roots::new(&counting, Region::Eu);
        let get = |now| now_or_never(roots.current(&tenant, Purpose::Audit, &row(), at(now))).unwrap();
        for (now, calls) in [(0, 1), (1, 1), (299_999, 1), (300_000, 2), (300_001, 2)] {
            get(now);
            assert_eq!(counting.0.load(Ordering::Relaxed), calls, "at {now} ms");
        }
    }

    #[test]
    fn a_tombstone_and_a_retired_version_beat_the_cache() {
        let (counting, tenant) = (Counting::default(), TenantId::from_random([1; 10]));
        let roots = Roots::new(&counting, Region::Eu);
        let aad = Aad::row(&tenant, "control", "pk", "sk", "f");
        let old = RootRow { current: 1, ..row() };
        let key = now_or_never(roots.current(&tenant, Purpose::Audit, &old, at(0))).unwrap();
        let sealed = SealedBytes::from(key.seal(&aad, b"x", &[0; 28]).unwrap());
        let open = |row: RootRow| {
            now_or_never(roots.open(&tenant, Purpose::Audit, &row, &aad, &sealed, at(1))).map(|_| ())
        };
        assert_eq!(open(row()), Ok(()));
        assert_eq!(open(RootRow { min_decrypt: 2, ..row() }), Err(RootError::Retired { version: 1 }));
        assert_eq!(open(RootRow { shredded: true, ..row() }), Err(RootError::Shredded));
        assert_eq!(
            open(RootRow { versions: BTreeMap::new(), ..row() }),
            Err(RootError::UnknownVersion { version: 1 })
        );
    }
}
