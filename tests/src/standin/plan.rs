//! What the model answers, before a dialect gives it a shape.

use serde_json::Value;

use super::asked::{Asked, words};
use super::behaviour::{Behaviour, ToolCall, Usage};

/// Not a real time: answers that differ only in their id are easier to compare.
pub(super) const CREATED: u64 = 1_760_000_000;

#[derive(Debug)]
pub(super) struct Plan {
    pub(super) turns: Vec<Turn>,
    /// `None` leaves it out.
    usage: Option<Usage>,
    /// Stands in the place of usage, verbatim.
    usage_raw: Option<Value>,
    /// The told reason to stop, verbatim.
    pub(super) finish: Option<String>,
    pub(super) chunk_chars: usize,
}

/// One choice. Only chat completions can have several.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) reasoning: Option<String>,
    /// `None` beside tool calls.
    pub(super) text: Option<String>,
    pub(super) calls: Vec<ToolCall>,
    pub(super) stop: Stop,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    End,
    Length,
    Tools,
}

impl Plan {
    pub(super) fn make(asked: &Asked, behaviour: &Behaviour) -> Self {
        let turns: Vec<_> = (0..asked.choices).map(|index| turn(index, asked, behaviour)).collect();
        let counted = || {
            let reasoning = turns.iter().map(|turn| turn.reasoning.as_deref().map_or(0, words)).sum();
            let spoken: u64 = turns.iter().map(Turn::words).sum();
            let completion_tokens = spoken + reasoning;
            Usage {
                prompt_tokens: asked.words,
                completion_tokens,
                cached_tokens: 0,
                reasoning_tokens: reasoning,
            }
        };
        let usage = behaviour.usage.unwrap_or_else(|| Some(counted()));
        let (finish, usage_raw) = (behaviour.finish.clone(), behaviour.usage_raw.clone());
        Self { turns, usage, usage_raw, finish, chunk_chars: behaviour.chunk_chars() }
    }

    /// What is reported, in the dialect's own shape.
    pub(super) fn usage(&self, shape: impl Fn(Usage) -> Value) -> Option<Value> {
        self.usage_raw.clone().or_else(|| self.usage.map(shape))
    }

    /// The told reason, or the dialect's own.
    pub(super) fn finish<'a>(&'a self, own: &'a str) -> &'a str {
        self.finish.as_deref().unwrap_or(own)
    }

    /// The deltas of one text, in characters: never inside one, often inside a word or a placeholder.
    pub(super) fn deltas(&self, text: &str) -> Vec<String> {
        let chars: Vec<char> = text.chars().collect();
        chars.chunks(self.chunk_chars).map(|piece| piece.iter().collect()).collect()
    }
}

impl Turn {
    fn words(&self) -> u64 {
        let calls = self.calls.iter().map(|call| words(&call.arguments_text()) + 1);
        self.text.as_deref().map_or(0, words) + calls.sum::<u64>()
    }
}

fn turn(index: usize, asked: &Asked, behaviour: &Behaviour) -> Turn {
    let told = behaviour.tool_calls.iter().filter(|_| asked.tool_result.is_none()).cloned();
    let mut calls: Vec<_> = told.collect();
    if calls.is_empty() && behaviour.content.is_none() {
        calls.extend(asked.wanted_call());
    }
    let own = || asked.reasons.then(|| format!("The user said: {}", asked.user));
    let reasoning = behaviour.reasoning.clone().or_else(own);
    if !calls.is_empty() {
        return Turn { reasoning, text: behaviour.content.clone(), calls, stop: Stop::Tools };
    }
    let (text, stop) = clamp(speech(index, asked, behaviour), asked.max_tokens);
    Turn { reasoning, text: Some(text), calls, stop }
}

fn speech(index: usize, asked: &Asked, behaviour: &Behaviour) -> String {
    let echo = || match &asked.tool_result {
        Some(result) => format!("Tool said: {result}"),
        None => format!("You said: {}", asked.user),
    };
    let text = behaviour.content.clone().unwrap_or_else(echo);
    if index == 0 { text } else { format!("{text} [{index}]") }
}

/// Stops at the asked maximum as a model would, so that usage stays inside what the caller held for it.
fn clamp(text: String, max: Option<u64>) -> (String, Stop) {
    match max {
        Some(max) if words(&text) > max => {
            let max = usize::try_from(max).unwrap_or(usize::MAX);
            (text.split_whitespace().take(max).collect::<Vec<_>>().join(" "), Stop::Length)
        }
        _ => (text, Stop::End),
    }
}
