//! The ID token (OpenID Connect Core section 3.1.3.7), and what a provider says of a person.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Timestamp;
use serde_json::Value;
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq as _;

use super::begin::Pending;
use super::claims::{Claims, texts};
use super::connection::Connection;
use super::jwks::{Alg, Jwks};
use super::jws::{TokenFault, Typ, Unverified};
use super::preset::{AbsentMfa, GroupsPreset, Restrict};
use super::secret::Secret;

/// Clocks of providers and ours may differ by so much, in seconds.
pub const SKEW_SECONDS: u64 = 60;
/// A token for a sign-in was made during it.
const AGE_SECONDS_MAX: u64 = 60 * 60;
const SUBJECT_BYTES_MAX: usize = 255;
const PERSONAL_BYTES_MAX: usize = 320;
const GROUPS_MAX: usize = 2_000;
const AMR_MAX: usize = 20;

/// Who signed in, as the provider says. `Debug` shows no personal value.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// Of the token; Google's older spelling is written as the newer one.
    pub issuer: String,
    /// Below the issuer, names the person for good: `sub`, with Entra `tid/oid`. Never an e-mail address.
    pub subject: String,
    /// What SCIM's `externalId` of this person is.
    pub external_id: String,
    pub email: Option<String>,
    pub email_verified: bool,
    pub name: Option<String>,
    pub groups: Groups,
    pub mfa: Mfa,
    /// In seconds since 1970.
    pub auth_time: Option<u64>,
    /// The session at the provider, which a logout token names.
    pub sid: Option<String>,
    pub amr: Vec<String>,
}

/// Groups of a person.
#[derive(Clone, PartialEq, Eq)]
pub enum Groups {
    Listed(Vec<String>),
    /// As many as the provider lists at most: each is true, others may be missing.
    Truncated(Vec<String>),
    /// Too many for the token, which points elsewhere.
    Overage,
    Absent,
}

impl Groups {
    pub fn listed(&self) -> &[String] {
        match self {
            Self::Listed(groups) | Self::Truncated(groups) => groups,
            Self::Overage | Self::Absent => &[],
        }
    }

    /// Whether a group that is not listed is one that the person is not in.
    pub const fn is_complete(&self) -> bool {
        matches!(self, Self::Listed(_) | Self::Absent)
    }
}

impl fmt::Debug for Groups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listed(groups) => write!(f, "Listed({})", groups.len()),
            Self::Truncated(groups) => write!(f, "Truncated({})", groups.len()),
            Self::Overage => f.write_str("Overage"),
            Self::Absent => f.write_str("Absent"),
        }
    }
}

/// Whether more than one factor was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mfa {
    Yes,
    No,
    /// The provider does not tell.
    Unknown,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("groups", &self.groups)
            .field("mfa", &self.mfa)
            .field("email_verified", &self.email_verified)
            .field("auth_time", &self.auth_time)
            .finish_non_exhaustive()
    }
}

/// Believes an ID token, when it is this connection's, of this sign-in and valid now.
///
/// # Errors
/// The first rule that the token breaks.
pub fn verify(
    token: &Secret,
    connection: &Connection,
    keys: &Jwks,
    pending: &Pending,
    access_token: Option<&Secret>,
    now: Timestamp,
) -> Result<Identity, TokenFault> {
    let unverified = Unverified::parse(token.expose(), Typ::Plain)?;
    let (claims, alg) = unverified.verify(keys)?;
    let issuer = check_issuer(&claims, connection)?;
    check_audience(&claims, connection.client_id())?;
    let issued = check_times(&claims, now)?;
    if seconds(now).saturating_sub(issued) > AGE_SECONDS_MAX + SKEW_SECONDS {
        return Err(TokenFault::Expired);
    }
    if !pending.nonce.is(claims.needed_text("nonce")?) {
        return Err(TokenFault::Nonce);
    }
    check_access_token(&claims, alg, access_token)?;
    check_sign_in_age(&claims, pending, now)?;
    check_restriction(&claims, connection)?;
    identity(&claims, connection, issuer)
}

pub(super) const fn seconds(at: Timestamp) -> u64 {
    at.unix_millis() / 1_000
}

/// The issuer configured, another spelling of it, or that of a tenant on the list.
pub(super) fn check_issuer(claims: &Claims, connection: &Connection) -> Result<String, TokenFault> {
    let iss = claims.needed_text("iss")?;
    if let Some(form) = connection.by_tenant() {
        let own = form.replace("{tenantid}", claims.needed_text("tid")?);
        return if iss == own { Ok(own) } else { Err(TokenFault::Issuer) };
    }
    let also = connection.preset().also_issued_as.iter().any(|other| other == iss);
    if iss == connection.issuer() || also {
        Ok(connection.issuer().to_owned())
    } else {
        Err(TokenFault::Issuer)
    }
}

