//! Questions to the audit trail through the management API: who may ask what, and that the answer tells who did what, when and
//! by which authority.
#![cfg(test)]

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_tests::support::admin::{Org, Person, bare, bootstrap_as, origin};
use countersign_tests::support::browser::{Browser, encode};
use countersign_tests::support::http::Answer;
use countersign_tests::support::stack::unique;
use countersign_tests::support::world::{code, refused, text};
use countersign_tests::support::{planted, wait};
use domain::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// An organization, whoever owns it, and a tenant of it.
struct World {
    began: Timestamp,
    org: Org,
    owner: Person,
    tenant: String,
    /// The action that made the tenant.
    made: String,
}

impl World {
    fn new() -> Option<Self> {
        let began = ::aws::now();
        let (org, owner) = Org::begun()?;
        let body = json!({"name": "research", "region": "eu", "budget_tokens": 1_000_000});
        let made = owner.send("POST", &format!("/v1/orgs/{}/tenants", org.id), &body);
        assert_eq!(made.status, 201, "{made:?}");
        let (tenant, made) = (text(&made, "id"), made.action());
        Some(Self { began, org, owner, tenant, made })
    }

    fn path(&self, rest: &str) -> String {
        format!("/v1/tenants/{}{rest}", self.tenant)
    }

    fn of_org(&self, rest: &str) -> String {
        format!("/v1/orgs/{}{rest}", self.org.id)
    }

    fn with_role(&self, name: &str, role: &str) -> Person {
        self.org.join(&self.owner, name, &json!({"tenant": self.tenant, "role": role}))
    }

    /// About everything since this world began.
    fn about(&self, more: &Value) -> Value {
        let mut body = json!({"from": self.began, "to": ::aws::now().plus_millis(3_600_000)});
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        body
    }
}

/// A row of an answer, by column.
#[derive(Debug, Clone)]
struct Row(Value);

impl Row {
    fn at(&self, column: &str) -> &str {
        self.0[column].as_str().unwrap_or_default()
    }

    fn role(&self) -> String {
        let authority: Value = serde_json::from_str(self.at("authority")).unwrap_or_default();
        authority["role"].as_str().unwrap_or_default().to_owned()
    }
}

/// Asks, and reads the answer by the address that is given: the rows of all pages.
fn asked(by: &Person, path: &str, body: &Value) -> Vec<Row> {
    let taken = by.send("POST", path, body);
    assert_eq!((taken.status, text(&taken, "state")), (202, "running".to_owned()), "{taken:?}");
    let place = taken.header("location").expect("where the answer is").to_owned();
    assert!(place.ends_with(&text(&taken, "query")), "{place}");
    let (mut rows, mut next) = read(by, &place);
    while let Some(cursor) = next {
        let (more, then) = read(by, &format!("{place}?after={cursor}"));
        rows.extend(more);
        next = then;
    }
    rows
}

fn read(by: &Person, place: &str) -> (Vec<Row>, Option<String>) {
    let told = wait::until("the log answers", || {
        let told = by.get(place);
        assert_eq!(told.status, 200, "{told:?}");
        let told = told.json();
        assert_ne!(told["state"], "failed", "{told}");
        (told["state"] == "done").then_some(told)
    });
    let columns: Vec<_> =
        told["columns"].as_array().expect("columns").iter().map(|one| one.as_str().unwrap()).collect();
    let row = |cells: &Value| {
        let cells = cells.as_array().expect("cells");
        assert_eq!(cells.len(), columns.len());
        Row(columns.iter().zip(cells).map(|(name, cell)| ((*name).to_owned(), cell.clone())).collect())
    };
    let rows = told["rows"].as_array().expect("rows").iter().map(row).collect();
    (rows, told["next"].as_str().map(str::to_owned))
}

/// Asks again until the log has all of these: rows follow their records by seconds.
fn once_told(by: &Person, path: &str, body: &Value, wanted: &[(&str, &str)]) -> Vec<Row> {
    wait::until("rows of the whole story", || {
        let rows = asked(by, path, body);
        let told: BTreeSet<_> = rows.iter().map(|row| (row.at("action"), row.at("phase"))).collect();
        wanted.iter().all(|one| told.contains(one)).then(|| rows.clone())
    })
}

