//! A connection's directory, as an identity provider pushes it.

use serde_json::{Value, json};

use super::http::{Answer, Request};
use super::planted;
use super::stack::stack;
use super::world::World;

/// Where people are pushed, and by which token.
#[derive(Debug, Clone)]
pub struct Directory {
    pub base: String,
    pub token: String,
    /// The token's id.
    pub id: String,
}

impl Directory {
    /// With a new token: one owner of the organization asks for it, and another confirms it and is shown it.
    pub fn of(world: &World, connection: &str) -> Self {
        let path = format!("/v1/orgs/{}/connections/{connection}/scim-tokens", world.org.id);
        let made = world.owner.by_two(&world.second(), &path, &json!({}));
        let text = |name: &str| made.json()[name].as_str().expect(name).to_owned();
        planted::note(&text("scim_token"));
        let base = format!("{}/scim/v2/{connection}", stack().text("/scim_url"));
        Self { base, token: text("scim_token"), id: text("id") }
    }

    pub fn request(&self, method: &'static str, path: &str) -> Request {
        Request::new(method, format!("{}{path}", self.base))
            .with("authorization", format!("Bearer {}", self.token))
            .with("x-amzn-tls-version", "TLSv1.2")
    }

    pub fn get(&self, path: &str) -> Answer {
        self.request("GET", path).send()
    }

    pub fn send(&self, method: &'static str, path: &str, body: &Value) -> Answer {
        let request = self.request(method, path).with("content-type", "application/scim+json");
        request.body(body.to_string()).send()
    }

    /// Pushes somebody, and gives their id.
    pub fn user(&self, body: &Value) -> String {
        let made = self.send("POST", "/Users", &user(body));
        assert_eq!(made.status, 201, "{made:?}");
        made.json()["id"].as_str().expect("an id").to_owned()
    }

    /// Pushes a group, and gives its id.
    pub fn group(&self, name: &str, members: &[&str]) -> String {
        let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
        let body = json!({"schemas": [GROUP], "displayName": name, "members": members});
        let made = self.send("POST", "/Groups", &body);
        assert_eq!(made.status, 201, "{made:?}");
        made.json()["id"].as_str().expect("an id").to_owned()
    }

    pub fn patch(&self, path: &str, operations: &Value) -> Answer {
        self.send("PATCH", path, &json!({"schemas": [PATCH], "Operations": operations}))
    }

    /// Puts somebody into a group (`Add`), or takes them out (`Remove`).
    pub fn member(&self, op: &str, group: &str, id: &str) -> Answer {
        let operations = json!([{"op": op, "path": "members", "value": [{"value": id}]}]);
        self.patch(&format!("/Groups/{group}"), &operations)
    }

    pub fn active(&self, id: &str, active: bool) -> Answer {
        self.patch(&format!("/Users/{id}"), &json!([{"op": "replace", "path": "active", "value": active}]))
    }
}

pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// A user's body with its schema, and active.
pub fn user(more: &Value) -> Value {
    let mut body = json!({"schemas": [USER], "active": true});
    if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
        body.extend(more.clone());
    }
    body
}
