//! Keys of a tenant: what there is, a new version, and their end. Every write is one conditional update, so that a crash
//! between any two leaves every row readable, and two operators at once make one new version.

pub mod list;
pub mod report;
pub mod reseal;
pub mod rotate;
pub mod shred;

use domain::{Region, RootRow, TenantId};
use egress::Reach;
use envelope::{Purpose, RootError, WrapError};
use tables::codec::Row as _;
use tables::{Key, KeyStore, ReadFault};

/// Whose keys, and where.
#[derive(Debug, Clone)]
pub struct Ring {
    pub tenant: TenantId,
    pub region: Region,
    pub reach: Reach,
}

impl Ring {
    pub fn root(&self, purpose: Purpose) -> Key {
        Key::root(&self.tenant, purpose.as_str())
    }

    /// # Errors
    /// No row, one that does not read, or no answer.
    pub async fn read_root<S: KeyStore>(&self, store: &S, purpose: Purpose) -> Result<RootRow, KeysError> {
        let item = store.read(&self.root(purpose)).await?.ok_or(KeysError::NoRoot { purpose })?;
        RootRow::from_item(&item).map_err(|_| KeysError::Unreadable)
    }
}

/// How often a write is tried whose outcome is unknown, or that another writer came before.
pub(crate) const TRIES: usize = 5;

/// Why keys were not changed, or not reported. What was written before stays whole: run the command again.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    #[error("there is no such tenant in this region: check --tenant and CS_REGION")]
    NoTenant,
    #[error("the tenant has no root for `{purpose}`: it was made before that purpose existed, or elsewhere")]
    NoRoot { purpose: Purpose },
    #[error("a row does not read: it was written by another version of this program, or by hand")]
    Unreadable,
    #[error("the tenant's `{purpose}` keys were destroyed, which nothing undoes")]
    Shredded { purpose: Purpose },
    #[error(
        "`{purpose}` is not rotated: people and conversations are known by digests under it, and with another key they would be strangers"
    )]
    NotRotated { purpose: Purpose },
    #[error(
        "old versions of `{purpose}` are not retired: records in the ledger are sealed under them for as long as they are kept"
    )]
    Kept { purpose: Purpose },
    #[error(
        "old versions of `{purpose}` are not retired: what they sealed lies in many rows that nothing counts or seals again, and would be lost"
    )]
    Uncounted { purpose: Purpose },
    #[error(
        "{rows} sealed values still name an older version: run `countersign ops rotate --purpose {purpose} --reseal` first"
    )]
    Stale { purpose: Purpose, rows: usize },
    #[error("the provider's address does not parse: mend it before its credential can be sealed again")]
    Address,
    #[error("the tenant has no provider of that id")]
    NoProvider,
    #[error(
        "CS_PROVIDER_KEY is not set: put the provider's new API key into it (a command line is read by every process of the machine)"
    )]
    NoCredential,
    #[error(
        "CS_SUBJECT is not set: put the person's name there as agents send it in x-cs-on-behalf-of, or say --subject psn_..."
    )]
    NoSubject,
    #[error("--confirm does not repeat {expected}: nothing was destroyed")]
    NotConfirmed { expected: String },
    #[error("a sealed value does not open ({0}): nothing of it was changed")]
    Root(#[from] RootError),
    #[error(
        "the region's KMS key could not be used ({0}): check CS_KMS_KEY_ARN and that you act as the role operator"
    )]
    Wrap(#[from] WrapError),
    #[error("no random bytes from the operating system")]
    Entropy(#[from] aws::EntropyError),
    #[error("{0}: check the CS_TABLE_ variables and that you act as the role operator")]
    Read(#[from] ReadFault),
    #[error(
        "the table did not confirm the write: look with `countersign ops keys` and do what is left (after a rotation: --reseal)"
    )]
    NotWritten,
    #[error(
        "the audit queue did not acknowledge the record, so nothing was done: check CS_QUEUE_AUDIT_URL and that you act as the role operator"
    )]
    NotRecorded(#[from] aws::NotRecorded),
}

#[cfg(test)]
mod memory;
#[cfg(test)]
mod tests;
