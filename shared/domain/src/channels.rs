//! Where people and agents of a tenant are told of requests, as the document is sealed: `admin` writes it, `approvals` reads it.
//!
//! ```json
//! {"emails":["a@acme.com"],
//!  "slack":{"webhook_url":"https://hooks.slack.com/services/…","signing_secret":"…","users":{"U024BE7LH":"usr_…"}},
//!  "webhooks":{"ops":{"url":"https://agents.acme.com/hooks","secret":"whsec_…"}},
//!  "approvers_webhook":"pager"}
//! ```

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Name, UserId};

/// The whole document. `S` is a text that lets whoever has it in.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = "S: Deserialize<'de>"))]
pub struct Channels<S> {
    /// Addresses of people who decide.
    #[serde(default)]
    pub emails: Vec<String>,
    #[serde(default)]
    pub slack: Option<SlackChannel<S>>,
    #[serde(default)]
    pub webhooks: BTreeMap<Name, Webhook<S>>,
    /// The one of them by which people are told; the others are agents' callbacks.
    #[serde(default)]
    pub approvers_webhook: Option<Name>,
}

/// A channel of a Slack workspace.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = "S: Deserialize<'de>"))]
pub struct SlackChannel<S> {
    /// Its incoming webhook: whoever has it may post there.
    pub webhook_url: S,
    /// The application's; without one no click counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing_secret: Option<S>,
    /// Whose clicks count, by their id in the workspace, and as whom.
    #[serde(default)]
    pub users: BTreeMap<String, UserId>,
}

/// An address, and what signs that which is sent there: `whsec_` and base64 (Standard Webhooks), or any text.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook<S> {
    pub url: S,
    pub secret: S,
}

impl<S> Channels<S> {
    /// More are not told of one step.
    pub const EMAILS_MAX: usize = 20;
}

impl<S> Default for Channels<S> {
    fn default() -> Self {
        Self { emails: Vec::new(), slack: None, webhooks: BTreeMap::new(), approvers_webhook: None }
    }
}

/// Holds people's addresses.
impl<S> fmt::Debug for Channels<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Channels(..)")
    }
}
