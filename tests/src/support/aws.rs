//! AWS as one of the stack's roles, through a few helper processes per test binary.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Condvar, Mutex, PoisonError};

use serde_json::{Value, json};

use super::stack::{script, stack};

/// A refusal or fault, as AWS names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsError {
    pub code: String,
    pub message: String,
}

/// At once; more would wait for the same emulator.
const HELPERS: usize = 3;

/// Helpers that nobody has, and how many there are.
struct Pool {
    idle: Vec<Helper>,
    started: usize,
}

static POOL: Mutex<Pool> = Mutex::new(Pool { idle: Vec::new(), started: 0 });
static FREED: Condvar = Condvar::new();

/// A helper for one call; it goes back whatever becomes of the test.
struct Lent(Option<Helper>);

impl Lent {
    fn take() -> Self {
        let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(helper) = pool.idle.pop() {
                return Self(Some(helper));
            }
            if pool.started < HELPERS {
                pool.started += 1;
                drop(pool);
                return Self(Some(Helper::start()));
            }
            pool = FREED.wait(pool).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        pool.idle.extend(self.0.take());
        FREED.notify_one();
    }
}

struct Helper {
    _child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Helper {
    fn start() -> Self {
        let mut command = Command::new(stack().built("venv/bin/python"));
        // Nothing of the caller's environment: a profile of a real account must not slip in.
        command.arg(script("aws_calls.py")).env_clear().stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the helper for AWS starts");
        let to = child.stdin.take().expect("stdin is piped");
        let from = BufReader::new(child.stdout.take().expect("stdout is piped"));
        Self { _child: child, to, from }
    }

    fn call(&mut self, asked: &Value) -> Value {
        let mut line = String::new();
        writeln!(self.to, "{asked}").and_then(|()| self.to.flush()).expect("the helper for AWS listens");
        self.from.read_line(&mut line).expect("the helper for AWS answers");
        serde_json::from_str(&line).expect("the helper for AWS answers JSON")
    }
}

/// Calls `operation` (boto3's name of it) of `service` with the credentials of `role`.
///
/// # Errors
/// What AWS refused or failed at.
pub fn call(role: &str, service: &str, operation: &str, params: &Value) -> Result<Value, AwsError> {
    let asked = json!({
        "service": service,
        "operation": operation,
        "params": params,
        "endpoint": stack().at("/endpoint"),
        "region": stack().at("/region"),
        "credentials": stack().at(&format!("/credentials/{role}")),
    });
    let mut lent = Lent::take();
    let mut answer = lent.0.as_mut().expect("it is ours until its end").call(&asked);
    drop(lent);
    match answer.get_mut("ok") {
        Some(ok) => Ok(ok.take()),
        None => Err(AwsError {
            code: answer["error"]["code"].as_str().unwrap_or_default().to_owned(),
            message: answer["error"]["message"].as_str().unwrap_or_default().to_owned(),
        }),
    }
}

/// Like [`call`], for what must work.
pub fn must(role: &str, service: &str, operation: &str, params: &Value) -> Value {
    call(role, service, operation, params)
        .unwrap_or_else(|error| panic!("{service} {operation} as {role}: {error:?}"))
}

/// All pages of a list: `items` names the list, `next` the answer's token and `again` the parameter that takes it.
pub fn pages(
    role: &str,
    service: &str,
    operation: &str,
    mut params: Value,
    (items, next, again): (&str, &str, &str),
) -> Vec<Value> {
    let mut all = Vec::new();
    loop {
        let page = must(role, service, operation, &params);
        all.extend(page[items].as_array().into_iter().flatten().cloned());
        match page.get(next).filter(|token| !token.is_null()) {
            Some(token) => params[again] = token.clone(),
            None => return all,
        }
    }
}

/// Names of all objects of a bucket below a prefix.
pub fn object_names(role: &str, bucket: &str, prefix: &str) -> Vec<String> {
    let params = json!({"Bucket": bucket, "Prefix": prefix});
    let tokens = ("Contents", "NextContinuationToken", "ContinuationToken");
    let listed = pages(role, "s3", "list_objects_v2", params, tokens);
    listed.iter().filter_map(|object| object["Key"].as_str().map(str::to_owned)).collect()
}

/// An object's bytes.
pub fn object_bytes(role: &str, bucket: &str, name: &str) -> Vec<u8> {
    bytes(&must(role, "s3", "get_object", &json!({"Bucket": bucket, "Key": name}))["Body"])
}

/// An object's text.
pub fn object(role: &str, bucket: &str, name: &str) -> String {
    let got = must(role, "s3", "get_object", &json!({"Bucket": bucket, "Key": name}));
    got["Body"].as_str().unwrap_or_default().to_owned()
}

/// Sends to the audit queue.
pub fn send(role: &str, text: &str) {
    let params = json!({"QueueUrl": stack().at("/queues/audit/url"), "MessageBody": text});
    must(role, "sqs", "send_message", &params);
}

/// Invokes a function directly: what came back, as JSON.
///
/// # Errors
/// The role may not.
pub fn invoke(role: &str, function: &str, event: &Value) -> Result<Value, AwsError> {
    let name = stack().at(&format!("/functions/{function}"));
    let params = json!({"FunctionName": name, "Payload": event.to_string()});
    let answer = call(role, "lambda", "invoke", &params)?;
    Ok(whole(answer["Payload"].as_str().unwrap_or_default()))
}

/// A function that streams answers with the status and the headers, eight zero bytes, and the body ("HTTP integration
/// response streaming", Lambda developer guide): the same object as of one that does not.
fn whole(payload: &str) -> Value {
    let parsed: Value = serde_json::from_str(payload).unwrap_or_default();
    // The emulator hands a stream over as one JSON string.
    let Some((prelude, body)) = parsed.as_str().unwrap_or(payload).split_once("\0\0\0\0\0\0\0\0") else {
        return parsed;
    };
    let mut answer: Value = serde_json::from_str(prelude).unwrap_or_default();
    answer["body"] = body.into();
    answer
}

/// Runs SQL in Athena as the auditor: each row as its texts, without the header.
pub fn sql(query: &str) -> Vec<Vec<String>> {
    let params = json!({"QueryString": query, "WorkGroup": stack().at("/athena_workgroup")});
    let started = must("auditor", "athena", "start_query_execution", &params);
    let id = json!({"QueryExecutionId": started["QueryExecutionId"]});
    super::wait::until("Athena", || {
        let status = must("auditor", "athena", "get_query_execution", &id)["QueryExecution"]["Status"].take();
        match status["State"].as_str() {
            Some("SUCCEEDED") => Some(()),
            Some("FAILED" | "CANCELLED") => panic!("Athena: {status}"),
            _ => None,
        }
    });
    let result = must("auditor", "athena", "get_query_results", &id);
    let rows = result["ResultSet"]["Rows"].as_array().cloned().unwrap_or_default();
    let cell = |cell: &Value| cell["VarCharValue"].as_str().unwrap_or_default().to_owned();
    let cells = |row: &Value| row["Data"].as_array().into_iter().flatten().map(cell).collect();
    rows.iter().skip(1).map(cells).collect()
}

/// Bytes as the helper writes them.
pub fn bytes(value: &Value) -> Vec<u8> {
    match value.as_str() {
        Some(text) => text.as_bytes().to_vec(),
        None => decoded(value["$base64"].as_str().unwrap_or_else(|| panic!("no bytes: {value}"))),
    }
}

/// Base64 as JSON carries bytes.
pub fn decoded(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).expect("base64")
}

pub fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
