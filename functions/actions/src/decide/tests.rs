//! Tests of the decision: what a gate says, and what became of the same request before.

use super::*;
use crate::records::Writer;
use domain::Opaque;
use domain::{
    Agent, ApprovalState, KeyKind, Lifecycle, Org, OrgId, Run, Scopes, SecretHash, Tenant, TenantId, User,
    UserId,
};
use policy::Kills;
use serde_json::json;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix_millis(1_790_000_000_000).unwrap().plus_millis(seconds * 1_000)
}

fn key() -> domain::GatewayKey {
    domain::GatewayKey::mint(KeyKind::User, Region::Eu, &[7; 59]).unwrap()
}

fn key_row() -> KeyRow {
    KeyRow {
        id: key().id().clone(),
        kind: KeyKind::User,
        region: Region::Eu,
        org: OrgId::from_random([1; 10]),
        tenant: TenantId::from_random([2; 10]),
        agent: domain::AgentId::from_random([3; 10]),
        owner: Owner::User { id: UserId::from_random([8; 10]), epoch: 1 },
        secret: SecretHash::of("x"),
        seen: None,
        previous: None,
        scopes: Scopes::of(["actions.request".parse().unwrap()].into()),
        networks: None,
        requests_per_minute: None,
        active_from: None,
        expires_at: None,
        rotate_by: None,
        revoked_at: None,
    }
}

fn standing() -> Standing {
    let row = key_row();
    let user = |n, epoch| Some(User { id: UserId::from_random([n; 10]), active: true, epoch });
    Standing {
        org: Some(Org { id: row.org.clone(), status: Lifecycle::Active, networks: None }),
        tenant: Some(Tenant {
            id: row.tenant,
            org: row.org,
            region: Region::Eu,
            status: Lifecycle::Active,
            networks: None,
        }),
        agent: Some(Agent {
            id: row.agent,
            status: Lifecycle::Active,
            team: None,
            owner: Some(UserId::from_random([9; 10])),
            deputy: None,
        }),
        user: user(8, 1),
        role: Some(domain::Role::Developer),
        agent_owner: user(9, 4),
        kills: Kills::none(),
    }
}

const GATE: &str = r#"{"v":1,"allow":["payments.send","crm.read","ledger.wipe"],
 "gates":[{"id":"big","template":"payments","tools":["payments.send"],"amount":"/amount","over":"1000.00","approval":"finance"},
          {"id":"never","template":"production","tools":["ledger.wipe"],"targets":["prod/*"],"forbid":true}],
 "approvals":{"finance":{"quorum":[{"of":{"roles":["owner"]},"need":1}],"deny":1,"expires_minutes":60,"risk":"Money leaves.","high":true}}}"#;

fn rules() -> Rules {
    Rules {
        region: Region::Eu,
        roles: RoleTable::builtin().unwrap(),
        gates: Gates::default(),
        issuer: "https://actions.acme.com".to_owned(),
        approvals: "https://approvals.acme.com".to_owned(),
    }
}

fn said(
    gate: Option<&str>,
    tool: &str,
    arguments: &serde_json::Value,
    target: Option<&str>,
) -> Result<Option<Hold>, Reason> {
    let asking = Asking {
        tool: tool.parse().unwrap(),
        arguments: arguments.clone(),
        target: target.map(str::to_owned),
        reason: None,
        idempotency_key: "k".to_owned(),
        callback: None,
    };
    let row =
        gate.map(|text| GateRow { version: 3, document: text.to_owned() }).ok_or(Reason::GateMissing)?;
    let mut known = Known::default();
    gated(&rules(), &row, &key_row(), &standing(), &asking, at(0), &mut known)
        .map_err(|refused| refused.reason)
}

