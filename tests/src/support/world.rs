//! An organization with a tenant, for tests of the management API.

use serde_json::json;

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

    pub fn agent(&self, by: &Person) -> String {
        let made = by.send("POST", &self.path("/agents"), &json!({"name": "researcher"}));
        assert_eq!(made.status, 201, "{made:?}");
        text(&made, "id")
    }
}
