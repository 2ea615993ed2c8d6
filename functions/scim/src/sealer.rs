//! Documents of people and groups, sealed under the platform's root of their own purpose.

use std::sync::Arc;

use domain::{DirectoryAccount, PullRow, Region, RootRow, SealedBytes, TenantId, Timestamp};
use envelope::{Aad, Context, KeyWrapper, Purpose, RootKey, Roots};
use serde_json::{Map, Value};
use tables::codec::Row as _;
use tables::{GateFault, Key, Swap};

use crate::desk::Desk;

/// The keys cannot be used, or a document is not what was sealed there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the keys cannot be used")]
pub struct KeysUnavailable;

/// The key service, and the roots that it has opened.
#[derive(Debug)]
pub struct Sealer<K> {
    pub kms: K,
    pub roots: Roots<K>,
    pub region: Region,
}

/// The keys of one request.
#[derive(Debug, Clone)]
pub struct Keys {
    row: RootRow,
    current: Arc<RootKey>,
}

fn aad(place: &Key) -> Aad {
    Aad::row(&TenantId::platform(), place.table.as_str(), &place.pk, &place.sk, "document")
}

impl<K: KeyWrapper> Sealer<K> {
    /// The root, made at its first use. Two that make it at once have one: the second reads the first's.
    ///
    /// # Errors
    /// The keys cannot be used.
    pub async fn keys(&self, desk: &impl Desk, now: Timestamp) -> Result<Keys, KeysUnavailable> {
        let row = self.root(desk).await?;
        let current = self.roots.current(&TenantId::platform(), Purpose::Scim, &row, now).await;
        Ok(Keys { current: current.map_err(|_| KeysUnavailable)?, row })
    }

    async fn root(&self, desk: &impl Desk) -> Result<RootRow, KeysUnavailable> {
        let key = Key::root(&TenantId::platform(), Purpose::Scim.as_str());
        for _ in 0..2 {
            if let Some(item) = desk.get(&key).await.map_err(|_| KeysUnavailable)? {
                return RootRow::from_item(&item).map_err(|_| KeysUnavailable);
            }
            let made = self.new_root(&key).await?;
            match desk.write_all(vec![made.to_write()]).await {
                Ok(()) | Err(GateFault::Condition(_)) => {}
                Err(GateFault::NotWritten | GateFault::Unknown) => return Err(KeysUnavailable),
            }
        }
        Err(KeysUnavailable)
    }

    async fn new_root(&self, key: &Key) -> Result<Swap, KeysUnavailable> {
        let context =
            Context { tenant: TenantId::platform(), region: self.region, purpose: Purpose::Scim, version: 1 };
        let wrapped = self.kms.generate(&context).await.map_err(|_| KeysUnavailable)?;
        Ok(Swap::create(key.clone(), RootRow::first(wrapped).to_item()))
    }

    /// # Errors
    /// The keys cannot be used, or it was sealed for another place.
    pub async fn open(
        &self,
        keys: &Keys,
        place: &Key,
        sealed: &SealedBytes,
        now: Timestamp,
    ) -> Result<Map<String, Value>, KeysUnavailable> {
        let (tenant, purpose) = (TenantId::platform(), Purpose::Scim);
        let plain = self.roots.open(&tenant, purpose, &keys.row, &aad(place), sealed, now).await;
        let plain = plain.map_err(|_| KeysUnavailable)?;
        serde_json::from_slice(plain.as_bytes()).map_err(|_| KeysUnavailable)
    }

    /// What it takes to ask a directory, opened for the one host that is shown what it signs.
    ///
    /// # Errors
    /// The keys cannot be used, or it was sealed for another place.
    pub async fn account(
        &self,
        desk: &impl Desk,
        row: &PullRow,
        now: Timestamp,
    ) -> Result<DirectoryAccount, KeysUnavailable> {
        let (tenant, purpose) = (TenantId::platform(), Purpose::Directory);
        let key = Key::root(&tenant, purpose.as_str());
        let item = desk.get(&key).await.map_err(|_| KeysUnavailable)?.ok_or(KeysUnavailable)?;
        let root = RootRow::from_item(&item).map_err(|_| KeysUnavailable)?;
        let place = Key::pull(&row.connection);
        let aad = Aad::credential(
            &tenant,
            place.table.as_str(),
            &place.pk,
            &place.sk,
            "secret",
            DirectoryAccount::HOST,
        );
        let sealed = row.secret.as_ref().ok_or(KeysUnavailable)?;
        let plain = self.roots.open(&tenant, purpose, &root, &aad, sealed, now).await;
        let plain = plain.map_err(|_| KeysUnavailable)?;
        serde_json::from_slice(plain.as_bytes()).map_err(|_| KeysUnavailable)
    }
}

impl Keys {
    /// # Errors
    /// There are no random bytes, or the document has no JSON form.
    pub fn seal(&self, place: &Key, document: &Map<String, Value>) -> Result<SealedBytes, KeysUnavailable> {
        let random = aws::random().map_err(|_| KeysUnavailable)?;
        let text = serde_json::to_vec(document).map_err(|_| KeysUnavailable)?;
        let sealed = self.current.seal(&aad(place), &text, &random);
        sealed.map(SealedBytes::from).map_err(|_| KeysUnavailable)
    }
}
