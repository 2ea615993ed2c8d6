//! What identity providers publish, fetched through `egress` and kept as long as their own pace allows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::{ConnectionRow, Timestamp};
use egress::{Answer, Client, Headers, Reach, Target};

use crate::decide::connections::FormRules;
use crate::refusal::Why;
use crate::sso::jwks::Alg;
use crate::sso::overage::{self, OverageFault};
use crate::sso::preset::PresetsError;
use crate::sso::refresh::{Refresh, Times, Wanted};
use crate::sso::{
    CallbackError, Connection, ConnectionForm, Discovery, Groups, Jwks, Presets, Secret, TokenRequest,
    Tokens, discovery,
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
        let answer = self.client.get_json(&target, ("", &[]), Headers::default(), DEADLINE).await;
        let answer = answer.map_err(|_| Why::ProviderUnavailable)?;
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

impl Providers {
    /// The groups that a token was too small for, asked for with the access token of the same sign-in. `None`: the token lists
    /// them, nothing hangs on them, or they could not be told, which is logged. Then it stays open which they are: nothing is
    /// taken away that came by a group, and nobody is made by one.
    pub async fn more_groups(
        &self,
        connection: &Connection,
        groups: &Groups,
        access: Option<Secret>,
    ) -> Option<Groups> {
        let told = |fault: OverageFault| {
            tracing::warn!(connection = connection.id().as_str(), %fault, "sign_in.groups_untold");
        };
        let place = overage::asked(connection, groups).map_err(told).ok()??;
        let access = access.ok_or(OverageFault::NoToken).map_err(told).ok()?;
        self.groups_at(&place, &access).await.map_err(told).ok()
    }

    /// One answer of a bounded size within a bounded time.
    async fn groups_at(&self, place: &str, access: &Secret) -> Result<Groups, OverageFault> {
        let target = Target::parse(place, self.reach).map_err(|_| OverageFault::NoPlace)?;
        let headers = Headers::bearer(access.expose()).map_err(|_| OverageFault::NoToken)?;
        let body = bytes::Bytes::from_static(overage::BODY.as_bytes());
        let client = self.client.reading_at_most(overage::ANSWER_BYTES_MAX);
        let answer = client.post_json(&target, "", headers, body, DEADLINE).await;
        let answer = answer.map_err(|_| OverageFault::Answer)?;
        let status = answer.status;
        overage::answered(status, text(answer).as_deref())
    }
}

fn text(answer: Answer) -> Option<String> {
    String::from_utf8(answer.body.ok()?.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sso::testing::{connection_of, sample};
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::thread::{JoinHandle, spawn};

    const LIMIT: usize = 64 * 1_024;

    fn providers() -> Providers {
        let client = Client::new(&egress::Config {
            reach: Reach::Loopback,
            roots: egress::Roots::System,
            connect_timeout: Duration::from_secs(5),
            max_response_bytes: LIMIT,
        });
        Providers::new(client.unwrap(), Reach::Loopback).unwrap()
    }

    /// Answers one request, and says what was asked.
    fn graph(status: &str, body: &str) -> (String, JoinHandle<String>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let place = format!("http://{}/v1.0/me/getMemberObjects", listener.local_addr().unwrap());
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let answer = head + body;
        let asked = spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = String::new();
            let mut buffer = [0; 4_096];
            while !asked.ends_with(overage::BODY) {
                let read = stream.read(&mut buffer).unwrap();
                assert!(read > 0, "it ended early: {asked}");
                asked.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
            }
            let _ = stream.write_all(answer.as_bytes());
            asked
        });
        (place, asked)
    }

    #[tokio::test]
    async fn groups_are_asked_for_with_the_token_of_the_sign_in() {
        let (place, asked) = graph("200 OK", r#"{"value": ["g1", "g2"]}"#);
        let told = providers().groups_at(&place, &Secret::new("an-access-token")).await;
        assert_eq!(told, Ok(Groups::Listed(vec!["g1".to_owned(), "g2".to_owned()])));
        let asked = asked.join().unwrap();
        assert!(asked.starts_with("POST /v1.0/me/getMemberObjects HTTP/1.1\r\n"), "{asked}");
        assert!(asked.contains("authorization: Bearer an-access-token\r\n"), "{asked}");
    }

    /// As many as the Graph tells at once: more than any other document may hold.
    #[tokio::test]
    async fn all_groups_of_whoever_is_in_many_are_read() {
        let ids: Vec<_> = (0..11_000).map(|n| format!("1b2c0f52-2b7e-4d0e-9f6a-{n:012}")).collect();
        let body = serde_json::json!({"value": ids}).to_string();
        assert!(body.len() > LIMIT);
        let (place, asked) = graph("200 OK", &body);
        let told = providers().groups_at(&place, &Secret::new("t")).await;
        drop(asked.join().unwrap());
        assert_eq!(told, Ok(Groups::Listed(ids)));
    }

    /// Whoever's groups nobody tells is not kept out by that alone.
    #[tokio::test]
    async fn groups_that_could_not_be_told_stay_untold() {
        let mut form = sample("entra").connection;
        let grant = serde_json::json!({"tenant": "ten_0123456789abcdef", "role": "viewer"});
        for group in ["1b2c0f52-2b7e-4d0e-9f6a-3f0c6c1d2e4b", "Ops"] {
            form["group_roles"] = serde_json::json!([{"group": group, "grant": grant}]);
            let connection = connection_of(&form);
            assert_eq!(providers().more_groups(&connection, &Groups::Overage, None).await, None, "{group}");
        }
    }

    #[tokio::test]
    async fn what_is_refused_or_too_large_is_no_group() {
        let large = format!(r#"{{"value": ["{}"]}}"#, "x".repeat(overage::ANSWER_BYTES_MAX));
        for (status, body, fault) in [
            ("403 Forbidden", r#"{"error": {}}"#, OverageFault::Permission),
            ("200 OK", large.as_str(), OverageFault::Answer),
            ("302 Found", "", OverageFault::Answer),
        ] {
            let (place, asked) = graph(status, body);
            assert_eq!(providers().groups_at(&place, &Secret::new("t")).await, Err(fault), "{status}");
            drop(asked.join().unwrap());
        }
        let inside = providers().groups_at("http://10.0.0.1/", &Secret::new("t")).await;
        assert_eq!(inside, Err(OverageFault::NoPlace));
    }
}
