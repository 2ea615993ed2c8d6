//! After every other suite: the ledger of the whole run, with all that was refused, killed, denied and sent twice on the way,
//! is exported and verified.
#![cfg(test)]

use countersign_tests::support::auditor::{checkpoint, exported, verified};
use countersign_tests::support::{Tenant, wait};

#[test]
fn the_ledger_of_the_whole_run_verifies() {
    let tenant = Tenant::new();
    assert_eq!(tenant.say("the last word").status, 200);
    tenant.records(2);
    // Records of the suite before may still be on their way, with their places taken by nobody.
    let report = wait::until("an export that verifies", || {
        checkpoint();
        let (code, report) = verified(&exported("run", &[]), &[]);
        if code == 0 {
            return Some(report);
        }
        println!("exit code {code}: {}", report["report"]["findings"]);
        None
    });
    let told = |name: &str| report["report"][name].as_u64().unwrap();
    println!("{} records of {} tenants verified", told("records"), told("tenants"));
    assert!(told("records") >= 4 && told("rows") == told("records"), "{report}");
}
