//! OAuth 2.0 client credentials (RFC 6749 section 4.4), which some directories ask for: the token's id and the token itself as
//! the client's secret, an access token for an hour back. It ends with the token behind it.

use domain::{Metadata, ScimAccessRow, ScimToken, ScimTokenId};
use serde_json::json;
use tables::Swap;
use tables::codec::Row as _;
use tables::directory::access;

use crate::desk::Desk;
use crate::directory::Directory;
use crate::effects::{Committed, Effects, unavailable};
use crate::error::ScimError;
use crate::event::Request;
use crate::records::Scribe;
use crate::response::Response;

/// Entra takes tokens that are good for one hour to six.
const LIFE_S: u64 = 3_600;

/// An answer in OAuth's words (RFC 6749 section 5.2).
pub fn refused(status: u16, code: &str, description: &str) -> Response {
    let body = json!({"error": code, "error_description": description});
    let response = Response::json(status, body).with("content-type", "application/json");
    if status == 401 { response.with("www-authenticate", "Basic realm=\"scim\"") } else { response }
}

/// The token that a client's secret is, if its id is the client's.
pub fn presented(request: &Request) -> Result<ScimToken, Response> {
    let invalid =
        || refused(401, "invalid_client", "client_id is the id of a SCIM token, client_secret its text");
    if request.grant_type.as_deref() != Some("client_credentials") {
        return Err(refused(400, "unsupported_grant_type", "send grant_type=client_credentials as a form"));
    }
    let (id, secret) = request.client.as_ref().ok_or_else(invalid)?;
    let token: ScimToken = secret.parse().map_err(|_| invalid())?;
    if token.id().as_str() == id { Ok(token) } else { Err(invalid()) }
}

impl<D: Desk> Effects<D> {
    /// Gives an access token.
    ///
    /// # Errors
    /// It cannot be made or recorded just now.
    pub async fn give_access(
        &self,
        directory: &Directory,
        scribe: &Scribe,
        now: domain::Timestamp,
    ) -> Result<Response, ScimError> {
        let secret = aws::random().map_err(|_| unavailable())?;
        let id = ScimTokenId::from_random(crate::effects::random()?);
        let token = ScimToken::mint(self.region, directory.connection.clone(), id.clone(), &secret);
        let expires_at = now.plus_millis(LIFE_S * 1_000);
        let row = ScimAccessRow {
            id: id.clone(),
            secret: token.secret_hash(),
            via: directory.token.clone().ok_or_else(unavailable)?,
            expires_at,
        };
        self.attempt(scribe, id.as_str()).await?;
        let made = Swap::create(access(&directory.connection, &id), row.to_item()).expiring(expires_at);
        let committed = self.commit(vec![made.to_write()], 0).await;
        self.outcome(scribe, id.as_str(), committed.as_ref().map(|_| Metadata::default())).await;
        if committed? == Committed::Again {
            return Err(unavailable());
        }
        let body = json!({"access_token": token.reveal(), "token_type": "Bearer", "expires_in": LIFE_S});
        Ok(Response::json(200, body).with("content-type", "application/json"))
    }
}
