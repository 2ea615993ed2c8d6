use serde_json::{Value, json};

use super::fields;
use crate::translate::usage::{finish_reason, stop_reason};
use crate::translate::{Context, Pair};

fn answer(pair: Pair, request: Value, answer: Value) -> Value {
    let context = Context::of(pair, &fields(request), 1_700_000_000);
    pair.answer(&context, answer).expect("it is an answer of the provider's dialect")
}

fn of_anthropic() -> Value {
    json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-5",
        "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
            {"type": "redacted_thinking", "data": "xyz"},
            {"type": "text", "text": "I ", "citations": null},
            {"type": "text", "text": "look."},
            {"type": "tool_use", "id": "t1", "name": "find", "input": {"q": 1}},
            {"type": "tool_use", "id": "t2", "name": "shell", "input": {"input": "ls"}}
        ],
        "stop_reason": "tool_use", "stop_sequence": null,
        "usage": {"input_tokens": 5, "cache_creation_input_tokens": 20, "cache_read_input_tokens": 300, "output_tokens": 70,
            "output_tokens_details": {"thinking_tokens": 40}}
    })
}

#[test]
fn messages_answer_to_chat() {
    let request = json!({"tools": [{"type": "custom", "custom": {"name": "shell"}}]});
    let expected = json!({
        "id": "chatcmpl-msg_1", "object": "chat.completion", "created": 1_700_000_000, "model": "claude-opus-5",
        "choices": [{"index": 0, "message": {
            "role": "assistant", "content": "I look.", "refusal": null, "reasoning_content": "Hm.",
            "thinking_blocks": [
                {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
                {"type": "redacted_thinking", "data": "xyz"}
            ],
            "tool_calls": [
                {"id": "t1", "type": "function", "function": {"name": "find", "arguments": "{\"q\":1}"}},
                {"id": "t2", "type": "custom", "custom": {"name": "shell", "input": "ls"}}
            ]
        }, "logprobs": null, "finish_reason": "tool_calls"}],
        "usage": {"prompt_tokens": 325, "completion_tokens": 70, "total_tokens": 395,
            "prompt_tokens_details": {"cached_tokens": 300, "cache_write_tokens": 20},
            "completion_tokens_details": {"reasoning_tokens": 40}}
    });
    assert_eq!(answer(Pair::ChatToMessages, request, of_anthropic()), expected);
}

#[test]
fn messages_answer_to_responses() {
    let request = json!({"tools": [{"type": "custom", "name": "shell"}], "instructions": "Be brief.",
        "temperature": 0.5, "metadata": {"a": "b"}, "tool_choice": null});
    let expected = json!({
        "id": "resp_chatcmpl-msg_1", "object": "response", "created_at": 1_700_000_000, "status": "completed",
        "background": false, "error": null, "incomplete_details": null, "model": "claude-opus-5",
        "output": [
            {"id": "rs_0_chatcmpl-msg_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}], "encrypted_content": "signed:sig"},
            {"id": "rs_1_chatcmpl-msg_1", "type": "reasoning", "summary": [], "encrypted_content": "redacted:xyz"},
            {"id": "msg_2_chatcmpl-msg_1", "type": "message", "status": "completed", "role": "assistant", "content": [
                {"type": "output_text", "text": "I look.", "annotations": [], "logprobs": []}
            ]},
            {"id": "fc_3_chatcmpl-msg_1", "type": "function_call", "status": "completed", "call_id": "t1", "name": "find", "arguments": "{\"q\":1}"},
            {"id": "ctc_4_chatcmpl-msg_1", "type": "custom_tool_call", "status": "completed", "call_id": "t2", "name": "shell", "input": "ls"}
        ],
        "previous_response_id": null, "store": false,
        "usage": {"input_tokens": 325, "input_tokens_details": {"cached_tokens": 300, "cache_write_tokens": 20},
            "output_tokens": 70, "output_tokens_details": {"reasoning_tokens": 40}, "total_tokens": 395},
        "instructions": "Be brief.", "max_output_tokens": null, "metadata": {"a": "b"}, "parallel_tool_calls": true,
        "reasoning": {"effort": null, "summary": null}, "service_tier": "default", "temperature": 0.5,
        "text": {"format": {"type": "text"}}, "tool_choice": "auto", "tools": [{"type": "custom", "name": "shell"}],
        "top_p": null, "truncation": "disabled", "user": null, "safety_identifier": null
    });
    assert_eq!(answer(Pair::ResponsesToMessages, request, of_anthropic()), expected);
}

fn of_chat(message: Value, finish: &str) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 5, "model": "gpt-6",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 30, "completion_tokens": 7, "total_tokens": 37,
            "prompt_tokens_details": {"cached_tokens": 10}, "completion_tokens_details": {"reasoning_tokens": 3}}
    })
}

