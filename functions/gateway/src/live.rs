//! A streamed answer on its way: read, settled, recorded, and only then ended.
//!
//! It runs as a task of its own, which the caller's body listens to: a caller that goes away ends the reading and not
//! the settling.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::{Reason, Timestamp};
use envelope::Committing;
use futures_util::{StreamExt as _, stream};
use tables::HoldReceipt;
use tokio::sync::mpsc;

use crate::effects::Effects;
use crate::outcome::{self, Ended, Spent};
use crate::plan::Call;
use crate::response::{Body, GATED, Refused};
use crate::sse::{self, Event};
use crate::stream::{Listener, Step};

/// How many pieces may wait for a slow caller before the provider has to wait too.
const WAITING: usize = 16;

/// One streamed answer.
pub struct Live {
    pub effects: Arc<Effects>,
    pub call: Call,
    pub receipt: HoldReceipt,
    pub began: Timestamp,
    pub status: u16,
    pub listener: Listener,
    pub committing: Option<Committing>,
}

impl Live {
    /// Sets it going.
    pub fn start(self, upstream: egress::Body) -> Body {
        let (sender, receiver) = mpsc::channel(WAITING);
        drop(tokio::spawn(self.run(upstream, sender)));
        stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) })
            .boxed()
    }

    async fn run(mut self, upstream: egress::Body, caller: mpsc::Sender<Bytes>) {
        let (effects, row) = (Arc::clone(&self.effects), self.call.scribe.row.clone());
        let relayed = tokio::select! {
            relayed = self.relay(upstream, &caller) => relayed,
            // At once: who waited for the beginning of the stream read them up to a second ago.
            reason = effects.killed(&row, Duration::ZERO) => Err(reason),
        };
        let ended = self.ended(&relayed);
        self.effects.close(&self.call, &ended, self.began, Some(&self.receipt)).await;
        let mut told = None;
        let last = match relayed {
            Ok(last) => {
                told = self.call.tools.guard.told(&ended.calls);
                last
            }
            Err(reason) => {
                vec![Refused::from(reason).event(self.call.dialect, self.listener.next_number())]
            }
        };
        // Whoever is no longer there has no use for the end.
        let _ = caller.send(ending(told.as_deref(), &last)).await;
    }

    /// Passes the answer on as it arrives, up to its last events, which wait until it is settled.
    async fn relay(
        &mut self,
        mut upstream: egress::Body,
        caller: &mpsc::Sender<Bytes>,
    ) -> Result<Vec<Event>, Reason> {
        let mut parser = sse::Parser::default();
        loop {
            let arrived = tokio::select! {
                arrived = upstream.chunk() => arrived.map_err(|error| outcome::failed(&error).reason)?,
                () = caller.closed() => return Err(Reason::CallerGone),
            };
            let Some(bytes) = arrived else {
                let between = parser.is_between_events();
                return match self.listener.end()? {
                    Step::Whole(last) if between => Ok(last),
                    Step::Whole(_) | Step::On(_) => Err(Reason::ProviderBroken),
                };
            };
            if let Some(committing) = &mut self.committing {
                committing.update(&bytes);
            }
            let events = parser.push(&bytes).map_err(|_| Reason::ProviderMalformed)?;
            let (on, last) = self.hear(&events)?;
            if !on.is_empty() {
                caller.send(written(&on)).await.map_err(|_| Reason::CallerGone)?;
            }
            if let Some(last) = last {
                return Ok(last);
            }
        }
    }

    fn hear(&mut self, events: &[Event]) -> Result<(Vec<Event>, Option<Vec<Event>>), Reason> {
        let mut on = Vec::new();
        for event in events {
            match self.listener.event(event)? {
                Step::On(events) => on.extend(events),
                Step::Whole(last) => return Ok((on, Some(last))),
            }
        }
        Ok((on, None))
    }

    /// A stream that broke off may have cost anything up to its worst case.
    fn ended(&mut self, relayed: &Result<Vec<Event>, Reason>) -> Ended {
        let (reason, spent) = match relayed {
            Ok(_) => (Reason::Completed, self.listener.spent()),
            Err(reason) => (*reason, Spent::Everything),
        };
        Ended {
            status: Some(self.status),
            calls: self.listener.calls().cloned().collect(),
            commitment: self.committing.take().map(Committing::finish),
            ..Ended::without_answer(reason, spent)
        }
    }
}

/// The last events. Headers have left long before: what they would tell is told by a comment, which clients pass over.
fn ending(gated: Option<&str>, events: &[Event]) -> Bytes {
    let comment = gated.map(|tools| format!(": {GATED}: {tools}\n\n")).unwrap_or_default();
    let mut out = comment.into_bytes();
    events.iter().for_each(|event| event.write(&mut out));
    Bytes::from(out)
}

fn written(events: &[Event]) -> Bytes {
    ending(None, events)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_headers_would_tell_is_a_comment_that_no_reader_takes_for_an_event() {
        let last = [Event { name: None, data: "[DONE]".to_owned() }];
        let bytes = ending(Some("payments.send, *"), &last);
        assert_eq!(&bytes[..], b": x-cs-gated-tools: payments.send, *\n\ndata: [DONE]\n\n");
        assert_eq!(sse::Parser::default().push(&bytes).unwrap(), last);
        assert_eq!(ending(None, &last), written(&last));
    }
}
