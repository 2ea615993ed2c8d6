//! One request: who asks for what, why, what may go wrong, and the exact arguments.

use domain::{
    ApprovalRow, ApprovalRule, ApprovalState, Approvers, NotCast, Run, RunRow, Say, Timestamp, UserId, Vote,
};
use maud::{Markup, html};

use super::parts::{figures, line, lone, said, seen};
use super::{Frame, length, moment, page};
use crate::action::{Change, Difference, NotShown, Shown};
use crate::figures::Figures;
use crate::odd::Piece;
use crate::who::May;

/// What somebody wrote beside their word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    pub user: UserId,
    pub text: Vec<Piece>,
}

/// What is on the page of a request.
#[derive(Debug)]
pub struct Page<'a> {
    pub row: &'a ApprovalRow,
    /// What the tenant calls the agent, and itself.
    pub names: Names<'a>,
    /// What became of it, once it was taken to be run.
    pub run: Option<&'a RunRow>,
    /// Whoever looks.
    pub me: &'a UserId,
    /// As [`what`] wrote it.
    pub what: &'a Markup,
    pub shown: Result<&'a Shown, NotShown>,
    pub may: May,
    pub comments: &'a [Comment],
    pub figures: Figures,
    /// Whether personal data is shown.
    pub reveal: bool,
    pub csrf: &'a str,
    pub seen: &'a str,
    pub said: Option<&'a str>,
    pub now: Timestamp,
}

/// Names beside ids, where there are any.
#[derive(Debug, Clone, Copy, Default)]
pub struct Names<'a> {
    pub agent: Option<&'a str>,
    pub tenant: Option<&'a str>,
}

/// What was approved last of the same tool and target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Last {
    Nothing,
    At(Timestamp),
    /// This very request.
    This,
}

/// All that a decision is about: what the word of whoever saw it is bound to, beside the digest.
pub fn what(row: &ApprovalRow, shown: Result<&Shown, NotShown>, last: Last) -> Markup {
    html! {
        (risks(row))
        section aria-labelledby="what" {
            h2 id="what" { "What" }
            dl {
                dt { "Tool" } dd { code { (row.asked.tool) } }
                @if let Ok(shown) = shown {
                    @if let Some(target) = &shown.target { dt { "Target" } dd { (lone(target)) } }
                    dt { "Why, says the agent" }
                    dd { @match &shown.reason { Some(reason) => (lone(reason)), None => "It says nothing." } }
                }
                dt { "Stopped by" } dd { @for gate in &row.asked.gates { code { (gate) } " " } }
                dt { "Digest" } dd { code { (row.asked.digest) } }
            }
            @match shown { Ok(shown) => (arguments(shown, last)), Err(why) => (not_shown(why)) }
        }
    }
}

fn risks(row: &ApprovalRow) -> Markup {
    html! {
        section aria-labelledby="risk" {
            h2 id="risk" { "What may go wrong" }
            @for rule in &row.rules {
                div class={ "box" @if rule.high { " warn" } } {
                    p { strong { (rule.id) @if rule.high { " (high risk)" } } ": " (said(&rule.risk)) }
                    p class="soft" { (wants(rule)) }
                }
            }
        }
    }
}

fn wants(rule: &ApprovalRule) -> Markup {
    html! {
        "It needs "
        @for (n, quorum) in rule.quorum.iter().enumerate() {
            @if n > 0 { " and " }
            (quorum.need) " of " (approvers(&quorum.of))
        }
        "; " (rule.deny.max(1)) @if rule.deny > 1 { " refusals end it." } @else { " refusal ends it." }
        @if let Some(to) = &rule.escalate {
            " After " (to.after_minutes) " minutes others are asked too: " (approvers(&to.to)) "."
        }
    }
}

fn approvers(of: &Approvers) -> String {
    let roles = of.roles.iter().map(|role| format!("role {role}"));
    let groups = of.groups.iter().map(|group| format!("group {group}"));
    let users = of.users.iter().map(UserId::to_string);
    roles.chain(groups).chain(users).collect::<Vec<_>>().join(", ")
}

fn arguments(shown: &Shown, last: Last) -> Markup {
    html! {
        h3 id="arguments" { "Exact arguments" }
        @if !shown.is_whole() {
            p class="box warn" role="note" {
                "They are too long to be shown whole: " (shown.arguments.left_out)
                " bytes are not here. What cannot be read cannot be approved: it can only be denied."
            }
        }
        pre {
            @for one in &shown.arguments.lines { (line(one)) "\n" }
        }
        h3 id="difference" { "Difference from the last approved one" }
        @match (&shown.difference, last) {
            (Some(difference), Last::At(at)) => (differs(difference, at)),
            (_, Last::This) => p { "This is the last approved one of this tool and target." },
            _ => p { "Nothing of this tool and target was approved before." },
        }
    }
}

