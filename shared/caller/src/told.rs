//! What callers are told about themselves, whatever they asked for. Fixed texts: they can quote nothing.

pub const BAD_KEY: &str = "missing or invalid gateway key: send a key of this gateway as `Authorization: Bearer cs_...` or `x-api-key: cs_...`";
pub const OTHER_REGION: &str =
    "this gateway key belongs to another region: call the gateway of the region that the key names";
pub const TOO_LARGE: &str = "the body is larger than 4194304 bytes (4 MiB): send less";

pub const TLS_VERSION: &str = "connect with TLS 1.3: older versions are not taken here";
pub const KEY_REVOKED: &str = "this gateway key was revoked: ask its owner for a new one";
pub const KEY_EXPIRED: &str = "this gateway key has expired: ask its owner for a new one";

pub const KEY_NOT_ACTIVE: &str = "this gateway key is to be used from a later moment on";
pub const KEY_ROTATED: &str =
    "this gateway key has a new secret, and the old one is no longer taken: ask its owner for the new one";
pub const KEY_ROTATION_OVERDUE: &str = "somebody who has left saw the secret of this gateway key, and it was not replaced in time: have the key rotated";
pub const NETWORK_NOT_ALLOWED: &str = "this gateway key may not be used from this address: its organization, its tenant or the key itself names other networks";

pub const KILLED_PLATFORM: &str =
    "everything was stopped by the platform's kill switch: calls go on once it is recovered";
pub const KILLED_ORG: &str =
    "the organization's kill switch is on: calls go on once an owner of it recovers the switch";
pub const KILLED_TENANT: &str =
    "the tenant's kill switch is on: calls go on once somebody who may recovers it";
pub const KILLED_AGENT: &str = "the agent's kill switch is on: calls go on once somebody who may recovers it";

pub const CONTENT_TYPE: &str = "send the body with `Content-Type: application/json`";
pub const CONTENT_ENCODING: &str =
    "send the body without Content-Encoding: what is compressed cannot be inspected";
pub const INVALID_UTF8: &str = "the body is not valid UTF-8: JSON is sent as UTF-8 (RFC 8259)";
pub const INVALID_JSON: &str = "the body is not valid JSON";
pub const DUPLICATE_KEY: &str = "the body repeats an object key: every key may stand once";
pub const NESTED_TOO_DEEP: &str =
    "the body is nested more than 64 levels deep or holds more than 100000 values";
pub const INVALID_FIELD: &str = "a field is missing or malformed";

pub const OWNER_INACTIVE: &str = "the owner of this gateway key is not active: use a key of somebody who is";
pub const OWNER_EPOCH: &str =
    "this gateway key was made before its owner's access was last ended: make a new one";
pub const ORG_INACTIVE: &str = "the organization of this gateway key is not active: ask its owners";
pub const TENANT_INACTIVE: &str =
    "the tenant of this gateway key is not active: ask the organization's owners";
pub const AGENT_OWNER_INACTIVE: &str =
    "whoever answers for the agent of this gateway key is not active: give it another owner";
pub const AGENT_INACTIVE: &str =
    "the agent of this gateway key is not active: have it resumed, or use another agent's key";

pub const SCOPE_MISSING: &str =
    "this gateway key's scopes do not include this action: have a key made that names it among its actions";
pub const ROLE_FORBIDS: &str = "the role of this gateway key's owner does not include this action: ask for another role, or for a key of the tenant's own";
pub const RESIDENCY_TENANT: &str =
    "the tenant's data does not live in this region: call the region that it lives in";
pub const SUBJECT_ERASED: &str =
    "the person whom x-cs-on-behalf-of names was erased: no call is made for them";

pub const FACTS_UNAVAILABLE: &str =
    "the gateway could not read what it needs to decide, so it refused: try again";
pub const AUDIT_UNAVAILABLE: &str = "the call could not be recorded, so it was not made: try again";
pub const KEYS_UNAVAILABLE: &str = "the tenant's keys could not be used, so the call was not made: try again";
pub const KEYS_DESTROYED: &str =
    "the tenant's keys were destroyed at its request: no call can be made for it any more";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_in_the_texts_are_the_limits_in_force() {
        assert!(TOO_LARGE.contains(&crate::MAX_BODY_BYTES.to_string()));
        assert!(NESTED_TOO_DEEP.contains(&format!("more than {} levels", crate::json::MAX_DEPTH)));
        assert!(NESTED_TOO_DEEP.contains(&crate::json::MAX_NODES.to_string()));
    }
}
