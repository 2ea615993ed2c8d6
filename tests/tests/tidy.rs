//! Tidy: the rules of structure and prose that a reader relies on, as tests. Each failure says what to do.
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Which of our crates may use which of ours. One way: functions → caller → aws → envelope, tables → domain.
const MAY_USE: [(&str, &[&str]); 21] = [
    ("domain", &[]),
    ("egress", &[]),
    ("envelope", &["domain"]),
    ("tables", &["domain"]),
    ("policy", &["domain"]),
    ("redact", &["domain"]),
    ("ledger", &["domain"]),
    ("aws", &["domain", "envelope", "ledger", "tables"]),
    ("caller", &["aws", "domain", "envelope", "policy", "tables"]),
    ("verify", &["domain", "ledger"]),
    // Policies of DLP are checked before they are written, by the same code that reads them.
    ("cli", &["aws", "domain", "egress", "envelope", "ledger", "policy", "redact", "tables", "verify"]),
    ("actions", &["aws", "caller", "domain", "envelope", "policy", "tables"]),
    // The question that is asked of the log in SQL is built where the log is.
    ("admin", &["aws", "caller", "domain", "egress", "envelope", "ledger", "policy", "redact", "tables"]),
    ("approvals", &["aws", "caller", "domain", "egress", "envelope", "redact", "tables"]),
    ("audit-writer", &["aws", "domain", "ledger", "tables"]),
    ("dlp", &["aws", "caller", "domain", "envelope", "policy", "redact", "tables"]),
    ("gateway", &["aws", "caller", "domain", "egress", "envelope", "policy", "redact", "tables"]),
    ("health", &["aws", "caller", "domain", "egress", "envelope", "tables"]),
    ("lifecycle", &["aws", "domain", "ledger", "tables"]),
    ("scim", &["aws", "caller", "domain", "egress", "envelope", "tables"]),
    // The floor that `make bench` measures the gateway beside makes its AWS calls with the same clients.
    // Its tables in memory judge conditions by the same code as every other store of tests.
    ("tests", &["aws", "domain", "ledger", "tables"]),
];

/// No runtime, no SDK, no HTTP, no random generator: what these decide can be replayed.
const PURE: [&str; 6] = ["domain", "tables", "policy", "redact", "envelope", "ledger"];
const IMPURE: [&str; 9] = [
    "tokio",
    "hyper",
    "reqwest",
    "getrandom",
    "rand",
    "aws-config",
    "aws-sdk-dynamodb",
    "aws-sdk-sqs",
    "lambda_runtime",
];
const IMPURE_SOURCE: [&str; 5] = ["std::env", "SystemTime", "Instant::now", "std::fs", "std::net::Tcp"];

const SIX_FILES: [&str; 6] = ["main", "lib", "config", "event", "decide", "effects"];
const FILE_LINES_MAX: usize = 400;
const MAIN_LINES_MAX: usize = 70;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What `cargo metadata` tells of the workspace, as far as these rules look (the Cargo Book, "cargo metadata"). The crate that reads all
/// of it turns on features of `serde_json` for the whole build of the tests, which would then build everything twice.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_members: Vec<String>,
    workspace_root: PathBuf,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    manifest_path: PathBuf,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// `None`: neither of tests nor of a build script.
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Edge>,
}

#[derive(Deserialize)]
struct Edge {
    pkg: String,
    dep_kinds: Vec<EdgeKind>,
}

#[derive(Deserialize)]
struct EdgeKind {
    kind: Option<String>,
}

/// For this machine's platform only: packages of other platforms need not have been downloaded.
fn metadata() -> Metadata {
    let told = std::process::Command::new("rustc").arg("-vV").output().expect("rustc tells its host");
    let told = String::from_utf8(told.stdout).unwrap();
    let host = told.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let told = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--filter-platform", host])
        .current_dir(root())
        .output()
        .expect("cargo tells the metadata");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    serde_json::from_slice(&told.stdout).unwrap()
}

fn short(name: &str) -> Option<&str> {
    name.strip_prefix("countersign-")
}

fn members(metadata: &Metadata) -> BTreeMap<String, &Package> {
    let ours = metadata.packages.iter().filter(|one| metadata.workspace_members.contains(&one.id));
    ours.map(|one| (short(&one.name).unwrap().to_owned(), one)).collect()
}

