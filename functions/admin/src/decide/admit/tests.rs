//! Whoever was ended stays out, by every way in.

use super::*;
use crate::sso::testing::{connection_of, sample};
use crate::sso::{Groups, Mfa};
use domain::{ConnectionId, Role, TenantInvite, TenantInvitesRow};
use domain::{Lifecycle, Region, Tenant};
use serde_json::{Value, json};
use tables::Attr;

const EMAIL: &str = "dana@acme.test";

fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(millis).unwrap()
}

/// An organization with a connection that creates people of a group, as the second connection of somebody who is known by another.
struct Way {
    connection: Connection,
    row: ConnectionRow,
    org: OrgId,
    tenant: TenantId,
    rows: Rows,
}

impl Way {
    fn new() -> Self {
        let (org, tenant) = (OrgId::from_random([1; 10]), TenantId::from_random([2; 10]));
        let mut form = sample("okta").connection;
        let more = json!({"org": org, "jit": true,
            "group_roles": [{"group": "Ops", "grant": {"tenant": tenant, "role": "owner"}}]});
        form.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let connection = connection_of(&form);
        let row = ConnectionRow {
            id: connection.id().clone(),
            org: org.clone(),
            status: Lifecycle::Active,
            document: form.to_string(),
            secret: None,
        };
        let mut rows = Rows::new();
        let (id, of, region, status) = (tenant.clone(), org.clone(), Region::Eu, Lifecycle::Active);
        rows.insert(Key::tenant(&tenant), Tenant { id, org: of, region, status, networks: None }.to_item());
        Self { connection, row, org, tenant, rows }
    }

    fn identity(email: &str, verified: bool) -> Identity {
        Identity {
            issuer: "https://acme.okta.com".to_owned(),
            subject: "00u1".to_owned(),
            external_id: "00u1".to_owned(),
            email: Some(email.to_owned()),
            email_verified: verified,
            name: None,
            groups: Groups::Listed(vec!["Ops".to_owned()]),
            mfa: Mfa::Yes,
            auth_time: None,
            sid: None,
            amr: Vec::new(),
        }
    }

    fn door<'a>(&'a self, identity: &'a Identity) -> Door<'a> {
        Door {
            connection: &self.connection,
            row: &self.row,
            identity,
            rows: &self.rows,
            now: at(5_000),
            new_user: UserId::from_random([9; 10]),
            session: SessionId::from_random([7; 10]),
        }
    }

    fn admit(&self, identity: &Identity) -> Result<Admitted, Why> {
        admit(&self.door(identity))
    }

    fn address(&self) -> Key {
        Key::address(&self.org, users::address_of(&self.org, EMAIL))
    }
}

fn touched(admitted: &Admitted) -> BTreeSet<Key> {
    admitted.writes.iter().map(|write| write.key.clone()).collect()
}

#[test]
fn a_new_person_is_noted_under_their_address_and_their_tenants() {
    let way = Way::new();
    let admitted = way.admit(&Way::identity(EMAIL, true)).unwrap();
    assert!(admitted.created);
    let touched = touched(&admitted);
    assert!(touched.contains(&way.address()), "whoever is ended at this moment is not let in: {touched:?}");
    let of = |key: &Key| admitted.writes.iter().find(|write| write.key == *key).unwrap();
    assert_eq!(admitted.session.sid, None, "the provider names no session");
    let conditions = [of(&way.address()), of(&Key::owners(&way.tenant))];
    assert!(conditions.iter().all(|write| write.condition.is_some()));
    let person = of(&Key::user(&way.org, &admitted.user));
    let values: Vec<_> = person.values.iter().map(|(_, value)| value.clone()).collect();
    assert!(values.contains(&Attr::texts([&way.tenant])), "owned tenants: {values:?}");
    let keys = first_keys(&way.org, &way.row, &Way::identity(EMAIL, true));
    assert!(keys.contains(&way.address()), "it is read before");
    // An address that nobody verified is no address.
    let bare = way.admit(&Way::identity(EMAIL, false)).unwrap();
    assert!(!bare.writes.iter().any(|write| write.key.sk.starts_with("ADDRESS#")));
}

