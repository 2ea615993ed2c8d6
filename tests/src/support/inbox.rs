//! Where a tenant's people and agents are told: addresses that keep what is posted to them, and the mail that the emulator took.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::http::Request;
use super::stack::stack;

/// What was posted to a path.
#[derive(Debug, Clone)]
pub struct Post {
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

/// A server of this process's own, until the process ends. It keeps whatever comes.
#[derive(Debug, Clone)]
pub struct Inbox {
    address: String,
    posts: Arc<Mutex<Vec<Post>>>,
    refused: Arc<Mutex<BTreeSet<String>>>,
}

impl Inbox {
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let inbox = Self { address, posts: Arc::default(), refused: Arc::default() };
        let heard = inbox.clone();
        serve(listener, move |stream| heard.take(stream));
        inbox
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    /// What came to a path, oldest first.
    pub fn posts(&self, path: &str) -> Vec<Post> {
        self.kept().iter().filter(|post| post.path == path).cloned().collect()
    }

    /// From now on what comes to a path is answered as by a server that is down.
    pub fn refuses(&self, path: &str) {
        self.refused().insert(path.to_owned());
    }

    pub fn takes(&self, path: &str) {
        self.refused().remove(path);
    }

    fn refused(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Post>> {
        self.posts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, mut stream: TcpStream) {
        let Some((head, body)) = received(&mut stream) else { return };
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let headers = head.lines().filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
        let status = if self.refused().contains(&path) { "503 Service Unavailable" } else { "200 OK" };
        self.kept().push(Post { path, headers, body });
        let answer = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok");
        let _ = stream.write_all(answer.as_bytes());
    }
}

/// Hands every connection over in a thread of its own, until the process ends.
pub fn serve(listener: TcpListener, answer: impl Fn(TcpStream) + Clone + Send + 'static) {
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = answer.clone();
            std::thread::spawn(move || answer(stream));
        }
    });
}

/// A request's head and body.
pub fn received(stream: &mut TcpStream) -> Option<(String, String)> {
    let (mut text, mut buffer) = (String::new(), [0; 16_384]);
    loop {
        let read = stream.read(&mut buffer).ok().filter(|read| *read > 0)?;
        text.push_str(std::str::from_utf8(buffer.get(..read)?).ok()?);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.map_or(Some(0), |length| length.parse().ok())? {
            return Some((head.to_owned(), body.to_owned()));
        }
    }
}

/// The mail that the emulator's SES took for an address: `{Source, To, Subject, BodyText, …}`. Nothing leaves the machine.
pub fn mail(to: &str) -> Vec<Value> {
    let told = Request::new("GET", format!("{}/_ministack/ses/messages", stack().text("/endpoint"))).send();
    let told = told.json();
    let accounts = told["messages"].as_object().expect("accounts").values();
    let all = accounts.flat_map(|one| one.as_array().expect("a list"));
    all.filter(|one| one["To"].as_array().is_some_and(|all| all.contains(&to.into()))).cloned().collect()
}
