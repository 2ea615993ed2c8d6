use super::*;
use crate::tests::world::{World, at, org, request, rule, run, tenant, user};
use domain::{ApprovalState, ChannelsRow, Role};
use serde_json::{Value, json};
use tables::codec::Row as _;

/// The example of Slack's own page ("Verifying requests from Slack").
#[test]
fn it_verifies_what_slack_signs() {
    let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    let call = SlackCall {
        timestamp: "1531420618".to_owned(),
        signature: "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503".to_owned(),
        body: body.to_owned(),
    };
    let secret = "8f742231b10e8888abcd99yyyzzz85a5";
    let at = |seconds: i64| Timestamp::from_unix_millis(seconds * 1_000).unwrap();
    for now in [1_531_420_318, 1_531_420_618, 1_531_420_918] {
        assert_eq!(verified(&call, secret, at(now)), Ok(()), "{now}");
    }
    let forged = Err(Unheard::Forged);
    for now in [1_531_420_317, 1_531_420_919] {
        assert_eq!(verified(&call, secret, at(now)), forged, "{now}");
    }
    let now = at(1_531_420_618);
    let other = |change: &dyn Fn(&mut SlackCall)| {
        let mut call = call.clone();
        change(&mut call);
        call
    };
    for call in [
        other(&|call| call.body.push(' ')),
        other(&|call| call.timestamp = "1531420619".to_owned()),
        other(&|call| call.timestamp = "now".to_owned()),
        other(&|call| call.signature = call.signature.replace("v0=", "v1=")),
        other(&|call| call.signature = call.signature.replace("a2114", "a2115")),
        other(&|call| call.signature = "v0=".to_owned()),
        other(&|call| call.signature = "v0=a".to_owned()),
        other(&|call| call.signature = "v0=ü".to_owned()),
    ] {
        assert_eq!(verified(&call, secret, now), forged);
    }
    assert_eq!(verified(&call, "", now), forged);
    assert_eq!(verified(&call, "another", now), forged);
}

fn payload(user: &str, action: &str, value: &str, ts: &str) -> String {
    let payload = json!({"type": "block_actions", "team": {"id": "T1", "domain": "acme"},
        "user": {"id": user, "username": "dana"}, "response_url": "https://hooks.slack.com/actions/x",
        "actions": [{"action_id": action, "action_ts": ts, "value": value, "type": "button"}]});
    format!("payload={}", caller::form::encode(&payload.to_string()))
}

#[test]
fn a_click_is_read_and_nothing_else_is_one() {
    let id = ApprovalId::from_bytes([1; 16]);
    let read = click(&payload("U1", "deny", id.as_str(), "1.2")).unwrap();
    assert_eq!((read.deny, read.user.as_str(), read.action_ts.as_str()), (Some(id.clone()), "U1", "1.2"));
    assert_eq!(click(&payload("U1", "open", "", "1.2")).unwrap().deny, None);
    // There is no way to approve.
    assert_eq!(click(&payload("U1", "approve", id.as_str(), "1.2")).unwrap().deny, None);
    for bad in ["", "payload=", "payload={}", "x=1", &payload("U1", "deny", "apr_1", "1.2")] {
        assert_eq!(click(bad), Err(Unheard::Forged), "{bad}");
    }
}

const SECRET: &str = "0123456789abcdef";

fn event(body: &str, seconds: u64) -> Value {
    let mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    let mac = mac.chain_update(format!("v0:{seconds}:{body}")).finalize().into_bytes();
    let hex: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut event = crate::tests::world::event("POST", &format!("/slack/{}", tenant()), None, Some(body), "");
    event["headers"]["x-slack-request-timestamp"] = json!(seconds.to_string());
    event["headers"]["x-slack-signature"] = json!(format!("v0={hex}"));
    event
}

fn world() -> (World, ApprovalRow) {
    let world = World::new();
    world.person(1, Some(Role::Owner));
    world.person(2, Some(Role::Developer));
    let document = json!({"slack": {"webhook_url": "https://hooks.slack.com/x", "signing_secret": SECRET,
        "users": {"U1": user(1), "U2": user(2), "U9": user(9), "U7": user(7)}}});
    let sealed = crate::tests::world::root()
        .seal(&crate::channels::aad(&tenant()), document.to_string().as_bytes(), &[3; 28])
        .unwrap();
    let row = ChannelsRow { version: 1, sealed: sealed.into() };
    world.memory.put(Key::channels(&tenant()), row.to_item());
    let row = request(1, &json!({}), None, vec![rule(1, false)]);
    world.ask(&row);
    (world, row)
}

/// Nobody decides about what is done for them, by a click either.
#[test]
fn a_click_of_whom_it_is_done_for_denies_nothing() {
    run(async {
        let (world, mut row) = world();
        let cause = tables::standing::cause_digest(&org(), user(1).as_str());
        let asked = json!({"arguments": {}, "reason": "For somebody.", "cause": cause});
        let aad = envelope::Aad::action(&row.from.tenant, &row.id);
        let sealed = crate::tests::world::root().seal(&aad, asked.to_string().as_bytes(), &[9; 28]);
        row.asked.sealed = sealed.unwrap().into();
        world.memory.put(Key::approval(&row.from.tenant, &row.id), row.to_item());
        let seconds = at(0).unix_millis() / 1_000;
        let click = payload("U1", "deny", row.id.as_str(), "1");
        assert_eq!(world.event(&event(&click, seconds)).await.status(), 200);
        assert_eq!(world.row(&row.id), row);
        assert!(world.events().iter().any(|(.., told)| told == "approval.own"), "{:?}", world.events());
    });
}

#[test]
fn a_click_denies_once_and_for_whoever_may() {
    run(async {
        let (world, row) = world();
        let seconds = at(0).unix_millis() / 1_000;
        let deny = |user: &str, ts: &str| payload(user, "deny", row.id.as_str(), ts);
        for (who, reason) in [("U2", "approval.not_asked"), ("U9", "approval.own"), ("U7", "user_inactive")] {
            let answer = world.event(&event(&deny(who, "1"), seconds)).await;
            assert_eq!(answer.status(), 200, "{who}");
            assert!(world.events().iter().any(|(_, _, told)| told == reason), "{who}: {:?}", world.events());
        }
        // Nobody of ours, an approval, and what is not Slack's.
        assert_eq!(world.event(&event(&deny("U5", "1"), seconds)).await.status(), 200);
        let approve = payload("U1", "approve", row.id.as_str(), "1");
        assert_eq!(world.event(&event(&approve, seconds)).await.status(), 200);
        let mut forged = event(&deny("U1", "2"), seconds);
        forged["body"] = json!(deny("U1", "3"));
        assert_eq!(world.event(&forged).await.status(), 401);
        assert_eq!(world.event(&event(&deny("U1", "2"), seconds - 301)).await.status(), 401);
        assert_eq!(world.row(&row.id), row);
        let good = event(&deny("U1", "4"), seconds);
        for _ in 0..2 {
            assert_eq!(world.event(&good).await.status(), 200);
        }
        let after = world.row(&row.id);
        assert_eq!((after.state, after.votes.len()), (ApprovalState::Denied, 1));
        let vote = &after.votes[0];
        assert_eq!((vote.method.as_str(), vote.mfa, &vote.org), ("slack", false, &org()));
        assert_eq!(world.memory.told.lock().unwrap().len(), 1);
        // Sent again, it is not even looked at: nothing was recorded for it.
        let attempts = world.events().iter().filter(|(_, phase, _)| phase == "attempt").count();
        assert_eq!(attempts, 1);
    });
}
