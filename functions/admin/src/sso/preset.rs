//! What is known of each identity provider: `data/idps.toml`, read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The providers that have a preset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Idp {
    Okta,
    Entra,
    Google,
    OneLogin,
    Ping,
    Auth0,
    JumpCloud,
    /// Any other issuer with discovery.
    Custom,
}

impl Idp {
    pub const ALL: [Self; 8] = [
        Self::Okta,
        Self::Entra,
        Self::Google,
        Self::OneLogin,
        Self::Ping,
        Self::Auth0,
        Self::JumpCloud,
        Self::Custom,
    ];
}

/// One provider. The fields are explained at the head of the data file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    pub name: Idp,
    /// For people.
    pub title: String,
    pub source: Vec<String>,
    pub unverified: Option<String>,
    issuers: Vec<String>,
    pub issuer_help: String,
    #[serde(default)]
    pub also_issued_as: Vec<String>,
    #[serde(default)]
    pub by_tenant: Vec<String>,
    pub identity: Vec<String>,
    pub external_id: String,
    pub scopes: Vec<String>,
    pub groups: Option<GroupsPreset>,
    pub email_verified: String,
    #[serde(default)]
    pub text_booleans: bool,
    #[serde(default)]
    pub restrict: Restrict,
    #[serde(default)]
    pub refused_tenants: Vec<String>,
    pub guest: Option<Guest>,
    pub mfa: MfaPreset,
    pub logout: LogoutSupport,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupsPreset {
    pub claim: String,
    pub delimiter: Option<char>,
    pub limit: Option<usize>,
    #[serde(default)]
    pub overage: Vec<String>,
    pub lookup: Option<Lookup>,
}

/// Where groups are asked for that were too many for a token.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// Hosts of the API, by the host of the issuer.
    pub hosts: BTreeMap<String, String>,
    pub path: String,
}

