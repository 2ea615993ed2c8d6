//! Answers that are read while they arrive.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::server::{Server, Step, response};
use super::{LIMITS, SECRET, local, local_client, stream};
use crate::{Body, EgressError, Limits, NotSent, Streamed, Target};

const SHORT: Duration = Duration::from_millis(150);
const TICK: Duration = Duration::from_millis(20);

fn head(headers: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n{headers}\r\n").into_bytes()
}

fn chunk(text: &str) -> Vec<u8> {
    format!("{:x}\r\n{text}\r\n", text.len()).into_bytes()
}

fn paced(pieces: Vec<Vec<u8>>, every: Duration, forever: bool) -> (Step, Arc<Notify>) {
    let closed = Arc::new(Notify::new());
    (Step::Paced { pieces, every, forever, closed: Arc::clone(&closed) }, closed)
}

async fn open(server: &Server, limits: Limits) -> Body {
    stream(&local_client(), &local(server.port), limits).await.unwrap().body.unwrap()
}

/// What arrived before the end, and how it ended.
async fn drain(body: &mut Body) -> (Vec<String>, Result<(), EgressError>) {
    let mut chunks = Vec::new();
    loop {
        match body.chunk().await {
            Ok(Some(bytes)) => chunks.push(String::from_utf8(bytes.to_vec()).unwrap()),
            Ok(None) => return (chunks, Ok(())),
            Err(error) => return (chunks, Err(error)),
        }
    }
}

#[tokio::test]
async fn chunks_are_passed_on_as_they_arrive() {
    let headers = "content-type: Text/Event-Stream; charset=utf-8\r\nrequest-id: req_1\r\n";
    let pieces = vec![head(headers), chunk("one"), chunk("two"), chunk("three"), b"0\r\n\r\n".to_vec()];
    let (step, _) = paced(pieces, TICK * 3, false);
    let server = Server::start(step).await;
    let Streamed { status, request_id, event_stream, body, .. } =
        stream(&local_client(), &local(server.port), LIMITS).await.unwrap();
    assert_eq!((status, request_id.as_deref(), event_stream), (200, Some("req_1"), true));

    let mut body = body.unwrap();
    let mut arrivals = Vec::new();
    while let Some(bytes) = body.chunk().await.unwrap() {
        arrivals.push((bytes, Instant::now()));
    }
    let texts: Vec<_> = arrivals.iter().map(|(bytes, _)| bytes.as_ref()).collect();
    assert_eq!(texts, [&b"one"[..], b"two", b"three"]);
    for pair in arrivals.windows(2) {
        assert!(pair[1].1 - pair[0].1 >= TICK, "not gathered before they are passed on");
    }
    assert_eq!(body.chunk().await, Ok(None), "the end stays the end");
    assert!(server.requests()[0].1.contains("accept: text/event-stream, application/json\r\n"));
}

#[tokio::test]
async fn the_connection_of_a_finished_stream_is_reused_and_plain_json_is_told_apart() {
    let server =
        Server::start(Step::Send(response("200 OK", "content-type: application/json\r\n", "{}"))).await;
    let client = local_client();
    for _ in 0..3 {
        let streamed = stream(&client, &local(server.port), LIMITS).await.unwrap();
        assert!(!streamed.event_stream);
        assert_eq!(drain(&mut streamed.body.unwrap()).await, (vec!["{}".to_owned()], Ok(())));
    }
    assert!(server.requests().iter().all(|(connection, _)| *connection == 0));
}

