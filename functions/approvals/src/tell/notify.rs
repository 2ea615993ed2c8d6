//! What one message of the queue is told to whom. People get a link and nothing of what is asked; an agent gets how it ended.

use domain::{ApprovalRow, Code, EventType, MetaValue, Metadata, Name, Phase};
use serde_json::{Value, json};
use tables::directory::cleared;
use tables::{Key, Marker, Swap};

use super::webhook::signed;
use crate::channels::{Channels, Hook};
use crate::desk::{Away, Desk, Outside};
use crate::effects::{Effects, find, ten};
use crate::records::{Entry, Scribe};
use domain::{ApprovalMessage as Message, ApprovalStep as Step};

/// For how long it is kept what was told: no message waits longer (SQS keeps it 14 days).
const TOLD_MS: u64 = 15 * 86_400_000;

/// One way to tell.
enum Way<'a> {
    Mail(&'a str),
    Slack(&'a str),
    Hook(&'a Name, &'a Hook),
    /// The agent.
    Callback(&'a Name, &'a Hook),
}

impl Way<'_> {
    /// What it is called in records, and what keeps it from being told twice.
    fn name(&self, at: usize) -> String {
        match self {
            Self::Mail(_) => format!("mail.{at}"),
            Self::Slack(_) => "slack".to_owned(),
            Self::Hook(name, _) => format!("webhook.{name}"),
            Self::Callback(name, _) => format!("callback.{name}"),
        }
    }

    const fn kind(&self) -> &'static str {
        match self {
            Self::Mail(_) => "mail",
            Self::Slack(_) => "slack",
            Self::Hook(..) => "webhook",
            Self::Callback(..) => "callback",
        }
    }
}

impl<D: Desk, O: Outside> Effects<D, O> {
    /// Tells what a message says. What was told of it before is not told again.
    ///
    /// # Errors
    /// A code: somebody was not reached, or something did not answer. The queue tries again.
    pub async fn notify(&self, text: &str) -> Result<(), &'static str> {
        let message = Message::parse(text)?;
        let place = Key::approval(&message.tenant, &message.approval);
        let rows = self.desk.rows(std::slice::from_ref(&place)).await.map_err(|Away| "tables_unavailable")?;
        let row: Option<ApprovalRow> = find(&rows, &place).map_err(|Away| "row_unreadable")?;
        // Whoever tells before it is written, or what was never written, is not believed.
        let row = row.ok_or("not_written")?;
        // It came: the clock need not tell it again.
        drop(self.desk.write(vec![cleared(Key::untold(&message))]).await);
        let open = row.is_open(self.desk.now());
        match (message.kind, open) {
            (Step::Decided, true) => return Err("not_ended"),
            (Step::Requested | Step::Reminded | Step::Escalated, false) => return Ok(()),
            _ => {}
        }
        let channels = self.channels(&message.tenant).await.map_err(|Away| "channels_unavailable")?;
        let channels = channels.unwrap_or_default();
        let ways = ways(&channels, &row, message.kind);
        let mut ended = Ok(());
        for (at, way) in ways.iter().enumerate() {
            if self.tell_once(&row, message.kind, way, at).await.is_err() {
                ended = Err("not_reached");
            }
        }
        ended
    }

    /// Tells by one way, unless that was done.
    async fn tell_once(&self, row: &ApprovalRow, kind: Step, way: &Way<'_>, at: usize) -> Result<(), Away> {
        let told = Key::approval_told(&row.id, format!("{}#{}", occasion(row, kind), way.name(at)));
        if self.desk.rows(std::slice::from_ref(&told)).await?.contains_key(&told) {
            return Ok(());
        }
        let scribe = Scribe::system(row, self.desk.region(), self.action()?);
        let event =
            if kind == Step::Decided { EventType::ApprovalCalledBack } else { EventType::ApprovalNotified };
        let of = || {
            let code = |text: &'static str| MetaValue::Code(Code::literal(text));
            Metadata::default().with("kind", code(kind.as_str())).with("channel", code(way.kind()))
        };
        let attempt = Entry::of(event, Phase::Attempt, self.desk.now(), ten(&self.desk)?).with(of());
        self.desk.attempt(scribe.action_id, scribe.record(attempt)).await?;
        let sent = self.send(row, kind, way).await;
        let outcome = Entry::of(event, Phase::Outcome, self.desk.now(), ten(&self.desk)?).with(of());
        let outcome = if sent.is_ok() { outcome } else { outcome.because("not_reached") };
        self.told(&scribe, outcome).await;
        if sent.is_ok() {
            let until = self.desk.now().plus_millis(TOLD_MS);
            let mark = Swap::create(told, Marker::item()).expiring(until);
            // Without the mark it may be told twice, which whoever is told knows by its id.
            let _ = self.desk.write(vec![mark.to_write()]).await;
        }
        sent
    }

    async fn send(&self, row: &ApprovalRow, kind: Step, way: &Way<'_>) -> Result<(), Away> {
        let link = format!("{}/a/{}", self.own, row.id);
        match way {
            Way::Mail(to) => self.outside.mail(to, subject(kind), &mail(kind, &link)).await,
            Way::Slack(url) => self.outside.post(url, Vec::new(), slack(row, kind, &link).to_string()).await,
            Way::Hook(_, hook) => {
                let body = json!({"type": format!("approval.{}", kind.as_str()), "timestamp": self.desk.now(),
                    "data": {"approval": row.id, "tenant": row.from.tenant, "url": link, "expires_at": row.expires_at}});
                self.hook(row, kind, hook, &body).await
            }
            Way::Callback(_, hook) => self.hook(row, kind, hook, &self.ended_as(row)).await,
        }
    }

    /// How a request ended, for the agent that asked.
    fn ended_as(&self, row: &ApprovalRow) -> Value {
        json!({"type": "approval.decided", "timestamp": self.desk.now(),
            "data": {"approval": row.id, "tenant": row.from.tenant, "agent": row.from.agent,
                "status": row.state, "action_sha256": row.asked.digest, "expires_at": row.expires_at}})
    }

    async fn hook(&self, row: &ApprovalRow, kind: Step, hook: &Hook, body: &Value) -> Result<(), Away> {
        let id = format!("{}.{}", row.id, occasion(row, kind));
        let signed = signed(hook.secret.expose(), &id, self.desk.now(), body.to_string());
        self.outside.post(hook.url.expose(), signed.headers, signed.body).await
    }
}