#[test]
fn a_gate_permits_holds_forbids_and_fails_closed() {
    let hold = |result: Result<Option<Hold>, Reason>| result.map(|hold| hold.map(|hold| hold.rules.len()));
    for (gate, tool, arguments, target, expected) in [
        (Some(GATE), "payments.send", json!({"amount": 5}), None, Ok(None)),
        (Some(GATE), "crm.read", json!({}), None, Ok(None)),
        (Some(GATE), "payments.send", json!({"amount": 82_000}), None, Ok(Some(1))),
        (Some(GATE), "payments.send", json!({}), None, Ok(Some(1))),
        (Some(GATE), "ledger.wipe", json!({}), Some("prod/ledger"), Err(Reason::ActionForbidden)),
        (Some(GATE), "ledger.wipe", json!({}), Some("test/ledger"), Ok(None)),
        (Some(GATE), "shell.run", json!({}), None, Err(Reason::ActionForbidden)),
        (Some("{"), "crm.read", json!({}), None, Err(Reason::GateUnreadable)),
        (None, "crm.read", json!({}), None, Err(Reason::GateMissing)),
    ] {
        assert_eq!(hold(said(gate, tool, &arguments, target)), expected, "{tool} {arguments} {target:?}");
    }
}

fn admitted(hold: Option<Hold>, arguments: &serde_json::Value) -> Admitted {
    let row = key_row();
    let random = Random {
        action: [1; 10],
        first_event: [2; 10],
        second_event: [3; 10],
        first_seal: SealRandom { source_ip: [0; 28], on_behalf_of: [0; 28] },
        second_seal: SealRandom { source_ip: [1; 28], on_behalf_of: [1; 28] },
    };
    let moment = Moment { now: at(0), random };
    let scribe = Scribe {
        row: row.clone(),
        region: Region::Eu,
        source_ip: None,
        request_id: None,
        audit_key: None,
        action: "actions.request",
        said: Said::default(),
    };
    let writer = Writer::new(scribe, ActionId::new(at(0), [1; 10]), None, &moment);
    let caller = policy::authenticate(&key(), KeyRow { secret: key().secret_hash(), ..row.clone() }).unwrap();
    let approach = policy::Approach { source: None, scope: domain::KillScope::Actions };
    let asked = policy::Request {
        action_id: writer.action_id,
        action: Action::ActionsRequest,
        model: None,
        route: None,
        policy_version: 3,
    };
    let permit = caller.standing(&standing(), &approach).unwrap().authorize(&rules().roles, asked).unwrap();
    let asking = Asking {
        tool: "payments.send".parse().unwrap(),
        arguments: arguments.clone(),
        target: None,
        reason: None,
        idempotency_key: "k".to_owned(),
        callback: None,
    };
    let (approval, permit_id) = ids(&row, "k");
    let from = requester(&row, &standing(), &writer);
    Admitted {
        permit,
        digest: digest(&row, &asking).unwrap(),
        known: Known::default(),
        writer,
        asking,
        approval,
        permit_id,
        policy_version: 3,
        from,
        cause: None,
        switches: [1; 4],
        hold,
    }
}

fn hold() -> Hold {
    said(Some(GATE), "payments.send", &json!({"amount": 82_000}), None).unwrap().unwrap()
}

fn ran(asked: &Admitted, row: &ApprovalRow, state: Run, digest: &domain::Digest) -> domain::RunRow {
    domain::RunRow {
        tenant: row.from.tenant.clone(),
        agent: row.from.agent.clone(),
        permit: asked.permit_id.clone(),
        approval: Some(row.id.clone()),
        tool: row.asked.tool.clone(),
        digest: digest.clone(),
        state,
        consumer: Opaque::from_digest(&[1; 32]),
        consumed_at: at(1),
        due_at: at(3_600),
        ended_at: None,
        answers: None,
    }
}

