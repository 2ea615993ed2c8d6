//! Actions that wait for people: an agent that asks, tools that act, and people at the page.

use serde_json::{Value, json};

use super::admin::{Org, Person};
use super::browser::{Browser, Page};
use super::http::{Answer, Request};
use super::stack::{stack, unique};
use super::tenant::Tenant;
use super::world::{World, text};
use super::{planted, wait};

/// An address of the function that agents and tools ask.
pub fn actions(path: &str) -> String {
    format!("{}{path}", stack().text("/actions_url"))
}

/// An address of the page.
pub fn page(path: &str) -> String {
    format!("{}{path}", stack().text("/approvals_url"))
}

/// A gate that lets payments pass, and holds those over 1,000 for so many of the tenant's owners and administrators.
pub fn gate(need: u8, high: bool) -> Value {
    json!({
        "v": 1, "allow": ["payments.*", "crm.*"],
        "gates": [{"id": "big", "template": "payments", "tools": ["payments.*"], "amount": "/amount", "over": "1000.00", "approval": "finance"}],
        "approvals": {"finance": {
            "quorum": [{"of": {"roles": ["owner", "admin"]}, "need": need}], "deny": 1, "expires_minutes": 60,
            "risk": "Money leaves and does not come back.", "high": high,
        }},
        "answers": "leave",
    })
}

impl World {
    /// Writes the tenant's gate, by two.
    pub fn put_gate(&self, by: &Person, second: &Person, gate: &Value) {
        let path = self.path("/gate");
        let asked = match by.get(&path).status {
            404 => {
                let request = by.request("PUT", &path).with("content-type", "application/json");
                request.with("if-none-match", "*").body(gate.to_string()).send()
            }
            _ => by.put(&path, gate),
        };
        if asked.status == 202 {
            second.confirm(&path, &asked);
        } else {
            assert_eq!(asked.status, 200, "{asked:?}");
        }
    }
}

/// An agent with a key of somebody's own.
#[derive(Debug, Clone)]
pub struct Agent {
    pub id: String,
    pub key: String,
}

impl Agent {
    pub fn new(world: &World, by: &Person) -> Self {
        let id = world.agent(by);
        let body = json!({"agent": id, "actions": ["actions.request"]});
        let made = by.send("POST", &world.path("/keys/own"), &body);
        assert_eq!(made.status, 201, "{made:?}");
        let key = text(&made, "gateway_key");
        planted::note(key.rsplit('_').next().expect("a key has parts"));
        Self { id, key }
    }

    /// A seeded tenant's own, under a gate that an operator writes; its key may ask for actions.
    pub fn of(tenant: &Tenant, gate: &Value) -> Self {
        let path = stack().home().join(format!("gate-{}.json", unique::<8>()));
        std::fs::write(&path, gate.to_string()).expect("the stack's directory can be written");
        let (done, said) = tenant.ops(&["gate", "--file", path.to_str().expect("a path")], &[]);
        assert!(done, "{said}");
        let mut actions = tenant.field("control", "KEY", "actions");
        let (kind, action) = match actions.get("SS") {
            Some(_) => ("SS", json!("actions.request")),
            None => ("L", json!({"S": "actions.request"})),
        };
        actions[kind].as_array_mut().expect("a list of actions").push(action);
        tenant.set("control", "KEY", "actions", &actions);
        Self { id: tenant.agent_id().to_owned(), key: tenant.key().to_owned() }
    }

    pub fn request(&self, method: &'static str, path: &str) -> Request {
        bearing(method, path, &self.key)
    }

    /// Asks for an action.
    pub fn asks(&self, tool: &str, arguments: &Value, idempotency: &str) -> Answer {
        self.sends(&json!({"tool": tool, "arguments": arguments, "idempotency_key": idempotency}))
    }

    pub fn sends(&self, body: &Value) -> Answer {
        self.request("POST", "/v1/actions").body(body.to_string()).send()
    }