fn of<'a>(rows: &'a [Row], action: &str, phase: &str) -> &'a Row {
    let found = rows.iter().find(|row| (row.at("action"), row.at("phase")) == (action, phase));
    found.unwrap_or_else(|| panic!("{action} {phase}"))
}

/// What a step of the scenario must be told as.
struct Step<'a> {
    action: &'a str,
    event: &'a str,
    resource: String,
    by: &'a Person,
    role: &'a str,
    /// The id that the caller was given with the answer.
    id: &'a str,
}

/// Both rows of a step say who, what, when and by which authority.
fn tells(world: &World, rows: &[Row], step: &Step<'_>) {
    let (attempt, outcome) = (of(rows, step.action, "attempt"), of(rows, step.action, "outcome"));
    for row in [attempt, outcome] {
        // Who, and how that is known.
        assert_eq!((row.at("actor_id"), row.at("actor_type")), (step.by.user.as_str(), "user"), "{row:?}");
        assert_eq!((row.at("auth_method"), row.at("mfa")), ("session", "true"), "{row:?}");
        assert!(row.at("session_id").starts_with("ses_"), "{row:?}");
        // What, and to what.
        assert_eq!(
            (row.at("event_type"), row.at("resource")),
            (step.event, step.resource.as_str()),
            "{row:?}"
        );
        assert_eq!((row.at("action_id"), row.at("org_id")), (step.id, world.org.id.as_str()), "{row:?}");
        assert!(!row.at("description").is_empty(), "{row:?}");
        // When.
        let at: Timestamp = row.at("created_at").parse().expect("a time in the form of the API");
        assert!(world.began <= at && at <= ::aws::now(), "{row:?}");
        // By which authority.
        assert_eq!((row.role().as_str(), row.at("decision")), (step.role, "allow"), "{row:?}");
    }
    let metadata: Value = serde_json::from_str(attempt.at("metadata")).expect("JSON text");
    assert!(metadata["policy"].is_string(), "which policy permitted it: {attempt:?}");
    assert_eq!((attempt.at("reason"), outcome.at("reason")), ("allowed", "completed"));
    assert!(attempt.at("created_at") <= outcome.at("created_at"));
}

const STORY: [(&str, &str); 9] = [
    ("tenants.create", "attempt"),
    ("tenants.create", "outcome"),
    ("agents.create", "attempt"),
    ("agents.create", "outcome"),
    ("roles.grant", "single"),
    ("tenants.networks", "attempt"),
    ("tenants.networks", "outcome"),
    ("audit.ask", "attempt"),
    ("audit.ask", "outcome"),
];

/// The rows of a whole scenario say of every step who did what, when and by which authority; of what was refused too.
#[test]
fn the_rows_of_a_scenario_answer_who_what_when_and_by_which_authority() {
    let Some(world) = World::new() else { return };
    let dana = world.with_role("dana", "developer");
    let agent = dana.send("POST", &world.path("/agents"), &json!({"name": "researcher"}));
    assert_eq!(agent.status, 201, "{agent:?}");
    let above = dana.send("PUT", &world.path(&format!("/roles/{}", dana.user)), &json!({"role": "admin"}));
    assert_eq!(code(&above), refused(403, "forbidden"));
    let fewer = world.owner.put(&world.path("/networks"), &json!({"networks": ["203.0.113.0/24"]}));
    assert_eq!(fewer.status, 200, "{fewer:?}");
    let rows = once_told(&world.owner, &world.path("/audit/queries"), &world.about(&json!({})), &STORY);

    let (owner, of_dana, agents, networks) =
        ((&world.owner, "org-owner"), (&dana, "developer"), agent.action(), fewer.action());
    let agent = format!("agent:{}", text(&agent, "id"));
    for (action, event, resource, (by, role), id) in [
        ("tenants.create", "admin.tenant", format!("tenant:{}", world.tenant), owner, &world.made),
        ("agents.create", "admin.agent", agent, of_dana, &agents),
        ("tenants.networks", "admin.network", format!("network:{}", world.tenant), owner, &networks),
    ] {
        tells(&world, &rows, &Step { action, event, resource, by, role, id });
    }
    let denied = of(&rows, "roles.grant", "single");
    assert_eq!((denied.at("actor_id"), denied.at("event_type")), (dana.user.as_str(), "admin.refused"));
    assert_eq!((denied.at("decision"), denied.at("reason")), ("deny", "forbidden"));
    assert_eq!(denied.at("action_id"), above.action());
    // To ask is an action like any other.
    let asking = of(&rows, "audit.ask", "attempt");
    assert_eq!((asking.at("actor_id"), asking.at("event_type")), (world.owner.user.as_str(), "audit.query"));
    assert_eq!(asking.role(), "org-owner");
    narrowed(&world, &dana, &agents);
}

