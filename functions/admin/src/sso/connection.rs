//! How an organization signs in: one configured identity provider, checked before it is stored and when it is read.

use domain::{ConnectionId, GroupRole, OrgId};
use egress::{Reach, Target, TargetError};
use serde::{Deserialize, Serialize};

use super::preset::{Idp, Preset, Presets, Restrict, is_guid};

const CLIENT_ID_BYTES_MAX: usize = 256;
const NAME_BYTES_MAX: usize = 256;
const TENANTS_MAX: usize = 100;
const GROUP_ROLES_MAX: usize = 1_000;
const ACR_MAX: usize = 20;

/// What an administrator writes, and what is stored. The client's secret is no part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionForm {
    pub id: ConnectionId,
    pub org: OrgId,
    pub idp: Idp,
    /// Exactly as the provider spells it.
    pub issuer: String,
    pub client_id: String,
    /// Entra: the tenants let in, as GUIDs. With an issuer of one tenant it may be left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<String>,
    /// Entra: whether guests of the tenant are let in.
    #[serde(default)]
    pub guests: bool,
    /// Google: the domain of the organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hosted_domain: Option<String>,
    /// Where this customer's groups stand, when not where the preset says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups_claim: Option<GroupsClaim>,
    /// Whether a person who never was here is created at the first sign-in.
    #[serde(default)]
    pub jit: bool,
    /// Whether every sign-in must have had more than one factor.
    #[serde(default)]
    pub require_mfa: bool,
    /// Values of `acr` that mean it at this customer, beside the preset's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mfa_acr: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub group_roles: Vec<GroupRole>,
    /// How long a session lasts at most, however much it is used: then its owner must come by the provider again.
    #[serde(default, skip_serializing_if = "SessionMinutes::is_longest")]
    pub session_minutes: SessionMinutes,
}

/// The longest life of a session, in minutes: 15 to 720.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u16")]
pub struct SessionMinutes(u16);

impl SessionMinutes {
    pub const LEAST: u16 = 15;
    /// 12 hours.
    pub const MOST: u16 = 720;

    pub const fn millis(self) -> u64 {
        self.0 as u64 * 60_000
    }

    const fn is_longest(&self) -> bool {
        self.0 == Self::MOST
    }
}

impl Default for SessionMinutes {
    fn default() -> Self {
        Self(Self::MOST)
    }
}

/// How long sessions of a stored connection last at most.
///
/// # Errors
/// The document does not read.
pub fn session_minutes(document: &str) -> Result<SessionMinutes, serde_json::Error> {
    #[derive(Deserialize)]
    struct Life {
        #[serde(default)]
        session_minutes: SessionMinutes,
    }
    serde_json::from_str::<Life>(document).map(|life| life.session_minutes)
}

/// Why a number of minutes is none that a session may last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a whole number from 15 to 720")]
pub struct MinutesError;

impl TryFrom<u16> for SessionMinutes {
    type Error = MinutesError;