    /// Asks for a payment that waits: the request's id.
    pub fn waits_for(&self, arguments: &Value, idempotency: &str) -> String {
        let asked = self.asks("payments.send", arguments, idempotency);
        assert_eq!(asked.status, 202, "{asked:?}");
        text(&asked, "approval")
    }

    /// How a request stands, as soon as it is decided or after so many seconds.
    pub fn stands(&self, approval: &str, seconds: u32) -> String {
        let told = self.request("GET", &format!("/v1/approvals/{approval}?wait={seconds}")).send();
        assert_eq!(told.status, 200, "{told:?}");
        text(&told, "status")
    }
}

fn bearing(method: &'static str, path: &str, token: &str) -> Request {
    let request = Request::new(method, actions(path)).with("authorization", format!("Bearer {token}"));
    request.with("content-type", "application/json").with("x-amzn-tls-version", "TLSv1.3")
}

/// Leave to act once.
#[derive(Debug, Clone)]
pub struct Permit {
    pub id: String,
    pub token: String,
}

impl Permit {
    /// The one in an answer to whoever asked for an action.
    pub fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{answer:?}");
        let token = text(answer, "permit");
        planted::note(&token);
        Self { id: text(answer, "permit_id"), token }
    }

    /// A tool takes it, known by a secret of its own.
    pub fn consume(&self, consumer: &str) -> Request {
        let path = format!("/v1/permits/{}/consume", self.id);
        bearing("POST", &path, &self.token).body(json!({ "consumer": consumer }).to_string())
    }

    pub fn tell(&self, consumer: &str, outcome: &str) -> Answer {
        let path = format!("/v1/permits/{}/outcome", self.id);
        let body = json!({"consumer": consumer, "outcome": outcome});
        bearing("POST", &path, &self.token).body(body.to_string()).send()
    }
}

/// What a tool is known by.
pub fn consumer() -> String {
    unique::<16>()
}

/// Somebody's browser, signed in at the page.
#[derive(Debug, Clone)]
pub struct Desk {
    browser: Browser,
}

/// What the form of a request's page sends besides a word: its hidden fields.
#[derive(Debug, Clone)]
pub struct Form {
    approval: String,
    fields: Vec<(String, String)>,
}

impl Form {
    pub fn approval(&self) -> &str {
        &self.approval
    }

    /// The same with another value of a field.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut form = self.clone();
        let field = form.fields.iter_mut().find(|(one, _)| one == name).expect("there is such a field");
        value.clone_into(&mut field.1);
        form
    }
}

impl Desk {
    /// Signs in as a user of the organization's provider.
    pub fn of(org: &Org, name: &str) -> Self {
        let mut browser = Browser::new();
        let begin = page(&format!("/?connection={}", org.connection));
        let back = browser.sign_in(&begin, name, &page("/signed-in"));
        let done = browser.get(&back);
        assert_eq!(done.answer.status, 303, "{done:?}");
        planted::note(browser.cookie("__Host-cs_approvals").expect("a session"));
        Self { browser }
    }

    /// One of nobody.
    pub fn nobody() -> Self {
        Self { browser: Browser::new() }
    }

    pub fn get(&mut self, path: &str) -> Page {
        self.browser.get(&page(path))
    }

    /// Looks at a request, so as to decide about it.
    pub fn form(&mut self, approval: &str) -> Form {
        let path = format!("/a/{approval}");
        // On a full machine a page may be late.
        wait::until("the page of a request", || {
            let shown = self.get(&path);
            let fields = shown.form_to(&path).filter(|_| shown.answer.status == 200)?;
            Some(Form { approval: approval.to_owned(), fields })
        })
    }

    /// What a click on a button of that form sends.
    pub fn click(&self, form: &Form, say: &str) -> Request {
        let mut fields = form.fields.clone();
        fields.extend([("say".to_owned(), say.to_owned()), ("comment".to_owned(), "as agreed".to_owned())]);
        self.browser.form_request(&page(&format!("/a/{}", form.approval)), &fields)
    }

    /// Looks and says.
    pub fn says(&mut self, approval: &str, say: &str) -> Answer {
        let form = self.form(approval);
        self.click(&form, say).send()
    }
}
