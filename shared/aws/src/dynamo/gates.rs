//! The production side of `tables::GateStore`: updates, transactions of updates, and reads of one moment.

use std::time::Duration;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    ConditionCheck, Delete as SdkDelete, Get, ReturnValue, TransactGetItem, TransactWriteItem,
    Update as SdkUpdate,
};
use tables::gates::Write;
use tables::{GateFault, GateOp, GateStore, Item, Key, Listed, Table};

use super::{Dynamo, NOT_WRITTEN, ReadError, failed, from_sdk, placeholders, primary};

/// Before a try that follows a conflict: up to this, doubled each time up to a third of a second, by chance, so that those
/// who met once do not meet again.
const PAUSE_MS: u64 = 10;
const PAUSE_DOUBLINGS: u32 = 5;

impl GateStore for Dynamo {
    async fn apply(&self, op: &GateOp) -> Result<Item, GateFault> {
        self.write(op.to_write(), op.is_looked_at().then_some(ReturnValue::AllNew)).await
    }

    async fn transact(&self, ops: &[GateOp]) -> Result<(), GateFault> {
        self.transact_writes(ops.iter().map(GateOp::to_write).collect()).await
    }

    async fn snapshot(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, GateFault> {
        // One item is always of one moment.
        if let [key] = keys {
            return self.get(key).await.map(|item| vec![item]).map_err(|ReadError| GateFault::NotWritten);
        }
        let get = |key: &Key| {
            let get = Get::builder().table_name(self.names.of(key.table)).set_key(Some(primary(key))).build();
            get.ok().map(|get| TransactGetItem::builder().get(get).build())
        };
        let gets: Option<Vec<_>> = keys.iter().map(get).collect();
        let call =
            self.client.transact_get_items().set_transact_items(Some(gets.ok_or(GateFault::NotWritten)?));
        let answer = call.send().await.map_err(|error| {
            let _ = failed("TransactGetItems", &error);
            GateFault::NotWritten
        })?;
        let items = answer.responses.unwrap_or_default().into_iter().map(|one| match one.item {
            Some(item) => from_sdk(item).map(Some).ok_or(GateFault::NotWritten),
            None => Ok(None),
        });
        items.collect()
    }

    async fn pause(&self, round: u32) {
        let [chance] = crate::random::<1>().unwrap_or([u8::MAX]);
        let most = PAUSE_MS << round.min(PAUSE_DOUBLINGS);
        tokio::time::sleep(Duration::from_millis(most * u64::from(chance) / u64::from(u8::MAX))).await;
    }
}

impl Dynamo {
    /// Several conditional updates, all or none.
    ///
    /// # Errors
    /// See [`GateFault`]; the item of a condition that did not hold is not given.
    pub async fn write_all(&self, writes: Vec<Write>) -> Result<(), GateFault> {
        self.transact_writes(writes).await
    }

    /// One page of a partition, consistently: rows whose sort keys begin with `prefix`, behind `after`.
    ///
    /// # Errors
    /// No answer, or an item of an unknown form.
    pub async fn page(
        &self,
        table: Table,
        pk: &str,
        prefix: &str,
        after: Option<&str>,
        limit: u16,
    ) -> Result<Listed, ReadError> {
        let text = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
        let start = after.map(|sk| primary(&Key { table, pk: pk.to_owned(), sk: sk.to_owned() }));
        let call = self.client.query().table_name(self.names.of(table)).consistent_read(true);
        let call = call.key_condition_expression("pk = :pk AND begins_with(sk, :prefix)");
        let call = call.expression_attribute_values(":pk", text(pk));
        let call = call.expression_attribute_values(":prefix", text(prefix));
        let call = call.set_exclusive_start_key(start).limit(limit.into());
        self.listed(table, call).await
    }

    /// Rows of a partition whose sort keys lie between two, both included, consistently.
    ///
    /// # Errors
    /// No answer, or an item of an unknown form.
    pub async fn range(
        &self,
        table: Table,
        pk: &str,
        (from, to): (&str, &str),
        limit: u16,
    ) -> Result<Listed, ReadError> {
        let text = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
        let call = self.client.query().table_name(self.names.of(table)).consistent_read(true);
        let call = call.key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to");
        let call = call.expression_attribute_values(":pk", text(pk));
        let call = call.expression_attribute_values(":from", text(from));
        let call = call.expression_attribute_values(":to", text(to)).limit(limit.into());
        self.listed(table, call).await
    }

