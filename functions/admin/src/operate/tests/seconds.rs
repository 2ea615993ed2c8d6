//! What waits for a second person at an organization, switches above tenants, and the end of a tenant.

use super::*;
use domain::{ChangeId, ChangeRow, ChangeState, DlpPolicyRow};
use envelope::Purpose;

/// An owner of an organization with a connection, and another owner, who is somebody else.
fn world() -> World {
    let mut world = World::of_org_owner();
    let (id, org) = (world.connection(), world.org.clone());
    let document = form(&world, &json!({})).to_string();
    let row = ConnectionRow { id: id.clone(), org, status: Lifecycle::Active, document, secret: None };
    world.put(Key::connection(&id), &row);
    world.rows.insert(Key::org_owner(&world.org, &user(5)), tables::Marker::item());
    world
}

fn form(world: &World, changes: &Value) -> Value {
    let mut form = sent(changes);
    form["id"] = json!(world.connection());
    form["org"] = json!(world.org);
    form
}

/// A body, as it is sent.
fn sent(changes: &Value) -> Value {
    let mut form = json!({"idp": "okta", "issuer": "https://acme.okta.com", "client_id": "one"});
    form.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    form
}

fn seen(world: &World, key: &Key) -> String {
    include_str!("../../../../../events/admin/put_limits.json")
        .replace("0123456789abcdef0123456789abcdef", &fingerprint(&world.rows[key]))
}

fn first() -> String {
    include_str!("../../../../../events/admin/put_limits.json")
        .replace("\"if-match\": \"\\\"0123456789abcdef0123456789abcdef\\\"\"", "\"if-none-match\": \"*\"")
}

fn at_connection(world: &World) -> Params {
    Params { connection: Some(world.connection()), ..Params::default() }
}

