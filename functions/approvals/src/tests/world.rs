//! Tables, a log, an outside world and a clock in memory, for tests: conditions are evaluated as DynamoDB evaluates them, and any
//! write fails on demand or lets others go first.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::sync::{Arc, Mutex};

use domain::{
    ActionForm, ActionId, Agent, AgentId, ApprovalId, ApprovalRow, ApprovalRule, ApprovalState, Approvers,
    Asked, AuditRecord, Code, ConnectionId, ConnectionRow, InEpoch, KillRow, Lifecycle, Opaque, Org, OrgId,
    Person, Quorum, Region, Requester, Role, RootRow, SealedBytes, SessionId, Tenant, TenantId, Timestamp,
    UserId, WrappedRoot,
};
use envelope::{Aad, Context, KeyWrapper, Purpose, RootKey, RootSecret, Roots, WrapError};
use redact::Policies;
use serde_json::{Value, json};
use tables::codec::Row as _;
use tables::expression::evaluate;
use tables::faults::{Fault, others_first};
use tables::gates::Write;
use tables::{Attr, GateFault, Item, Key, KillKeys, Listed, Table};

use crate::desk::{Away, Desk, Outside, Rows, Told};
use crate::effects::Effects;
use crate::token::Token;
use crate::who::{Me, Session};
use crate::{Answer, Approvals, Response};
use domain::ApprovalMessage as Message;

pub const OWN: &str = "https://approvals.example.com";
pub const START: i64 = 1_795_430_530_000;

pub fn at(ms: u64) -> Timestamp {
    Timestamp::from_unix_millis(START).unwrap().plus_millis(ms)
}

pub fn user(n: u8) -> UserId {
    UserId::from_random([n; 10])
}

pub fn org() -> OrgId {
    OrgId::from_random([1; 10])
}

pub fn tenant() -> TenantId {
    TenantId::from_random([2; 10])
}

pub fn agent() -> AgentId {
    AgentId::from_random([3; 10])
}

pub fn connection() -> ConnectionId {
    ConnectionId::from_random([4; 10])
}

/// Roots are their own wrapping.
#[derive(Debug)]
pub struct Plain;

impl KeyWrapper for Plain {
    async fn generate(&self, _: &Context) -> Result<WrappedRoot, WrapError> {
        Err(WrapError::Refused)
    }

    async fn unwrap(&self, wrapped: &WrappedRoot, _: &Context) -> Result<RootSecret, WrapError> {
        wrapped.0.as_slice().try_into().map(RootSecret::new).map_err(|_| WrapError::Refused)
    }
}

