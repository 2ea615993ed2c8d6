//! Plain HTTP/1.1, one connection a request: what a test sends is what arrives.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{HOST, HeaderName, SET_COOKIE};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

/// Ends a test whose call hangs; the gateway's own deadlines are far shorter.
const BOUND: Duration = Duration::from_secs(240);
/// The emulator's own throttle, on which a client of AWS waits and tries again.
const THROTTLED: &str = "TooManyRequestsException";
const THROTTLE_WAIT: Duration = Duration::from_millis(50);

/// A request. Each setting replaces the one before.
#[derive(Debug, Clone)]
pub struct Request {
    method: &'static str,
    url: String,
    headers: BTreeMap<&'static str, String>,
    body: Bytes,
    tries: u32,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    /// Every `Set-Cookie`: it alone may stand there more than once.
    pub set_cookies: Vec<String>,
    pub body: String,
    /// How often the emulator's throttle sent the call back before.
    pub throttled: u32,
    /// How often it was sent, this time included.
    pub tries: u32,
}

impl Request {
    pub fn new(method: &'static str, url: impl Into<String>) -> Self {
        Self { method, url: url.into(), headers: BTreeMap::new(), body: Bytes::new(), tries: 1 }
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.insert(name, value.into());
        self
    }

    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }

    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Tries again, as the SDKs do, when the gateway says that the same call can succeed later.
    #[must_use]
    pub fn trying(mut self, tries: u32) -> Self {
        self.tries = tries;
        self
    }

    /// Sends it and waits for the whole answer.
    pub fn send(self) -> Answer {
        send_all(vec![self]).pop().expect("one request has one answer")
    }

    /// Sends it and closes the connection without waiting for an answer.
    pub fn abandon(self) {
        let uri: hyper::Uri = self.url.parse().expect("tests write valid URLs");
        let mut stream =
            std::net::TcpStream::connect(uri.authority().expect("a whole URL").as_str()).expect("it listens");
        let mut text = format!(
            "{} {} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n",
            self.method,
            uri.path(),
            self.body.len()
        );
        for (name, value) in &self.headers {
            text += &format!("{name}: {value}\r\n");
        }
        let bytes = [text.as_bytes(), b"\r\n", &self.body].concat();
        stream.write_all(&bytes).expect("the request is sent");
        // Long enough to be read whole before the connection ends.
        std::thread::sleep(Duration::from_millis(300));
    }

    /// Sends it and returns as soon as the answer begins.
    pub fn open(self) -> Live {
        let runtime = runtime();
        let (answer, body) = runtime.block_on(bound(self.begin()));
        Live { runtime, answer, body: Some(body) }
    }

    async fn begin(&self) -> (Answer, Incoming) {
        let uri: hyper::Uri = self.url.parse().expect("tests write valid URLs");
        let authority = uri.authority().expect("a whole URL").as_str();
        let stream = TcpStream::connect(authority).await.expect("the other side listens");
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("HTTP begins");
        drop(tokio::spawn(connection));
        let path = uri.path_and_query().map_or("/", hyper::http::uri::PathAndQuery::as_str);
        let mut request = hyper::Request::builder().method(self.method).uri(path).header(HOST, authority);
        for (name, value) in &self.headers {
            request = request.header(HeaderName::from_static(name), value);
        }
        let request = request.body(Full::new(self.body.clone())).expect("tests write valid headers");
        let (head, body) = sender.send_request(request).await.expect("there is an answer").into_parts();
        let text =
            |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let answer = Answer {
            status: head.status.as_u16(),
            headers: head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
            set_cookies: head.headers.get_all(SET_COOKIE).iter().map(text).collect(),
            body: String::new(),
            throttled: 0,
            tries: 1,
        };
        (answer, body)
    }

    async fn exchange(&self) -> Answer {
        let (mut answer, body) = self.begin().await;
        let body = body.collect().await.expect("the answer is whole").to_bytes();
        answer.body = String::from_utf8_lossy(&body).into_owned();
        answer
    }

    async fn persist(self) -> Answer {
        let (mut throttled, mut tries) = (0, 1);
        loop {
            let answer = tokio::time::timeout(BOUND, self.exchange()).await.expect("the call ends");
            if answer.status == 429 && answer.body.contains(THROTTLED) {
                throttled += 1;
            } else if tries < self.tries && may_succeed_later(&answer) {
                tries += 1;
            } else {
                return Answer { throttled, tries, ..answer };
            }
            tokio::time::sleep(THROTTLE_WAIT).await;
        }
    }
}

/// An answer that is still coming.
#[derive(Debug)]
pub struct Live {
    runtime: Runtime,
    /// Its body is what came so far.
    pub answer: Answer,
    body: Option<Incoming>,
}

impl Live {
    /// Reads on until what came satisfies `enough`. Its end before that fails.
    pub fn until(&mut self, enough: impl Fn(&str) -> bool) {
        while !enough(&self.answer.body) {
            assert!(self.more(), "the stream ended: {}", self.answer.body);
        }
    }

    /// Reads to the end.
    pub fn rest(mut self) -> Answer {
        while self.more() {}
        self.answer
    }

    /// The next piece; false at the end.
    fn more(&mut self) -> bool {
        let Some(body) = &mut self.body else { return false };
        let Some(frame) = self.runtime.block_on(bound(body.frame())) else { return false };
        if let Some(bytes) = frame.expect("the stream is whole").data_ref() {
            self.answer.body += &String::from_utf8_lossy(bytes);
        }
        true
    }

    /// Closes the connection.
    pub fn leave(self) {}
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

async fn bound<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(BOUND, work).await.expect("the other side answers")
}

/// What the gateway says itself, or a fault of the platform, which says nothing of the kind.
fn may_succeed_later(answer: &Answer) -> bool {
    answer.header("x-should-retry").map_or(answer.status >= 500, |retry| retry == "true")
}

/// Sends all at once; answers in the order of the requests.
pub fn send_all(requests: Vec<Request>) -> Vec<Answer> {
    runtime().block_on(async {
        let running: Vec<_> = requests.into_iter().map(|request| tokio::spawn(request.persist())).collect();
        let mut answers = Vec::new();
        for call in running {
            answers.push(call.await.expect("the call did not panic"));
        }
        answers
    })
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The assistant's text.
    pub fn content(&self) -> String {
        let json = self.json();
        let content = json["choices"][0]["message"]["content"].as_str();
        content.unwrap_or_else(|| panic!("no answer: {self:?}")).to_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The data of a stream's events, its end mark left out.
    pub fn events(&self) -> Vec<Value> {
        let data = self.body.lines().filter_map(|line| line.strip_prefix("data: "));
        let parsed = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| panic!("no JSON: {text}"));
        data.filter(|text| *text != "[DONE]").map(parsed).collect()
    }

    /// The id of the action that the answer belongs to.
    pub fn action(&self) -> String {
        self.header("x-cs-action-id").unwrap_or_else(|| panic!("no action id: {self:?}")).to_owned()
    }

    /// Everything that the caller sees, for looking for what must not be there.
    pub fn all_text(&self) -> String {
        format!("{:?} {}", self.headers, self.body)
    }
}
