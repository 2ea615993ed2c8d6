//! A function's API document against the function: whatever it says may be sent is answered as it says, and nothing that is sent ends
//! in a fault of the server. Asked by schemathesis.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::http::Request;
use super::stack::{script, stack};

const CHECKS: &str =
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance";

/// Where schemathesis lies; installed when it is first wanted.
fn schemathesis() -> PathBuf {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    let found = Command::new("python3")
        .arg(script("schemathesis").join("install.py"))
        .arg(target)
        .output()
        .expect("python3 starts");
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
    PathBuf::from(String::from_utf8(found.stdout).expect("a path").trim())
}

/// What is asked with: an address, a bearer's token, and ids of things that there are, beyond which lies the logic.
#[derive(Debug)]
pub struct Run<'a> {
    pub name: &'a str,
    pub base: &'a str,
    pub key: &'a str,
    pub ids: &'a [(&'a str, &'a str)],
    /// Operations that the schema is narrowed to, if to some.
    pub only: Option<&'a str>,
    /// What would take away what others are asked about.
    pub left_out: Vec<&'a str>,
    /// Checks beside those that are always made.
    pub more: &'a [&'a str],
    /// As many are asked at least: nothing was asked is no answer.
    pub least: usize,
}

impl Run<'_> {
    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Asks, and gives the statuses of all answers by operation.
    pub fn asks(&self) -> BTreeMap<String, BTreeSet<u64>> {
        let home = stack().home().join("schemathesis");
        std::fs::create_dir_all(&home).expect("the stack's directory can be written");
        let ids: String = self.ids.iter().map(|(name, id)| format!("\"path.{name}\" = \"{id}\"\n")).collect();
        let file = home.join(format!("{}.toml", self.name));
        std::fs::write(&file, format!("[parameters]\n{ids}")).expect("it can be written");
        let report = home.join(format!("{}.har", self.name));
        let mut command = Command::new(schemathesis());
        command.current_dir(&home).env("NO_COLOR", "1");
        command.arg("--config-file").arg(&file);
        command.args(["run", &self.url("/v1/openapi.json"), "--url", self.base]);
        let checks = [&[CHECKS], self.more].concat().join(",");
        command.args(["--checks", &checks, "--phases", "fuzzing", "--max-examples", "3", "--seed", "7"]);
        command.args(["--header", &format!("Authorization: Bearer {}", self.key)]);
        command.args(["--header", "x-amzn-tls-version: TLSv1.3", "--suppress-health-check", "all"]);
        // One at a time: threads of CPython before 3.12 trip over each other where it reads its own source (gh-106905).
        command.args(["--workers", "1", "--continue-on-failure", "--no-color"]);
        command.args(["--report", "har", "--report-har-path"]).arg(&report);
        command.args(self.only.iter().flat_map(|only| ["--include-path-regex", only]));
        for name in &self.left_out {
            command.args(["--exclude-operation-id", name]);
        }
        let asked = command.output().expect("schemathesis starts");
        let told = String::from_utf8_lossy(&asked.stdout);
        assert!(asked.status.success(), "{told}\n{}", String::from_utf8_lossy(&asked.stderr));
        let operations = told.lines().find(|line| line.contains("selected /")).unwrap_or_default();
        let selected: usize = operations.split_whitespace().find_map(|word| word.parse().ok()).unwrap_or(0);
        assert!(selected >= self.least, "only {selected} operations were asked: {told}");
        self.statuses(&report)
    }

    /// The statuses of answers by operation, as the report has them (HTTP Archive 1.2).
    fn statuses(&self, report: &Path) -> BTreeMap<String, BTreeSet<u64>> {
        let report = std::fs::read_to_string(report).expect("a report");
        let report: Value = serde_json::from_str(&report).expect("JSON");
        let document = Request::new("GET", self.url("/v1/openapi.json"))
            .with("x-amzn-tls-version", "TLSv1.3")
            .send()
            .json();
        let paths = document["paths"].as_object().expect("paths");
        let alike = |pattern: &str, path: &str| {
            let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
            let parts =
                wanted.by_ref().zip(given.by_ref()).all(|(want, part)| want.starts_with('{') || want == part);
            parts && pattern.split('/').count() == path.split('/').count()
        };
        let mut all: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
        for entry in report["log"]["entries"].as_array().expect("entries") {
            let text = |name: &str| entry["request"][name].as_str().expect("text").to_owned();
            let (method, address) = (text("method").to_lowercase(), text("url"));
            let path = address
                .strip_prefix(self.base)
                .unwrap_or(&address)
                .split('?')
                .next()
                .unwrap_or_default()
                .to_owned();
            // A literal part goes before a name.
            let found = paths
                .iter()
                .filter(|(pattern, methods)| alike(pattern, &path) && !methods[&method].is_null());
            let Some((_, methods)) = found.max_by_key(|(pattern, _)| pattern.matches('{').count() == 0)
            else {
                continue;
            };
            let name = methods[&method]["operationId"].as_str().expect("a name").to_owned();
            all.entry(name).or_default().extend(entry["response"]["status"].as_u64());
        }
        all
    }
}
