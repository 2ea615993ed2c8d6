//! The pages of sign-in, for people: they need no script, and name what is asked.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use caller::escaped;
use domain::{ConnectionId, OrgId, UserId};
use sha2::{Digest as _, Sha256};

use crate::handoff::HandOff;
use crate::response::Response;

const STYLE: &str = "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:12vh auto;padding:0 1.5rem;color:#1a1a1a;background:#fff}\
h1{font-size:1.4rem}button{font:inherit;padding:.6rem 1.4rem;border:0;border-radius:.4rem;background:#0b57d0;color:#fff;cursor:pointer}\
button:focus-visible{outline:3px solid #0b57d0;outline-offset:3px}code{background:#f1f1f1;padding:.1rem .3rem;border-radius:.2rem}\
@media(prefers-color-scheme:dark){body{color:#eee;background:#111}code{background:#222}button{background:#a8c7fa;color:#062e6f}}";

/// Asks whoever sits before the browser whether a program on their machine may act as them, and says as whom. `to` is an
/// address that was checked; all is escaped nevertheless.
pub fn consent(to: &str, asked: &HandOff, (user, org): (&UserId, &OrgId)) -> Response {
    let (to, challenge) = (escaped(to), escaped(&asked.challenge));
    let state = escaped(asked.state.as_deref().unwrap_or_default());
    let connection = asked.connection.as_ref().map(ConnectionId::as_str).unwrap_or_default();
    let body = format!(
        "<h1>Sign in to the command line?</h1>\
         <p>A program on this computer asks to act as you in Countersign, until this session ends: as \
         <code>{user}</code> of the organization <code>{org}</code>.</p>\
         <p>Allow it only if you have just run <code>countersign login</code> yourself. If not, close this window: \
         nothing happens then.</p>\
         <form method=\"post\" action=\"/v1/handoff\"><input type=\"hidden\" name=\"to\" value=\"{to}\">\
         <input type=\"hidden\" name=\"challenge\" value=\"{challenge}\">\
         <input type=\"hidden\" name=\"state\" value=\"{state}\">\
         <input type=\"hidden\" name=\"connection\" value=\"{connection}\">\
         <button type=\"submit\">Allow</button></form>"
    );
    page("Sign in to the command line?", &body, &to)
}

/// `leads_to`: where a form's answer may send the browser, which browsers hold against `form-action` too.
fn page(title: &str, body: &str, leads_to: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>"
    );
    let style = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action 'self' {leads_to}; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    // With `no-referrer`, browsers would send the form with the origin `null` (Fetch, section 3.2).
    Response::html(html).with("content-security-policy", &policy).with("referrer-policy", "same-origin")
}
