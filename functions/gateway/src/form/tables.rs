//! What each dialect's request may hold, as tables. Sources: the vendors' API references and SDK types, read 2026-11.
//!
//! A field that no table names passes on, walked by the redactor like every other string. The tables name what needs
//! more than that: limits, identifiers of people, numbers that are parameters, and what cannot be inspected.

use domain::Uninspectable::{self, Audio, Files, HostedTools, Images, Stored};
use serde_json::{Value, json};

use crate::dialect::Dialect;

/// What the controls know of a dialect's top-level fields.
#[derive(Debug)]
pub struct Grammar {
    /// Names of the most output tokens.
    pub limits: &'static [&'static str],
    /// Identifiers of people, at the top level and below `metadata`: they leave as keyed digests.
    pub identifiers: &'static [&'static str],
    pub metadata_identifiers: &'static [&'static str],
    /// Numbers at the top level are parameters, which the redactor leaves alone: so only known ones may stand there.
    pub numbers: &'static [&'static str],
    pub blind: &'static [Blind],
}

/// A top-level field that cannot be inspected: when it is, what it is (nothing: never permitted), and why.
#[derive(Debug)]
pub struct Blind {
    pub field: &'static str,
    pub when: fn(&Value) -> bool,
    pub what: Option<Uninspectable>,
    pub why: &'static str,
}

const fn blind(
    field: &'static str,
    when: fn(&Value) -> bool,
    what: Option<Uninspectable>,
    why: &'static str,
) -> Blind {
    Blind { field, when, what, why }
}

const SEARCH: &str = "the provider would search the web with the conversation";
const HOSTED: &str = "the provider would run tools that nobody here guards";
const ROUTING: &str = "it lets the provider choose another model or place than the one that was authorized";
const STORED: &str = "it names content that the provider keeps and nobody here can inspect";
const FOLDS: &str = "the provider would fold the conversation into something that nobody here can read";
const MODERATION: &str = "it names another model than the one that was authorized";
const KEEPS: &str = "the provider would keep the conversation; send store: false";
const SOUND: &str = "sound cannot be inspected";

fn present(_: &Value) -> bool {
    true
}

fn not_false(value: &Value) -> bool {
    *value != Value::Bool(false)
}

fn names_a_response(value: &Value) -> bool {
    value.get("comparison_response_id").is_some_and(|id| !id.is_null())
}

/// Anthropic's `context_management` may also only clear old tool results, which is plain to see.
fn folds(value: &Value) -> bool {
    let clears = |edit: &Value| {
        edit.get("type").and_then(Value::as_str).is_some_and(|kind| kind.starts_with("clear_"))
    };
    !value.get("edits").and_then(Value::as_array).is_some_and(|edits| edits.iter().all(clears))
}

fn not_only_text(value: &Value) -> bool {
    *value != json!(["text"])
}

/// The grammar of a dialect.
pub const fn grammar(dialect: Dialect) -> &'static Grammar {
    match dialect {
        Dialect::Chat => &CHAT,
        Dialect::Responses => &RESPONSES,
        Dialect::Embeddings => &EMBEDDINGS,
        Dialect::Messages => &MESSAGES,
        Dialect::CountTokens => &COUNT_TOKENS,
    }
}

static CHAT: Grammar = Grammar {
    limits: &["max_completion_tokens", "max_tokens"],
    identifiers: &["user", "safety_identifier", "prompt_cache_key"],
    metadata_identifiers: &["user_id"],
    numbers: &[
        "frequency_penalty",
        "max_completion_tokens",
        "max_tokens",
        "min_p",
        "n",
        "presence_penalty",
        "repetition_penalty",
        "seed",
        "temperature",
        "top_k",
        "top_logprobs",
        "top_p",
    ],
    blind: &[
        blind("store", not_false, Some(Stored), KEEPS),
        blind("audio", present, Some(Audio), SOUND),
        blind("modalities", not_only_text, Some(Audio), "only text can be inspected"),
        blind("web_search_options", present, Some(HostedTools), SEARCH),
        blind("search_parameters", present, Some(HostedTools), SEARCH),
        blind("enable_search", not_false, Some(HostedTools), SEARCH),
        blind("plugins", present, Some(HostedTools), HOSTED),
        blind("previous_response_id", present, Some(Stored), STORED),
        blind("conversation", present, Some(Stored), STORED),
        blind("file_ids", present, Some(Files), STORED),
        blind("moderation", present, None, MODERATION),
        blind("models", present, None, ROUTING),
        blind("route", present, None, ROUTING),
        blind("provider", present, None, ROUTING),
        blind("fallbacks", present, None, ROUTING),
        blind("extra_body", present, None, ROUTING),
        blind("best_of", present, None, "it multiplies the worst case; use n"),
        blind("chat_template", present, None, "it adds tokens that nobody counts"),
        blind("chat_template_kwargs", present, None, "it adds tokens that nobody counts"),
    ],
};

