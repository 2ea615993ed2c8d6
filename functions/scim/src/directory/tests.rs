use super::*;
use domain::{SecretHash, UserId};
use serde_json::json;
use std::collections::HashMap;
use tables::Attr;

const GUID: &str = "11111111-2222-3333-4444-555555555555";

fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(millis).unwrap()
}

fn token(id: u8) -> ScimToken {
    let (connection, id) = (ConnectionId::from_random([2; 10]), ScimTokenId::from_random([id; 10]));
    ScimToken::mint(Region::Eu, connection, id, &[7; 43])
}

fn row(token: &ScimToken) -> ScimTokenRow {
    ScimTokenRow {
        id: token.id().clone(),
        org: OrgId::from_random([1; 10]),
        connection: token.connection().clone(),
        secret: token.secret_hash(),
        last_four: token.last_four(),
        created_by: UserId::from_random([4; 10]),
        created_epoch: 1,
        created_at: at(0),
        expires_at: at(1_000),
        revoked_at: None,
    }
}

fn rows() -> Rows {
    let org = OrgId::from_random([1; 10]);
    let connection = ConnectionRow {
        id: ConnectionId::from_random([2; 10]),
        org: org.clone(),
        status: Lifecycle::Active,
        document: json!({"issuer": "https://idp.test", "client_id": "x"}).to_string(),
        secret: None,
    };
    let of = Org { id: org.clone(), status: Lifecycle::Active, networks: None };
    HashMap::from([(Key::connection(&connection.id), connection.to_item()), (Key::org(&org), of.to_item())])
}

fn asked(row: &ScimTokenRow, rows: &Rows, path: u8, now: i64) -> Result<Directory, NotNow> {
    let token = token(3);
    let (known, row) = known(&token, Region::Eu, None, Some(&row.to_item())).unwrap();
    admitted(&known, &row, None, Some(&ConnectionId::from_random([path; 10])), rows, at(now)).unwrap()
}

#[test]
fn a_directory_pushes_while_everything_behind_it_stands() {
    let good = row(&token(3));
    assert!(asked(&good, &rows(), 2, 999).is_ok());
    let revoked = ScimTokenRow { revoked_at: Some(at(1)), ..good.clone() };
    assert_eq!(asked(&revoked, &rows(), 2, 5).unwrap_err(), NotNow::Revoked);
    assert_eq!(asked(&good, &rows(), 2, 1_000).unwrap_err(), NotNow::Expired);
    assert_eq!(asked(&good, &rows(), 9, 5).unwrap_err(), NotNow::OtherConnection);
    for (key, why) in [
        (Key::connection(&good.connection), NotNow::ConnectionInactive),
        (Key::org(&good.org), NotNow::OrgInactive),
    ] {
        let mut stopped = rows();
        stopped.get_mut(&key).unwrap().insert("status".to_owned(), Attr::text("suspended"));
        assert_eq!(asked(&good, &stopped, 2, 5).unwrap_err(), why);
        stopped.remove(&key);
        assert_eq!(asked(&good, &stopped, 2, 5).unwrap_err(), why);
    }
}

#[test]
fn a_secret_that_is_another_is_nobodys() {
    let other = ScimTokenRow { secret: SecretHash::of("other"), ..row(&token(3)) };
    let who = |row: &ScimTokenRow, region| known(&token(3), region, None, Some(&row.to_item())).map(|_| ());
    assert_eq!(who(&other, Region::Eu), Err(Unknown::Stranger));
    assert_eq!(who(&row(&token(3)), Region::Us), Err(Unknown::Stranger));
    assert_eq!(known(&token(3), Region::Eu, None, None).map(|_| ()), Err(Unknown::Stranger));
    assert!(who(&row(&token(3)), Region::Eu).is_ok());
}

