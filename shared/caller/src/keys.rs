//! The tenant's keys that every record is written with.

use std::sync::Arc;

use domain::{Reason, RootRow, TenantId, Timestamp};
use envelope::{KeyWrapper, Purpose, RootError, RootKey, Roots};

/// The tenant's keys that a decision uses.
#[derive(Debug)]
pub struct Keys {
    pub audit: Arc<RootKey>,
    pub pseudonym: Arc<RootKey>,
}

impl Keys {
    /// Without the audit key nothing personal can be sealed, without the pseudonym key no identifier can leave: the
    /// call is refused, and recorded without them.
    ///
    /// # Errors
    /// A root is missing, destroyed, or not unwrapped.
    pub async fn open<W: KeyWrapper>(
        roots: &Roots<W>,
        tenant: &TenantId,
        audit: Option<RootRow>,
        pseudonym: Option<RootRow>,
        now: Timestamp,
    ) -> Result<Self, RootError> {
        let (audit, pseudonym) = audit.zip(pseudonym).ok_or(RootError::Missing)?;
        let opened = futures_util::future::try_join(
            roots.current(tenant, Purpose::Audit, &audit, now),
            roots.current(tenant, Purpose::Pseudonym, &pseudonym, now),
        );
        opened.await.map(|(audit, pseudonym)| Self { audit, pseudonym })
    }
}

/// Why a tenant's keys cannot be used: for now, or for good.
pub fn keys_fault(fault: RootError) -> Reason {
    if fault == RootError::Shredded { Reason::KeysDestroyed } else { Reason::KeysUnavailable }
}
