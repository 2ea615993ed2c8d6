//! Asking Google, through the one client for addresses outside. Each answer is bounded in size and time, each list in pages.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::{DirectoryAccount, Timestamp};
use egress::{Answer, Client, Headers, Reach, Target, TargetError};
use zeroize::Zeroizing;

use crate::google::{self, Fault, Person};

/// For one page, connecting included.
const DEADLINE: Duration = Duration::from_secs(8);
/// Pages of one list: 100,000 people, 40,000 members.
const PAGES_MAX: usize = 200;
const API: &str = "https://admin.googleapis.com/admin/directory/v1";

/// Where it is asked.
#[derive(Debug, Clone)]
pub struct Places {
    tokens: Target,
    api: Target,
}

impl Places {
    /// Google's own, or those of a stand-in: on the local stage alone, whose reach lets calls go to the machine itself.
    ///
    /// # Errors
    /// An address that may not be called.
    pub fn new(reach: Reach, stand_in: Option<&str>) -> Result<Self, TargetError> {
        let stand_in = stand_in.filter(|_| reach == Reach::Loopback);
        let (tokens, api) = match stand_in {
            Some(origin) => (format!("{origin}/token"), format!("{origin}/admin/directory/v1")),
            None => (google::TOKENS.to_owned(), API.to_owned()),
        };
        Ok(Self { tokens: Target::parse(&tokens, reach)?, api: Target::parse(&api, reach)? })
    }
}

/// The way to Google.
#[derive(Debug)]
pub struct Google {
    pub client: Client,
    pub places: Places,
}

impl Google {
    /// A token for an hour.
    ///
    /// # Errors
    /// None is given.
    pub async fn token(
        &self,
        account: &DirectoryAccount,
        now: Timestamp,
    ) -> Result<Zeroizing<String>, Fault> {
        let form = google::form(account, now)?.as_bytes().to_vec().into();
        let asked = self.client.post_form(&self.places.tokens, Headers::default(), form, DEADLINE).await;
        let answer = asked.map_err(|_| Fault::Answer)?;
        if (400..500).contains(&answer.status) {
            return Err(Fault::Refused);
        }
        google::token(&text(answer)?)
    }

    /// Everybody of the customer.
    ///
    /// # Errors
    /// Not everybody could be read, or there is nobody at all.
    pub async fn people(&self, token: &str) -> Result<BTreeMap<String, Person>, Fault> {
        let query = [
            ("customer", "my_customer"),
            ("projection", "basic"),
            ("orderBy", "email"),
            ("maxResults", "500"),
            ("fields", "kind,nextPageToken,users(id,primaryEmail,suspended,archived)"),
        ];
        let (mut found, mut cursor) = (BTreeMap::new(), None);
        for _ in 0..PAGES_MAX {
            let answer = self.page(token, "users", &query, cursor.as_deref()).await?;
            cursor = google::people(&text(answer)?, &mut found)?;
            if cursor.is_none() {
                return if found.is_empty() { Err(Fault::Nobody) } else { Ok(found) };
            }
        }
        Err(Fault::TooLarge)
    }

    /// Everybody in a group. One that is not there has nobody in it.
    ///
    /// # Errors
    /// Not everybody could be read.
    pub async fn members(&self, token: &str, group: &str) -> Result<BTreeSet<String>, Fault> {
        let query = [
            ("includeDerivedMembership", "true"),
            ("maxResults", "200"),
            ("fields", "kind,nextPageToken,members(id,type)"),
        ];
        let path = format!("groups/{group}/members");
        let (mut found, mut cursor) = (BTreeSet::new(), None);
        for _ in 0..PAGES_MAX {
            let answer = self.page(token, &path, &query, cursor.as_deref()).await?;
            if answer.status == 404 && cursor.is_none() {
                return Ok(found);
            }
            cursor = google::members(&text(answer)?, &mut found)?;
            if cursor.is_none() {
                return Ok(found);
            }
        }
        Err(Fault::TooLarge)
    }

    async fn page(
        &self,
        token: &str,
        path: &str,
        query: &[(&str, &str)],
        cursor: Option<&str>,
    ) -> Result<Answer, Fault> {
        let query: Vec<(&str, &str)> =
            query.iter().copied().chain(cursor.map(|cursor| ("pageToken", cursor))).collect();
        let headers = Headers::bearer(token).map_err(|_| Fault::Answer)?;
        let answer = self.client.get_json(&self.places.api, (path, &query), headers, DEADLINE).await;
        answer.map_err(|_| Fault::Answer)
    }
}

/// The text of a success, and of nothing else.
fn text(answer: Answer) -> Result<String, Fault> {
    let body = answer.body.map_err(|_| Fault::Answer)?;
    if answer.status != 200 {
        return Err(Fault::Answer);
    }
    String::from_utf8(body.to_vec()).map_err(|_| Fault::Answer)
}

#[cfg(test)]
mod tests;
