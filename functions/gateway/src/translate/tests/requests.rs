use serde_json::{Value, json};

use super::fields;
use crate::translate::{Pair, Untranslatable};

fn request(pair: Pair, body: Value) -> Result<Value, Untranslatable> {
    pair.request(fields(body)).map(Value::Object)
}

/// A small body of the caller's dialect with the given fields.
fn with(pair: Pair, change: Value) -> Value {
    let mut body = match pair {
        Pair::ChatToMessages => {
            json!({"model": "claude-opus-5", "messages": [{"role": "user", "content": "hi"}]})
        }
        Pair::MessagesToChat => {
            json!({"model": "gpt-6", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]})
        }
        Pair::ResponsesToChat | Pair::ResponsesToMessages => json!({"model": "gpt-6", "input": "hi"}),
    };
    for (name, value) in fields(change) {
        body[name] = value;
    }
    body
}

#[expect(clippy::too_many_lines, reason = "a table")]
#[test]
fn chat_to_messages() {
    let body = json!({
        "model": "claude-opus-5",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "developer", "content": [{"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}}]},
            {"role": "user", "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "auto"}},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,BBBB"}}
            ]},
            {"role": "assistant", "content": "I look.", "refusal": null, "annotations": [],
             "reasoning_content": "Hm.",
             "thinking_blocks": [
                {"index": 0, "type": "thinking", "thinking": "Hm.", "signature": "sig"},
                {"type": "redacted_thinking", "data": "xyz"}
             ],
             "tool_calls": [
                {"id": "t1", "type": "function", "function": {"name": "find", "arguments": "{\"q\":[1,\"a\"]}"}},
                {"id": "t2", "type": "function", "function": {"name": "now", "arguments": ""}},
                {"id": "t3", "type": "custom", "custom": {"name": "shell", "input": "ls \"x\""}}
             ]},
            {"role": "tool", "tool_call_id": "t1", "content": "found"},
            {"role": "tool", "tool_call_id": "t2", "content": [{"type": "text", "text": "noon"}]},
            {"role": "tool", "tool_call_id": "t3", "content": ""},
            {"role": "user", "content": "And?"}
        ],
        "max_completion_tokens": 500, "max_tokens": null, "temperature": 1, "top_p": 0.9,
        "stop": "END", "stream": true, "stream_options": {"include_usage": true}, "n": 1, "logprobs": false,
        "tools": [
            {"type": "function", "function": {"name": "find", "description": "Finds.", "strict": true,
                "parameters": {"type": "object", "properties": {"q": {}}}}},
            {"type": "function", "function": {"name": "now"}},
            {"type": "custom", "custom": {"name": "shell", "format": {"type": "text"}}}
        ],
        "tool_choice": "auto", "parallel_tool_calls": false, "reasoning_effort": "minimal",
        "response_format": {"type": "json_schema", "json_schema": {"name": "a", "strict": true,
            "description": "A reply.", "schema": {"type": "object"}}},
        "user": "u1", "safety_identifier": "u2", "service_tier": "default", "store": false, "prompt_cache_key": "k",
        "frequency_penalty": 0
    });
    let expected = json!({
        "model": "claude-opus-5",
        "max_tokens": 500,
        "system": [
            {"type": "text", "text": "Be brief."},
            {"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}}
        ],
        "messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
                {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
                {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "BBBB"}, "title": "a.pdf"}
            ]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
                {"type": "redacted_thinking", "data": "xyz"},
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "t1", "name": "find", "input": {"q": [1, "a"]}},
                {"type": "tool_use", "id": "t2", "name": "now", "input": {}},
                {"type": "tool_use", "id": "t3", "name": "shell", "input": {"input": "ls \"x\""}}
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": "found"},
                {"type": "tool_result", "tool_use_id": "t2", "content": [{"type": "text", "text": "noon"}]},
                {"type": "tool_result", "tool_use_id": "t3", "content": ""},
                {"type": "text", "text": "And?"}
            ]}
        ],
        "temperature": 1, "top_p": 0.9, "stop_sequences": ["END"],
        "tools": [
            {"name": "find", "description": "Finds.", "strict": true, "input_schema": {"type": "object", "properties": {"q": {}}}},
            {"name": "now", "input_schema": {"type": "object", "properties": {}}},
            {"name": "shell", "input_schema": {"type": "object", "properties": {"input": {"type": "string"}},
                "required": ["input"], "additionalProperties": false}}
        ],
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": true},
        "thinking": {"type": "adaptive"},
        "output_config": {"format": {"type": "json_schema", "schema": {"type": "object", "description": "A reply."}}, "effort": "low"},
        "metadata": {"user_id": "u2"}, "service_tier": "standard_only", "stream": true
    });
    assert_eq!(request(Pair::ChatToMessages, body), Ok(expected));
}