/// Every tracked text file with one of these endings, by its path from the root.
fn files(endings: &[&str]) -> Vec<String> {
    let listed = std::process::Command::new("git")
        .args(["ls-files", "-co", "--exclude-standard"])
        .current_dir(root())
        .output();
    let listed = String::from_utf8(listed.expect("git lists the files").stdout).unwrap();
    let wanted =
        |path: &&str| endings.iter().any(|ending| path.ends_with(ending)) && root().join(path).is_file();
    listed.lines().filter(wanted).map(str::to_owned).collect()
}

fn is_test_file(path: &str) -> bool {
    path.ends_with("tests.rs")
        || path.contains("/tests/")
        || path.starts_with("tests/")
        || path.contains("/examples/")
}

/// Source as it ships: without the tests at its end.
fn shipped(path: &str) -> String {
    let text = read(path);
    text.split("\n#[cfg(test)]\nmod tests").next().unwrap_or_default().to_owned()
}

fn product_files() -> Vec<String> {
    files(&[".rs"]).into_iter().filter(|path| !is_test_file(path)).collect()
}

#[test]
fn crates_use_each_other_one_way() {
    let metadata = metadata();
    let members = members(&metadata);
    let listed: BTreeSet<_> = MAY_USE.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(
        members.keys().cloned().collect::<BTreeSet<_>>(),
        listed,
        "give every member a row in MAY_USE"
    );
    for (name, allowed) in MAY_USE {
        let uses = members[name].dependencies.iter().filter(|one| one.kind.is_none());
        for used in uses.filter_map(|one| short(&one.name)) {
            assert!(
                allowed.contains(&used),
                "{name} uses {used}: move the boundary, or add it to MAY_USE and say why in the README"
            );
        }
    }
}

#[test]
fn pure_crates_depend_on_nothing_impure() {
    let metadata = metadata();
    let packages: BTreeMap<_, _> = metadata.packages.iter().map(|one| (&one.id, one)).collect();
    for name in PURE {
        let mut open = vec![&members(&metadata)[name].id];
        let mut seen = BTreeSet::new();
        while let Some(id) = open.pop() {
            let node = metadata.resolve.nodes.iter().find(|node| node.id == *id).unwrap();
            let normal = |dep: &&Edge| dep.dep_kinds.iter().any(|kind| kind.kind.is_none());
            for dep in node.deps.iter().filter(normal).filter(|dep| seen.insert(&dep.pkg)) {
                let used = &packages[&dep.pkg].name;
                // `getrandom` is reachable through target-specific features that are off; only a direct edge counts.
                assert!(
                    !IMPURE.contains(&used.as_str()),
                    "{name} reaches {used}: pure crates take time and random bytes as parameters"
                );
                open.push(&dep.pkg);
            }
        }
    }
    for path in product_files()
        .iter()
        .filter(|path| PURE.iter().any(|name| path.starts_with(&format!("shared/{name}/src"))))
    {
        for word in IMPURE_SOURCE {
            assert!(!shipped(path).contains(word), "{path} says {word}: pure crates take it as a parameter");
        }
    }
}

/// The features of every package, as these kinds of edges turn them on.
fn features(edges: &str) -> BTreeMap<String, BTreeSet<String>> {
    let told = std::process::Command::new(env!("CARGO"))
        .args([
            "tree",
            "--workspace",
            "--offline",
            "--no-dedupe",
            "--prefix",
            "none",
            "--format",
            "{p}|{f}",
            "-e",
            edges,
        ])
        .current_dir(root())
        .output()
        .expect("cargo tells the tree");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let mut all = BTreeMap::<_, BTreeSet<_>>::new();
    for (package, on) in
        String::from_utf8(told.stdout).unwrap().lines().filter_map(|line| line.split_once('|'))
    {
        let on = on.split(',').filter(|one| !one.is_empty()).map(str::to_owned);
        all.entry(package.to_owned()).or_default().extend(on);
    }
    all
}

/// What is tested is what is deployed; and a build of the tests builds nothing of it again.
#[test]
fn tests_turn_on_no_feature_of_what_is_deployed() {
    let (deployed, tested) = (features("normal,build"), features("normal,build,dev"));
    assert!(deployed.len() > 100, "{}", deployed.len());
    for (package, on) in deployed {
        let more: Vec<_> = tested[&package].difference(&on).collect();
        assert!(
            more.is_empty(),
            "only tests turn on {more:?} of {package}: see `cargo tree -e features,dev -i`"
        );
    }
}

