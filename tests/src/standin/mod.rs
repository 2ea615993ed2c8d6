//! A stand-in LLM provider: speaks OpenAI Chat, Responses and Embeddings and Anthropic Messages, whole and streamed;
//! echoes, records what it received, fails when told to.
//!
//! Channels keep tests apart. The first path segment names one; behaviour and record belong to it alone.

mod answer;
mod asked;
mod behaviour;
mod channels;
mod chat;
mod dialect;
mod lists;
mod messages;
mod plan;
mod progress;
mod responses;
mod sse;
mod strict;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};

use self::answer::{Body, Dropped, json_response};
use self::behaviour::Behaviour;
use self::channels::{Channels, Received};
use self::dialect::Route;

/// Largest request body that is read: well above the gateway's own limit, so that tests can cross that one.
const BODY_BYTES_MAX: usize = 16 << 20;
/// How long to wait after a failed accept: the usual cause is too many open files, which passes.
const ACCEPT_RETRY: Duration = Duration::from_millis(20);

type Reply = Result<Response<Body>, Dropped>;

/// Serves until the future is dropped. One task per connection, keep-alive, no delay on small packets.
///
/// # Errors
/// Never returns in practice: a failed accept is tried again.
pub async fn serve(listener: TcpListener) -> std::io::Result<()> {
    let channels = Arc::new(Channels::default());
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(connection(stream, Arc::clone(&channels)))),
            Err(_) => tokio::time::sleep(ACCEPT_RETRY).await,
        }
    }
}

async fn connection(stream: TcpStream, channels: Arc<Channels>) {
    // A connection that cannot be tuned still works; one that breaks is the other side's business.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| handle(request, Arc::clone(&channels)));
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn handle(request: Request<Incoming>, channels: Arc<Channels>) -> Reply {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, BODY_BYTES_MAX).collect().await else {
        return Ok(problem(StatusCode::PAYLOAD_TOO_LARGE, "the body is longer than 16 MiB or was cut"));
    };
    let body = body.to_bytes();
    let path = head.uri.path();
    match split(path) {
        ("healthz", "") => Ok(json_response(StatusCode::OK, &json!({ "ok": true }))),
        ("_control", name) => Ok(control(&head.method, name, &body, &channels)),
        ("_step", name) => Ok(step(&head.method, name, &body, &channels)),
        ("_streams", name) => Ok(streams(&head.method, name, &channels)),
        ("_requests", name) => Ok(requests(&head.method, name, &channels)),
        (name, rest) if channels::is_name(name) => {
            channels.record(name, Received::new(&head, &body));
            provider(name, rest, &head, &body, &channels).await
        }
        _ => Ok(problem(StatusCode::NOT_FOUND, "no such path; try /healthz")),
    }
}

/// `/a/b/c` → (`a`, `b/c`).
fn split(path: &str) -> (&str, &str) {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.split_once('/').unwrap_or((path, ""))
}

fn control(method: &Method, name: &str, body: &Bytes, channels: &Channels) -> Response<Body> {
    let behaviour = match (method, channels::is_name(name)) {
        (_, false) => return problem(StatusCode::BAD_REQUEST, "channel names: 1 to 64 of a-z A-Z 0-9 . - _"),
        (&Method::DELETE, true) => Behaviour::default(),
        (&Method::PUT, true) => match Behaviour::parse(body) {
            Ok(behaviour) => behaviour,
            Err(error) => return problem(StatusCode::BAD_REQUEST, &error.to_string()),
        },
        _ => return problem(StatusCode::METHOD_NOT_ALLOWED, "PUT or DELETE"),
    };
    channels.set_behaviour(name, behaviour);
    json_response(StatusCode::OK, &json!({ "ok": true }))
}

fn requests(method: &Method, name: &str, channels: &Channels) -> Response<Body> {
    match *method {
        Method::GET => json_response(StatusCode::OK, &json!(channels.received(name))),
        Method::DELETE => {
            channels.forget(name);
            json_response(StatusCode::OK, &json!({ "ok": true }))
        }
        _ => problem(StatusCode::METHOD_NOT_ALLOWED, "GET or DELETE"),
    }
}

/// The body is a number of events; 1 when it is empty.
fn step(method: &Method, name: &str, body: &Bytes, channels: &Channels) -> Response<Body> {
    const MOST: usize = 1_000_000;
    let events = if body.is_empty() { Some(1) } else { serde_json::from_slice(body).ok() };
    match (method, events.filter(|events| *events <= MOST)) {
        (&Method::POST, Some(events)) if channels::is_name(name) => {
            channels.progress(name).allow(events);
            json_response(StatusCode::OK, &json!({ "ok": true }))
        }
        _ => problem(StatusCode::BAD_REQUEST, "POST a number of events, at most 1000000"),
    }
}

/// How far the channel's streams are.
fn streams(method: &Method, name: &str, channels: &Channels) -> Response<Body> {
    match method {
        &Method::GET if channels::is_name(name) => {
            json_response(StatusCode::OK, &channels.progress(name).status())
        }
        _ => problem(StatusCode::BAD_REQUEST, "only GET, and the name of a channel"),
    }
}

async fn provider(name: &str, rest: &str, head: &Parts, body: &Bytes, channels: &Channels) -> Reply {
    let (behaviour, progress) = channels.behaviour(name);
    tokio::time::sleep(behaviour.delay()).await;
    match Route::find(&head.method, rest) {
        Some(route) => answer::answer(route, head, body, &behaviour, progress),
        None => Ok(problem(StatusCode::NOT_FOUND, "the stand-in has no such operation")),
    }
}

fn problem(status: StatusCode, message: &str) -> Response<Body> {
    json_response(status, &dialect::openai_error(status, message))
}
