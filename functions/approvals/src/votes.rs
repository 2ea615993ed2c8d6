//! What somebody says is written down: over exactly the rows that it was decided on, while they are still who they were.

use domain::{
    ApprovalId, ApprovalRow, ApprovalState, Code, CommentRow, EventType, LastRow, MetaValue, Metadata, Phase,
    Say, Vote, VotedRow,
};
use envelope::Aad;
use tables::approvals::step;
use tables::codec::Row as _;
use tables::directory::placed;
use tables::gates::Write;
use tables::{GateFault, Key, Swap, unchanged};

use crate::decide::{self, Decision, Form, No};
use crate::desk::{Away, Desk, Outside};
use crate::effects::{Case, Effects, NoCase, last_key, ten};
use crate::event::{Request, Word};
use crate::look::{Rendered, rendered};
use crate::records::{Entry, Scribe};
use crate::response::Response;
use crate::who::{STANDING, Session};
use domain::{ApprovalMessage as Message, ApprovalStep as Step};

/// How often something is decided anew because others decide at the same time: as many as may speak.
const TRIES: u32 = 64;
/// For how long it is kept how somebody decides.
const VOTED_MS: u64 = 400 * 86_400_000;

/// What a word is checked against, before and at each try.
#[derive(Debug, Clone, Copy)]
pub enum Asked<'a> {
    /// By a page of the request.
    Page(&'a Word),
    /// Together with others.
    Together(Say),
}

/// Why a word came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Not {
    No(No),
    /// There is no such request for them.
    Case(NoCase),
}

impl From<No> for Not {
    fn from(no: No) -> Self {
        Self::No(no)
    }
}

impl From<NoCase> for Not {
    fn from(why: NoCase) -> Self {
        Self::Case(why)
    }
}

impl From<Away> for Not {
    fn from(Away: Away) -> Self {
        Self::No(No::Busy)
    }
}

impl<D: Desk, O: Outside> Effects<D, O> {
    /// A form of the page of a request.
    pub(crate) async fn decide(
        &self,
        request: &Request,
        session: &Session,
        (id, word): (&ApprovalId, &Word),
    ) -> Response {
        let said = match self.is_of_ours(request) {
            Ok(()) => self.say(request, session, id, Asked::Page(word)).await,
            Err(no) => Err(self.refuse(request, session, id, no).await),
        };
        match said {
            // By another GET, so that a page that is loaded again sends nothing again.
            Ok(_) => Response::see_other(&format!("/a/{id}")),
            Err(Not::Case(why)) => self.nothing(request, session, why).await,
            Err(Not::No(no)) => self.again(request, session, id, (word, no)).await,
        }
    }

    /// The page once more, with what was wrong.
    async fn again(
        &self,
        request: &Request,
        session: &Session,
        id: &ApprovalId,
        (word, no): (&Word, No),
    ) -> Response {
        let said = Some((no.text(), no.status()));
        match self.looked(request, session, id, word.reveal, said).await {
            Ok(response) => response,
            Err(why) => self.nothing(request, session, why).await,
        }
    }

    /// Whether a form was sent from a page of ours: browsers say whose it was, and no page can say otherwise.
    ///
    /// # Errors
    /// It was another's, or it does not say.
    pub(crate) fn is_of_ours(&self, request: &Request) -> Result<(), No> {
        let ours = request.from_origin.as_deref() == Some(self.own.as_str());
        if ours { Ok(()) } else { Err(No::Origin) }
    }

    /// Somebody's word, written down or refused; both are recorded.
    pub(crate) async fn say(
        &self,
        request: &Request,
        session: &Session,
        id: &ApprovalId,
        asked: Asked<'_>,
    ) -> Result<Say, Not> {
        let said = Box::pin(self.try_to_say(request, session, id, asked)).await;
        match said {
            Err(Not::No(no)) if no != No::Busy => Err(self.refuse(request, session, id, no).await),
            other => other,
        }
    }

    async fn refuse(&self, request: &Request, session: &Session, id: &ApprovalId, no: No) -> Not {
        let nobodys = domain::TenantId::platform();
        let recorded = async {
            let link = self.link(id).await.ok().flatten().ok_or(Away)?;
            // In the log of no tenant where they may have nothing to do with the one of the request.
            let own = link.org == session.org;
            let scribe = self.scribe(request, session, if own { &link.tenant } else { &nobodys })?;
            let about = Metadata::default();
            let about = match id.as_str().parse::<Code>() {
                Ok(id) => about.with("approval", MetaValue::Code(id)),
                Err(_) => about,
            };
            let (now, random) = (self.desk.now(), ten(&self.desk)?);
            let entry = Entry::refusal(EventType::ApprovalVoted, no.as_str(), now, random);
            self.record(&scribe, entry.with(about)).await
        };
        Not::No(if recorded.await.is_ok() { no } else { No::Busy })
    }

