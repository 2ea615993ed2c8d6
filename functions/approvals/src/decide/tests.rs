use super::*;
use crate::action::Action;
use crate::mask::Eyes;
use crate::tests::world::{at, me, request, rule};
use domain::Role;
use redact::Policy;
use serde_json::{Value, json};

fn shown(arguments: Value, reveal: bool) -> Shown {
    let action = Action { arguments, target: None, reason: None, cause: None };
    Shown::of(&action, None, &Eyes { policy: &Policy::standard(), reveal })
}

fn word(say: Option<Say>, comment: &str) -> Word {
    let digest = request(1, &json!({}), None, vec![rule(1, false)]).asked.digest.to_string();
    Word {
        say,
        comment: comment.to_owned(),
        csrf: "c".to_owned(),
        digest,
        seen: "s".to_owned(),
        reveal: false,
    }
}

/// In this order, each a reason of its own.
#[test]
fn a_form_is_refused_for_the_first_that_does_not_hold() {
    let row = request(1, &json!({}), None, vec![rule(1, false)]);
    let high = request(1, &json!({}), None, vec![rule(1, true)]);
    let (plain, personal) = (shown(json!({}), false), shown(json!({"email": "dana@acme.example"}), false));
    let seen_all = shown(json!({"email": "dana@acme.example"}), true);
    let long = shown(json!("x".repeat(40_000)), false);
    let approve = word(Some(Say::Approve), "");
    let with = |change: &dyn Fn(&mut Word)| {
        let mut word = approve.clone();
        change(&mut word);
        word
    };
    let too_long = No::Unshown("It is too long to be shown whole, so it can only be denied.");
    let look = No::Unshown("It is of high risk: to approve it, look at the hidden values first.");
    let not_shown = No::Unshown("It cannot be shown, so it cannot be approved.");
    for (what, row, word, shown, expected) in [
        ("approve", &row, approve.clone(), Ok(&plain), Ok(Say::Approve)),
        ("personal data hidden", &row, approve.clone(), Ok(&personal), Ok(Say::Approve)),
        ("the same, high", &high, approve.clone(), Ok(&personal), Err(look)),
        ("the same, looked at", &high, with(&|word| word.reveal = true), Ok(&seen_all), Ok(Say::Approve)),
        ("deny", &row, word(Some(Say::Deny), "no"), Ok(&plain), Ok(Say::Deny)),
        ("deny what is too long", &high, word(Some(Say::Deny), "no"), Ok(&long), Ok(Say::Deny)),
        ("deny what does not open", &row, word(Some(Say::Deny), "no"), Err(NotShown::Unread), Ok(Say::Deny)),
        ("another session", &row, with(&|word| word.csrf = "d".to_owned()), Ok(&plain), Err(No::Csrf)),
        ("another action", &row, with(&|word| word.digest = "d".to_owned()), Ok(&plain), Err(No::Digest)),
        ("no word", &row, word(None, ""), Ok(&plain), Err(No::Say)),
        ("another page", &row, with(&|word| word.seen = "t".to_owned()), Ok(&plain), Err(No::Stale)),
        ("deny without a reason", &row, word(Some(Say::Deny), ""), Ok(&plain), Err(No::CommentMissing)),
        ("500 letters", &row, word(Some(Say::Deny), &"ש".repeat(500)), Ok(&plain), Ok(Say::Deny)),
        ("501 letters", &row, word(Some(Say::Deny), &"ש".repeat(501)), Ok(&plain), Err(No::CommentLong)),
        ("too long", &row, approve.clone(), Ok(&long), Err(too_long)),
        ("another one", &row, approve.clone(), Err(NotShown::Mismatch), Err(not_shown)),
        (
            "csrf goes first",
            &row,
            with(&|word| (word.csrf, word.digest) = Default::default()),
            Ok(&plain),
            Err(No::Csrf),
        ),
    ] {
        let owner = me(1, Some(Role::Owner));
        let form_of = Form { word: &word, csrf: "c", seen: "s", shown };
        assert_eq!(form(row, &owner, &form_of), expected, "{what}");
    }
    let empty = Form {
        word: &Word { csrf: String::new(), ..approve.clone() },
        csrf: "",
        seen: "s",
        shown: Ok(&plain),
    };
    assert_eq!(form(&row, &me(1, Some(Role::Owner)), &empty), Err(No::Csrf));
}

#[test]
fn a_word_that_was_said_is_answered_before_anything_that_changed_since() {
    let row = request(1, &json!({}), None, vec![rule(1, false)]);
    let owner = me(1, Some(Role::Owner));
    let Ok(Decision::Cast { row, vote }) = cast(row, &owner, Say::Approve, Some(at(2)), at(5)) else {
        panic!()
    };
    assert_eq!(vote.took_ms, 3);
    let word = Word { seen: "old".to_owned(), ..word(Some(Say::Approve), "") };
    let form_of = Form { word: &word, csrf: "c", seen: "s", shown: Err(NotShown::Unread) };
    assert_eq!(form(&row, &owner, &form_of), Ok(Say::Approve));
    assert_eq!(cast((*row).clone(), &owner, Say::Approve, None, at(9)), Ok(Decision::Said));
    assert_eq!(cast(*row, &owner, Say::Deny, None, at(9)), Err(No::Not(NotCast::Over)));
}

#[test]
fn together_nothing_is_approved_unseen() {
    let (row, high) = (
        request(1, &json!({}), None, vec![rule(1, false)]),
        request(1, &json!({}), None, vec![rule(1, false), rule(1, true)]),
    );
    let (plain, long) = (shown(json!({}), false), shown(json!("x".repeat(40_000)), false));
    assert_eq!(together(&row, Say::Approve, true, Ok(&plain)), Ok(()));
    assert_eq!(together(&row, Say::Approve, false, Ok(&plain)), Err(No::NotSeen));
    assert!(matches!(together(&row, Say::Approve, true, Ok(&long)), Err(No::Unshown(_))));
    assert_eq!(together(&row, Say::Deny, false, Err(NotShown::Unread)), Ok(()));
    assert_eq!(together(&high, Say::Deny, true, Ok(&plain)), Err(No::HighRisk));
}