#[tokio::test]
async fn an_error_is_read_whole_and_stays_inside() {
    let body = format!(r#"{{"error":{{"type":"overloaded_error","message":"{SECRET}"}}}}"#);
    let server = Server::start(Step::Send(response("529 Busy", "retry-after: 3\r\n", &body))).await;
    let streamed = stream(&local_client(), &local(server.port), LIMITS).await.unwrap();
    assert_eq!((streamed.status, streamed.retry_after), (529, Some(3)));
    let known = |body: &[u8]| body.windows(10).any(|text| text == b"overloaded").then_some("overloaded");
    assert_eq!(streamed.body.unwrap_err().classify(known), Some("overloaded"));
}

#[tokio::test]
async fn an_error_body_is_bounded_like_any_other() {
    let long = Server::start(Step::Send(response("500 Oops", "", &"x".repeat(1_001)))).await;
    let error = stream(&local_client(), &local(long.port), LIMITS).await.unwrap_err();
    assert_eq!(error, EgressError::TooLarge { status: 500, limit_bytes: 1_000 });

    let stalled = b"HTTP/1.1 500 Oops\r\ncontent-length: 9\r\n\r\n123".to_vec();
    let stalled = Server::start(Step::Stall(stalled)).await;
    let limits = Limits { idle: SHORT, ..LIMITS };
    let error = stream(&local_client(), &local(stalled.port), limits).await.unwrap_err();
    assert_eq!(error, EgressError::TimedOut { status: Some(500) });
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_is_read_and_a_longer_one_is_cut() {
    let exact = Server::start(Step::Send(response("200 OK", "", &"x".repeat(1_000)))).await;
    let (chunks, end) = drain(&mut open(&exact, LIMITS).await).await;
    assert_eq!((chunks.concat().len(), end), (1_000, Ok(())));

    let announced = Step::Send(response("200 OK", "", &"x".repeat(1_001)));
    let endless = [head(""), vec![chunk(&"x".repeat(100)); 11].concat()].concat();
    for (step, nothing_read) in [(announced, true), (Step::Stall(endless), false)] {
        let server = Server::start(step).await;
        let mut body = open(&server, LIMITS).await;
        let (chunks, end) = drain(&mut body).await;
        assert_eq!(end, Err(EgressError::TooLarge { status: 200, limit_bytes: 1_000 }));
        assert_eq!(chunks.is_empty(), nothing_read);
        assert!(chunks.concat().len() <= 1_000);
        assert_eq!(body.chunk().await.unwrap_err(), end.unwrap_err(), "the same again");
    }
}

#[tokio::test]
async fn a_head_or_first_byte_that_does_not_come_times_out() {
    let limits = Limits { first_byte: SHORT, ..LIMITS };
    let silent = Server::start(Step::Stall(Vec::new())).await;
    let error = stream(&local_client(), &local(silent.port), limits).await.unwrap_err();
    assert_eq!(error, EgressError::TimedOut { status: None });
    assert!(error.may_have_been_processed());

    let headed = Server::start(Step::Stall(head(""))).await;
    let began = Instant::now();
    let (chunks, end) = drain(&mut open(&headed, limits).await).await;
    assert_eq!((chunks.len(), end), (0, Err(EgressError::TimedOut { status: Some(200) })));
    assert!(began.elapsed() >= SHORT && began.elapsed() < LIMITS.idle, "the idle limit is not this one");
}

#[tokio::test]
async fn a_stream_that_falls_silent_times_out_and_its_connection_is_closed() {
    let (step, closed) = paced(vec![head(""), chunk("one")], Duration::ZERO, false);
    let server = Server::start(step).await;
    let mut body = open(&server, Limits { idle: SHORT, ..LIMITS }).await;
    let (chunks, end) = drain(&mut body).await;
    assert_eq!((chunks.concat().as_str(), end), ("one", Err(EgressError::TimedOut { status: Some(200) })));
    tokio::time::timeout(LIMITS.total, closed.notified()).await.expect("closed though `body` is still held");
    drop(body);
}

/// One byte a tick never breaks the idle limit; the total deadline ends it.
#[tokio::test]
async fn a_dripping_answer_ends_at_the_total_deadline() {
    let (step, closed) = paced(vec![head(""), chunk("x")], TICK, true);
    let server = Server::start(step).await;
    let began = Instant::now();
    let limits = Limits { total: Duration::from_millis(400), idle: TICK * 10, ..LIMITS };
    let (chunks, end) = drain(&mut open(&server, limits).await).await;
    assert_eq!(end, Err(EgressError::TimedOut { status: Some(200) }));
    assert!(chunks.len() > 3, "{}", chunks.len());
    assert!(began.elapsed() < Duration::from_secs(2));
    tokio::time::timeout(LIMITS.total, closed.notified()).await.unwrap();
}

/// The same while the head itself drips, and in an answer that is read whole.
#[tokio::test]
async fn a_dripping_head_ends_at_the_deadline() {
    let (step, _) = paced(vec![b"HTTP/1.1 200 OK\r\nx: ".to_vec(), b"x".to_vec()], TICK, true);
    let server = Server::start(step).await;
    for limits in [Limits { total: SHORT, ..LIMITS }, Limits { first_byte: SHORT, ..LIMITS }] {
        let error = stream(&local_client(), &local(server.port), limits).await.unwrap_err();
        assert_eq!(error, EgressError::TimedOut { status: None });
    }
}

/// Bytes that are always at hand must not hide that the deadline has passed.
#[tokio::test]
async fn a_fast_answer_ends_at_the_total_deadline_too() {
    let (step, _) = paced(vec![head(""), chunk("x")], Duration::ZERO, true);
    let server = Server::start(step).await;
    let limits = Limits { total: SHORT, max_bytes: usize::MAX, ..LIMITS };
    let (_, end) = drain(&mut open(&server, limits).await).await;
    assert_eq!(end, Err(EgressError::TimedOut { status: Some(200) }));
}

#[tokio::test]
async fn a_slow_reader_is_not_taken_for_a_silent_provider() {
    let (step, _) = paced(vec![head(""), chunk("one"), chunk("two"), b"0\r\n\r\n".to_vec()], TICK, false);
    let server = Server::start(step).await;
    let mut body = open(&server, Limits { idle: SHORT, ..LIMITS }).await;
    body.chunk().await.unwrap();
    tokio::time::sleep(SHORT * 2).await;
    let (chunks, end) = drain(&mut body).await;
    assert_eq!((chunks.concat().as_str(), end), ("two", Ok(())));
}

/// A reader that looks at something else every tick, as the kill check does, neither loses bytes nor waits for ever.
#[tokio::test]
async fn a_wait_that_is_given_up_and_taken_up_again_is_one_wait() {
    let (step, _) = paced(vec![head(""), chunk("one"), chunk("two")], TICK * 3, false);
    let server = Server::start(step).await;
    let mut body = open(&server, Limits { idle: TICK * 10, ..LIMITS }).await;
    let mut chunks = Vec::new();
    let end = loop {
        match tokio::time::timeout(TICK, body.chunk()).await {
            Err(_) => {}
            Ok(Ok(bytes)) => chunks.push(bytes.unwrap()),
            Ok(Err(error)) => break error,
        }
    };
    assert_eq!(chunks, ["one", "two"]);
    assert_eq!(end, EgressError::TimedOut { status: Some(200) });
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_broken_after_what_arrived() {
    for end in [&b""[..], b"zz\r\n"] {
        let server = Server::start(Step::SendAndClose([&head("")[..], &chunk("one"), end].concat())).await;
        let mut body = open(&server, LIMITS).await;
        let (chunks, end) = drain(&mut body).await;
        assert_eq!((chunks.concat().as_str(), end), ("one", Err(EgressError::Broken { status: Some(200) })));
        assert!(end.unwrap_err().may_have_been_processed());
    }
}

#[tokio::test]
async fn dropping_a_stream_closes_its_connection() {
    let (step, closed) = paced(vec![head(""), chunk("one")], Duration::ZERO, false);
    let server = Server::start(step).await;
    let mut body = open(&server, LIMITS).await;
    body.chunk().await.unwrap();
    drop(body);
    tokio::time::timeout(LIMITS.total, closed.notified()).await.expect("closed");
}

#[tokio::test]
async fn what_never_connects_was_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let tls: Target = Target::parse(&format!("https://127.0.0.1:{port}/v1"), crate::Reach::Loopback).unwrap();
    let limits = Limits { first_byte: SHORT, ..LIMITS };
    let error = stream(&local_client(), &tls, limits).await.unwrap_err();
    assert_eq!(error, EgressError::NotSent(NotSent::TimedOut));
    drop(listener);
    let error = stream(&local_client(), &local(port), LIMITS).await.unwrap_err();
    assert_eq!(error, EgressError::NotSent(NotSent::Connect));
    assert!(!error.may_have_been_processed());
}
