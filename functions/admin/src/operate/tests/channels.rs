//! How people and agents are told: what is sealed, what is kept, and what is shown.

use super::*;
use domain::ChannelsRow;
use envelope::{Context, Purpose, RootKey, RootSecret};

/// The document as `approvals` reads it: its own tests read the same file.
const SEALED: &str = include_str!("../../../../approvals/src/tests/channels.json");

fn first() -> String {
    include_str!("../../../../../events/admin/put_channels.json").to_owned()
}

fn seen(world: &World) -> String {
    let tag = fingerprint(&world.rows[&Key::channels(&world.tenant)]);
    first().replace(r#""if-none-match": "*""#, &format!(r#""if-match": "\"{tag}\"""#))
}

fn sample() -> Value {
    serde_json::from_str(SEALED).unwrap()
}

impl World {
    /// Channels that somebody wrote.
    fn there(&mut self, version: u64) {
        let (tenant, purpose) = (self.tenant.clone(), Purpose::Action);
        let context = Context { tenant: tenant.clone(), region: Region::Eu, purpose, version: 1 };
        let root = RootKey::derive(&RootSecret::new([9; 32]), &context);
        let sealed = root.seal(&crate::secrets::channels(&tenant), SEALED.as_bytes(), &[3; 28]).unwrap();
        self.put(Key::channels(&tenant), &ChannelsRow { version, sealed: sealed.into() });
    }
}

/// A tenant that has the sample, read by whoever asks.
fn world(role: Role) -> World {
    let mut world = World::of(Some(role));
    world.there(4);
    world.channels = serde_json::from_str(SEALED).unwrap();
    world
}

fn put(world: &World, body: &Value, event: &str) -> Decision {
    world.call("channels.put", world.in_tenant(), body, event)
}

/// What is sealed of a change.
fn sealed(world: &World, body: &Value) -> Value {
    let decision = put(world, body, &seen(world));
    let Decision::Write(plan) = decision else { panic!("{decision:?}") };
    let new = plan.change.channels.as_ref().unwrap();
    assert_eq!((&new.tenant, new.version), (&world.tenant, 5));
    assert!(plan.change.swaps.iter().all(|swap| swap.key == Key::channels(&world.tenant)));
    serde_json::from_str(&new.text).unwrap()
}

fn at(world: &World, body: &Value) -> String {
    let Decision::Refuse(refused, _) = put(world, body, &seen(world)) else { panic!("{body}") };
    assert_eq!(refused.why, Why::InvalidField, "{body}");
    assert!(!format!("{refused:?}").contains("planted"), "{refused:?}");
    refused.at.unwrap()
}

#[test]
fn what_is_said_is_sealed_as_approvals_reads_it_and_nothing_of_it_is_told() {
    let mut world = World::of(Some(Role::Admin));
    let get = |world: &World| world.call("channels.get", world.in_tenant(), &json!({}), BARE);
    assert_eq!(why(get(&world)), Why::NotFound);
    let made = put(&world, &sample(), &first());
    let plan = world.make(made);
    assert_eq!((plan.status, plan.attempt.event_type), (200, EventType::AdminChannels));
    let new = plan.change.channels.as_ref().unwrap();
    assert_eq!(new.version, 1);
    assert_eq!(serde_json::from_str::<Value>(&new.text).unwrap(), sample());
    for told in [plan.change.body.to_string(), format!("{:?}", plan.change), format!("{:?}", world.channels)]
    {
        assert!(!told.contains("planted") && !told.contains("whsec"), "{told}");
    }
    let record = plan.attempt.to_canonical().unwrap();
    assert!(
        !record.contains('@') && !record.contains("acme") && record.contains("channels:tenant"),
        "{record}"
    );
    world.there(1);
    // One that does not read is not shown as if there were nothing.
    assert_eq!(why(get(&world)), Why::FactsUnavailable);
}

#[test]
fn whoever_reads_sees_hosts_alone_and_may_send_back_what_they_saw() {
    let world = world(Role::Owner);
    let Decision::Show(shown) = world.call("channels.get", world.in_tenant(), &json!({}), BARE) else {
        panic!()
    };
    let document = json!({
        "emails": ["dana@acme.example", "noa@acme.example"],
        "slack": {"host": "hooks.slack.com", "signed": true, "users": {"U024BE7LH": "usr_0000000000000001"}},
        "webhooks": {"ops": {"host": "agents.acme.example"}, "pager": {"host": "pager.acme.example"}},
        "approvers_webhook": "pager",
    });
    assert_eq!(shown.body, json!({"version": 4, "document": document}));
    assert_eq!(sealed(&world, &document), sample());
    // Another host than was kept is no address, and another address has no key.
    let with = |pointer: &str, value: Value| {
        let mut body = document.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    assert_eq!(at(&world, &with("/webhooks/ops/host", json!("other.example"))), "/webhooks/ops/url");
    assert_eq!(
        at(&world, &with("/webhooks/ops", json!({"url": "https://other.example/"}))),
        "/webhooks/ops/secret"
    );
    let moved = json!({"url": "https://other.example/", "secret": "planted-other-secret"});
    assert_eq!(sealed(&world, &with("/webhooks/ops", moved.clone()))["webhooks"]["ops"], moved);
    let quiet = sealed(&world, &with("/slack/signed", json!(false)));
    assert_eq!(quiet["slack"].get("signing_secret"), None);
    assert_eq!(
        sealed(&world, &json!({})),
        json!({"emails": [], "slack": null, "webhooks": {}, "approvers_webhook": null})
    );
}

#[test]
fn addresses_and_keys_are_checked_and_never_repeated() {
    let world = world(Role::Owner);
    let hook = |url: &str, secret: &str| json!({"webhooks": {"a/b": {"url": url, "secret": secret}}});
    let good = "planted-long-enough";
    for (body, place) in [
        (json!({"emails": ["a@acme.example", "planted"]}), "/emails/1"),
        (json!({"emails": ["Planted <a@acme.example>"]}), "/emails/0"),
        (json!({"emails": ["a@acme.example,b@acme.example"]}), "/emails/0"),
        (json!({"emails": vec!["a@acme.example"; 21]}), "/emails"),
        (hook("http://planted.example/", good), "/webhooks/a~1b/url"),
        (hook("https://169.254.169.254/planted", good), "/webhooks/a~1b/url"),
        (hook("https://127.0.0.1/planted", good), "/webhooks/a~1b/url"),
        (hook("https://planted.example/", "planted"), "/webhooks/a~1b/secret"),
        (hook("https://planted.example/", "whsec_planted-not-base64!"), "/webhooks/a~1b/secret"),
        (json!({"approvers_webhook": "planted"}), "/approvers_webhook"),
        (json!({"slack": {"webhook_url": "https://[::1]/planted"}}), "/slack/webhook_url"),
        (json!({"slack": {"users": {"planted": "usr_0000000000000001"}}}), "/slack/users"),
        (json!({"slack": {"signing_secret": "planted"}}), "/slack/signing_secret"),
        (json!({"emails": "planted"}), "/emails"),
    ] {
        let told = at(&world, &body);
        assert_eq!(told, place, "{body}");
    }
    let mut none = World::of(Some(Role::Owner));
    none.there(1);
    assert_eq!(at(&none, &json!({"slack": {"signed": true}})), "/slack/webhook_url");
    assert_eq!(at(&none, &json!({"webhooks": {"ops": {}}})), "/webhooks/ops/url");
}

#[test]
fn channels_are_written_by_whoever_leads_the_tenant_over_what_they_saw() {
    for role in Role::ALL {
        let world = world(*role);
        let read = world.call("channels.get", world.in_tenant(), &json!({}), BARE);
        let reads = [Role::Owner, Role::Admin, Role::Operator, Role::Viewer].contains(role);
        assert_eq!(matches!(read, Decision::Show(_)), reads, "{role:?}");
        let written = put(&world, &json!({}), &seen(&world));
        assert_eq!(
            matches!(written, Decision::Write(_)),
            [Role::Owner, Role::Admin].contains(role),
            "{role:?}"
        );
    }
    assert_eq!(why(put(&world(Role::Owner), &json!({}), &first())), Why::PreconditionFailed);
}