#[test]
fn what_became_of_the_same_request_before_goes_first() {
    let asked = admitted(Some(hold()), &json!({"amount": 82_000}));
    let sealed = SealedBytes::from_sealed_form([b"CSE1".as_slice(), &[0; 90]].concat()).unwrap();
    let row = asked.row(&hold(), sealed, at(0));
    assert_eq!(row.expires_at, at(3_600));
    let run = |state, digest: &domain::Digest| ran(&asked, &row, state, digest);
    let ours = &row.asked.digest;
    // By the gate of then, whatever version there is today.
    let row = ApprovalRow { asked: Asked { policy_version: 2, ..row.asked.clone() }, ..row.clone() };
    let of = |state| Earlier { approval: Some(ApprovalRow { state, ..row.clone() }), ..Earlier::default() };
    let approved = Approved { id: row.id.clone(), policy_version: 2 };
    assert_ne!(asked.policy_version, 2);
    assert_eq!(asked.claims("", Some(approved.clone()), at(1)).policy_version, 2);
    let another = domain::Digest::from_bytes(&[8; 32]);
    let other = Asked { digest: another.clone(), ..row.asked.clone() };
    for (what, earlier, now, expected) in [
        ("nothing", Earlier::default(), at(1), Ok(Next::Ask)),
        ("waiting", of(ApprovalState::Pending), at(1), Ok(Next::Pending(at(3_600)))),
        ("waiting, and late", of(ApprovalState::Pending), at(3_600), Err(Reason::ApprovalExpired)),
        ("approved", of(ApprovalState::Approved), at(1), Ok(Next::Issue(Some(approved.clone())))),
        ("approved, and late", of(ApprovalState::Approved), at(3_600), Err(Reason::ApprovalExpired)),
        ("denied", of(ApprovalState::Denied), at(1), Err(Reason::ApprovalDenied)),
        ("expired", of(ApprovalState::Expired), at(1), Err(Reason::ApprovalExpired)),
        ("cancelled", of(ApprovalState::Cancelled), at(1), Err(Reason::ApprovalCancelled)),
        (
            "approved, and run",
            Earlier { run: Some(run(Run::Executed, ours)), ..of(ApprovalState::Approved) },
            at(1),
            Err(Reason::ApprovalConsumed),
        ),
        (
            "approved, and cancelled at its consumption",
            Earlier { run: Some(run(Run::Cancelled, ours)), ..of(ApprovalState::Approved) },
            at(1),
            Err(Reason::ApprovalCancelled),
        ),
        (
            "another action",
            Earlier { approval: Some(ApprovalRow { asked: other, ..row.clone() }), ..Earlier::default() },
            at(1),
            Err(Reason::IdempotencyMismatch),
        ),
        (
            "another action was run without anybody",
            Earlier { direct: Some(run(Run::Executed, &another)), ..Earlier::default() },
            at(1),
            Err(Reason::IdempotencyMismatch),
        ),
        (
            "approved, and a switch was turned",
            Earlier {
                approval: Some(ApprovalRow {
                    state: ApprovalState::Approved,
                    switches: [1, 2, 1, 1],
                    ..row.clone()
                }),
                ..Earlier::default()
            },
            at(1),
            Err(Reason::ApprovalCancelled),
        ),
    ] {
        assert_eq!(next(&asked, &earlier, now), expected, "{what}");
    }
    let free = admitted(None, &json!({"amount": 5}));
    assert_eq!(next(&free, &Earlier::default(), at(1)), Ok(Next::Issue(None)));
}

/// Pinned: requests are found by these for as long as they live, and each agent's are its own.
#[test]
fn ids_follow_from_agent_and_idempotency_key() {
    let row = key_row();
    let (approval, permit) = ids(&row, "k");
    assert_eq!(ids(&row, "k"), (approval.clone(), permit.clone()));
    let other = KeyRow { agent: domain::AgentId::from_random([4; 10]), ..row.clone() };
    for (one, two) in [ids(&row, "l"), ids(&other, "k")] {
        assert!(one != approval && two != permit);
    }
}

#[test]
fn a_permit_is_of_this_action_for_this_tool_and_for_a_minute() {
    let asked = admitted(None, &json!({"amount": 5}));
    let claims = asked.claims("https://actions.acme.com", None, at(0));
    assert_eq!((claims.aud.as_str(), claims.exp - claims.iat), ("payments.send", LIFETIME_SECONDS));
    assert_eq!(claims.action_sha256, asked.digest.to_digest());
    assert_eq!(claims.sub, asked.from.agent);
}