fn status_of(decision: &Decision) -> u16 {
    match decision {
        Decision::Write(plan) => plan.status,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_connection_that_lets_more_in_waits_and_one_that_lets_less_in_does_not() {
    let mut world = world();
    let key = Key::connection(&world.connection());
    let put = |world: &World, changes: Value| {
        world.call("connections.put", at_connection(world), &sent(&changes), &seen(world, &key))
    };
    assert_eq!(status_of(&put(&world, json!({}))), 200);
    let with_secret = put(&world, json!({"client_secret": "planted-value"}));
    let Decision::Write(plan) = &with_secret else { panic!() };
    assert!(plan.status == 200 && plan.change.secret.is_some(), "a secret alone lets nobody in");
    let wider = put(&world, json!({"issuer": "https://other.okta.com"}));
    let Decision::Write(plan) = wider else { panic!() };
    assert_eq!((plan.status, plan.attempt.event_type), (202, EventType::AdminChange));
    assert!(
        plan.change.swaps.iter().all(|swap| swap.key.pk == format!("ORG#{}", world.org)),
        "nothing else is written"
    );
    assert!(plan.change.body["confirmed_by"].as_str().is_some_and(|who| who.contains("another owner")));
    // A secret does not wait in the clear.
    let both = put(&world, json!({"issuer": "https://other.okta.com", "client_secret": "planted-value"}));
    let Decision::Refuse(refused, _) = both else { panic!() };
    assert_eq!((refused.why, refused.at.as_deref()), (Why::InvalidField, Some("/client_secret")));
    let created = world.call(
        "connections.create",
        Params::default(),
        &sent(&json!({"client_secret": "planted-value"})),
        BARE,
    );
    assert_eq!(why(created), Why::InvalidField);
    assert_eq!(status_of(&world.call("connections.create", Params::default(), &sent(&json!({})), BARE)), 202);
    // Stopped at once, allowed again by two.
    let status = |world: &World, to: &str| {
        world.call("connections.status", at_connection(world), &json!({"status": to}), BARE)
    };
    let stopped = status(&world, "suspended");
    assert_eq!(world.make(stopped).status, 200);
    assert_eq!(status_of(&status(&world, "active")), 202);
}

#[test]
fn a_client_s_secret_is_set_for_the_issuer_that_was_seen() {
    let world = world();
    let key = Key::connection(&world.connection());
    let body = json!({"client_secret": "planted-value"});
    let blind = world.call("connections.secret", at_connection(&world), &body, BARE);
    assert_eq!(why(blind), Why::PreconditionRequired);
    let set = world.call("connections.secret", at_connection(&world), &body, &seen(&world, &key));
    let Decision::Write(plan) = set else { panic!("{set:?}") };
    let secret = plan.change.secret.as_ref().unwrap();
    assert_eq!((plan.status, secret.row.clone(), secret.host.as_str()), (200, key.clone(), "acme.okta.com"));
    assert_eq!(plan.change.body["has_client_secret"], json!(true));
    assert!(!format!("{:?}{:?}{:?}", plan.change, plan.attempt, plan.change.body).contains("planted-value"));
    let empty = json!({"client_secret": ""});
    assert_eq!(
        why(world.call("connections.secret", at_connection(&world), &empty, &seen(&world, &key))),
        Why::InvalidField
    );
}

/// A change of the organization's that somebody asked for.
fn asked(world: &mut World, by: u8, operation: &str, path: &str, body: &Value, seen: Option<&Key>) -> Params {
    let id = ChangeId::from_random([by; 10]);
    let row = ChangeRow {
        id: id.clone(),
        operation: operation.parse().unwrap(),
        path: path.to_owned(),
        body: body.to_string(),
        seen: seen.and_then(|key| fingerprint(&world.rows[key]).parse().ok()),
        by: user(by),
        asked_as: Some(world.asked_as()),
        at: at(0),
        expires_at: at(9_000),
        state: ChangeState::Pending,
    };
    world.put(Key::org_change(&world.org, &id), &row);
    Params { change: Some(id), ..Params::default() }
}

#[test]
fn two_owners_stand_behind_a_change_of_an_organization() {
    let mut world = world();
    let (org, key) = (world.org.clone(), Key::connection(&world.connection()));
    let path = format!("/v1/orgs/{org}/connections/{}", world.connection());
    let jit = sent(&json!({"jit": true}));
    let confirm =
        |world: &World, params: &Params| world.call("org_changes.confirm", params.clone(), &json!({}), BARE);
    let own = asked(&mut world, 4, "connections.put", &path, &jit, Some(&key));
    assert_eq!(why(confirm(&world, &own)), Why::SamePerson, "even of the only owner");
    let params = asked(&mut world, 5, "connections.put", &path, &jit, Some(&key));
    let Decision::Write(plan) = confirm(&world, &params) else { panic!() };
    assert_eq!(plan.status, 200);
    assert_eq!(plan.change.writes.len(), 1, "the change is done with it");
    let new = plan.change.swaps.iter().find(|swap| swap.key == key).unwrap();
    assert!(ConnectionRow::from_item(&new.new).unwrap().document.contains("\"jit\":true"));
    // Two accounts under one verified address are one person.
    let address = domain::Opaque::from_digest(&[7; 32]);
    let both = [4, 5].map(|byte| {
        let key = Key::user(&org, &user(byte));
        let was = world.rows[&key].clone();
        let mut person = domain::Person::from_item(&was).unwrap();
        person.addresses.push(address.clone());
        let mut new = was.clone();
        new.extend(person.to_item());
        world.rows.insert(key.clone(), new);
        (key, was)
    });
    assert_eq!(why(confirm(&world, &params)), Why::SamePerson);
    world.rows.extend(both);
    // Whoever asked is an owner no more.
    let owner = world.rows.remove(&Key::org_owner(&org, &user(5))).unwrap();
    assert_eq!(why(confirm(&world, &params)), Why::RequesterGone);
    world.rows.insert(Key::org_owner(&org, &user(5)), owner);
    // Another organization's path is none of this one's, and what has changed since is not what was asked for.
    let foreign = path.replace(org.as_str(), OrgId::from_random([77; 10]).as_str());
    let params = asked(&mut world, 5, "connections.put", &foreign, &jit, Some(&key));
    assert_eq!(why(confirm(&world, &params)), Why::NotFound);
    let params = asked(&mut world, 5, "connections.put", &path, &jit, Some(&Key::org(&org)));
    assert_eq!(why(confirm(&world, &params)), Why::PreconditionFailed);
    // A change of an organization is withdrawn by whoever asked for it.
    let own = asked(&mut world, 4, "connections.put", &path, &jit, Some(&key));
    assert_eq!(why(world.call("org_changes.withdraw", params, &json!({}), BARE)), Why::Forbidden);
    assert_eq!(status_of(&world.call("org_changes.withdraw", own.clone(), &json!({}), BARE)), 200);
    world.who.principal.org_owner = None;
    assert_eq!(why(confirm(&world, &own)), Why::Forbidden);
}

#[test]
fn a_floor_is_raised_at_once_and_lowered_by_two() {
    let mut world = world();
    let key = Key::dlp_floor(&world.org);
    let document = |action: &str| json!({"v": 1, "types": {"card": {"action": action}}});
    assert_eq!(why(world.call("dlp.get_floor", Params::default(), &json!({}), BARE)), Why::NotFound);
    let made = world.call("dlp.put_floor", Params::default(), &document("redact"), &first());
    let plan = world.make(made);
    assert_eq!((plan.status, plan.change.resource.as_str()), (200, "dlp:floor"));
    assert_eq!(DlpPolicyRow::from_item(&world.rows[&key]).unwrap().version, 1);
    let put = |world: &World, action: &str| {
        world.call("dlp.put_floor", Params::default(), &document(action), &seen(world, &key))
    };
    assert_eq!(status_of(&put(&world, "block")), 200);
    let lower = put(&world, "allow");
    let Decision::Write(plan) = lower else { panic!("{lower:?}") };
    assert_eq!(plan.status, 202);
    assert!(plan.change.swaps.iter().all(|swap| swap.key.sk.starts_with("CHANGE#")));
    // Whatever is written over a floor that stops every call lets more happen.
    world.put(key.clone(), &DlpPolicyRow { version: 7, document: "?".to_owned() });
    assert_eq!(status_of(&put(&world, "block")), 202);
    // A tenant's own people do not write it.
    world.who.principal.org_owner = None;
    world.who.principal.roles = [(world.tenant.clone(), Role::Owner)].into();
    assert_eq!(why(put(&world, "block")), Why::Forbidden);
}

/// Three documents, none of which takes out less than the one before at its own place, and with the last one nothing is taken out of
/// an agent's calls. And a name that an agent's document hides is given to what was found by another.
#[test]
fn no_step_by_step_weakening_through_an_agent_s_document() {
    let mut world = world();
    world.who.principal.org_owner = None;
    world.who.principal.roles = [(world.tenant.clone(), Role::Developer)].into();
    let of_agent = Params { agent: Some(AgentId::from_random([3; 10])), ..world.in_tenant() };
    let agent = of_agent.agent.clone().unwrap();
    let row = Agent { id: agent.clone(), status: Lifecycle::Active, team: None, owner: None, deputy: None };
    world.put(Key::agent(&world.tenant, &agent), &row);
    let groups = [
        "business", "contact", "date", "finance", "health", "national", "network", "secret", "tax", "travel",
    ];
    let types: serde_json::Map<String, Value> =
        groups.iter().map(|group| ((*group).to_owned(), json!({"action": "redact"}))).collect();
    let made = world.call("dlp.put", world.in_tenant(), &json!({"v": 1, "types": types}), &first());
    assert_eq!(world.make(made).status, 200);
    let all = |action: &str| json!({"v": 1, "types": {"*": {"action": action}}});
    assert_eq!(status_of(&world.call("dlp.put_agent", of_agent.clone(), &all("allow"), &first())), 202);
    // A harmless term of the agent's, by whose name the tenant's is called then.
    let term =
        |id: &str, word: &str| json!({"v": 1, "terms": [{"id": id, "words": [word], "action": "block"}]});
    let key = Key::dlp_policy(&world.tenant, None);
    let made = world.call("dlp.put", world.in_tenant(), &term("project", "apollo"), &seen(&world, &key));
    assert_eq!(world.make(made).status, 200);
    let made = world.call("dlp.put_agent", of_agent, &term("x", "harmless"), &first());
    assert_eq!(world.make(made).status, 200);
    assert_eq!(
        status_of(&world.call("dlp.put", world.in_tenant(), &term("x", "apollo"), &seen(&world, &key))),
        202
    );
    // What one agent alone searches in answers counts, too.
    let both = |direction: &str| json!({"v": 1, "answers": false, "types": {"card": {"action": "redact", "direction": direction}}, "terms": [{"id": "project", "words": ["apollo"], "action": "block"}]});
    let made = world.call("dlp.put", world.in_tenant(), &both("both"), &seen(&world, &key));
    assert_eq!(world.make(made).status, 200);
    assert_eq!(
        status_of(&world.call("dlp.put", world.in_tenant(), &both("request"), &seen(&world, &key))),
        202
    );
}

/// RFC 9110 section 13.1.1, where nobody has to say what they saw.
#[test]
fn whoever_says_what_they_saw_changes_that_alone() {
    let mut world = world();
    world.who.principal.roles = [(world.tenant.clone(), Role::Owner)].into();
    let agent = AgentId::from_random([3; 10]);
    let row = Agent { id: agent.clone(), status: Lifecycle::Active, team: None, owner: None, deputy: None };
    let key = Key::agent(&world.tenant, &agent);
    world.put(key.clone(), &row);
    let of = Params { agent: Some(agent), ..world.in_tenant() };
    let suspend = |world: &World, event: &str| {
        world.call("agents.status", of.clone(), &json!({"status": "suspended"}), event)
    };
    let before = seen(&world, &key);
    assert_eq!(status_of(&suspend(&world, BARE)), 200);
    let made = suspend(&world, &before);
    assert_eq!(world.make(made).status, 200);
    let resume = world.call("agents.status", of.clone(), &json!({"status": "active"}), &before);
    assert_eq!(why(resume), Why::PreconditionFailed);
    let resume = world.call("agents.status", of, &json!({"status": "active"}), &seen(&world, &key));
    assert_eq!(status_of(&resume), 200);
}

#[test]
fn a_switch_above_tenants_is_turned_off_by_another_person() {
    let mut world = world();
    let stop = json!({"reason": "incident_4711"});
    for (level, params, switch) in [
        ("org", Params::default(), Switch::Org(world.org.clone())),
        ("platform", Params::default(), Switch::Platform),
    ] {
        world.who.principal.platform = level == "platform";
        let call = |world: &World, name: &str, body: &Value| {
            let name = format!("{name}_{level}");
            // No organization stands in a path of the platform's.
            if level == "platform" {
                world.call_above(&name, body)
            } else {
                world.call(&name, params.clone(), body, BARE)
            }
        };
        for key in switch.keys() {
            world.put(key, &KillRow::new());
        }
        let agent = json!({"reason": "incident_4711", "agent": world.agent});
        assert_eq!(why(call(&world, "kill.stop", &agent)), Why::InvalidField, "{level}");
        let Decision::Write(plan) = call(&world, "kill.stop", &stop) else { panic!() };
        let keys: Vec<_> = plan.change.writes.iter().map(|write| write.key.clone()).collect();
        assert_eq!((keys, plan.change.regardless), (switch.keys(), true), "{level}: every copy at once");
        let platform = (OrgId::platform(), TenantId::platform());
        assert_eq!(plan.change.log, (level == "platform").then_some(platform));
        let by = |byte: u8| user(byte).as_str().parse().unwrap();
        let last = |byte: u8| domain::KillWrite { by: by(byte), reason: Code::literal("x"), at: at(1) };
        let recover = json!({"reason": "resolved", "version": 2});
        for (byte, expected) in [(4, Some(Why::SamePerson)), (5, None)] {
            // Another has stopped it since, or it is a row from before all were kept.
            let stoppers = if level == "org" { [by(byte), by(6)].into() } else { [].into() };
            let last = Some(last(if level == "org" { 6 } else { byte }));
            let row =
                KillRow { version: 2, stopped: [KillScope::All].into(), last, stoppers, crowded: false };
            for key in switch.keys() {
                world.put(key, &row);
            }
            match (call(&world, "kill.recover", &recover), expected) {
                (decision, Some(expected)) => assert_eq!(why(decision), expected),
                (decision, None) => {
                    let Decision::Write(plan) = decision else { panic!("{decision:?}") };
                    assert!(plan.change.writes.iter().all(|write| write.condition.is_some()));
                    assert_eq!(plan.change.writes.len(), switch.keys().len());
                }
            }
        }
        assert!(matches!(call(&world, "kill.get", &json!({})), Decision::Show(_)));
    }
    world.who.principal.platform = false;
    assert_eq!(why(world.call_above("kill.stop_platform", &stop)), Why::Forbidden);
}

/// What a program stops, the person who answers for it has stopped: they do not recover it, and another does.
#[test]
fn a_program_s_stop_is_of_whoever_answers_for_it_too() {
    let mut world = World::of(Some(Role::Operator));
    let people =
        Principal { id: PrincipalId::Workload("ci".parse().unwrap()), ..world.who.principal.clone() };
    world.who.principal = Principal { org_member: None, ..people };
    world.who.answers = user(6);
    world.who.set_by = Some(user(5));
    let stop = json!({"reason": "deploy_failed"});
    let Decision::Write(plan) = world.call("kill.stop", world.in_tenant(), &stop, BARE) else { panic!() };
    let write = &plan.change.writes[0];
    let kept: BTreeSet<_> =
        write.names.iter().filter_map(|(_, name)| name.strip_prefix("stopper#")).collect();
    assert_eq!(
        kept,
        [user(4), user(5), user(6)].iter().map(UserId::as_str).collect(),
        "and of who made it so"
    );
    let place = Switch::Tenant(world.tenant.clone()).keys().remove(0);
    let row = KillRow {
        version: 2,
        stopped: [KillScope::All].into(),
        last: None,
        stoppers: [user(4), user(6)].iter().map(|user| user.as_str().parse().unwrap()).collect(),
        crowded: false,
    };
    let recover = |by: u8, row: &KillRow| {
        let mut world = World::of(Some(Role::Operator));
        world.who.principal.id = PrincipalId::User(user(by));
        world.who.user = user(by);
        world.put(place.clone(), row);
        world.call("kill.recover", world.in_tenant(), &json!({"reason": "over", "version": 2}), BARE)
    };
    assert_eq!(why(recover(6, &row)), Why::SamePerson);
    assert!(matches!(recover(5, &row), Decision::Write(_)));
    assert_eq!(why(recover(5, &KillRow { crowded: true, ..row })), Why::SamePerson);
}

/// Two accounts under one verified address are one person: the other one does not recover what the first has stopped.
#[test]
fn nobody_recovers_under_another_account_of_theirs() {
    let mut world = World::of(Some(Role::Operator));
    let place = Switch::Tenant(world.tenant.clone()).keys().remove(0);
    let by = user(5).as_str().parse::<Code>().unwrap();
    let stopped = KillRow { version: 2, stopped: [KillScope::All].into(), ..KillRow::new() };
    let named = KillRow { stoppers: [by.clone()].into(), ..stopped.clone() };
    let last = Some(domain::KillWrite { by, reason: Code::literal("x"), at: at(1) });
    let older = KillRow { last, ..stopped };
    let address = |world: &mut World, byte: u8, address: u8| {
        let mut person = domain::Person::new(user(byte));
        person.user.epoch = 7;
        person.note(&domain::Opaque::from_digest(&[address; 32]));
        world.put(Key::user(&world.org, &user(byte)), &person);
    };
    for row in [named, older] {
        world.put(place.clone(), &row);
        let body = json!({"reason": "over", "version": 2});
        let behind = crate::decide::kill::behind(&world.org, &world.in_tenant(), &body, &world.rows);
        assert_eq!(behind, [Key::user(&world.org, &user(5))], "it is read before");
        let recover = |world: &World| world.call("kill.recover", world.in_tenant(), &body, BARE);
        address(&mut world, 4, 1);
        address(&mut world, 5, 1);
        assert_eq!(why(recover(&world)), Why::SamePerson);
        address(&mut world, 5, 2);
        assert!(matches!(recover(&world), Decision::Write(_)));
    }
}

/// Asked for by one, done by another: the status and every root in one transaction.
#[test]
fn a_tenant_ends_for_good_by_two() {
    let mut world = world();
    let key = Key::tenant(&world.tenant);
    let path = format!("/v1/tenants/{}", world.tenant);
    let asked = world.call("tenants.remove", world.in_tenant(), &json!({}), BARE);
    let Decision::Write(plan) = asked else { panic!() };
    assert_eq!((plan.status, plan.change.writes.len()), (202, 0), "nothing is done yet");
    let id = ChangeId::from_random([5; 10]);
    let row = ChangeRow {
        id: id.clone(),
        operation: "tenants.remove".parse().unwrap(),
        path,
        body: "{}".to_owned(),
        seen: None,
        by: user(5),
        asked_as: Some(world.asked_as()),
        at: at(0),
        expires_at: at(9_000),
        state: ChangeState::Pending,
    };
    world.put(Key::change(&world.tenant, &id), &row);
    let params = Params { change: Some(id), ..world.in_tenant() };
    let confirmed = world.call("changes.confirm", params, &json!({}), BARE);
    let plan = world.make(confirmed);
    let gone: BTreeSet<_> = plan.change.writes.iter().map(|write| write.key.clone()).collect();
    let roots = Purpose::ALL.map(|purpose| Key::root(&world.tenant, purpose.as_str()));
    assert!(gone.is_superset(&roots.into()), "{gone:?}");
    assert_eq!(Tenant::from_item(&world.rows[&key]).unwrap().status, Lifecycle::Deleted);
    for status in ["active", "suspended"] {
        let back = world.call("tenants.status", world.in_tenant(), &json!({ "status": status }), BARE);
        assert_eq!(why(back), Why::TenantDeleted, "{status}");
    }
    assert_eq!(why(world.call("tenants.remove", world.in_tenant(), &json!({}), BARE)), Why::TenantDeleted);
    let limits = json!({"time_zone": "UTC", "shards": 1, "limits": []});
    assert_eq!(why(world.call("limits.put", world.in_tenant(), &limits, &first())), Why::TenantDeleted);
    let status = json!({"status": "deleted"});
    let mut other = World::of_org_owner();
    assert_eq!(why(other.call("tenants.status", other.in_tenant(), &status, BARE)), Why::InvalidField);
    other.who.principal.org_owner = None;
    other.who.principal.roles = [(other.tenant.clone(), Role::Admin)].into();
    assert_eq!(why(other.call("tenants.remove", other.in_tenant(), &json!({}), BARE)), Why::Forbidden);
}

/// The same key asks for the same once: while it waits and after, the answer is the first one's.
#[test]
fn what_waits_is_not_asked_for_twice() {
    let mut world = world();
    let path = format!("/v1/orgs/{}/connections", world.org);
    let event = |key: &str| {
        BARE.replace("/v1/tenants/ten_0123456789abcdef/keys/service", &path)
            .replace("\"idempotency-key\": \"one\"", &format!("\"idempotency-key\": \"{key}\""))
    };
    let create = |world: &World, form: &Value, key: &str| {
        world.call("connections.create", Params::default(), form, &event(key))
    };
    let form = sent(&json!({"jit": true}));
    let first = create(&world, &form, "one");
    let first = world.make(first);
    let request = parse(&event("one")).unwrap();
    let in_org = Params { org: Some(world.org.clone()), ..Params::default() };
    let place = changes::repeated(&request, &in_org, &user(4)).unwrap();
    assert_eq!(first.change.swaps[0].key, place, "it is read before it is asked for again");
    let Decision::Write(again) = create(&world, &form, "one") else { panic!() };
    assert!(again.change.already && again.status == 202);
    assert_eq!(again.change.body["id"], first.change.body["id"]);
    // Another body, another key, another caller.
    assert_eq!(why(create(&world, &sent(&json!({"jit": false})), "one")), Why::Conflict);
    let Decision::Write(other) = create(&world, &form, "two") else { panic!() };
    assert!(!other.change.already && other.change.body["id"] != first.change.body["id"]);
    // What waits no more is not asked for again by it: neither over, nor done.
    let kept = ChangeRow::from_item(&world.rows[&place]).unwrap();
    for dead in [
        ChangeRow { state: ChangeState::Confirmed, ..kept.clone() },
        ChangeRow { state: ChangeState::Withdrawn, ..kept.clone() },
        ChangeRow { expires_at: at(5_000), ..kept.clone() },
        // Asked for over another row than the one that is seen now.
        ChangeRow { seen: "0123456789abcdef0123456789abcdef".parse().ok(), ..kept.clone() },
    ] {
        world.put(place.clone(), &dead);
        assert_eq!(why(create(&world, &form, "one")), Why::Conflict, "{dead:?}");
    }
    world.put(place.clone(), &kept);
    let not_said = parse(&event("one").replace("idempotency-key", "x-nothing")).unwrap();
    assert_eq!(changes::repeated(&not_said, &in_org, &user(4)), None);
    assert_ne!(changes::repeated(&request, &in_org, &user(5)), Some(place));
}

/// What is made together has ids of its own, with and without a key.
#[test]
fn ids_that_are_made_together_are_different() {
    let mut world = World::of(None);
    world.who.principal.platform = true;
    let body = json!({"name": "acme", "owner_email": "dana@acme.test", "connection": sent(&json!({}))});
    for event in [BARE.to_owned(), BARE.replace("idempotency-key", "x-nothing")] {
        let Decision::Write(plan) = world.call_at("orgs.create", Params::default(), &body, &event) else {
            panic!()
        };
        let id = |name: &str| plan.change.body[name].as_str().unwrap().split_once('_').unwrap().1.to_owned();
        assert_ne!(id("id"), id("connection"));
    }
}