/// What is told once: each reminder, each time that others are asked, and each end. What was approved may be cancelled after.
fn occasion(row: &ApprovalRow, kind: Step) -> String {
    let of = match kind {
        Step::Requested => String::new(),
        Step::Reminded => row.reminded_at.map(|at| at.unix_millis().to_string()).unwrap_or_default(),
        Step::Escalated => row.escalated_at.map(|at| at.unix_millis().to_string()).unwrap_or_default(),
        Step::Decided => row.state.to_string(),
    };
    if of.is_empty() { kind.as_str().to_owned() } else { format!("{}.{of}", kind.as_str()) }
}

/// Whom a step is told. An end is told to the agent alone.
fn ways<'a>(channels: &'a Channels, row: &ApprovalRow, kind: Step) -> Vec<Way<'a>> {
    if kind == Step::Decided {
        let named = row.asked.callback.as_ref().and_then(|name| channels.webhooks.get_key_value(name));
        return named.map(|(name, hook)| Way::Callback(name, hook)).into_iter().collect();
    }
    let mails = channels.emails.iter().take(Channels::EMAILS_MAX).map(|to| Way::Mail(to));
    let slack = channels.slack.iter().map(|slack| Way::Slack(slack.webhook_url.expose()));
    let hook = channels.approvers_webhook.as_ref().and_then(|name| channels.webhooks.get_key_value(name));
    mails.chain(slack).chain(hook.map(|(name, hook)| Way::Hook(name, hook))).collect()
}

const fn subject(kind: Step) -> &'static str {
    match kind {
        Step::Requested | Step::Decided => "An action of an agent waits for your approval",
        Step::Reminded => "Still waiting: an action of an agent needs your approval",
        Step::Escalated => "You are asked too: an action of an agent waits for approval",
    }
}

fn mail(kind: Step, link: &str) -> String {
    let first = subject(kind);
    format!(
        "{first}.\n\nLook at it, and decide, here:\n{link}\n\n\
         Opening the link decides nothing: you will be asked to sign in, and to say yes or no. \
         What the agent wants to do stands on that page alone.\n"
    )
}

/// A message with a link, and a way to say no (Slack, Block Kit).
fn slack(row: &ApprovalRow, kind: Step, link: &str) -> Value {
    let text = format!("{}: <{link}|look at it and decide>", subject(kind));
    let plain = |text: &str| json!({"type": "plain_text", "text": text});
    json!({"text": text, "blocks": [
        {"type": "section", "text": {"type": "mrkdwn", "text": text}},
        {"type": "actions", "elements": [
            {"type": "button", "action_id": "open", "text": plain("Look and decide"), "url": link},
            {"type": "button", "action_id": "deny", "style": "danger", "text": plain("Deny"), "value": row.id,
             "confirm": {"title": plain("Deny it?"), "text": plain("It is denied without being looked at."),
                         "confirm": plain("Deny"), "deny": plain("Back")}},
        ]},
    ]})
}
