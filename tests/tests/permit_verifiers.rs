//! The verifiers that tools use, in Python and TypeScript, with permits of the real function: each runs an action once, and only the
//! one that was permitted, and what it says of its end is what the agent hears.
#![cfg(test)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use countersign_tests::support::approvals::{Agent, Permit, actions, gate};
use countersign_tests::support::stack::script;
use countersign_tests::support::world::{code, refused};
use countersign_tests::support::{Tenant, records, wait};
use serde_json::{Value, json};

/// A tool, as long as this value lives.
struct Tool {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Tool {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, input, output }
    }

    /// What it said, and the arguments that it ran with.
    fn does(
        &mut self,
        tenant: &str,
        permit: &Permit,
        (arguments, target): (&Value, &Value),
        ends: &str,
    ) -> (String, Vec<Value>) {
        let asked = json!({
            "issuer": actions(""), "tool": "payments.send", "tenant": tenant, "permit": permit.token,
            "arguments": arguments, "target": target, "ends": ends,
        });
        writeln!(self.input.as_mut().expect("it is open"), "{asked}").expect("it reads");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("it answers");
        let told: Value =
            serde_json::from_str(&line).unwrap_or_else(|_| panic!("no answer: it says why above"));
        (told["said"].as_str().expect("a word").to_owned(), told["ran"].as_array().expect("a list").clone())
    }
}

impl Drop for Tool {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

/// The tools of all languages that this machine has, by name.
fn tools() -> Vec<(&'static str, Tool)> {
    let done = Command::new("python3")
        .arg(script("../local/verifiers.py"))
        .arg("--install")
        .stderr(Stdio::inherit())
        .output();
    let done = done.expect("python3 is on the PATH");
    assert!(done.status.success(), "the verifiers cannot be installed");
    let told: Value = serde_json::from_slice(&done.stdout).expect("verifiers.py prints JSON");
    let text = |pointer: &str| told.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let support = |name: &str| script("verifiers").join(name);
    let mut python = Command::new(text("/python").expect("a program"));
    python.arg(support("tool.py")).env("PYTHONPATH", text("/path").expect("a package"));
    let mut all = vec![("python", Tool::start(python.env("PYTHONDONTWRITEBYTECODE", "1")))];
    match text("/node/program").zip(text("/node/package")) {
        Some((program, package)) => {
            all.push((
                "typescript",
                Tool::start(Command::new(program).arg(support("tool.mjs")).arg(package)),
            ));
        }
        None => println!("SKIPPED: the TypeScript verifier needs node and npm on the PATH"),
    }
    all
}

#[test]
fn a_tool_runs_what_was_permitted_and_nothing_else() {
    let tenant = Tenant::new();
    let agent = Agent::of(&tenant, &gate(1, false));
    let mut expected = 0;
    for (name, mut tool) in tools() {
        let arguments =
            json!({"amount": 12.5, "to": "acme \u{e9}\u{1f600}", "z": [1, true, null], "a": {"b": "c"}});
        let target = json!("bank/main");
        let asking = |key: &str| json!({"tool": "payments.send", "arguments": arguments, "target": target, "idempotency_key": format!("{name}-{key}")});
        let permit = |key: &str| Permit::of(&agent.sends(&asking(key)));
        let mut does = |permit: &Permit, arguments: &Value, ends: &str| {
            tool.does(tenant.tenant_id(), permit, (arguments, &target), ends)
        };
        let well = permit("well");
        let other =
            json!({"amount": 12.6, "to": "acme \u{e9}\u{1f600}", "z": [1, true, null], "a": {"b": "c"}});
        assert_eq!(does(&well, &other, "well"), ("action_mismatch".to_owned(), Vec::new()), "{name}");
        assert_eq!(does(&well, &arguments, "well"), ("done".to_owned(), vec![arguments.clone()]), "{name}");
        assert_eq!(does(&well, &arguments, "well"), ("permit_consumed".to_owned(), Vec::new()), "{name}");
        let forged = Permit { token: format!("{}A", well.token), ..well.clone() };
        assert_eq!(does(&forged, &arguments, "well").0, "permit_invalid", "{name}");
        let elsewhere =
            tool.does("ten_0000000000000009", &permit("elsewhere"), (&arguments, &target), "well");
        assert_eq!(elsewhere, ("permit_for_another".to_owned(), Vec::new()), "{name}");
        let mut ends =
            |ends: &str| tool.does(tenant.tenant_id(), &permit(ends), (&arguments, &target), ends).0;
        assert_eq!(
            (ends("badly"), ends("unclear")),
            ("RuntimeError".to_owned(), "Unclear".to_owned()),
            "{name}"
        );
        assert_eq!(ends("receipt"), "done", "{name}");
        // Each was taken, however it ended.
        for key in ["well", "badly", "unclear", "receipt"] {
            assert_eq!(code(&agent.sends(&asking(key))), refused(409, "approval_consumed"), "{name} {key}");
        }
        // What ended well or badly was told, and nothing of what nobody knows.
        expected += 3;
        wait::until("the outcomes in the log", || {
            let told = |record: &&records::Record| {
                record.field("event_type") == "action.ended"
                    && record.says() == ["outcome", "allow", "completed"]
            };
            (records::all(tenant.tenant_id()).iter().filter(told).count() == expected).then_some(())
        });
        wait::until("the receipt in the log, attempt and outcome", || {
            let all = records::all(tenant.tenant_id());
            let ends = all.iter().filter(|one| one.field("event_type") == "action.ended");
            let receipts = ends.filter(|one| one.metadata("detail_sha256") == "0a".repeat(32).as_str());
            (receipts.count() == expected / 3 * 2).then_some(())
        });
    }
}