    async fn listed(
        &self,
        table: Table,
        call: aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder,
    ) -> Result<Listed, ReadError> {
        let answer = Box::pin(call.send()).await.map_err(|error| failed("Query", &error))?;
        let more = answer.last_evaluated_key.is_some();
        let row = |item| {
            let item = from_sdk(item)?;
            Some((super::key_of(table, &item)?, item))
        };
        let items = answer.items.unwrap_or_default().into_iter();
        let rows = items.map(row).collect::<Option<_>>().ok_or(ReadError)?;
        Ok(Listed { rows, more })
    }

    async fn transact_writes(&self, writes: Vec<Write>) -> Result<(), GateFault> {
        let items: Option<Vec<_>> = writes.into_iter().map(|write| self.transacted(write)).collect();
        let call =
            self.client.transact_write_items().set_transact_items(Some(items.ok_or(GateFault::NotWritten)?));
        call.send().await.map(|_| ()).map_err(|error| transaction_fault(&error))
    }

    fn transacted(&self, write: Write) -> Option<TransactWriteItem> {
        let (names, values) = placeholders(write.names, write.values);
        if write.delete {
            let delete = SdkDelete::builder()
                .table_name(self.names.of(write.key.table))
                .set_key(Some(primary(&write.key)))
                .set_condition_expression(write.condition.map(String::from))
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values);
            return Some(TransactWriteItem::builder().delete(delete.build().ok()?).build());
        }
        if write.update.is_empty() {
            let check = ConditionCheck::builder()
                .table_name(self.names.of(write.key.table))
                .set_key(Some(primary(&write.key)))
                .set_condition_expression(write.condition.map(String::from))
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values);
            return Some(TransactWriteItem::builder().condition_check(check.build().ok()?).build());
        }
        let update = SdkUpdate::builder()
            .table_name(self.names.of(write.key.table))
            .set_key(Some(primary(&write.key)))
            .update_expression(write.update)
            .set_condition_expression(write.condition.map(String::from))
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values);
        Some(TransactWriteItem::builder().update(update.build().ok()?).build())
    }

    /// One page of the items that hold budgets, by their keys, and where the next begins.
    ///
    /// # Errors
    /// No answer, or an item of an unknown form.
    pub async fn scan_budgets(
        &self,
        after: Option<&Key>,
    ) -> Result<(Vec<(Key, Item)>, Option<Key>), ReadError> {
        let call = self.client.scan().table_name(self.names.of(Table::Gates)).consistent_read(true);
        let call = call.filter_expression("sk = :budget").expression_attribute_values(
            ":budget",
            aws_sdk_dynamodb::types::AttributeValue::S("BUDGET".to_owned()),
        );
        let call = call.set_exclusive_start_key(after.map(primary));
        let answer = call.send().await.map_err(|error| failed("Scan", &error))?;
        let read = |item| {
            let item = from_sdk(item)?;
            Some((super::key_of(Table::Gates, &item)?, item))
        };
        let items = answer.items.unwrap_or_default().into_iter();
        let items = items.map(read).collect::<Option<_>>().ok_or(ReadError)?;
        let next = answer.last_evaluated_key.and_then(from_sdk);
        Ok((items, next.and_then(|next| super::key_of(Table::Gates, &next))))
    }
}

/// A transaction is cancelled as a whole, and says of each item why: a condition that did not hold counts more than a
/// conflict, since another try without another look would end in the same way.
fn transaction_fault(error: &SdkError<TransactWriteItemsError>) -> GateFault {
    if let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() {
        let codes = || cancelled.cancellation_reasons().iter().filter_map(|reason| reason.code());
        let condition = codes().any(|code| code == "ConditionalCheckFailed");
        return if condition { GateFault::Condition(None) } else { GateFault::NotWritten };
    }
    let _ = failed("TransactWriteItems", error);
    let certain = error.code().is_some_and(|code| NOT_WRITTEN.contains(&code));
    if certain || matches!(error, SdkError::ConstructionFailure(_)) {
        GateFault::NotWritten
    } else {
        GateFault::Unknown
    }
}