/// What is refused to somebody known is told with their name, in their organization's log: at the hand-off, and at the door.
#[test]
fn refusals_before_a_session_name_whoever_is_known() {
    let Some(world) = World::new() else { return };
    let noa = world.with_role("noa", "viewer");
    let status = world.of_org(&format!("/users/{}/status", noa.user));
    let ended = world.owner.send("PUT", &status, &json!({"status": "suspended"}));
    assert_eq!(ended.status, 200, "{ended:?}");
    assert_eq!(code(&world.org.sign_in("noa").unwrap_err()), refused(403, "deprovisioned"));
    assert_eq!(code(&world.org.sign_in("stranger").unwrap_err()), refused(403, "not_admitted"));

    let (code_of, verifier) = handed(&world);
    for (verifier, status) in [(verifier.as_str(), 201), (verifier.as_str(), 403), (verifier.as_str(), 403)] {
        assert_eq!(redeemed(&code_of, verifier).status, status);
    }
    let (wrong, _) = handed(&world);
    assert_eq!(redeemed(&wrong, &unique::<43>()).status, 403);

    let wanted = [
        ("handoff.issue", "attempt"),
        ("handoff.issue", "outcome"),
        ("handoff.redeem", "single"),
        ("sso.sign_in", "single"),
    ];
    let refusals = |rows: &[Row], action: &str| {
        let of = rows.iter().filter(|row| (row.at("action"), row.at("phase")) == (action, "single"));
        let told = of.map(|row| (row.at("actor_id").to_owned(), row.at("reason").to_owned()));
        told.collect::<Vec<_>>()
    };
    let rows = wait::until("every refusal", || {
        let rows =
            once_told(&world.owner, &world.of_org("/audit/queries"), &world.about(&json!({})), &wanted);
        let all = refusals(&rows, "handoff.redeem").len() >= 2 && refusals(&rows, "sso.sign_in").len() >= 2;
        all.then_some(rows)
    });
    let owner = |reason: &str| (world.owner.user.clone(), reason.to_owned());
    // A code that was shown again is told of once, and then it is nobody's.
    let expected = vec![owner("handoff_code"), owner("handoff_code")];
    assert_eq!(refusals(&rows, "handoff.redeem"), expected);
    let doors: BTreeSet<_> = refusals(&rows, "sso.sign_in").into_iter().collect();
    let known = (noa.user, "deprovisioned".to_owned());
    let unknown = ("system".to_owned(), "not_admitted".to_owned());
    assert_eq!(doors, [known, unknown].into());
    for phase in ["attempt", "outcome"] {
        let issued = of(&rows, "handoff.issue", phase);
        assert_eq!(
            (issued.at("actor_id"), issued.at("event_type")),
            (world.owner.user.as_str(), "auth.handoff")
        );
        assert!(issued.at("resource").starts_with("session:ses_"), "{issued:?}");
    }
}

/// Whoever the platform trusts begins once: what they try later is told in the platform's log.
#[test]
fn a_second_beginning_is_told_in_the_platform_s_log() {
    let Some(world) = World::new() else { return };
    let refused = bootstrap_as("bootstrap", &json!({"name": "acme"})).expect("the role may call it");
    // Another test may have opened it again meanwhile: then the body is what is wrong.
    assert!([400, 403].contains(&refused["status"].as_u64().unwrap_or_default()), "{refused}");
    let body = world.about(&json!({"action": "bootstrap", "decision": "deny"}));
    let rows = once_told(&world.owner, "/v1/platform/audit/queries", &body, &[("bootstrap", "single")]);
    let told = of(&rows, "bootstrap", "single");
    assert_eq!((told.at("auth_method"), told.at("actor_id")), ("iam", "system"), "{told:?}");
    let metadata: Value = serde_json::from_str(told.at("metadata")).expect("JSON text");
    assert!(metadata["principal"].is_string(), "{metadata}");
}