#[test]
fn messages_to_chat() {
    let body = json!({
        "model": "gpt-6", "max_tokens": 700, "temperature": 0.5, "top_p": 0.9, "stop_sequences": ["END"], "stream": true,
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": ""},
                {"type": "text", "text": "I look.", "citations": null},
                {"type": "tool_use", "id": "t1", "name": "find", "input": {"q": 1}, "caller": {"type": "direct"}},
                {"type": "tool_use", "id": "t2", "name": "now", "input": {}}
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "gone"}], "is_error": true},
                {"type": "tool_result", "tool_use_id": "t2"},
                {"type": "text", "text": "And?"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
                {"type": "document", "title": "T", "source": {"type": "text", "media_type": "text/plain", "data": "body"}},
                {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "BBBB"}}
            ]},
            {"role": "system", "content": "Now in French."},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t3", "name": "now", "input": {}}]}
        ],
        "tools": [
            {"name": "find", "description": "Finds.", "strict": true, "input_schema": {"type": "object"}},
            {"type": "custom", "name": "now", "input_schema": {"type": "object"}, "cache_control": {"type": "ephemeral"}}
        ],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": true},
        "thinking": {"type": "enabled", "budget_tokens": 5000},
        "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}},
        "metadata": {"user_id": "u1"}, "service_tier": "auto", "speed": "standard"
    });
    let expected = json!({
        "model": "gpt-6",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": "I look.", "reasoning_content": "Hm.", "tool_calls": [
                {"id": "t1", "type": "function", "function": {"name": "find", "arguments": "{\"q\":1}"}},
                {"id": "t2", "type": "function", "function": {"name": "now", "arguments": "{}"}}
            ]},
            {"role": "tool", "tool_call_id": "t1", "content": "The tool failed: gone"},
            {"role": "tool", "tool_call_id": "t2", "content": ""},
            {"role": "user", "content": [
                {"type": "text", "text": "And?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                {"type": "text", "text": "T\n\nbody"},
                {"type": "file", "file": {"filename": "document.pdf", "file_data": "data:application/pdf;base64,BBBB"}}
            ]},
            {"role": "system", "content": "Now in French."},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "t3", "type": "function", "function": {"name": "now", "arguments": "{}"}}
            ]}
        ],
        "max_completion_tokens": 700, "temperature": 0.5, "top_p": 0.9, "stop": ["END"],
        "tools": [
            {"type": "function", "function": {"name": "find", "description": "Finds.", "parameters": {"type": "object"}, "strict": true}},
            {"type": "function", "function": {"name": "now", "parameters": {"type": "object"}}}
        ],
        "tool_choice": "required", "parallel_tool_calls": false, "reasoning_effort": "medium",
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": true}},
        "user": "u1", "stream": true, "stream_options": {"include_usage": true}
    });
    assert_eq!(request(Pair::MessagesToChat, body), Ok(expected));
}

