//! A function's real binary behind a URL of the test's own, with true streaming: the stack's emulator holds answers
//! back until they are whole.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::http::Request;
use super::stack::stack;
use crate::host::{Options, serve};

/// As on the stack.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A running function. Its processes end with it.
#[derive(Debug)]
pub struct Function {
    url: String,
    end: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<()>>,
}

impl Function {
    pub fn start(options: Options) -> Self {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        listener.set_nonblocking(true).expect("a socket that can wait");
        let (end, ended) = oneshot::channel();
        let serving = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let listener = TcpListener::from_std(listener).expect("a listener");
                tokio::select! {
                    served = serve(listener, options) => served.expect("workers find ports"),
                    _ = ended => {}
                }
            });
        });
        Self { url, end: Some(end), serving: Some(serving) }
    }

    /// The stack's gateway once more, with its tables, queue and key, under the role that `credentials` names in
    /// `stack.json`, and with `variables` beside or instead of its own.
    pub fn gateway(credentials: &str, workers: usize, variables: &[(&str, &str)]) -> Self {
        let stack = stack();
        let mut env: BTreeMap<String, String> = stack
            .at("/ops_environment")
            .as_object()
            .expect("variables")
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
            .collect();
        let granted = |field: &str| stack.text(&format!("/credentials/{credentials}/{field}")).to_owned();
        let own = [
            ("CS_SIGNING_KEY_ARN", stack.text("/signing_keys/gateway").to_owned()),
            ("CS_CODE_SHA256", "0".repeat(64)),
            ("AWS_ENDPOINT_URL", stack.text("/endpoint").to_owned()),
            ("AWS_REGION", stack.text("/region").to_owned()),
            ("AWS_ACCESS_KEY_ID", granted("access_key_id")),
            ("AWS_SECRET_ACCESS_KEY", granted("secret_access_key")),
            ("AWS_SESSION_TOKEN", granted("session_token")),
        ];
        env.extend(own.map(|(name, value)| (name.to_owned(), value)));
        env.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Self::start(Options { binary: binary("gateway"), env, workers, timeout: TIMEOUT })
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// `{pid, starts, init_ms, invocations, busy, failures}` of each worker.
    pub fn workers(&self) -> Value {
        Request::new("GET", self.url("/_host")).send().json()["workers"].clone()
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(serving) = self.serving.take() {
            // A host that panicked has said so already.
            let _ = serving.join();
        }
    }
}

/// A program of the fast profile.
fn binary(name: &str) -> PathBuf {
    stack().built("debug").join(name)
}
