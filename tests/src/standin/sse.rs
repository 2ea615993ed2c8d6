//! A stream of events, sent one by one, with what goes wrong on the way.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Frame;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::answer::{Body, Dropped};
use super::behaviour::{Behaviour, Fault, Framing, LONG_EVENT_BYTES};
use super::dialect::Route;
use super::progress::Progress;
use super::responses;

const FAILURE: &str = "the stand-in was told to fail";

/// One event as it is written: text, but for faults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event(pub(super) Bytes);

impl Event {
    /// Without a name: OpenAI chat.
    pub(super) fn data(data: impl std::fmt::Display) -> Self {
        Self::text(format!("data: {data}\n\n"))
    }

    /// The end of a chat stream.
    pub(super) fn done() -> Self {
        Self::data("[DONE]")
    }

    /// Named by its own `type`: Responses and Messages.
    pub(super) fn named(data: Value) -> Self {
        match data.get("type").and_then(Value::as_str) {
            Some(name) => Self::text(format!("event: {name}\ndata: {data}\n\n")),
            None => Self::data(data),
        }
    }

    fn text(text: String) -> Self {
        Self(Bytes::from(text))
    }

    /// The same event, written otherwise. `at` is its place in the stream.
    fn framed(self, framing: Framing, at: usize) -> Self {
        let Ok(text) = std::str::from_utf8(&self.0) else { return self };
        Self::text(match framing {
            Framing::Plain => return self,
            Framing::Crlf => text.replace('\n', "\r\n"),
            Framing::Cr => text.replace('\n', "\r"),
            Framing::Tight => tight(text),
            Framing::Noisy => {
                let mark = if at == 0 { "\u{feff}" } else { "" };
                format!("{mark}: comment\n\nretry: 10\nid: {at}\n{text}:\n\n")
            }
            Framing::Multiline => multiline(text),
        })
    }
}

