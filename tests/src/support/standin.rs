//! A channel of the stand-in provider: what it is told, what it received, and how far its streams are.

use std::net::Ipv4Addr;

use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::http::Request;
use super::stack::{stack, unique};
use super::wait::until;

#[derive(Debug, Clone)]
pub struct Channel {
    provider: String,
    name: String,
}

impl Channel {
    /// Of the stack's stand-in.
    pub fn new(name: String) -> Self {
        Self::of(stack().text("/provider_url"), name)
    }

    /// Of the stand-in at `provider`, such as [`start`] returns.
    pub fn of(provider: &str, name: String) -> Self {
        Self { provider: provider.to_owned(), name }
    }

    /// The base URL that a tenant's provider has; for the kinds `openai` and `anthropic`.
    pub fn url(&self) -> String {
        format!("{}/v1", self.root())
    }

    /// The same for the kind `azure`.
    pub fn azure_url(&self) -> String {
        format!("{}/openai/v1", self.root())
    }

    /// Without a version, as Anthropic's SDKs want it.
    pub fn root(&self) -> String {
        format!("{}/{}", self.provider, self.name)
    }

    fn ask(&self, method: &'static str, what: &str) -> Request {
        Request::new(method, format!("{}/_{what}/{}", self.provider, self.name))
    }

    /// Tells the channel how to behave from now on.
    pub fn tell(&self, behaviour: &Value) {
        let answer = self.ask("PUT", "control").body(behaviour.to_string()).send();
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// The requests so far, oldest first: `{method, path, headers, body}`.
    pub fn received(&self) -> Vec<Value> {
        let answer = self.ask("GET", "requests").send();
        answer.json().as_array().expect("a list of requests").clone()
    }

    /// Forgets the requests so far.
    pub fn forget(&self) {
        assert_eq!(self.ask("DELETE", "requests").send().status, 200);
    }

    /// Lets streams of a channel that was told `stepped` send `events` more.
    pub fn step(&self, events: usize) {
        let answer = self.ask("POST", "step").body(events.to_string()).send();
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// `{sent, open, stalled}`: events sent since the channel was told something, and streams now.
    pub fn streams(&self) -> Value {
        self.ask("GET", "streams").send().json()
    }

    /// Waits until the provider's side of every stream is over, because it ended or because its reader went away.
    pub fn closed(&self) {
        until("the streams to end", || (self.streams()["open"] == json!(0)).then_some(()));
    }
}

/// A stand-in of this process's own, for tests that need no stack. It serves until the process ends.
pub fn start() -> String {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("an address");
    listener.set_nonblocking(true).expect("a socket that can wait");
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener).expect("a listener");
            crate::standin::serve(listener).await.expect("it never returns");
        });
    });
    format!("http://{address}")
}

/// A channel that no other test has, of a stand-in of this process's own.
pub fn own_channel() -> Channel {
    Channel::of(&start(), format!("c-{}", unique::<8>()))
}
