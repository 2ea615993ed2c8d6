//! The floor under a call's CPU: a function that makes the AWS calls which the gateway made for one call, and nothing
//! else. `make bench` sets the gateway beside it.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use base64::Engine as _;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Map, Value};

/// `FLOOR_CALLS`: file of `[{"target": "DynamoDB_20120810.BatchGetItem", "body": {..}}]`, in their order.
fn calls() -> Result<Vec<(String, Value)>, Error> {
    #[expect(clippy::disallowed_methods, reason = "the composition root is where variables enter")]
    let path = std::env::var("FLOOR_CALLS")?;
    let calls: Vec<Value> = serde_json::from_slice(&std::fs::read(path)?)?;
    let named = |mut call: Value| {
        let target = call.get("target").and_then(Value::as_str).map(str::to_owned);
        let body = call.get_mut("body").map(Value::take);
        target.zip(body).ok_or_else(|| Error::from("a call has a target and a body"))
    };
    calls.into_iter().map(named).collect()
}

fn text(body: &Value, name: &str) -> String {
    body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn map<T>(value: Option<&Value>, read: impl Fn(&Value) -> T) -> HashMap<String, T> {
    let fields = value.and_then(Value::as_object).into_iter().flat_map(Map::iter);
    fields.map(|(name, value)| (name.clone(), read(value))).collect()
}

fn attribute(value: &Value) -> AttributeValue {
    let Some((kind, inner)) = value.as_object().and_then(|fields| fields.iter().next()) else {
        return AttributeValue::Null(true);
    };
    let inner_text = || inner.as_str().unwrap_or_default().to_owned();
    match kind.as_str() {
        "S" => AttributeValue::S(inner_text()),
        "N" => AttributeValue::N(inner_text()),
        "M" => AttributeValue::M(map(Some(inner), attribute)),
        "L" => AttributeValue::L(inner.as_array().into_iter().flatten().map(attribute).collect()),
        "BOOL" => AttributeValue::Bool(inner.as_bool().unwrap_or_default()),
        "B" => {
            let bytes = base64::engine::general_purpose::STANDARD.decode(inner_text());
            AttributeValue::B(aws_sdk_dynamodb::primitives::Blob::new(bytes.unwrap_or_default()))
        }
        _ => AttributeValue::Null(true),
    }
}

fn keys(table: &Value) -> KeysAndAttributes {
    let keys = table.get("Keys").and_then(Value::as_array).into_iter().flatten();
    let keys = keys.map(|key| map(Some(key), attribute)).collect();
    let consistent = table.get("ConsistentRead").and_then(Value::as_bool);
    let mut built = KeysAndAttributes::builder().set_keys(Some(keys));
    built = built.set_consistent_read(consistent);
    built.build().unwrap_or_else(|_| unreachable_keys())
}

/// The builder fails only without keys, and they were set.
fn unreachable_keys() -> KeysAndAttributes {
    std::process::abort()
}

struct Clients {
    dynamo: aws_sdk_dynamodb::Client,
    sqs: aws_sdk_sqs::Client,
}

impl Clients {
    async fn make(&self, target: &str, body: &Value) -> Result<(), Error> {
        match target.rsplit_once('.').map_or(target, |(_, name)| name) {
            "BatchGetItem" => {
                let items = map(body.get("RequestItems"), keys);
                self.dynamo.batch_get_item().set_request_items(Some(items)).send().await?;
            }
            "UpdateItem" => {
                // Without its condition: the same hold a second time would be refused, and costs as much.
                let call = self.dynamo.update_item().table_name(text(body, "TableName"));
                let call = call.set_key(Some(map(body.get("Key"), attribute)));
                let expression = text(body, "UpdateExpression");
                let words: BTreeSet<_> = expression.split([' ', ',', '(', ')', '.', '=']).collect();
                // What the condition alone uses would be too many.
                let mut names = map(body.get("ExpressionAttributeNames"), |name| {
                    name.as_str().unwrap_or_default().to_owned()
                });
                names.retain(|name, _| words.contains(name.as_str()));
                let mut values = map(body.get("ExpressionAttributeValues"), attribute);
                values.retain(|name, _| words.contains(name.as_str()));
                let told = body.get("ReturnValues").and_then(Value::as_str);
                let call = call.set_return_values(told.map(Into::into)).update_expression(&expression);
                let call = call.set_expression_attribute_names(Some(names).filter(|names| !names.is_empty()));
                call.set_expression_attribute_values(Some(values).filter(|values| !values.is_empty()))
                    .send()
                    .await?;
            }
            "SendMessage" => {
                let call = self.sqs.send_message().queue_url(text(body, "QueueUrl"));
                let call = call.message_body(text(body, "MessageBody"));
                call.message_group_id(text(body, "MessageGroupId")).send().await?;
            }
            other => return Err(format!("the floor knows no call {other}").into()),
        }
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    aws::init_tracing()?;
    let calls = &calls()?;
    let sdk = aws::sdk_config(aws::Credentials::Function).await;
    let clients =
        &Clients { dynamo: aws_sdk_dynamodb::Client::new(&sdk), sqs: aws_sdk_sqs::Client::new(&sdk) };
    lambda_runtime::run(service_fn(|_event: LambdaEvent<Value>| async move {
        for (target, body) in calls {
            clients.make(target, body).await?;
        }
        Ok::<_, Error>(serde_json::json!({"statusCode": 200, "body": "{}"}))
    }))
    .await
}
