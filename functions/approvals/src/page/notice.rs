//! Short pages: what went wrong, and where to sign in.

use domain::ConnectionId;
use maud::{Markup, html};

use super::parts::said;
use super::{Frame, page};

/// A heading and a sentence.
pub fn notice(title: &str, text: &str, back: Option<(&str, &str)>) -> Markup {
    let body = html! {
        p { (text) }
        @if let Some((to, label)) = back { p { a href=(to) { (label) } } }
    };
    page(Frame { title, signed_in: false, tenant: None }, &body)
}

/// An organization has several ways to sign in: by the host of each provider.
pub fn connections(here: &str, all: &[(ConnectionId, String)]) -> Markup {
    let body = html! {
        p { "Sign in to go on. How do you sign in?" }
        ul { @for (id, host) in all { li { a href={ (here) "?connection=" (id) } { (said(host)) } " (" code { (id) } ")" } } }
    };
    page(Frame { title: "Sign in", signed_in: false, tenant: None }, &body)
}
