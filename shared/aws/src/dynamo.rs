//! DynamoDB: consistent reads in one trip, and conditional writes.

mod gates;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use crate::Vars;
use crate::start::unwatched;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, KeysAndAttributes, Put, PutRequest, ReturnValue, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem, WriteRequest,
};
use aws_sdk_dynamodb::{Client, config};
use tables::gates::breaker::{BreakerOp, BreakerStore};
use tables::gates::{Update, Write};
use tables::{
    Attr, GateFault, Item, Key, KeyOp, KeyStore, Listed, PolicyStore, ReadFault, Table, WritePolicy,
};

/// The physical names of the tables that a function uses.
#[derive(Debug, Clone)]
pub struct TableNames(BTreeMap<Table, String>);

impl TableNames {
    /// Reads the names of `tables` from their variables, such as `CS_TABLE_CONTROL`.
    pub fn from_vars(vars: &mut Vars<'_>, tables: &[Table]) -> Option<Self> {
        let name = |table: &Table| {
            let variable = format!("CS_TABLE_{}", table.as_str().to_uppercase());
            vars.require::<String>(&variable, "a table's name").map(|name| (*table, name))
        };
        // Every missing one is reported, not the first alone.
        let names: Vec<_> = tables.iter().map(name).collect();
        names.into_iter().collect::<Option<_>>().map(Self)
    }

    /// The name of a table that the function was not given is empty: DynamoDB refuses it, and so fails what asks for it.
    fn of(&self, table: Table) -> &str {
        self.0.get(&table).map_or("", String::as_str)
    }

    fn named(&self, name: &str) -> Option<Table> {
        self.0.iter().find(|(_, found)| *found == name).map(|(table, _)| *table)
    }
}

/// The facts could not be read whole. Whoever needs them refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the tables did not answer in full")]
pub struct ReadError;

/// A write that is not confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    #[error("the write was refused whole: a row of that key exists, or another write was at it")]
    Exists,
    #[error("the tables did not confirm the write, which may have happened")]
    NotConfirmed,
}

/// Items by key.
pub type Rows = HashMap<Key, Item>;

/// The tables of one region.
#[derive(Debug, Clone)]
pub struct Dynamo {
    client: Client,
    names: TableNames,
}

/// The most keys of one `BatchGetItem`.
const BATCH_READ_MAX: usize = 100;
/// The most rows of one `BatchWriteItem`.
const BATCH_WRITE_MAX: usize = 25;
/// Rows that a throttled table sends back are written again for longer than keys are read again: a batch waits for them.
const WRITE_TRIES: u32 = 7;
/// How often unprocessed keys are asked for again before the read counts as failed.
const BATCH_TRIES: u32 = 3;

impl Dynamo {
    pub fn new(config: &aws_config::SdkConfig, names: TableNames) -> Self {
        let config = config::Builder::from(config).stalled_stream_protection(unwatched());
        Self { client: Client::from_conf(config.build()), names }
    }

    /// One item, read consistently.
    ///
    /// # Errors
    /// No answer, or an item of an unknown attribute type.
    pub async fn get(&self, key: &Key) -> Result<Option<Item>, ReadError> {
        let call = self.client.get_item().table_name(self.names.of(key.table)).set_key(Some(primary(key)));
        let answer = call.consistent_read(true).send().await.map_err(|error| failed("GetItem", &error))?;
        answer.item.map(|item| from_sdk(item).ok_or(ReadError)).transpose()
    }

    /// Any number of items, read consistently, up to 100 to a call. A batch is no snapshot: each item is consistent by itself.
    ///
    /// # Errors
    /// No answer, or keys that stayed unprocessed: half the facts are no facts.
    pub async fn batch_get(&self, keys: &[Key]) -> Result<Rows, ReadError> {
        let mut rows = Rows::new();
        for some in batches(keys) {
            self.get_some(&some, &mut rows).await?;
        }
        Ok(rows)
    }