fn differs(difference: &Difference, at: Timestamp) -> Markup {
    html! {
        p class="soft" { "Of " (moment(at)) ", same tool and target." }
        @if difference.changes.is_empty() { p { "None: the arguments are the same." } }
        dl class="diff" {
            @for (place, change) in &difference.changes {
                dt { code { (lone(place)) } }
                dd {
                    @match change {
                        Change::Added(is) => { "added: " ins { (lone(is)) } },
                        Change::Removed(was) => { "removed: " del { (lone(was)) } },
                        Change::Changed(was, is) => {
                            "changed from " del { (lone(was)) } " to " ins { (lone(is)) }
                        },
                    }
                }
            }
        }
        @if difference.more > 0 { p { "And " (difference.more) " more fields." } }
    }
}

fn not_shown(why: NotShown) -> Markup {
    let text = match why {
        NotShown::Unread => {
            "What is asked cannot be opened just now, so nobody can decide about it. Try again."
        }
        NotShown::Mismatch => {
            "What is kept of this request is not what its digest is of: nobody can approve it. Tell whoever runs this service."
        }
    };
    html! { p class="box warn" role="alert" { (text) } }
}

/// The page of a request.
pub fn request(it: &Page<'_>) -> Markup {
    let row = it.row;
    let title = if row.is_open(it.now) { "An action waits for approval" } else { "A request for approval" };
    let frame = Frame { title, signed_in: true, tenant: Some(&row.from.tenant) };
    let body = html! {
        @if let Some(text) = it.said { p class="box" role="status" { (text) } }
        (state(row, it.run, it.now))
        (own(row, it.me))
        (from(row, it.names))
        (it.what)
        (personal(it))
        (votes(row, it.comments))
        (decision(it))
    };
    page(frame, &body)
}

fn state(row: &ApprovalRow, run: Option<&RunRow>, now: Timestamp) -> Markup {
    let late = now >= row.expires_at;
    let text = match row.state {
        ApprovalState::Approved if run.is_some() => run.map(|run| ran(run, now)).unwrap_or_default(),
        ApprovalState::Pending | ApprovalState::Approved if late => "Its time is over.".to_owned(),
        ApprovalState::Pending => {
            format!(
                "Waiting. {} left, until {}.",
                length(row.expires_at.millis_since(now)),
                moment(row.expires_at)
            )
        }
        ApprovalState::Approved => format!("Approved. It may be used until {}.", moment(row.expires_at)),
        ApprovalState::Denied => "Denied.".to_owned(),
        ApprovalState::Expired => "Its time is over.".to_owned(),
        ApprovalState::Cancelled => {
            "Cancelled: a kill switch was turned, or somebody on whom it hangs has left.".to_owned()
        }
    };
    html! { p { strong { (text) } } }
}

/// What became of an approved one.
fn ran(run: &RunRow, now: Timestamp) -> String {
    let taken = moment(run.consumed_at);
    match run.state {
        Run::Consumed if now < run.due_at => {
            format!(
                "Approved, and taken to be run at {taken}. How it ends is told by {}.",
                moment(run.due_at)
            )
        }
        Run::Consumed | Run::Unknown => {
            format!(
                "Approved, and taken to be run at {taken}. Nobody told how it ended: somebody should look."
            )
        }
        Run::Executed => format!("Approved, taken at {taken}, and executed."),
        Run::Failed => format!("Approved, taken at {taken}, and failed."),
        Run::Cancelled => "Approved, and stopped before it was run.".to_owned(),
    }
}

/// What whoever looks has said.
fn own(row: &ApprovalRow, me: &UserId) -> Markup {
    let said = row.votes.iter().find(|vote| vote.user == *me).map(|vote| match vote.say {
        Say::Approve => "You have approved it.",
        Say::Deny => "You have denied it.",
    });
    html! { @if let Some(text) = said { p class="box" role="status" { (text) } } }
}

/// A name for people, before the id that counts.
fn named(name: Option<&str>, id: &str) -> Markup {
    html! { @if let Some(name) = name { (said(name)) " " } code { (id) } }
}

fn from(row: &ApprovalRow, names: Names<'_>) -> Markup {
    let person = |one: &Option<domain::InEpoch>| one.as_ref().map(|one| one.user.to_string());
    html! {
        section aria-labelledby="who" {
            h2 id="who" { "Who asks" }
            dl {
                dt { "Agent" } dd { (named(names.agent, row.from.agent.as_str())) }
                dt { "Answers for it" }
                dd { @match person(&row.from.answers) { Some(user) => code { (user) }, None => "the tenant itself" } }
                dt { "Gateway key" }
                dd { code { (row.from.key) } @if let Some(user) = person(&row.from.owner) { " of " code { (user) } } }
                dt { "On behalf of" }
                dd { @match &row.from.on_behalf_of { Some(digest) => code { (digest) }, None => "nobody in particular" } }
                dt { "Tenant" } dd { (named(names.tenant, row.from.tenant.as_str())) }
                dt { "Asked" } dd { (moment(row.created_at)) }
            }
        }
    }
}

