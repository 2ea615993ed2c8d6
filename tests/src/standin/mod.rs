//! A stand-in LLM provider: echoes, records what it received, fails when told to.
//!
//! Channels keep tests apart. The first path segment names one; behaviour and record belong to it alone.

mod answer;
mod behaviour;
mod channels;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

use self::answer::{Body, Dropped};
use self::behaviour::Behaviour;
use self::channels::{Channels, Received};

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
        ("_requests", name) => Ok(requests(&head.method, name, &channels)),
        (name, rest) if channels::is_name(name) => {
            channels.record(name, Received::new(&head, &body));
            let behaviour = channels.behaviour(name);
            provider(&head.method, rest, &body, &behaviour).await
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

async fn provider(method: &Method, rest: &str, body: &Bytes, behaviour: &Behaviour) -> Reply {
    tokio::time::sleep(behaviour.delay()).await;
    match (method, rest) {
        (&Method::POST, "v1/chat/completions") => answer::chat(body, behaviour),
        _ => Ok(problem(StatusCode::NOT_FOUND, "the stand-in only knows POST /v1/chat/completions")),
    }
}

/// OpenAI's error shape, which its SDK turns into an exception with this message.
fn problem(status: StatusCode, message: &str) -> Response<Body> {
    let kind = if status.is_server_error() { "server_error" } else { "invalid_request_error" };
    let error = json!({ "message": message, "type": kind, "param": null, "code": null });
    json_response(status, &json!({ "error": error }))
}

fn json_response(status: StatusCode, value: &Value) -> Response<Body> {
    bytes_response(status, Bytes::from(value.to_string()))
}

fn bytes_response(status: StatusCode, body: Bytes) -> Response<Body> {
    let body = Full::new(body).map_err(|never: Infallible| match never {}).boxed();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
