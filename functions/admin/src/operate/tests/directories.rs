//! A directory that is asked: whose it is takes two, and its key is taken for that alone.

use domain::{PullRow, SealedBytes};

use super::*;

/// An owner of an organization, and a connection to Google.
struct Workspace {
    world: World,
    params: Params,
    place: Key,
}

/// By a request that says that there is none yet.
fn first() -> String {
    BARE.replacen("\"headers\": {", "\"headers\": {\"if-none-match\": \"*\",", 1)
}

fn account() -> Value {
    json!({
        "admin_email": "admin@acme.test", "client_email": "r@acme.iam.gserviceaccount.com",
        "private_key": crate::sso::testing::service_key(),
    })
}

/// The part of an account that two agree on.
fn whose() -> Value {
    json!({"admin_email": account()["admin_email"], "client_email": account()["client_email"]})
}

fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

impl Workspace {
    fn of(idp: &str) -> Self {
        let mut world = World::of_org_owner();
        let id = ConnectionId::from_random([8; 10]);
        let form = with(crate::sso::testing::sample(idp).connection, "id", json!(id));
        let (org, document) = (world.org.clone(), form.to_string());
        let row = ConnectionRow { id: id.clone(), org, status: Lifecycle::Active, document, secret: None };
        world.put(Key::connection(&id), &row);
        let params =
            Params { org: Some(world.org.clone()), connection: Some(id.clone()), ..Params::default() };
        Self { world, params, place: Key::pull(&id) }
    }

    fn agree(&self, body: &Value) -> Decision {
        self.world.call("directories.put", self.params.clone(), body, &first())
    }

    fn set(&self, body: &Value) -> Decision {
        self.world.call("directories.key", self.params.clone(), body, BARE)
    }

    fn row(&self) -> PullRow {
        PullRow::from_item(&self.world.rows[&self.place]).unwrap()
    }

    fn agreed(&mut self) -> Box<Plan> {
        let params = self.params.clone();
        self.world.by_two("directories.put", &params, &whose(), &first())
    }
}

#[test]
fn only_a_workspace_is_asked_and_bad_accounts_are_refused_by_field() {
    assert_eq!(why(Workspace::of("okta").agree(&whose())), Why::InvalidField, "others push");
    let mut workspace = Workspace::of("google");
    for field in ["admin_email", "client_email"] {
        for wrong in [json!("admin"), json!("a b@acme.test"), json!(1), json!("@".repeat(321))] {
            assert_eq!(why(workspace.agree(&with(whose(), field, wrong))), Why::InvalidField, "{field}");
        }
    }
    assert_eq!(why(workspace.agree(&account())), Why::InvalidField, "a key is not kept where others see it");
    workspace.agreed();
    for (field, value) in [
        ("admin_email", json!("admin")),
        ("private_key", json!("")),
        ("private_key", json!("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----")),
        ("private_key", json!(1)),
        ("type", json!("service_account")),
    ] {
        assert_eq!(why(workspace.set(&with(account(), field, value))), Why::InvalidField, "{field}");
    }
    workspace.world.who.principal.org_owner = None;
    assert_eq!(why(workspace.agree(&whose())), Why::Forbidden);
    assert_eq!(why(workspace.set(&account())), Why::Forbidden);
}

/// No one person says whose word counts; the key is for what two agreed on, and for nothing else.
#[test]
fn whose_directory_is_asked_takes_two() {
    let mut workspace = Workspace::of("google");
    let blind = workspace.world.call("directories.put", workspace.params.clone(), &whose(), BARE);
    assert_eq!(why(blind), Why::PreconditionRequired);
    assert_eq!(why(workspace.set(&account())), Why::InvalidField, "nothing is agreed on");
    let plan = workspace.agreed();
    assert_eq!((&plan.change.body["agreed"], &plan.change.body["asked"]), (&json!(true), &json!(false)));
    let Decision::Write(again) = workspace.agree(&whose()) else { panic!() };
    assert!(again.change.already, "what is agreed on is agreed on");
    for field in ["admin_email", "client_email"] {
        let other = with(account(), field, json!("other@evil.test"));
        assert_eq!(why(workspace.set(&other)), Why::InvalidField, "{field}");
    }
}

/// It is sealed and never shown; another directory voids it, and taken away, nothing is asked and nothing agreed on.
#[test]
fn a_workspace_is_asked_by_a_key_that_is_never_shown() {
    let mut workspace = Workspace::of("google");
    workspace.agreed();
    let made = workspace.set(&account());
    let plan = workspace.world.make(made);
    let secret = plan.change.secret.as_ref().unwrap();
    assert_eq!(
        (secret.purpose, secret.host.as_str()),
        (envelope::Purpose::Directory, "oauth2.googleapis.com")
    );
    assert_eq!(secret.row, workspace.place);
    assert_eq!(serde_json::from_str::<Value>(&secret.text).unwrap(), account());
    assert_eq!((&plan.change.body["asked"], plan.change.weakens), (&json!(true), false));
    assert!(!plan.change.body.to_string().contains("PRIVATE"));
    let kept = workspace.row();
    assert_eq!(
        (kept.secret, &kept.org),
        (None, &workspace.world.org),
        "sealed into the row when it is written"
    );

    let secret = SealedBytes::from_sealed_form([b"CSE1".as_slice(), &[0; 90]].concat()).ok();
    let row = PullRow { secret, ..workspace.row() };
    workspace.world.put(workspace.place.clone(), &row);
    let seen = fingerprint(&workspace.world.rows[&workspace.place]);
    let over = BARE
        .replacen("\"headers\": {", &format!("\"headers\": {{\"if-match\": \"{seen}\","), 1)
        .replace("\"idempotency-key\": \"one\"", "\"idempotency-key\": \"two\"");
    let other = with(whose(), "admin_email", json!("admin@other.test"));
    let params = workspace.params.clone();
    let mut moved = World { rows: workspace.world.rows.clone(), ..World::of_org_owner() };
    moved.by_two("directories.put", &params, &other, &over);
    let row = PullRow::from_item(&moved.rows[&workspace.place]).unwrap();
    assert!(row.secret.is_none() && row.agreed != workspace.row().agreed, "another directory voids the key");

    let gone = workspace.world.call("directories.remove", workspace.params.clone(), &json!({}), BARE);
    workspace.world.make(gone);
    let kept = workspace.row();
    assert_eq!((kept.secret, kept.agreed), (None, None), "it takes two again");
    assert_eq!(why(workspace.set(&account())), Why::InvalidField);
}
