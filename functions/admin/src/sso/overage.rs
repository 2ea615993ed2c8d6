//! Groups that were too many for a token: what to ask instead, and what the answer means.
//!
//! Entra ID lists at most 200 in a token and otherwise points to its Graph (<https://learn.microsoft.com/en-us/graph/api/directoryobject-getmemberobjects>),
//! which answers the access token of the same sign-in with all of them at once, up to 11,000. Where it points is not followed:
//! the host is the preset's.

use std::collections::BTreeSet;

use egress::{Reach, Target};
use serde::Deserialize;

use super::connection::Connection;
use super::id_token::Groups;
use super::preset::is_guid;

/// More than the Graph ever tells.
const GROUPS_MAX: usize = 11_000;
const GROUP_BYTES_MAX: usize = 256;
/// Groups for distribution too: a connection maps by id, and an id that is mapped is meant.
pub const BODY: &str = r#"{"securityEnabledOnly":false}"#;

/// Why somebody's groups are not known. Safe to log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OverageFault {
    #[error("the token points elsewhere for groups, and for this issuer no place is known to ask")]
    NoPlace,
    #[error(
        "roles are mapped by names or another claim, and the provider tells all groups by their ids alone: map ids"
    )]
    ByName,
    #[error("the provider gave no access token to ask for groups with")]
    NoToken,
    #[error("the provider refuses to tell groups: grant the application User.Read and GroupMember.Read.All")]
    Permission,
    #[error("the answer is not all of the groups")]
    Partial,
    #[error("there was no answer that reads")]
    Answer,
}

/// More than [`GROUPS_MAX`] ids of 36 characters with their quotes, in bytes: the one document that may be so large.
pub const ANSWER_BYTES_MAX: usize = 512 * 1_024;

/// Where the groups of whoever signs in are asked for, if a role hangs on groups that the token does not list.
///
/// # Errors
/// They are wanted, and for this issuer no place is known, or none that tells what the roles hang on.
pub fn asked(connection: &Connection, groups: &Groups) -> Result<Option<String>, OverageFault> {
    if *groups != Groups::Overage || connection.form().group_roles.is_empty() {
        return Ok(None);
    }
    let preset = connection.preset().groups.as_ref();
    let lookup = preset.and_then(|groups| groups.lookup.as_ref());
    let issuer = Target::parse(connection.issuer(), Reach::Public).ok();
    let place = lookup.zip(issuer).and_then(|(lookup, issuer)| {
        let host = lookup.hosts.get(&issuer.host())?;
        Some(format!("https://{host}{}", lookup.path))
    });
    let place = place.ok_or(OverageFault::NoPlace)?;
    // An answer of ids would say of every name that nobody is in it.
    let claim = connection.groups_claim().map(|(claim, _)| claim);
    let own = claim == preset.map(|groups| groups.claim.as_str());
    let by_id = own && connection.form().group_roles.iter().all(|row| is_guid(&row.group));
    if by_id { Ok(Some(place)) } else { Err(OverageFault::ByName) }
}

#[derive(Deserialize)]
struct Answer {
    value: Vec<String>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<serde_json::Value>,
}

