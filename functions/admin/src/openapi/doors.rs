//! What is called without a session: sign-in, logout, handing over, and the first of all. Each is described by hand, since none is an
//! operation of a role.

use serde_json::{Map, Value, json};

use super::{in_path, set};

/// One of them.
struct Door {
    method: &'static str,
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    takes: Takes,
    /// What it answers when it does what it is for, and how else.
    done: (u16, &'static str),
    refusals: &'static [u16],
}

enum Takes {
    Nothing,
    Query(&'static [&'static str]),
    /// Fields of a form; the first are needed.
    Form(&'static [&'static str]),
    Json(fn() -> Value),
}

const HAND_OFF: &[&str] = &["to", "challenge", "state", "connection"];

const DOORS: &[Door] = &[
    Door {
        method: "get",
        path: "/healthz",
        id: "health",
        summary: "Whether the function answers",
        takes: Takes::Nothing,
        done: (200, "it does"),
        refusals: &[403],
    },
    Door {
        method: "get",
        path: "/v1/openapi.json",
        id: "document",
        summary: "This document",
        takes: Takes::Nothing,
        done: (200, "OpenAPI 3.1"),
        refusals: &[403],
    },
    Door {
        method: "get",
        path: "/v1/sso/{connection}/login",
        id: "sso.login",
        summary: "Begin a sign-in in a browser; `return_to` is a path of this host",
        takes: Takes::Query(&["return_to"]),
        done: (303, "to the identity provider"),
        refusals: &[400, 401, 403, 404, 502, 503],
    },
    Door {
        method: "get",
        path: "/v1/sso/{connection}/callback",
        id: "sso.callback",
        summary: "Where the identity provider sends the browser back (OpenID Connect Core 1.0 section 3.1.2.5)",
        takes: Takes::Query(&["state", "code", "iss", "error"]),
        done: (303, "signed in: the cookie of a session"),
        refusals: &[400, 401, 403, 404, 409, 413, 502, 503],
    },
    Door {
        method: "post",
        path: "/v1/sso/{connection}/logout",
        id: "sso.logout",
        summary: "The identity provider ends sessions (OpenID Connect Back-Channel Logout 1.0)",
        takes: Takes::Form(&["logout_token"]),
        done: (200, "ended"),
        refusals: &[400, 401, 403, 404, 413, 502, 503],
    },
    Door {
        method: "get",
        path: "/v1/sso/{connection}/logout",
        id: "sso.front_logout",
        summary: "The same through the browser (OpenID Connect Front-Channel Logout 1.0)",
        takes: Takes::Query(&["iss", "sid"]),
        done: (200, "ended"),
        refusals: &[400, 401, 403, 404, 413, 502, 503],
    },
    Door {
        method: "post",
        path: "/v1/sso/{connection}/universal-logout",
        id: "sso.universal_logout",
        summary: "The identity provider ends everything of somebody's (Global Token Revocation), by a token of its own",
        takes: Takes::Json(
            || json!({"type": "object", "required": ["sub_id"], "properties": {"sub_id": {"type": "object"}}}),
        ),
        done: (204, "ended"),
        refusals: &[400, 401, 403, 404, 413, 415, 422, 502, 503],
    },
    Door {
        method: "get",
        path: "/v1/handoff",
        id: "handoff.ask",
        summary: "Ask a browser's session for one of another place: a page to allow it by, or a sign-in first",
        takes: Takes::Query(HAND_OFF),
        done: (200, "the page"),
        refusals: &[303, 400, 401, 403, 404, 409, 413, 421, 503],
    },
    Door {
        method: "post",
        path: "/v1/handoff",
        id: "handoff.allow",
        summary: "Allow it, on that page",
        takes: Takes::Form(HAND_OFF),
        done: (303, "to the other place, with a code for one use"),
        refusals: &[400, 401, 403, 404, 409, 413, 421, 503],
    },
    Door {
        method: "post",
        path: "/v1/handoff/redeem",
        id: "handoff.redeem",
        summary: "Change a code into a session, by the secret of its challenge (RFC 7636)",
        takes: Takes::Json(|| {
            let text = |most: u32| json!({"type": "string", "maxLength": most});
            json!({"type": "object", "required": ["code", "verifier"], "properties": {"code": text(256), "verifier": text(128)}})
        }),
        done: (201, "a session"),
        refusals: &[400, 401, 403, 404, 409, 413, 415, 503],
    },
    Door {
        method: "post",
        path: "/v1/workloads/session",
        id: "workloads.session",
        summary: "Change a platform's token into a session of the program that it is of",
        takes: Takes::Json(|| {
            json!({"type": "object", "required": ["workload", "token"], "properties": {
                "workload": {"type": "string", "pattern": "^wkl_[0-9a-hjkmnp-tv-z]{16}$"},
                "token": {"type": "string", "maxLength": 16_384}}})
        }),
        done: (201, "a session of an hour"),
        refusals: &[400, 401, 403, 404, 409, 413, 415, 502, 503],
    },
    Door {
        method: "post",
        path: "/v1/bootstrap",
        id: "bootstrap",
        summary: "Make the first organization: by the role that the installation names, at an address of its own",
        takes: Takes::Json(crate::bootstrap::schema),
        done: (201, "the organization, and where its owner signs in"),
        refusals: &[400, 401, 403, 409, 413, 415, 503],
    },
];

/// Adds them to the paths of a document.
pub fn add(paths: &mut Map<String, Value>) {
    for door in DOORS {
        let methods = paths.entry(door.path.to_owned()).or_insert_with(|| json!({}));
        set(methods, door.method, described(door));
    }
}

fn described(door: &Door) -> Value {
    let mut parameters = in_path(door.path);
    let text = || json!({"type": "string"});
    if let Takes::Query(names) = &door.takes {
        parameters.extend(names.iter().map(|name| json!({"name": name, "in": "query", "schema": text()})));
    }
    let mut answers = json!({});
    for status in door.refusals {
        let what = if *status < 400 { json!({"description": "elsewhere first"}) } else { super::refusal() };
        set(&mut answers, &status.to_string(), what);
    }
    set(&mut answers, &door.done.0.to_string(), json!({"description": door.done.1}));
    let security = if door.id == "bootstrap" { json!([{"iam": []}]) } else { json!([]) };
    let mut described = json!({"operationId": door.id, "summary": door.summary, "security": security,
        "parameters": parameters, "responses": answers});
    let body = match &door.takes {
        Takes::Nothing | Takes::Query(_) => return described,
        Takes::Json(schema) => json!({"application/json": {"schema": schema()}}),
        Takes::Form(names) => {
            let fields: Map<String, Value> = names.iter().map(|name| ((*name).to_owned(), text())).collect();
            let schema = json!({"type": "object", "required": names.get(..1), "properties": fields});
            json!({"application/x-www-form-urlencoded": {"schema": schema}})
        }
    };
    set(&mut described, "requestBody", json!({"required": true, "content": body}));
    described
}