static RESPONSES: Grammar = Grammar {
    limits: &["max_output_tokens"],
    identifiers: &["user", "safety_identifier", "prompt_cache_key"],
    metadata_identifiers: &["user_id"],
    numbers: &["max_output_tokens", "max_tool_calls", "temperature", "top_logprobs", "top_p"],
    blind: &[
        blind("store", not_false, Some(Stored), KEEPS),
        blind("previous_response_id", present, Some(Stored), STORED),
        blind("conversation", present, Some(Stored), STORED),
        blind("prompt", present, Some(Stored), "it names a prompt that the provider keeps; send its text"),
        blind(
            "background",
            not_false,
            Some(Stored),
            "the provider would keep the answer and give it out later",
        ),
        blind("background_options", present, Some(Stored), STORED),
        blind("prompt_cache_options", names_a_response, Some(Stored), STORED),
        blind("audio", present, Some(Audio), SOUND),
        blind("modalities", not_only_text, Some(Audio), "only text can be inspected"),
        blind("models", present, None, ROUTING),
        blind("route", present, None, ROUTING),
        blind("provider", present, None, ROUTING),
        blind("extra_body", present, None, ROUTING),
        blind("moderation", present, None, MODERATION),
        blind(
            "access_programs",
            present,
            None,
            "it asks the provider for other safeguards than those agreed",
        ),
        blind("context_management", present, None, FOLDS),
    ],
};

static EMBEDDINGS: Grammar = Grammar {
    limits: &[],
    identifiers: &["user"],
    metadata_identifiers: &["user_id"],
    numbers: &["dimensions"],
    blind: &[
        blind("models", present, None, ROUTING),
        blind("provider", present, None, ROUTING),
        blind("extra_body", present, None, ROUTING),
    ],
};

static MESSAGES: Grammar = Grammar {
    limits: &["max_tokens"],
    identifiers: &[],
    metadata_identifiers: &["user_id"],
    numbers: &["max_tokens", "temperature", "top_k", "top_p"],
    blind: ANTHROPIC_BLIND,
};

static COUNT_TOKENS: Grammar = Grammar {
    limits: &[],
    identifiers: &[],
    metadata_identifiers: &["user_id"],
    numbers: &["max_tokens", "temperature", "top_k", "top_p"],
    blind: ANTHROPIC_BLIND,
};

const ANTHROPIC_BLIND: &[Blind] = &[
    blind("mcp_servers", present, Some(HostedTools), HOSTED),
    blind("container", present, Some(HostedTools), HOSTED),
    blind("thread", present, Some(Stored), STORED),
    blind("compaction", present, None, FOLDS),
    blind("context_management", folds, None, FOLDS),
    blind("diagnostics", present, Some(Stored), STORED),
    blind("inference_geo", present, None, "it lets the provider choose where the call is processed"),
    blind("fallbacks", present, None, ROUTING),
    blind("extra_body", present, None, ROUTING),
];

/// Whether a tool of this type runs on the caller's side. Everything else runs at the provider's.
pub fn runs_here(dialect: Dialect, kind: &str) -> bool {
    match dialect {
        Dialect::Chat | Dialect::Embeddings => matches!(kind, "function" | "custom"),
        // A computer's screen comes back as a picture, which needs a permit of its own.
        Dialect::Responses => matches!(
            kind,
            "function" | "custom" | "local_shell" | "apply_patch" | "computer" | "computer_use_preview"
        ),
        // Anthropic's client tools are versioned by date: `bash_20250124`.
        Dialect::Messages | Dialect::CountTokens => {
            kind == "custom"
                || [
                    "bash_2",
                    "text_editor_2",
                    "computer_2",
                    "computer_toolset_2",
                    "browser_toolset_2",
                    "memory_2",
                ]
                .iter()
                .any(|start| kind.starts_with(start))
        }
    }
}

