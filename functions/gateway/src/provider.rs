//! The provider: the only place from which a prompt leaves, and only against a [`Cleared`].

use std::time::Duration;

use bytes::Bytes;
use egress::{Client, EgressError, Headers, Target};
use envelope::Plaintext;

use crate::cleared::Cleared;
use crate::outcome::{Ended, Spent, conclude};
use domain::Reason;

/// Calls the provider once. Never retries: a second try could be a second charge.
pub async fn complete(
    client: &Client,
    target: &Target,
    credential: &Plaintext,
    deadline: Duration,
    cleared: Cleared,
) -> Ended {
    let headers = credential.as_str().map(Headers::bearer);
    let Some(Ok(headers)) = headers else {
        return Ended::without_answer(Reason::KeysUnavailable, Spent::Nothing);
    };
    let body = Bytes::from(cleared.into_body().to_string());
    let answered: Result<_, EgressError> =
        client.post_json(target, "chat/completions", headers, body, deadline).await;
    conclude(answered)
}
