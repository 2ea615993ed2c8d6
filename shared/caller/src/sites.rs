//! Where the functions that name one another are found, read once at cold start.

use aws::Dynamo;
use tables::codec::Row as _;
use tables::{Key, SitesRow};

/// Why it is not known. A function that does not know it does not begin to serve; its next start asks again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoSites {
    #[error("the row of addresses could not be read")]
    Read,
    #[error("the row of addresses is not there, or not complete: the deployment writes it last, let it end")]
    Row,
}

/// # Errors
/// The row cannot be read, or is not as it must be.
pub async fn sites(dynamo: &Dynamo) -> Result<SitesRow, NoSites> {
    let item = dynamo.get(&Key::addresses()).await.map_err(|_| NoSites::Read)?;
    item.and_then(|item| SitesRow::from_item(&item).ok()).ok_or(NoSites::Row)
}
