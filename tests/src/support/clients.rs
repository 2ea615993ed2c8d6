//! An agent's clients, unmodified: the vendors' SDKs at the versions that `tests/support/clients/` pins, installed below
//! `target/clients` when they are first wanted. Each runs a script of steps against a base URL with a key.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::{Value, json};

use super::stack::script;

/// One SDK in one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    OpenAiPython,
    OpenAiNode,
    AnthropicPython,
    AnthropicNode,
    /// The last that sends `x-api-key` and API version 2023-06-01. The others send the key as Bearer token and 2026-10-21.
    AnthropicNodeOlder,
    AgentsPython,
}

/// What a script is told.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Without `/v1`.
    pub base_url: String,
    pub api_key: String,
    pub model: String,
    pub embedding_model: String,
    /// A model that must be refused.
    pub unknown_model: String,
    /// What the user says. Also sent as `call <text>`, and within a tool's result.
    pub text: String,
}

/// What became of a step. A `detail` holds what the SDK made of it, such as `text`, `arguments` or `error`.
#[derive(Debug, Clone, Deserialize)]
pub struct Step {
    pub step: String,
    pub ok: bool,
    pub detail: Value,
}

#[derive(Debug, Deserialize)]
struct Installed {
    python: PathBuf,
    node: Option<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    program: PathBuf,
    scripts: PathBuf,
}

impl Client {
    pub const ALL: [Self; 6] = [
        Self::OpenAiPython,
        Self::OpenAiNode,
        Self::AnthropicPython,
        Self::AnthropicNode,
        Self::AnthropicNodeOlder,
        Self::AgentsPython,
    ];

    fn script(self) -> &'static str {
        match self {
            Self::OpenAiPython => "openai_client.py",
            Self::OpenAiNode => "openai_client.mjs",
            Self::AnthropicPython => "anthropic_client.py",
            Self::AnthropicNode | Self::AnthropicNodeOlder => "anthropic_client.mjs",
            Self::AgentsPython => "agents_client.py",
        }
    }

    fn package(self) -> &'static str {
        if self == Self::AnthropicNodeOlder { "anthropic-x-api-key" } else { "@anthropic-ai/sdk" }
    }

    /// The steps that its script takes, in order.
    pub fn steps(self) -> &'static [&'static str] {
        match self {
            Self::OpenAiPython | Self::OpenAiNode => &[
                "chat_plain",
                "chat_choices",
                "chat_stream",
                "chat_tool_stream",
                "chat_turns",
                "chat_unknown_model",
                "responses_plain",
                "responses_stream",
                "responses_tool_stream",
                "responses_turns",
                "responses_unknown_model",
                "embeddings",
            ],
            Self::AnthropicPython | Self::AnthropicNode | Self::AnthropicNodeOlder => &[
                "plain",
                "stream",
                "tool_stream",
                "turns",
                "thinking_turns",
                "count_tokens",
                "unknown_model",
            ],
            Self::AgentsPython => &[
                "responses_turns",
                "responses_turns_stream",
                "responses_unknown_model",
                "chat_turns",
                "chat_turns_stream",
                "chat_unknown_model",
            ],
        }
    }

    /// Runs every step, which must be all that [`Self::steps`] names. `None`, said aloud, where there is no Node.
    pub fn run(self, asked: &Asked) -> Option<Vec<Step>> {
        let Some(mut command) = self.command() else {
            let _ = writeln!(std::io::stderr(), "SKIPPED: {self:?}: node and npm are not on the PATH");
            return None;
        };
        let mut child = command
            .env_clear()
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the client starts");
        let input = self.input(asked);
        child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("the client reads");
        let done = child.wait_with_output().expect("the client ends");
        assert!(done.status.success(), "{self:?}: {}", String::from_utf8_lossy(&done.stderr));
        let lines = String::from_utf8(done.stdout).expect("text");
        let step = |line: &str| -> Step { serde_json::from_str(line).expect("a step a line") };
        let steps: Vec<Step> = lines.lines().map(step).collect();
        let names: Vec<&str> = steps.iter().map(|step| step.step.as_str()).collect();
        assert_eq!(names, self.steps(), "{self:?}");
        Some(steps)
    }

    fn input(self, asked: &Asked) -> String {
        let Asked { base_url, api_key, model, embedding_model, unknown_model, text } = asked;
        json!({
            "base_url": base_url,
            "api_key": api_key,
            "model": model,
            "embedding_model": embedding_model,
            "unknown_model": unknown_model,
            "text": text,
            "package": self.package(),
        })
        .to_string()
    }

    fn command(self) -> Option<Command> {
        let name = self.script();
        let installed = installed();
        if Path::new(name).extension().is_some_and(|ending| ending == "py") {
            let mut command = Command::new(&installed.python);
            command.arg(script("clients").join(name));
            return Some(command);
        }
        let node = installed.node.as_ref()?;
        let mut command = Command::new(&node.program);
        command.arg(node.scripts.join(name));
        Some(command)
    }
}

/// Installed once a process; processes take turns.
fn installed() -> &'static Installed {
    static INSTALLED: OnceLock<Installed> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/clients");
        let install = script("clients").join("install.py");
        let done = Command::new("python3").arg(install).arg(target).stderr(Stdio::inherit()).output();
        let done = done.expect("python3 is on the PATH");
        assert!(done.status.success(), "the clients cannot be installed");
        serde_json::from_slice(&done.stdout).expect("install.py prints JSON")
    })
}
