//! The function's URL, and the ways in that tests need beside it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::event;
use super::integration::{self, Opening};
use super::pool::{Chunks, Failure, Queue, Reply, now, random_id, unix_millis};
use super::worker::{Worker, log};

/// Largest request, as on Lambda.
const BODY_BYTES_MAX: usize = 6 << 20;
/// Why there is no answer of the function's own; Lambda tells its log only.
const FAILURE_HEADER: &str = "x-host-failure";

type Body = BoxBody<Bytes, Cut>;

/// The worker broke off in the middle of an answer.
#[derive(Debug)]
struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the worker broke off")
    }
}

impl std::error::Error for Cut {}

#[derive(Debug)]
pub(super) struct Front {
    queue: Arc<Queue>,
    workers: Vec<Arc<Worker>>,
}

impl Front {
    pub(super) fn new(queue: Arc<Queue>, workers: Vec<Arc<Worker>>) -> Self {
        Self { queue, workers }
    }

    pub(super) async fn connection(self: Arc<Self>, stream: TcpStream, peer: SocketAddr) {
        // Small chunks leave at once. A connection that cannot be tuned still works.
        let _ = stream.set_nodelay(true);
        let service = service_fn(move |request| {
            let front = Arc::clone(&self);
            async move { Ok::<_, Infallible>(front.handle(request, peer).await) }
        });
        let _ =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    }

    async fn handle(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
        let (head, body) = request.into_parts();
        let Ok(body) = Limited::new(body, BODY_BYTES_MAX).collect().await else {
            return message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
        };
        let body = body.to_bytes();
        match head.uri.path() {
            "/_host" => self.status(),
            path if is_invocation(path) => self.invoke(body).await,
            _ => self.url(&head, &body, peer).await,
        }
    }

    fn status(&self) -> Response<Body> {
        let workers: Vec<Value> = self.workers.iter().map(|worker| worker.status()).collect();
        json_response(StatusCode::OK, Bytes::from(json!({ "workers": workers }).to_string()))
    }

    /// The Invoke API: an event of any kind in, the bare answer out.
    async fn invoke(&self, event: Bytes) -> Response<Body> {
        let (failure, payload) = match self.queue.call(random_id(), trace(), event).await {
            Ok(Reply::Whole(payload)) => return json_response(StatusCode::OK, payload),
            Ok(Reply::Streamed { body, .. }) => return Response::new(Feed::new(Bytes::new(), body).boxed()),
            Ok(Reply::Failed(failure, payload)) => (failure, payload),
            Err(_) => (Failure::Crash, Bytes::new()),
        };
        let mut response = json_response(StatusCode::OK, payload);
        let headers = response.headers_mut();
        headers.insert("x-amz-function-error", HeaderValue::from_static("Unhandled"));
        headers.insert(FAILURE_HEADER, HeaderValue::from_static(failure.name()));
        response
    }

    async fn url(&self, head: &Parts, body: &Bytes, peer: SocketAddr) -> Response<Body> {
        let (id, trace) = (random_id(), trace());
        let event = event::from_http(head, body, peer, &id, &trace, now());
        let reply = self.queue.call(id, trace, Bytes::from(event.to_string())).await;
        match reply.unwrap_or(Reply::Failed(Failure::Crash, Bytes::new())) {
            Reply::Whole(payload) => match integration::whole(payload) {
                Ok(Opening { status, headers, body }) => {
                    let mut response = json_response(status, body);
                    *response.headers_mut() = headers;
                    response
                }
                Err(why) => malformed(why),
            },
            Reply::Streamed { integration: false, body } => {
                Response::new(Feed::new(Bytes::new(), body).boxed())
            }
            Reply::Streamed { integration: true, body } => streamed(body).await,
            Reply::Failed(failure, _) => failed(failure),
        }
    }
}

/// Waits for status and headers; everything after flows as it comes.
async fn streamed(mut chunks: Chunks) -> Response<Body> {
    let mut read = Vec::new();
    loop {
        match chunks.recv().await {
            None => return failed(Failure::Crash),
            Some(None) => return malformed("the stream ended before its status"),
            Some(Some(chunk)) => read.extend_from_slice(&chunk),
        }
        match integration::prelude(&Bytes::copy_from_slice(&read)) {
            Ok(None) => {}
            Ok(Some(Opening { status, headers, body })) => {
                let mut response = Response::new(Feed::new(body, chunks).boxed());
                *response.status_mut() = status;
                *response.headers_mut() = headers;
                return response;
            }
            Err(why) => return malformed(why),
        }
    }
}

/// `/2015-03-31/functions/<any>/invocations`.
fn is_invocation(path: &str) -> bool {
    path.strip_prefix("/2015-03-31/functions/").is_some_and(|path| path.ends_with("/invocations"))
}

fn trace() -> String {
    let (seconds, random) = (unix_millis(now()) / 1_000, random_id().replace('-', ""));
    let (root, parent) = (random.get(..24).unwrap_or_default(), random.get(16..).unwrap_or_default());
    format!("Root=1-{seconds:08x}-{root};Parent={parent};Sampled=0")
}

fn malformed(why: &str) -> Response<Body> {
    log(why);
    failed(Failure::Function)
}

/// What a function URL says to any failure.
fn failed(failure: Failure) -> Response<Body> {
    let mut response = message(StatusCode::BAD_GATEWAY, "Internal Server Error");
    response.headers_mut().insert(FAILURE_HEADER, HeaderValue::from_static(failure.name()));
    response
}

fn message(status: StatusCode, text: &str) -> Response<Body> {
    json_response(status, Bytes::from(json!({ "Message": text }).to_string()))
}

fn json_response(status: StatusCode, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Full::new(body).map_err(|never: Infallible| match never {}).boxed());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A body fed by the worker. Each chunk is written when it comes.
struct Feed {
    first: Bytes,
    chunks: Chunks,
}

impl Feed {
    fn new(first: Bytes, chunks: Chunks) -> Self {
        Self { first, chunks }
    }
}

impl hyper::body::Body for Feed {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        if !self.first.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.first)))));
        }
        self.chunks.poll_recv(cx).map(|next| match next {
            Some(Some(chunk)) => Some(Ok(Frame::data(chunk))),
            Some(None) => None,
            None => Some(Err(Cut)),
        })
    }
}