#[test]
fn a_session_is_found_by_the_one_at_the_provider() {
    let way = Way::new();
    let named = |sid: &str| {
        let identity = Identity { sid: Some(sid.to_owned()), ..Way::identity(EMAIL, true) };
        let admitted = way.admit(&identity).unwrap();
        (admitted.session.sid.clone().unwrap(), touched(&admitted), admitted.session.id)
    };
    let (digest, touched, id) = named("08a5019c-17e1-4977-8f42-65a12843ea02");
    assert!(touched.contains(&Key::session_at_provider(&digest, &id)), "{touched:?}");
    assert!(!digest.as_str().contains("08a5019c"), "by a digest");
    assert_ne!(named("another").0, digest);
    let other = ConnectionId::from_random([8; 10]);
    let of = |connection: &ConnectionId, issuer: &str| {
        super::super::sessions::at_provider(connection, issuer, "s")
    };
    let (issuer, own) = ("https://acme.okta.com", way.row.id.clone());
    assert_ne!(of(&own, issuer), of(&other, issuer), "on one connection alone");
    assert_ne!(of(&own, issuer), of(&own, "https://evil.test"), "and of one issuer");
}

#[test]
fn whoever_was_ended_comes_back_by_no_other_connection_and_no_invitation() {
    let mut way = Way::new();
    way.rows.insert(way.address(), AddressRow { ended: 1, user: None, via: None }.to_item());
    for email in [EMAIL, "Dana@ACME.test"] {
        assert_eq!(way.admit(&Way::identity(email, true)).unwrap_err(), Why::Deprovisioned, "{email}");
    }
    let identity = Way::identity(EMAIL, true);
    let invite = InviteRow {
        org: way.org.clone(),
        connection: way.row.id.clone(),
        platform: false,
        owner: true,
        tenant: None,
        invited_by: None,
        through: None,
        expires_at: at(9_000),
    };
    way.rows.insert(invite_key(&way, &identity), invite.to_item());
    assert_eq!(way.admit(&identity).unwrap_err(), Why::Deprovisioned);
    // Another person's address is another's.
    assert!(way.admit(&Way::identity("noa@acme.test", true)).is_ok());
    way.rows.insert(way.address(), AddressRow { ended: 0, user: None, via: None }.to_item());
    assert!(way.admit(&identity).is_ok(), "reactivated");
}

