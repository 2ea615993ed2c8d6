//! What each channel received and was told to do, in bounded memory.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use hyper::http::request::Parts;
use serde::Serialize;

use super::behaviour::Behaviour;
use super::progress::Progress;

/// Requests kept per channel; older ones are forgotten first.
const REQUESTS_MAX: usize = 1_000;
/// Body bytes kept per channel, for tests that send large bodies many times.
const RECORDED_BYTES_MAX: usize = 64 << 20;
/// Longest channel name.
const NAME_BYTES_MAX: usize = 64;

/// One request as it arrived. Headers of one name are joined by `, `; bytes that are no UTF-8 become U+FFFD.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Received {
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
    body: String,
}

#[derive(Debug, Default)]
struct Channel {
    behaviour: Behaviour,
    received: VecDeque<Received>,
    bytes: usize,
    progress: Arc<Progress>,
}

/// All channels; made on first use.
#[derive(Debug, Default)]
pub(super) struct Channels(Mutex<HashMap<String, Channel>>);

/// Whether `name` can be a channel: a leading `_` is kept for the control paths.
pub(super) fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    !name.is_empty()
        && name.len() <= NAME_BYTES_MAX
        && name != "healthz"
        && !name.starts_with('_')
        && name.bytes().all(plain)
}

impl Received {
    pub(super) fn new(head: &Parts, body: &Bytes) -> Self {
        let mut headers = BTreeMap::<String, String>::new();
        for (name, value) in &head.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            headers
                .entry(name.as_str().to_owned())
                .and_modify(|all| *all = format!("{all}, {value}"))
                .or_insert_with(|| value.into_owned());
        }
        let path = head.uri.path_and_query().map_or_else(|| head.uri.path().to_owned(), ToString::to_string);
        Self {
            method: head.method.to_string(),
            path,
            headers,
            body: String::from_utf8_lossy(body).into_owned(),
        }
    }
}

impl Channels {
    pub(super) fn record(&self, name: &str, received: Received) {
        let mut channels = self.lock();
        let channel = channels.entry(name.to_owned()).or_default();
        channel.bytes += received.body.len();
        channel.received.push_back(received);
        while channel.received.len() > REQUESTS_MAX || channel.bytes > RECORDED_BYTES_MAX {
            let Some(oldest) = channel.received.pop_front() else { break };
            channel.bytes -= oldest.body.len();
        }
    }

    pub(super) fn received(&self, name: &str) -> Vec<Received> {
        self.lock().get(name).map(|channel| channel.received.iter().cloned().collect()).unwrap_or_default()
    }

    pub(super) fn forget(&self, name: &str) {
        if let Some(channel) = self.lock().get_mut(name) {
            channel.received.clear();
            channel.bytes = 0;
        }
    }

    /// What the channel was told, and how far its streams are.
    pub(super) fn behaviour(&self, name: &str) -> (Behaviour, Arc<Progress>) {
        let mut channels = self.lock();
        let channel = channels.entry(name.to_owned()).or_default();
        (channel.behaviour.clone(), Arc::clone(&channel.progress))
    }

    pub(super) fn progress(&self, name: &str) -> Arc<Progress> {
        self.behaviour(name).1
    }

    /// From now on. Streams that run keep their behaviour; unused steps and the count of sent events are forgotten.
    pub(super) fn set_behaviour(&self, name: &str, behaviour: Behaviour) {
        let mut channels = self.lock();
        let channel = channels.entry(name.to_owned()).or_default();
        channel.behaviour = behaviour;
        channel.progress.reset();
    }

    /// A panic elsewhere cannot leave the map half changed: every change above is complete or not begun.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Channel>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(body: &str) -> Received {
        let (head, ()) = hyper::Request::new(()).into_parts();
        Received::new(&head, &Bytes::copy_from_slice(body.as_bytes()))
    }

    #[test]
    fn the_oldest_requests_are_forgotten() {
        let channels = Channels::default();
        for n in 0..=REQUESTS_MAX {
            channels.record("a", received(&n.to_string()));
        }
        let kept = channels.received("a");
        assert_eq!(kept.len(), REQUESTS_MAX);
        assert_eq!(kept.first().unwrap().body, "1");
        assert!(channels.received("b").is_empty(), "channels are apart");
    }

    #[test]
    fn recorded_bytes_are_bounded() {
        let channels = Channels::default();
        let large = "x".repeat(RECORDED_BYTES_MAX / 3);
        (0..5).for_each(|_| channels.record("a", received(&large)));
        assert_eq!(channels.received("a").len(), 3);
    }

    #[test]
    fn control_paths_are_no_channels() {
        for name in ["", "_control", "_requests", "_step", "_streams", "healthz", "a/b", "a%20"] {
            assert!(!is_name(name), "{name}");
        }
        assert!(is_name("t_0190-x.A"));
    }
}
