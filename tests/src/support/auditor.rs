//! What an auditor does: exports, and verifies them with no AWS at hand.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::{aws, stack};

/// The real command, as the operator.
pub fn countersign(arguments: &[&str]) -> Output {
    let mut command = Command::new(stack().built("debug/countersign"));
    let told = |field: &str| stack().text(&format!("/credentials/operator/{field}")).to_owned();
    let ops = stack().at("/ops_environment").as_object().expect("it is there");
    command.args(arguments).env_clear();
    command.envs(ops.iter().map(|(name, value)| (name, value.as_str().unwrap_or_default())));
    command.env("AWS_ENDPOINT_URL", stack().text("/endpoint")).env("AWS_REGION", stack().text("/region"));
    command.env("AWS_ACCESS_KEY_ID", told("access_key_id"));
    command.env("AWS_SECRET_ACCESS_KEY", told("secret_access_key"));
    command.env("AWS_SESSION_TOKEN", told("session_token"));
    command.output().expect("the command runs")
}

fn folder(name: &str) -> PathBuf {
    let folder = stack().home().join("exports").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(folder.parent().expect("it is there")).expect("it is there");
    folder
}

/// Exports into a folder of the stack's own.
pub fn exported(name: &str, more: &[&str]) -> PathBuf {
    let folder = folder(name);
    let out = folder.to_str().expect("it is there").to_owned();
    let done = countersign(&[&["export", "--out", &out], more].concat());
    assert!(done.status.success(), "{done:?}");
    folder
}

/// Verifies without any AWS: exit code and report.
pub fn verified(folder: &Path, more: &[&str]) -> (i32, Value) {
    let mut command = Command::new(stack().built("debug/countersign"));
    command.args(["verify", folder.to_str().expect("it is there"), "--json"]).args(more).env_clear();
    let done = command.output().expect("the command runs");
    (done.status.code().expect("it is there"), serde_json::from_slice(&done.stdout).unwrap_or_default())
}

/// A checkpoint over everything, now.
pub fn checkpoint() {
    let done = aws::invoke("root", "audit-writer", &json!({"checkpoint": {}})).expect("it is there");
    assert!(done["errorMessage"].is_null(), "{done}");
}