/// An invitation is worth what whoever made it may still give.
#[test]
fn an_invitation_is_void_once_its_inviter_may_not_invite() {
    let mut way = Way::new();
    let inviter = UserId::from_random([5; 10]);
    let mut identity = Way::identity(EMAIL, true);
    identity.groups = Groups::Listed(Vec::new());
    let invite = InviteRow {
        org: way.org.clone(),
        connection: way.row.id.clone(),
        platform: false,
        owner: true,
        tenant: Some((way.tenant.clone(), Role::Admin)),
        invited_by: Some(domain::InEpoch::new(inviter.clone(), 1)),
        through: Some(way.row.id.clone()),
        expires_at: at(9_000),
    };
    way.rows.insert(Key::connection(&way.row.id), way.row.to_item());
    way.rows.insert(invite_key(&way, &identity), invite.to_item());
    let person = Key::user(&way.org, &inviter);
    let office = Key::org_owner(&way.org, &inviter);
    let awaiting = Awaiting::at(&way.rows, &way.org, &way.row, &identity, at(5_000)).unwrap();
    let keys = more_keys(&way.org, &way.connection, &UserId::from_random([9; 10]), &awaiting);
    assert!(keys.contains(&person) && keys.contains(&office), "it is read before");
    let row = |active| User { id: inviter.clone(), active, epoch: 1 }.to_item();
    for (active, owner, epoch, stands) in [
        (Some(true), true, Some(1), true),
        (Some(true), false, Some(1), false),
        (Some(false), true, Some(1), false),
        (None, true, Some(1), false),
        // Ended since and let in again, and of a row that does not say when.
        (Some(true), true, Some(0), false),
        (Some(true), true, None, false),
    ] {
        let invited_by = Some(domain::InEpoch { user: inviter.clone(), epoch });
        let invite = InviteRow { invited_by, ..invite.clone() };
        way.rows.insert(invite_key(&way, &identity), invite.to_item());
        way.rows.remove(&person);
        way.rows.remove(&office);
        way.rows.extend(active.map(|active| (person.clone(), row(active))));
        way.rows.extend(owner.then(|| (office.clone(), Marker::item())));
        match (way.admit(&identity), stands) {
            (Ok(admitted), true) => {
                let touched = touched(&admitted);
                assert!(touched.contains(&Key::org_owner(&way.org, &admitted.user)));
                assert!(touched.contains(&Key::binding(&way.tenant, &admitted.user)));
            }
            (told, stands) => {
                assert!(!stands);
                assert_eq!(told.unwrap_err(), Why::NotAdmitted, "{active:?} {owner}");
            }
        }
    }
}

/// Nobody gives themselves a role, and none is given in a tenant that is no more.
#[test]
fn an_owner_of_the_organization_takes_nothing_by_their_own_invitation() {
    let mut way = Way::new();
    let identity = Identity { groups: Groups::Listed(Vec::new()), ..Way::identity(EMAIL, true) };
    let person = PersonRow::new(UserId::from_random([4; 10]));
    known(&mut way, &person);
    let owner = person.user.id.clone();
    let invite = |by: &UserId| InviteRow {
        org: way.org.clone(),
        connection: way.row.id.clone(),
        platform: false,
        owner: false,
        tenant: Some((way.tenant.clone(), Role::Owner)),
        invited_by: Some(domain::InEpoch::new(by.clone(), 1)),
        through: Some(way.row.id.clone()),
        expires_at: at(9_000),
    };
    let (own, other) = (invite(&owner), invite(&UserId::from_random([5; 10])));
    let place = invite_key(&way, &identity);
    way.rows.insert(Key::connection(&way.row.id), way.row.to_item());
    for id in [&owner, &UserId::from_random([5; 10])] {
        let row = User { id: id.clone(), active: true, epoch: 1 };
        way.rows.entry(Key::user(&way.org, id)).or_insert_with(|| row.to_item());
        way.rows.insert(Key::org_owner(&way.org, id), Marker::item());
    }
    let bound = |way: &Way| {
        let admitted = way.admit(&identity).unwrap();
        let role = Key::binding(&way.tenant, &admitted.user);
        (touched(&admitted).contains(&role), admitted.taken.len())
    };
    way.rows.insert(place.clone(), own.to_item());
    assert_eq!(bound(&way), (false, 0));
    way.rows.insert(place, other.to_item());
    assert_eq!(bound(&way), (true, 1));
    let tenant = Key::tenant(&way.tenant);
    let deleted = Tenant { status: Lifecycle::Deleted, ..Tenant::from_item(&way.rows[&tenant]).unwrap() };
    way.rows.insert(tenant, deleted.to_item());
    assert_eq!(bound(&way), (false, 0));
}

/// Somebody without a role, to whom an inviter of a tenant holds one.
struct HeldFor {
    way: Way,
    identity: Identity,
    inviter: UserId,
    place: Key,
    marker: Key,
}

