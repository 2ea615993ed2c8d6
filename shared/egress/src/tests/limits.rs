//! Size, time, and what a failure says about the provider's side.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

use super::server::{Server, Step, response};
use super::{local, local_client, post, post_within};
use crate::{EgressError, NotSent, Reach, Target};

const BRIEFLY: Duration = Duration::from_millis(200);

/// `length` bytes in chunks, without announcing how many.
fn chunked(length: usize) -> Vec<u8> {
    let mut answer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..length / 100 {
        answer.extend_from_slice(format!("64\r\n{}\r\n", "x".repeat(100)).as_bytes());
    }
    answer.extend_from_slice(b"0\r\n\r\n");
    answer
}

#[tokio::test]
async fn an_answer_of_exactly_the_limit_is_read() {
    for bytes in [response("200 OK", "", &"x".repeat(1_000)), chunked(1_000)] {
        let server = Server::start(Step::Send(bytes)).await;
        let answer = post(&local_client(), &local(server.port)).await.unwrap();
        assert_eq!(answer.body.unwrap().len(), 1_000);
    }
}

#[tokio::test]
async fn a_longer_answer_is_cut_announced_or_not() {
    let endless = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nFFFFFFF\r\n".to_vec();
    for step in [
        Step::Send(response("200 OK", "", &"x".repeat(1_001))),
        Step::Send(chunked(1_100)),
        Step::Stall([endless, vec![b'x'; 100_000]].concat()),
        Step::Stall(b"HTTP/1.1 200 OK\r\ncontent-length: 9999999999999\r\n\r\n".to_vec()),
    ] {
        let server = Server::start(step).await;
        let error = post(&local_client(), &local(server.port)).await.unwrap_err();
        assert_eq!(error, EgressError::TooLarge { status: 200, limit_bytes: 1_000 });
        assert!(error.may_have_been_processed());
    }
}

#[tokio::test]
async fn a_slow_answer_times_out_as_sent() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n123".to_vec();
    for (bytes, status) in [(Vec::new(), None), (head, Some(200))] {
        let server = Server::start(Step::Stall(bytes)).await;
        let error = post_within(&local_client(), &local(server.port), BRIEFLY).await.unwrap_err();
        assert_eq!(error, EgressError::TimedOut { status });
        assert!(error.may_have_been_processed());
        assert_eq!(server.requests().len(), 1);
    }
}

/// One byte a tick: each arrives in time, the whole never does.
#[tokio::test]
async fn a_dripping_answer_ends_at_the_deadline() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n".to_vec();
    let step = Step::Paced {
        pieces: vec![head, b"x".to_vec()],
        every: BRIEFLY / 10,
        forever: true,
        closed: Arc::default(),
    };
    let server = Server::start(step).await;
    let error = post_within(&local_client(), &local(server.port), BRIEFLY).await.unwrap_err();
    assert_eq!(error, EgressError::TimedOut { status: Some(200) });
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_broken_and_not_tried_again() {
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n123".to_vec();
    for (bytes, status) in [(Vec::new(), None), (b"garbage\r\n\r\n".to_vec(), None), (half, Some(200))] {
        let server = Server::start(Step::SendAndClose(bytes)).await;
        let error = post(&local_client(), &local(server.port)).await.unwrap_err();
        assert_eq!(error, EgressError::Broken { status });
        assert!(error.may_have_been_processed());
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn nothing_is_sent_where_nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = local(listener.local_addr().unwrap().port());
    drop(listener);
    let error = post(&local_client(), &target).await.unwrap_err();
    assert_eq!(error, EgressError::NotSent(NotSent::Connect));
    assert!(!error.may_have_been_processed());
}

#[tokio::test]
async fn a_deadline_that_passes_while_connecting_is_not_sent() {
    // Accepts TCP and never speaks TLS.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://127.0.0.1:{}/v1", listener.local_addr().unwrap().port());
    let target = Target::parse(&url, Reach::Loopback).unwrap();
    for deadline in [BRIEFLY, Duration::from_secs(5)] {
        let error = post_within(&local_client(), &target, deadline).await.unwrap_err();
        assert_eq!(error, EgressError::NotSent(NotSent::TimedOut));
    }
}
