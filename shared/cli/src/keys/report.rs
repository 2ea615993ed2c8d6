//! What is sealed under which version: what an auditor asks before an old key may go.

use std::collections::BTreeMap;

use domain::{Providers, RootRow, SealedBytes, SubjectRow};
use envelope::{Purpose, sealed_version};
use serde::Serialize;
use tables::codec::Row as _;
use tables::{Key, KeyStore, Table};

use super::{KeysError, Ring};

/// One purpose of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PurposeReport {
    pub purpose: &'static str,
    pub destroyed: bool,
    pub current: u32,
    pub min_decrypt_version: u32,
    /// Versions that the row still holds.
    pub versions: Vec<u32>,
    /// How many values in the tables are sealed under each version; `null` where nobody counts. Records in the ledger are not counted.
    pub sealed: Option<BTreeMap<u32, usize>>,
    /// People whose keys were destroyed.
    #[serde(skip_serializing_if = "is_zero")]
    pub erased_people: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl PurposeReport {
    /// Values that name an older version than the current one.
    pub fn stale(&self) -> usize {
        self.sealed.iter().flat_map(|sealed| sealed.range(..self.current)).map(|(_, count)| count).sum()
    }
}

/// Every purpose of the tenant that has a root.
///
/// # Errors
/// See [`KeysError`].
pub async fn report<S: KeyStore>(store: &S, ring: &Ring) -> Result<Vec<PurposeReport>, KeysError> {
    let mut all = Vec::new();
    for purpose in Purpose::ALL {
        match of_purpose(store, ring, purpose).await {
            Err(KeysError::NoRoot { .. }) => {}
            report => all.push(report?),
        }
    }
    if all.is_empty() { Err(KeysError::NoTenant) } else { Ok(all) }
}

/// # Errors
/// See [`KeysError`].
pub async fn of_purpose<S: KeyStore>(
    store: &S,
    ring: &Ring,
    purpose: Purpose,
) -> Result<PurposeReport, KeysError> {
    // The root first: a rotation after it shows as values of a newer version, never as none of an older one.
    let root: RootRow = ring.read_root(store, purpose).await?;
    let mut report = PurposeReport {
        purpose: purpose.as_str(),
        destroyed: root.shredded,
        current: root.current,
        min_decrypt_version: root.min_decrypt,
        versions: root.versions.keys().copied().collect(),
        sealed: None,
        erased_people: 0,
    };
    match purpose {
        Purpose::Credential => credentials(store, ring, &mut report).await?,
        Purpose::Audit => people(store, ring, &mut report).await?,
        // Old versions of these are kept: people's and agents' tokens, sign-in, directories, requests for approval.
        Purpose::Token
        | Purpose::Pseudonym
        | Purpose::Sso
        | Purpose::Scim
        | Purpose::Directory
        | Purpose::Action => {}
    }
    Ok(report)
}

fn count(report: &mut PurposeReport, sealed: &SealedBytes) -> Result<(), KeysError> {
    let version = sealed_version(sealed).ok_or(KeysError::Unreadable)?;
    *report.sealed.get_or_insert_default().entry(version).or_default() += 1;
    Ok(())
}

async fn credentials<S: KeyStore>(
    store: &S,
    ring: &Ring,
    report: &mut PurposeReport,
) -> Result<(), KeysError> {
    report.sealed = Some(BTreeMap::new());
    let Some(item) = store.read(&Key::providers(&ring.tenant)).await? else { return Ok(()) };
    let providers = Providers::from_item(&item).map_err(|_| KeysError::Unreadable)?;
    providers.0.iter().try_for_each(|provider| count(report, &provider.credential))
}

async fn people<S: KeyStore>(store: &S, ring: &Ring, report: &mut PurposeReport) -> Result<(), KeysError> {
    report.sealed = Some(BTreeMap::new());
    let partition = Key::subjects(&ring.tenant);
    let mut after: Option<Key> = None;
    loop {
        let page = store.list(Table::Keys, &partition, after.as_ref()).await?;
        for (_, item) in &page.rows {
            match SubjectRow::from_item(item).map_err(|_| KeysError::Unreadable)? {
                SubjectRow::Active(sealed) => count(report, &sealed)?,
                SubjectRow::Shredded => report.erased_people += 1,
            }
        }
        match page.rows.into_iter().next_back() {
            Some((last, _)) if page.more => after = Some(last),
            _ => return Ok(()),
        }
    }
}
