//! A tenant of a test's own, made the way an operator makes one. Tests share a stack and nothing else.

use std::process::Command;

use serde_json::{Value, json};

use super::http::{Answer, Request};
use super::records::{self, Record};
use super::stack::{stack, unique};
use super::standin::Channel;
use super::{aws, planted};

pub const MODEL: &str = "gpt-4o-mini";

#[derive(Debug, Clone)]
pub struct Tenant {
    seeded: Value,
    /// What the provider is shown as credential.
    pub provider_key: String,
    pub channel: Channel,
}

/// A tenant's budget, as its row says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    pub limit: u64,
    pub avail: u64,
    pub spent: u64,
    pub open_holds: usize,
    /// Calls that reached a provider.
    pub admitted: u64,
}

impl Tenant {
    pub fn new() -> Self {
        Self::with(&[])
    }

    /// With more arguments for `countersign ops seed`. The tenant is in Israel: its ID numbers need no word beside them.
    pub fn with(arguments: &[&str]) -> Self {
        Self::seeded(&[arguments, &["--country", "IL"]].concat())
    }

    /// A tenant that nobody wrote a DLP policy for.
    pub fn without_policy() -> Self {
        Self::seeded(&[])
    }

    fn seeded(arguments: &[&str]) -> Self {
        let channel = Channel::new(format!("c-{}", unique::<8>()));
        let provider_key = format!("upstream-{}", unique::<16>());
        let mut command = operator_command();
        command.args(["ops", "seed", "--provider-region", "eu"]);
        if !arguments.contains(&"--models") {
            command.args(["--models", "gpt-4o-mini,gpt-4o"]);
        }
        if !arguments.contains(&"--provider-url") {
            let azure = arguments.contains(&"azure");
            command.args(["--provider-url", &if azure { channel.azure_url() } else { channel.url() }]);
        }
        let done = command.args(arguments).env("CS_PROVIDER_KEY", &provider_key).output().expect("it runs");
        assert!(done.status.success(), "seed: {}", String::from_utf8_lossy(&done.stderr));
        let seeded: Value = serde_json::from_slice(&done.stdout).expect("seed prints JSON");
        let tenant = Self { seeded, provider_key, channel };
        planted::note(&tenant.provider_key);
        planted::note(tenant.secret());
        tenant
    }

    fn id(&self, name: &str) -> &str {
        self.seeded[name].as_str().expect("seed names every id")
    }

    pub fn tenant_id(&self) -> &str {
        self.id("tenant_id")
    }

    pub fn org_id(&self) -> &str {
        self.id("org_id")
    }

    pub fn user_id(&self) -> &str {
        self.id("user_id")
    }

    pub fn agent_id(&self) -> &str {
        self.id("agent_id")
    }

    pub fn key_id(&self) -> &str {
        self.id("key_id")
    }

    pub fn key(&self) -> &str {
        self.id("gateway_key")
    }

    /// The secret part of the gateway key, with its checksum.
    pub fn secret(&self) -> &str {
        self.key().rsplit('_').next().expect("a key has parts")
    }

