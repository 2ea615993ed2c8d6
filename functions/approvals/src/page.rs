//! Pages for people: rendered here, without a script, and every text escaped by the template.

mod absence;
mod list;
mod notice;
mod parts;
mod request;
pub mod style;

use domain::{TenantId, Timestamp};
use maud::{DOCTYPE, Markup, PreEscaped, html};

pub use absence::{Absent, absence};
pub use list::{Listed, Waits, list};
pub use notice::{connections, notice};
pub use request::{Comment, Last, Names, Page, may_approve, reason, request, what};

/// What stands around every page: its title, whether somebody is signed in, and in which tenant they look around.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    pub title: &'a str,
    pub signed_in: bool,
    pub tenant: Option<&'a TenantId>,
}

fn page(frame: Frame<'_>, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (frame.title) " · Countersign" }
                style { (PreEscaped(style::STYLE)) }
            }
            body {
                a class="skip" href="#main" { "To the content" }
                header { strong { "Countersign approvals" } @if frame.signed_in { (menu(frame.tenant)) } }
                main id="main" { h1 { (frame.title) } (body) }
                footer { p { "Nothing is decided by opening a page." } }
            }
        }
    }
}

fn menu(tenant: Option<&TenantId>) -> Markup {
    let of = |path: &str| tenant.map_or_else(|| path.to_owned(), |tenant| format!("{path}?tenant={tenant}"));
    html! {
        nav aria-label="Approvals" {
            ul {
                li { a href=(of("/")) { "Waiting for you" } }
                @if tenant.is_some() { li { a href=(of("/away")) { "When you are away" } } }
            }
        }
        form method="post" action="/signed-out" { button class="plain" type="submit" { "Sign out" } }
    }
}

/// `2026-11-27 09:00 UTC`.
pub fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    format!("{} {} UTC", text.get(..10).unwrap_or_default(), text.get(11..16).unwrap_or_default())
}

/// `3 h 12 min`, of milliseconds.
pub fn length(ms: u64) -> String {
    let (seconds, minutes, hours, days) = (ms / 1_000, ms / 60_000, ms / 3_600_000, ms / 86_400_000);
    match () {
        () if minutes == 0 => format!("{seconds} s"),
        () if hours == 0 => format!("{minutes} min"),
        () if days == 0 => format!("{hours} h {} min", minutes % 60),
        () => format!("{days} d {} h", hours % 24),
    }
}

#[cfg(test)]
mod tests;
