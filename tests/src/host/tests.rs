//! Against a function in Python that does what it is told: `tests/support/fake_function.py`.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::Options;

const PRELUDE: &[u8] =
    b"{\"statusCode\":202,\"headers\":{\"x-fake\":\"yes\"},\"cookies\":[\"a=b\"]}\0\0\0\0\0\0\0\0";
const INVOKE: &str = "/2015-03-31/functions/fake/invocations";

struct Host {
    address: SocketAddr,
    serving: JoinHandle<std::io::Result<()>>,
}

/// The host ends its processes with itself.
impl Drop for Host {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Host {
    async fn start(workers: usize) -> Self {
        Self::with(workers, Duration::from_secs(60), &[]).await
    }

    async fn with(workers: usize, timeout: Duration, variables: &[(&str, &str)]) -> Self {
        let mut env = BTreeMap::from([("PATH".to_owned(), path())]);
        env.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(super::serve(listener, Options { binary: fake(), env, workers, timeout }));
        Self { address, serving }
    }

    async fn open(&self, path: &str, kind: &str, body: impl Into<Bytes>) -> Response<Incoming> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let request = Request::post(path)
            .header("host", "fake")
            .header("content-type", kind)
            .header("x-many", "a")
            .header("x-many", "b")
            .header("cookie", "c=d; e=f")
            .body(Full::new(body.into()))
            .unwrap();
        sender.send_request(request).await.unwrap()
    }

    async fn tell(&self, told: &Value) -> Response<Incoming> {
        self.open("/", "application/json", told.to_string()).await
    }

    async fn workers(&self) -> Vec<Value> {
        let status = whole(self.open("/_host", "", "").await).await;
        let status: Value = serde_json::from_slice(&status).unwrap();
        status["workers"].as_array().unwrap().clone()
    }

    /// Asks until a worker failed so.
    async fn failure(&self, name: &str) {
        while !self.workers().await.iter().any(|worker| worker["failures"][name] == 1) {
            tokio::task::yield_now().await;
        }
    }
}

fn path() -> String {
    std::env::var_os("PATH").unwrap().into_string().unwrap()
}

fn fake() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("support/fake_function.py")
}

async fn whole(response: Response<Incoming>) -> Bytes {
    response.into_body().collect().await.unwrap().to_bytes()
}

fn stream(pieces: &[&[u8]], end: &str) -> Value {
    let pieces: Vec<_> = pieces.iter().map(|piece| STANDARD.encode(piece)).collect();
    json!({ "do": "stream", "pieces": pieces, "end": end })
}

fn with_gate(mut told: Value, gate: &TcpListener) -> Value {
    told["gate"] = json!(gate.local_addr().unwrap().port());
    told
}

async fn gate() -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap()
}

async fn is_pending<T>(future: impl Future<Output = T>) -> bool {
    let mut future = pin!(future);
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending())).await
}

fn header<'a>(response: &'a Response<Incoming>, name: &str) -> &'a str {
    response.headers().get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

#[tokio::test]
async fn a_whole_answer_and_the_event_it_answers() {
    let host = Host::start(1).await;
    let told = json!({ "do": "whole" }).to_string();
    let response =
        host.open("/a%20b?x=1&y=%C3%A9+z&x=2", "application/json; charset=utf-8", told.clone()).await;
    assert_eq!(response.status().as_u16(), 201);
    assert_eq!((header(&response, "x-fake"), header(&response, "set-cookie")), ("yes", "a=b"));
    let about: Value = serde_json::from_slice(&whole(response).await).unwrap();
    let event = &about["event"];
    assert_eq!((&event["version"], &event["body"]), (&json!("2.0"), &json!(told)));
    assert_eq!(event["isBase64Encoded"], false);
    assert_eq!(
        (&event["rawPath"], &event["rawQueryString"]),
        (&json!("/a%20b"), &json!("x=1&y=%C3%A9+z&x=2"))
    );
    assert_eq!(event["queryStringParameters"], json!({ "x": "1,2", "y": "\u{e9} z" }));
    assert_eq!(event["cookies"], json!(["c=d", "e=f"]));
    assert_eq!((&event["headers"]["x-many"], &event["headers"]["cookie"]), (&json!("a,b"), &Value::Null));
    assert_eq!(event["headers"]["x-amzn-tls-version"], "TLSv1.3");
    let http = &event["requestContext"]["http"];
    assert_eq!((&http["method"], &http["sourceIp"]), (&json!("POST"), &json!("127.0.0.1")));
    let names = about["names"].as_array().unwrap();
    assert!(
        names.contains(&json!("AWS_LAMBDA_FUNCTION_NAME")) && !names.contains(&json!("CARGO_MANIFEST_DIR"))
    );
}