    async fn get_some(&self, keys: &[&Key], rows: &mut Rows) -> Result<(), ReadError> {
        let mut wanted = self.requests(keys)?;
        for attempt in 0..BATCH_TRIES {
            let call = self.client.batch_get_item().set_request_items(Some(wanted));
            // Boxed, here and below: calls of the SDK are large, and every future around them moves with them.
            let answer = Box::pin(call.send()).await.map_err(|error| failed("BatchGetItem", &error))?;
            self.collect(answer.responses.unwrap_or_default(), rows)?;
            wanted = answer.unprocessed_keys.unwrap_or_default();
            if wanted.is_empty() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20 << attempt)).await;
        }
        tracing::error!(operation = "BatchGetItem", code = "unprocessed_keys", "dynamodb.failed");
        Err(ReadError)
    }

    fn requests(&self, keys: &[&Key]) -> Result<HashMap<String, KeysAndAttributes>, ReadError> {
        let mut tables: BTreeMap<Table, Vec<_>> = BTreeMap::new();
        for key in keys {
            tables.entry(key.table).or_default().push(primary(key));
        }
        let request = |(table, keys): (Table, Vec<_>)| {
            let wanted = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
            wanted.map(|wanted| (self.names.of(table).to_owned(), wanted)).map_err(|_| ReadError)
        };
        tables.into_iter().map(request).collect()
    }

    fn collect(
        &self,
        answer: HashMap<String, Vec<HashMap<String, AttributeValue>>>,
        rows: &mut Rows,
    ) -> Result<(), ReadError> {
        for (name, items) in answer {
            let table = self.names.named(&name).ok_or(ReadError)?;
            for item in items {
                let item = from_sdk(item).ok_or(ReadError)?;
                rows.insert(key_of(table, &item).ok_or(ReadError)?, item);
            }
        }
        Ok(())
    }

    /// Writes rows over whatever is there, 25 to a call. Not atomic: after an error any of them may be written.
    ///
    /// # Errors
    /// Not every row is confirmed.
    pub async fn put_all(&self, rows: Vec<(Key, Item)>) -> Result<(), WriteError> {
        for some in rows.chunks(BATCH_WRITE_MAX) {
            self.put_some(some).await?;
        }
        Ok(())
    }

    async fn put_some(&self, rows: &[(Key, Item)]) -> Result<(), WriteError> {
        let mut wanted: HashMap<String, Vec<WriteRequest>> = HashMap::new();
        for (key, item) in rows {
            let mut all = to_sdk(item.clone());
            all.extend(primary(key));
            let put = PutRequest::builder().set_item(Some(all)).build();
            let put = put.map_err(|_| WriteError::NotConfirmed)?;
            let request = WriteRequest::builder().put_request(put).build();
            wanted.entry(self.names.of(key.table).to_owned()).or_default().push(request);
        }
        for attempt in 0..WRITE_TRIES {
            let call = self.client.batch_write_item().set_request_items(Some(wanted));
            let answer = call.send().await.map_err(|error| {
                let _ = failed("BatchWriteItem", &error);
                WriteError::NotConfirmed
            })?;
            wanted = answer.unprocessed_items.unwrap_or_default();
            if wanted.is_empty() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20 << attempt)).await;
        }
        tracing::error!(operation = "BatchWriteItem", code = "unprocessed_items", "dynamodb.failed");
        Err(WriteError::NotConfirmed)
    }

    /// Creates all rows or none, in one transaction.
    ///
    /// # Errors
    /// A row exists already, or the write was not confirmed.
    pub async fn create_all(&self, rows: Vec<(Key, Item)>) -> Result<(), WriteError> {
        let put = |(key, item): (Key, Item)| {
            let mut all = to_sdk(item);
            all.extend(primary(&key));
            let put = Put::builder().table_name(self.names.of(key.table)).set_item(Some(all));
            let put = put.condition_expression("attribute_not_exists(pk)").build();
            put.map(|put| TransactWriteItem::builder().put(put).build()).map_err(|_| WriteError::NotConfirmed)
        };
        let items = rows.into_iter().map(put).collect::<Result<Vec<_>, _>>()?;
        let written = self.client.transact_write_items().set_transact_items(Some(items)).send().await;
        written.map(|_| ()).map_err(|error| {
            let _ = failed("TransactWriteItems", &error);
            let exists = error.code() == Some("TransactionCanceledException");
            if exists { WriteError::Exists } else { WriteError::NotConfirmed }
        })
    }
}

