//! The matrix: what the policies come to, for everybody who holds one thing. A reviewer judges it by its diff.

use super::*;
use std::fmt::Write as _;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/matrix.txt");

const HEAD: &str = "\
# Who may manage what: what the policies in cedar/ come to. CS_BLESS=1 with the tests of this crate writes it anew, and a
# reviewer judges the diff.
#
# Rows: an action and what it is done to. The principal is person 1, in `tenant` of `org`, and holds nothing but what its
# column says; `other tenant` is of the same organization. `own` belongs to the principal, `another's` to somebody else in
# the same tenant, `a program's own` to the program of the last columns.
#
# Columns: `plat` an admin of the platform, `glass` one with break-glass open for `tenant`, `org+` an owner of the
# organization, `org` one who merely belongs to it, six roles of the tenant, `none` somebody signed in without any, and
# programs (`c:`) with the roles that programs may hold.
#
# Cells: `yes`, `mfa` with a second factor alone, `-` forbidden, `404` not even known to exist.
";

fn cell(policies: &Policies, holder: &Principal, action: Action, resource: &Resource) -> &'static str {
    let without = Principal { mfa: false, ..holder.clone() };
    let with = policies.authorize(action_id(), holder, action, resource).map(|_| ());
    let without = policies.authorize(action_id(), &without, action, resource).map(|_| ());
    match (with, without) {
        (Ok(()), Ok(())) => "yes",
        (Ok(()), Err(Denial::MfaRequired)) => "mfa",
        (Err(Denial::Forbidden), Err(Denial::Forbidden)) => "-",
        (Err(Denial::NotFound), Err(Denial::NotFound)) => "404",
        odd => panic!("{action} on {resource:?} by {holder:?}: {odd:?}"),
    }
}

fn matrix() -> String {
    let (policies, holders) = (Policies::builtin().unwrap(), holders());
    let mut out = format!("{HEAD}\n{:<19} {:<23}", "action", "resource");
    holders.iter().for_each(|(name, _)| write!(out, " {name:<6}").unwrap());
    let mut all = resources();
    let owner = program();
    all.push(("a program's own", Resource::Owned { org: org(1), tenant: tenant(1), owner }));
    for action in Action::ALL {
        out = out.trim_end().to_owned() + "\n";
        for (name, resource) in all.iter().filter(|(_, one)| action.levels().contains(&one.level())) {
            write!(out, "{:<19} {name:<23}", action.as_str()).unwrap();
            for (_, holder) in &holders {
                write!(out, " {:<6}", cell(&policies, holder, *action, resource)).unwrap();
            }
            out = out.trim_end().to_owned() + "\n";
        }
    }
    out
}

#[test]
fn the_matrix_is_the_reviewed_one() {
    let out = matrix();
    if std::env::var_os("CS_BLESS").is_some() {
        std::fs::write(FILE, &out).unwrap();
    }
    let reviewed = std::fs::read_to_string(FILE).unwrap_or_default();
    let differs = reviewed.lines().zip(out.lines()).find(|(old, new)| old != new);
    assert!(
        reviewed == out,
        "matrix.txt differs, first at {differs:?}: review it with CS_BLESS=1 and git diff"
    );
}
