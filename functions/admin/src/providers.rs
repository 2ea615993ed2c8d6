//! What identity providers publish, fetched through `egress` and kept as long as their own pace allows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::{ConnectionRow, Timestamp};
use egress::{Answer, Client, Headers, Reach, Target};

use crate::decide::connections::FormRules;
use crate::refusal::Why;
use crate::sso::jwks::Alg;
use crate::sso::preset::PresetsError;
use crate::sso::refresh::{Refresh, Times, Wanted};
use crate::sso::{
    CallbackError, Connection, ConnectionForm, Discovery, Jwks, Presets, TokenRequest, Tokens, discovery,
};

/// For one document, connecting included.
const DEADLINE: Duration = Duration::from_secs(8);
/// Issuers that one instance keeps documents of.
const KEPT_MAX: usize = 64;

/// What is held of one source, and since when.
#[derive(Debug, Clone)]
struct Kept<T> {
    times: Times,
    held: Option<T>,
}

/// What sources publish, by their names. A bounded number, each fetched at its own bounded pace.
#[derive(Debug)]
struct Cache<T>(Mutex<HashMap<String, Kept<T>>>);

impl<T> Default for Cache<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Cache<T> {
    fn of(&self, name: &str) -> Kept<T> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(name).cloned().unwrap_or(Kept { times: Times::default(), held: None })
    }

    fn keep(&self, name: &str, new: Kept<T>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX && !kept.contains_key(name) {
            kept.clear();
        }
        kept.insert(name.to_owned(), new);
    }

    /// What is held, or what `fetch` brings, as often as the pace of the source allows.
    async fn get(
        &self,
        name: &str,
        now: Timestamp,
        serves: impl Fn(&T) -> bool,
        fetch: impl Future<Output = Result<T, Why>>,
    ) -> Result<T, Why> {
        let kept = self.of(name);
        let lacks = kept.held.as_ref().is_some_and(|held| !serves(held));
        let wanted = if lacks { Wanted::UnknownKid } else { Wanted::Held };
        match kept.times.decide(wanted, now) {
            Refresh::Use => kept.held.ok_or(Why::ProviderUnavailable),
            Refresh::Refuse => Err(Why::ProviderUnavailable),
            Refresh::Fetch { else_use } => {
                self.keep(name, Kept { times: kept.times.tried(now), ..kept.clone() });
                match fetch.await {
                    Ok(new) => {
                        self.keep(name, Kept { times: kept.times.fetched(now), held: Some(new.clone()) });
                        Ok(new)
                    }
                    Err(why) if !else_use => Err(why),
                    Err(why) => kept.held.ok_or(why),
                }
            }
        }
    }
}

/// The way to identity providers.
#[derive(Debug)]
pub struct Providers {
    client: Client,
    reach: Reach,
    presets: Presets,
    /// Discovery and keys are fetched together: a provider that moves its keys says so in the one.
    documents: Cache<(Discovery, Arc<Jwks>)>,
    /// Keys of platforms that give programs their tokens.
    platforms: Cache<Arc<Jwks>>,
}

impl Providers {
    /// # Errors
    /// The presets of this build do not read.
    pub fn new(client: Client, reach: Reach) -> Result<Self, PresetsError> {
        Ok(Self {
            client,
            reach,
            presets: Presets::builtin()?,
            documents: Cache::default(),
            platforms: Cache::default(),
        })
    }

    pub const fn reach(&self) -> Reach {
        self.reach
    }

