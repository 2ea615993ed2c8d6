//! How people and agents of a tenant are told of requests for approval. Whoever has an incoming webhook's address may post there,
//! and keys sign: all of it is sealed under the tenant's root for actions, and hosts alone are shown. What is not said again is kept.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::{ChannelsRow, Metadata, Name, UserId};
use egress::{Reach, Target};
use envelope::Purpose;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tables::{Item, Key, Swap, fingerprint};
use zeroize::Zeroizing;

use crate::ask::Ask;
use crate::event::Params;
use crate::plan::{Change, NewChannels, Shown};
use crate::refusal::{Refused, Why};
use crate::sso::Secret;

const WEBHOOKS_MAX: usize = 20;
const USERS_MAX: usize = 200;
const SECRET_MIN: usize = 16;
const SECRET_MAX: usize = 512;

/// The document as it is sealed: `approvals` opens it.
pub type Channels = domain::Channels<Secret>;
type Slack = domain::SlackChannel<Secret>;
type Hook = domain::Webhook<Secret>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[serde(default)]
    emails: Vec<String>,
    slack: Option<WantedSlack>,
    #[serde(default)]
    webhooks: BTreeMap<Name, WantedHook>,
    approvers_webhook: Option<Name>,
}

/// `host` and `signed` say as whoever reads was told: the same is meant.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WantedSlack {
    webhook_url: Option<Secret>,
    host: Option<String>,
    signing_secret: Option<Secret>,
    signed: Option<bool>,
    #[serde(default)]
    users: BTreeMap<String, UserId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WantedHook {
    url: Option<Secret>,
    host: Option<String>,
    secret: Option<Secret>,
}

pub fn needs(params: &Params, _: &Value) -> Vec<Key> {
    let rows = |tenant| [Key::channels(tenant), Key::root(tenant, Purpose::Action.as_str())];
    params.tenant.iter().flat_map(rows).collect()
}

pub fn schema() -> Value {
    let text = |what: &str| json!({"type": ["string", "null"], "description": what});
    let object = |properties: Value| json!({"type": "object", "additionalProperties": false, "properties": properties});
    let url = text("https; sealed, never shown: without one the address stays that is there");
    let host = text("as it was shown: the address that stays");
    let slack = json!({
        "webhook_url": url, "host": host,
        "signing_secret": text("of the application, for clicks; sealed, never shown; without one it stays"),
        "signed": {"type": ["boolean", "null"], "description": "false: clicks count no more"},
        "users": {"type": "object", "maxProperties": USERS_MAX, "additionalProperties": {"type": "string"},
            "description": "as whom a person of the workspace counts, such as {\"U024BE7LH\": \"usr_…\"}"},
    });
    let hook = json!({"url": url, "host": host,
        "secret": text("signs what is sent there (Standard Webhooks): whsec_ and base64, or 16 to 512 characters; sealed, never shown")});
    let mut slack = object(slack);
    if let Value::Object(fields) = &mut slack {
        fields.insert("type".to_owned(), json!(["object", "null"]));
    }
    object(json!({
        "emails": {"type": "array", "maxItems": Channels::EMAILS_MAX, "items": {"type": "string", "maxLength": 254}},
        "slack": slack,
        "webhooks": {"type": "object", "maxProperties": WEBHOOKS_MAX, "additionalProperties": object(hook)},
        "approvers_webhook": text("the one of `webhooks` by which people are told; the others are agents' callbacks"),
    }))
}

/// Everything but what lets somebody in.
fn view(version: u64, channels: &Channels, reach: Reach) -> Value {
    let slack = channels.slack.as_ref().map(|slack| {
        let host = host(&slack.webhook_url, reach);
        json!({"host": host, "signed": slack.signing_secret.is_some(), "users": slack.users})
    });
    let hook = |(name, hook): (&Name, &Hook)| (name.to_string(), json!({"host": host(&hook.url, reach)}));
    let webhooks: Map<_, _> = channels.webhooks.iter().map(hook).collect();
    json!({"version": version, "document": {"emails": channels.emails, "slack": slack, "webhooks": webhooks,
        "approvers_webhook": channels.approvers_webhook}})
}

