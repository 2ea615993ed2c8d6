//! What the platform is given back. Errors are problem details (RFC 9457), whose `code` is the reason in the audit trail.

pub use caller::{Refused, Whole as Response};

use crate::refusal;

/// The API's own description.
const DOCUMENT: &str = include_str!("../openapi.json");

/// The OpenAPI document.
pub fn document() -> Response {
    Response::answer(200, DOCUMENT.to_owned())
}

pub fn error(refused: &Refused) -> Response {
    refused.answer(refusal::OWN)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::asking::ARGUMENTS_MAX;
    use crate::event::ROUTES;

    fn document() -> Value {
        serde_json::from_str(&super::document().body).unwrap()
    }

    fn texts(value: &Value) -> BTreeSet<String> {
        value.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
    }

    /// The document describes the routes that there are, and no others.
    #[test]
    fn the_document_has_every_route_and_no_other() {
        let document = document();
        let paths = document["paths"].as_object().unwrap().iter();
        let told: BTreeSet<(String, String)> = paths
            .flat_map(|(path, methods)| {
                methods.as_object().unwrap().keys().map(move |one| (one.to_uppercase(), path.clone()))
            })
            .collect();
        assert_eq!(told, ROUTES.map(|(method, path)| (method.to_owned(), path.to_owned())).into());
    }

    /// Every way in which a call can end is told: its status with a route, its code with problems.
    #[test]
    fn the_document_has_every_refusal_and_no_other() {
        let document = document();
        let of_key = |row: &caller::refusal::Row| {
            row.status == 401 && caller::refusal::ALIKE.iter().any(|one| one.reason == row.reason)
        };
        let code = |row: &caller::refusal::Row| {
            if of_key(row) { "invalid_api_key".to_owned() } else { row.reason.as_str().to_owned() }
        };
        let codes = texts(&document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]);
        assert_eq!(codes, refusal::rows().map(code).collect());
        let mut told: BTreeSet<u16> = BTreeSet::new();
        for (method, path) in ROUTES {
            let responses = document["paths"][path][method.to_lowercase()]["responses"].as_object().unwrap();
            told.extend(responses.keys().map(|status| status.parse::<u16>().unwrap()));
        }
        // No known path answers this one.
        let mut ours: BTreeSet<u16> =
            refusal::rows().map(|row| row.status).filter(|status| *status != 405).collect();
        ours.extend([200, 202]);
        assert_eq!(told, ours);
    }

    /// Each reference leads somewhere.
    #[test]
    fn the_documents_references_hold() {
        let document = document();
        let text = document.to_string();
        let references: Vec<&str> =
            text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(references.len() > 10);
        for reference in references {
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
    }

    #[test]
    fn the_document_says_the_limits_that_are_in_force() {
        let document = document();
        let action = &document["components"]["schemas"]["Action"]["properties"];
        let limit = |field: &str| action[field]["maxLength"].as_u64().unwrap();
        let limits = ["target", "reason", "idempotency_key"].map(limit);
        let body = |fields: [u64; 3]| {
            let [target, reason, key] = fields.map(|length| "a".repeat(usize::try_from(length).unwrap()));
            serde_json::json!({"tool": "t", "arguments": {}, "target": target, "reason": reason, "idempotency_key": key})
        };
        assert!(crate::asking::Asking::read(&body(limits).to_string()).is_ok());
        for at in 0..limits.len() {
            let mut more = limits;
            more[at] += 1;
            assert!(crate::asking::Asking::read(&body(more).to_string()).is_err(), "{at}");
        }
        let told = action["arguments"]["description"].as_str().unwrap();
        assert!(told.contains(&format!("{} KiB", ARGUMENTS_MAX / 1_024)), "{told}");
    }
}
