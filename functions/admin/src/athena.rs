//! Athena as what runs questions to the log: in the region's own workgroup, which says where results go.

use aws_sdk_athena::Client;
use aws_sdk_athena::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_athena::types::{QueryExecutionContext, QueryExecutionState, Row};
use domain::Opaque;

use crate::queries::{Page, Queries, QueryFault, State};

/// Where questions run.
#[derive(Debug, Clone)]
pub struct AthenaConfig {
    pub workgroup: String,
    pub database: String,
}

/// The client of one region.
#[derive(Debug)]
pub struct Athena {
    client: Client,
    config: AthenaConfig,
}

/// The most rows that Athena gives at once, the names of the columns among them (API reference, `GetQueryResults`).
const PAGE_ROWS: i32 = 1_000;

impl Athena {
    pub fn new(sdk: &aws::SdkConfig, config: AthenaConfig) -> Self {
        Self { client: Client::new(sdk), config }
    }
}

/// Logs the service's error code and nothing else of it: its messages quote the question.
fn failed<E: ProvideErrorMetadata>(operation: &'static str, error: &SdkError<E>) -> QueryFault {
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    tracing::error!(operation, code = code.unwrap_or("no_answer"), "athena.failed");
    fault(code)
}

/// One code says that the request itself is wrong; after any other, the same request may succeed later.
fn fault(code: Option<&str>) -> QueryFault {
    match code {
        Some("InvalidRequestException") => QueryFault::Refused,
        _ => QueryFault::Unavailable,
    }
}

fn cells(row: &Row) -> Vec<Option<String>> {
    row.data().iter().map(|cell| cell.var_char_value().map(str::to_owned)).collect()
}

// Boxed, all three: calls of the SDK are large, and every future around them moves with them.
impl Queries for Athena {
    async fn start(&self, sql: &str, token: &str) -> Result<Opaque, QueryFault> {
        let within = QueryExecutionContext::builder().database(&self.config.database).build();
        let call = self.client.start_query_execution().query_string(sql).client_request_token(token);
        let call = call.work_group(&self.config.workgroup).query_execution_context(within);
        let answer = Box::pin(call.send()).await.map_err(|error| failed("StartQueryExecution", &error))?;
        let execution = answer.query_execution_id.and_then(|id| id.parse().ok());
        execution.ok_or(QueryFault::Unavailable)
    }

    async fn state(&self, execution: &Opaque) -> Result<State, QueryFault> {
        let call = self.client.get_query_execution().query_execution_id(execution.as_str());
        let answer = Box::pin(call.send()).await.map_err(|error| failed("GetQueryExecution", &error))?;
        let found = answer.query_execution.ok_or(QueryFault::Unavailable)?;
        let scanned = found.statistics().and_then(|numbers| numbers.data_scanned_in_bytes());
        match found.status().and_then(|status| status.state()) {
            Some(QueryExecutionState::Queued | QueryExecutionState::Running) => Ok(State::Running),
            Some(QueryExecutionState::Succeeded) => {
                Ok(State::Done { scanned_bytes: scanned.and_then(|n| n.try_into().ok()).unwrap_or_default() })
            }
            Some(QueryExecutionState::Failed | QueryExecutionState::Cancelled) => Ok(State::Failed),
            _ => Err(QueryFault::Unavailable),
        }
    }

    async fn page(&self, execution: &Opaque, token: Option<&str>) -> Result<Page, QueryFault> {
        let call = self.client.get_query_results().query_execution_id(execution.as_str());
        let call = call.max_results(PAGE_ROWS).set_next_token(token.map(str::to_owned));
        let answer = Box::pin(call.send()).await.map_err(|error| failed("GetQueryResults", &error))?;
        let rows = answer.result_set().map(|set| set.rows().iter().map(cells).collect());
        Ok(Page { rows: rows.unwrap_or_default(), next: answer.next_token })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_wrong_request_is_not_tried_again() {
        assert_eq!(fault(Some("InvalidRequestException")), QueryFault::Refused);
        for code in [
            Some("TooManyRequestsException"),
            Some("ThrottlingException"),
            Some("AccessDeniedException"),
            Some("InternalServerException"),
            None,
        ] {
            assert_eq!(fault(code), QueryFault::Unavailable, "{code:?}");
        }
    }
}