#[tokio::test]
async fn bodies_that_are_no_text_travel_as_base64_both_ways() {
    let host = Host::start(1).await;
    let told = json!({ "do": "whole" }).to_string();
    let about = whole(host.open("/", "application/octet-stream", told.clone()).await).await;
    let about: Value = serde_json::from_slice(&about).unwrap();
    assert_eq!(about["event"]["isBase64Encoded"], true);
    assert_eq!(about["event"]["body"], STANDARD.encode(&told));
    let answer = json!({ "statusCode": 200, "isBase64Encoded": true, "body": STANDARD.encode(b"\xff\0") });
    let response = host.tell(&json!({ "do": "say", "answer": answer })).await;
    assert_eq!(&whole(response).await[..], b"\xff\0");
}

#[tokio::test]
async fn an_answer_without_a_status_is_its_own_body_and_a_malformed_one_is_refused() {
    let host = Host::start(1).await;
    for (answer, status, body) in [
        (json!({ "a": 1 }), 200, r#"{"a": 1}"#),
        (json!([1]), 200, "[1]"),
        (json!({ "statusCode": 7 }), 502, r#"{"Message":"Internal Server Error"}"#),
        (
            json!({ "statusCode": 200, "isBase64Encoded": true, "body": "?" }),
            502,
            r#"{"Message":"Internal Server Error"}"#,
        ),
    ] {
        let response = host.tell(&json!({ "do": "say", "answer": answer })).await;
        assert_eq!((response.status().as_u16(), &whole(response).await[..]), (status, body.as_bytes()));
    }
}

#[tokio::test]
async fn a_streamed_answer_arrives_chunk_by_chunk() {
    let (host, gate) = (Host::start(1).await, gate().await);
    let told = with_gate(stream(&[PRELUDE, b"one", b"two", b"three"], "proper"), &gate);
    let mut call = pin!(host.tell(&told));
    let (mut gate, _) = tokio::select! {
        _ = &mut call => panic!("an answer before its status"),
        opened = gate.accept() => opened.unwrap(),
    };
    gate.write_all(b".").await.unwrap();
    let response = call.await;
    assert_eq!((response.status().as_u16(), header(&response, "x-fake")), (202, "yes"));
    assert_eq!(header(&response, "set-cookie"), "a=b");
    let mut body = response.into_body();
    for chunk in ["one", "two", "three"] {
        assert!(is_pending(body.frame()).await, "nothing before the function wrote it");
        gate.write_all(b".").await.unwrap();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), chunk);
    }
    assert!(body.frame().await.is_none(), "a proper end");
}

#[tokio::test]
async fn status_and_headers_may_be_cut_anywhere() {
    let host = Host::start(1).await;
    let all = [PRELUDE, b"body"].concat();
    for at in 1..all.len() {
        let (first, second) = all.split_at(at);
        let response = host.tell(&stream(&[first, second], "proper")).await;
        assert_eq!((response.status().as_u16(), header(&response, "x-fake")), (202, "yes"), "{at}");
        assert_eq!(&whole(response).await[..], b"body", "{at}");
    }
    let single: Vec<&[u8]> = all.chunks(1).collect();
    assert_eq!(&whole(host.tell(&stream(&single, "proper")).await).await[..], b"body");
}

#[tokio::test]
async fn a_stream_without_status_is_a_body_or_a_failure() {
    let host = Host::start(1).await;
    let mut bare = stream(&[b"a", b"b"], "proper");
    bare["bare"] = json!(true);
    let response = host.tell(&bare).await;
    assert_eq!((response.status().as_u16(), &whole(response).await[..]), (200, &b"ab"[..]));
    let response = host.tell(&stream(&[b"{\"statusCode\":200}"], "proper")).await;
    assert_eq!((response.status().as_u16(), header(&response, "x-host-failure")), (502, "function"));
}

#[tokio::test]
async fn a_stream_that_fails_ends_without_its_proper_end() {
    for (end, failure) in [("trailer", "function"), ("die", "crash")] {
        let (host, gate) = (Host::start(1).await, gate().await);
        let told = with_gate(stream(&[PRELUDE, b"one"], end), &gate);
        let calling = async { host.tell(&told).await.into_body() };
        let opening = async {
            let (mut gate, _) = gate.accept().await.unwrap();
            gate.write_all(b"..").await.unwrap();
            gate
        };
        let (mut body, mut gate) = tokio::join!(calling, opening);
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "one", "{end}");
        // A function that has ended its stream reads no more.
        let _ = gate.write_all(b".").await;
        assert!(body.frame().await.unwrap().is_err(), "{end}");
        host.failure(failure).await;
        assert_eq!(
            host.tell(&json!({ "do": "whole" })).await.status().as_u16(),
            201,
            "{end}: it serves again"
        );
    }
}

