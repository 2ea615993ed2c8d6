//! Every operation of the management API by everybody who must not: none by hand. Operations come from the API's own document, and
//! who must not from the reviewed matrix of roles.
#![cfg(test)]

use std::collections::BTreeMap;
use std::path::Path;

use countersign_tests::support::admin::{Person, bare, url};
use countersign_tests::support::http::Request;
use countersign_tests::support::world::{World, code, refused, text};
use countersign_tests::support::{aws, stack::stack};
use serde_json::json;

/// One operation of the document.
struct Operation {
    name: String,
    method: &'static str,
    path: String,
    action: String,
    level: String,
}

/// All that need a session.
fn operations() -> Vec<Operation> {
    let document =
        Request::new("GET", url("/v1/openapi.json")).with("x-amzn-tls-version", "TLSv1.3").send().json();
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            // What has no security of its own is under the document's: a session.
            if !operation["security"].is_null() {
                continue;
            }
            let text =
                |name: &str| operation[name].as_str().unwrap_or_else(|| panic!("{name}: {path}")).to_owned();
            all.push(Operation {
                name: text("operationId"),
                method: match method.as_str() {
                    "get" => "GET",
                    "post" => "POST",
                    "put" => "PUT",
                    "delete" => "DELETE",
                    other => panic!("{other}"),
                },
                path: path.clone(),
                action: text("x-cs-action"),
                level: text("x-cs-level"),
            });
        }
    }
    assert!(all.len() > 100, "{} operations", all.len());
    all
}

/// Cells of the matrix by action and resource, in the order of its columns.
fn matrix() -> BTreeMap<(String, String), BTreeMap<String, String>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/policy/matrix.txt");
    let text: &'static str = std::fs::read_to_string(file).expect("the matrix").leak();
    let mut lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let head = lines.next().expect("a heading");
    let (resource, cells) = (head.find("resource").expect("resource"), head.find("plat").expect("columns"));
    let parts = |line: &'static str| {
        let (names, cells) = line.split_at(cells);
        let (action, resource) = names.split_at(resource);
        (action.trim(), resource.trim(), cells.split_whitespace())
    };
    let columns: Vec<&str> = parts(head).2.collect();
    let row = |line| {
        let (action, resource, cells) = parts(line);
        let key = (action.to_owned(), resource.to_owned());
        let row = columns.iter().zip(cells);
        (key, row.map(|(column, cell)| ((*column).to_owned(), cell.to_owned())).collect())
    };
    lines.map(row).collect()
}

/// Ids of things that there are, by what paths call them.
struct Things {
    world: World,
    /// Another tenant of the same organization.
    sibling: String,
    ids: BTreeMap<&'static str, String>,
}

impl Things {
    fn of(world: World, dana: &Person, second: &Person) -> Self {
        let beside = json!({"name": "beside", "region": "eu", "budget_tokens": 9});
        let made = world.owner.send("POST", &format!("/v1/orgs/{}/tenants", world.org.id), &beside);
        assert_eq!(made.status, 201, "{made:?}");
        let token = format!("/v1/orgs/{}/connections/{}/scim-tokens", world.org.id, world.org.connection);
        let mut ids = world.filled(dana);
        ids.extend([
            ("token", text(&world.owner.by_two(second, &token, &json!({})), "id")),
            ("change", text(&world.owner.send("POST", &token, &json!({})), "id")),
            ("session", second.session()),
            // Somebody without a role in the tenant: whose role is given or taken is a row of its own.
            ("user", second.user.clone()),
            ("connection", world.org.connection.clone()),
            ("org", world.org.id.clone()),
        ]);
        let sibling = text(&made, "id");
        Self { world, sibling, ids }
    }

    fn filled(&self, pattern: &str, tenant: &str) -> String {
        let part = |part: &str| match part.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some("tenant") => tenant.to_owned(),
            Some(name) => self.ids.get(name).unwrap_or_else(|| panic!("no {name} was made")).clone(),
            None => part.to_owned(),
        };
        pattern.split('/').map(part).collect::<Vec<_>>().join("/")
    }
}

/// What somebody is answered by an operation on the things of a tenant.
fn ask(things: &Things, operation: &Operation, tenant: &str, key: Option<&str>) -> (u16, String) {
    let path = things.filled(&operation.path, tenant);
    let request = bare(operation.method, &path).with("content-type", "application/json").body("{}");
    let request = match key {
        Some(key) => request.with("authorization", format!("Bearer {key}")),
        None => request,
    };
    code(&request.send())
}

/// Runs something for each operation, several at once: most of the time of each is its way.
fn each(operations: &[Operation], run: impl Fn(&Operation) + Sync) {
    std::thread::scope(|scope| {
        for some in operations.chunks(operations.len().div_ceil(4)) {
            scope.spawn(|| some.iter().for_each(&run));
        }
    });
}

/// Ends a session as its row says it, by the clock.
fn expire(session: &Person) {
    let id = session.session();
    let params = json!({
        "TableName": stack().text("/tables/identity"),
        "Key": {"pk": {"S": format!("SES#{id}")}, "sk": {"S": "SESSION"}},
        "UpdateExpression": "SET expires_at = :past", "ConditionExpression": "attribute_exists(pk)",
        "ExpressionAttributeValues": {":past": {"S": "2026-01-01T00:00:00.000Z"}},
    });
    aws::must("root", "dynamodb", "update_item", &params);
}

/// Whoever is refused for what they hold: by the matrix's column of what they hold, on a resource of its rows.
struct Holder<'a> {
    person: &'a Person,
    column: &'a str,
    /// With one factor alone.
    weak: bool,
}

