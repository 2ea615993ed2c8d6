//! A connection with a directory that pushes, and the real function over it.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use countersign_scim::{Effects, Scim, Sealer};
use domain::{
    ConnectionId, ConnectionRow, Lifecycle, Org, OrgId, Region, RootRow, ScimToken, ScimTokenId,
    ScimTokenRow, Tenant, TenantId, Timestamp, UserId, WrappedRoot,
};
use envelope::{Purpose, Roots};
use serde_json::{Value, json};
use tables::Key;
use tables::codec::Row as _;

use super::{Memory, Plain};

pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// The function over its tables, and what a client of it holds.
#[derive(Debug)]
pub struct World {
    pub scim: Scim<Memory>,
    pub org: OrgId,
    pub connection: ConnectionId,
    /// Where groups give roles: `Ops` operator, `Admins` admin.
    pub tenant: TenantId,
    token: String,
    pub now: Timestamp,
}

/// A status and a body.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

/// One request: method, path and query below the connection, body.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: &'static str,
    pub path: String,
    pub body: Value,
}

impl Asked {
    pub fn new(method: &'static str, path: impl Into<String>, body: Value) -> Self {
        Self { method, path: path.into(), body }
    }

    pub fn get(path: impl Into<String>) -> Self {
        Self::new("GET", path, Value::Null)
    }

    pub fn patch(path: impl Into<String>, operations: Value) -> Self {
        Self::new("PATCH", path, json!({"schemas": [PATCH], "Operations": operations}))
    }
}

impl World {
    pub fn new() -> Self {
        let (org, connection) = (OrgId::from_random([1; 10]), ConnectionId::from_random([2; 10]));
        let (tenant, id) = (TenantId::from_random([7; 10]), ScimTokenId::from_random([9; 10]));
        let token = ScimToken::mint(Region::Eu, connection.clone(), id.clone(), &[7; 43]);
        let now = super::now();
        let desk = Memory::default();
        let row = ScimTokenRow {
            id,
            org: org.clone(),
            connection: connection.clone(),
            secret: token.secret_hash(),
            last_four: token.last_four(),
            created_by: UserId::from_random([4; 10]),
            created_epoch: 1,
            created_at: now,
            expires_at: now.plus_millis(86_400_000),
            revoked_at: None,
        };
        desk.put(Key::scim_token(&connection, &row.id), row.to_item());
        around(&desk, &org, &connection, &tenant);
        let sealer = Sealer { kms: Plain, roots: Roots::new(Plain, Region::Eu), region: Region::Eu };
        let scim = Scim::new(Effects { desk, sealer, region: Region::Eu });
        Self { scim, org, connection, tenant, token: token.reveal().to_string(), now }
    }

    pub fn desk(&self) -> &Memory {
        &self.scim.effects.desk
    }

    /// As a function URL delivers it.
    fn event(&self, asked: &Asked) -> String {
        let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
        let path = format!("/scim/v2/{}{path}", self.connection);
        let mut event = json!({
            "version": "2.0", "rawPath": path, "rawQueryString": query,
            "headers": {"authorization": format!("Bearer {}", self.token), "content-type": "application/scim+json"},
            "requestContext": {
                "domainName": "scim.test", "http": {"method": asked.method, "path": path, "sourceIp": "203.0.113.7"},
            },
        });
        if !asked.body.is_null() {
            event["body"] = asked.body.to_string().into();
        }
        event.to_string()
    }

    pub async fn send(&self, asked: &Asked) -> Answer {
        let response = self.scim.handle(&self.event(asked), self.now).await;
        Answer { status: response.status(), body: response.body().cloned().unwrap_or(Value::Null) }
    }

    /// With nothing in its way.
    pub fn ask(&self, asked: &Asked) -> Answer {
        live(self.send(asked)).unwrap_or_else(|| panic!("nothing waits"))
    }

    /// The same, of which the id is wanted.
    pub fn made(&self, asked: &Asked) -> String {
        let answer = self.ask(asked);
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.body["id"].as_str().unwrap_or_default().to_owned()
    }
}

/// What stands around a directory: organization, connection, tenant, the root of documents.
fn around(desk: &Memory, org: &OrgId, connection: &ConnectionId, tenant: &TenantId) {
    let grant = |role: &str| json!({"tenant": tenant, "role": role});
    let document = json!({"issuer": "https://idp.test", "client_id": "x", "group_roles": [
        {"group": "Ops", "grant": grant("operator")}, {"group": "Admins", "grant": grant("admin")},
    ]});
    let row = ConnectionRow {
        id: connection.clone(),
        org: org.clone(),
        status: Lifecycle::Active,
        document: document.to_string(),
        secret: None,
    };
    desk.put(Key::connection(connection), row.to_item());
    let of = Org { id: org.clone(), status: Lifecycle::Active, networks: None };
    desk.put(Key::org(org), of.to_item());
    let of = Tenant {
        id: tenant.clone(),
        org: org.clone(),
        region: Region::Eu,
        status: Lifecycle::Active,
        networks: None,
    };
    desk.put(Key::tenant(tenant), of.to_item());
    let root = RootRow::first(WrappedRoot(vec![7; 32]));
    desk.put(Key::root(&TenantId::platform(), Purpose::Scim.as_str()), root.to_item());
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Runs to the end; `None`: the process died, and nothing will go on.
pub fn live<T>(work: impl Future<Output = T>) -> Option<T> {
    let woken = Arc::new(Woken(AtomicBool::new(false)));
    let waker = Waker::from(Arc::clone(&woken));
    let mut work = pin!(work);
    loop {
        match work.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(done) => return Some(done),
            Poll::Pending if woken.0.swap(false, Ordering::SeqCst) => {}
            Poll::Pending => return None,
        }
    }
}
