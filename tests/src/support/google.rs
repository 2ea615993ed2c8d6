//! Google's directory, as its API answers ("Directory API: Users", "Members"): what the stack's SCIM function asks in place of
//! Google. Pages hold two entries, so that none of them is everything.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use serde_json::{Value, json};

use super::inbox::{received, serve};
use super::planted;
use super::stack::{stack, unique};

pub const ADMIN: &str = "admin@acme.test";
pub const READER: &str = "reader@acme.iam.gserviceaccount.com";
const KEY: &str = include_str!("../../../functions/scim/src/google/testing/service_key.txt");
const PAGE: usize = 2;

/// What a Workspace is at the moment.
#[derive(Debug, Default)]
pub struct Workspace {
    /// Address by id, and whether it is suspended.
    pub people: BTreeMap<String, (String, bool)>,
    /// Ids by a group's address.
    pub groups: BTreeMap<String, Vec<String>>,
    /// Answered to every page from this one on, counted from the first of a pass.
    pub fault: Option<(usize, u16)>,
    pages: usize,
    tokens: BTreeSet<String>,
}

/// The one that listens where the stack's function looks for it.
#[derive(Debug, Clone)]
pub struct Google(Arc<Mutex<Workspace>>);

impl Google {
    /// Until the process ends.
    pub fn start() -> Self {
        let place = stack().text("/directory_origin").trim_start_matches("http://");
        let listener = TcpListener::bind(place).expect("the stack's port for a directory is free");
        let google = Self(Arc::default());
        let heard = google.clone();
        serve(listener, move |stream| heard.answer(stream));
        google
    }

    /// What a service account's file has of it, and whom it reads as. Its key must turn up nowhere.
    pub fn account() -> Value {
        planted::note(KEY.lines().nth(3).expect("a long key"));
        let key = format!("-----BEGIN PRIVATE KEY-----\n{KEY}-----END PRIVATE KEY-----\n");
        json!({"admin_email": ADMIN, "client_email": READER, "private_key": key})
    }

    pub fn now(&self) -> MutexGuard<'_, Workspace> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, mut stream: TcpStream) {
        let Some((head, body)) = received(&mut stream) else { return };
        let (status, answer) = self.now().asked(&head, &body);
        let answer = answer.to_string();
        let head = "content-type: application/json; charset=UTF-8\r\nconnection: close";
        let answer =
            format!("HTTP/1.1 {status} Said\r\n{head}\r\ncontent-length: {}\r\n\r\n{answer}", answer.len());
        let _ = stream.write_all(answer.as_bytes());
    }
}

impl Workspace {
    fn asked(&mut self, head: &str, body: &str) -> (u16, Value) {
        let mut words = head.split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if (method, path) == ("POST", "/token") {
            self.pages = 0;
            return self.token(body);
        }
        let bearer = head.lines().find_map(|line| line.strip_prefix("authorization: Bearer "));
        if !bearer.is_some_and(|token| self.tokens.contains(token)) {
            return (401, json!({"error": {"code": 401}}));
        }
        self.pages += 1;
        if let Some((_, status)) = self.fault.filter(|(from, _)| self.pages >= *from) {
            return (status, json!({"error": {"code": status}}));
        }
        let asked: BTreeMap<&str, &str> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let from = asked.get("pageToken").and_then(|token| token.parse().ok()).unwrap_or(0);
        let group =
            path.strip_prefix("/admin/directory/v1/groups/").and_then(|rest| rest.strip_suffix("/members"));
        match (path, group) {
            ("/admin/directory/v1/users", _) if asked.get("customer") == Some(&"my_customer") => {
                let user = |(id, (email, suspended)): (&String, &(String, bool))| json!({"id": id, "primaryEmail": email, "suspended": suspended, "archived": false});
                page("users", self.people.iter().map(user).collect(), from)
            }
            (_, Some(group)) => match self.groups.get(&group.replace("%40", "@")) {
                Some(ids) => {
                    let member = |id: &String| json!({"id": id, "type": "USER"});
                    page("members", ids.iter().map(member).collect(), from)
                }
                None => (404, json!({"error": {"code": 404}})),
            },
            _ => (400, json!({"error": {"code": 400}})),
        }
    }

    /// RFC 7523 section 3: signed by the account, for the administrator, for this place, not over.
    fn token(&mut self, form: &str) -> (u16, Value) {
        let granted = claims(form).filter(|claims| {
            let scopes = claims["scope"].as_str().unwrap_or_default().split(' ');
            let span = |name: &str| claims[name].as_u64().unwrap_or_default();
            claims["iss"] == READER
                && claims["sub"] == ADMIN
                && claims["aud"] == "https://oauth2.googleapis.com/token"
                && scopes.clone().count() == 2
                && scopes.into_iter().all(|scope| scope.ends_with(".readonly"))
                && (1..=3_600).contains(&span("exp").saturating_sub(span("iat")))
        });
        if granted.is_none() {
            return (400, json!({"error": "invalid_grant"}));
        }
        let token = format!("ya29.{}", unique::<24>());
        planted::note(&token);
        self.tokens.insert(token.clone());
        (200, json!({"access_token": token, "expires_in": 3599, "token_type": "Bearer"}))
    }
}

/// Claims of an assertion that the account signed.
fn claims(form: &str) -> Option<Value> {
    let assertion =
        form.strip_prefix("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=")?;
    let (message, signature) = assertion.rsplit_once('.')?;
    let pair = RsaKeyPair::from_pkcs8(&STANDARD.decode(KEY.replace('\n', "")).ok()?).ok()?;
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref());
    public.verify(message.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).ok()?).ok()?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(message.split_once('.')?.1).ok()?).ok()
}

fn page(of: &str, all: Vec<Value>, from: usize) -> (u16, Value) {
    let more = all.len() > from + PAGE;
    let some: Vec<Value> = all.into_iter().skip(from).take(PAGE).collect();
    let mut answer = json!({"kind": format!("admin#directory#{of}"), of: some});
    if more {
        answer["nextPageToken"] = (from + PAGE).to_string().into();
    }
    (200, answer)
}
