//! Calls of our own API.

use std::time::Duration;

use bytes::Bytes;

use super::server::{Server, Step, response};
use super::{SECRET, config, local, local_client};
use crate::{Ask, Client, EgressError, Headers, NotSent, Reach, Verb};

const WAIT: Duration = Duration::from_secs(5);

fn ask<'a>(verb: Verb, path: &'a str, query: &'a [(&'a str, &'a str)]) -> Ask<'a> {
    let body = (verb != Verb::Get).then(|| Bytes::from_static(b"{}"));
    Ask { verb, path, query, headers: Headers::bearer(SECRET).unwrap(), body }
}

#[tokio::test]
async fn a_refusal_is_read_with_its_headers_and_shown_by_nothing() {
    let body = format!(r#"{{"code":"forbidden","detail":"{SECRET}"}}"#);
    let server = Server::start(Step::Send(response("403 No", "x-cs-action-id: act_1\r\n", &body))).await;
    let reply =
        local_client().send_json(&local(server.port), ask(Verb::Put, "a/b c", &[]), WAIT).await.unwrap();
    assert_eq!((reply.status, reply.header("x-cs-action-id")), (403, Some("act_1")));
    assert_eq!(reply.body, body);
    assert!(!format!("{reply:?}").contains(SECRET));
    let (_, request) = server.requests().remove(0);
    assert!(request.starts_with("PUT /v1/a/b%20c HTTP/1.1\r\n"), "{request}");
    for line in ["content-type: application/json", "content-length: 2", "accept-encoding: identity"] {
        assert!(request.contains(line), "{request}");
    }
}

#[tokio::test]
async fn a_question_is_encoded_and_a_path_stays_below_its_base() {
    let server = Server::start(Step::SendAndClose(response("204 Nothing", "", ""))).await;
    let query = [("after", "a&b=}")];
    for (path, wanted) in [("x", "DELETE /v1/x?after=a%26b%3D%7D "), ("../x", "DELETE /v1/x?")] {
        local_client().send_json(&local(server.port), ask(Verb::Delete, path, &query), WAIT).await.unwrap();
        let (_, request) = server.requests().pop().unwrap();
        assert!(request.starts_with(wanted), "{request}");
    }
}

#[tokio::test]
async fn redirects_stay_answers_and_long_ones_are_refused() {
    let server =
        Server::start(Step::Send(response("307 There", "location: http://127.0.0.1:1/\r\n", ""))).await;
    let reply = local_client().send_json(&local(server.port), ask(Verb::Post, "x", &[]), WAIT).await.unwrap();
    assert_eq!(reply.status, 307);
    let server = Server::start(Step::Send(response("400 No", "", &"x".repeat(1_001)))).await;
    let long = local_client().send_json(&local(server.port), ask(Verb::Post, "x", &[]), WAIT).await;
    assert_eq!(long.unwrap_err(), EgressError::TooLarge { status: 400, limit_bytes: 1_000 });
}

#[tokio::test]
async fn an_address_of_the_local_stage_is_none_elsewhere() {
    let client = Client::new(&config(Reach::Public)).unwrap();
    let refused = client.send_json(&local(1), ask(Verb::Get, "x", &[]), WAIT).await;
    assert_eq!(refused.unwrap_err(), EgressError::NotSent(NotSent::Address));
}

/// A question has no body to be asked for, and still it is known that it never left.
#[tokio::test]
async fn what_no_connection_carried_was_not_sent() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    for verb in [Verb::Get, Verb::Post] {
        let lost = local_client().send_json(&local(free), ask(verb, "x", &[]), WAIT).await;
        assert_eq!(lost.unwrap_err(), EgressError::NotSent(NotSent::Connect), "{verb:?}");
    }
}
