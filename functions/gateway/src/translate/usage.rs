//! Tokens and reasons to stop, as the dialects count and name them.

use serde_json::{Map, Value, json};

/// Tokens of one answer. Anthropic counts cached input apart, OpenAI within: here it is within.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    pub input: u64,
    pub cache_read: u64,
    pub cache_write: u64,
    pub output: u64,
    pub reasoning: u64,
}

fn count(usage: &Value, name: &str) -> Option<u64> {
    usage.get(name).and_then(Value::as_u64)
}

fn detail(usage: &Value, group: &str, name: &str) -> u64 {
    usage.get(group).and_then(|group| count(group, name)).unwrap_or_default()
}

impl Usage {
    /// From a Chat `usage`.
    pub fn of_chat(usage: &Value) -> Option<Self> {
        Some(Self {
            input: count(usage, "prompt_tokens")?,
            output: count(usage, "completion_tokens")?,
            cache_read: detail(usage, "prompt_tokens_details", "cached_tokens"),
            cache_write: detail(usage, "prompt_tokens_details", "cache_write_tokens"),
            reasoning: detail(usage, "completion_tokens_details", "reasoning_tokens"),
        })
    }

    pub fn to_chat(self) -> Value {
        json!({
            "prompt_tokens": self.input,
            "completion_tokens": self.output,
            "total_tokens": self.input.saturating_add(self.output),
            "prompt_tokens_details": {"cached_tokens": self.cache_read, "cache_write_tokens": self.cache_write},
            "completion_tokens_details": {"reasoning_tokens": self.reasoning},
        })
    }

    pub fn to_messages(self) -> Map<String, Value> {
        let fresh = self.input.saturating_sub(self.cache_read).saturating_sub(self.cache_write);
        super::fields::object([
            ("input_tokens", fresh.into()),
            ("cache_creation_input_tokens", self.cache_write.into()),
            ("cache_read_input_tokens", self.cache_read.into()),
            ("output_tokens", self.output.into()),
            ("output_tokens_details", json!({"thinking_tokens": self.reasoning})),
        ])
    }

    pub fn to_responses(self) -> Value {
        json!({
            "input_tokens": self.input,
            "input_tokens_details": {"cached_tokens": self.cache_read, "cache_write_tokens": self.cache_write},
            "output_tokens": self.output,
            "output_tokens_details": {"reasoning_tokens": self.reasoning},
            "total_tokens": self.input.saturating_add(self.output),
        })
    }
}

/// Anthropic's counts, which a stream gives in parts: each later one replaces the earlier.
#[derive(Debug, Clone, Copy, Default)]
pub struct MessagesUsage {
    fresh: Option<u64>,
    cache_read: u64,
    cache_write: u64,
    output: u64,
    reasoning: u64,
}

impl MessagesUsage {
    pub fn update(&mut self, usage: &Value) {
        self.fresh = count(usage, "input_tokens").or(self.fresh);
        self.cache_read = count(usage, "cache_read_input_tokens").unwrap_or(self.cache_read);
        self.cache_write = count(usage, "cache_creation_input_tokens").unwrap_or(self.cache_write);
        self.output = count(usage, "output_tokens").unwrap_or(self.output);
        let thinking =
            usage.get("output_tokens_details").and_then(|details| count(details, "thinking_tokens"));
        self.reasoning = thinking.unwrap_or(self.reasoning);
    }

    /// The sums, if the provider told its input at all.
    pub fn total(&self) -> Option<Usage> {
        let input = self.fresh?.saturating_add(self.cache_read).saturating_add(self.cache_write);
        let Self { cache_read, cache_write, output, reasoning, .. } = *self;
        Some(Usage { input, cache_read, cache_write, output, reasoning })
    }
}

/// Chat's word for Anthropic's reason to stop.
pub fn finish_reason(stop_reason: &str) -> &'static str {
    match stop_reason {
        "max_tokens" | "model_context_window_exceeded" => "length",
        "tool_use" => "tool_calls",
        "refusal" => "content_filter",
        // `end_turn`, `stop_sequence` and `pause_turn`, which only the provider's own tools cause.
        _ => "stop",
    }
}

/// Anthropic's word for Chat's. Some servers say `stop` after calls of tools.
pub fn stop_reason(finish_reason: &str, refused: bool, calls: bool) -> &'static str {
    match finish_reason {
        "length" => "max_tokens",
        "content_filter" => "refusal",
        "tool_calls" | "function_call" => "tool_use",
        _ if calls => "tool_use",
        _ if refused => "refusal",
        _ => "end_turn",
    }
}

/// Why a Responses answer is incomplete, if it is.
pub fn incomplete(finish_reason: &str) -> Option<&'static str> {
    match finish_reason {
        "length" => Some("max_output_tokens"),
        "content_filter" => Some("content_filter"),
        _ => None,
    }
}