#[test]
fn responses_to_chat() {
    let body = json!({
        "model": "m", "instructions": "Be brief.", "max_output_tokens": 300, "temperature": 1, "top_p": 0.5, "stream": true,
        "store": false, "include": ["reasoning.encrypted_content"], "truncation": "disabled", "metadata": {"a": "b"},
        "input": [
            {"role": "user", "content": "hi"},
            {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Kindly."}]},
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}]},
            {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "phase": "commentary", "content": [
                {"type": "output_text", "text": "I look.", "annotations": [], "logprobs": []}
            ]},
            {"type": "function_call", "id": "fc_1", "call_id": "t1", "name": "find", "arguments": "{}", "status": "completed"},
            {"type": "custom_tool_call", "call_id": "t2", "name": "shell", "input": "ls"},
            {"type": "function_call_output", "call_id": "t1", "output": "found"},
            {"type": "custom_tool_call_output", "call_id": "t2", "output": [{"type": "input_text", "text": "a b"}]},
            {"role": "user", "content": [
                {"type": "input_text", "text": "And?"},
                {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "low"},
                {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,BBBB"}
            ]},
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}
        ],
        "tools": [
            {"type": "function", "name": "find", "description": "Finds.", "strict": false, "parameters": {"type": "object"}},
            {"type": "custom", "name": "shell", "format": {"type": "grammar", "syntax": "regex", "definition": ".*"}}
        ],
        "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "find"}]},
        "parallel_tool_calls": true,
        "reasoning": {"effort": "high", "summary": "auto"},
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {}, "strict": true}, "verbosity": "low"},
        "safety_identifier": "u1"
    });
    let expected = json!({
        "temperature": 1, "top_p": 0.5, "parallel_tool_calls": true, "safety_identifier": "u1", "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "hi"},
            {"role": "developer", "content": "Kindly."},
            {"role": "assistant", "content": "I look.", "reasoning_content": "Hm.", "tool_calls": [
                {"id": "t1", "type": "function", "function": {"name": "find", "arguments": "{}"}},
                {"id": "t2", "type": "custom", "custom": {"name": "shell", "input": "ls"}}
            ]},
            {"role": "tool", "tool_call_id": "t1", "content": "found"},
            {"role": "tool", "tool_call_id": "t2", "content": "a b"},
            {"role": "user", "content": [
                {"type": "text", "text": "And?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,BBBB"}}
            ]},
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}
        ],
        "max_completion_tokens": 300,
        "tools": [
            {"type": "function", "function": {"name": "find", "description": "Finds.", "parameters": {"type": "object"}, "strict": false}},
            {"type": "custom", "custom": {"name": "shell", "format": {"type": "grammar", "grammar": {"syntax": "regex", "definition": ".*"}}}}
        ],
        "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "find"}}]}},
        "reasoning_effort": "high",
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "strict": true}},
        "verbosity": "low",
        "stream": true, "stream_options": {"include_usage": true}
    });
    assert_eq!(request(Pair::ResponsesToChat, body), Ok(expected));
}

#[test]
fn responses_to_messages_keep_signed_thinking() {
    let body = json!({
        "model": "claude-opus-5", "input": [
            {"role": "user", "content": "hi"},
            {"type": "reasoning", "id": "rs_0", "summary": [{"type": "summary_text", "text": "Hm."}], "encrypted_content": "signed:sig"},
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "redacted:xyz"},
            {"role": "assistant", "content": "I look."},
            {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "signed:sig2"},
            {"type": "function_call", "call_id": "t1", "name": "now", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "t1", "output": "noon"}
        ],
        "tools": [], "tool_choice": "auto", "parallel_tool_calls": true
    });
    let expected = json!({"model": "claude-opus-5", "messages": [
        {"role": "user", "content": [{"type": "text", "text": "hi"}]},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
            {"type": "redacted_thinking", "data": "xyz"},
            {"type": "text", "text": "I look."},
            {"type": "thinking", "thinking": "", "signature": "sig2"},
            {"type": "tool_use", "id": "t1", "name": "now", "input": {}}
        ]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "noon"}]}
    ]});
    assert_eq!(request(Pair::ResponsesToMessages, body), Ok(expected));
}

