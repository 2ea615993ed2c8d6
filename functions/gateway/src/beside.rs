//! The effects beside a hold and a record: what a call takes of its key's minute and of what is made once, what it keeps, the
//! credential that it opens, and what is told of limits.

use caller::tokens::{Holder, Made};
use caller::{Keeping, RateFault};
use domain::{EventId, Reason, RootRow, Timestamp};
use envelope::{Aad, Plaintext, Purpose, RootError};
use tables::gates::{Alert, Shard};
use tables::{HoldReceipt, Key};

use crate::effects::{Effects, Roots, in_time};
use crate::outcome;
use crate::plan::Call;
use crate::response::Refused;

impl Effects {
    /// Takes the call on, if it is not the repetition of one.
    ///
    /// # Errors
    /// It is, or that is not known.
    pub async fn once(&self, call: &Call, now: Timestamp) -> Result<(), Refused> {
        match &call.repeat {
            Some(repeat) => repeat.take(&self.dynamo, call.action_id, now).await,
            None => Ok(()),
        }
    }

    /// Takes one call out of the key's minute.
    ///
    /// # Errors
    /// The minute has no more, or the store did not confirm.
    pub async fn rate(&self, call: &Call, now: Timestamp) -> Result<(), Refused> {
        // The next provider of one and the same call.
        if call.known.after.is_some() {
            return Ok(());
        }
        let taken = caller::rate(&self.dynamo, &call.scribe.row, now);
        in_time(taken, RateFault::Unavailable).await.map_err(|fault| match fault {
            RateFault::Unavailable => fault.reason().into(),
            RateFault::Full { limit, retry_after } => {
                let hint = Some(format!("{limit} calls a minute"));
                let retry_after = u32::try_from(retry_after).ok();
                Refused { hint, retry_after, ..fault.reason().into() }
            }
        })
    }

    /// Tells of limits that are used up so far. One that cannot be told is logged: it says nothing that the meters do not.
    pub async fn alert(&self, call: &Call, receipt: &HoldReceipt, after: &Shard, now: Timestamp) {
        let told = tables::gates::alerts(&self.dynamo, &call.bill.tenant, receipt, after).await;
        let record = |alert: &Alert| {
            let event_id = EventId::new(now, aws::random().ok()?);
            Some(outcome::alert(call, alert, event_id, now))
        };
        // An alarm counts these: whose limit it is stands in the record.
        if told.iter().any(|alert| alert.threshold >= 100) {
            tracing::warn!(action_id = %call.action_id, "budget.exhausted");
        }
        let records: Vec<_> = told.iter().filter_map(record).collect();
        if records.len() < told.len() || (!records.is_empty() && self.audit.record(&records).await.is_err()) {
            tracing::error!(action_id = %call.action_id, alerts = told.len(), "alert.not_recorded");
        }
    }

    /// What the body's cross-request tokens stand for; none, unless the policy asks for them.
    ///
    /// # Errors
    /// Not all of it is kept.
    pub async fn keep(&self, call: &Call, roots: &Roots, now: Timestamp) -> Result<(), Reason> {
        let row = &call.scribe.row;
        let conversation = call.scribe.said.conversation().cloned();
        let holder = Holder { tenant: row.tenant.clone(), agent: row.agent.clone(), conversation };
        let expires_at = now.plus_millis(u64::from(call.kept.ttl_seconds).saturating_mul(1_000));
        let root = roots.token.as_ref();
        let person = call.kept.person.as_ref();
        let keeping = Keeping { holder: &holder, person, root, now, expires_at };
        let made: Vec<Made<'_>> = call.kept.made().collect();
        keeping.keep(&self.dynamo, &self.roots, &made).await
    }

    /// The provider's credential, opened.
    ///
    /// # Errors
    /// The root is missing, retired or destroyed, or the credential is another row's or host's.
    pub async fn credential(
        &self,
        call: &Call,
        root: Option<&RootRow>,
        now: Timestamp,
    ) -> Result<Plaintext, RootError> {
        let tenant = &call.scribe.row.tenant;
        let place = Key::providers(tenant);
        let aad = Aad::credential(
            tenant,
            place.table.as_str(),
            &place.pk,
            &place.sk,
            call.provider.id.as_str(),
            &call.target.host(),
        );
        let root = root.ok_or(RootError::Missing)?;
        self.roots.open(tenant, Purpose::Credential, root, &aad, &call.provider.credential, now).await
    }
}