fn host(url: &Secret, reach: Reach) -> Option<String> {
    Target::parse(url.expose(), reach).ok().map(|target| target.host())
}

fn place(ask: &Ask<'_>) -> Result<Key, Refused> {
    Ok(Key::channels(ask.params.tenant.as_ref().ok_or(Why::NotFound)?))
}

pub fn get(ask: &Ask<'_>) -> Result<Shown, Refused> {
    let (row, item): (ChannelsRow, &Item) = ask.must(&place(ask)?)?;
    let channels = ask.channels.ok_or(Why::FactsUnavailable)?;
    Ok(Shown { body: view(row.version, channels, ask.forms.reach), etag: Some(fingerprint(item)) })
}

pub fn put(ask: &Ask<'_>) -> Result<Change, Refused> {
    let key = place(ask)?;
    let item = ask.rows.get(&key);
    ask.unchanged(item)?;
    let version = ask.find::<ChannelsRow>(&key)?.map_or(0, |row| row.version).saturating_add(1);
    let new = checked(ask.body()?, ask.channels, ask.forms.reach)?;
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let users = new.slack.as_ref().map_or(0, |slack| slack.users.len());
    let metadata = Metadata::default()
        .count("version", version)
        .count("emails", count(new.emails.len()))
        .count("webhooks", count(new.webhooks.len()))
        .flag("slack", new.slack.is_some())
        .count("slack_users", count(users));
    let text = Zeroizing::new(serde_json::to_string(&new).map_err(|_| Why::DecisionFault)?);
    let tenant = ask.params.tenant.clone().ok_or(Why::NotFound)?;
    // The row is made once its text is sealed.
    let swap = Swap { key, old: item.cloned(), new: Item::new() };
    Ok(Change {
        channels: Some(NewChannels { tenant, version, text }),
        metadata,
        ..Change::of(vec![swap], "channels:tenant", view(version, &new, ask.forms.reach))
    })
}

/// What is wanted, with what is kept of what is there.
fn checked(wanted: Wanted, kept: Option<&Channels>, reach: Reach) -> Result<Channels, Refused> {
    sized(wanted.emails.len() <= Channels::EMAILS_MAX, "/emails", Channels::EMAILS_MAX)?;
    sized(wanted.webhooks.len() <= WEBHOOKS_MAX, "/webhooks", WEBHOOKS_MAX)?;
    for (n, email) in wanted.emails.iter().enumerate() {
        address(email, &format!("/emails/{n}"))?;
    }
    let kept_slack = kept.and_then(|kept| kept.slack.as_ref());
    let slack = wanted.slack.map(|slack| slack.checked(kept_slack, reach)).transpose()?;
    let mut webhooks = BTreeMap::new();
    for (name, hook) in wanted.webhooks {
        let at = format!("/webhooks/{}", name.as_str().replace('/', "~1"));
        let kept = kept.and_then(|kept| kept.webhooks.get(&name));
        webhooks.insert(name, hook.checked(kept, &at, reach)?);
    }
    if wanted.approvers_webhook.as_ref().is_some_and(|name| !webhooks.contains_key(name)) {
        return Err(Refused::at(Why::InvalidField, "/approvers_webhook", "one of `webhooks`"));
    }
    Ok(Channels { emails: wanted.emails, slack, webhooks, approvers_webhook: wanted.approvers_webhook })
}

fn sized(fits: bool, at: &str, most: usize) -> Result<(), Refused> {
    if fits { Ok(()) } else { Err(Refused::at(Why::InvalidField, at, format!("at most {most}"))) }
}

