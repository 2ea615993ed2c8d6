//! How much a call can cost, before it is made: pure arithmetic over the request and the configured limits.

use domain::{PolicyRow, ProviderModel, Uninspectable};

use crate::form::Ask;

/// The most output tokens of one answer, and what the caller is told about it.
#[derive(Debug)]
pub struct Limit {
    pub tokens: u64,
    clamped: bool,
}

impl Limit {
    pub fn of(ask: &Ask, model: &ProviderModel, policy: &PolicyRow) -> Self {
        let most = model.max_output_tokens.min(policy.max_output_tokens);
        let asked = ask.asked_output();
        let tokens = asked.unwrap_or(most).min(most);
        Self { tokens, clamped: asked != Some(tokens) }
    }

    /// `<the provider's field>=<tokens>`, if that is not what the caller asked for.
    pub fn told(&self, field: Option<&str>) -> Option<String> {
        field.filter(|_| self.clamped).map(|field| format!("{field}={}", self.tokens))
    }
}

/// What a provider may add to a call that nobody sees, such as the prompt that explains tools to the model
/// (Anthropic documents 159 to 530 tokens).
const FRAMING_TOKENS: u64 = 1_024;

/// The most tokens of input that a call can cost: one per byte sent, since a token of a byte-pair tokenizer covers at least
/// one byte of its input; what the provider may add; and what it may fetch or look at. A provider that reports more is settled
/// at the worst case, and the outcome says so.
pub fn worst_input(sent_bytes: usize, ask: &Ask) -> u64 {
    let input = u64::try_from(sent_bytes).unwrap_or(u64::MAX).saturating_add(FRAMING_TOKENS);
    let unseen = ask.needs().iter().filter_map(|need| need.what).map(unseen).fold(0, u64::saturating_add);
    input.saturating_add(unseen)
}

/// All the output that it is allowed.
pub fn worst_output(ask: &Ask, max_output: u64) -> u64 {
    ask.choices().saturating_mul(max_output)
}

/// What an uninspectable part may cost beyond its bytes. A picture is cut into at most this many tokens (OpenAI and
/// Anthropic, vision guides, read 2026-11); what the provider fetches, keeps or runs can fill a context window.
const fn unseen(what: Uninspectable) -> u64 {
    match what {
        Uninspectable::Images => 8_192,
        Uninspectable::Audio
        | Uninspectable::Files
        | Uninspectable::RemoteUrls
        | Uninspectable::HostedTools
        | Uninspectable::Stored => 200_000,
    }
}