#[tokio::test]
async fn what_the_function_does_wrong_is_told_and_the_next_call_works() {
    let host = Host::with(1, Duration::from_secs(3), &[]).await;
    for (told, failure) in [("error", "function"), ("crash", "crash"), ("hang", "timeout")] {
        let response = host.tell(&json!({ "do": told })).await;
        assert_eq!((response.status().as_u16(), header(&response, "x-host-failure")), (502, failure));
        assert_eq!(
            &whole(response).await[..],
            br#"{"Message":"Internal Server Error"}"#,
            "no word of the function"
        );
        assert_eq!(host.tell(&json!({ "do": "whole" })).await.status().as_u16(), 201, "after {told}");
    }
    let worker = host.workers().await.remove(0);
    assert_eq!(worker["failures"], json!({ "function": 1, "crash": 1, "timeout": 1, "init": 0 }));
    assert_eq!((&worker["starts"], &worker["invocations"]), (&json!(3), &json!(6)));
}

#[tokio::test]
async fn a_function_that_does_not_come_up_answers_with_an_error() {
    let host = Host::with(1, Duration::from_secs(60), &[("FAKE_INIT", "error")]).await;
    let response = host.tell(&json!({ "do": "whole" })).await;
    assert_eq!((response.status().as_u16(), header(&response, "x-host-failure")), (502, "init"));
}

#[tokio::test]
async fn workers_run_side_by_side_and_calls_wait_for_a_free_one() {
    const WORKERS: usize = 3;
    let (host, gate) = (Host::start(WORKERS).await, gate().await);
    let told = with_gate(json!({ "do": "whole" }), &gate);
    let calls = async {
        let (a, b, c, d) =
            tokio::join!(host.tell(&told), host.tell(&told), host.tell(&told), host.tell(&told));
        let mut pids = Vec::new();
        for response in [a, b, c, d] {
            let about: Value = serde_json::from_slice(&whole(response).await).unwrap();
            pids.push(about["pid"].as_u64().unwrap());
        }
        pids
    };
    let gates = async {
        let mut held = Vec::new();
        for _ in 0..WORKERS {
            held.push(gate.accept().await.unwrap().0);
        }
        assert!(host.workers().await.iter().all(|worker| worker["busy"] == true));
        assert!(is_pending(gate.accept()).await, "the fourth call waits");
        held.remove(0).write_all(b".").await.unwrap();
        held.push(gate.accept().await.unwrap().0);
        for gate in &mut held {
            gate.write_all(b".").await.unwrap();
        }
    };
    let (mut pids, ()) = tokio::join!(calls, gates);
    pids.sort_unstable();
    pids.dedup();
    assert_eq!(pids.len(), WORKERS);
}

#[tokio::test]
async fn events_of_any_kind_go_in_by_invocation() {
    let host = Host::start(1).await;
    let told = json!({ "do": "say", "answer": { "batchItemFailures": [] } });
    let response = host.open(INVOKE, "application/json", told.to_string()).await;
    assert_eq!(header(&response, "x-amz-function-error"), "");
    assert_eq!(&whole(response).await[..], br#"{"batchItemFailures": []}"#);
    let response = host.open(INVOKE, "application/json", r#"{"do": "error"}"#).await;
    assert_eq!((response.status().as_u16(), header(&response, "x-amz-function-error")), (200, "Unhandled"));
    let error: Value = serde_json::from_slice(&whole(response).await).unwrap();
    assert_eq!(error["errorType"], "Fake");
}

#[test]
fn a_function_of_a_tests_own_ends_with_the_test() {
    let env = BTreeMap::from([("PATH".to_owned(), path())]);
    let options = Options { binary: fake(), env, workers: 2, timeout: Duration::from_secs(60) };
    let function = crate::support::Function::start(options);
    let ask =
        crate::support::Request::new("POST", function.url("/x")).with("content-type", "application/json");
    assert_eq!(ask.body(json!({ "do": "whole" }).to_string()).send().status, 201);
    let pids: Vec<_> =
        function.workers().as_array().unwrap().iter().map(|worker| worker["pid"].to_string()).collect();
    drop(function);
    // A killed process may wait for its parent to look; it runs no more.
    let state = |pid: &String| std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    assert_eq!(pids.len(), 2);
    crate::support::wait::until("the processes to end", || {
        pids.iter().all(|pid| state(pid).is_empty() || state(pid).contains(") Z ")).then_some(())
    });
}
