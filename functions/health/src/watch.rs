//! What is looked at from within: tables, keys, the lock, the queues and the checkpoint, by AWS's own word. Reads only.

use aws_sdk_dynamodb::types::{PointInTimeRecoveryStatus, TableStatus};
use aws_sdk_kms::types::KeyState;
use aws_sdk_sqs::types::QueueAttributeName;
use domain::{Timestamp, Verdict, check};
use futures_util::future::join_all;

use crate::config::{Named, Watched};
use crate::decide::Finding;

/// The clients of the services that are asked how their things are.
#[derive(Debug)]
pub struct Watch {
    dynamo: aws_sdk_dynamodb::Client,
    kms: aws_sdk_kms::Client,
    pub(crate) s3: aws_sdk_s3::Client,
    sqs: aws_sdk_sqs::Client,
}

/// Why something is not as it should be; `None`: it is.
type Flaw = Option<&'static str>;

const NO_ANSWER: Flaw = Some("no_answer");
/// A region log is signed every minute.
const STALE_MS: u64 = 3 * 60_000;
/// More than any batch in flight: something waits that is not taken.
const BACKLOG: u64 = 10_000;

/// What waits, by queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Depth {
    pub queue: String,
    pub messages: Option<u64>,
}

impl Watch {
    pub fn new(sdk: &aws::SdkConfig) -> Self {
        Self {
            dynamo: aws_sdk_dynamodb::Client::new(sdk),
            kms: aws_sdk_kms::Client::new(sdk),
            s3: aws_sdk_s3::Client::new(sdk),
            sqs: aws_sdk_sqs::Client::new(sdk),
        }
    }

    /// All of it, side by side, and what waits in the queues.
    pub async fn look(&self, watched: &Watched, now: Timestamp) -> (Vec<Finding>, Vec<Depth>) {
        let began = aws::now();
        let (tables, keys, lock, checkpoint, queues, dead) = futures_util::join!(
            Box::pin(self.tables(&watched.tables)),
            Box::pin(self.keys(&watched.keys)),
            Box::pin(self.lock(watched)),
            Box::pin(self.checkpoint(watched, now)),
            self.depths(&watched.queues),
            self.depths(&watched.dead_letters),
        );
        let millis = aws::now().millis_since(began);
        let flaws = [
            (check::TABLES, tables, "active"),
            (check::KEYS, keys, "enabled"),
            (check::LOCK, lock, "locked"),
            (check::CHECKPOINT, checkpoint, "fresh"),
            (check::QUEUES, deep(&queues, BACKLOG, "backlog"), "drained"),
            (check::DEAD_LETTERS, deep(&dead, 0, "set_aside"), "none"),
        ];
        let finding = |(name, flaw, well): (&str, Flaw, &'static str)| {
            let verdict = if flaw.is_some() { Verdict::Down } else { Verdict::Up };
            Finding::of(name, verdict, flaw.unwrap_or(well), millis)
        };
        (flaws.into_iter().filter_map(finding).collect(), [queues, dead].concat())
    }

    async fn tables(&self, names: &[String]) -> Flaw {
        join_all(names.iter().map(|name| self.table(name))).await.into_iter().find_map(|flaw| flaw)
    }

    async fn table(&self, name: &str) -> Flaw {
        let described = Box::pin(self.dynamo.describe_table().table_name(name).send()).await;
        let Ok(described) = described else { return NO_ANSWER };
        let status = described.table.and_then(|table| table.table_status);
        // A table is updated while its settings change, and serves all the while.
        if !matches!(status, Some(TableStatus::Active | TableStatus::Updating)) {
            return Some("inactive");
        }
        let backups = Box::pin(self.dynamo.describe_continuous_backups().table_name(name).send()).await;
        let Ok(backups) = backups else { return NO_ANSWER };
        let recovery = backups
            .continuous_backups_description
            .and_then(|told| told.point_in_time_recovery_description)
            .and_then(|told| told.point_in_time_recovery_status);
        let on = recovery == Some(PointInTimeRecoveryStatus::Enabled);
        if on { None } else { Some("no_backups") }
    }

    async fn keys(&self, arns: &[String]) -> Flaw {
        join_all(arns.iter().map(|arn| self.key(arn))).await.into_iter().find_map(|flaw| flaw)
    }

    async fn key(&self, arn: &str) -> Flaw {
        let described = Box::pin(self.kms.describe_key().key_id(arn).send()).await;
        match described.ok().and_then(|told| told.key_metadata).map(|told| told.key_state) {
            Some(Some(KeyState::Enabled)) => None,
            Some(Some(KeyState::PendingDeletion)) => Some("pending_deletion"),
            Some(_) => Some("not_enabled"),
            None => NO_ANSWER,
        }
    }

    async fn lock(&self, watched: &Watched) -> Flaw {
        let call = self.s3.get_object_lock_configuration().bucket(&watched.locked_bucket);
        let Ok(told) = Box::pin(call.send()).await else { return NO_ANSWER };
        let rule = told.object_lock_configuration.and_then(|told| told.rule);
        let kept = rule.and_then(|rule| rule.default_retention);
        let holds = kept.is_some_and(|kept| {
            let mode = kept.mode.map(|mode| mode.as_str().to_owned());
            mode.as_deref() == Some(watched.lock.mode.as_str())
                && kept.days.is_some_and(|days| days >= watched.lock.days)
        });
        if holds { None } else { Some("weakened") }
    }

    async fn checkpoint(&self, watched: &Watched, now: Timestamp) -> Flaw {
        let call = self.s3.head_object().bucket(&watched.derived_bucket).key("checkpoint");
        let Ok(told) = Box::pin(call.send()).await else { return NO_ANSWER };
        let at = told.last_modified.and_then(|at| at.to_millis().ok());
        let at = at.and_then(|at| Timestamp::from_unix_millis(at).ok());
        match at {
            Some(at) if now.millis_since(at) <= STALE_MS => None,
            _ => Some("stale"),
        }
    }

    async fn depths(&self, queues: &[Named]) -> Vec<Depth> {
        let depth =
            async |queue: &Named| Depth { queue: queue.name.clone(), messages: self.depth(&queue.url).await };
        join_all(queues.iter().map(depth)).await
    }

    async fn depth(&self, url: &str) -> Option<u64> {
        let name = QueueAttributeName::ApproximateNumberOfMessages;
        let call = self.sqs.get_queue_attributes().queue_url(url).attribute_names(name.clone());
        let told = Box::pin(call.send()).await.ok()?;
        told.attributes?.get(&name)?.parse().ok()
    }
}

fn deep(depths: &[Depth], most: u64, why: &'static str) -> Flaw {
    if depths.iter().any(|one| one.messages.is_none()) {
        return NO_ANSWER;
    }
    depths.iter().any(|one| one.messages > Some(most)).then_some(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_that_is_not_told_of_is_not_taken_for_empty() {
        let depth = |messages| Depth { queue: "audit".to_owned(), messages };
        assert_eq!(deep(&[depth(Some(0)), depth(Some(0))], 0, "set_aside"), None);
        assert_eq!(deep(&[depth(Some(0)), depth(Some(1))], 0, "set_aside"), Some("set_aside"));
        assert_eq!(deep(&[depth(Some(9_999)), depth(Some(10_000))], BACKLOG, "backlog"), None);
        assert_eq!(deep(&[depth(Some(10_001))], BACKLOG, "backlog"), Some("backlog"));
        assert_eq!(deep(&[depth(Some(5)), depth(None)], 0, "set_aside"), NO_ANSWER);
    }
}
