//! The answer to an operation, as the dialect has it or as the channel was told.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Frame;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use super::asked::Asked;
use super::behaviour::Behaviour;
use super::dialect::Route;
use super::plan::Plan;
use super::progress::Progress;
use super::{chat, dialect, lists, messages, responses, sse, strict};

/// Bodies may end early on purpose.
pub(super) type Body = BoxBody<Bytes, Dropped>;

/// The connection is closed on purpose.
#[derive(Debug)]
pub(super) struct Dropped;

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("connection dropped on purpose")
    }
}

impl std::error::Error for Dropped {}

/// The answer of one operation.
pub(super) fn answer(
    route: Route,
    head: &Parts,
    request: &Bytes,
    behaviour: &Behaviour,
    progress: Arc<Progress>,
) -> Result<Response<Body>, Dropped> {
    if behaviour.drop {
        return Err(Dropped);
    }
    let status = behaviour.status.map_or(Ok(StatusCode::OK), StatusCode::from_u16);
    let Ok(status) = status else {
        return Ok(route.problem(StatusCode::BAD_REQUEST, "the channel was told a status that is none"));
    };
    let response = match &behaviour.body {
        Some(body) => bytes_response(status, Bytes::from(body.clone())),
        None if status.as_u16() >= 400 => route.problem(status, "the stand-in was told to fail"),
        None if behaviour.error_inside => {
            let error = route.error(StatusCode::INTERNAL_SERVER_ERROR, "the stand-in was told to fail");
            json_response(status, &error)
        }
        None => usual(route, head, request, behaviour, progress).unwrap_or_else(|problem| *problem),
    };
    Ok(finish(route, response, behaviour))
}

fn usual(
    route: Route,
    head: &Parts,
    body: &Bytes,
    behaviour: &Behaviour,
    progress: Arc<Progress>,
) -> Result<Response<Body>, Box<Response<Body>>> {
    let problem = |status, message: &str| Box::new(route.problem(status, message));
    let refused = |message: &str| problem(StatusCode::BAD_REQUEST, message);
    route.admit(head)?;
    if route == Route::Models {
        return Ok(json_response(
            StatusCode::OK,
            &lists::models(head.headers.contains_key("anthropic-version")),
        ));
    }
    let request = route.parse(body)?;
    if let Some(message) = lists::unknown_model(&request, route.is_anthropic()) {
        return Err(problem(StatusCode::NOT_FOUND, &message));
    }
    if route == Route::Embeddings {
        let answer = lists::embeddings(&request, behaviour).ok_or_else(|| refused("`input` is missing"))?;
        return Ok(json_response(StatusCode::OK, &answer));
    }
    let asked = Asked::read(route, &request).ok_or_else(|| refused("the list of messages is missing"))?;
    if route == Route::CountTokens {
        return Ok(json_response(StatusCode::OK, &json!({ "input_tokens": asked.words })));
    }
    if route == Route::Messages && asked.max_tokens.is_none() {
        return Err(refused("max_tokens: Field required"));
    }
    if let Some(fault) = strict::fault(route, dialect::version(head), &request).filter(|_| !behaviour.lenient)
    {
        return Err(refused(&fault));
    }
    Ok(generate(route, &request, &asked, behaviour, progress))
}

fn generate(
    route: Route,
    request: &Value,
    asked: &Asked,
    behaviour: &Behaviour,
    progress: Arc<Progress>,
) -> Response<Body> {
    let plan = Plan::make(asked, behaviour);
    if !asked.stream {
        return json_response(
            StatusCode::OK,
            &match route {
                Route::Responses => responses::whole(request, asked, &plan),
                Route::Messages => messages::whole(asked, &plan),
                _ => chat::whole(asked, &plan),
            },
        );
    }
    let events = match (&behaviour.raw_events, route) {
        (Some(events), _) => sse::replayed(route, events),
        (None, Route::Responses) => responses::events(request, asked, &plan),
        (None, Route::Messages) => messages::events(asked, &plan),
        (None, _) => chat::events(asked, &plan),
    };
    sse::stream(route, events, behaviour, progress)
}

pub(super) fn next_id(prefix: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("{prefix}{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

fn finish(route: Route, mut response: Response<Body>, behaviour: &Behaviour) -> Response<Body> {
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&next_id("req_standin_")) {
        headers.insert(route.request_id_header(), id);
    }
    for (name, value) in &behaviour.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
    // A stream has no length; it is cut by its own fault.
    let whole = hyper::body::Body::size_hint(response.body()).exact().is_some();
    if behaviour.truncate && whole { truncated(response) } else { response }
}

pub(super) fn json_response(status: StatusCode, value: &Value) -> Response<Body> {
    bytes_response(status, Bytes::from(value.to_string()))
}

fn bytes_response(status: StatusCode, body: Bytes) -> Response<Body> {
    let body = Full::new(body).map_err(|never: Infallible| match never {}).boxed();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The promised length stays whole; half of it is sent before the connection closes.
fn truncated(response: Response<Body>) -> Response<Body> {
    let (mut head, body) = response.into_parts();
    let length = hyper::body::Body::size_hint(&body).exact().unwrap_or(0);
    head.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    let half = usize::try_from(length / 2).unwrap_or(0);
    Response::from_parts(head, Half { body, left: half, flushed: false }.boxed())
}

/// The first `left` bytes of `body`, then an error.
struct Half {
    body: Body,
    left: usize,
    flushed: bool,
}

impl hyper::body::Body for Half {
    type Data = Bytes;
    type Error = Dropped;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Dropped>>> {
        if self.left > 0 {
            let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(cx));
            let data =
                frame.and_then(Result::ok).and_then(|frame| frame.into_data().ok()).unwrap_or_default();
            let data = data.slice(..data.len().min(self.left));
            self.left = if data.is_empty() { 0 } else { self.left - data.len() };
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        if !self.flushed {
            // One more turn: hyper writes what it has when a body is not ready, and drops it on an error.
            self.flushed = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(Dropped)))
    }
}
