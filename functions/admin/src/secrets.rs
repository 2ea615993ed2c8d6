//! Secrets of connections, and what is kept of a sign-in: sealed under the platform's root of its own purpose.

use aws::{Dynamo, KmsWrapper};
use domain::{ChannelsRow, Region, RootRow, SealedBytes, TenantId, Timestamp};
use envelope::{Aad, Context, KeyWrapper as _, Plaintext, Purpose, RootError, RootKey, Roots};
use std::sync::Arc;
use tables::codec::Row as _;
use tables::{GateFault, Key, Swap};

use crate::ask::Rows;
use crate::decide::channels::Channels;
use crate::plan::{NewChannels, NewCredential, NewSecret};
use crate::refusal::Why;

/// The key service, and where roots lie.
#[derive(Debug)]
pub struct Secrets {
    pub dynamo: Dynamo,
    pub kms: KmsWrapper,
    pub roots: Roots<KmsWrapper>,
    pub region: Region,
}

impl Secrets {
    /// A new root, wrapped: its plaintext never leaves the key service here.
    ///
    /// # Errors
    /// The key service made none.
    pub async fn new_root(&self, tenant: &TenantId, purpose: Purpose) -> Result<Swap, Why> {
        let context = Context { tenant: tenant.clone(), region: self.region, purpose, version: 1 };
        let wrapped = self.kms.generate(&context).await.map_err(|_| Why::KeysUnavailable)?;
        let row = RootRow::first(wrapped);
        Ok(Swap::create(Key::root(tenant, purpose.as_str()), row.to_item()))
    }

    /// The platform's root of a purpose, made at its first use. Two that make it at once have one: the second reads the first's.
    async fn root(&self, purpose: Purpose) -> Result<RootRow, Why> {
        let tenant = TenantId::platform();
        let key = Key::root(&tenant, purpose.as_str());
        for _ in 0..2 {
            let item = self.dynamo.get(&key).await.map_err(|_| Why::KeysUnavailable)?;
            if let Some(item) = item {
                return RootRow::from_item(&item).map_err(|_| Why::KeysUnavailable);
            }
            let made = self.new_root(&tenant, purpose).await?;
            match self.dynamo.write_all(vec![made.to_write()]).await {
                Ok(()) | Err(GateFault::Condition(_)) => {}
                Err(GateFault::NotWritten | GateFault::Unknown) => return Err(Why::KeysUnavailable),
            }
        }
        Err(Why::KeysUnavailable)
    }

    async fn current(&self, purpose: Purpose, now: Timestamp) -> Result<Arc<RootKey>, Why> {
        let row = self.root(purpose).await?;
        let key = self.roots.current(&TenantId::platform(), purpose, &row, now).await;
        key.map_err(|_| Why::KeysUnavailable)
    }

    /// # Errors
    /// The keys cannot be used.
    pub async fn seal(&self, aad: &Aad, text: &str, now: Timestamp) -> Result<SealedBytes, Why> {
        self.seal_for(Purpose::Sso, aad, text, now).await
    }

    async fn seal_for(
        &self,
        purpose: Purpose,
        aad: &Aad,
        text: &str,
        now: Timestamp,
    ) -> Result<SealedBytes, Why> {
        let random = aws::random().map_err(|_| Why::KeysUnavailable)?;
        let sealed = self.current(purpose, now).await?.seal(aad, text.as_bytes(), &random);
        sealed.map(SealedBytes::from).map_err(|_| Why::KeysUnavailable)
    }

    /// # Errors
    /// The keys cannot be used, or it was sealed for another place.
    pub async fn open(&self, aad: &Aad, sealed: &SealedBytes, now: Timestamp) -> Result<Plaintext, Why> {
        let row = self.root(Purpose::Sso).await?;
        let opened = self.roots.open(&TenantId::platform(), Purpose::Sso, &row, aad, sealed, now).await;
        opened.map_err(|_| Why::KeysUnavailable)
    }