impl HeldFor {
    fn new() -> Self {
        let mut way = Way::new();
        let identity = Identity { groups: Groups::Listed(Vec::new()), ..Way::identity(EMAIL, true) };
        let place = invitations::places(&way.org, &way.row, &identity).swap_remove(1);
        let digest = place.sk.strip_prefix("INVITED#").expect("by the same digest").to_owned();
        let marker = Key::tenant_invite(&way.tenant, digest);
        way.rows.insert(Key::connection(&way.row.id), way.row.to_item());
        let held = Self { way, identity, inviter: UserId::from_random([5; 10]), place, marker };
        held.by(true, 1, Some(Role::Admin.to_item()))
    }

    /// What whoever invited is now.
    fn by(mut self, active: bool, epoch: u64, role: Option<tables::Item>) -> Self {
        let user = User { id: self.inviter.clone(), active, epoch };
        self.way.rows.insert(Key::user(&self.way.org, &self.inviter), user.to_item());
        let place = Key::binding(&self.way.tenant, &self.inviter);
        self.way.rows.remove(&place);
        self.way.rows.extend(role.map(|role| (place, role)));
        self
    }

    fn holds(mut self, role: Role, until: i64) -> Self {
        let one = TenantInvite {
            tenant: self.way.tenant.clone(),
            role,
            invited_by: domain::InEpoch::new(self.inviter.clone(), 1),
            through: self.way.row.id.clone(),
            expires_at: at(until),
        };
        let (org, connection) = (self.way.org.clone(), self.way.row.id.clone());
        self.way.rows.insert(self.marker.clone(), one.to_item());
        let row = TenantInvitesRow { org, connection, invites: vec![one] };
        self.way.rows.insert(self.place.clone(), row.to_item());
        self
    }

    fn awaiting(&self) -> Awaiting {
        Awaiting::at(&self.way.rows, &self.way.org, &self.way.row, &self.identity, at(5_000)).unwrap()
    }

    fn comes(&self) -> Result<Admitted, Why> {
        self.way.admit(&self.identity)
    }
}

/// What tenants hold for somebody is worth what each inviter may still give there, and is taken once.
#[test]
fn roles_that_tenants_hold_are_taken_at_the_next_sign_in() {
    let held = || HeldFor::new().holds(Role::Viewer, 9_000);
    for (role, inviter) in [(Role::Viewer, Role::Admin), (Role::Owner, Role::Owner)] {
        let held = held().by(true, 1, Some(inviter.to_item())).holds(role, 9_000);
        let keys = held.awaiting().keys(&held.way.org, &UserId::from_random([9; 10]));
        let read = [Key::binding(&held.way.tenant, &held.inviter), Key::connection(&held.way.row.id)];
        assert!(keys.contains(&held.marker) && read.iter().all(|key| keys.contains(key)), "read before");
        let admitted = held.comes().unwrap();
        let bound = Key::binding(&held.way.tenant, &admitted.user);
        let touched = touched(&admitted);
        assert!([&bound, &held.place, &held.marker].iter().all(|key| touched.contains(*key)), "{touched:?}");
        let inviter = Some(held.inviter.clone());
        assert!(
            admitted.taken.len() == 1 && admitted.taken[0].inviter == inviter,
            "it is told by whose word"
        );
    }
    // An owner of the organization invites into any of its tenants.
    let mut by_owner = held().by(true, 1, None);
    by_owner.way.rows.insert(Key::org_owner(&by_owner.way.org, &by_owner.inviter), Marker::item());
    assert!(by_owner.comes().is_ok());
}

