//! Against real servers on loopback.

mod ask;
mod http;
mod limits;
mod names;
mod server;
mod stream;
mod targets;
mod tls;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;

use crate::resolver::Lookup;
use crate::{Answer, Client, Config, EgressError, Headers, Limits, Reach, Roots, Streamed, Target};

/// Planted in every request; must not show up in anything printable.
const SECRET: &str = "sk-planted-secret";

/// Of streams whose limits are not in question.
const LIMITS: Limits = Limits {
    first_byte: Duration::from_secs(5),
    idle: Duration::from_secs(5),
    total: Duration::from_secs(5),
    max_bytes: 1_000,
};

fn config(reach: Reach) -> Config {
    let roots = Roots::Only(vec![
        rcgen::generate_simple_self_signed(["unused".to_owned()]).unwrap().cert.der().clone(),
    ]);
    Config { reach, roots, connect_timeout: Duration::from_millis(500), max_response_bytes: 1_000 }
}

/// A resolver whose n-th answer is `answers[n]`, the last one for ever.
fn lookup(answers: &'static [&'static [&'static str]]) -> Lookup {
    let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    Arc::new(move |_| {
        let n = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst).min(answers.len() - 1);
        let answer: Vec<IpAddr> = answers[n].iter().map(|text| text.parse().unwrap()).collect();
        async move { Ok(answer) }.boxed()
    })
}

fn local_client() -> Client {
    Client::new(&config(Reach::Loopback)).unwrap()
}

fn local(port: u16) -> Target {
    Target::parse(&format!("http://127.0.0.1:{port}/v1/"), Reach::Loopback).unwrap()
}

async fn post(client: &Client, target: &Target) -> Result<Answer, EgressError> {
    post_within(client, target, Duration::from_secs(5)).await
}

async fn post_within(client: &Client, target: &Target, deadline: Duration) -> Result<Answer, EgressError> {
    let headers = Headers::bearer(SECRET).unwrap();
    let body = Bytes::from_static(br#"{"model":"m"}"#);
    let result = client.post_json(target, "chat/completions", headers, body, deadline).await;
    assert!(!format!("{result:?}").contains(SECRET));
    result
}

async fn stream(client: &Client, target: &Target, limits: Limits) -> Result<Streamed, EgressError> {
    let headers = Headers::bearer(SECRET).unwrap();
    let body = Bytes::from_static(br#"{"model":"m"}"#);
    let result = client.post_stream(target, "chat/completions", headers, body, limits).await;
    assert!(!format!("{result:?}").contains(SECRET));
    result
}

/// What both ways to call say, which must be the same.
async fn either_error(client: &Client, target: &Target) -> EgressError {
    let errors = [post(client, target).await.map(drop), stream(client, target, LIMITS).await.map(drop)]
        .map(Result::unwrap_err);
    assert_eq!(errors[0], errors[1]);
    errors[0]
}