impl Holder<'_> {
    /// Asks for everything that they must not do. How many refusals that were.
    fn is_refused(&self, things: &Things, operations: &[Operation], tenant: &str) -> usize {
        let (matrix, refusals) = (matrix(), std::sync::atomic::AtomicUsize::new(0));
        each(operations, |operation| {
            let own = tenant == things.world.tenant;
            let resource = match (operation.level.as_str(), own) {
                ("tenant", false) => "other tenant",
                ("own", false) => "own, other tenant",
                (level, _) => level,
            };
            // What is of no tenant is asked once; of one's own session nobody is refused.
            if (!own && !operation.path.contains("{tenant}")) || operation.path.starts_with("/v1/session") {
                return;
            }
            // Whoever has a role in a tenant belongs to its organization, and is nothing more there.
            let above = ["org", "platform"].contains(&resource) && self.column != "org+";
            let column = if above { "org" } else { self.column };
            let row = |action: &str, resource: &str| {
                matrix.get(&(action.to_owned(), resource.to_owned())).map(|row| row[column].as_str())
            };
            let cell = row(&operation.action, resource)
                .unwrap_or_else(|| panic!("{} {resource} has no row", operation.action));
            // For whoever may read their own part of the log, another's question is none.
            let part = if own { "own" } else { "own, other tenant" };
            let reads_own = operation.name == "audit.answer" && row("audit.read_own", part) == Some("yes");
            let expected = match cell {
                "-" if reads_own => (404, "not_found"),
                "-" => (403, "forbidden"),
                "404" => (404, "not_found"),
                "mfa" if self.weak => (403, "mfa_required"),
                // Allowed: other tests do it.
                _ => return,
            };
            let answer = ask(things, operation, tenant, Some(&self.person.key));
            let who = format!("{} as {} on {resource}", operation.name, self.column);
            assert_eq!((answer.0, answer.1.as_str()), expected, "{who}");
            refusals.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        });
        refusals.into_inner()
    }
}

#[test]
fn every_operation_is_refused_to_whom_it_is_not_for() {
    let Some(world) = World::new() else { return };
    let (dana, second) = (world.with_role("dana", "owner"), world.second());
    let weak = world.with_role("weak", "admin");
    let Some(elsewhere) = World::new() else { return };
    let elsewhere = elsewhere.with_role("noa", "owner");
    let (ended, expired) = (world.org.sign_in("dana").expect("in"), world.org.sign_in("dana").expect("in"));
    assert_eq!(ended.send("DELETE", "/v1/session", &json!({})).status, 204);
    expire(&expired);
    let (things, operations) = (Things::of(world, &dana, &second), operations());
    let tenant = things.world.tenant.clone();

    // Nobody, forged, ended, over; and whoever leads another organization's tenant knows nothing of this one.
    let flipped = format!("{}x", ended.key.split_at(ended.key.len() - 1).0);
    each(&operations, |operation| {
        let ask = |key| ask(&things, operation, &tenant, key);
        let name = &operation.name;
        assert_eq!(ask(None), refused(401, "sign_in_needed"), "{name}");
        assert_eq!(ask(Some(&flipped)), refused(401, "sign_in_needed"), "{name}");
        assert_eq!(ask(Some(&ended.key)), refused(401, "session_revoked"), "{name}");
        assert_eq!(ask(Some(&expired.key)), refused(401, "session_expired"), "{name}");
        let foreign = match operation.level.as_str() {
            "platform" => refused(403, "forbidden"),
            _ if operation.path.starts_with("/v1/session") => return,
            _ => refused(404, "not_found"),
        };
        assert_eq!(ask(Some(&elsewhere.key)), foreign, "{name}");
    });

    // By the matrix: whoever holds less, here and in the tenant beside.
    let mut told = Vec::new();
    let mut refusals = |person: &Person, column: &'static str, weak: bool| {
        let holder = Holder { person, column, weak };
        let count = [&tenant, &things.sibling].map(|at| holder.is_refused(&things, &operations, at));
        told.push((column, count));
    };
    let place = things.world.path(&format!("/roles/{}", dana.user));
    // A tenant has an owner besides dana, so that dana may become anything.
    let lead = things.world.path(&format!("/roles/{}", weak.user));
    refusals(&weak, "admin", true);
    assert_eq!(things.world.owner.send("PUT", &lead, &json!({"role": "owner"})).status, 200);
    refusals(&weak, "owner", true);
    refusals(&dana, "owner", false);
    for (column, role) in [
        ("admin", "admin"),
        ("devel", "developer"),
        ("oper", "operator"),
        ("member", "member"),
        ("viewer", "viewer"),
    ] {
        assert_eq!(things.world.owner.send("PUT", &place, &json!({ "role": role })).status, 200);
        refusals(&dana, column, false);
    }
    assert_eq!(things.world.owner.send("DELETE", &place, &json!({})).status, 204);
    refusals(&dana, "org", false);
    refusals(&second, "org+", false);
    // With one factor as an owner of the organization alone: dana leads the tenant again.
    assert_eq!(things.world.owner.send("PUT", &place, &json!({"role": "owner"})).status, 200);
    assert_eq!(things.world.owner.send("DELETE", &lead, &json!({})).status, 204);
    let office = format!("/v1/orgs/{}/owners/{}", things.world.org.id, weak.user);
    assert_eq!(second.send("PUT", &office, &json!({})).status, 200);
    refusals(&weak, "org+", true);
    println!("refusals by column, here and in the tenant beside: {told:?}");
    let all: usize = told.iter().map(|(_, [here, beside])| here + beside).sum();
    assert!(all > 900, "{all} refusals: {told:?}");
}