/// `aud` holds the client; whose token it is when others are named too, `azp` says.
pub(super) fn check_audience(claims: &Claims, client_id: &str) -> Result<(), TokenFault> {
    let audiences = claims.texts("aud")?;
    if audiences.is_empty() {
        return Err(TokenFault::Missing("aud"));
    }
    if !audiences.contains(&client_id) {
        return Err(TokenFault::Audience);
    }
    match claims.text("azp")? {
        None if audiences.len() > 1 => Err(TokenFault::AuthorizedParty),
        Some(azp) if azp != client_id => Err(TokenFault::AuthorizedParty),
        _ => Ok(()),
    }
}

/// `exp` and `iat` must stand there, `nbf` may. Returns `iat`.
pub(super) fn check_times(claims: &Claims, now: Timestamp) -> Result<u64, TokenFault> {
    let now = seconds(now);
    let (expires, issued) = (claims.needed_seconds("exp")?, claims.needed_seconds("iat")?);
    let from = claims.seconds("nbf")?.unwrap_or(issued).max(issued);
    if expires.saturating_add(SKEW_SECONDS) <= now || expires <= issued {
        return Err(TokenFault::Expired);
    }
    if from > now + SKEW_SECONDS { Err(TokenFault::NotYet) } else { Ok(issued) }
}

/// OpenID Connect Core section 3.1.3.6: the left half of the access token's hash.
fn check_access_token(claims: &Claims, alg: Alg, access_token: Option<&Secret>) -> Result<(), TokenFault> {
    let (Some(at_hash), Some(token)) = (claims.text("at_hash")?, access_token) else { return Ok(()) };
    let hash = match alg {
        Alg::Rs256 | Alg::Ps256 | Alg::Es256 => Sha256::digest(token.expose()).to_vec(),
        Alg::Es384 => Sha384::digest(token.expose()).to_vec(),
        Alg::EdDsa => Sha512::digest(token.expose()).to_vec(),
    };
    let half = URL_SAFE_NO_PAD.encode(hash.get(..hash.len() / 2).unwrap_or_default());
    let same: bool = half.as_bytes().ct_eq(at_hash.as_bytes()).into();
    if same { Ok(()) } else { Err(TokenFault::AccessToken) }
}

fn check_sign_in_age(claims: &Claims, pending: &Pending, now: Timestamp) -> Result<(), TokenFault> {
    let Some(max_age) = pending.max_age else { return Ok(()) };
    let at = claims.needed_seconds("auth_time")?;
    // Counted from when it was asked for: 0 means a sign-in made since.
    let oldest = seconds(pending.created_at).saturating_sub(u64::from(max_age) + SKEW_SECONDS);
    let future = at > seconds(now) + SKEW_SECONDS;
    if at < oldest || future { Err(TokenFault::StaleSignIn) } else { Ok(()) }
}

fn check_restriction(claims: &Claims, connection: &Connection) -> Result<(), TokenFault> {
    let form = connection.form();
    match connection.preset().restrict {
        Restrict::None => Ok(()),
        Restrict::HostedDomain => match (claims.text("hd")?, form.hosted_domain.as_deref()) {
            (Some(hd), Some(own)) if hd.eq_ignore_ascii_case(own) => Ok(()),
            _ => Err(TokenFault::HostedDomain),
        },
        Restrict::Tenants => check_tenant(claims, connection),
    }
}

fn check_tenant(claims: &Claims, connection: &Connection) -> Result<(), TokenFault> {
    let (form, preset) = (connection.form(), connection.preset());
    let tid = claims.needed_text("tid")?;
    let is = |one: &String| one == tid;
    let listed = match connection.own_tenant() {
        Some(own) => own == tid,
        None => form.tenants.iter().any(is),
    };
    if !listed || preset.refused_tenants.iter().any(is) {
        return Err(TokenFault::Tenant);
    }
    let guest = preset.guest.as_ref().is_some_and(|guest| marks(claims.get(&guest.claim), guest.value));
    if guest && !form.guests { Err(TokenFault::Guest) } else { Ok(()) }
}

fn marks(value: Option<&Value>, wanted: u64) -> bool {
    match value {
        Some(Value::String(text)) => text.parse() == Ok(wanted),
        Some(other) => other.as_u64() == Some(wanted),
        None => false,
    }
}

