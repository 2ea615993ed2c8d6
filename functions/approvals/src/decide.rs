//! The decision: pure, over facts that were read in one trip. This is the file to read for "was it theirs to decide?".
//!
//! Order, each step a reason of its own: origin of the form → its token → digest of the action → (said already, the same) → what
//! the page showed → the word → its comment → shown whole → open, not their own, asked, not said before, in the domain's `cast`.

use domain::{ApprovalRow, NotCast, Say, Timestamp, Vote};
use subtle::ConstantTimeEq as _;

use crate::action::{NotShown, Shown};
use crate::event::Word;
use crate::page;
use crate::who::Me;

/// The most of a comment, in characters.
pub const COMMENT_MAX: usize = 500;

/// Why a word is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum No {
    /// The form came from another's page.
    Origin,
    /// It is not of this session.
    Csrf,
    /// It is about another action.
    Digest,
    /// What it showed is not what there is now.
    Stale,
    /// It says neither yes nor no.
    Say,
    CommentMissing,
    CommentLong,
    /// It was not shown as it must be, and why.
    Unshown(&'static str),
    Not(NotCast),
    /// Not together with others.
    HighRisk,
    /// Not together with others, before it was looked at.
    NotSeen,
    /// Others decide at the same time, or something does not answer.
    Busy,
}

impl No {
    /// As the record has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Origin => "approval.origin",
            Self::Csrf => "approval.csrf",
            Self::Digest => "approval_mismatch",
            Self::Stale => "approval.stale",
            Self::Say => "approval.no_word",
            Self::CommentMissing => "approval.comment_missing",
            Self::CommentLong => "approval.comment_long",
            Self::Unshown(_) => "approval.not_shown",
            Self::Not(NotCast::Over) => "approval.over",
            Self::Not(NotCast::Own) => "approval.own",
            Self::Not(NotCast::NotAsked) => "approval.not_asked",
            Self::Not(NotCast::Twice) => "approval.twice",
            Self::Not(NotCast::Crowded) => "approval.crowded",
            Self::HighRisk => "approval.high_risk",
            Self::NotSeen => "approval.not_seen",
            Self::Busy => "approvals_unavailable",
        }
    }

    pub const fn status(self) -> u16 {
        match self {
            Self::Origin | Self::Csrf | Self::Not(NotCast::Own | NotCast::NotAsked) => 403,
            Self::Say | Self::CommentMissing | Self::CommentLong => 422,
            Self::Busy => 503,
            _ => 409,
        }
    }

    /// As people read it.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Origin | Self::Csrf => {
                "The form was not sent from this page of yours. Open the request again."
            }
            Self::Digest => "The form was about another action. Open the request again, and read it.",
            Self::Stale => {
                "What there is to see has changed since you opened the page. Read it again, then decide."
            }
            Self::Say => "Say approve or deny.",
            Self::CommentMissing => "Say why you deny it: one line is enough.",
            Self::CommentLong => "Your comment is longer than 500 characters.",
            Self::Unshown(why) => why,
            Self::Not(why) => page::reason(why),
            Self::HighRisk => "Requests of high risk are decided one by one.",
            Self::NotSeen => "It was not looked at yet: open it, and read it, before you approve it.",
            Self::Busy => "It could not be written down just now, so nothing was decided. Try again.",
        }
    }
}

impl From<NotCast> for No {
    fn from(why: NotCast) -> Self {
        Self::Not(why)
    }
}

/// What a form is compared with.
#[derive(Debug)]
pub struct Form<'a> {
    pub word: &'a Word,
    pub csrf: &'a str,
    pub seen: &'a str,
    pub shown: Result<&'a Shown, NotShown>,
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub enum Decision {
    /// They have said this very word before: nothing is.
    Said,
    /// The request as it is to be. `vote`: what is added.
    Cast { row: Box<ApprovalRow>, vote: Box<Vote> },
}

/// Whether a form is what it seems, and what it says.
///
/// # Errors
/// The first that does not hold.
pub fn form(row: &ApprovalRow, me: &Me, form: &Form<'_>) -> Result<Say, No> {
    let word = form.word;
    if form.csrf.is_empty() || !same(&word.csrf, form.csrf) {
        return Err(No::Csrf);
    }
    if word.digest != row.asked.digest.as_str() {
        return Err(No::Digest);
    }
    let say = word.say.ok_or(No::Say)?;
    if said(row, me, say) {
        return Ok(say);
    }
    if !same(&word.seen, form.seen) {
        return Err(No::Stale);
    }
    if word.comment.chars().count() > COMMENT_MAX {
        return Err(No::CommentLong);
    }
    match say {
        Say::Deny if word.comment.is_empty() => Err(No::CommentMissing),
        Say::Deny => Ok(say),
        Say::Approve => page::may_approve(row, form.shown, word.reveal).map(|()| say).map_err(No::Unshown),
    }
}

/// The same together with others: nobody shows what each of them is, so it must have been looked at before.
///
/// # Errors
/// It is of high risk, was not looked at, or was not shown whole.
pub fn together(
    row: &ApprovalRow,
    say: Say,
    looked: bool,
    shown: Result<&Shown, NotShown>,
) -> Result<(), No> {
    if row.rules.iter().any(|rule| rule.high) {
        return Err(No::HighRisk);
    }
    match say {
        Say::Deny => Ok(()),
        Say::Approve if !looked => Err(No::NotSeen),
        Say::Approve => page::may_approve(row, shown, false).map_err(No::Unshown),
    }
}

/// In a time that says nothing.
fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

/// Whether somebody has said that word.
fn said(row: &ApprovalRow, me: &Me, say: Say) -> bool {
    row.votes.iter().any(|vote| vote.user == me.session.user && vote.say == say)
}

/// What a word comes to.
///
/// # Errors
/// It does not count.
pub fn cast(
    row: ApprovalRow,
    me: &Me,
    say: Say,
    looked: Option<Timestamp>,
    now: Timestamp,
) -> Result<Decision, No> {
    if said(&row, me, say) {
        return Ok(Decision::Said);
    }
    let took_ms = looked.map(|at| now.millis_since(at)).unwrap_or_default();
    let vote = me.vote(&row, say, (now, took_ms));
    let row = Box::new(me.cast(row, vote.clone(), now)?);
    Ok(Decision::Cast { row, vote: Box::new(vote) })
}

#[cfg(test)]
mod tests;
