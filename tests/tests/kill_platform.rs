//! The switch above everybody. One test alone in its binary: meanwhile nobody else may want to be served.
#![cfg(test)]

use countersign_tests::support::tenant::operator_command;
use countersign_tests::support::{Tenant, records, wait};

fn switch(arguments: &[&str]) -> (bool, String) {
    let done =
        operator_command().args(["ops", "kill", "--platform"]).args(arguments).output().expect("it runs");
    let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
    (done.status.success(), said)
}

/// Turns the switch off whatever happens.
struct Recovery;

impl Drop for Recovery {
    fn drop(&mut self) {
        switch(&["--recover", "--reason", "test_over"]);
    }
}

#[test]
fn the_platforms_switch_stops_everybody_and_is_recorded_in_its_own_log() {
    let tenants = [Tenant::new(), Tenant::new()];
    let recovery = Recovery;
    let (done, said) = switch(&["--reason", "incident"]);
    assert!(done, "{said}");
    // Each process reads a copy of its own, and so does each call that finds another process.
    for tenant in tenants.iter().cycle().take(10) {
        let answer = tenant.say("hello");
        let told = answer.json();
        assert_eq!((answer.status, told["error"]["code"].as_str()), (503, Some("killed_platform")));
    }
    drop(recovery);
    assert!(tenants.iter().all(|tenant| tenant.say("hello").status == 200));
    let platform = "ten_0000000000000000";
    let expected =
        [["kill.activated", "attempt"], ["kill.activated", "outcome"], ["kill.recovered", "outcome"]];
    wait::until("the platform's records", || {
        let all = records::all(platform);
        let of_it = all.iter().filter(|record| record.field("resource") == "kill:platform");
        let says: Vec<_> =
            of_it.map(|record| ["event_type", "phase"].map(|name| record.field(name))).collect();
        expected.iter().all(|one| says.contains(one)).then_some(())
    });
}