#[test]
fn what_models_reason_depends_on_the_model_and_the_limit() {
    for (model, effort, limit, thinking, config) in [
        ("claude-opus-5", "max", json!(100), json!({"type": "adaptive"}), json!({"effort": "max"})),
        ("claude-opus-5", "none", json!(100), json!({"type": "disabled"}), Value::Null),
        (
            "claude-sonnet-4-5-20250929",
            "medium",
            json!(64_000),
            json!({"type": "enabled", "budget_tokens": 8192}),
            Value::Null,
        ),
        (
            "claude-sonnet-4-5-20250929",
            "high",
            json!(2000),
            json!({"type": "enabled", "budget_tokens": 1999}),
            Value::Null,
        ),
        (
            "us.anthropic.claude-3-7-sonnet",
            "low",
            Value::Null,
            json!({"type": "enabled", "budget_tokens": 2048}),
            Value::Null,
        ),
    ] {
        let change = json!({"model": model, "reasoning_effort": effort, "max_completion_tokens": limit});
        let out = request(Pair::ChatToMessages, with(Pair::ChatToMessages, change)).unwrap();
        assert_eq!((&out["thinking"], &out["output_config"]), (&thinking, &config), "{model} {effort}");
    }
    for (settings, effort) in [
        (json!({"thinking": {"type": "enabled", "budget_tokens": 1024}}), json!("minimal")),
        (json!({"thinking": {"type": "enabled", "budget_tokens": 2048}}), json!("low")),
        (json!({"thinking": {"type": "enabled", "budget_tokens": 60_000}}), json!("high")),
        (json!({"thinking": {"type": "adaptive"}}), Value::Null),
        (
            json!({"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "xhigh"}}),
            json!("xhigh"),
        ),
        (json!({"thinking": {"type": "disabled"}}), json!("none")),
    ] {
        let out = request(Pair::MessagesToChat, with(Pair::MessagesToChat, settings.clone())).unwrap();
        assert_eq!(out["reasoning_effort"], effort, "{settings}");
    }
}

#[test]
fn tool_choices() {
    let tools =
        json!([{"type": "function", "function": {"name": "f"}}, {"type": "custom", "custom": {"name": "c"}}]);
    for (choice, parallel, expected) in [
        (json!("auto"), Value::Null, json!({"type": "auto"})),
        (json!("none"), json!(false), json!({"type": "none"})),
        (json!("required"), json!(true), json!({"type": "any"})),
        (
            json!({"type": "function", "function": {"name": "f"}}),
            json!(false),
            json!({"type": "tool", "name": "f", "disable_parallel_tool_use": true}),
        ),
        (
            json!({"type": "custom", "custom": {"name": "c"}}),
            Value::Null,
            json!({"type": "tool", "name": "c"}),
        ),
        (Value::Null, json!(false), json!({"type": "auto", "disable_parallel_tool_use": true})),
        (Value::Null, Value::Null, Value::Null),
    ] {
        let change = json!({"tools": tools, "tool_choice": choice, "parallel_tool_calls": parallel});
        let out = request(Pair::ChatToMessages, with(Pair::ChatToMessages, change)).unwrap();
        assert_eq!(out["tool_choice"], expected, "{choice}");
    }
    let tools = json!([{"name": "f", "input_schema": {}}]);
    for (choice, expected) in [
        (json!({"type": "auto"}), json!("auto")),
        (json!({"type": "none"}), json!("none")),
        (json!({"type": "tool", "name": "f"}), json!({"type": "function", "function": {"name": "f"}})),
    ] {
        let change = json!({"tools": tools, "tool_choice": choice});
        let out = request(Pair::MessagesToChat, with(Pair::MessagesToChat, change)).unwrap();
        assert_eq!(out["tool_choice"], expected);
    }
}

/// One row: the change to a good body, and where the fault is told to be.
type Refusal = (Value, &'static str);

fn refusals(pair: Pair, rows: &[Refusal]) {
    assert!(request(pair, with(pair, json!({}))).is_ok());
    for (change, param) in rows {
        let fault = request(pair, with(pair, change.clone())).expect_err(&change.to_string());
        assert_eq!(fault.param, *param, "{change}");
        assert!(!fault.why.is_empty(), "{change}");
        let told = fault.to_string();
        assert!(!told.contains("SECRET"), "{told}");
    }
}

#[expect(clippy::too_many_lines, reason = "a table")]
#[test]
fn chat_refused_by_name() {
    let message = |message: Value| json!({"messages": [{"role": "user", "content": "a"}, message]});
    let said = |part: Value| message(json!({"role": "user", "content": [part]}));
    let tool = |tool: Value| json!({"tools": [tool]});
    refusals(
        Pair::ChatToMessages,
        &[
            (json!({"frequency_penalty": 0.5}), "frequency_penalty"),
            (json!({"presence_penalty": -1}), "presence_penalty"),
            (json!({"repetition_penalty": 1.1}), "repetition_penalty"),
            (json!({"min_p": 0.1}), "min_p"),
            (json!({"logit_bias": {"1": 2}}), "logit_bias"),
            (json!({"seed": 0}), "seed"),
            (json!({"n": 2}), "n"),
            (json!({"best_of": 2}), "best_of"),
            (json!({"logprobs": true}), "logprobs"),
            (json!({"top_logprobs": 3}), "top_logprobs"),
            (json!({"functions": [{}]}), "functions"),
            (json!({"function_call": "auto"}), "function_call"),
            (json!({"verbosity": "low"}), "verbosity"),
            (json!({"modalities": ["audio"]}), "modalities"),
            (json!({"prediction": {}}), "prediction"),
            (json!({"audio": {}}), "audio"),
            (json!({"web_search_options": {}}), "web_search_options"),
            (json!({"moderation": {}}), "moderation"),
            (json!({"store": true}), "store"),
            (json!({"service_tier": "flex"}), "service_tier"),
            (json!({"temperature": 1.2}), "temperature"),
            (json!({"temperature": "hot"}), "temperature"),
            (json!({"stop": 5}), "stop"),
            (json!({"SECRET": 1}), ""),
            (json!({"response_format": {"type": "json_object"}}), "response_format.type"),
            (
                json!({"response_format": {"type": "json_schema", "json_schema": {}}}),
                "response_format.json_schema.schema",
            ),
            (json!({"reasoning_effort": "SECRET"}), "reasoning_effort"),
            (json!({"reasoning_effort": "low", "temperature": 0.5}), "temperature"),
            (json!({"reasoning_effort": "low", "top_k": 5}), "top_k"),
            (
                json!({"model": "claude-opus-4-1", "reasoning_effort": "low", "max_tokens": 1024}),
                "reasoning_effort",
            ),
            (
                json!({"reasoning_effort": "low", "tool_choice": "required", "tools": [{"type": "function", "function": {"name": "f"}}]}),
                "tool_choice",
            ),
            (json!({"tool_choice": "required"}), "tool_choice"),
            (json!({"tool_choice": {"type": "allowed_tools", "allowed_tools": {}}}), "tool_choice.type"),
            (tool(json!({"type": "SECRET"})), "tools[0].type"),
            (tool(json!({"type": "function", "function": {"name": "f", "SECRET": 1}})), "tools[0].function"),
            (
                tool(json!({"type": "custom", "custom": {"name": "f", "format": {"type": "grammar"}}})),
                "tools[0].custom.format",
            ),
            (json!({"messages": []}), "messages"),
            (json!({"messages": ["SECRET"]}), "messages[0]"),
            (json!({"messages": [{"role": "system", "content": "a"}]}), "messages"),
            (message(json!({"role": "SECRET"})), "messages[1].role"),
            (message(json!({"role": "user", "content": ""})), "messages[1].content"),
            (message(json!({"role": "user", "content": "a", "name": "SECRET"})), "messages[1].name"),
            (
                message(json!({"role": "assistant", "content": "a", "audio": {"id": "x"}})),
                "messages[1].audio",
            ),
            (
                message(json!({"role": "assistant", "content": "a", "function_call": {}})),
                "messages[1].function_call",
            ),
            (
                message(json!({"role": "assistant", "content": "a", "reasoning_content": "SECRET"})),
                "messages[1].reasoning_content",
            ),
            (
                message(
                    json!({"role": "assistant", "thinking_blocks": [{"type": "thinking", "thinking": "a", "signature": ""}]}),
                ),
                "messages[1].thinking_blocks[0].signature",
            ),
            (
                message(
                    json!({"role": "assistant", "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{SECRET"}}]}),
                ),
                "messages[1].tool_calls[0].function.arguments",
            ),
            (message(json!({"role": "tool", "content": "a"})), "messages[1].tool_call_id"),
            (
                message(json!({"role": "tool", "tool_call_id": "a", "content": [{"type": "image_url"}]})),
                "messages[1].content[0].type",
            ),
            (said(json!({"type": "input_audio", "input_audio": {}})), "messages[1].content[0].type"),
            (said(json!({"type": "text", "text": "a", "SECRET": 1})), "messages[1].content[0]"),
            (
                said(json!({"type": "image_url", "image_url": {"url": "data:image/png,SECRET"}})),
                "messages[1].content[0].image_url.url",
            ),
            (
                said(json!({"type": "image_url", "image_url": {"url": "https://a", "detail": "high"}})),
                "messages[1].content[0].image_url.detail",
            ),
            (
                said(json!({"type": "file", "file": {"file_id": "SECRET"}})),
                "messages[1].content[0].file.file_id",
            ),
            (
                said(json!({"type": "file", "file": {"file_data": "data:text/plain;base64,AA"}})),
                "messages[1].content[0].file.file_data",
            ),
        ],
    );
}

