//! Whether a connection lets more in after a change than before: then a second person must agree.

use crate::sso::ConnectionForm;

/// Whoever is another provider, client or directory counts as more: what it says is believed.
pub fn weakens(before: &ConnectionForm, after: &ConnectionForm) -> bool {
    let another = before.idp != after.idp
        || before.issuer != after.issuer
        || before.client_id != after.client_id
        // Where groups stand says whose they are.
        || before.groups_claim != after.groups_claim;
    let wider = (!before.guests && after.guests)
        || wider_tenants(before, after)
        || (before.hosted_domain.is_some() && before.hosted_domain != after.hosted_domain);
    let easier = (!before.jit && after.jit)
        // Whoever was suspended at the provider comes by it later.
        || before.session_minutes < after.session_minutes
        || (before.require_mfa && !after.require_mfa)
        // None named: where the provider says nothing else, nobody can be told apart by a second factor.
        || (!before.mfa_acr.is_empty() && after.mfa_acr.is_empty())
        || !after.mfa_acr.iter().all(|acr| before.mfa_acr.contains(acr));
    another || wider || easier || !after.group_roles.iter().all(|row| before.group_roles.contains(row))
}

/// None listed: whichever the issuer stands for.
fn wider_tenants(before: &ConnectionForm, after: &ConnectionForm) -> bool {
    let listed = |tenant: &String| before.tenants.contains(tenant);
    !before.tenants.is_empty() && (after.tenants.is_empty() || !after.tenants.iter().all(listed))
        || before.tenants.is_empty() && !after.tenants.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn form(changes: &Value) -> ConnectionForm {
        let role = |group: &str, role: &str| json!({"group": group, "grant": {"tenant": "ten_0000000000000001", "role": role}});
        let mut form = json!({
            "id": "con_0000000000000001", "org": "org_0000000000000001", "idp": "okta", "issuer": "https://acme.okta.com",
            "client_id": "one", "session_minutes": 60, "require_mfa": true, "mfa_acr": ["a", "b"], "tenants": ["t1", "t2"], "hosted_domain": "acme.com",
            "group_roles": [role("Ops", "operator"), role("Leads", "admin")],
        });
        form.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        serde_json::from_value(form).unwrap()
    }

    #[test]
    fn more_is_let_in_by_these_and_not_by_those() {
        let role = |group: &str, tenant: &str, role: &str| json!({"group": group, "grant": {"tenant": tenant, "role": role}});
        let (one, other) = ("ten_0000000000000001", "ten_0000000000000002");
        for (changes, more) in [
            (json!({}), false),
            (json!({"issuer": "https://other.okta.com"}), true),
            (json!({"client_id": "two"}), true),
            (json!({"idp": "custom"}), true),
            (json!({"jit": true}), true),
            (json!({"session_minutes": 61}), true),
            (json!({"session_minutes": 720}), true),
            (json!({"session_minutes": 15}), false),
            (json!({"require_mfa": false}), true),
            (json!({"mfa_acr": ["a"]}), false),
            (json!({"mfa_acr": []}), true),
            (json!({"mfa_acr": ["a", "c"]}), true),
            (json!({"guests": true}), true),
            (json!({"tenants": ["t1"]}), false),
            (json!({"tenants": []}), true),
            (json!({"tenants": ["t1", "t3"]}), true),
            (json!({"hosted_domain": null}), true),
            (json!({"hosted_domain": "other.com"}), true),
            (json!({"groups_claim": {"claim": "groups"}}), true),
            (json!({"group_roles": []}), false),
            (json!({"group_roles": [role("Ops", one, "operator")]}), false),
            (json!({"group_roles": [role("Ops", one, "viewer")]}), true),
            (json!({"group_roles": [role("Ops", other, "operator")]}), true),
            (json!({"group_roles": [role("All", one, "operator")]}), true),
        ] {
            assert_eq!(weakens(&form(&json!({})), &form(&changes)), more, "{changes}");
        }
        // What was asked for once may be asked for again.
        let strict = [json!({"jit": true}), json!({"guests": true}), json!({"require_mfa": false})];
        for changes in &strict {
            assert!(!weakens(&form(changes), &form(&json!({}))), "back from {changes}");
        }
        assert!(!weakens(&form(&json!({"hosted_domain": null})), &form(&json!({}))));
        assert!(
            weakens(&form(&json!({"tenants": []})), &form(&json!({}))),
            "which were let in before is not listed"
        );
    }
}