    async fn try_to_say(
        &self,
        request: &Request,
        session: &Session,
        id: &ApprovalId,
        asked: Asked<'_>,
    ) -> Result<Say, Not> {
        let link = self.link(id).await?.ok_or(NoCase::Nothing("approval_unknown"))?;
        let mut told: Option<Scribe> = None;
        // Whether the word that is there may be this request's own, whose answer was lost.
        let mut lost = false;
        for round in 0..TRIES {
            let case = match self.case(session, &link, id).await {
                Ok(case) => case,
                Err(why) => return self.stopped(told, why.into()).await,
            };
            let decision = match decided(&case, asked, self.desk.now()) {
                Ok(decision) => decision,
                // It was approved between two reads of this look: by this very word perhaps, sent twice. The next look sees it.
                Err(No::Stale) if case.is_last() && round == 0 => continue,
                Err(no) => return self.stopped(told, no.into()).await,
            };
            let (say, (row, vote)) = match decision {
                (say, Decision::Said) => {
                    self.was_said(told, lost, &case).await;
                    return Ok(say);
                }
                (say, Decision::Cast { row, vote }) => (say, (row, vote)),
            };
            let scribe = match told.take() {
                Some(scribe) => scribe,
                None => self.announce(request, &case, &vote).await?,
            };
            let writes = self.writes(&case, &row, &vote, comment(asked))?;
            match self.desk.write(writes).await {
                Ok(()) => {
                    self.ended(&scribe, (&row, &vote)).await;
                    return Ok(say);
                }
                // Another look says what is there now: even whether this was written.
                Err(fault) => {
                    lost |= fault == GateFault::Unknown;
                    told = Some(scribe);
                    self.desk.pause(round).await;
                }
            }
        }
        self.stopped(told, No::Busy.into()).await
    }

    /// It was begun, and comes to nothing after all.
    async fn stopped(&self, told: Option<Scribe>, not: Not) -> Result<Say, Not> {
        if let (Some(scribe), Ok(random)) = (&told, ten(&self.desk)) {
            let reason = match not {
                Not::No(no) => no.as_str(),
                Not::Case(NoCase::Nothing(reason)) => reason,
                Not::Case(NoCase::Unavailable) => No::Busy.as_str(),
            };
            let entry = Entry::of(EventType::ApprovalVoted, Phase::Outcome, self.desk.now(), random);
            self.told(scribe, entry.because(reason)).await;
        }
        Err(not)
    }

    /// It is written: by one before, which has told of it, or by this very request, whose answer was lost and which tells of it now.
    async fn was_said(&self, told: Option<Scribe>, lost: bool, case: &Case) {
        let Some(scribe) = told else { return };
        let vote = case.row.votes.iter().find(|vote| vote.user == case.me.session.user);
        if let (true, Some(vote)) = (lost, vote) {
            return self.ended(&scribe, (&case.row, vote)).await;
        }
        let Ok(random) = ten(&self.desk) else { return };
        self.told(&scribe, Entry::of(EventType::ApprovalVoted, Phase::Outcome, self.desk.now(), random))
            .await;
    }

    /// Recorded before it is written.
    async fn announce(&self, request: &Request, case: &Case, vote: &Vote) -> Result<Scribe, Away> {
        let me = &case.me;
        let scribe = Scribe::person(&me.session, me.role, &me.tenant, (self.desk.region(), self.action()?));
        let scribe = scribe.of_request(request.request_id.clone()).about(&case.row);
        let entry = Entry::of(EventType::ApprovalVoted, Phase::Attempt, self.desk.now(), ten(&self.desk)?);
        let record = scribe.record(entry.with(of_vote(vote)));
        self.desk.attempt(scribe.action_id, record).await?;
        Ok(scribe)
    }