    /// What forms of connections are checked against.
    pub const fn forms(&self) -> FormRules<'_> {
        FormRules { presets: &self.presets, reach: self.reach }
    }

    /// A stored connection, checked as it was when it was stored.
    ///
    /// # Errors
    /// It does not read any more: nobody signs in by it.
    pub fn connection(&self, row: &ConnectionRow) -> Result<Connection, Why> {
        let form: ConnectionForm = serde_json::from_str(&row.document).map_err(|_| Why::FactsUnavailable)?;
        Connection::new(form, &self.presets, self.reach).map_err(|_| Why::FactsUnavailable)
    }

    /// The provider's document and keys. `kid`: a key that is wanted.
    ///
    /// # Errors
    /// There are none that may be used.
    pub async fn documents(
        &self,
        connection: &Connection,
        kid: Option<&str>,
        now: Timestamp,
    ) -> Result<(Discovery, Arc<Jwks>), Why> {
        // By connection: what one refuses of a provider is not another's fault.
        let name = format!("{} {}", connection.id(), connection.issuer());
        let serves = |(_, keys): &(Discovery, Arc<Jwks>)| kid.is_none_or(|kid| keys.has(kid));
        self.documents.get(&name, now, serves, self.fetch(connection)).await
    }

    /// The keys of a platform that gives programs their tokens. `kid`: one that is wanted.
    ///
    /// # Errors
    /// There are none that may be used.
    pub async fn keys(&self, issuer: &str, kid: Option<&str>, now: Timestamp) -> Result<Arc<Jwks>, Why> {
        let serves = |keys: &Arc<Jwks>| kid.is_none_or(|kid| keys.has(kid));
        self.platforms.get(issuer, now, serves, self.fetch_keys(issuer)).await
    }

    async fn fetch_keys(&self, issuer: &str) -> Result<Arc<Jwks>, Why> {
        let document = self.get(&discovery::address(issuer)).await?;
        let address = discovery::keys_of(&document, issuer, self.reach).map_err(|fault| {
            tracing::warn!(%fault, "platform.discovery_refused");
            Why::ProviderUnavailable
        })?;
        let keys = Jwks::parse(&self.get(&address).await?, Alg::Rs256).map_err(|fault| {
            tracing::warn!(%fault, "platform.keys_refused");
            Why::ProviderUnavailable
        })?;
        Ok(Arc::new(keys))
    }

    async fn fetch(&self, connection: &Connection) -> Result<(Discovery, Arc<Jwks>), Why> {
        let document = self.get(&discovery::address(connection.issuer())).await?;
        let discovery = Discovery::parse(&document, connection, self.reach).map_err(|fault| {
            tracing::warn!(connection = connection.id().as_str(), %fault, "idp.discovery_refused");
            Why::ProviderUnavailable
        })?;
        let keys = self.get(&discovery.jwks_uri).await?;
        let keys = Jwks::parse(&keys, discovery.rsa()).map_err(|fault| {
            tracing::warn!(connection = connection.id().as_str(), %fault, "idp.keys_refused");
            Why::ProviderUnavailable
        })?;
        Ok((discovery, Arc::new(keys)))
    }

    async fn get(&self, address: &str) -> Result<String, Why> {
        let target = Target::parse(address, self.reach).map_err(|_| Why::ProviderUnavailable)?;
        let answer =
            self.client.get_json(&target, "", DEADLINE).await.map_err(|_| Why::ProviderUnavailable)?;
        text(answer).ok_or(Why::ProviderUnavailable)
    }

    /// Exchanges a code. Sent once: a code is good for one try.
    ///
    /// # Errors
    /// The provider refused, or did not answer.
    pub async fn exchange(&self, request: &TokenRequest) -> Result<Tokens, CallbackError> {
        let target = Target::parse(&request.url, self.reach).map_err(|_| CallbackError::Answer)?;
        let headers = match &request.authorization {
            Some(secret) => Headers::default().with("authorization", secret.expose()),
            None => Ok(Headers::default()),
        };
        let headers = headers.map_err(|_| CallbackError::Client)?;
        let form = request.body.expose().to_owned().into();
        let answer = self.client.post_form(&target, headers, form, DEADLINE).await;
        let Answer { status, body, .. } = answer.map_err(|_| CallbackError::Answer)?;
        match body {
            Ok(bytes) => Tokens::parse(status, std::str::from_utf8(&bytes).unwrap_or_default()),
            // What an error says is matched against the standard's words, and never taken out.
            Err(body) => {
                let refused = |bytes: &[u8]| {
                    let text = std::str::from_utf8(bytes).ok()?;
                    match Tokens::parse(status, text) {
                        Err(CallbackError::Grant) => Some("grant"),
                        Err(CallbackError::Client) => Some("client"),
                        _ => None,
                    }
                };
                Err(match body.classify(refused) {
                    Some("grant") => CallbackError::Grant,
                    Some(_) => CallbackError::Client,
                    None => CallbackError::Answer,
                })
            }
        }
    }
}

fn text(answer: Answer) -> Option<String> {
    String::from_utf8(answer.body.ok()?.to_vec()).ok()
}