/// Keys by call: DynamoDB takes no empty batch, and in one batch no key twice.
/// See <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html>.
fn batches(keys: &[Key]) -> Vec<Vec<&Key>> {
    let keys: Vec<&Key> = keys.iter().collect::<BTreeSet<_>>().into_iter().collect();
    keys.chunks(BATCH_READ_MAX).map(<[&Key]>::to_vec).collect()
}

/// Logs the service's error code and nothing else of it.
fn failed<E: ProvideErrorMetadata>(operation: &'static str, error: &SdkError<E>) -> ReadError {
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    tracing::error!(operation, code = code.unwrap_or("no_answer"), "dynamodb.failed");
    ReadError
}

impl BreakerStore for Dynamo {
    async fn write(&self, op: &BreakerOp) -> Result<(), GateFault> {
        self.update(op.to_update()).await
    }
}

impl KeyStore for Dynamo {
    async fn read(&self, key: &Key) -> Result<Option<Item>, ReadFault> {
        self.get(key).await.map_err(|_| ReadFault)
    }

    async fn list(&self, table: Table, pk: &str, after: Option<&Key>) -> Result<Listed, ReadFault> {
        let call = self.client.query().table_name(self.names.of(table)).consistent_read(true);
        let call = call.key_condition_expression("pk = :pk");
        let call = call.expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()));
        let call = call.set_exclusive_start_key(after.map(primary));
        let answer = call.send().await.map_err(|error| {
            let _ = failed("Query", &error);
            ReadFault
        })?;
        let row = |item: HashMap<String, AttributeValue>| {
            let item = from_sdk(item)?;
            let Some(Attr::S(sk)) = item.get("sk") else { return None };
            Some((Key { table, pk: pk.to_owned(), sk: sk.clone() }, item))
        };
        let more = answer.last_evaluated_key.is_some();
        let items = answer.items.unwrap_or_default().into_iter();
        let rows = items.map(row).collect::<Option<_>>().ok_or(ReadFault)?;
        Ok(Listed { rows, more })
    }

    async fn write(&self, op: &KeyOp) -> Result<(), GateFault> {
        self.update(op.to_update()).await
    }
}

impl PolicyStore for Dynamo {
    async fn read_policy(&self, key: &Key) -> Result<Option<Item>, ReadFault> {
        self.get(key).await.map_err(|_| ReadFault)
    }

    async fn write_policy(&self, write: &WritePolicy) -> Result<(), GateFault> {
        self.update(write.to_update()).await
    }
}

impl Dynamo {
    /// One conditional update.
    ///
    /// # Errors
    /// A condition that did not hold gives the item as it was; see [`GateFault`] for the rest.
    pub async fn update(&self, update: Update) -> Result<(), GateFault> {
        self.write(update.into(), None).await.map(|_| ())
    }

    /// The same, and the item as it is afterwards, if that is asked for.
    ///
    /// # Errors
    /// As [`Dynamo::update`].
    pub(crate) async fn write(&self, write: Write, wanted: Option<ReturnValue>) -> Result<Item, GateFault> {
        let (names, values) = placeholders(write.names, write.values);
        let call = self.client.update_item().table_name(self.names.of(write.key.table));
        let call = call.set_key(Some(primary(&write.key))).update_expression(write.update);
        let old = write.condition.as_ref().map(|_| ReturnValuesOnConditionCheckFailure::AllOld);
        let call = call
            .set_condition_expression(write.condition.map(String::from))
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .set_return_values_on_condition_check_failure(old)
            .set_return_values(wanted);
        let answer = Box::pin(call.send()).await.map_err(|error| gate_fault(&error))?;
        // What was written is written, whether or not it reads.
        Ok(answer.attributes.and_then(from_sdk).unwrap_or_default())
    }
}

