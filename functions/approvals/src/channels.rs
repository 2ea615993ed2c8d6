//! Where people and agents of a tenant are told: opened from their row for each message, and kept nowhere.

use domain::{ChannelsRow, TenantId};
use envelope::{Aad, Purpose};
use tables::Key;

use crate::desk::{Away, Desk, Outside};
use crate::effects::{Effects, find};
use crate::token::Token;

pub type Channels = domain::Channels<Token>;
pub type Slack = domain::SlackChannel<Token>;
pub type Hook = domain::Webhook<Token>;

/// The place of the sealed document.
pub fn aad(tenant: &TenantId) -> Aad {
    let key = Key::channels(tenant);
    Aad::row(tenant, key.table.as_str(), &key.pk, &key.sk, "sealed")
}

impl<D: Desk, O: Outside> Effects<D, O> {
    /// A tenant's channels; `None`: it has none.
    ///
    /// # Errors
    /// The tables or the keys did not answer, or the document does not read.
    pub(crate) async fn channels(&self, tenant: &TenantId) -> Result<Option<Channels>, Away> {
        let place = Key::channels(tenant);
        let keys = [place.clone(), Key::root(tenant, Purpose::Action.as_str())];
        let rows = self.desk.rows(&keys).await?;
        let Some(row) = find::<ChannelsRow>(&rows, &place)? else { return Ok(None) };
        let text = self.open(tenant, &rows, &aad(tenant), &row.sealed).await?;
        serde_json::from_str(text.expose()).map(Some).map_err(|_| {
            tracing::error!(tenant_id = %tenant, "channels.unreadable");
            Away
        })
    }
}