    fn try_from(minutes: u16) -> Result<Self, MinutesError> {
        let sound = (Self::LEAST..=Self::MOST).contains(&minutes);
        if sound { Ok(Self(minutes)) } else { Err(MinutesError) }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupsClaim {
    pub claim: String,
    /// What separates groups that stand in one text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
}

/// A connection that can be used: its form is valid under its preset.
#[derive(Debug, Clone)]
pub struct Connection {
    form: ConnectionForm,
    preset: Preset,
}

/// Why a connection is not taken, and what to do. For the administrator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionError {
    #[error("issuer: {0}")]
    IssuerAddress(TargetError),
    #[error("issuer: not of this provider; give {0}")]
    IssuerForm(String),
    #[error("client_id: give the id that the provider issued, 1 to 256 printable characters")]
    ClientId,
    #[error("tenants: list the directory (tenant) ids that may sign in; with `organizations` at least one")]
    TenantsMissing,
    #[error("tenants: each is a GUID in lower case, at most 100 of them, and the issuer's own is among them")]
    Tenants,
    #[error("tenants: the directory of personal Microsoft accounts cannot be let in")]
    ConsumerTenant,
    #[error("tenants and guests: only Entra ID has them")]
    NoTenants,
    #[error("hosted_domain: give the primary domain of the Google Workspace, in lower case")]
    HostedDomain,
    #[error("hosted_domain: only Google Workspace has it")]
    NoHostedDomain,
    #[error(
        "groups_claim: the claim's name has 1 to 256 printable characters, the delimiter is no letter or digit"
    )]
    GroupsClaim,
    #[error(
        "group_roles: at most 1000, each group with 1 to 256 characters, none twice with the same tenant and role"
    )]
    GroupRoles,
    #[error(
        "require_mfa: this provider's tokens do not tell by themselves; name in mfa_acr the values of `acr` that mean it, of Entra ID an authentication context such as c1"
    )]
    MfaUntold,
    #[error("mfa_acr: at most 20 values of 1 to 256 printable characters")]
    MfaAcr,
    #[error("idp: there is no preset of this provider")]
    Preset,
}

impl Connection {
    /// Checks a form. `reach` is the stage's: plain HTTP is for loopback addresses on the local stage.
    ///
    /// # Errors
    /// The first rule that the form breaks.
    pub fn new(form: ConnectionForm, presets: &Presets, reach: Reach) -> Result<Self, ConnectionError> {
        let preset = presets.get(form.idp).ok_or(ConnectionError::Preset)?.clone();
        Target::parse(&form.issuer, reach).map_err(ConnectionError::IssuerAddress)?;
        if !preset.takes(&form.issuer) {
            return Err(ConnectionError::IssuerForm(preset.issuer_help));
        }
        let fault = [
            (!is_printable(&form.client_id, CLIENT_ID_BYTES_MAX), ConnectionError::ClientId),
            (!mfa_acr_holds(&form), ConnectionError::MfaAcr),
            (
                form.require_mfa && form.mfa_acr.is_empty() && !preset.mfa.always_tells(),
                ConnectionError::MfaUntold,
            ),
        ];
        if let Some((_, fault)) = fault.into_iter().find(|(broken, _)| *broken) {
            return Err(fault);
        }
        check_restriction(&form, &preset)?;
        check_groups(&form)?;
        Ok(Self { form, preset })
    }

    pub const fn form(&self) -> &ConnectionForm {
        &self.form
    }

    pub const fn preset(&self) -> &Preset {
        &self.preset
    }

    pub const fn id(&self) -> &ConnectionId {
        &self.form.id
    }

    pub fn issuer(&self) -> &str {
        &self.form.issuer
    }

    pub fn client_id(&self) -> &str {
        &self.form.client_id
    }

    /// The issuer that one tenant's tokens have, when the configured one serves many.
    pub fn by_tenant(&self) -> Option<&str> {
        let here = |form: &&String| {
            form.split_once("{tenantid}").is_some_and(|(at, _)| self.issuer().starts_with(at))
        };
        self.preset.by_tenant.iter().find(here).map(String::as_str).filter(|_| self.own_tenant().is_none())
    }

    /// Whether what names itself so is this connection's provider: its issuer, or that of a tenant on the list.
    pub fn is_issuer(&self, iss: &str) -> bool {
        let one_of_many = || {
            let (before, after) = self.by_tenant()?.split_once("{tenantid}")?;
            let tenant = iss.strip_prefix(before)?.strip_suffix(after)?;
            Some(self.form.tenants.iter().any(|one| one == tenant))
        };
        iss == self.issuer() || one_of_many() == Some(true)
    }

    /// Entra: the tenant that the issuer names.
    pub fn own_tenant(&self) -> Option<&str> {
        own_tenant(&self.form, &self.preset)
    }

    /// The claim that groups stand in, and what separates them within one text.
    pub fn groups_claim(&self) -> Option<(&str, Option<char>)> {
        let own = self.form.groups_claim.as_ref().map(|own| (own.claim.as_str(), own.delimiter));
        own.or_else(|| self.preset.groups.as_ref().map(|groups| (groups.claim.as_str(), groups.delimiter)))
    }