/// To whom, with which headers, and what.
pub type Sent = (String, Vec<(&'static str, String)>, String);

/// Clones are the same one.
#[derive(Clone)]
pub struct Memory(Arc<State>);

impl Deref for Memory {
    type Target = State;

    fn deref(&self) -> &State {
        &self.0
    }
}

pub struct State {
    pub rows: Mutex<BTreeMap<Key, Item>>,
    pub log: Mutex<Vec<AuditRecord>>,
    pub told: Mutex<Vec<Message>>,
    /// Mails and posts: to whom, and what.
    pub sent: Mutex<Vec<Sent>>,
    pub now: Mutex<Timestamp>,
    pub faults: Mutex<BTreeMap<usize, Fault>>,
    /// What another writes just before the next write.
    pub before_write: Mutex<Option<(Key, Item)>>,
    /// What does not answer: `session`, `record`, `post`, `mail`, `tell`.
    pub down: Mutex<BTreeSet<&'static str>>,
    writes: Mutex<usize>,
    drawn: Mutex<u64>,
    yields: bool,
    roots: Roots<Plain>,
}

impl Memory {
    pub fn new(yields: bool) -> Self {
        Self(Arc::new(State {
            rows: Mutex::default(),
            log: Mutex::default(),
            told: Mutex::default(),
            sent: Mutex::default(),
            now: Mutex::new(at(0)),
            faults: Mutex::default(),
            before_write: Mutex::default(),
            down: Mutex::default(),
            writes: Mutex::default(),
            drawn: Mutex::default(),
            yields,
            roots: Roots::new(Plain, Region::Eu),
        }))
    }

    pub fn put(&self, key: Key, item: Item) {
        let item = keyed(&key, item);
        self.rows.lock().unwrap().insert(key, item);
    }

    pub fn item(&self, key: &Key) -> Option<Item> {
        self.rows.lock().unwrap().get(key).cloned()
    }

    pub fn write_now(&self, writes: &[Write]) -> Result<(), GateFault> {
        let mut rows = self.rows.lock().unwrap();
        let after: Option<Vec<_>> = writes
            .iter()
            .map(|write| {
                let item = evaluate(write, rows.get(&write.key)).ok()?;
                Some((write.key.clone(), item))
            })
            .collect();
        let after = after.ok_or(GateFault::Condition(None))?;
        let keys: BTreeSet<&Key> = writes.iter().map(|write| &write.key).collect();
        assert_eq!(keys.len(), writes.len(), "a transaction names an item once");
        for (write, (key, item)) in writes.iter().zip(after) {
            let check = write.update.is_empty() && !write.delete;
            match (check, write.delete) {
                (true, _) => {}
                (_, true) => drop(rows.remove(&key)),
                _ => drop(rows.insert(key.clone(), keyed(&key, item))),
            }
        }
        Ok(())
    }

    fn is_down(&self, what: &'static str) -> Result<(), Away> {
        if self.down.lock().unwrap().contains(what) { Err(Away) } else { Ok(()) }
    }
}

fn keyed(key: &Key, mut item: Item) -> Item {
    item.insert("pk".to_owned(), Attr::text(&key.pk));
    item.insert("sk".to_owned(), Attr::text(&key.sk));
    item
}

impl Desk for Memory {
    type Wrapper = Plain;

    fn region(&self) -> Region {
        Region::Eu
    }

    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    fn random(&self) -> Result<[u8; 32], Away> {
        let mut drawn = self.drawn.lock().unwrap();
        *drawn += 1;
        let mut bytes = [7; 32];
        bytes[..8].copy_from_slice(&drawn.to_be_bytes());
        Ok(bytes)
    }

    fn roots(&self) -> &Roots<Plain> {
        &self.roots
    }

    async fn pause(&self, _: u32) {
        others_first().await;
    }

    async fn rows(&self, keys: &[Key]) -> Result<Rows, Away> {
        if self.yields {
            others_first().await;
        }
        self.is_down("tables")?;
        assert!(!keys.is_empty(), "an empty batch is refused");
        let rows = self.rows.lock().unwrap();
        Ok(keys.iter().filter_map(|key| Some((key.clone(), rows.get(key)?.clone()))).collect())
    }

    /// Two rows at a time.
    async fn page(&self, table: Table, pk: &str, prefix: &str, after: Option<&str>) -> Result<Listed, Away> {
        self.is_down("tables")?;
        let rows = self.rows.lock().unwrap();
        let of = |key: &&Key| key.table == table && key.pk == pk && key.sk.starts_with(prefix);
        let behind = |key: &&Key| after.is_none_or(|after| key.sk.as_str() > after);
        let keys: Vec<_> = rows.keys().filter(of).filter(behind).cloned().collect();
        let found = keys.iter().take(2).map(|key| (key.clone(), rows[key].clone())).collect();
        Ok(Listed { rows: found, more: keys.len() > 2 })
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), GateFault> {
        if self.yields {
            others_first().await;
        }
        if let Some((key, item)) = self.before_write.lock().unwrap().take() {
            self.put(key, item);
        }
        let fault = {
            let mut count = self.writes.lock().unwrap();
            *count += 1;
            self.faults.lock().unwrap().get(&(*count - 1)).copied()
        };
        Fault::meets(fault, || self.write_now(&writes))
    }

    async fn attempt(&self, action: ActionId, record: AuditRecord) -> Result<(), Away> {
        assert_eq!(record.action_id, Some(action));
        self.record(&[record]).await
    }

    async fn record(&self, records: &[AuditRecord]) -> Result<(), Away> {
        self.is_down("record")?;
        for record in records {
            record.to_canonical().unwrap();
        }
        self.log.lock().unwrap().extend_from_slice(records);
        Ok(())
    }
}

/// A token is `t` and the number of a person.
impl Outside for Memory {
    async fn session(&self, token: &Token) -> Result<Told, Away> {
        self.is_down("session")?;
        let n = token.expose().strip_prefix('t').and_then(|n| n.parse::<u8>().ok());
        Ok(n.map_or(Told { status: 401, ..Told::default() }, |n| Told {
            status: 200,
            body: judged(n),
            renewed: None,
        }))
    }

    async fn redeem(&self, code: &str, verifier: &Token) -> Result<Told, Away> {
        self.is_down("session")?;
        assert_eq!(verifier.expose().len(), 43);
        let body = json!({"session": "h.p.s", "connection": connection()});
        Ok(Told { status: if code == "good" { 201 } else { 400 }, body, renewed: None })
    }

    async fn end(&self, _: &Token) -> Result<Told, Away> {
        self.is_down("session")?;
        Ok(Told { status: 204, ..Told::default() })
    }

    async fn tell(&self, message: &Message) -> Result<(), Away> {
        self.is_down("tell")?;
        self.told.lock().unwrap().push(message.clone());
        Ok(())
    }

    async fn mail(&self, to: &str, subject: &str, text: &str) -> Result<(), Away> {
        self.is_down("mail")?;
        self.sent.lock().unwrap().push((to.to_owned(), Vec::new(), format!("{subject}\n{text}")));
        Ok(())
    }

    async fn post(&self, url: &str, headers: Vec<(&'static str, String)>, body: String) -> Result<(), Away> {
        self.is_down("post")?;
        self.sent.lock().unwrap().push((url.to_owned(), headers, body));
        Ok(())
    }
}

/// What `admin` says of a session of somebody's.
pub fn judged(n: u8) -> Value {
    json!({"user": user(n), "org": org(), "connection": connection(), "method": "sso",
        "session": {"id": SessionId::from_random([n; 10]), "mfa": true, "client": "page"}})
}

pub fn session(n: u8) -> Session {
    Session {
        user: user(n),
        org: org(),
        id: SessionId::from_random([n; 10]),
        connection: connection(),
        method: Code::literal("sso"),
        mfa: true,
    }
}

/// Somebody, without any row of theirs.
pub fn me(n: u8, role: Option<Role>) -> Me {
    let subject = Opaque::from_digest(&[n; 32]);
    let row = (Key::user(&org(), &user(n)), Item::new());
    let groups = BTreeSet::new();
    Me {
        session: session(n),
        tenant: tenant(),
        epoch: 1,
        row,
        subject,
        role,
        groups,
        instead_of: Vec::new(),
        addresses: BTreeSet::new(),
        names: Vec::new(),
        is_behind: false,
    }
}

pub fn root() -> RootKey {
    let context = Context { tenant: tenant(), region: Region::Eu, purpose: Purpose::Action, version: 1 };
    RootKey::derive(&RootSecret::new([9; 32]), &context)
}

/// A rule that role `owner` decides, so many of them.
pub fn rule(need: u8, high: bool) -> ApprovalRule {
    let of = Approvers { roles: [Role::Owner].into(), ..Approvers::default() };
    ApprovalRule {
        id: "finance".parse().unwrap(),
        quorum: vec![Quorum { of, need }],
        deny: 1,
        expires_minutes: 60,
        remind_minutes: None,
        escalate: None,
        risk: "Money leaves.".to_owned(),
        high,
    }
}

/// A request for an action, which people 8 and 9 stand behind.
pub fn request(n: u8, arguments: &Value, target: Option<&str>, rules: Vec<ApprovalRule>) -> ApprovalRow {
    let (id, tool) = (ApprovalId::from_bytes([n; 16]), "payments.send".parse().unwrap());
    let (tenant, agent) = (tenant(), agent());
    let form = ActionForm::new(&tenant, &agent, &tool, arguments, target);
    let digest = form.digest().unwrap().to_digest();
    let text = json!({"arguments": arguments, "target": target, "reason": "Invoice 7 is due."}).to_string();
    let sealed = root().seal(&Aad::action(&tenant, &id), text.as_bytes(), &[n; 28]).unwrap();
    ApprovalRow {
        id,
        from: Requester {
            org: org(),
            tenant,
            agent,
            key: "0123456789abcdef".parse().unwrap(),
            owner: Some(InEpoch::new(user(8), 1)),
            answers: Some(InEpoch::new(user(9), 1)),
            on_behalf_of: None,
        },
        asked: Asked {
            tool,
            digest,
            sealed: SealedBytes::from(sealed),
            policy_version: 4,
            gates: ["big-payments".parse().unwrap()].into(),
            callback: Some("ops".parse().unwrap()),
        },
        rules,
        state: ApprovalState::Pending,
        votes: Vec::new(),
        switches: [1; 4],
        created_at: at(0),
        expires_at: at(3_600_000),
        reminded_at: None,
        escalated_at: None,
        ended_at: None,
    }
}

/// A tenant with an agent, roots and switches, and nobody but the two behind the agent.
pub struct World {
    pub memory: Memory,
    pub app: Approvals<Memory, Memory>,
}

impl World {
    pub fn new() -> Self {
        Self::of(false)
    }

    /// Each call lets others go first.
    pub fn yielding() -> Self {
        Self::of(true)
    }

    fn of(yields: bool) -> Self {
        let memory = Memory::new(yields);
        let effects = Effects {
            desk: memory.clone(),
            outside: memory.clone(),
            policies: Policies::default(),
            own: OWN.to_owned(),
            admin: "https://admin.example.com".to_owned(),
        };
        let world = Self { memory, app: Approvals::new(effects) };
        world.tenant();
        world
    }

    fn tenant(&self) {
        let (org, tenant) = (org(), tenant());
        let networks = None;
        let (region, status) = (Region::Eu, Lifecycle::Active);
        let put = |key, item| self.memory.put(key, item);
        put(Key::org(&org), Org { id: org.clone(), status, networks: networks.clone() }.to_item());
        let row = Tenant { id: tenant.clone(), org: org.clone(), region, status, networks };
        put(Key::tenant(&tenant), row.to_item());
        put(Key::tenant_of(&org, &tenant), tables::Marker::item());
        let row = Agent { id: agent(), status, team: None, owner: None, deputy: None };
        let mut row = row.to_item();
        row.insert("name".to_owned(), Attr::S("Invoice clerk\u{202e}".to_owned()));
        put(Key::agent(&tenant, &agent()), row);
        put(Key::root(&tenant, "action"), RootRow::first(WrappedRoot(vec![9; 32])).to_item());
        let document = json!({"issuer": "https://acme.okta.com", "group_roles": []}).to_string();
        let row = ConnectionRow { id: connection(), org: org.clone(), status, document, secret: None };
        put(Key::connection(&connection()), row.to_item());
        put(Key::connection_of(&org, &connection()), tables::Marker::item());
        for copy in 0..16 {
            for key in KillKeys::above(&org, &tenant, &agent(), copy).all() {
                put(key, KillRow::new().to_item());
            }
        }
        self.person(8, None);
        self.person(9, Some(Role::Owner));
    }

    /// Somebody, and what they hold.
    pub fn person(&self, n: u8, role: Option<Role>) {
        self.memory.put(Key::user(&org(), &user(n)), Person::new(user(n)).to_item());
        if let Some(role) = role {
            self.memory.put(Key::binding(&tenant(), &user(n)), role.to_item());
        }
    }

    /// Ends somebody.
    pub fn end(&self, n: u8) {
        let mut person = Person::new(user(n));
        (person.user.active, person.user.epoch) = (false, 2);
        self.memory.put(Key::user(&org(), &user(n)), person.to_item());
    }

    pub fn ask(&self, row: &ApprovalRow) {
        self.memory.write_now(&tables::approvals::create(row)).unwrap();
    }

    pub fn row(&self, id: &ApprovalId) -> ApprovalRow {
        ApprovalRow::from_item(&self.memory.item(&Key::approval(&tenant(), id)).unwrap()).unwrap()
    }

    pub fn events(&self) -> Vec<(String, String, String)> {
        let log = self.memory.log.lock().unwrap();
        let one = |record: &AuditRecord| {
            (record.event_type.to_string(), record.phase.to_string(), record.reason.to_string())
        };
        log.iter().map(one).collect()
    }

    /// An event of a browser, answered.
    pub async fn http(&self, method: &str, path: &str, who: Option<u8>, body: Option<&str>) -> Response {
        self.event(&event(method, path, who, body, OWN)).await
    }

    pub async fn event(&self, event: &Value) -> Response {
        match self.app.handle(&event.to_string(), u64::MAX).await {
            Answer::Http(response) => response,
            other => panic!("{other:?}"),
        }
    }

    pub async fn get(&self, path: &str, who: u8) -> Response {
        self.http("GET", path, Some(who), None).await
    }

    /// Looks at a request, and says a word by the form that is there.
    pub async fn say(&self, id: &ApprovalId, who: u8, say: &str, comment: &str) -> Response {
        let page = self.get(&format!("/a/{id}"), who).await;
        self.send(id, who, &form(page.body(), say, comment)).await
    }

    pub async fn send(&self, id: &ApprovalId, who: u8, form: &str) -> Response {
        self.http("POST", &format!("/a/{id}"), Some(who), Some(form)).await
    }
}

pub fn event(method: &str, path: &str, who: Option<u8>, body: Option<&str>, origin: &str) -> Value {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let cookies: Vec<String> = who.iter().map(|n| format!("{}=t{n}", crate::event::COOKIE)).collect();
    json!({
        "version": "2.0", "rawPath": path, "rawQueryString": query, "cookies": cookies,
        "headers": {"x-amzn-tls-version": "TLSv1.3", "origin": origin,
            "content-type": "application/x-www-form-urlencoded"},
        "requestContext": {"requestId": "one", "domainName": "approvals.example.com",
            "http": {"method": method, "sourceIp": "203.0.113.7"}},
        "body": body, "isBase64Encoded": false,
    })
}

/// The value of a hidden field.
pub fn hidden<'a>(page: &'a str, name: &str) -> Option<&'a str> {
    page.split(&format!("name=\"{name}\" value=\"")).nth(1)?.split('"').next()
}

/// The form of a page, filled in.
pub fn form(page: &str, say: &str, comment: &str) -> String {
    let value = |name| hidden(page, name).unwrap_or_default();
    caller::form::pairs(&[
        ("csrf", value("csrf")),
        ("digest", value("digest")),
        ("seen", value("seen")),
        ("reveal", value("reveal")),
        ("comment", comment),
        ("say", say),
    ])
}

/// Runs to its end: nothing here waits for anything but others.
pub fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work)
}