fn identity(claims: &Claims, connection: &Connection, issuer: String) -> Result<Identity, TokenFault> {
    let preset = connection.preset();
    // OpenID Connect Core section 2, whatever else names the person.
    claims.needed_text("sub")?;
    let parts = preset.identity.iter().map(|claim| part(claims, claim));
    let subject = parts.collect::<Result<Vec<_>, _>>()?.join("/");
    let amr = claims.texts("amr")?.into_iter().take(AMR_MAX).map(str::to_owned).collect();
    Ok(Identity {
        issuer,
        subject,
        external_id: part(claims, &preset.external_id)?.to_owned(),
        email: personal(claims, "email"),
        email_verified: claims.is_true(&preset.email_verified, preset.text_booleans),
        name: personal(claims, "name"),
        groups: groups(claims, connection)?,
        mfa: mfa(claims, connection)?,
        auth_time: claims.seconds("auth_time")?,
        sid: sid(claims)?,
        amr,
    })
}

/// A name that is no longer than one that a logout could give.
fn sid(claims: &Claims) -> Result<Option<String>, TokenFault> {
    let named = claims.text("sid")?.filter(|sid| (1..=SUBJECT_BYTES_MAX).contains(&sid.len()));
    Ok(named.map(str::to_owned))
}

/// A claim that names a person: 1 to 255 printable characters of ASCII (OpenID Connect Core section 2).
fn part<'c>(claims: &'c Claims, name: &str) -> Result<&'c str, TokenFault> {
    let text = claims.get(name).and_then(Value::as_str).ok_or(TokenFault::Missing("subject"))?;
    let sound =
        (1..=SUBJECT_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| (32..127).contains(&byte));
    if sound { Ok(text) } else { Err(TokenFault::Shape("subject")) }
}

/// For people to read: left out when it is no text or longer than an address can be.
fn personal(claims: &Claims, name: &str) -> Option<String> {
    let text = claims.get(name)?.as_str()?;
    let shown = !text.is_empty() && text.len() <= PERSONAL_BYTES_MAX && !text.chars().any(char::is_control);
    shown.then(|| text.to_owned())
}

/// Elsewhere, if `hasgroups` is true or `_claim_names` (OpenID Connect Core section 5.6.2) has the claim.
fn groups(claims: &Claims, connection: &Connection) -> Result<Groups, TokenFault> {
    let Some((claim, delimiter)) = connection.groups_claim() else { return Ok(Groups::Absent) };
    let preset = connection.preset().groups.as_ref();
    // A bare mark is about the provider's own claim: app roles, say, are all there whatever it says.
    let elsewhere = |preset: &GroupsPreset| {
        preset.overage.iter().any(|mark| match claims.get(mark) {
            Some(Value::Object(names)) => names.contains_key(claim),
            _ => preset.claim == claim && claims.is_true(mark, true),
        })
    };
    if preset.is_some_and(elsewhere) {
        return Ok(Groups::Overage);
    }
    let Some(value) = claims.get(claim) else { return Ok(Groups::Absent) };
    let listed = split(value, delimiter).ok_or(TokenFault::Shape("groups"))?;
    if listed.len() > GROUPS_MAX {
        return Err(TokenFault::Shape("groups"));
    }
    let limit = preset.and_then(|preset| preset.limit);
    let cut = limit.is_some_and(|limit| listed.len() >= limit);
    Ok(if cut { Groups::Truncated(listed) } else { Groups::Listed(listed) })
}

fn split(value: &Value, delimiter: Option<char>) -> Option<Vec<String>> {
    let whole = texts(Some(value))?;
    let pieces = |text: &str| match (value, delimiter) {
        (Value::String(_), Some(delimiter)) => {
            text.split(delimiter).map(|group| group.trim().to_owned()).collect()
        }
        _ => vec![text.to_owned()],
    };
    Some(whole.into_iter().flat_map(pieces).filter(|group| !group.is_empty()).collect())
}

fn mfa(claims: &Claims, connection: &Connection) -> Result<Mfa, TokenFault> {
    let (preset, own) = (&connection.preset().mfa, &connection.form().mfa_acr);
    if !connection.tells_mfa() {
        return Ok(Mfa::Unknown);
    }
    let (amr, mut acr) = (claims.texts("amr")?, claims.texts("acr")?);
    // Entra's authentication contexts.
    acr.extend(claims.texts("acrs")?);
    let among =
        |said: &[&str], known: &[String]| said.iter().any(|one| known.iter().any(|known| known == one));
    let told = !(preset.amr.is_empty() || amr.is_empty())
        || !(preset.acr.is_empty() && own.is_empty() || acr.is_empty());
    Ok(match preset.absent {
        _ if among(&amr, &preset.amr) || among(&acr, &preset.acr) || among(&acr, own) => Mfa::Yes,
        _ if told => Mfa::No,
        // The connection names what a second factor looks like: whoever does not show it has shown none.
        _ if !own.is_empty() => Mfa::No,
        AbsentMfa::No => Mfa::No,
        AbsentMfa::Unknown => Mfa::Unknown,
    })
}

#[cfg(test)]
mod tests;