    /// A tenant's own root of a purpose, as new values are sealed under it.
    async fn root_of(
        &self,
        tenant: &TenantId,
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<Arc<RootKey>, Why> {
        let item =
            self.dynamo.get(&Key::root(tenant, purpose.as_str())).await.map_err(|_| Why::KeysUnavailable)?;
        let row = RootRow::from_item(&item.ok_or(Why::KeysUnavailable)?).map_err(|_| Why::KeysUnavailable)?;
        self.roots.current(tenant, purpose, &row, now).await.map_err(|_| Why::KeysUnavailable)
    }

    /// The row of a tenant's channels.
    ///
    /// # Errors
    /// The keys cannot be used.
    pub async fn seal_channels(&self, new: &NewChannels, now: Timestamp) -> Result<ChannelsRow, Why> {
        let root = self.root_of(&new.tenant, Purpose::Action, now).await?;
        let random = aws::random().map_err(|_| Why::KeysUnavailable)?;
        let sealed = root.seal(&channels(&new.tenant), new.text.as_bytes(), &random);
        let sealed = sealed.map(SealedBytes::from).map_err(|_| Why::KeysUnavailable)?;
        Ok(ChannelsRow { version: new.version, sealed })
    }

    /// A tenant's channels, from the rows that were read; `None`: there are none, or they open or read no more.
    ///
    /// # Errors
    /// The keys cannot be used.
    pub async fn channels(
        &self,
        tenant: &TenantId,
        rows: &Rows,
        now: Timestamp,
    ) -> Result<Option<Channels>, Why> {
        let (key, purpose) = (Key::channels(tenant), Purpose::Action);
        let Some(item) = rows.get(&key) else { return Ok(None) };
        let row = ChannelsRow::from_item(item)?;
        let root = rows.get(&Key::root(tenant, purpose.as_str())).ok_or(Why::KeysUnavailable)?;
        let root = RootRow::from_item(root).map_err(|_| Why::KeysUnavailable)?;
        let opened = self.roots.open(tenant, purpose, &root, &channels(tenant), &row.sealed, now).await;
        // What nothing opens any more may be written over.
        let read = match opened {
            Ok(text) => serde_json::from_slice(text.as_bytes()).ok(),
            Err(RootError::Retired { .. } | RootError::Open(_)) => None,
            Err(_) => return Err(Why::KeysUnavailable),
        };
        if read.is_none() {
            tracing::error!(tenant_id = %tenant, "channels.unreadable");
        }
        Ok(read)
    }

    /// A provider's credential, under its tenant's root.
    ///
    /// # Errors
    /// The keys cannot be used.
    pub async fn seal_credential(&self, new: &NewCredential, now: Timestamp) -> Result<SealedBytes, Why> {
        let tenant = &new.tenant;
        let root = self.root_of(tenant, Purpose::Credential, now).await?;
        let random = aws::random().map_err(|_| Why::KeysUnavailable)?;
        let place = Key::providers(tenant);
        let aad = Aad::credential(
            tenant,
            place.table.as_str(),
            &place.pk,
            &place.sk,
            new.provider.as_str(),
            &new.host,
        );
        let sealed = root.seal(&aad, new.text.as_bytes(), &random);
        sealed.map(SealedBytes::from).map_err(|_| Why::KeysUnavailable)
    }

    /// # Errors
    /// The keys cannot be used.
    pub async fn seal_client(&self, secret: &NewSecret, now: Timestamp) -> Result<SealedBytes, Why> {
        self.seal_for(secret.purpose, &client(&secret.row, &secret.host), &secret.text, now).await
    }
}

/// The place of a connection's secret. With another host of its provider it does not open.
pub fn client(row: &Key, host: &str) -> Aad {
    Aad::credential(&TenantId::platform(), row.table.as_str(), &row.pk, &row.sk, "secret", host)
}

/// The place of a tenant's channels: `approvals` opens them there.
pub fn channels(tenant: &TenantId) -> Aad {
    let row = Key::channels(tenant);
    Aad::row(tenant, row.table.as_str(), &row.pk, &row.sk, "sealed")
}

/// The place of what is kept of a sign-in.
pub fn sign_in(row: &Key) -> Aad {
    Aad::row(&TenantId::platform(), row.table.as_str(), &row.pk, &row.sk, "pending")
}
