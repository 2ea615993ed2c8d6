//! Who pushes: a connection's directory, by a token of its own or by an access token that was given for one.

use std::collections::BTreeSet;

use domain::{
    Code, ConnectionId, ConnectionRow, GroupRole, Lifecycle, Opaque, Org, OrgId, Region, Role, ScimAccessRow,
    ScimToken, ScimTokenId, ScimTokenRow, TenantId, Timestamp,
};
use serde::Deserialize;
use tables::codec::Row as _;
use tables::directory::{access, mapping_digest};
use tables::{Item, Key};

use crate::Rows;

/// A directory that is known, and may push.
#[derive(Debug, Clone)]
pub struct Directory {
    pub org: OrgId,
    pub connection: ConnectionId,
    /// By which token, if it pushes: an access token counts as the one behind it.
    pub token: Option<ScimTokenId>,
    issuer: String,
    tenants: Vec<String>,
    group_roles: Vec<GroupRole>,
}

/// What is read of a connection's document: the rest is sign-in's affair.
#[derive(Deserialize)]
struct Form {
    issuer: String,
    #[serde(default)]
    tenants: Vec<String>,
    #[serde(default)]
    group_roles: Vec<GroupRole>,
}

/// Hosts of Entra ID's issuers: the public cloud, the US government's, China's.
const ENTRA: [&str; 3] =
    ["login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn"];

/// Why nobody pushes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// No token of ours, of another region, or one whose secret is another: nobody is blamed.
    Stranger,
    /// The tables did not answer, or a row does not read.
    Unread,
}

/// Somebody whose secret verified, whatever else: refusals of theirs are recorded.
#[derive(Debug, Clone)]
pub struct Known {
    pub org: OrgId,
    pub connection: ConnectionId,
    /// None of one that is asked.
    pub token: Option<ScimTokenId>,
}

/// Why a known directory may not push. For its log, and for its administrator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotNow {
    Revoked,
    Expired,
    ConnectionInactive,
    OrgInactive,
    OtherConnection,
}

impl NotNow {
    pub const fn code(self) -> &'static str {
        match self {
            Self::Revoked => "scim.token_revoked",
            Self::Expired => "scim.token_expired",
            Self::ConnectionInactive => "scim.connection_inactive",
            Self::OrgInactive => "scim.org_inactive",
            Self::OtherConnection => "scim.other_connection",
        }
    }

    pub fn reason(self) -> Code {
        Code::literal(self.code())
    }

    pub const fn detail(self) -> &'static str {
        match self {
            Self::Revoked => "the token was revoked: make another one",
            Self::Expired => "the token has expired: make another one",
            Self::ConnectionInactive => {
                "the connection is suspended: let an administrator of Countersign resume it"
            }
            Self::OrgInactive => "the organization is suspended: ask whoever runs Countersign",
            Self::OtherConnection => {
                "the token is another connection's: use the address that was shown with it"
            }
        }
    }
}

/// The rows by which a token is known. One of the first two is there.
pub fn keys(token: &ScimToken) -> Vec<Key> {
    let connection = token.connection();
    vec![Key::scim_token(connection, token.id()), access(connection, token.id()), Key::connection(connection)]
}

/// The token behind an access token, if it is one.
///
/// # Errors
/// Nobody is known by it.
pub fn via(token: &ScimToken, rows: &Rows) -> Result<Option<ScimAccessRow>, Unknown> {
    let Some(item) = rows.get(&access(token.connection(), token.id())) else { return Ok(None) };
    let row = ScimAccessRow::from_item(item).map_err(|_| Unknown::Unread)?;
    let same = row.id == *token.id() && row.secret == token.secret_hash();
    if same { Ok(Some(row)) } else { Err(Unknown::Stranger) }
}

/// Who it is, from the row of the directory's own token.
///
/// # Errors
/// Nobody is known.
pub fn known(
    token: &ScimToken,
    region: Region,
    given: Option<&ScimAccessRow>,
    item: Option<&Item>,
) -> Result<(Known, ScimTokenRow), Unknown> {
    let row = item.map(ScimTokenRow::from_item).transpose().map_err(|_| Unknown::Unread)?;
    let row = row.ok_or(Unknown::Stranger)?;
    let id = given.map_or(token.id(), |given| &given.via);
    let secret = given.is_some() || row.secret == token.secret_hash();
    if row.id != *id || row.connection != *token.connection() || !secret || token.region() != region {
        return Err(Unknown::Stranger);
    }
    let known =
        Known { org: row.org.clone(), connection: row.connection.clone(), token: Some(row.id.clone()) };
    Ok((known, row))
}