#[test]
fn chat_answer_to_messages() {
    let message = json!({"role": "assistant", "content": "I look.", "refusal": null, "reasoning_content": "Hm.", "tool_calls": [
        {"id": "t1", "type": "function", "function": {"name": "find", "arguments": "{\"q\":1}"}},
        {"id": "t2", "type": "function", "function": {"name": "now", "arguments": ""}},
        {"id": "t3", "type": "function", "function": {"name": "cut", "arguments": "{\"q\":"}}
    ]});
    let expected = json!({
        "id": "msg_chatcmpl-1", "type": "message", "role": "assistant", "model": "gpt-6",
        "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": ""},
            {"type": "text", "text": "I look."},
            {"type": "tool_use", "id": "t1", "name": "find", "input": {"q": 1}},
            {"type": "tool_use", "id": "t2", "name": "now", "input": {}},
            {"type": "tool_use", "id": "t3", "name": "cut", "input": {"arguments": "{\"q\":"}}
        ],
        "stop_reason": "tool_use", "stop_sequence": null,
        "usage": {"input_tokens": 20, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 10, "output_tokens": 7,
            "output_tokens_details": {"thinking_tokens": 3}}
    });
    assert_eq!(answer(Pair::MessagesToChat, json!({}), of_chat(message, "tool_calls")), expected);
    let refused = json!({"role": "assistant", "content": null, "refusal": "No."});
    let out = answer(Pair::MessagesToChat, json!({}), of_chat(refused, "stop"));
    assert_eq!(
        (&out["content"], &out["stop_reason"]),
        (&json!([{"type": "text", "text": "No."}]), &json!("refusal"))
    );
}

#[test]
fn chat_answer_to_responses_that_was_cut() {
    let message = json!({"role": "assistant", "content": "a", "refusal": "b", "reasoning_content": "Hm."});
    for (finish, status, reason) in [
        ("stop", "completed", Value::Null),
        ("length", "incomplete", json!({"reason": "max_output_tokens"})),
        ("content_filter", "incomplete", json!({"reason": "content_filter"})),
    ] {
        let out = answer(Pair::ResponsesToChat, json!({}), of_chat(message.clone(), finish));
        assert_eq!((&out["status"], &out["incomplete_details"]), (&json!(status), &reason));
        let expected = json!([
            {"id": "rs_0_chatcmpl-1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
            {"id": "msg_1_chatcmpl-1", "type": "message", "status": status, "role": "assistant", "content": [
                {"type": "output_text", "text": "a", "annotations": [], "logprobs": []},
                {"type": "refusal", "refusal": "b"}
            ]}
        ]);
        assert_eq!(out["output"], expected);
    }
}

#[test]
fn reasons_to_stop() {
    for (anthropic, chat) in [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("pause_turn", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
    ] {
        assert_eq!(finish_reason(anthropic), chat);
    }
    for (chat, refused, calls, anthropic) in [
        ("stop", false, false, "end_turn"),
        ("stop", true, false, "refusal"),
        ("stop", false, true, "tool_use"),
        ("length", false, true, "max_tokens"),
        ("tool_calls", false, true, "tool_use"),
        ("function_call", false, true, "tool_use"),
        ("content_filter", false, false, "refusal"),
    ] {
        assert_eq!(stop_reason(chat, refused, calls), anthropic, "{chat}");
    }
}

#[test]
fn what_is_no_answer() {
    let context = Context::default();
    for (pair, other) in [
        (Pair::ChatToMessages, json!({"choices": []})),
        (Pair::ChatToMessages, json!({"type": "error", "error": {}})),
        (Pair::ResponsesToMessages, json!([])),
        (Pair::MessagesToChat, json!({"choices": []})),
        (Pair::MessagesToChat, json!({"choices": [{"message": 5}]})),
        (Pair::ResponsesToChat, json!({"error": "x"})),
        (Pair::ResponsesToChat, Value::Null),
    ] {
        assert_eq!(pair.answer(&context, other.clone()), None, "{other}");
    }
}