/// A code for a command of the owner's, and what it is redeemed with.
fn handed(world: &World) -> (String, String) {
    const COMMAND: &str = "http://127.0.0.1:45679/";
    let verifier = unique::<43>();
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
    let (to, connection) = (encode(COMMAND), &world.org.connection);
    let address = format!("{}/v1/handoff?to={to}&challenge={challenge}&connection={connection}", origin());
    let back = Browser::new().sign_in(&address, "owner", COMMAND);
    let code = back.rsplit_once('=').expect("a code").1.to_owned();
    planted::note(&code);
    (code, verifier)
}

fn redeemed(code: &str, verifier: &str) -> Answer {
    let body = json!({"code": code, "verifier": verifier}).to_string();
    let request = bare("POST", "/v1/handoff/redeem").with("content-type", "application/json");
    let answer = request.body(body).send();
    if answer.status == 201 {
        planted::note(&text(&answer, "session"));
    }
    answer
}

/// Each row comes once, the newest first, and what narrows a question narrows its answer.
fn narrowed(world: &World, dana: &Person, made: &str) {
    let narrowed = |more: Value| asked(&world.owner, &world.path("/audit/queries"), &world.about(&more));
    let rows = narrowed(json!({}));
    let events: BTreeSet<_> = rows.iter().map(|row| row.at("event_id")).collect();
    assert_eq!(events.len(), rows.len());
    assert!(rows.is_sorted_by(|one, next| one.at("created_at") >= next.at("created_at")));
    let phases: BTreeSet<_> =
        narrowed(json!({"action_id": made})).iter().map(|row| row.at("phase").to_owned()).collect();
    assert_eq!(phases, ["attempt", "outcome"].map(str::to_owned).into());
    assert!(narrowed(json!({"decision": "deny"})).iter().all(|row| row.at("decision") == "deny"));
    let hers = narrowed(json!({"actor": dana.user, "event_types": ["admin.agent", "admin.refused"]}));
    assert_eq!(hers.len(), 3, "{hers:?}");
    assert_eq!(narrowed(json!({"action": "tenants.networks", "limit": 1})).len(), 1);
    assert!(narrowed(json!({"agent": "agt_0123456789abcdef"})).is_empty(), "no such agent called");
}

