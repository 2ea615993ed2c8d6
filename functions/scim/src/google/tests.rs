use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde_json::Value;

use super::testing::{account, now, pem};
use super::*;

#[test]
fn an_assertion_is_the_account_s_for_the_administrator_and_a_short_time() {
    let form = form(&account(), now()).unwrap();
    let (grant, assertion) = form.split_once("&assertion=").unwrap();
    assert_eq!(grant, "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer");
    let (message, signature) = assertion.rsplit_once('.').unwrap();
    let (header, claims) = message.split_once('.').unwrap();
    let read = |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    assert_eq!(read(header), json!({"alg": "RS256", "typ": "JWT"}));
    let claims = read(claims);
    assert_eq!(
        (&claims["iss"], &claims["sub"]),
        (&json!("reader@acme.iam.gserviceaccount.com"), &json!("admin@acme.test"))
    );
    assert_eq!(
        (&claims["aud"], &claims["iat"], &claims["exp"]),
        (&json!(TOKENS), &json!(1_795_430_530), &json!(1_795_430_830))
    );
    assert!(claims["scope"].as_str().unwrap().split(' ').all(|scope| scope.ends_with(".readonly")));
    let key = RsaKeyPair::from_pkcs8(&account().key_der().unwrap()).unwrap();
    let public: RsaPublicKeyComponents<Vec<u8>> = key.public().into();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    public.verify(&RSA_PKCS1_2048_8192_SHA256, message.as_bytes(), &signature).unwrap();
}

#[test]
fn what_is_no_key_signs_nothing() {
    let cut = pem().replace("-----END PRIVATE KEY-----", "");
    for key in ["", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", cut.as_str()] {
        let account = DirectoryAccount {
            admin_email: String::new(),
            client_email: String::new(),
            private_key: key.to_owned(),
        };
        assert_eq!(form(&account, now()).unwrap_err(), Fault::Key, "{key}");
    }
    assert_eq!(format!("{:?}", account()), "DirectoryAccount(..)");
}

#[test]
fn a_token_is_a_bearer_s() {
    let read = |json: Value| token(&json.to_string()).map(|token| token.to_string());
    assert_eq!(
        read(json!({"access_token": "ya29.x", "token_type": "Bearer", "expires_in": 3599})),
        Ok("ya29.x".to_owned())
    );
    for answer in [
        json!({}),
        json!({"access_token": "", "token_type": "Bearer"}),
        json!({"access_token": "a b", "token_type": "Bearer"}),
        json!({"access_token": "a\r\nb: c", "token_type": "Bearer"}),
        json!({"access_token": "a", "token_type": "mac"}),
        json!({"access_token": 1, "token_type": "Bearer"}),
        json!({"error": "unauthorized_client"}),
    ] {
        assert_eq!(read(answer.clone()), Err(Fault::Answer), "{answer}");
    }
}

fn user(id: &str, suspended: bool, archived: bool) -> Value {
    json!({"id": id, "primaryEmail": format!("{id}@acme.test"), "suspended": suspended, "archived": archived})
}

#[test]
fn a_page_lists_people_and_who_of_them_is_active() {
    let mut found = BTreeMap::new();
    let page = json!({
        "kind": "admin#directory#users", "nextPageToken": "two",
        "users": [user("1", false, false), user("2", true, false), user("3", false, true), user("4", true, true)],
    });
    assert_eq!(people(&page.to_string(), &mut found), Ok(Some("two".to_owned())));
    let last =
        json!({"kind": "admin#directory#users", "users": [user("1", true, false), user("2", false, false)]});
    assert_eq!(people(&last.to_string(), &mut found), Ok(None));
    let active: Vec<_> = found.iter().map(|(id, person)| (id.as_str(), person.active)).collect();
    // Listed twice while it changed: whatever ends counts.
    assert_eq!(active, [("1", false), ("2", false), ("3", false), ("4", false)]);
    assert!(!format!("{found:?}").contains("acme"));
    assert_eq!(people(&json!({"kind": "admin#directory#users"}).to_string(), &mut BTreeMap::new()), Ok(None));
}

#[test]
fn what_is_not_understood_is_no_page() {
    let of = |user: Value| json!({"kind": "admin#directory#users", "users": [user]}).to_string();
    let without = |name: &str| {
        let mut one = user("1", false, false);
        one.as_object_mut().unwrap().remove(name);
        of(one)
    };
    let with = |name: &str, value: Value| {
        let mut one = user("1", false, false);
        one[name] = value;
        of(one)
    };
    for page in [
        String::new(),
        "[]".to_owned(),
        "{}".to_owned(),
        json!({"error": {"code": 403}}).to_string(),
        json!({"kind": "admin#directory#members", "users": []}).to_string(),
        json!({"kind": "admin#directory#users", "users": {}}).to_string(),
        json!({"kind": "admin#directory#users", "nextPageToken": "x".repeat(2_049)}).to_string(),
        without("id"),
        without("primaryEmail"),
        // Whether somebody is suspended is never guessed.
        without("suspended"),
        with("suspended", json!("false")),
        with("suspended", json!(null)),
        with("archived", json!("no")),
        with("id", json!("")),
        with("id", json!("a/b")),
        with("id", json!(1)),
        with("primaryEmail", json!("dana")),
        with("primaryEmail", json!("dana@acme.test\n")),
    ] {
        assert_eq!(people(&page, &mut BTreeMap::new()), Err(Fault::Answer), "{page}");
    }
}

#[test]
fn a_group_s_members_are_its_people() {
    let mut found = BTreeSet::new();
    let page = json!({"kind": "admin#directory#members", "nextPageToken": "", "members": [
        {"id": "1", "type": "USER"}, {"id": "2", "type": "GROUP"}, {"id": "C3", "type": "CUSTOMER"}, {"id": "4", "type": "USER"},
    ]});
    assert_eq!(members(&page.to_string(), &mut found), Ok(None));
    assert_eq!(found, BTreeSet::from(["1".to_owned(), "4".to_owned()]));
    for page in [
        json!({"members": []}),
        json!({"kind": "admin#directory#users", "members": []}),
        json!({"kind": "admin#directory#members", "members": [{"type": "USER"}]}),
        json!({"kind": "admin#directory#members", "members": [{"id": "1"}]}),
        json!({"kind": "admin#directory#members", "members": [{"id": "..", "type": "USER"}]}),
    ] {
        assert_eq!(members(&page.to_string(), &mut BTreeSet::new()), Err(Fault::Answer), "{page}");
    }
}