#[test]
fn what_an_inviter_may_not_give_any_more_is_void() {
    let held = || HeldFor::new().holds(Role::Viewer, 9_000);
    let by = |role: Role| Some(role.to_item());
    let by_group = |via: &ConnectionId| {
        let mut row = Role::Owner.to_item();
        row.insert("via".to_owned(), Attr::text(via));
        Some(row)
    };
    let mapped = held().way.row.id;
    assert!(held().by(true, 1, by_group(&mapped)).comes().is_ok(), "as long as its group gives it");
    let stopped = |mut held: HeldFor| {
        let row = ConnectionRow { status: Lifecycle::Suspended, ..held.way.row.clone() };
        held.way.rows.insert(Key::connection(&row.id), row.to_item());
        held
    };
    let unmapped = |mut held: HeldFor| {
        let row = ConnectionRow { document: "{\"group_roles\": []}".to_owned(), ..held.way.row.clone() };
        held.way.rows.insert(Key::connection(&row.id), row.to_item());
        held
    };
    for (what, held) in [
        ("more than they have", held().holds(Role::Owner, 9_000)),
        ("a lesser role", held().by(true, 1, by(Role::Developer))),
        ("no role", held().by(true, 1, None)),
        ("ended", held().by(false, 1, by(Role::Admin))),
        ("ended since", held().by(true, 2, by(Role::Admin))),
        ("over", held().holds(Role::Viewer, 5_000)),
        ("another connection's group", held().by(true, 1, by_group(&ConnectionId::from_random([77; 10])))),
        ("a group that gives it no more", unmapped(held().by(true, 1, by_group(&mapped)))),
        ("a connection that was stopped", stopped(held())),
    ] {
        assert_eq!(held.comes().unwrap_err(), Why::NotAdmitted, "{what}");
    }
    // Who invited themselves gets nothing, and neither does anybody whose address nobody verified.
    let held = held();
    let standing = held.awaiting().standing(&held.way.rows, &held.way.org, &held.inviter);
    assert!(standing.is_ok_and(|one| !one.is_any()));
    let unverified = Way::identity(EMAIL, false);
    assert!(invitations::places(&held.way.org, &held.way.row, &unverified).is_empty());
}

/// What a group takes away is taken before: an invitation is not used up by a role that goes. What a group gives is kept.
#[test]
fn groups_go_before_invitations() {
    let mut held = HeldFor::new().holds(Role::Viewer, 9_000);
    let person = PersonRow::new(UserId::from_random([4; 10]));
    known(&mut held.way, &person);
    let place = Key::binding(&held.way.tenant, &person.user.id);
    let mut by_group = Role::Owner.to_item();
    by_group.insert("via".to_owned(), Attr::text(&held.way.row.id));
    held.way.rows.insert(place.clone(), by_group);
    let written = |admitted: &Admitted| {
        let write = admitted.writes.iter().find(|write| write.key == place).cloned();
        write.is_some_and(|write| write.values.iter().any(|(_, value)| *value == Attr::text(Role::Viewer)))
    };
    let admitted = held.comes().unwrap();
    assert!(written(&admitted) && admitted.taken.len() == 1, "{admitted:?}");
    held.identity.groups = Groups::Listed(vec!["Ops".to_owned()]);
    let admitted = held.comes().unwrap();
    assert!(!written(&admitted) && admitted.taken.is_empty());
}

/// Groups that nobody told keep out whoever would be made by them, and nobody else; they take nothing away.
#[test]
fn untold_groups_make_nobody_and_take_nothing() {
    let mut way = Way::new();
    let identity = Identity { groups: Groups::Overage, ..Way::identity(EMAIL, true) };
    assert_eq!(way.admit(&identity).unwrap_err(), Why::GroupsUntold);
    let person = PersonRow::new(UserId::from_random([4; 10]));
    known(&mut way, &person);
    let place = Key::binding(&way.tenant, &person.user.id);
    let told = way.admit(&Way::identity(EMAIL, true)).unwrap();
    assert!(touched(&told).contains(&place), "what the group gives");
    let untold = way.admit(&identity).unwrap();
    assert_eq!(untold.user, person.user.id);
    assert!(!touched(&untold).contains(&place), "what stands there stays");
}

fn invite_key(way: &Way, identity: &Identity) -> Key {
    invitations::places(&way.org, &way.row, identity).swap_remove(0)
}

