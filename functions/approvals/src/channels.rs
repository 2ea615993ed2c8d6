//! Where people and agents of a tenant are told: opened from their row for each message, and kept nowhere.
//!
//! ```text
//! {"emails":["a@acme.com"],
//!  "slack":{"webhook_url":"https://hooks.slack.com/services/…","signing_secret":"…","users":{"U024BE7LH":"usr_…"}},
//!  "webhooks":{"ops":{"url":"https://agents.acme.com/hooks","secret":"whsec_…"}},
//!  "approvers_webhook":"pager"}
//! ```

use std::collections::BTreeMap;

use domain::{ChannelsRow, Name, TenantId, UserId};
use envelope::{Aad, Purpose};
use serde::Deserialize;
use tables::Key;

use crate::desk::{Away, Desk, Outside};
use crate::effects::{Effects, find};
use crate::token::Token;

/// More are not told of one step.
pub const EMAILS_MAX: usize = 20;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channels {
    /// Addresses of people who decide.
    #[serde(default)]
    pub emails: Vec<Token>,
    #[serde(default)]
    pub slack: Option<Slack>,
    #[serde(default)]
    pub webhooks: BTreeMap<Name, Hook>,
    /// The one of them by which people are told.
    #[serde(default)]
    pub approvers_webhook: Option<Name>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slack {
    /// An incoming webhook of a channel: whoever has it may post there.
    pub webhook_url: Token,
    #[serde(default)]
    pub signing_secret: Token,
    /// Whose clicks count, and as whom.
    #[serde(default)]
    pub users: BTreeMap<String, UserId>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hook {
    pub url: Token,
    /// `whsec_` and base64 (Standard Webhooks), or any text.
    pub secret: Token,
}

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
