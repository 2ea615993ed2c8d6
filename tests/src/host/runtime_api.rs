//! The Runtime API, as one worker's process sees it.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use super::pool::{Failure, Reply, now, unix_millis};
use super::worker::{Worker, log};

const VERSION: &str = "/2018-06-01/runtime/";
const ARN: &str = "arn:aws:lambda:eu-central-1:000000000000:function:";
/// The content type of streams that begin with status and headers.
const INTEGRATION: &[u8] = b"application/vnd.awslambda.http-integration-response";
/// The trailer of a stream that failed on its way.
const ERROR_TYPE: &str = "lambda-runtime-function-error-type";

type Answer = Response<Full<Bytes>>;

pub(super) async fn connection(worker: Arc<Worker>, stream: TcpStream) {
    // A connection that cannot be tuned still works; one that breaks is the process's business.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let worker = Arc::clone(&worker);
        async move { Ok::<_, Infallible>(handle(&worker, request).await) }
    });
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn handle(worker: &Worker, request: Request<Incoming>) -> Answer {
    let (head, body) = request.into_parts();
    let path = head.uri.path().strip_prefix(VERSION).unwrap_or_default();
    match (&head.method, path) {
        (&Method::GET, "invocation/next") => next(worker).await,
        (&Method::POST, "init/error") => {
            log(&format!("init error: {}", String::from_utf8_lossy(&whole(body).await)));
            empty(StatusCode::ACCEPTED)
        }
        (&Method::POST, path) => match path.strip_prefix("invocation/").and_then(|path| path.split_once('/'))
        {
            Some((id, "response")) => respond(worker, id, &head.headers, body).await,
            Some((id, "error")) => fail(worker, id, body).await,
            _ => empty(StatusCode::NOT_FOUND),
        },
        _ => empty(StatusCode::NOT_FOUND),
    }
}

async fn next(worker: &Worker) -> Answer {
    worker.asked();
    let Some(invocation) = worker.queue.next().await else { return empty(StatusCode::GONE) };
    let (id, trace, event) = worker.begin(invocation);
    let deadline = unix_millis(now() + worker.options.timeout);
    let name = worker.options.env.get("AWS_LAMBDA_FUNCTION_NAME").map_or("function", String::as_str);
    let response = Response::builder()
        .header(CONTENT_TYPE, "application/json")
        .header("lambda-runtime-aws-request-id", id)
        .header("lambda-runtime-deadline-ms", deadline)
        .header("lambda-runtime-invoked-function-arn", format!("{ARN}{name}"))
        .header("lambda-runtime-trace-id", trace)
        .body(Full::new(event));
    response.unwrap_or_else(|_| empty(StatusCode::INTERNAL_SERVER_ERROR))
}

async fn respond(worker: &Worker, id: &str, headers: &HeaderMap, body: Incoming) -> Answer {
    let Some(reply) = worker.take_reply(id) else { return empty(StatusCode::BAD_REQUEST) };
    let is = |name: &str, value: &[u8]| headers.get(name).is_some_and(|header| header.as_bytes() == value);
    if is("lambda-runtime-function-response-mode", b"streaming") {
        let (sender, chunks) = mpsc::channel(1);
        let integration = is(CONTENT_TYPE.as_str(), INTEGRATION);
        let _ = reply.send(Reply::Streamed { integration, body: chunks });
        pump(worker, body, sender).await;
    } else {
        let _ = reply.send(Reply::Whole(whole(body).await));
    }
    worker.done();
    empty(StatusCode::ACCEPTED)
}

/// Reads to the end even when the caller is gone: Lambda does not tell the function either.
async fn pump(worker: &Worker, mut body: Incoming, sender: mpsc::Sender<Option<Bytes>>) {
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return };
        match frame.into_data() {
            Ok(data) => drop(sender.send(Some(data)).await),
            Err(other) if other.trailers_ref().is_some_and(|trailers| trailers.contains_key(ERROR_TYPE)) => {
                return worker.failed(Failure::Function);
            }
            Err(_) => {}
        }
    }
    let _ = sender.send(None).await;
}

async fn fail(worker: &Worker, id: &str, body: Incoming) -> Answer {
    let Some(reply) = worker.take_reply(id) else { return empty(StatusCode::BAD_REQUEST) };
    let error = whole(body).await;
    log(&format!("invocation {id} failed: {}", String::from_utf8_lossy(&error)));
    worker.failed(Failure::Function);
    let _ = reply.send(Reply::Failed(Failure::Function, error));
    worker.done();
    empty(StatusCode::ACCEPTED)
}

async fn whole(body: Incoming) -> Bytes {
    body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default()
}

fn empty(status: StatusCode) -> Answer {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