#[test]
fn every_member_inherits_lints_versions_and_dependencies() {
    // Packages for fuzzing stand outside the workspace, since only a nightly compiler builds them.
    let of_fuzzing = |path: &str| path.ends_with("/fuzz/Cargo.toml");
    for manifest in files(&["Cargo.toml"]).iter().filter(|path| *path != "Cargo.toml" && !of_fuzzing(path)) {
        let parsed: toml::Table = read(manifest).parse().unwrap();
        assert_eq!(
            parsed["lints"]["workspace"].as_bool(),
            Some(true),
            "{manifest}: add [lints] workspace = true"
        );
        for field in ["version", "edition", "rust-version", "license", "publish"] {
            assert_eq!(
                parsed["package"][field]["workspace"].as_bool(),
                Some(true),
                "{manifest}: inherit {field}"
            );
        }
        for section in ["dependencies", "dev-dependencies"] {
            for (name, value) in parsed.get(section).and_then(toml::Value::as_table).into_iter().flatten() {
                assert_eq!(
                    value["workspace"].as_bool(),
                    Some(true),
                    "{manifest}: {name} belongs into the workspace's table"
                );
            }
        }
    }
}

fn workspace_dependencies() -> toml::Table {
    let parsed: toml::Table = read("Cargo.toml").parse().unwrap();
    parsed["workspace"]["dependencies"].as_table().unwrap().clone()
}

#[test]
fn dependencies_are_pinned_and_without_default_features() {
    for (name, value) in workspace_dependencies().iter().filter(|(_, value)| value.get("path").is_none()) {
        let version = value["version"].as_str().unwrap_or_default();
        assert!(version.starts_with('='), "{name}: pin its version with `=`");
        assert_eq!(value["default-features"].as_bool(), Some(false), "{name}: default-features = false");
    }
}

#[test]
fn every_function_has_the_six_files_and_a_thin_main() {
    for function in std::fs::read_dir(root().join("functions")).unwrap() {
        let name = function.unwrap().file_name().into_string().unwrap();
        for file in SIX_FILES {
            let path = format!("functions/{name}/src/{file}.rs");
            let excused = read(format!("functions/{name}/src/lib.rs")).contains(&format!("no `{file}.rs`"));
            assert!(root().join(&path).is_file() || excused, "{path} is missing: a reader looks there first");
        }
        let lines = read(format!("functions/{name}/src/main.rs")).lines().count();
        assert!(lines <= MAIN_LINES_MAX, "{name}/main.rs has {lines} lines: it composes, nothing more");
    }
}

#[test]
fn files_stay_short() {
    for path in product_files() {
        let lines = shipped(&path).lines().count();
        assert!(
            lines <= FILE_LINES_MAX,
            "{path} has {lines} lines without tests, the limit is {FILE_LINES_MAX}: split it by job"
        );
    }
}

#[test]
fn the_median_function_is_under_ten_lines() {
    let mut lengths = Vec::new();
    for path in product_files() {
        let mut begun: Option<(usize, usize)> = None;
        for (n, line) in shipped(&path).lines().enumerate() {
            let indent = line.len() - line.trim_start().len();
            let code = line.trim_start();
            match begun {
                None if [
                    "fn ",
                    "pub fn ",
                    "pub(crate) fn ",
                    "async fn ",
                    "pub async fn ",
                    "const fn ",
                    "pub const fn ",
                ]
                .iter()
                .any(|start| code.starts_with(start)) =>
                {
                    begun = if line.trim_end().ends_with('}') {
                        lengths.push(1);
                        None
                    } else {
                        Some((n, indent))
                    };
                }
                Some((at, depth)) if indent == depth && code.starts_with('}') => {
                    lengths.push(n - at - 1);
                    begun = None;
                }
                _ => {}
            }
        }
    }
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    println!("{} functions, median {median} lines", lengths.len());
    assert!(median < 10, "the median function has {median} lines");
}

/// What may stand only in the places that guard it.
const ONLY_IN: [(&str, &[&str]); 4] = [
    (
        "SealedBytes::from_sealed_form(",
        &["shared/envelope/", "shared/domain/src/sealed.rs", "shared/tables/src/codec.rs"],
    ),
    ("reqwest::", &["shared/egress/"]),
    ("SystemTime", &["shared/aws/src/clock.rs"]),
    (
        "std::env::var",
        &[
            "functions/admin/src/main.rs",
            "functions/gateway/src/main.rs",
            "functions/dlp/src/main.rs",
            "functions/audit-writer/src/main.rs",
            "functions/health/src/main.rs",
            "functions/approvals/src/main.rs",
            "functions/actions/src/main.rs",
            "functions/lifecycle/src/main.rs",
            "functions/scim/src/main.rs",
            "shared/cli/src/main.rs",
        ],
    ),
];
const NOWHERE: [&str; 7] =
    ["#[allow(", "unsafe {", "unsafe fn", "TODO", "FIXME", "println!(", "unimplemented!"];