/// Codes after which DynamoDB has certainly not written.
const NOT_WRITTEN: [&str; 7] = [
    "AccessDeniedException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ResourceNotFoundException",
    "ThrottlingException",
    "TransactionConflictException",
    "ValidationException",
];

fn gate_fault(error: &SdkError<UpdateItemError>) -> GateFault {
    if let Some(UpdateItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() {
        return GateFault::Condition(failed.item.clone().and_then(from_sdk));
    }
    let _ = failed("UpdateItem", error);
    let certain = error.code().is_some_and(|code| NOT_WRITTEN.contains(&code));
    if certain || matches!(error, SdkError::ConstructionFailure(_)) {
        GateFault::NotWritten
    } else {
        GateFault::Unknown
    }
}

/// Where an item lies, by its own attributes.
fn key_of(table: Table, item: &Item) -> Option<Key> {
    let text = |name| match item.get(name) {
        Some(Attr::S(text)) => Some(text.clone()),
        _ => None,
    };
    Some(Key { table, pk: text("pk")?, sk: text("sk")? })
}

type Names = Option<HashMap<String, String>>;
type Values = Option<HashMap<String, AttributeValue>>;

/// What expressions name. DynamoDB refuses empty maps.
fn placeholders(
    names: Vec<(Cow<'static, str>, String)>,
    values: Vec<(Cow<'static, str>, Attr)>,
) -> (Names, Values) {
    let names: HashMap<_, _> = names.into_iter().map(|(name, value)| (name.into_owned(), value)).collect();
    let values: HashMap<_, _> =
        values.into_iter().map(|(name, value)| (name.into_owned(), attr_to_sdk(value))).collect();
    (Some(names).filter(|names| !names.is_empty()), Some(values).filter(|values| !values.is_empty()))
}

fn primary(key: &Key) -> HashMap<String, AttributeValue> {
    let text = |name: &str, value: &str| (name.to_owned(), AttributeValue::S(value.to_owned()));
    HashMap::from([text("pk", &key.pk), text("sk", &key.sk)])
}

fn attr_to_sdk(attr: Attr) -> AttributeValue {
    match attr {
        Attr::S(text) => AttributeValue::S(text),
        Attr::N(number) => AttributeValue::N(number),
        Attr::B(bytes) => AttributeValue::B(aws_sdk_dynamodb::primitives::Blob::new(bytes)),
        Attr::Bool(flag) => AttributeValue::Bool(flag),
        Attr::M(map) => AttributeValue::M(to_sdk(map)),
        Attr::L(list) => AttributeValue::L(list.into_iter().map(attr_to_sdk).collect()),
    }
}

fn to_sdk(item: Item) -> HashMap<String, AttributeValue> {
    item.into_iter().map(|(name, value)| (name, attr_to_sdk(value))).collect()
}

fn attr_from_sdk(value: AttributeValue) -> Option<Attr> {
    Some(match value {
        AttributeValue::S(text) => Attr::S(text),
        AttributeValue::N(number) => Attr::N(number),
        AttributeValue::B(bytes) => Attr::B(bytes.into_inner()),
        AttributeValue::Bool(flag) => Attr::Bool(flag),
        AttributeValue::M(map) => Attr::M(from_sdk(map)?),
        AttributeValue::L(list) => Attr::L(list.into_iter().map(attr_from_sdk).collect::<Option<_>>()?),
        _ => return None,
    })
}

/// `None` when an attribute has a type that no row of ours uses.
fn from_sdk(item: HashMap<String, AttributeValue>) -> Option<Item> {
    item.into_iter().map(|(name, value)| Some((name, attr_from_sdk(value)?))).collect()
}

#[cfg(test)]
mod tests;