/// One kind of content part or input item.
#[derive(Debug)]
pub struct Part {
    pub kind: &'static str,
    /// All that it may carry. A part that carries more, such as an address of an image, is not what it says it is.
    pub keys: &'static [&'static str],
    /// What of it cannot be inspected, if anything.
    pub blind: Option<(Uninspectable, &'static str)>,
    /// Pointers to what may be an address (anything but a `data:` URL or absent).
    pub urls: &'static [&'static str],
    /// A pointer to more content.
    pub content: Option<&'static str>,
}

const fn seen(kind: &'static str, keys: &'static [&'static str]) -> Part {
    Part { kind, keys, blind: None, urls: &[], content: None }
}

const fn unseen(
    kind: &'static str,
    keys: &'static [&'static str],
    what: Uninspectable,
    why: &'static str,
    urls: &'static [&'static str],
) -> Part {
    Part { kind, keys, blind: Some((what, why)), urls, content: None }
}

const fn holding(kind: &'static str, keys: &'static [&'static str], content: &'static str) -> Part {
    Part { kind, keys, blind: None, urls: &[], content: Some(content) }
}

/// OpenAI's mark for its prompt cache: settings only.
const BREAKPOINT: &str = "prompt_cache_breakpoint";
const PICTURE: &str = "a picture cannot be inspected";
const FILE: &str = "a file cannot be inspected; send its text";
/// For items that hold what a provider-hosted tool did: any keys.
const ANY: &[&str] = &["*"];

/// The parts of a dialect's content and, for Responses, of its input.
pub const fn parts(dialect: Dialect) -> &'static [Part] {
    match dialect {
        Dialect::Chat => CHAT_PARTS,
        Dialect::Responses => RESPONSES_PARTS,
        Dialect::Messages | Dialect::CountTokens => MESSAGES_PARTS,
        Dialect::Embeddings => &[],
    }
}

const CHAT_PARTS: &[Part] = &[
    seen("text", &["type", "text", "cache_control", BREAKPOINT]),
    seen("refusal", &["type", "refusal", BREAKPOINT]),
    unseen("image_url", &["type", "image_url", BREAKPOINT], Images, PICTURE, &["/image_url/url"]),
    unseen("input_audio", &["type", "input_audio", BREAKPOINT], Audio, SOUND, &[]),
    unseen("file", &["type", "file", BREAKPOINT], Files, FILE, &[]),
];

const MESSAGES_PARTS: &[Part] = &[
    seen("text", &["type", "text", "cache_control", "citations"]),
    seen("thinking", &["type", "thinking", "signature"]),
    seen("redacted_thinking", &["type", "data"]),
    seen("tool_use", &["type", "id", "name", "input", "cache_control", "caller", "toolset_name"]),
    holding(
        "tool_result",
        &["type", "tool_use_id", "content", "is_error", "cache_control", "toolset_name"],
        "/content",
    ),
    seen("tool_reference", &["type", "name", "tool_name", "cache_control"]),
    seen("browser_state", &["type", "state_changes", "tabs", "cache_control"]),
    holding(
        "search_result",
        &["type", "source", "title", "content", "citations", "cache_control"],
        "/content",
    ),
    unseen("image", &["type", "source", "cache_control"], Images, PICTURE, &["/source/url"]),
    unseen(
        "document",
        &["type", "source", "title", "context", "citations", "cache_control"],
        Files,
        FILE,
        &["/source/url"],
    ),
    unseen("container_upload", ANY, Files, FILE, &[]),
    unseen("server_tool_use", ANY, HostedTools, HOSTED, &[]),
    unseen("web_search_tool_result", ANY, HostedTools, HOSTED, &[]),
    unseen("web_fetch_tool_result", ANY, HostedTools, HOSTED, &[]),
    unseen("code_execution_tool_result", ANY, HostedTools, HOSTED, &[]),
    unseen("bash_code_execution_tool_result", ANY, HostedTools, HOSTED, &[]),
    unseen("text_editor_code_execution_tool_result", ANY, HostedTools, HOSTED, &[]),
    unseen("tool_search_tool_result", ANY, HostedTools, HOSTED, &[]),
    unseen("mcp_tool_use", ANY, HostedTools, HOSTED, &[]),
    unseen("mcp_tool_result", ANY, HostedTools, HOSTED, &[]),
];