fn tight(text: &str) -> String {
    let line = |line: &str| match line.split_once(": ") {
        Some((field, value)) => format!("{field}:{value}\n"),
        None => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

/// Data that is JSON is spread over lines; other data stays as it is.
fn multiline(text: &str) -> String {
    let spread = |line: &str| -> Option<String> {
        let data: Value = serde_json::from_str(line.strip_prefix("data: ")?).ok()?;
        let pretty = serde_json::to_string_pretty(&data).ok()?;
        Some(pretty.lines().map(|line| format!("data: {line}\n")).collect())
    };
    text.lines().map(|line| spread(line).unwrap_or_else(|| format!("{line}\n"))).collect()
}

/// The events to replay instead of the own ones. A chat stream gets its end mark, unless the list brings one.
pub(super) fn replayed(route: Route, events: &[Value]) -> Vec<Event> {
    let event = |event: &Value| match event {
        Value::String(text) => Event::data(text),
        value if route == Route::Chat => Event::data(value),
        value => Event::named(value.clone()),
    };
    let mut all: Vec<_> = events.iter().map(event).collect();
    if route == Route::Chat && !all.contains(&Event::done()) {
        all.push(Event::done());
    }
    all
}

/// How a stream's last bytes are followed.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Proper,
    Stall,
    Close,
}

/// What is written, and how it ends.
fn spoil(route: Route, events: Vec<Event>, behaviour: &Behaviour) -> (Vec<Event>, End) {
    let framed = |(at, event): (usize, Event)| event.framed(behaviour.framing, at);
    let mut events: Vec<_> = events.into_iter().enumerate().map(framed).collect();
    let Some(fault) = behaviour.stream_fault() else { return (events, End::Proper) };
    let at = behaviour.sse_after.unwrap_or(events.len() / 2).min(events.len());
    let rest = if fault == Fault::SplitUtf8 { Vec::new() } else { events.split_off(at) };
    match fault {
        Fault::SplitUtf8 | Fault::NoEnd => {}
        Fault::Stall => return (events, End::Stall),
        Fault::Malformed | Fault::BadUtf8 | Fault::LongEvent => {
            events.push(broken(route, fault));
            events.extend(rest);
        }
        Fault::Unseparated => {
            let joined = |Event(bytes): Event| Event(bytes.slice(..bytes.len().saturating_sub(1)));
            events.extend(rest.into_iter().map(joined));
        }
        Fault::Truncate => {
            let half = |Event(bytes): &Event| Event(bytes.slice(..bytes.len() / 2));
            events.extend(rest.first().map(half));
            return (events, End::Close);
        }
        Fault::ErrorEvent | Fault::FlatErrorEvent | Fault::Failed => events.push(failure(route, at, fault)),
    }
    (events, End::Proper)
}

/// An event that readers look at, with data that is cut off, no text or far too long.
fn broken(route: Route, fault: Fault) -> Event {
    let name = match route {
        Route::Responses => "event: response.output_text.delta\n",
        Route::Messages => "event: content_block_delta\n",
        _ => "",
    };
    let data = match fault {
        Fault::BadUtf8 => b"{\"delta\":\"\xff\xc3\"}".to_vec(),
        Fault::LongEvent => {
            [b"{\"delta\":\"".to_vec(), vec![b'x'; LONG_EVENT_BYTES], b"\"}".to_vec()].concat()
        }
        _ => b"{\"delta\": {\"text\"".to_vec(),
    };
    Event(Bytes::from([name.as_bytes(), b"data: ", &data, b"\n\n"].concat()))
}

fn failure(route: Route, after: usize, fault: Fault) -> Event {
    match route {
        Route::Responses => responses::failure(after, fault, FAILURE),
        Route::Messages => {
            let error = json!({ "type": "overloaded_error", "message": FAILURE });
            Event::named(json!({ "type": "error", "error": error }))
        }
        _ => Event::data(route.error(StatusCode::INTERNAL_SERVER_ERROR, FAILURE)),
    }
}

/// Cuts an event into the pieces it is written in.
fn pieces(Event(bytes): &Event, behaviour: &Behaviour) -> Vec<Bytes> {
    if behaviour.stream_fault() == Some(Fault::SplitUtf8) {
        return split_characters(&String::from_utf8_lossy(bytes));
    }
    let most = if behaviour.write_bytes == 0 { bytes.len().max(1) } else { behaviour.write_bytes };
    bytes.chunks(most).map(Bytes::copy_from_slice).collect()
}

/// After the first byte of every character that has more.
fn split_characters(text: &str) -> Vec<Bytes> {
    let mut pieces = vec![Vec::new()];
    for character in text.chars() {
        let mut buffer = [0; 4];
        for (at, byte) in character.encode_utf8(&mut buffer).bytes().enumerate() {
            if at == 1 {
                pieces.push(Vec::new());
            }
            if let Some(piece) = pieces.last_mut() {
                piece.push(byte);
            }
        }
    }
    pieces.into_iter().map(Bytes::from).collect()
}

/// The answer that sends `events`. It stops when the reader goes away.
pub(super) fn stream(
    route: Route,
    events: Vec<Event>,
    behaviour: &Behaviour,
    progress: Arc<Progress>,
) -> Response<Body> {
    let (sender, receiver) = mpsc::channel(1);
    let (events, end) = spoil(route, events, behaviour);
    let behaviour = behaviour.clone();
    drop(tokio::spawn(async move {
        let _open = progress.opened();
        if send(events, &behaviour, &progress, &sender).await.is_some() {
            finish(end, &progress, &sender).await;
        }
    }));
    let mut response = Response::new(Feed { receiver, closing: false }.boxed());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// `None` is a connection that closes on purpose.
type Sender = mpsc::Sender<Option<Bytes>>;

/// `None` when nobody reads any more.
async fn send(events: Vec<Event>, behaviour: &Behaviour, progress: &Progress, sender: &Sender) -> Option<()> {
    for (at, event) in events.iter().enumerate() {
        if behaviour.stepped {
            tokio::select! {
                () = progress.step() => {}
                () = sender.closed() => return None,
            }
        }
        if at > 0 && behaviour.event_delay_ms > 0 {
            tokio::time::sleep(Duration::from_millis(behaviour.event_delay_ms)).await;
        }
        progress.sending();
        for piece in pieces(event, behaviour) {
            sender.send(Some(piece)).await.ok()?;
        }
    }
    Some(())
}

async fn finish(end: End, progress: &Arc<Progress>, sender: &Sender) {
    match end {
        End::Proper => {}
        End::Stall => {
            let _stalled = progress.stalled();
            sender.closed().await;
        }
        // Nobody to close on is as good.
        End::Close => drop(sender.send(None).await),
    }
}

/// A body fed by a task. Every piece is a chunk of its own, also when several go out in one write.
struct Feed {
    receiver: mpsc::Receiver<Option<Bytes>>,
    closing: bool,
}

impl hyper::body::Body for Feed {
    type Data = Bytes;
    type Error = Dropped;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Dropped>>> {
        if self.closing {
            return Poll::Ready(Some(Err(Dropped)));
        }
        match std::task::ready!(self.receiver.poll_recv(cx)) {
            Some(Some(piece)) => Poll::Ready(Some(Ok(Frame::data(piece)))),
            Some(None) => {
                // One more turn: hyper writes what it has when a body is not ready, and drops it on an error.
                self.closing = true;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            None => Poll::Ready(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(count: usize) -> Vec<Event> {
        (0..count).map(Event::data).collect()
    }

    fn told(sse: Fault, after: Option<usize>) -> Behaviour {
        Behaviour { sse: Some(sse), sse_after: after, ..Behaviour::default() }
    }

    #[test]
    fn each_fault_leaves_what_it_says() {
        let spoilt = |fault, after| {
            let (events, end) = spoil(Route::Chat, numbered(4), &told(fault, after));
            (events.len(), end)
        };
        assert_eq!(spoilt(Fault::Stall, None), (2, End::Stall));
        assert_eq!(spoilt(Fault::Truncate, Some(1)), (2, End::Close));
        assert_eq!(spoilt(Fault::NoEnd, Some(3)), (3, End::Proper));
        assert_eq!(spoilt(Fault::Malformed, Some(0)), (5, End::Proper));
        assert_eq!(spoilt(Fault::BadUtf8, Some(4)), (5, End::Proper));
        assert_eq!(spoilt(Fault::LongEvent, None), (5, End::Proper));
        assert_eq!(spoilt(Fault::Unseparated, None), (4, End::Proper));
        assert_eq!(spoilt(Fault::ErrorEvent, Some(99)), (5, End::Proper));
        assert_eq!(spoilt(Fault::SplitUtf8, None), (4, End::Proper));
    }

    #[test]
    fn every_framing_says_the_same() {
        let event = Event::named(json!({ "type": "a", "text": ": \\n" }));
        for framing in
            [Framing::Plain, Framing::Crlf, Framing::Cr, Framing::Tight, Framing::Noisy, Framing::Multiline]
        {
            let Event(bytes) = event.clone().framed(framing, 0);
            let text = std::str::from_utf8(&bytes).unwrap().replace("\r\n", "\n").replace('\r', "\n");
            assert!(text.ends_with("\n\n"), "{framing:?}: {text}");
            let field = |name: &str| {
                let values = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
                values.map(|value| value.strip_prefix(' ').unwrap_or(value)).collect::<Vec<_>>().join("\n")
            };
            assert_eq!(field("event"), "a", "{framing:?}");
            let data: Value = serde_json::from_str(&field("data")).unwrap();
            assert_eq!(data, json!({ "type": "a", "text": ": \\n" }), "{framing:?}");
        }
    }

    #[test]
    fn characters_are_cut_and_nothing_is_lost() {
        let text = "a\u{e9}\u{20ac}\u{1f600}z";
        let pieces = split_characters(text);
        assert_eq!(pieces.len(), 4);
        assert!(pieces[..3].iter().all(|piece| std::str::from_utf8(piece).is_err()));
        assert_eq!(pieces.concat(), text.as_bytes());
    }

    #[test]
    fn replayed_events_keep_their_bytes() {
        let events = [json!({ "type": "ping", "x": 1 }), json!("[raw")];
        let texts: Vec<_> = replayed(Route::Messages, &events).into_iter().map(|Event(text)| text).collect();
        assert_eq!(texts, ["event: ping\ndata: {\"type\":\"ping\",\"x\":1}\n\n", "data: [raw\n\n"]);
        assert_eq!(replayed(Route::Chat, &events).last(), Some(&Event::done()));
        assert_eq!(replayed(Route::Chat, &[json!("[DONE]")]), [Event::done()]);
    }
}
