//! Many writes in one request (RFC 7644 section 3.7): each is decided, recorded and answered by itself.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::bulk::{self, Method, Outcome};
use crate::desk::Desk;
use crate::effects::{Effects, Session};
use crate::error::ScimError;
use crate::event::Request;
use crate::find::{self, Shown};
use crate::push::Push;
use crate::records::Scribe;
use crate::response::Response;

impl<D: Desk> Effects<D> {
    /// # Errors
    /// As the client is told, when the request as a whole is none.
    pub async fn bulk(
        &self,
        session: &Session<'_>,
        request: &Request,
        scribe: &Scribe,
    ) -> Result<Response, ScimError> {
        let plan = bulk::parse(&request.json()?, request.body_bytes)?;
        let (mut made, mut failed) = (BTreeMap::new(), 0);
        let mut outcomes: BTreeMap<usize, Outcome> = BTreeMap::new();
        for at in &plan.order {
            let Some(operation) = plan.operations.get(*at) else { continue };
            let scribe = Scribe { action_id: crate::effects::action(self.desk.now())?, ..scribe.clone() };
            let result = match self.in_time(session) {
                Ok(()) => Box::pin(self.operation(session, &scribe, operation, &made)).await,
                Err(error) => Err(error),
            };
            if let Err(error) = &result {
                failed += 1;
                if error.status != 503 {
                    self.refused(&scribe, crate::effects::reason(error)).await;
                }
            }
            if let (Ok((_, Some(shown))), Some(id)) = (&result, &operation.bulk_id) {
                made.insert(id.clone(), shown.id.clone());
            }
            outcomes.insert(*at, outcome(session.base, operation, result));
            if plan.is_over(failed) {
                break;
            }
        }
        let outcomes: Vec<Outcome> = outcomes.into_values().collect();
        Ok(Response::json(200, bulk::response(&outcomes)))
    }

    async fn operation(
        &self,
        session: &Session<'_>,
        scribe: &Scribe,
        operation: &bulk::Operation,
        made: &BTreeMap<String, String>,
    ) -> Result<(u16, Option<Shown>), ScimError> {
        let request = operation.request.as_ref().map_err(Clone::clone)?.resolved(made)?;
        let data = request.data.unwrap_or(Value::Null);
        let push = Push {
            method: operation.method,
            kind: request.kind,
            id: request.id.as_deref(),
            if_match: request.version.as_deref(),
            data: &data,
        };
        match self.push(session, scribe, &push).await? {
            Some(kept) => {
                let shown = self.shown(session, &kept, false).await?;
                Ok((if operation.method == Method::Post { 201 } else { 200 }, Some(shown)))
            }
            None => Ok((204, None)),
        }
    }
}

fn outcome(
    base: &str,
    operation: &bulk::Operation,
    result: Result<(u16, Option<Shown>), ScimError>,
) -> Outcome {
    let shown = result.as_ref().ok().and_then(|(_, shown)| shown.clone());
    let named = || {
        let request = operation.request.as_ref().ok()?;
        let id = request.id.as_deref().filter(|id| !id.starts_with("bulkId:"))?;
        Some(find::address(base, request.kind, id))
    };
    Outcome {
        method: operation.method,
        bulk_id: operation.bulk_id.clone(),
        location: shown.as_ref().map(|shown| shown.location.clone()).or_else(named),
        version: shown.map(|shown| shown.version),
        result: result.map(|(status, _)| status),
    }
}