/// Whether a known directory may push, at this path.
///
/// # Errors
/// Why not: recorded. Outside, that the rows do not read.
pub fn admitted(
    known: &Known,
    row: &ScimTokenRow,
    given: Option<&ScimAccessRow>,
    path: Option<&ConnectionId>,
    rows: &Rows,
    now: Timestamp,
) -> Result<Result<Directory, NotNow>, Unknown> {
    let connection = rows.get(&Key::connection(&known.connection)).map(ConnectionRow::from_item).transpose();
    let connection = connection.map_err(|_| Unknown::Unread)?;
    let org: Option<Org> =
        rows.get(&Key::org(&known.org)).map(Org::from_item).transpose().map_err(|_| Unknown::Unread)?;
    if row.revoked_at.is_some() {
        return Ok(Err(NotNow::Revoked));
    }
    if row.expires_at <= now || given.is_some_and(|given| given.expires_at <= now) {
        return Ok(Err(NotNow::Expired));
    }
    let Some(connection) = connection.filter(|row| row.status == Lifecycle::Active && row.org == known.org)
    else {
        return Ok(Err(NotNow::ConnectionInactive));
    };
    if org.is_none_or(|org| org.status != Lifecycle::Active) {
        return Ok(Err(NotNow::OrgInactive));
    }
    if path != Some(&known.connection) {
        return Ok(Err(NotNow::OtherConnection));
    }
    let form: Form = serde_json::from_str(&connection.document).map_err(|_| Unknown::Unread)?;
    Ok(Ok(Directory {
        org: known.org.clone(),
        connection: known.connection.clone(),
        token: known.token.clone(),
        issuer: form.issuer,
        tenants: form.tenants,
        group_roles: form.group_roles,
    }))
}

/// What a directory is told of by an alarm while its token can still be replaced.
const SOON_MS: u64 = 14 * 86_400_000;

/// Whether a token that still holds ends soon: with it nobody who leaves would be told of any more.
pub fn ends_soon(row: &ScimTokenRow, now: Timestamp) -> bool {
    row.is_live(now) && row.expires_at.millis_since(now) < SOON_MS
}

impl Directory {
    #[cfg(test)]
    pub fn of(org: OrgId, connection: ConnectionId, form: &serde_json::Value) -> Self {
        let Form { issuer, tenants, group_roles } = serde_json::from_value(form.clone()).unwrap();
        Self { org, connection, token: Some(ScimTokenId::from_random([9; 10])), issuer, tenants, group_roles }
    }

    /// One that is asked by the clock.
    ///
    /// # Errors
    /// The connection's document does not read.
    pub fn pulled(connection: &ConnectionRow) -> Result<Self, serde_json::Error> {
        let Form { issuer, tenants, group_roles } = serde_json::from_str(&connection.document)?;
        let (org, connection) = (connection.org.clone(), connection.id.clone());
        Ok(Self { org, connection, token: None, issuer, tenants, group_roles })
    }

    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Addresses of groups that give roles: what Google knows groups by. Other names are of a claim.
    pub fn group_addresses(&self) -> BTreeSet<String> {
        let address = |name: &&String| name.contains('@') && !name.contains(['/', '?', '#', '%']);
        self.group_roles.iter().map(|row| &row.group).filter(address).cloned().collect()
    }

    /// Under which identities somebody with this external id may have signed in already: issuer and subject as sign-in keeps
    /// them. Entra's subject is tenant and object id, everybody else's is the directory's own id.
    pub fn identities(&self, external: &str) -> Vec<(String, String)> {
        let plain = (self.issuer.clone(), external.to_owned());
        let rest = self.issuer.strip_prefix("https://").and_then(|rest| rest.split_once('/'));
        let entra = rest.filter(|(host, _)| ENTRA.contains(host)).map(|(host, path)| {
            let own = path.split('/').next().filter(|part| part.len() == 36);
            let tenants = self.tenants.iter().map(String::as_str).chain(own);
            tenants
                .map(move |tenant| (format!("https://{host}/{tenant}/v2.0"), format!("{tenant}/{external}")))
        });
        let entra = entra.into_iter().flatten();
        let all: BTreeSet<(String, String)> = entra.chain([plain]).collect();
        all.into_iter().collect()
    }

    /// Whether a group gives roles, by what names it.
    pub fn maps(&self, named: &BTreeSet<Opaque>) -> bool {
        self.grants(named).next().is_some()
    }

    /// The tenants in which any group gives roles.
    pub fn tenants_named(&self) -> BTreeSet<TenantId> {
        self.group_roles.iter().map(|row| row.grant.tenant.clone()).collect()
    }

    /// The roles that a group gives.
    pub fn grants<'a>(&'a self, named: &'a BTreeSet<Opaque>) -> impl Iterator<Item = (TenantId, Role)> + 'a {
        let digest = |row: &GroupRole| mapping_digest(&self.connection, &row.group);
        let rows = self.group_roles.iter().filter(move |row| named.contains(&digest(row)));
        rows.map(|row| (row.grant.tenant.clone(), row.grant.role))
    }
}

#[cfg(test)]
mod tests;
