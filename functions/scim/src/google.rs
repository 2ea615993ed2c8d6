//! Google's directory, as it answers: the assertion that a token is given for (RFC 7523), and pages of people and of a group's
//! members. Pure. What is not understood is no answer, and what an answer does not say is not so.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{DirectoryAccount, Timestamp};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

/// Where tokens are given: what an assertion is for, wherever it is sent on the local stage.
pub const TOKENS: &str = "https://oauth2.googleapis.com/token";
const SCOPES: &str = "https://www.googleapis.com/auth/admin.directory.user.readonly https://www.googleapis.com/auth/admin.directory.group.readonly";
/// Only needed to be given a token, which lasts an hour whatever this says.
const ASSERTION_SECONDS: u64 = 300;
const TOKEN_BYTES_MAX: usize = 8 * 1_024;
const ID_BYTES_MAX: usize = 128;
const EMAIL_BYTES_MAX: usize = 320;
const CURSOR_BYTES_MAX: usize = 2_048;

/// Why nothing is known of a directory. Says nothing of what was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("the key does not sign")]
    Key,
    #[error("no token is given: is the service account allowed both scopes for the whole domain?")]
    Refused,
    #[error("the directory does not answer as it should")]
    Answer,
    #[error("the directory lists nobody")]
    Nobody,
    #[error("the directory is larger than is read at once")]
    TooLarge,
}

/// A form for a token (RFC 7523 section 2.1), signed as the service account for the administrator.
///
/// # Errors
/// The key is none.
pub fn form(account: &DirectoryAccount, now: Timestamp) -> Result<Zeroizing<String>, Fault> {
    let now = now.unix_millis() / 1_000;
    let claims = json!({
        "iss": account.client_email, "sub": account.admin_email, "scope": SCOPES, "aud": TOKENS,
        "iat": now, "exp": now + ASSERTION_SECONDS,
    });
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let message = format!("{}.{}", part(r#"{"alg":"RS256","typ":"JWT"}"#), part(&claims.to_string()));
    let key = account.key_der().ok_or(Fault::Key)?;
    let pair = RsaKeyPair::from_pkcs8(&key).map_err(|_| Fault::Key)?;
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)
        .map_err(|_| Fault::Key)?;
    let grant = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
    let assertion = format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature));
    Ok(Zeroizing::new(format!("grant_type={grant}&assertion={assertion}")))
}

/// The token in an answer.
///
/// # Errors
/// There is none.
pub fn token(text: &str) -> Result<Zeroizing<String>, Fault> {
    #[derive(Deserialize)]
    struct Given {
        access_token: String,
        token_type: String,
    }
    let given: Given = serde_json::from_str(text).map_err(|_| Fault::Answer)?;
    let (token, bearer) =
        (Zeroizing::new(given.access_token), given.token_type.eq_ignore_ascii_case("bearer"));
    let sound =
        (1..=TOKEN_BYTES_MAX).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic());
    if sound && bearer { Ok(token) } else { Err(Fault::Answer) }
}

/// Somebody whom the directory lists. `Debug` names nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    pub email: String,
    /// Neither suspended nor archived.
    pub active: bool,
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person").field("active", &self.active).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedUser {
    id: String,
    primary_email: String,
    suspended: bool,
    #[serde(default)]
    archived: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UsersPage {
    kind: String,
    #[serde(default)]
    users: Vec<ListedUser>,
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
struct ListedMember {
    id: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MembersPage {
    kind: String,
    #[serde(default)]
    members: Vec<ListedMember>,
    next_page_token: Option<String>,
}

/// Where the next page begins, if there is one.
fn next(cursor: Option<String>) -> Result<Option<String>, Fault> {
    let cursor = cursor.filter(|cursor| !cursor.is_empty());
    let sound = cursor.as_ref().is_none_or(|cursor| cursor.len() <= CURSOR_BYTES_MAX);
    if sound { Ok(cursor) } else { Err(Fault::Answer) }
}

fn is_id(text: &str) -> bool {
    (1..=ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Adds a page of people, by their ids, to those before. Somebody who is listed twice is one; that they are suspended counts.
///
/// # Errors
/// A page that is none, or somebody who is not as people are.
pub fn people(text: &str, found: &mut BTreeMap<String, Person>) -> Result<Option<String>, Fault> {
    let page: UsersPage = serde_json::from_str(text).map_err(|_| Fault::Answer)?;
    if page.kind != "admin#directory#users" {
        return Err(Fault::Answer);
    }
    for one in page.users {
        let sound = is_id(&one.id)
            && one.primary_email.len() <= EMAIL_BYTES_MAX
            && one.primary_email.contains('@')
            && !one.primary_email.chars().any(char::is_control);
        if !sound {
            return Err(Fault::Answer);
        }
        let active = !(one.suspended || one.archived);
        let before = found.get(&one.id).is_none_or(|before| before.active);
        found.insert(one.id, Person { email: one.primary_email, active: active && before });
    }
    next(page.next_page_token)
}

/// Adds a page of a group's members, those in groups within it among them, to those before. Groups and whole customers are
/// nobody.
///
/// # Errors
/// A page that is none.
pub fn members(text: &str, found: &mut BTreeSet<String>) -> Result<Option<String>, Fault> {
    let page: MembersPage = serde_json::from_str(text).map_err(|_| Fault::Answer)?;
    if page.kind != "admin#directory#members" || !page.members.iter().all(|one| is_id(&one.id)) {
        return Err(Fault::Answer);
    }
    found.extend(page.members.into_iter().filter(|one| one.kind == "USER").map(|one| one.id));
    next(page.next_page_token)
}

#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