const TEXT_KEYS: &[&str] = &["type", "text", "annotations", "logprobs", BREAKPOINT];
const RESPONSES_PARTS: &[Part] = &[
    seen("input_text", TEXT_KEYS),
    seen("output_text", TEXT_KEYS),
    seen("text", TEXT_KEYS),
    seen("summary_text", TEXT_KEYS),
    seen("reasoning_text", TEXT_KEYS),
    seen("refusal", &["type", "refusal"]),
    unseen(
        "input_image",
        &["type", "image_url", "detail", "file_id", BREAKPOINT],
        Images,
        PICTURE,
        &["/image_url"],
    ),
    unseen(
        "input_file",
        &["type", "file_data", "file_id", "file_url", "filename", "detail", BREAKPOINT],
        Files,
        FILE,
        &["/file_url"],
    ),
    unseen("input_audio", &["type", "input_audio"], Audio, SOUND, &[]),
    unseen("computer_screenshot", &["type", "image_url", "file_id"], Images, PICTURE, &["/image_url"]),
    holding("message", &["type", "role", "content", "status", "id", "phase"], "/content"),
    seen(
        "function_call",
        &[
            "type",
            "arguments",
            "call_id",
            "name",
            "id",
            "status",
            "namespace",
            "caller",
            "created_by",
            "async",
        ],
    ),
    holding(
        "function_call_output",
        &["type", "call_id", "output", "id", "status", "caller", "created_by", "name", "namespace"],
        "/output",
    ),
    seen(
        "custom_tool_call",
        &["type", "call_id", "input", "name", "id", "status", "namespace", "caller", "created_by", "async"],
    ),
    holding(
        "custom_tool_call_output",
        &["type", "call_id", "output", "id", "status", "caller", "created_by"],
        "/output",
    ),
    seen("local_shell_call", &["type", "id", "action", "call_id", "status"]),
    seen("local_shell_call_output", &["type", "id", "output", "status", "call_id"]),
    seen("apply_patch_call", &["type", "call_id", "operation", "status", "id", "caller", "created_by"]),
    seen("apply_patch_call_output", &["type", "call_id", "status", "id", "output", "caller", "created_by"]),
    seen("reasoning", &["type", "id", "summary", "content", "encrypted_content", "status"]),
    unseen("item_reference", ANY, Stored, STORED, &[]),
    seen("computer_call", &["type", "id", "call_id", "action", "actions", "pending_safety_checks", "status"]),
    unseen("computer_call_output", ANY, Images, PICTURE, &["/output/image_url"]),
    unseen("shell_call", ANY, HostedTools, HOSTED, &[]),
    seen(
        "shell_call_output",
        &["type", "call_id", "output", "id", "status", "caller", "created_by", "max_output_length"],
    ),
    unseen("file_search_call", ANY, HostedTools, HOSTED, &[]),
    unseen("web_search_call", ANY, HostedTools, HOSTED, &[]),
    unseen("code_interpreter_call", ANY, HostedTools, HOSTED, &[]),
    unseen("image_generation_call", ANY, HostedTools, HOSTED, &[]),
    unseen("tool_search_call", ANY, HostedTools, HOSTED, &[]),
    unseen("tool_search_output", ANY, HostedTools, HOSTED, &[]),
    unseen("mcp_list_tools", ANY, HostedTools, HOSTED, &[]),
    unseen("mcp_approval_request", ANY, HostedTools, HOSTED, &[]),
    unseen("mcp_approval_response", ANY, HostedTools, HOSTED, &[]),
    unseen("mcp_call", ANY, HostedTools, HOSTED, &[]),
];
