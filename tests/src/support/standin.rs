//! A channel of the stand-in provider: what it is told, and what it received.

use serde_json::Value;

use super::http::Request;
use super::stack::stack;

#[derive(Debug, Clone)]
pub struct Channel {
    name: String,
}

impl Channel {
    pub fn new(name: String) -> Self {
        Self { name }
    }

    /// The base URL that a tenant's provider has.
    pub fn url(&self) -> String {
        format!("{}/{}/v1", stack().text("/provider_url"), self.name)
    }

    /// Tells the channel how to behave from now on.
    pub fn tell(&self, behaviour: &Value) {
        let url = format!("{}/_control/{}", stack().text("/provider_url"), self.name);
        let answer = Request::new("PUT", url).body(behaviour.to_string()).send();
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// The requests so far, oldest first: `{method, path, headers, body}`.
    pub fn received(&self) -> Vec<Value> {
        let url = format!("{}/_requests/{}", stack().text("/provider_url"), self.name);
        let answer = Request::new("GET", url).send();
        answer.json().as_array().expect("a list of requests").clone()
    }
}
