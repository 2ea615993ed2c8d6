//! What waits for somebody.

use domain::{ApprovalRow, TenantId, Timestamp};
use maud::{Markup, html};

use super::parts::{figures, said};
use super::{Frame, length, page};
use crate::figures::Figures;
use crate::who::May;

/// A request in the list.
#[derive(Debug)]
pub struct Waits {
    pub row: ApprovalRow,
    pub may: May,
    /// Whether they have looked at it: only then it is approved together with others.
    pub seen: bool,
}

impl Waits {
    /// Whether it may be decided together with others.
    pub fn is_common(&self) -> bool {
        self.may == May::Decide && !self.row.rules.iter().any(|rule| rule.high)
    }
}

/// What is on the page.
#[derive(Debug)]
pub struct Listed<'a> {
    pub tenant: Option<&'a TenantId>,
    /// Others in which they might decide.
    pub tenants: &'a [TenantId],
    pub waits: &'a [Waits],
    /// There are more than are listed.
    pub more: bool,
    pub figures: Figures,
    pub csrf: &'a str,
    pub said: Option<&'a str>,
    pub now: Timestamp,
}

pub fn list(it: &Listed<'_>) -> Markup {
    let (mine, others): (Vec<&Waits>, Vec<&Waits>) = it.waits.iter().partition(|one| one.may == May::Decide);
    let frame = Frame { title: "Waiting for you", signed_in: true, tenant: it.tenant };
    let body = html! {
        @if let Some(text) = it.said { p class="box" role="status" { (text) } }
        (figures(&it.figures))
        @if it.tenants.len() > 1 { (choice(it)) }
        @if it.tenant.is_some() {
            @if mine.is_empty() { p { "Nothing waits for your decision." } }
            @if !mine.is_empty() { ul class="plain" { @for one in &mine { li { (entry(one, it.now)) } } } }
            @if it.more { p { "There are more: decide these first." } }
            (together(it, &mine))
            @if !others.is_empty() {
                section aria-labelledby="others" {
                    h2 id="others" { "Waiting for others" }
                    ul class="plain" { @for one in &others { li { (entry(one, it.now)) } } }
                }
            }
        } @else if it.tenants.is_empty() {
            p { "You have no role in any tenant. Open the link of a message instead." }
        }
    };
    page(frame, &body)
}

fn choice(it: &Listed<'_>) -> Markup {
    html! {
        nav aria-label="Tenants" {
            ul {
                @for tenant in it.tenants {
                    li { a href={ "/?tenant=" (tenant) } aria-current=[(Some(tenant) == it.tenant).then_some("page")] { (tenant) } }
                }
            }
        }
    }
}

fn entry(one: &Waits, now: Timestamp) -> Markup {
    let row = &one.row;
    html! {
        p {
            a href={ "/a/" (row.id) } { strong { (row.asked.tool) } }
            " by " code { (row.from.agent) }
        }
        @for rule in &row.rules {
            p { @if rule.high { strong { "High risk: " } } (said(&rule.risk)) }
        }
        p class="soft" {
            "Asked " (length(now.millis_since(row.created_at))) " ago; "
            (length(row.expires_at.millis_since(now))) " left."
        }
    }
}

/// Several at once: none of high risk, and approved are only those that were looked at.
fn together(it: &Listed<'_>, mine: &[&Waits]) -> Markup {
    let common: Vec<&&Waits> = mine.iter().filter(|one| one.is_common()).collect();
    html! {
        @if common.len() > 1 {
            section aria-labelledby="together" {
                h2 id="together" { "Several at once" }
                p { "Requests of high risk are decided one by one. Approved are only those that you have looked at." }
                form method="post" action="/batch" {
                    input type="hidden" name="csrf" value=(it.csrf);
                    @if let Some(tenant) = it.tenant { input type="hidden" name="tenant" value=(tenant); }
                    @for one in common {
                        label class="one" {
                            input type="checkbox" name="approval" value=(one.row.id);
                            span { (one.row.asked.tool) " by " (one.row.from.agent)
                                @if !one.seen { " (not looked at yet)" } }
                        }
                    }
                    div class="acts" {
                        button type="submit" name="say" value="approve" { "Approve these" }
                        button class="no" type="submit" name="say" value="deny" { "Deny these" }
                    }
                }
            }
        }
    }
}