/// Who may ask: viewers of everything, developers and members of what they did themselves; and each reads by the same right.
#[test]
fn everybody_asks_and_reads_by_their_own_right() {
    let Some(world) = World::new() else { return };
    let (dana, noa) = (world.with_role("dana", "developer"), world.with_role("noa", "viewer"));
    let member = world.with_role("stranger", "member");
    let (queries, own) = (world.path("/audit/queries"), world.path("/audit/own-queries"));
    let agent = dana.send("POST", &world.path("/agents"), &json!({"name": "researcher"}));
    assert_eq!(agent.status, 201, "{agent:?}");
    let body = world.about(&json!({}));
    for lesser in [&dana, &member] {
        assert_eq!(code(&lesser.send("POST", &queries, &body)), refused(403, "forbidden"));
    }
    let rows =
        once_told(&noa, &queries, &body, &[("agents.create", "outcome"), ("tenants.create", "outcome")]);
    let actors: BTreeSet<_> = rows.iter().map(|row| row.at("actor_id")).collect();
    assert!(actors.len() > 1 && actors.contains(dana.user.as_str()), "{actors:?}");

    let rows = once_told(&dana, &own, &body, &[("agents.create", "outcome"), ("audit.ask_own", "outcome")]);
    assert!(rows.iter().all(|row| row.at("actor_id") == dana.user), "{rows:?}");
    let another = world.about(&json!({"actor": world.owner.user}));
    assert_eq!(code(&dana.send("POST", &own, &another)), refused(400, "invalid_field"));

    let place = |by: &Person, path: &str| {
        let taken = by.send("POST", path, &body);
        assert_eq!(taken.status, 202, "{taken:?}");
        taken.header("location").expect("a place").to_owned()
    };
    let (whole, hers) = (place(&noa, &queries), place(&dana, &own));
    assert_eq!(dana.get(&hers).status, 200);
    assert_eq!(
        world.owner.get(&whole).status,
        200,
        "who may ask the whole log reads what others asked of it"
    );
    let unknown = world.path("/audit/queries/qry_0123456789abcdef");
    for (by, path) in
        [(&dana, &whole), (&member, &whole), (&member, &hers), (&noa, &hers), (&world.owner, &hers)]
    {
        assert_eq!(code(&by.get(path)), refused(404, "not_found"), "{path}");
    }
    for by in [&dana, &noa, &world.owner] {
        assert_eq!(code(&by.get(&unknown)), refused(404, "not_found"));
    }
    // A place in another question's answer is none in this one's.
    read(&noa, &whole);
    let foreign = format!("{whole}?after={}.1", hers.rsplit('/').next().unwrap_or_default());
    assert_eq!(code(&noa.get(&foreign)), refused(404, "not_found"));

    // The same key asks once; another question under it is none.
    let keyed = |body: &Value| {
        let request = noa.request("POST", &queries).with("content-type", "application/json");
        request.with("idempotency-key", "once").body(body.to_string()).send()
    };
    let (first, again) = (keyed(&body), keyed(&body));
    assert_eq!((first.status, again.status), (202, 202), "{again:?}");
    assert_eq!(text(&first, "query"), text(&again, "query"));
    assert_eq!(code(&keyed(&world.about(&json!({"limit": 1})))), refused(409, "already_exists"));
}

/// One organization's rows are nobody else's, in a tenant's log and in the one that organizations share.
#[test]
fn an_organization_finds_its_own_and_nobody_elses() {
    let (Some(world), Some(other)) = (World::new(), World::new()) else { return };
    let queries = |world: &World| world.of_org("/audit/queries");
    // The other one's rows are there first.
    let wanted = [("invitations.create", "attempt"), ("invitations.create", "outcome")];
    let asks = |world: &World| {
        world.with_role("dana", "viewer");
        once_told(&world.owner, &queries(world), &world.about(&json!({})), &wanted)
    };
    let theirs = asks(&other);
    let ours = asks(&world);
    for (rows, world) in [(&theirs, &other), (&ours, &world)] {
        assert!(rows.iter().all(|row| row.at("org_id") == world.org.id), "{rows:?}");
        let invited = of(rows, "invitations.create", "attempt");
        assert_eq!(
            (invited.at("actor_id"), invited.role()),
            (world.owner.user.as_str(), "org-owner".to_owned())
        );
    }
    // Whoever leads a tenant of the other knows nothing of this one; whoever runs the platform knows that it is there.
    let leader = other.with_role("noa", "owner");
    let body = world.about(&json!({}));
    for path in [queries(&world), world.path("/audit/queries"), world.path("/audit/own-queries")] {
        assert_eq!(code(&leader.send("POST", &path, &body)), refused(404, "not_found"), "{path}");
    }
    for path in [queries(&world), world.path("/audit/queries")] {
        assert_eq!(code(&other.owner.send("POST", &path, &body)), refused(403, "forbidden"), "{path}");
    }
    let taken = world.owner.send("POST", &world.path("/audit/queries"), &body);
    let query = format!("/audit/queries/{}", text(&taken, "query"));
    assert_eq!(code(&leader.get(&world.path(&query))), refused(404, "not_found"));
    assert_eq!(code(&other.owner.get(&world.path(&query))), refused(403, "forbidden"));
    // Under another path it is no question at all, for whoever may read there.
    for (by, path) in [
        (&other.owner, other.path(&query)),
        (&other.owner, other.of_org(&query)),
        (&world.owner, world.of_org(&query)),
    ] {
        assert_eq!(code(&by.get(&path)), refused(404, "not_found"), "{path}");
    }
}
