//! A certified OpenID provider on the loopback: npm's `oidc-provider`, pinned by `tests/local/idp` and installed below
//! `target/idp` when it is first wanted.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::{Value, json};

use super::http::Request;

/// A provider of this test's own. It ends with this value.
#[derive(Debug)]
pub struct Idp {
    child: Child,
    /// Its end is the server's.
    input: Option<ChildStdin>,
    issuer: String,
}

#[derive(Debug, Deserialize)]
struct Installed {
    program: PathBuf,
    script: PathBuf,
}

#[derive(Debug, Deserialize)]
struct Started {
    issuer: String,
}

/// How a token is made that a provider would never send.
#[derive(Debug, Clone, Copy)]
pub enum Mint {
    /// With the provider's own key.
    Signed,
    /// With another key under the same name.
    Foreign,
    /// Not at all.
    None,
    /// With the public key as a shared secret.
    Hs256,
}

impl Mint {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Signed => "signed",
            Self::Foreign => "foreign",
            Self::None => "none",
            Self::Hs256 => "hs256",
        }
    }
}

impl Idp {
    /// Starts one with clients and users as `tests/local/idp/server.mjs` takes them. `None`, said aloud, where there is
    /// no Node.
    pub fn start(clients: &Value, users: &Value) -> Option<Self> {
        let Some(installed) = installed() else {
            let _ =
                writeln!(std::io::stderr(), "SKIPPED: the identity provider needs node and npm on the PATH");
            return None;
        };
        let mut child = Command::new(&installed.program)
            .arg(&installed.script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node starts");
        let mut input = child.stdin.take().expect("a pipe");
        writeln!(input, "{}", json!({"port": 0, "clients": clients, "users": users})).expect("it reads");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("it says where");
        let started: Started =
            serde_json::from_str(&line).unwrap_or_else(|_| panic!("the identity provider did not start"));
        Some(Self { child, input: Some(input), issuer: started.issuer })
    }

    /// One with the client `countersign`, whose redirect URI is given, and with the user `dana`, who has a second factor
    /// and the groups `Ops` and `Everyone`, and `noa`, who has neither.
    pub fn of_acme(redirect_uri: &str) -> Option<Self> {
        let clients = json!([
            {"client_id": CLIENT, "client_secret": SECRET, "redirect_uris": [redirect_uri]},
            {
                "client_id": "another", "client_secret": SECRET, "redirect_uris": [redirect_uri],
                "token_endpoint_auth_method": "client_secret_post",
            },
        ]);
        let users = json!({
            "dana": {
                "name": "Dana Levi", "email": "dana@acme.test", "email_verified": true,
                "groups": ["Ops", "Everyone"], "amr": ["pwd", "mfa"],
            },
            "noa": {"name": "Noa Bar", "email": "noa@acme.test", "email_verified": false, "amr": ["pwd"]},
        });
        Self::start(&clients, &users)
    }

    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Its answer to a GET.
    pub fn read(&self, url: &str) -> String {
        let answer = Request::new("GET", url).send();
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body
    }

    /// Adds or replaces a user; without claims it is removed.
    pub fn user(&self, name: &str, claims: Option<&Value>) {
        self.control("PUT", "user", &json!({"name": name, "claims": claims}));
    }

    /// Adds or replaces a client.
    pub fn client(&self, metadata: &Value) {
        self.control("PUT", "client", metadata);
    }

    /// Signs with a new key from now on; the old one stays published or does not. Returns the new one's name.
    pub fn rotate(&self, alg: &str, keep: bool) -> String {
        let rotated = self.control("POST", "rotate", &json!({"alg": alg, "keep": keep}));
        rotated["kid"].as_str().expect("a name").to_owned()
    }

    /// A token with these members beside or instead of the usual ones of its header.
    pub fn mint(&self, how: Mint, header: &Value, claims: &Value) -> String {
        let wanted = json!({"how": how.as_str(), "header": header, "claims": claims});
        self.control("POST", "mint", &wanted)["token"].as_str().expect("a token").to_owned()
    }

    /// Logout tokens of clients that name no other address for them, oldest first.
    pub fn logouts(&self) -> Vec<String> {
        let logouts = self.control("GET", "logouts", &Value::Null);
        serde_json::from_value(logouts).expect("a list of tokens")
    }

    fn control(&self, method: &'static str, what: &str, body: &Value) -> Value {
        let request = Request::new(method, format!("{}/control/{what}", self.issuer));
        let answer = if body.is_null() { request } else { request.body(body.to_string()) }.send();
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }
}

/// The client of [`Idp::of_acme`].
pub const CLIENT: &str = "countersign";
/// Its secret, with what a form encodes.
pub const SECRET: &str = "a secret+of/tests:%";

impl Drop for Idp {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

/// Installed once a process; processes take turns.
fn installed() -> Option<&'static Installed> {
    static INSTALLED: OnceLock<Option<Installed>> = OnceLock::new();
    let install = || {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let done = Command::new("python3")
            .arg(here.join("local/idp/install.py"))
            .arg(here.join("../target/idp"))
            .stderr(Stdio::inherit())
            .output()
            .expect("python3 is on the PATH");
        assert!(done.status.success(), "the identity provider cannot be installed");
        serde_json::from_slice(&done.stdout).expect("install.py prints JSON")
    };
    INSTALLED.get_or_init(install).as_ref()
}