    /// Whether a token of this connection can say that MFA was asked for.
    pub fn tells_mfa(&self) -> bool {
        self.preset.mfa.tells() || !self.form.mfa_acr.is_empty()
    }
}

fn is_printable(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
}

fn mfa_acr_holds(form: &ConnectionForm) -> bool {
    form.mfa_acr.len() <= ACR_MAX && form.mfa_acr.iter().all(|acr| is_printable(acr, NAME_BYTES_MAX))
}

fn own_tenant<'f>(form: &'f ConnectionForm, preset: &Preset) -> Option<&'f str> {
    let tenant = |by: &String| {
        let (before, after) = by.split_once("{tenantid}")?;
        form.issuer.strip_prefix(before)?.strip_suffix(after).filter(|tenant| is_guid(tenant))
    };
    preset.by_tenant.iter().find_map(tenant)
}

fn check_restriction(form: &ConnectionForm, preset: &Preset) -> Result<(), ConnectionError> {
    if preset.restrict != Restrict::Tenants && (!form.tenants.is_empty() || form.guests) {
        return Err(ConnectionError::NoTenants);
    }
    if preset.restrict != Restrict::HostedDomain && form.hosted_domain.is_some() {
        return Err(ConnectionError::NoHostedDomain);
    }
    match preset.restrict {
        Restrict::None => Ok(()),
        Restrict::Tenants => check_tenants(form, preset),
        Restrict::HostedDomain if form.hosted_domain.as_deref().is_some_and(is_domain) => Ok(()),
        Restrict::HostedDomain => Err(ConnectionError::HostedDomain),
    }
}

fn check_tenants(form: &ConnectionForm, preset: &Preset) -> Result<(), ConnectionError> {
    let own = own_tenant(form, preset);
    let refused = |tenant: &str| preset.refused_tenants.iter().any(|one| one == tenant);
    if form.tenants.iter().map(String::as_str).chain(own).any(refused) {
        return Err(ConnectionError::ConsumerTenant);
    }
    let sound = form.tenants.len() <= TENANTS_MAX && form.tenants.iter().all(|tenant| is_guid(tenant));
    let own_listed =
        own.is_none_or(|own| form.tenants.is_empty() || form.tenants.iter().any(|one| one == own));
    match (own, sound && own_listed) {
        (_, false) => Err(ConnectionError::Tenants),
        (None, true) if form.tenants.is_empty() => Err(ConnectionError::TenantsMissing),
        (_, true) => Ok(()),
    }
}

fn is_domain(text: &str) -> bool {
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    let ends = |end: char| text.starts_with(end) || text.ends_with(end);
    text.len() <= NAME_BYTES_MAX
        && text.contains('.')
        && text.bytes().all(allowed)
        && !ends('.')
        && !ends('-')
}

/// Where a provider's tokens list no groups, its directory tells of them.
fn check_groups(form: &ConnectionForm) -> Result<(), ConnectionError> {
    let sound = |own: &GroupsClaim| {
        is_printable(&own.claim, NAME_BYTES_MAX) && !own.delimiter.is_some_and(char::is_alphanumeric)
    };
    if !form.groups_claim.as_ref().is_none_or(sound) {
        return Err(ConnectionError::GroupsClaim);
    }
    let named = |row: &GroupRole| (1..=NAME_BYTES_MAX).contains(&row.group.len());
    let mut rows: Vec<_> = form.group_roles.iter().map(|row| (&row.group, &row.grant)).collect();
    rows.sort_unstable();
    rows.dedup();
    let ok = form.group_roles.len() <= GROUP_ROLES_MAX
        && form.group_roles.iter().all(named)
        && rows.len() == form.group_roles.len();
    if ok { Ok(()) } else { Err(ConnectionError::GroupRoles) }
}

#[cfg(test)]
mod tests;