/// Somebody known by this connection, with a row of their own.
fn known(way: &mut Way, person: &PersonRow) {
    let mut row = Marker::item();
    row.insert("user_id".to_owned(), Attr::text(&person.user.id));
    way.rows.insert(link(&way.org, &Way::identity(EMAIL, true)), row);
    way.rows.insert(Key::user(&way.org, &person.user.id), person.to_item());
}

#[test]
fn an_address_that_nobody_knew_is_closed_when_whoever_was_ended_knocks() {
    let mut way = Way::new();
    let mut person = PersonRow::new(UserId::from_random([4; 10]));
    person.user.active = false;
    known(&mut way, &person);
    let identity = Way::identity(EMAIL, true);
    assert_eq!(way.admit(&identity).unwrap_err(), Why::Deprovisioned);
    let writes = kept_out(&way.door(&identity));
    let keys: Vec<_> = writes.iter().map(|write| write.key.clone()).collect();
    assert_eq!(keys, [Key::user(&way.org, &person.user.id), way.address()]);
    assert_eq!(kept_out(&way.door(&Way::identity(EMAIL, false))), [], "an address that nobody verified");
    person.note(&users::address_of(&way.org, EMAIL));
    known(&mut way, &person);
    assert_eq!(kept_out(&way.door(&identity)), [], "it is closed already");
    person.user.active = true;
    person.addresses.clear();
    known(&mut way, &person);
    assert_eq!(kept_out(&way.door(&identity)), [], "whoever is active is not kept out");
    let admitted = way.admit(&identity).unwrap();
    assert!(touched(&admitted).contains(&way.address()), "noted at the next sign-in");
    let noted: Value = json!(users::address_of(&way.org, EMAIL));
    assert!(noted.as_str().is_some_and(|text| !text.contains("dana")));
}

impl Way {
    /// Somebody whom this connection's directory tells of, found by one handle.
    fn pushed(&mut self, by: directory::By, digest: &Opaque) -> UserId {
        let id = UserId::from_random([5; 10]);
        let place = directory::found(&self.row.id, directory::Kind::User, by, digest);
        self.rows.insert(place, FoundRow([id.to_string()].into()).to_item());
        self.rows.insert(Key::user(&self.org, &id), PersonRow::new(id.clone()).to_item());
        self.rows.insert(pushed_place(&self.row, &id), Marker::item());
        id
    }
}

#[test]
fn whoever_was_pushed_is_the_one_who_signs_in() {
    let of = Way::new().row.id;
    let external = (directory::By::External, directory::external_digest(&of, "00u1"));
    let name = (directory::By::Name, directory::name_digest(&of, EMAIL));
    for ((by, digest), verified, known) in [
        (external.clone(), true, true),
        (external, false, true),
        (name.clone(), true, true),
        (name, false, false),
    ] {
        let mut way = Way::new();
        let id = way.pushed(by, &digest);
        let admitted = way.admit(&Way::identity(EMAIL, verified)).unwrap();
        assert_eq!(admitted.user == id, known, "{by:?} {verified}");
        let linked =
            admitted.writes.iter().any(|write| write.key == link(&way.org, &Way::identity(EMAIL, true)));
        assert!(linked, "known by this identity from now on");
        let asked = first_keys(&way.org, &way.row, &Way::identity(EMAIL, true));
        assert!(
            asked.contains(&directory::found(&of, directory::Kind::User, by, &digest)),
            "it is read before"
        );
    }
    // Two of one name are nobody in particular.
    let mut way = Way::new();
    let digest = directory::external_digest(&of, "00u1");
    way.pushed(directory::By::External, &digest);
    let place = directory::found(&of, directory::Kind::User, directory::By::External, &digest);
    way.rows.insert(place, FoundRow(["usr_0".to_owned(), "usr_1".to_owned()].into()).to_item());
    assert!(way.admit(&Way::identity(EMAIL, true)).unwrap().created);
}

