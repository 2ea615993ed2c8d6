//! What this service can do, and with which attributes (RFC 7644, section 4; RFC 7643, sections 5 to 7; RFC 9865).
//!
//! Made from `schema`, so that nothing is advertised that is not done. `base` is the address that `/Users` follows on.

use serde_json::{Map, Value, json};

use crate::bulk;
use crate::list::{self, Place};
use crate::query::{COUNT_DEFAULT, COUNT_MAX};
use crate::schema::{Attribute, Kind, Schema, Type};

const CONFIG: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
const RESOURCE_TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";

/// How long a cursor is good for after its page was sent, in seconds.
pub const CURSOR_SECONDS: u64 = 3_600;

pub fn service_provider_config(base: &str) -> Value {
    json!({
        "schemas": [CONFIG],
        "patch": {"supported": true},
        "bulk": {"supported": true, "maxOperations": bulk::OPERATIONS_MAX, "maxPayloadSize": bulk::PAYLOAD_MAX},
        "filter": {"supported": true, "maxResults": COUNT_MAX},
        "changePassword": {"supported": false},
        "sort": {"supported": true},
        "etag": {"supported": true},
        "pagination": {
            "cursor": true,
            "index": true,
            "defaultPaginationMethod": "index",
            "defaultPageSize": COUNT_DEFAULT,
            "maxPageSize": COUNT_MAX,
            "cursorTimeout": CURSOR_SECONDS,
        },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "A token of the connection, or one got for its client credentials, as `Authorization: Bearer`.",
            "specUri": "https://www.rfc-editor.org/info/rfc6750",
            "primary": true,
        }],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": format!("{base}/ServiceProviderConfig"),
        },
    })
}

pub fn resource_types(base: &str) -> Value {
    whole(Kind::ALL.into_iter().map(|kind| resource_type_of(base, kind)).collect())
}

/// `None`: there is none of this name.
pub fn resource_type(base: &str, name: &str) -> Option<Value> {
    Kind::ALL.into_iter().find(|kind| kind.name() == name).map(|kind| resource_type_of(base, kind))
}

fn resource_type_of(base: &str, kind: Kind) -> Value {
    let (name, core) = (kind.name(), kind.core());
    let extensions: Vec<Value> =
        kind.extensions().iter().map(|one| json!({"schema": one.id, "required": false})).collect();
    let mut body = json!({
        "schemas": [RESOURCE_TYPE],
        "id": name,
        "name": name,
        "endpoint": kind.endpoint(),
        "description": core.description,
        "schema": core.id,
        "meta": {"resourceType": "ResourceType", "location": format!("{base}/ResourceTypes/{name}")},
    });
    if let (Some(map), false) = (body.as_object_mut(), extensions.is_empty()) {
        map.insert("schemaExtensions".to_owned(), Value::Array(extensions));
    }
    body
}

pub fn schemas(base: &str) -> Value {
    whole(all().map(|one| schema_of(base, one)).collect())
}

/// By its URN in any case; `None`: there is no such schema.
pub fn schema(base: &str, urn: &str) -> Option<Value> {
    all().find(|one| one.id.eq_ignore_ascii_case(urn)).map(|one| schema_of(base, one))
}

fn all() -> impl Iterator<Item = &'static Schema> {
    Kind::ALL
        .into_iter()
        .flat_map(|kind| std::iter::once(kind.core()).chain(kind.extensions().iter().copied()))
}

fn whole(resources: Vec<Value>) -> Value {
    let total = resources.len();
    list::page(resources, Some(total), Place::Index(1))
}

fn schema_of(base: &str, schema: &Schema) -> Value {
    json!({
        "schemas": [SCHEMA],
        "id": schema.id,
        "name": schema.name,
        "description": schema.description,
        "attributes": schema.attributes.iter().map(attribute).collect::<Value>(),
        "meta": {"resourceType": "Schema", "location": format!("{base}/Schemas/{}", schema.id)},
    })
}