/// One plain address: SES takes lists and names too, which are none here.
fn address(text: &str, at: &str) -> Result<(), Refused> {
    let email = super::email(text, at)?;
    let plain = |byte: u8| byte.is_ascii_graphic() && !b",;:<>()[]\"\\".contains(&byte);
    let fits = email == text && text.bytes().all(plain) && text.matches('@').count() == 1;
    if fits {
        Ok(())
    } else {
        Err(Refused::at(Why::InvalidField, at, "an e-mail address such as a@acme.com"))
    }
}

impl WantedSlack {
    fn checked(self, kept: Option<&Slack>, reach: Reach) -> Result<Slack, Refused> {
        sized(self.users.len() <= USERS_MAX, "/slack/users", USERS_MAX)?;
        let formed = |id: &String| {
            let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
            (2..=32).contains(&id.len()) && id.bytes().all(plain)
        };
        if !self.users.keys().all(formed) {
            let hint = "ids of the workspace's people, such as U024BE7LH";
            return Err(Refused::at(Why::InvalidField, "/slack/users", hint));
        }
        let kept_url = kept.map(|kept| &kept.webhook_url);
        let webhook_url = reached(self.webhook_url, self.host, kept_url, "/slack/webhook_url", reach)?;
        let at = "/slack/signing_secret";
        let kept_secret = || kept.and_then(|kept| kept.signing_secret.clone());
        let signing_secret = match (self.signing_secret, self.signed) {
            (Some(secret), _) => Some(signs(secret, at)?),
            (None, Some(false)) => None,
            (None, Some(true)) => Some(
                kept_secret()
                    .ok_or_else(|| Refused::at(Why::InvalidField, at, "the application's: none is kept"))?,
            ),
            (None, None) => kept_secret(),
        };
        Ok(Slack { webhook_url, signing_secret, users: self.users })
    }
}

impl WantedHook {
    /// A key is for the address that it was given for: another could show to the first what was signed for it.
    fn checked(self, kept: Option<&Hook>, at: &str, reach: Reach) -> Result<Hook, Refused> {
        let url = reached(self.url, self.host, kept.map(|kept| &kept.url), &format!("{at}/url"), reach)?;
        let at = format!("{at}/secret");
        let secret = match (self.secret, kept.filter(|kept| kept.url.is(url.expose()))) {
            (Some(secret), _) => signs(secret, &at)?,
            (None, Some(kept)) => kept.secret.clone(),
            (None, None) => {
                let hint = "the key of this address: what another address had is void";
                return Err(Refused::at(Why::InvalidField, at, hint));
            }
        };
        Ok(Hook { url, secret })
    }
}

/// The address that is said, or else the one that is there, if it is the one that is meant.
fn reached(
    said: Option<Secret>,
    shown: Option<String>,
    kept: Option<&Secret>,
    at: &str,
    reach: Reach,
) -> Result<Secret, Refused> {
    let meant = |kept: &&Secret| shown.is_none() || shown == host(kept, reach);
    let Some(url) = said.or_else(|| kept.filter(meant).cloned()) else {
        return Err(Refused::at(Why::InvalidField, at, "the whole address: none is kept that is meant"));
    };
    let target = Target::parse(url.expose(), reach);
    let target = target.map_err(|fault| Refused::at(Why::InvalidField, at, fault))?;
    Ok(Secret::new(target.as_str()))
}

/// A key that is long enough to sign, as `approvals` reads it.
fn signs(secret: Secret, at: &str) -> Result<Secret, Refused> {
    let text = secret.expose();
    let long =
        (SECRET_MIN..=SECRET_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    let decoded = |text: &str| STANDARD.decode(text).is_ok_and(|key| key.len() >= SECRET_MIN);
    let fits = long && text.strip_prefix("whsec_").is_none_or(decoded);
    let hint = "whsec_ and at least 16 bytes in base64, or 16 to 512 characters";
    if fits { Ok(secret) } else { Err(Refused::at(Why::InvalidField, at, hint)) }
}