#[test]
fn whoever_was_pushed_and_ended_stays_out() {
    let mut way = Way::new();
    let digest = directory::external_digest(&way.row.id, "00u1");
    let id = way.pushed(directory::By::External, &digest);
    let ended =
        PersonRow { user: User { id: id.clone(), active: false, epoch: 2 }, ..PersonRow::new(id.clone()) };
    way.rows.insert(Key::user(&way.org, &id), ended.to_item());
    assert_eq!(way.admit(&Way::identity(EMAIL, true)).unwrap_err(), Why::Deprovisioned);
}

/// Groups that were pushed give roles, too; and whoever is moved out of one at this moment is not given its role.
#[test]
fn pushed_groups_give_roles_that_the_token_does_not_tell() {
    let mut way = Way::new();
    let digest = directory::external_digest(&way.row.id, "00u1");
    let id = way.pushed(directory::By::External, &digest);
    let none = Identity { groups: Groups::Listed(Vec::new()), ..Way::identity(EMAIL, true) };
    let binding = Key::binding(&way.tenant, &id);
    assert!(!touched(&way.admit(&none).unwrap()).contains(&binding));
    let group = domain::GroupId::from_random([6; 10]);
    let row = DirectoryGroupRow {
        id: group.clone(),
        org: way.org.clone(),
        handles: domain::Handles::default(),
        mapped_by: [directory::mapping_digest(&way.row.id, "Ops")].into(),
        version: 1,
        created_at: at(1),
        modified_at: at(1),
        document: domain::SealedBytes::from_sealed_form([b"CSE1".as_slice(), &[0; 90]].concat()).unwrap(),
    };
    way.rows.insert(directory::group(&way.row.id, &group), row.to_item());
    let admitted = way.admit(&none).unwrap();
    assert!(touched(&admitted).contains(&binding));
    let own = admitted.writes.iter().find(|write| write.key == pushed_place(&way.row, &id));
    assert!(own.is_some_and(|write| write.condition.is_some()), "their row must be as it was read");
    // Another connection's group gives nothing here.
    way.rows.remove(&directory::group(&way.row.id, &group));
    way.rows.insert(directory::group(&ConnectionId::from_random([8; 10]), &group), row.to_item());
    assert!(!touched(&way.admit(&none).unwrap()).contains(&binding));
}

/// Whoever was taken away and pushed anew signs in as the new one, and the old one stays out.
#[test]
fn somebody_who_is_hired_again_is_another() {
    let mut way = Way::new();
    let identity = Way::identity(EMAIL, true);
    let old = UserId::from_random([4; 10]);
    let gone =
        PersonRow { user: User { id: old.clone(), active: false, epoch: 3 }, ..PersonRow::new(old.clone()) };
    way.rows.insert(Key::user(&way.org, &old), gone.to_item());
    way.rows.insert(link(&way.org, &identity), link_to(&old));
    assert_eq!(way.admit(&identity).unwrap_err(), Why::Deprovisioned);
    let digest = directory::name_digest(&way.row.id, EMAIL);
    let new = way.pushed(directory::By::Name, &digest);
    let admitted = way.admit(&identity).unwrap();
    assert_eq!(admitted.user, new);
    let place = link(&way.org, &identity);
    let linked = admitted.writes.iter().find(|write| write.key == place).unwrap();
    assert!(format!("{:?}", linked.values).contains(new.as_str()), "known as the new one from now on");
}

#[test]
fn a_session_begins_with_the_life_that_its_connection_gives() {
    let way = Way::new();
    let identity = Way::identity(EMAIL, true);
    assert_eq!(way.admit(&identity).unwrap().session.expires_at, at(5_000 + 43_200_000));
    let mut form = serde_json::to_value(way.connection.form()).unwrap();
    form["session_minutes"] = json!(15);
    let short = Way { connection: connection_of(&form), ..way };
    assert_eq!(short.admit(&identity).unwrap().session.expires_at, at(5_000 + 900_000));
}
