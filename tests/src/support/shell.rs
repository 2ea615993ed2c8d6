//! The `countersign` command, as somebody who has signed in types it.

use std::process::{Command, Stdio};

use serde_json::Value;

use super::admin::Person;
use super::stack::stack;

/// Somebody at a command line, with nothing in the environment but what signs them in.
#[derive(Debug)]
pub struct Shell {
    session: String,
    pub tenant: Option<String>,
    pub more: Vec<(&'static str, String)>,
}

/// What a command came to.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Shell {
    pub fn of(person: &Person) -> Self {
        Self { session: person.key.clone(), tenant: None, more: Vec::new() }
    }

    #[must_use]
    pub fn in_tenant(mut self, tenant: &str) -> Self {
        self.tenant = Some(tenant.to_owned());
        self
    }

    pub fn run(&self, arguments: &[&str]) -> Said {
        let mut command = Command::new(stack().built("debug/countersign"));
        command.env_clear().env("CS_STAGE", "local").env("HOME", stack().home());
        command.env("CS_ADMIN_URL", stack().text("/admin_url")).env("CS_SESSION", &self.session);
        command.envs(self.tenant.iter().map(|tenant| ("CS_TENANT", tenant)));
        command.envs(self.more.iter().map(|(name, value)| (name, value)));
        let done = command.args(arguments).stdin(Stdio::null()).output().expect("it runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        let said = Said { code: done.status.code(), out: text(done.stdout), err: text(done.stderr) };
        assert!(
            !said.out.contains(&self.session) && !said.err.contains(&self.session),
            "no session is shown"
        );
        said
    }

    pub fn did(&self, arguments: &[&str]) -> Said {
        let said = self.run(arguments);
        assert_eq!(said.code, Some(0), "{arguments:?}: {said:?}");
        said
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        let said = self.did(&[arguments, &["--json"]].concat());
        serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("no JSON: {said:?}"))
    }
}
