//! The management API as people use it: a first administrator by IAM, an identity provider, and browsers that sign in.

use std::fs::File;

use serde_json::{Value, json};

use super::browser::Browser;
use super::http::{Answer, Request};
use super::idp::{CLIENT, Idp, SECRET};
use super::stack::{stack, unique};
use super::{aws, planted};

/// An organization with its identity provider, and who signed in through it.
#[derive(Debug)]
pub struct Org {
    pub idp: Idp,
    pub id: String,
    pub connection: String,
    users: Vec<String>,
}

/// Somebody's session, as a command presents it.
#[derive(Debug, Clone)]
pub struct Person {
    pub user: String,
    pub key: String,
}

/// The function's own address.
pub fn url(path: &str) -> String {
    format!("{}{path}", stack().text("/admin_url"))
}

/// A request of nobody.
pub fn bare(method: &'static str, path: &str) -> Request {
    Request::new(method, url(path)).with("x-amzn-tls-version", "TLSv1.3")
}

impl Person {
    pub fn request(&self, method: &'static str, path: &str) -> Request {
        bare(method, path).with("authorization", format!("Bearer {}", self.key))
    }

    pub fn get(&self, path: &str) -> Answer {
        self.request("GET", path).send()
    }

    /// The id of the session.
    pub fn session(&self) -> String {
        self.get("/v1/session").json()["session"]["id"].as_str().expect("a session").to_owned()
    }

    pub fn send(&self, method: &'static str, path: &str, body: &Value) -> Answer {
        let request = self.request(method, path).with("content-type", "application/json");
        request.body(body.to_string()).send()
    }

    /// Asks an organization for what needs a second person, and has that person confirm it.
    pub fn by_two(&self, second: &Self, path: &str, body: &Value) -> Answer {
        let asked = self.send("POST", path, body);
        second.confirm(path, &asked)
    }

    /// Confirms what another was told of an organization's that waits.
    pub fn confirm(&self, path: &str, asked: &Answer) -> Answer {
        assert_eq!(asked.status, 202, "{asked:?}");
        let change = asked.json()["id"].as_str().expect("a change").to_owned();
        let org: Vec<&str> = path.splitn(5, '/').take(4).collect();
        let done = self.send("POST", &format!("{}/changes/{change}/confirm", org.join("/")), &json!({}));
        assert_eq!(done.status, 200, "{done:?}");
        done
    }

    /// Writes what the caller saw, by its entity tag.
    pub fn put(&self, path: &str, body: &Value) -> Answer {
        let seen = self.get(path);
        let tag = seen.header("etag").unwrap_or_default().to_owned();
        let request =
            self.request("PUT", path).with("content-type", "application/json").with("if-match", tag);
        request.body(body.to_string()).send()
    }
}

/// Everybody is in the provider under a name of this test's own, so that tests share nothing.
fn users() -> Value {
    let user = |groups: Value, amr: Value| {
        let email = format!("{}@acme.test", unique::<8>());
        planted::note(&email);
        json!({"name": "A Person", "email": email, "email_verified": true, "groups": groups, "amr": amr})
    };
    let strong = || json!(["pwd", "mfa"]);
    json!({
        "owner": user(json!([]), strong()),
        "dana": user(json!([]), strong()),
        "noa": user(json!([]), strong()),
        "weak": user(json!([]), json!(["pwd"])),
        "stranger": user(json!([]), strong()),
    })
}

impl Org {
    /// Made by whoever IAM says, with its owner signed in. One after the other: the first sign-in ends bootstrapping, which
    /// is opened again for each test. `None`, said aloud, where there is no Node.
    pub fn begun() -> Option<(Self, Person)> {
        let turn = File::create(stack().home().join("bootstrap.lock")).expect("a file of the stack's own");
        // Until its end; other programs of tests run beside this one.
        turn.lock().expect("a lock");
        reopen();
        let org = Self::bootstrap()?;
        let owner = org.sign_in("owner").unwrap_or_else(|answer| panic!("the owner is let in: {answer:?}"));
        Some((org, owner))
    }

    fn bootstrap() -> Option<Self> {
        let users = users();
        let idp = Idp::start(&json!([]), &users)?;
        let body = json!({
            "name": "acme", "owner_email": users["owner"]["email"],
            "connection": {"idp": "custom", "issuer": idp.issuer(), "client_id": CLIENT, "client_secret": SECRET},
        });
        let answer = bootstrap_as("bootstrap", &body).expect("the role may call it");
        assert_eq!(answer["status"], 201, "{answer}");
        let made: Value = serde_json::from_str(answer["body"].as_str().unwrap_or_default()).expect("JSON");
        let text = |name: &str| made[name].as_str().unwrap_or_default().to_owned();
        assert!(text("redirect_uri").starts_with(origin()), "{made}");
        idp.client(
            &json!({"client_id": CLIENT, "client_secret": SECRET, "redirect_uris": [text("redirect_uri")]}),
        );
        let emails = users.as_object().expect("users").iter();
        let users =
            emails.map(|(name, user)| format!("{name}={}", user["email"].as_str().unwrap_or_default()));
        Some(Self { idp, id: text("org"), connection: text("connection"), users: users.collect() })
    }