/// What a connection must name beside the issuer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Restrict {
    #[default]
    None,
    Tenants,
    HostedDomain,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guest {
    pub claim: String,
    pub value: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MfaPreset {
    #[serde(default)]
    pub amr: Vec<String>,
    #[serde(default)]
    pub acr: Vec<String>,
    pub absent: AbsentMfa,
    pub ask: Option<String>,
    #[serde(default)]
    pub by_context: bool,
}

impl MfaPreset {
    /// Whether a token of this provider can say that MFA was asked for.
    pub fn tells(&self) -> bool {
        !(self.amr.is_empty() && self.acr.is_empty())
    }

    /// Whether it can be relied on to say so, whatever the customer configured there.
    pub fn always_tells(&self) -> bool {
        self.tells() && !self.by_context
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AbsentMfa {
    No,
    Unknown,
}

/// How the end of a session at the provider is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogoutSupport {
    /// OpenID Connect Back-Channel Logout 1.0.
    BackChannel,
    /// The same, where the discovery document says so.
    ByDiscovery,
    /// OpenID Connect Front-Channel Logout 1.0: through the browser.
    FrontChannel,
    /// Okta's Universal Logout, which is no logout token.
    GlobalTokenRevocation,
    None,
}

/// All presets.
#[derive(Debug, Clone)]
pub struct Presets(Vec<Preset>);

/// The data file does not parse, or misses a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the presets of identity providers are not valid")]
pub struct PresetsError;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    idp: Vec<Preset>,
}

impl Presets {
    /// The presets that this version was reviewed with.
    ///
    /// # Errors
    /// Never for a tested build; the caller refuses to start.
    pub fn builtin() -> Result<Self, PresetsError> {
        Self::parse(include_str!("../../data/idps.toml"))
    }

    /// # Errors
    /// Not TOML of the right shape, or a provider that stands there not exactly once.
    pub fn parse(text: &str) -> Result<Self, PresetsError> {
        let File { idp } = toml::from_str(text).map_err(|_| PresetsError)?;
        let once = |name: Idp| idp.iter().filter(|one| one.name == name).count() == 1;
        if Idp::ALL.into_iter().all(once) { Ok(Self(idp)) } else { Err(PresetsError) }
    }

    pub fn get(&self, name: Idp) -> Option<&Preset> {
        self.0.iter().find(|one| one.name == name)
    }
}

impl Preset {
    /// Whether an issuer has one of the forms that this provider's have.
    pub fn takes(&self, issuer: &str) -> bool {
        self.issuers.iter().any(|form| fits(form, issuer))
    }

    /// The scopes in one text.
    pub fn scope(&self) -> String {
        self.scopes.join(" ")
    }
}

fn fits(form: &str, text: &str) -> bool {
    match form.split_once("{any}") {
        Some((before, _)) => text.strip_prefix(before).is_some_and(|rest| !rest.is_empty()),
        None => {
            let (forms, texts) = (form.split('/'), text.split('/'));
            forms.clone().count() == texts.clone().count() && forms.zip(texts).all(|(a, b)| piece_fits(a, b))
        }
    }
}

/// One piece between slashes: with at most one variable in it.
fn piece_fits(form: &str, text: &str) -> bool {
    let Some((before, rest)) = form.split_once('{') else { return form == text };
    let Some((variable, after)) = rest.split_once('}') else { return false };
    let value = text.strip_prefix(before).and_then(|text| text.strip_suffix(after));
    value.is_some_and(|value| !value.is_empty() && value_fits(variable, value))
}

fn value_fits(variable: &str, value: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    match variable {
        // Whether it is a host that may be called, `egress` says.
        "host" => value.contains('.') && value.bytes().all(|byte| word(byte) || byte == b'.'),
        "name" | "segment" => value.bytes().all(word),
        "guid" => is_guid(value),
        _ => false,
    }
}

/// A GUID in lower case with its four hyphens.
pub fn is_guid(text: &str) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    let parts: Vec<&str> = text.split('-').collect();
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    parts.len() == lengths.len()
        && parts.iter().zip(lengths).all(|(part, length)| part.len() == length && part.bytes().all(hex))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuers_have_the_forms_of_their_provider() {
        let presets = Presets::builtin().unwrap();
        let tid = "8a1c0f52-2b7e-4d0e-9f6a-3f0c6c1d2e4b";
        for (idp, issuer, taken) in [
            (Idp::Okta, "https://acme.okta.com", true),
            (Idp::Okta, "https://login.acme.test", true),
            (Idp::Okta, "https://acme.okta.com/oauth2/default", true),
            (Idp::Okta, "https://acme.okta.com/", false),
            (Idp::Okta, "https://acme.okta.com/oauth2/", false),
            (Idp::Okta, "https://acme.okta.com/oauth2/a/b", false),
            (Idp::Okta, "http://acme.okta.com", false),
            (Idp::Entra, &format!("https://login.microsoftonline.com/{tid}/v2.0"), true),
            (Idp::Entra, &format!("https://login.microsoftonline.com/{}/v2.0", tid.to_uppercase()), false),
            (Idp::Entra, "https://login.microsoftonline.com/organizations/v2.0", true),
            (Idp::Entra, "https://login.microsoftonline.com/common/v2.0", false),
            (Idp::Entra, &format!("https://login.microsoftonline.us/{tid}/v2.0"), true),
            (Idp::Entra, &format!("https://login.partner.microsoftonline.cn/{tid}/v2.0"), true),
            (Idp::Entra, "https://login.microsoftonline.us/organizations/v2.0", false),
            (Idp::Entra, &format!("https://sts.windows.net/{tid}/"), false),
            (Idp::Google, "https://accounts.google.com", true),
            (Idp::Google, "accounts.google.com", false),
            (Idp::Google, "https://accounts.google.com.evil.test", false),
            (Idp::OneLogin, "https://acme.onelogin.com/oidc/2", true),
            (Idp::OneLogin, "https://acme.evil.onelogin.com/oidc/2", false),
            (Idp::OneLogin, "https://acme.onelogin.com.evil.test/oidc/2", false),
            (Idp::OneLogin, "https://evil.test/.onelogin.com/oidc/2", false),
            (Idp::Ping, &format!("https://auth.pingone.eu/{tid}/as"), true),
            (Idp::Ping, "https://sso.acme.test:9031", true),
            (Idp::Auth0, "https://acme.eu.auth0.com/", true),
            (Idp::Auth0, "https://acme.eu.auth0.com", false),
            (Idp::JumpCloud, "https://oauth.id.jumpcloud.com/", true),
            (Idp::JumpCloud, "https://oauth.id.jumpcloud.com", false),
            (Idp::Custom, "https://idp.acme.test/realms/a", true),
            (Idp::Custom, "https://", false),
            (Idp::Custom, "ftp://idp.acme.test", false),
        ] {
            assert_eq!(presets.get(idp).unwrap().takes(issuer), taken, "{idp:?} {issuer}");
        }
    }

    #[test]
    fn every_preset_names_its_sources_and_asks_for_an_id_token() {
        let presets = Presets::builtin().unwrap();
        for preset in Idp::ALL.map(|idp| presets.get(idp).unwrap()) {
            assert!(preset.source.iter().all(|source| source.starts_with("https://")), "{preset:?}");
            assert!(!preset.source.is_empty() && preset.scopes[0] == "openid", "{preset:?}");
        }
    }

    #[test]
    fn a_file_that_misses_a_provider_is_refused() {
        let text = include_str!("../../data/idps.toml");
        assert!(Presets::parse(&text.replace("name = \"ping\"", "name = \"okta\"")).is_err());
        assert!(Presets::parse(&text.replace("logout = \"none\"", "logout = \"maybe\"")).is_err());
        assert!(Presets::parse(&text.replace("title = ", "titel = ")).is_err());
    }
}