#[test]
fn an_access_token_ends_with_itself_and_with_the_token_behind_it() {
    let (parent, own) = (token(3), token(5));
    let given = ScimAccessRow {
        id: own.id().clone(),
        secret: own.secret_hash(),
        via: parent.id().clone(),
        expires_at: at(500),
    };
    let place = access(own.connection(), own.id());
    let found = |row: &ScimAccessRow| via(&own, &HashMap::from([(place.clone(), row.to_item())]));
    assert_eq!(found(&given), Ok(Some(given.clone())));
    let forged = ScimAccessRow { secret: SecretHash::of("other"), ..given.clone() };
    assert_eq!(found(&forged), Err(Unknown::Stranger));
    let (who, behind) = known(&own, Region::Eu, Some(&given), Some(&row(&parent).to_item())).unwrap();
    assert_eq!(who.token.as_ref(), Some(parent.id()));
    let path = Some(own.connection());
    let at = |now| admitted(&who, &behind, Some(&given), path, &rows(), at(now)).unwrap().map(|_| ());
    assert_eq!((at(499), at(500)), (Ok(()), Err(NotNow::Expired)));
}

#[test]
fn a_token_that_ends_soon_is_told_of_while_another_can_still_be_made() {
    const DAY: u64 = 86_400_000;
    let ends = at(1_000).plus_millis(20 * DAY);
    let of = |revoked_at| ScimTokenRow { expires_at: ends, revoked_at, ..row(&token(3)) };
    let soon = |row: &ScimTokenRow, days: u64| ends_soon(row, at(1_000).plus_millis(days * DAY));
    assert_eq!([5, 6, 7, 19, 20].map(|days| soon(&of(None), days)), [false, false, true, true, false]);
    assert!(!soon(&of(Some(at(1))), 19), "nothing pushes with it");
}

#[test]
fn somebody_is_looked_for_as_sign_in_keeps_them() {
    let of = |form: serde_json::Value| {
        Directory::of(OrgId::from_random([1; 10]), ConnectionId::from_random([2; 10]), &form).identities("x")
    };
    assert_eq!(of(json!({"issuer": "https://idp.test"})), [("https://idp.test".to_owned(), "x".to_owned())]);
    let issuer = format!("https://login.microsoftonline.com/{GUID}/v2.0");
    let entra = of(json!({"issuer": issuer}));
    assert!(entra.contains(&(issuer.clone(), format!("{GUID}/x"))), "{entra:?}");
    let many =
        of(json!({"issuer": "https://login.microsoftonline.com/organizations/v2.0", "tenants": [GUID]}));
    assert!(many.contains(&(issuer, format!("{GUID}/x"))), "{many:?}");
    // Whatever stands in another provider's issuer, Entra's people are not its.
    let strange = of(json!({"issuer": format!("https://idp.test/{GUID}/v2.0"), "tenants": [GUID]}));
    assert_eq!(strange, [(format!("https://idp.test/{GUID}/v2.0"), "x".to_owned())]);
}

#[test]
fn a_group_gives_roles_by_its_name_or_its_id_to_the_letter() {
    let tenant = TenantId::from_random([7; 10]);
    let form = json!({"issuer": "https://idp.test", "group_roles": [
        {"group": "Ops", "grant": {"tenant": tenant, "role": "operator"}},
        {"group": "5d2a", "grant": {"tenant": tenant, "role": "admin"}},
    ]});
    let directory = Directory::of(OrgId::from_random([1; 10]), ConnectionId::from_random([2; 10]), &form);
    let named = |names: &[&str]| -> Vec<Role> {
        let digests = names.iter().map(|name| mapping_digest(&directory.connection, name)).collect();
        directory.grants(&digests).map(|(_, role)| role).collect()
    };
    assert_eq!(named(&["Ops"]), [Role::Operator]);
    assert_eq!(named(&["Others", "5d2a"]), [Role::Admin]);
    assert!(named(&["ops"]).is_empty() && named(&[]).is_empty());
}
