//! Several words at once: each by itself, none of high risk.

use domain::{ApprovalId, EventType, NotCast, Say, TenantId};
use envelope::Purpose;
use tables::Key;

use crate::decide::No;
use crate::desk::{Away, Desk, Outside};
use crate::effects::{Effects, NoCase};
use crate::event::{BATCH_MAX, Request, Words};
use crate::response::Response;
use crate::votes::{Asked, Not};
use crate::who::Session;

impl<D: Desk, O: Outside> Effects<D, O> {
    /// Several at once: each by itself, none of high risk.
    pub(crate) async fn decide_all(&self, request: &Request, session: &Session, words: &Words) -> Response {
        let (tenant, say, ids) = match self.batch(request, session, words).await {
            Ok(batch) => batch,
            Err((text, why)) => {
                let text = match why {
                    Some(no) => {
                        let noted = self.noted(request, session, (EventType::ApprovalVoted, no.as_str()));
                        if noted.await.is_ok() { text } else { No::Busy.text() }
                    }
                    None => text,
                };
                return self.list(request, session, words.tenant.as_ref(), Some(text)).await;
            }
        };
        let (mut done, mut first): (usize, Option<No>) = (0, None);
        for id in &ids {
            match self.say(request, session, id, Asked::Together(say)).await {
                Ok(_) => done = done.saturating_add(1),
                Err(Not::No(no)) => first = first.or(Some(no)),
                Err(Not::Case(NoCase::Unavailable)) => first = first.or(Some(No::Busy)),
                Err(Not::Case(NoCase::Nothing(reason))) => {
                    let noted = self.noted(request, session, (EventType::ApprovalVoted, reason)).await;
                    let no = if noted.is_ok() { No::Not(NotCast::NotAsked) } else { No::Busy };
                    first = first.or(Some(no));
                }
            }
        }
        let mut text = format!("{done} of {} decided.", ids.len());
        if let Some(no) = first {
            text = format!("{text} Of the others, the first: {}", no.text());
        }
        self.list(request, session, Some(&tenant), Some(&text)).await
    }

    /// # Errors
    /// What whoever sent it is told, and what is recorded: of a form that is not filled in nothing is.
    async fn batch(
        &self,
        request: &Request,
        session: &Session,
        words: &Words,
    ) -> Result<(TenantId, Say, Vec<ApprovalId>), (&'static str, Option<No>)> {
        let no = |no: No| (no.text(), Some(no));
        self.is_of_ours(request).map_err(no)?;
        let tenant = words.tenant.clone().ok_or(no(No::Csrf))?;
        let rows = self.desk.rows(&crate::effects::around(&tenant, &session.org)).await;
        let rows = rows.map_err(|Away| (No::Busy.text(), None))?;
        // There is no such tenant, or none that asks people.
        if !rows.contains_key(&Key::root(&tenant, Purpose::Action.as_str())) {
            return Err(no(No::Csrf));
        }
        let root = self.root(&tenant, &rows).await.map_err(|Away| (No::Busy.text(), None))?;
        if !crate::token::Token::new(&crate::effects::csrf(&root, session, &tenant)).is(&words.csrf) {
            return Err(no(No::Csrf));
        }
        let ids = words.approvals.clone().unwrap_or_default();
        let say = words.say.ok_or((No::Say.text(), None))?;
        match ids.len() {
            0 => Err(("Choose at least one request.", None)),
            1..=BATCH_MAX => Ok((tenant, say, ids)),
            _ => Err(("Choose fewer requests.", None)),
        }
    }
}
