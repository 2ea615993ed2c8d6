//! A call of the canary, the way every agent's goes: its key, our own ingress, redaction, a model, and at the end its record, read
//! where an auditor reads. It plants an address that belongs to nobody, and sees that it was taken out.

use std::time::Duration;

use bytes::Bytes;
use domain::{CanaryRow, TenantId, Timestamp, Verdict, check};
use egress::{Ask, Headers, Verb};
use serde_json::{Value, json};

use crate::decide::{self, Finding};
use crate::effects::Effects;

/// Longer than the gateway waits for a provider would be an outage for whoever calls.
const CALL_LIMIT: Duration = Duration::from_secs(30);
/// Records are in the ledger within ten seconds (p95): twice as long is an outage.
const PATIENCE_MS: u64 = 20_000;
const PAUSE: Duration = Duration::from_millis(500);
/// The record lies in one of the newest files.
const NEWEST: usize = 8;

impl Effects {
    /// The call, and where its record is. Without a key there is no call, and nothing is known.
    pub async fn call_canary(&self, row: &CanaryRow, key: &str, now: Timestamp) -> Vec<Finding> {
        let began = aws::now();
        let (status, code, action) = self.ask_gateway(row, key).await;
        let (verdict, reason) = decide::called(status, code.as_deref());
        let millis = aws::now().millis_since(began);
        let called = Finding::of(check::GATEWAY, verdict, "called", millis);
        let mut found: Vec<_> = called.map(|called| Finding { reason, ..called }).into_iter().collect();
        // A call that nobody recorded, since it was not known whose it is, has no action.
        if let Some(action) = action {
            found.extend(self.look_for(&action, now).await);
        }
        found
    }

    async fn ask_gateway(&self, row: &CanaryRow, key: &str) -> (u16, Option<String>, Option<String>) {
        let body = json!({
            "model": row.model, "max_tokens": 1,
            "messages": [{"role": "user", "content": "Say yes to canary@example.com."}],
        });
        let Ok(headers) = Headers::bearer(key) else { return (0, None, None) };
        let body = Some(Bytes::from(body.to_string()));
        let ask = Ask { verb: Verb::Post, path: "v1/chat/completions", query: &[], headers, body };
        let Ok(reply) = self.client.send_json(&self.config.gateway, ask, CALL_LIMIT).await else {
            return (0, None, None);
        };
        let action = reply.header("x-cs-action-id").map(str::to_owned);
        let told: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let code = told.pointer("/error/code").and_then(Value::as_str).map(str::to_owned);
        (reply.status, code, action)
    }

    async fn look_for(&self, action: &str, now: Timestamp) -> Vec<Finding> {
        let began = aws::now();
        let mut redacted = None;
        while redacted.is_none() && aws::now().millis_since(began) < PATIENCE_MS {
            redacted = self.recorded(action, now).await;
            if redacted.is_none() {
                tokio::time::sleep(PAUSE).await;
            }
        }
        let millis = aws::now().millis_since(began);
        let seen = match redacted {
            Some(_) => Finding::of(check::AUDIT, Verdict::Up, "visible", millis),
            None => Finding::of(check::AUDIT, Verdict::Down, "not_visible", millis),
        };
        let redacted = redacted.and_then(|redacted| match redacted {
            true => Finding::of(check::DLP, Verdict::Up, "redacted", 0),
            false => Finding::of(check::DLP, Verdict::Down, "not_redacted", 0),
        });
        seen.into_iter().chain(redacted).collect()
    }

    /// Whether the record of an action can be read by now, and says that something was taken out.
    async fn recorded(&self, action: &str, began: Timestamp) -> Option<bool> {
        // A run at midnight has its record on either day.
        let today = aws::now().date();
        let mut days = vec![began.date()];
        days.extend((today != began.date()).then_some(today));
        for day in days {
            for name in self.newest(&day).await? {
                let rows = self.rows(&name).await?;
                if let Some(redacted) = decide::recorded(&rows, action) {
                    return Some(redacted);
                }
            }
        }
        None
    }

    /// Names of the newest files of rows: they are numbered in the order of the log.
    async fn newest(&self, day: &str) -> Option<Vec<String>> {
        let prefix = format!("task_timeline/tenant_id={}/dt={day}/", TenantId::canary());
        let bucket = &self.config.watched.derived_bucket;
        let list = self.watch.s3.list_objects_v2().bucket(bucket).prefix(prefix);
        let mut pages = list.into_paginator().send();
        let mut names = Vec::new();
        while let Some(page) = Box::pin(pages.next()).await {
            let page = page.map_err(|error| aws::log_s3_failure("ListObjectsV2", &error)).ok()?;
            names.extend(page.contents().iter().filter_map(|object| object.key.clone()));
        }
        names.sort_unstable();
        Some(names.into_iter().rev().take(NEWEST).collect())
    }

    async fn rows(&self, name: &str) -> Option<String> {
        let call = self.watch.s3.get_object().bucket(&self.config.watched.derived_bucket).key(name);
        let got =
            Box::pin(call.send()).await.map_err(|error| aws::log_s3_failure("GetObject", &error)).ok()?;
        String::from_utf8(got.body.collect().await.ok()?.to_vec()).ok()
    }
}