fn attribute(one: &Attribute) -> Value {
    let mut body = Map::new();
    let mut say = |name: &str, value: Value| body.insert(name.to_owned(), value);
    say("name", one.name.into());
    say("type", one.kind.as_str().into());
    say("multiValued", one.multi.into());
    say("description", one.description.into());
    say("required", one.required.into());
    if matches!(one.kind, Type::String | Type::Reference | Type::Binary) {
        say("caseExact", one.case_exact.into());
    }
    say("mutability", one.mutability.as_str().into());
    say("returned", one.returned.as_str().into());
    say("uniqueness", one.uniqueness.as_str().into());
    if !one.canonical.is_empty() {
        say("canonicalValues", one.canonical.into());
    }
    if !one.references.is_empty() {
        say("referenceTypes", one.references.into());
    }
    if !one.subs.is_empty() {
        say("subAttributes", one.subs.iter().map(attribute).collect());
    }
    Value::Object(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{ENTERPRISE, GROUP, USER};

    const BASE: &str = "https://api.acme.test/scim/v2/con_1";

    fn holds_no_null(value: &Value) -> bool {
        match value {
            Value::Null => false,
            Value::Array(list) => list.iter().all(holds_no_null),
            Value::Object(map) => map.values().all(holds_no_null),
            _ => true,
        }
    }

    #[test]
    fn lists_and_single_ones_are_the_same() {
        for (list, one, names) in [
            (schemas(BASE), schema as fn(&str, &str) -> Option<Value>, &[USER, ENTERPRISE, GROUP][..]),
            (resource_types(BASE), resource_type, &["User", "Group"]),
        ] {
            assert!(holds_no_null(&list), "{list}");
            assert_eq!(list["totalResults"], names.len());
            assert_eq!(list["schemas"], json!([list::SCHEMA]));
            for (at, name) in names.iter().enumerate() {
                let single = one(BASE, name).unwrap();
                assert_eq!(list["Resources"][at], single, "{name}");
                assert_eq!(single["id"], *name);
                let location = single["meta"]["location"].as_str().unwrap();
                assert!(location.starts_with(BASE) && location.ends_with(name), "{location}");
            }
            assert_eq!(one(BASE, "urn:x"), None);
        }
        assert!(schema(BASE, &USER.to_uppercase()).is_some());
    }

    #[test]
    fn what_is_advertised() {
        let config = service_provider_config(BASE);
        assert!(holds_no_null(&config));
        for name in ["patch", "bulk", "filter", "sort", "etag"] {
            assert_eq!(config[name]["supported"], true, "{name}");
        }
        assert_eq!(config["changePassword"]["supported"], false);
        assert_eq!(
            (&config["pagination"]["cursor"], &config["pagination"]["index"]),
            (&json!(true), &json!(true))
        );
        let types = resource_types(BASE);
        assert_eq!(
            types["Resources"][0]["schemaExtensions"],
            json!([{"schema": ENTERPRISE, "required": false}])
        );
        assert_eq!(types["Resources"][1].get("schemaExtensions"), None);
    }

    #[test]
    fn attributes_are_told_as_the_rfc_has_them() {
        let user = schema(BASE, USER).unwrap();
        let find = |name: &str| {
            user["attributes"].as_array().unwrap().iter().find(|one| one["name"] == name).cloned()
        };
        assert_eq!(
            find("userName").unwrap(),
            json!({
                "name": "userName", "type": "string", "multiValued": false, "required": true, "caseExact": false,
                "description": "The name that the user signs in by.", "mutability": "readWrite", "returned": "default",
                "uniqueness": "server"
            })
        );
        let groups = find("groups").unwrap();
        assert_eq!((&groups["mutability"], &groups["type"]), (&json!("readOnly"), &json!("complex")));
        assert_eq!(groups["subAttributes"][1]["referenceTypes"], json!(["Group"]));
        assert_eq!(
            find("emails").unwrap()["subAttributes"][2]["canonicalValues"],
            json!(["work", "home", "other"])
        );
        for name in ["password", "id", "meta", "externalId", "schemas"] {
            assert_eq!(find(name), None, "{name}");
        }
    }
}
