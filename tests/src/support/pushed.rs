//! An organization whose second connection has a directory.

use serde_json::{Value, json};

use super::admin::Org;
use super::directory::Directory;
use super::world::World;

/// Tokens of the connection's provider name no group: roles come by what is pushed. The group `Ops` gives `developer`.
#[derive(Debug)]
pub struct Pushed {
    pub world: World,
    /// Through the connection that has the directory.
    pub org: Org,
    pub directory: Directory,
}

impl Pushed {
    /// `None`, said aloud, where there is no Node.
    pub fn new() -> Option<Self> {
        let world = World::new()?;
        let noa = world.second();
        let grant = json!({"tenant": world.tenant, "role": "developer"});
        let org = world.org.beside_in(&world.owner, &noa, &grant, &json!([]));
        let directory = Directory::of(&world, &org.connection);
        Some(Self { world, org, directory })
    }

    /// One of the provider's users under what its tokens call them.
    pub fn body(&self, name: &str) -> Value {
        let email = self.org.email(name);
        json!({
            "userName": email, "externalId": name, "name": {"givenName": "A", "familyName": "Person"},
            "emails": [{"value": email, "type": "work", "primary": true}],
        })
    }

    /// Pushes one of the provider's users, and gives their id.
    pub fn push(&self, name: &str) -> String {
        self.directory.user(&self.body(name))
    }
}