    /// The same organization through another provider, where everybody has the same address and is in the group `Ops`. Asked for
    /// by one owner and confirmed by another; the client's secret is set afterwards.
    pub fn beside(&self, by: &Person, second: &Person, grant: &Value) -> Self {
        self.beside_in(by, second, grant, &json!(["Ops"]))
    }

    /// The same, where tokens say that everybody is in these groups.
    pub fn beside_in(&self, by: &Person, second: &Person, grant: &Value, groups: &Value) -> Self {
        let named = |user: &String| {
            let (name, email) = user.split_once('=').expect("name and address");
            let claims = json!({"name": "A Person", "email": email, "email_verified": true, "groups": groups, "amr": ["pwd", "mfa"]});
            (name.to_owned(), claims)
        };
        let users: Value = self.users.iter().map(named).collect::<serde_json::Map<_, _>>().into();
        let idp = Idp::start(&json!([]), &users).expect("there is Node: another provider runs");
        let form = json!({
            "idp": "custom", "issuer": idp.issuer(), "client_id": CLIENT, "jit": true,
            "group_roles": [{"group": "Ops", "grant": grant}],
        });
        let connections = format!("/v1/orgs/{}/connections", self.id);
        let made = by.by_two(second, &connections, &form);
        let connection = made.json()["id"].as_str().expect("a connection").to_owned();
        let path = format!("{connections}/{connection}");
        let tag = by.get(&path).header("etag").unwrap_or_default().to_owned();
        let secret = by.request("PUT", &format!("{path}/secret")).with("content-type", "application/json");
        let set = secret.with("if-match", tag).body(json!({"client_secret": SECRET}).to_string()).send();
        assert_eq!(set.status, 200, "{set:?}");
        let redirect = format!("{}/v1/sso/{connection}/callback", origin());
        idp.client(&json!({"client_id": CLIENT, "client_secret": SECRET, "redirect_uris": [redirect]}));
        Self { idp, id: self.id.clone(), connection, users: self.users.clone() }
    }

    pub fn email(&self, name: &str) -> &str {
        let prefix = format!("{name}=");
        self.users.iter().find_map(|user| user.strip_prefix(&prefix)).expect("a user of the provider")
    }

    /// Where a browser is sent back to, as the provider names it, and the browser.
    pub fn callback(&self, name: &str) -> (Browser, String) {
        let mut browser = Browser::new();
        let login = url(&format!("/v1/sso/{}/login", self.connection));
        let back = browser.sign_in(&login, name, origin());
        (browser, back.replacen(origin(), stack().text("/admin_url"), 1))
    }

    /// Signs in.
    ///
    /// # Errors
    /// The answer that refuses it.
    pub fn sign_in(&self, name: &str) -> Result<Person, Answer> {
        let (mut browser, back) = self.callback(name);
        let page = browser.get(&back);
        if page.answer.status != 303 {
            return Err(page.answer);
        }
        let key = browser.cookie("__Host-cs_session").expect("a session").to_owned();
        planted::note(&key);
        let mut person = Person { user: String::new(), key };
        person.user = person.get("/v1/session").json()["user"].as_str().expect("who it is").to_owned();
        Ok(person)
    }

    /// Invites somebody and signs them in.
    pub fn join(&self, by: &Person, name: &str, more: &Value) -> Person {
        let mut body = json!({"email": self.email(name), "connection": self.connection});
        if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
            body.extend(more.clone());
        }
        let answer = by.send("POST", &format!("/v1/orgs/{}/invitations", self.id), &body);
        assert_eq!(answer.status, 201, "{answer:?}");
        self.sign_in(name).unwrap_or_else(|answer| panic!("{name} is let in: {answer:?}"))
    }
}

/// Asks for the first organization, signed by a role's credentials.
///
/// # Errors
/// IAM lets the role not call it.
pub fn bootstrap_as(role: &str, body: &Value) -> Result<Value, aws::AwsError> {
    let url = format!("{}/v1/bootstrap", stack().text("/bootstrap_url"));
    aws::call(role, "url", "POST", &json!({"url": url, "body": body.to_string()}))
}

/// What the function calls itself, and where browsers find it.
pub fn origin() -> &'static str {
    stack().text("/admin_front")
}

/// A stack is bootstrapped once; tests of it are many.
fn reopen() {
    let key = json!({"pk": {"S": "PLATFORM"}, "sk": {"S": "BOOTSTRAPPED"}});
    let params = json!({"TableName": stack().text("/tables/identity"), "Key": key});
    aws::must("root", "dynamodb", "delete_item", &params);
}