/// Reads the answer: all groups, or none at all.
///
/// # Errors
/// A refusal, or anything that could be fewer than there are.
pub fn answered(status: u16, body: Option<&str>) -> Result<Groups, OverageFault> {
    match status {
        200 => {}
        401 | 403 => return Err(OverageFault::Permission),
        // The Graph's word for more than it tells at once.
        400 => return Err(OverageFault::Partial),
        _ => return Err(OverageFault::Answer),
    }
    let json = caller::json::parse(body.ok_or(OverageFault::Answer)?).map_err(|_| OverageFault::Answer)?;
    let Answer { value, next } = serde_json::from_value(json).map_err(|_| OverageFault::Answer)?;
    if next.is_some() || value.len() > GROUPS_MAX {
        return Err(OverageFault::Partial);
    }
    if !value.iter().all(|group| (1..=GROUP_BYTES_MAX).contains(&group.len())) {
        return Err(OverageFault::Answer);
    }
    Ok(Groups::Listed(value.into_iter().collect::<BTreeSet<_>>().into_iter().collect()))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{connection_of, sample};
    use super::*;
    use serde_json::{Value, json};

    const TID: &str = "8a1c0f52-2b7e-4d0e-9f6a-3f0c6c1d2e4b";
    const GROUP: &str = "1b2c0f52-2b7e-4d0e-9f6a-3f0c6c1d2e4b";

    fn entra(issuer: &str, roles: bool) -> Connection {
        let mut form = sample("entra").connection;
        form["issuer"] = json!(issuer);
        form["tenants"] = json!([TID]);
        let grant = json!({"tenant": "ten_0123456789abcdef", "role": "viewer"});
        form["group_roles"] = if roles { json!([{"group": GROUP, "grant": grant}]) } else { json!([]) };
        connection_of(&form)
    }

    #[test]
    fn names_and_other_claims_are_not_looked_up_by_ids() {
        let issuer = format!("https://login.microsoftonline.com/{TID}/v2.0");
        let with = |change: Value| {
            let mut form = serde_json::to_value(entra(&issuer, true).form()).unwrap();
            form.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            asked(&connection_of(&form), &Groups::Overage)
        };
        let by = |groups: &[&str]| {
            let grant = json!({"tenant": "ten_0123456789abcdef", "role": "viewer"});
            groups.iter().map(|group| json!({"group": group, "grant": grant})).collect::<Value>()
        };
        assert!(with(json!({"groups_claim": {"claim": "groups"}})).is_ok_and(|place| place.is_some()));
        for change in [
            json!({"groups_claim": {"claim": "roles"}}),
            json!({"group_roles": by(&["Ops"])}),
            json!({"group_roles": by(&[GROUP, "Ops"])}),
            json!({"group_roles": by(&[&GROUP.to_uppercase()])}),
        ] {
            assert_eq!(with(change.clone()), Err(OverageFault::ByName), "{change}");
        }
        let nothing_mapped = json!({"groups_claim": {"claim": "roles"}, "group_roles": []});
        assert_eq!(with(nothing_mapped), Ok(None));
    }

    #[test]
    fn each_cloud_is_asked_at_its_own_host_and_only_where_a_role_hangs_on_it() {
        let at = |host: &str| Ok(Some(format!("https://{host}/v1.0/me/getMemberObjects")));
        let of = |host: &str| entra(&format!("https://{host}/{TID}/v2.0"), true);
        for (connection, groups, place) in [
            (of("login.microsoftonline.com"), Groups::Overage, at("graph.microsoft.com")),
            (of("login.microsoftonline.us"), Groups::Overage, at("graph.microsoft.us")),
            (of("login.partner.microsoftonline.cn"), Groups::Overage, at("microsoftgraph.chinacloudapi.cn")),
            (
                entra("https://login.microsoftonline.com/organizations/v2.0", true),
                Groups::Overage,
                at("graph.microsoft.com"),
            ),
            (
                entra(&format!("https://login.microsoftonline.com/{TID}/v2.0"), false),
                Groups::Overage,
                Ok(None),
            ),
            (of("login.microsoftonline.com"), Groups::Listed(vec!["g".to_owned()]), Ok(None)),
            (of("login.microsoftonline.com"), Groups::Absent, Ok(None)),
        ] {
            assert_eq!(asked(&connection, &groups), place, "{} {groups:?}", connection.issuer());
        }
        let mut form = sample("okta").connection;
        let grant = json!({"tenant": "ten_0123456789abcdef", "role": "viewer"});
        form["group_roles"] = json!([{"group": "g", "grant": grant}]);
        assert_eq!(asked(&connection_of(&form), &Groups::Overage), Err(OverageFault::NoPlace));
    }

    #[test]
    fn an_answer_is_all_of_the_groups_or_none() {
        use OverageFault as F;
        let listed =
            |names: &[&str]| Ok(Groups::Listed(names.iter().map(|name| (*name).to_owned()).collect()));
        let context = "https://graph.microsoft.com/v1.0/$metadata#Collection(Edm.String)";
        let many: Vec<_> = (0..=GROUPS_MAX).map(|n| n.to_string()).collect();
        let body = |value: Value| value.to_string();
        for (status, text, told) in [
            (200, body(json!({"@odata.context": context, "value": ["b", "a", "b"]})), listed(&["a", "b"])),
            (200, body(json!({"value": []})), listed(&[])),
            (200, body(json!({"value": ["a"], "@odata.nextLink": "https://evil.test"})), Err(F::Partial)),
            (200, body(json!({"value": many})), Err(F::Partial)),
            (200, body(json!({"value": ["a", 1]})), Err(F::Answer)),
            (200, body(json!({"value": [""]})), Err(F::Answer)),
            (200, body(json!({"value": "a"})), Err(F::Answer)),
            (200, body(json!({})), Err(F::Answer)),
            (200, r#"{"value": ["a"], "value": []}"#.to_owned(), Err(F::Answer)),
            (200, "<html>".to_owned(), Err(F::Answer)),
            (204, String::new(), Err(F::Answer)),
            (302, String::new(), Err(F::Answer)),
            (400, body(json!({"error": {"code": "Directory_ResultSizeLimitExceeded"}})), Err(F::Partial)),
            (401, String::new(), Err(F::Permission)),
            (403, body(json!({"error": {"code": "Authorization_RequestDenied"}})), Err(F::Permission)),
            (429, String::new(), Err(F::Answer)),
            (503, body(json!({"value": ["a"]})), Err(F::Answer)),
        ] {
            assert_eq!(answered(status, Some(&text)), told, "{status} {:.60}", text);
        }
        assert_eq!(answered(200, None), Err(F::Answer));
        assert_eq!(answered(403, None), Err(F::Permission));
    }
}
