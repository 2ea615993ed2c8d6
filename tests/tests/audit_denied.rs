//! Audit before effect: a gateway that cannot record makes no call. One test alone in its binary: it takes a permission
//! away from the gateway that every other test uses.
#![cfg(test)]

use countersign_tests::support::denied::Denied;
use countersign_tests::support::tenant::Budget;
use countersign_tests::support::{Function, Tenant, wait};
use serde_json::json;

#[test]
fn without_the_audit_queue_every_call_is_refused_and_none_is_made() {
    let tenant = Tenant::new();
    // One process, which nobody else calls: what it could not send lies in it.
    let gateway = Function::gateway("gateway", 1, &[]);
    let url = gateway.url("/v1/chat/completions");
    let body = json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]});
    let say = || tenant.ask(url.clone(), &body).send();
    let denied = Denied::new("gateway", "sqs:SendMessage", "*");
    for _ in 0..3 {
        let answer = say();
        assert_eq!(
            (answer.status, answer.json()["error"]["code"].as_str()),
            (503, Some("audit_unavailable"))
        );
    }
    // A refusal that cannot be recorded is still a refusal.
    let refused = tenant.ask(url.clone(), &json!({"model": "gpt-4o-mini"})).send();
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(tenant.channel.received().is_empty(), "nothing reached the provider");
    let Budget { limit, avail, spent, open_holds, admitted } = tenant.budget();
    assert_eq!((avail, spent, open_holds, admitted), (limit, 0, 0, 0));
    drop(denied);

    // The instance kept what it could not send, and sends it first: three attempts with their outcomes, one refusal.
    let answer =
        wait::until("the permission to be back", || Some(say()).filter(|answer| answer.status == 200));
    assert_eq!(tenant.channel.received().len(), 1, "{answer:?}");
    let records = tenant.records(9);
    let told: Vec<_> = records.iter().map(|record| record.says().map(str::to_owned)).collect();
    let count = |says: [&str; 3]| told.iter().filter(|told| **told == says).count();
    assert_eq!(count(["attempt", "allow", "allowed"]), 4, "{told:?}");
    assert_eq!(count(["outcome", "deny", "audit_unavailable"]), 3, "{told:?}");
    assert_eq!(count(["outcome", "allow", "completed"]), 1, "{told:?}");
    assert_eq!(count(["single", "deny", "invalid_field"]), 1, "{told:?}");
}
