//! Who stands in for somebody who is away.

use domain::{DelegationRow, TenantId, Timestamp};
use maud::{Markup, html};

use super::{Frame, moment, page};

/// What is on the page.
#[derive(Debug)]
pub struct Absent<'a> {
    pub tenant: &'a TenantId,
    /// Who stands in, and when.
    pub mine: Option<&'a DelegationRow>,
    /// For whom they stand in.
    pub for_others: &'a [DelegationRow],
    pub csrf: &'a str,
    pub said: Option<&'a str>,
    pub now: Timestamp,
}

pub fn absence(it: &Absent<'_>) -> Markup {
    let frame = Frame { title: "When you are away", signed_in: true, tenant: Some(it.tenant) };
    let body = html! {
        @if let Some(text) = it.said { p class="box" role="status" { (text) } }
        p {
            "Somebody else can decide where a rule names you. It is their own word, recorded with yours as the place. "
            "Nobody stands in for whoever asks."
        }
        @if let Some(row) = it.mine.filter(|row| it.now < row.until) { (standing(it, row)) }
        (form(it))
        section aria-labelledby="others" {
            h2 id="others" { "You stand in for" }
            @if it.for_others.is_empty() { p { "Nobody." } }
            @if !it.for_others.is_empty() { ul { @for row in it.for_others { li { code { (row.user) } ", until " (moment(row.until)) } } } }
        }
    };
    page(frame, &body)
}

fn standing(it: &Absent<'_>, row: &DelegationRow) -> Markup {
    html! {
        section aria-labelledby="now" {
            h2 id="now" { "Agreed" }
            p { code { (row.to) } " stands in for you from " (moment(row.from)) " until " (moment(row.until)) "." }
            form method="post" action="/away" {
                input type="hidden" name="csrf" value=(it.csrf);
                input type="hidden" name="tenant" value=(it.tenant);
                input type="hidden" name="back" value="1";
                div class="acts" { button class="no" type="submit" { "I am back" } }
            }
        }
    }
}

fn form(it: &Absent<'_>) -> Markup {
    html! {
        section aria-labelledby="new" {
            h2 id="new" { "I will be away" }
            form method="post" action="/away" {
                input type="hidden" name="csrf" value=(it.csrf);
                input type="hidden" name="tenant" value=(it.tenant);
                label for="to" { "Who stands in (their id, such as usr_…)" }
                input type="text" id="to" name="to" required autocomplete="off" spellcheck="false";
                label for="from" { "From (UTC)" }
                input type="datetime-local" id="from" name="from" required;
                label for="until" { "Until (UTC), at most 60 days later" }
                input type="datetime-local" id="until" name="until" required;
                div class="acts" { button type="submit" { "Agree" } }
            }
        }
    }
}