#[expect(clippy::too_many_lines, reason = "a table")]
#[test]
fn messages_refused_by_name() {
    let said = |role: &str, block: Value| json!({"messages": [{"role": role, "content": [block]}]});
    let tool = |tool: Value| json!({"tools": [tool]});
    refusals(
        Pair::MessagesToChat,
        &[
            (json!({"top_k": 5}), "top_k"),
            (json!({"container": "x"}), "container"),
            (json!({"mcp_servers": [{}]}), "mcp_servers"),
            (json!({"context_management": {}}), "context_management"),
            (json!({"inference_geo": "us"}), "inference_geo"),
            (json!({"speed": "fast"}), "speed"),
            (json!({"diagnostics": {}}), "diagnostics"),
            (json!({"user_profile_id": "x"}), "user_profile_id"),
            (json!({"workspace_id": "x"}), "workspace_id"),
            (json!({"metadata": {"SECRET": 1}}), "metadata"),
            (json!({"service_tier": "SECRET"}), "service_tier"),
            (json!({"thinking": {"type": "between_tools"}}), "thinking.type"),
            (json!({"thinking": {"type": "enabled"}}), "thinking.budget_tokens"),
            (json!({"thinking": {"type": "adaptive", "display": "omitted"}}), "thinking.display"),
            (
                json!({"thinking": {"type": "disabled"}, "output_config": {"effort": "low"}}),
                "output_config.effort",
            ),
            (json!({"output_config": {"format": {"type": "x"}}}), "output_config.format.type"),
            (json!({"tool_choice": {"type": "any"}}), "tool_choice.type"),
            (json!({"system": [{"type": "image"}]}), "system[0].type"),
            (json!({"SECRET": true}), ""),
            (tool(json!({"type": "web_search_20250305", "name": "x"})), "tools[0].type"),
            (tool(json!({"name": "f"})), "tools[0].input_schema"),
            (tool(json!({"name": "f", "input_schema": {}, "defer_loading": true})), "tools[0].defer_loading"),
            (
                tool(json!({"name": "f", "input_schema": {}, "input_examples": [{}]})),
                "tools[0].input_examples",
            ),
            (
                tool(json!({"name": "f", "input_schema": {}, "allowed_callers": ["x"]})),
                "tools[0].allowed_callers",
            ),
            (said("user", json!({"type": "search_result"})), "messages[0].content[0].type"),
            (
                said("user", json!({"type": "image", "source": {"type": "file", "file_id": "x"}})),
                "messages[0].content[0].source.file_id",
            ),
            (
                said("user", json!({"type": "document", "source": {"type": "url", "url": "x"}})),
                "messages[0].content[0].source.type",
            ),
            (
                said(
                    "user",
                    json!({"type": "document", "citations": {"enabled": true}, "source": {"type": "text", "data": "x"}}),
                ),
                "messages[0].content[0].citations",
            ),
            (
                said(
                    "user",
                    json!({"type": "tool_result", "tool_use_id": "a", "content": [{"type": "image"}]}),
                ),
                "messages[0].content[0].content[0].type",
            ),
            (
                json!({"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "tool_result", "tool_use_id": "a"}]}]}),
                "messages[0].content[1].type",
            ),
            (
                said("assistant", json!({"type": "thinking", "thinking": "a", "signature": "SECRET"})),
                "messages[0].content[0].signature",
            ),
            (
                said("assistant", json!({"type": "redacted_thinking", "data": "x"})),
                "messages[0].content[0].type",
            ),
            (
                said("assistant", json!({"type": "text", "text": "a", "citations": [{}]})),
                "messages[0].content[0].citations",
            ),
            (said("assistant", json!({"type": "server_tool_use"})), "messages[0].content[0].type"),
            (said("SECRET", json!({})), "messages[0].role"),
        ],
    );
}

#[test]
fn responses_refused_by_name() {
    let item = |item: Value| json!({"input": [{"role": "user", "content": "a"}, item]});
    let tool = |tool: Value| json!({"tools": [tool]});
    let rows = [
        (json!({"store": true}), "store"),
        (json!({"background": true}), "background"),
        (json!({"previous_response_id": "x"}), "previous_response_id"),
        (json!({"conversation": "x"}), "conversation"),
        (json!({"prompt": {"id": "x"}}), "prompt"),
        (json!({"include": ["message.output_text.logprobs"]}), "include"),
        (json!({"truncation": "auto"}), "truncation"),
        (json!({"top_logprobs": 1}), "top_logprobs"),
        (json!({"context_management": [{}]}), "context_management"),
        (json!({"moderation": {}}), "moderation"),
        (json!({"reasoning": {"mode": "pro"}}), "reasoning.mode"),
        (json!({"text": {"format": {"type": "SECRET"}}}), "text.format.type"),
        (json!({"input": 5}), "input"),
        (json!({"SECRET": 5}), ""),
        (json!({"tool_choice": "required"}), "tool_choice"),
        (json!({"tool_choice": {"type": "mcp"}}), "tool_choice.type"),
        (tool(json!({"type": "web_search"})), "tools[0].type"),
        (tool(json!({"type": "function", "name": "f", "defer_loading": true})), "tools[0].defer_loading"),
        (tool(json!({"type": "function", "name": "f", "output_schema": {}})), "tools[0].output_schema"),
        (item(json!({"type": "item_reference", "id": "x"})), "input[1].type"),
        (item(json!({"type": "computer_call"})), "input[1].type"),
        (
            item(json!({"type": "reasoning", "summary": [], "encrypted_content": "SECRET"})),
            "input[1].encrypted_content",
        ),
        (item(json!({"type": "function_call", "name": "f", "arguments": "{}"})), "input[1].call_id"),
        (
            item(
                json!({"type": "function_call_output", "call_id": "a", "output": [{"type": "input_image"}]}),
            ),
            "input[1].output[0].type",
        ),
        (
            item(json!({"role": "user", "content": [{"type": "input_image", "file_id": "x"}]})),
            "input[1].content[0].file_id",
        ),
        (
            item(json!({"role": "user", "content": [{"type": "input_file", "file_url": "x"}]})),
            "input[1].content[0].file_url",
        ),
        (item(json!({"role": "user", "content": [{"type": "input_audio"}]})), "input[1].content[0].type"),
        (item(json!({"role": "SECRET", "content": "a"})), "input[1].role"),
    ];
    refusals(Pair::ResponsesToChat, &rows);
    refusals(Pair::ResponsesToMessages, &rows);
    refusals(
        Pair::ResponsesToMessages,
        &[
            (json!({"text": {"verbosity": "low"}}), "text.verbosity"),
            (json!({"text": {"format": {"type": "json_object"}}}), "text.format"),
            (json!({"temperature": 2}), "temperature"),
            (
                item(json!({"type": "reasoning", "summary": [{"type": "summary_text", "text": "SECRET"}]})),
                "input",
            ),
        ],
    );
}
