//! Requests and answers.

use bytes::Bytes;

use super::server::{Server, Step, response};
use super::{LIMITS, SECRET, local, local_client, post, stream};
use crate::{EgressError, Headers, NotSent};

#[tokio::test]
async fn a_request_arrives_as_given_and_its_answer_comes_back() {
    let headers = "x-request-id: req_1\r\nset-cookie: a=b\r\n";
    let server = Server::start(Step::Send(response("200 OK", headers, "{}"))).await;
    let (client, target) = (local_client(), local(server.port));

    let answer = post(&client, &target).await.unwrap();
    assert_eq!((answer.status, answer.body.unwrap()), (200, Bytes::from_static(b"{}")));
    assert_eq!((answer.request_id.as_deref(), answer.retry_after), (Some("req_1"), None));

    let (_, request) = server.requests().remove(0);
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let mut lines: Vec<_> = head.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "POST /v1/chat/completions HTTP/1.1",
            "accept-encoding: identity",
            "accept: application/json",
            &format!("authorization: Bearer {SECRET}"),
            "content-length: 13",
            "content-type: application/json",
            &format!("host: 127.0.0.1:{}", server.port),
            "user-agent: countersign",
        ]
    );
    assert_eq!(body, r#"{"model":"m"}"#);
}

#[tokio::test]
async fn a_warm_call_reuses_the_connection_and_keeps_no_cookie() {
    let server = Server::start(Step::Send(response("200 OK", "set-cookie: a=b\r\n", "{}"))).await;
    let (client, target) = (local_client(), local(server.port));
    for _ in 0..3 {
        post(&client, &target).await.unwrap();
    }
    let requests = server.requests();
    assert_eq!(requests.iter().map(|(connection, _)| *connection).collect::<Vec<_>>(), [0, 0, 0]);
    assert!(requests.iter().all(|(_, request)| !request.contains("cookie")));
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let elsewhere = Server::start(Step::Send(response("200 OK", "", "{}"))).await;
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
        let location = format!("location: http://127.0.0.1:{}/v1/chat/completions\r\n", elsewhere.port);
        let server = Server::start(Step::Send(response(status, &location, ""))).await;
        let answer = post(&local_client(), &local(server.port)).await.unwrap();
        assert!(status.starts_with(&answer.status.to_string()));
        assert!(answer.body.is_err(), "no success");
        let streamed = stream(&local_client(), &local(server.port), LIMITS).await.unwrap();
        assert!(status.starts_with(&streamed.status.to_string()));
        assert!(streamed.body.is_err(), "no success");
    }
    assert_eq!(elsewhere.requests().len(), 0);
}

#[tokio::test]
async fn an_error_body_stays_inside() {
    let body = format!(r#"{{"error":{{"code":"context_length_exceeded","message":"{SECRET}"}}}}"#);
    let server = Server::start(Step::Send(response("429 Slow", "retry-after: 7\r\n", &body))).await;
    let answer = post(&local_client(), &local(server.port)).await.unwrap();
    assert_eq!((answer.status, answer.retry_after), (429, Some(7)));
    let known = |body: &[u8]| {
        let code = "context_length_exceeded";
        std::str::from_utf8(body).ok()?.contains(code).then_some(code)
    };
    assert_eq!(answer.body.unwrap_err().classify(known), Some("context_length_exceeded"));
}

#[tokio::test]
async fn foreign_ids_and_dates_are_not_taken_over() {
    let headers =
        format!("x-request-id: {}\r\nretry-after: Wed, 21 Oct 2026 07:28:00 GMT\r\n", "x".repeat(129));
    let server = Server::start(Step::Send(response("200 OK", &headers, "{}"))).await;
    let answer = post(&local_client(), &local(server.port)).await.unwrap();
    assert_eq!((answer.request_id, answer.retry_after), (None, None));
}

#[test]
fn headers_that_steer_or_split_a_request_are_refused() {
    let refused = Err(EgressError::NotSent(NotSent::Header));
    for (name, value) in [
        ("host", "metadata"),
        ("Host", "metadata"),
        ("content-length", "1"),
        ("transfer-encoding", "chunked"),
        ("x-a", "b\r\nhost: c"),
        ("x a", "b"),
    ] {
        assert_eq!(Headers::default().with(name, value).map(|_| ()), refused, "{name}");
    }
    let headers = Headers::bearer(SECRET).unwrap().with("x-api-key", SECRET).unwrap();
    assert!(!format!("{headers:?}").contains(SECRET));
}

/// Each provider has its own way to present a credential.
#[tokio::test]
async fn credentials_in_other_headers_arrive() {
    let server = Server::start(Step::Send(response("200 OK", "", "{}"))).await;
    let pairs = [("x-api-key", SECRET), ("api-key", SECRET), ("anthropic-version", "2023-06-01")];
    let headers = pairs
        .into_iter()
        .fold(Headers::default(), |headers, (name, value)| headers.with(name, value).unwrap());
    let body = Bytes::from_static(b"{}");
    local_client().post_stream(&local(server.port), "messages", headers, body, LIMITS).await.unwrap();
    let (_, request) = server.requests().remove(0);
    for (name, value) in pairs {
        assert!(request.contains(&format!("\r\n{name}: {value}\r\n")), "{request}");
    }
    assert!(request.starts_with("POST /v1/messages HTTP/1.1\r\n") && !request.contains("authorization"));
}