/// Personal data is a click away for whoever decides, and the click is recorded.
fn personal(it: &Page<'_>) -> Markup {
    let hidden = it.shown.map(|shown| shown.hidden).unwrap_or_default();
    let here = format!("/a/{}", it.row.id);
    html! {
        @if it.reveal {
            p { "Personal data is shown, which is recorded. " a href=(here) { "Hide it" } }
        } @else if hidden > 0 {
            p {
                (hidden) @if hidden == 1 { " value is" } @else { " values are" } " hidden as personal data. "
                @if it.may == May::Decide {
                    a href={ (here) "?reveal=1" } { "Show personal data" } " (this is recorded)"
                } @else { "Whoever may decide can see them." }
            }
        }
    }
}

fn votes(row: &ApprovalRow, comments: &[Comment]) -> Markup {
    html! {
        section aria-labelledby="votes" {
            h2 id="votes" { "Said so far" }
            @if row.votes.is_empty() { p { "Nobody has said anything yet." } }
            @if !row.votes.is_empty() {
                ul class="plain" { @for vote in &row.votes { li { (vote_of(vote, comments)) } } }
            }
        }
    }
}

fn vote_of(vote: &Vote, comments: &[Comment]) -> Markup {
    let word = match vote.say {
        Say::Approve => "approved",
        Say::Deny => "denied",
    };
    html! {
        code { (vote.user) } " " strong { (word) } ", " (moment(vote.at))
        @if let Some(role) = vote.role { ", as " (role) }
        @if let Some(user) = &vote.instead_of { ", instead of " code { (user) } }
        @for comment in comments.iter().filter(|comment| comment.user == vote.user) {
            p { (seen(&comment.text)) }
        }
    }
}

/// Why somebody cannot decide, in their words.
pub const fn reason(why: NotCast) -> &'static str {
    match why {
        NotCast::Over => "It is decided, cancelled or over: nobody decides about it any more.",
        NotCast::Own => {
            "You answer for this agent, or it asks for you: nobody decides about what is done for them."
        }
        NotCast::NotAsked => "You may read this, but no rule of the request asks you to decide about it.",
        NotCast::Twice => "You have said your word about it, or somebody has said it in your place.",
        NotCast::Crowded => "So many have spoken about it that no more words are kept.",
    }
}

fn decision(it: &Page<'_>) -> Markup {
    html! {
        section aria-labelledby="decide" {
            h2 id="decide" { "Your decision" }
            @match it.may {
                May::Look(why) => p class="box" { (reason(why)) },
                May::Nothing => p class="box" { (reason(NotCast::NotAsked)) },
                May::Decide => (form(it)),
            }
        }
    }
}

fn form(it: &Page<'_>) -> Markup {
    let approves = may_approve(it.row, it.shown, it.reveal);
    html! {
        (figures(&it.figures))
        form method="post" action={ "/a/" (it.row.id) } {
            input type="hidden" name="csrf" value=(it.csrf);
            input type="hidden" name="digest" value=(it.row.asked.digest);
            input type="hidden" name="seen" value=(it.seen);
            input type="hidden" name="reveal" value=(if it.reveal { "1" } else { "0" });
            label for="comment" { "Comment (others who decide read it; needed to deny)" }
            textarea id="comment" name="comment" maxlength="500" {}
            @if let Err(why) = approves { p class="box warn" role="note" { (why) } }
            div class="acts" {
                @if approves.is_ok() { button type="submit" name="say" value="approve" { "Approve" } }
                button class="no" type="submit" name="say" value="deny" { "Deny" }
            }
        }
    }
}

/// Whether what the page shows is enough to approve it.
///
/// # Errors
/// What is missing.
pub fn may_approve(
    row: &ApprovalRow,
    shown: Result<&Shown, NotShown>,
    reveal: bool,
) -> Result<(), &'static str> {
    let shown = shown.map_err(|_| "It cannot be shown, so it cannot be approved.")?;
    if !shown.is_whole() {
        return Err("It is too long to be shown whole, so it can only be denied.");
    }
    let high = row.rules.iter().any(|rule| rule.high);
    if high && shown.hidden > 0 && !reveal {
        return Err("It is of high risk: to approve it, look at the hidden values first.");
    }
    Ok(())
}
