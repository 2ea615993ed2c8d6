//! The file that `apply` takes: YAML, which JSON is a part of. What it does not say stays as it is; what it says and nobody knows
//! is refused, with the place.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Code, Lifecycle, Name, Network, OrgId, Place, ProviderKind, Region, TenantId, Zone};
use egress::{Reach, Target};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_path_to_error::Segment;

use super::model::{Offer, Provider};
use crate::limits::Set;

/// A file of a thousand tenants is far below.
pub const BYTES_MAX: u64 = 4 << 20;

/// Why a file is none of ours. The place is a JSON pointer; what stands there is not repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {what}", if at.is_empty() { "the file" } else { at })]
pub struct ManifestError {
    at: String,
    what: String,
}

fn wrong(at: impl Into<String>, what: impl ToString) -> ManifestError {
    ManifestError { at: at.into(), what: what.to_string() }
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The form of the file.
    v: First,
    pub org: Option<OrgId>,
    pub tenants: Vec<Tenant>,
}

/// The one form that there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct First;

impl<'de> Deserialize<'de> for First {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            1 => Ok(Self),
            _ => Err(D::Error::custom("expected 1, the one form of file that there is")),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tenant {
    /// Which one it is, for whoever may not list an organization's tenants.
    pub id: Option<TenantId>,
    pub name: Name,
    /// Of a new tenant, and checked of one that is there.
    pub region: Option<Region>,
    /// Of a new tenant alone: its limits are what counts later.
    pub budget_tokens: Option<u64>,
    pub status: Option<Lifecycle>,
    /// `null`: from anywhere.
    #[serde(default, deserialize_with = "said")]
    pub networks: Option<Option<BTreeSet<Network>>>,
    pub agents: Option<Vec<Agent>>,
    pub providers: Option<Vec<WantedProvider>>,
    pub dlp: Option<Value>,
    pub limits: Option<WantedLimits>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agent {
    pub name: Name,
    pub status: Option<Lifecycle>,
    /// `null`: in no team.
    #[serde(default, deserialize_with = "said")]
    pub team: Option<Option<Code>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WantedProvider {
    pub name: Name,
    kind: ProviderKind,
    base_url: String,
    api_version: Option<Code>,
    region: Region,
    region_source: String,
    models: Vec<WantedOffer>,
    /// The variable that holds its credential, for a new provider or another address.
    pub credential_env: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct WantedOffer {
    name: Name,
    upstream: Option<Name>,
    max_output_tokens: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WantedLimits {
    pub time_zone: Option<Zone>,
    /// Each as `countersign budgets set` takes it: `team/sales:usd:month=50.00`.
    #[serde(deserialize_with = "limits")]
    pub at_most: BTreeMap<Place, u64>,
}

/// A field that is there, `null` included.
fn said<'de, T: DeserializeOwned, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    serde_json::from_value(value).map(Some).map_err(|error| D::Error::custom(expected(&error.to_string())))
}

fn limits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<Place, u64>, D::Error> {
    let mut all = BTreeMap::new();
    for text in Vec::<String>::deserialize(deserializer)? {
        let Set(limit) = text.parse().map_err(D::Error::custom)?;
        if all.insert(limit.place, limit.most).is_some() {
            return Err(D::Error::custom("a place has one limit, and there is a second"));
        }
    }
    Ok(all)
}

impl WantedProvider {
    pub fn form(&self) -> Provider {
        let offer = |one: &WantedOffer| Offer {
            upstream: one.upstream.clone().unwrap_or_else(|| one.name.clone()),
            name: one.name.clone(),
            max_output_tokens: one.max_output_tokens,
        };
        Provider {
            kind: self.kind,
            base_url: self.base_url.clone(),
            api_version: self.api_version.clone(),
            region: self.region,
            region_source: self.region_source.clone(),
            models: self.models.iter().map(offer).collect(),
        }
    }
}

/// Reads a file.
///
/// # Errors
/// The place that is wrong, and what is expected there.
pub fn parse(text: &str, reach: Reach) -> Result<Manifest, ManifestError> {
    let value: Value = serde_saphyr::from_str(text).map_err(|error| match error.location() {
        Some(at) => wrong("", format!("no YAML at line {}, column {}", at.line(), at.column())),
        None => wrong("", "no YAML"),
    })?;
    let mut manifest: Manifest = serde_path_to_error::deserialize(value).map_err(|error| {
        let at: String = error.path().iter().map(pointed).collect();
        wrong(at, expected(&error.inner().to_string()))
    })?;
    check(&mut manifest, reach)?;
    Ok(manifest)
}

/// One step of a JSON pointer (RFC 6901).
fn pointed(part: &Segment) -> String {
    match part {
        Segment::Seq { index } => format!("/{index}"),
        other => format!("/{other}"),
    }
}

/// The part of a message that says what is expected: before it stands what was found, which can be a secret at the wrong place.
fn expected(message: &str) -> String {
    match message.find("expected ") {
        Some(at) if message.starts_with("unknown field") => {
            format!("there is no such field: {}", message.get(at..).unwrap_or_default())
        }
        Some(at) => message.get(at..).unwrap_or_default().to_owned(),
        None if message.starts_with("invalid ") || message.starts_with("unknown ") => {
            "another value".to_owned()
        }
        None => message.to_owned(),
    }
}

/// What types do not say: each name once, and addresses in their one spelling, as the API stores them.
fn check(manifest: &mut Manifest, reach: Reach) -> Result<(), ManifestError> {
    once("/tenants", manifest.tenants.iter().map(|one| &one.name))?;
    for (n, tenant) in manifest.tenants.iter_mut().enumerate() {
        let at = format!("/tenants/{n}");
        once(&format!("{at}/agents"), tenant.agents.iter().flatten().map(|one| &one.name))?;
        once(&format!("{at}/providers"), tenant.providers.iter().flatten().map(|one| &one.name))?;
        if tenant.dlp.as_ref().is_some_and(|dlp| !dlp.is_object()) {
            return Err(wrong(format!("{at}/dlp"), "expected a policy: an object"));
        }
        for (n, provider) in tenant.providers.iter_mut().flatten().enumerate() {
            let target = Target::parse(&provider.base_url, reach);
            let target = target.map_err(|error| wrong(format!("{at}/providers/{n}/base_url"), error))?;
            provider.base_url = target.as_str().to_owned();
        }
    }
    Ok(())
}

fn once<'a>(at: &str, names: impl Iterator<Item = &'a Name>) -> Result<(), ManifestError> {
    let mut seen = BTreeSet::new();
    for (n, name) in names.enumerate() {
        if !seen.insert(name) {
            return Err(wrong(format!("{at}/{n}/name"), format!("{name} stands there twice")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"
v: 1
tenants:
  - name: research
    region: eu
    budget_tokens: 1000000
    status: active
    networks: [203.0.113.0/24, "2001:db8::/32"]
    agents:
      - name: crawler
        team: sales
      - {name: clerk, status: suspended, team: null}
    providers:
      - name: main
        kind: openai
        base_url: https://api.openai.com/v1
        region: eu
        region_source: its terms, read on 2026-11-01
        models: [{name: gpt-4o-mini, max_output_tokens: 4096}]
        credential_env: OPENAI_KEY
    dlp: {v: 1, types: {"*": {action: redact}}}
    limits:
      time_zone: Asia/Jerusalem
      at_most: [tenant:tokens:day=1000000, team/sales:usd:month=50.00]
  - name: other
    networks: null
"#;

    fn read(text: &str) -> Result<Manifest, String> {
        parse(text, Reach::Public).map_err(|error| error.to_string())
    }

    #[test]
    fn a_whole_file_reads_and_what_is_null_is_said() {
        let manifest = read(WHOLE).unwrap();
        let [research, other] = manifest.tenants.as_slice() else { panic!() };
        assert_eq!(research.networks.as_ref().unwrap().as_ref().unwrap().len(), 2);
        let agents = research.agents.as_ref().unwrap();
        assert_eq!((agents[0].status, agents[1].team.clone()), (None, Some(None)));
        let limits = research.limits.as_ref().unwrap();
        assert_eq!(limits.at_most[&"team/sales:usd:month".parse().unwrap()], 50_000_000);
        assert_eq!(research.providers.as_ref().unwrap()[0].form().models[0].upstream.as_str(), "gpt-4o-mini");
        assert_eq!((&other.networks, &other.agents, &other.dlp), (&Some(None), &None, &None));
        // JSON is YAML.
        assert!(read(r#"{"v": 1, "tenants": [{"name": "a"}]}"#).is_ok());
    }

    #[test]
    fn what_is_wrong_is_named_by_its_place_and_not_repeated() {
        let replaced = |from: &str, to: &str| {
            assert!(WHOLE.contains(from), "{from}");
            read(&WHOLE.replacen(from, to, 1)).unwrap_err()
        };
        for (from, to, at) in [
            ("v: 1\ntenants", "v: 2\ntenants", "/v: expected 1"),
            ("    region: eu\n    budget", "    region: sk-secret\n    budget", "/tenants/0/region: "),
            ("budget_tokens: 1000000", "budget_tokens: -1", "/tenants/0/budget_tokens: expected u64"),
            ("    status: active", "    state: sk-secret", "/tenants/0/state: there is no such field"),
            (
                "credential_env: OPENAI_KEY",
                "credential: sk-secret",
                "/tenants/0/providers/0/credential: there is no such field",
            ),
            ("https://api.openai.com/v1", "http://sk-secret.example", "/tenants/0/providers/0/base_url: "),
            ("name: clerk", "name: crawler", "/tenants/0/agents/1/name: crawler stands there twice"),
            ("name: other", "name: research", "/tenants/1/name: research stands there twice"),
            ("tenant:tokens:day=1000000", "sk-secret", "/tenants/0/limits/at_most"),
            (
                "dlp: {v: 1, types: {\"*\": {action: redact}}}",
                "dlp: sk-secret",
                "/tenants/0/dlp: expected a policy",
            ),
            ("203.0.113.0/24", "sk-secret", "/tenants/0/networks"),
            ("v: 1\n", "v: [1\n", "the file: no YAML at line "),
            ("    status: active", "    status: active\n    status: active", "the file: no YAML"),
        ] {
            let said = replaced(from, to);
            assert!(said.contains(at), "{to}: {said}");
            assert!(!said.contains("secret"), "{said}");
        }
        assert!(read("").is_err() && read("v: 1").unwrap_err().contains("missing field `tenants`"));
    }
}
