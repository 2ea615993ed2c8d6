//! An organization with a tenant, for tests of the management API.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::admin::{Org, Person};
use super::http::{Answer, Request};
use super::stack::stack;

/// The status of an answer, and the code of its problem.
pub fn code(answer: &Answer) -> (u16, String) {
    (answer.status, answer.json()["code"].as_str().unwrap_or_default().to_owned())
}

pub fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// A text of an answer.
pub fn text(answer: &Answer, name: &str) -> String {
    answer.json()[name].as_str().unwrap_or_else(|| panic!("{name}: {answer:?}")).to_owned()
}

/// The models that a gateway key sees: what any call of it is answered.
pub fn models(key: &str) -> Answer {
    Request::new("GET", stack().gateway("/v1/models"))
        .with("authorization", format!("Bearer {key}"))
        .with("x-amzn-tls-version", "TLSv1.3")
        .send()
}

/// An organization, whoever administers it, and a tenant of it.
#[derive(Debug)]
pub struct World {
    pub org: Org,
    pub owner: Person,
    pub tenant: String,
}

impl World {
    /// `None`, said aloud, where there is no Node.
    pub fn new() -> Option<Self> {
        let (org, owner) = Org::begun()?;
        let body = json!({"name": "research", "region": "eu", "budget_tokens": 1_000_000});
        let made = owner.send("POST", &format!("/v1/orgs/{}/tenants", org.id), &body);
        assert_eq!(made.status, 201, "{made:?}");
        let tenant = text(&made, "id");
        Some(Self { org, owner, tenant })
    }

    pub fn path(&self, rest: &str) -> String {
        format!("/v1/tenants/{}{rest}", self.tenant)
    }

    /// Another owner of the organization, without whom nothing that needs two is done.
    pub fn second(&self) -> Person {
        self.org.join(&self.owner, "noa", &json!({"owner": true}))
    }

    pub fn with_role(&self, name: &str, role: &str) -> Person {
        self.org.join(&self.owner, name, &json!({"tenant": self.tenant, "role": role}))
    }

    /// One of each thing that a tenant has, made by whoever leads it: their ids, by what paths call them.
    pub fn filled(&self, by: &Person) -> BTreeMap<&'static str, String> {
        let made = |path: &str, body: &Value, name: &str| {
            let made = by.send("POST", &self.path(path), body);
            assert!([201, 202].contains(&made.status), "{path}: {made:?}");
            text(&made, name)
        };
        let agent = self.agent(by);
        let key = json!({"agent": agent, "actions": ["models.list"]});
        let email =
            json!({"email": self.org.email("stranger"), "connection": self.org.connection, "role": "viewer"});
        let workload = json!({"name": "ci", "role": "viewer", "issuer": self.org.idp.issuer(), "audience": "cs", "subject": "one"});
        let provider = json!({
            "name": "p", "kind": "openai", "base_url": "https://api.openai.com/v1", "region": "us", "region_source": "none",
            "models": [{"name": "gpt-4o-mini", "max_output_tokens": 100}], "credential": "none-of-ours",
        });
        let day = json!({"from": "2026-11-01T00:00:00.000Z", "to": "2026-11-02T00:00:00.000Z"});
        BTreeMap::from([
            ("agent", agent),
            ("key", made("/keys/service", &key, "id")),
            ("invitation", made("/invitations", &email, "id")),
            ("workload", made("/workloads", &workload, "id")),
            ("provider", made("/providers", &provider, "id")),
            ("team", made("/teams", &json!({"id": "sales", "name": "Sales"}), "id")),
            ("query", made("/audit/queries", &day, "query")),
        ])
    }

    /// Writes where the tenant's people and agents are told.
    pub fn put_channels(&self, by: &Person, channels: &Value) {
        let request = by.request("PUT", &self.path("/channels")).with("content-type", "application/json");
        let done = request.with("if-none-match", "*").body(channels.to_string()).send();
        assert_eq!(done.status, 200, "{done:?}");
    }

    pub fn agent(&self, by: &Person) -> String {
        let made = by.send("POST", &self.path("/agents"), &json!({"name": "researcher"}));
        assert_eq!(made.status, 201, "{made:?}");
        text(&made, "id")
    }
}