#[test]
fn guarded_words_stand_only_where_they_are_guarded() {
    for path in product_files() {
        let text = shipped(&path);
        for (word, places) in ONLY_IN {
            let here = places.iter().any(|place| path.starts_with(place));
            assert!(here || !text.contains(word), "{path} says {word}, which belongs into {places:?}");
        }
        for word in NOWHERE {
            assert!(!text.contains(word), "{path} says {word}");
        }
    }
}

/// First cells of the table under a heading of the README, without their backticks.
fn readme_column(heading: &str) -> BTreeSet<String> {
    let readme = read("README.md");
    let section = readme
        .split(&format!("\n## {heading}\n"))
        .nth(1)
        .unwrap_or_else(|| panic!("README.md has no section {heading}"));
    let section = section.split("\n## ").next().unwrap();
    let cells = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    cells.map(str::to_owned).collect()
}

#[test]
fn the_readmes_map_is_true() {
    let mapped = readme_column("Map");
    let metadata = metadata();
    for member in members(&metadata).values() {
        let path = member.manifest_path.parent().unwrap().strip_prefix(&metadata.workspace_root).unwrap();
        assert!(
            mapped.contains(path.to_str().unwrap()),
            "README.md, Map: add a row for `{}`",
            path.display()
        );
    }
    for path in &mapped {
        assert!(root().join(path).is_dir(), "README.md, Map: `{path}` does not exist");
    }
    for path in files(&[""])
        .iter()
        .filter_map(|path| path.split_once('/'))
        .map(|(top, _)| top)
        .filter(|top| !top.starts_with('.'))
    {
        assert!(
            mapped.iter().any(|row| row.split('/').next() == Some(path)),
            "README.md, Map: add a row for `{path}`"
        );
    }
}

#[test]
fn the_readme_says_why_each_dependency_is_here() {
    let external = workspace_dependencies().into_iter().filter(|(_, value)| value.get("path").is_none());
    let external: BTreeSet<_> = external.map(|(name, _)| name).collect();
    assert_eq!(
        readme_column("Dependencies"),
        external,
        "README.md, Dependencies: one row per direct dependency"
    );
}

#[test]
fn every_event_parses_and_is_used() {
    let tests: String = files(&[".rs"]).iter().filter(|path| is_test_file(path)).map(read).collect();
    for function in std::fs::read_dir(root().join("functions")).unwrap() {
        let name = function.unwrap().file_name().into_string().unwrap();
        let events: Vec<_> = files(&[".json"])
            .into_iter()
            .filter(|path| path.starts_with(&format!("events/{name}/")))
            .collect();
        assert!(!events.is_empty(), "events/{name} is empty: show a reader what comes in");
        for path in events {
            let parsed: Result<serde_json::Value, _> = serde_json::from_str(&read(&path));
            assert!(parsed.is_ok(), "{path} is no JSON");
            let stem = Path::new(&path).file_stem().unwrap().to_str().unwrap();
            assert!(tests.contains(stem), "{path} is read by no test");
        }
    }
}

/// The batch that the sample shows is one of real records; the poison is none.
#[test]
fn the_audit_writers_events_hold_what_they_say() {
    let bodies = |case: &str| {
        let event: serde_json::Value =
            serde_json::from_str(&read(format!("events/audit-writer/{case}.json"))).unwrap();
        let records = event["Records"].as_array().unwrap().clone();
        records.into_iter().map(|record| record["body"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(
        bodies("batch")
            .iter()
            .all(|body| ledger::SignedRecord::from_text(body).is_ok_and(|one| one.is_signed())),
        "events/audit-writer/batch.json"
    );
    assert!(
        bodies("poison").iter().any(|body| ledger::SignedRecord::from_text(body).is_err()),
        "events/audit-writer/poison.json"
    );
}

#[test]
fn texts_speak_of_the_product_alone() {
    // Put together here, so that this file does not hold them.
    let words = [["sub", "agent"].concat(), ["Cla", "ude"].concat(), ["/wo", "rk/"].concat()];
    for path in files(&[".md", ".rs", ".py", ".tf", ".toml", ".json", "Makefile", "run"]) {
        let text = read(&path);
        for word in &words {
            assert!(!text.contains(word.as_str()), "{path} says {word}");
        }
    }
}