    /// Runs `countersign ops` for this tenant: whether it succeeded, and all that it said.
    pub fn ops(&self, arguments: &[&str], environment: &[(&str, &str)]) -> (bool, String) {
        let [command, rest @ ..] = arguments else { panic!("no command") };
        let mut program = operator_command();
        program.args(["ops", command, "--tenant", self.tenant_id()]).args(rest);
        let done = program.envs(environment.iter().copied()).output().expect("it runs");
        let said = [done.stdout, done.stderr].concat();
        (done.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    pub fn provider_id(&self) -> &str {
        self.id("provider_id")
    }

    /// A tenant whose provider speaks another vendor's dialect, or lives at another address.
    pub fn of_kind(kind: &str, arguments: &[&str]) -> Self {
        let all = ["--provider-kind", kind, "--models", "gpt-4o-mini,text-embedding-3-small"];
        Self::with(&[&all, arguments].concat())
    }

    /// A call in any dialect to a gateway at `url`.
    pub fn ask(&self, url: String, body: &Value) -> Request {
        Request::new("POST", url)
            .with("content-type", "application/json")
            .with("authorization", format!("Bearer {}", self.key()))
            .body(body.to_string())
    }

    /// A call of DLP over HTTP, such as of `/v1/redact`.
    pub fn dlp(&self, path: &str, body: &Value) -> Request {
        self.ask(stack().dlp(path), body)
    }

    /// Writes the tenant's DLP policy, as an operator would.
    pub fn policy(&self, document: &Value) {
        let path = stack().home().join(format!("dlp-{}.json", unique::<8>()));
        std::fs::write(&path, document.to_string()).expect("the stack's directory can be written");
        let (done, said) = self.ops(&["policy", "--file", path.to_str().expect("a path")], &[]);
        assert!(done, "{said}");
    }

    /// A chat call that is right in every way.
    pub fn chat(&self, content: &str) -> Request {
        self.post(&chat_body(content).to_string())
    }

    pub fn post(&self, body: &str) -> Request {
        Request::new("POST", stack().gateway("/v1/chat/completions"))
            .with("content-type", "application/json")
            .with("authorization", format!("Bearer {}", self.key()))
            .body(body.to_owned())
    }

    pub fn say(&self, content: &str) -> Answer {
        self.chat(content).send()
    }

    /// Waits for exactly `count` records of calls.
    pub fn records(&self, count: usize) -> Vec<Record> {
        records::of_calls(self.tenant_id(), count)
    }

    /// What the tenant's limit on tokens in all, as a seed writes it, has come to.
    pub fn budget(&self) -> Budget {
        let number = |value: &Value| -> u64 {
            value["N"]
                .as_str()
                .and_then(|text| text.parse().ok())
                .unwrap_or_else(|| panic!("no number: {value}"))
        };
        let limits = self.row("control", "LIMITS")["limits"]["L"].as_array().expect("limits").clone();
        let total = |limit: &&Value| limit["M"]["place"]["S"] == "tenant:tokens:total";
        let limit = number(&limits.iter().find(total).expect("a limit in all")["M"]["limit"]);
        let shard = self.row("gates", "BUDGET");
        let map = |name: &str| shard[name]["M"].as_object().expect("a map").clone();
        let holds: Vec<Value> = map("holds")
            .values()
            .flat_map(|payer| payer["M"].as_object().expect("a map").values().cloned())
            .collect();
        let held: u64 = holds.iter().map(held_tokens).sum();
        let used = map("used").get("t:tok:all").map(number).unwrap_or_default();
        Budget {
            limit,
            avail: limit.saturating_sub(used),
            spent: used - held,
            open_holds: holds.len(),
            admitted: map("admitted").values().map(number).sum(),
        }
    }

    /// One of the tenant's rows, as DynamoDB has it.
    pub fn row(&self, table: &str, row: &str) -> Value {
        let params = json!({
            "TableName": stack().at(&format!("/tables/{table}")),
            "Key": self.row_key(table, row),
            "ConsistentRead": true,
        });
        aws::must("operator", "dynamodb", "get_item", &params)["Item"].clone()
    }

    /// Where one of the tenant's rows lies: `row` is its sort key, ids left out.
    fn row_key(&self, table: &str, row: &str) -> Value {
        let (tenant, org) = (format!("T#{}", self.tenant_id()), format!("ORG#{}", self.org_id()));
        let (pk, sk) = match (table, row) {
            ("gates", _) => (format!("{tenant}#B0"), row.to_owned()),
            (_, "KEY") => (format!("KEY#{}", self.key_id()), row.to_owned()),
            (_, "ORG") => (org, row.to_owned()),
            (_, "USER") => (org, format!("USER#{}", self.user_id())),
            (_, "BIND") => (tenant, format!("BIND#{}", self.user_id())),
            (_, "AGENT") => (tenant, format!("AGENT#{}", self.agent_id())),
            _ => (tenant, row.to_owned()),
        };
        json!({"pk": {"S": pk}, "sk": {"S": sk}})
    }

    /// Sets a field of one of the tenant's rows, as the operator would.
    pub fn set(&self, table: &str, row: &str, field: &str, value: &Value) {
        let params = json!({
            "TableName": stack().at(&format!("/tables/{table}")),
            "Key": self.row_key(table, row),
            "UpdateExpression": "SET #field = :value",
            "ConditionExpression": "attribute_exists(pk)",
            "ExpressionAttributeNames": {"#field": field},
            "ExpressionAttributeValues": {":value": value},
        });
        aws::must("operator", "dynamodb", "update_item", &params);
    }

    /// A field of one of the tenant's rows, as DynamoDB writes it.
    pub fn field(&self, table: &str, row: &str, field: &str) -> Value {
        let params = json!({
            "TableName": stack().at(&format!("/tables/{table}")),
            "Key": self.row_key(table, row),
            "ConsistentRead": true,
        });
        aws::must("operator", "dynamodb", "get_item", &params)["Item"][field].clone()
    }

    /// Deletes one of the tenant's rows: no role may, so the account's root does.
    pub fn delete(&self, table: &str, row: &str) {
        let table_name = stack().at(&format!("/tables/{table}"));
        let params =
            json!({"TableName": table_name, "Key": self.row_key(table, row), "ReturnValues": "ALL_OLD"});
        let old = aws::must("root", "dynamodb", "delete_item", &params);
        assert!(old["Attributes"].is_object(), "there was no such row");
    }
}

impl Default for Tenant {
    fn default() -> Self {
        Self::new()
    }
}

/// The first number of a hold: its tokens, seven bits a byte.
fn held_tokens(hold: &Value) -> u64 {
    let bytes = aws::bytes(&hold["B"]);
    let last = bytes.iter().position(|byte| byte & 0x80 == 0).expect("an end");
    bytes[..=last].iter().rev().fold(0, |sum, byte| sum << 7 | u64::from(byte & 0x7f))
}

pub fn chat_body(content: &str) -> Value {
    json!({"model": MODEL, "messages": [{"role": "user", "content": content}]})
}

/// The command with the operator's variables and credentials, and nothing else of this process's environment.
pub fn operator_command() -> Command {
    let stack = stack();
    let mut command = Command::new(stack.built("debug/countersign"));
    command.env_clear();
    for (name, value) in stack.at("/ops_environment").as_object().expect("variables") {
        command.env(name, value.as_str().unwrap_or_default());
    }
    command.env("AWS_ENDPOINT_URL", stack.text("/endpoint")).env("AWS_REGION", stack.text("/region"));
    for (name, field) in [
        ("AWS_ACCESS_KEY_ID", "access_key_id"),
        ("AWS_SECRET_ACCESS_KEY", "secret_access_key"),
        ("AWS_SESSION_TOKEN", "session_token"),
    ] {
        command.env(name, stack.text(&format!("/credentials/operator/{field}")));
    }
    command
}