    /// What one word writes, all or nothing: the request, if it is as it was; that they are who they were; their comment; how they
    /// decide; and, if it is approved, what the next of its kind is compared with.
    fn writes(&self, case: &Case, row: &ApprovalRow, vote: &Vote, comment: &str) -> Result<Vec<Write>, Away> {
        let me = &case.me;
        let mut writes = step(&case.item, row, vote.at);
        let (key, item) = &me.row;
        writes.push(unchanged(key, Some(item), &STANDING));
        let binding = Key::binding(&me.tenant, &vote.user);
        writes.push(unchanged(&binding, case.rows.get(&binding), &["role", "via"]));
        if !comment.is_empty() {
            let key = Key::approval_comment(&row.id, &vote.user);
            let aad = Aad::row(&me.tenant, key.table.as_str(), &key.pk, &key.sk, "sealed");
            let sealed = self.seal(&case.root, &aad, comment)?;
            let row = CommentRow { user: vote.user.clone(), at: vote.at, sealed };
            writes.push(Swap::create(key, row.to_item()).to_write());
        }
        let voted = VotedRow {
            tenant: me.tenant.clone(),
            approval: row.id.clone(),
            say: vote.say,
            at: vote.at,
            took_ms: vote.took_ms,
        };
        let key = Key::voted(&vote.user, vote.at, &row.id);
        let kept = Swap::create(key, voted.to_item()).expiring(vote.at.plus_millis(VOTED_MS));
        writes.push(kept.to_write());
        if let (ApprovalState::Approved, Ok(action)) = (row.state, &case.action) {
            let last = LastRow {
                approval: row.id.clone(),
                digest: row.asked.digest.clone(),
                at: vote.at,
                sealed: row.asked.sealed.clone(),
            };
            writes.push(placed(last_key(row, action, &case.root), last.to_item()));
        }
        Ok(writes)
    }

    /// It is written: recorded, and whoever waits is told.
    async fn ended(&self, scribe: &Scribe, (row, vote): (&ApprovalRow, &Vote)) {
        let Ok(random) = ten(&self.desk) else { return };
        let now = self.desk.now();
        let outcome = Entry::of(EventType::ApprovalVoted, Phase::Outcome, now, random);
        self.told(scribe, outcome.with(of_vote(vote))).await;
        if row.state == ApprovalState::Pending {
            return;
        }
        let Ok(random) = ten(&self.desk) else { return };
        let state = Metadata::default().with("state", MetaValue::Code(Code::literal(row.state.as_str())));
        let decided = Entry::of(EventType::ApprovalDecided, Phase::Single, now, random);
        self.told(scribe, decided.with(state.count("votes", row.votes.len() as u64))).await;
        self.tell(row, Step::Decided).await;
    }

    /// Tells of a step, by the queue. What the queue does not take is told again by the clock.
    pub(crate) async fn tell(&self, row: &ApprovalRow, step: Step) {
        let _ = self.tell_of(&Message::new(step, row.from.tenant.clone(), row.id.clone())).await;
    }

    /// # Errors
    /// The queue did not take it.
    pub(crate) async fn tell_of(&self, message: &Message) -> Result<(), Away> {
        self.outside.tell(message).await.inspect_err(|Away| {
            tracing::error!(approval_id = %message.approval, kind = message.kind.as_str(), "approval.not_told");
        })
    }
}

fn comment(asked: Asked<'_>) -> &str {
    match asked {
        Asked::Page(word) => &word.comment,
        Asked::Together(_) => "",
    }
}

/// What a word comes to over these rows. Pure.
fn decided(case: &Case, asked: Asked<'_>, now: domain::Timestamp) -> Result<(Say, Decision), No> {
    let (row, me) = (&case.row, &case.me);
    let say = match asked {
        Asked::Page(word) => {
            let Rendered { shown, what: _, seen } = rendered(case, word.reveal);
            let csrf = case.csrf();
            let shown = shown.as_ref().map_err(|why| *why);
            decide::form(row, me, &Form { word, csrf: &csrf, seen: &seen, shown })?
        }
        Asked::Together(say) => {
            let Rendered { shown, .. } = rendered(case, false);
            decide::together(row, say, case.looked().is_some(), shown.as_ref().map_err(|why| *why))?;
            say
        }
    };
    decide::cast(row.clone(), me, say, case.looked(), now).map(|decision| (say, decision))
}

/// What is recorded of a word.
fn of_vote(vote: &Vote) -> Metadata {
    let say = Code::literal(vote.say.as_str());
    let metadata = Metadata::default().with("say", MetaValue::Code(say)).count("took_ms", vote.took_ms);
    match vote.instead_of.as_ref().and_then(|user| user.as_str().parse().ok()) {
        Some(user) => metadata.with("instead_of", MetaValue::Code(user)),
        None => metadata,
    }
}
