"""An agent with the unmodified OpenAI SDK for Python: chat completions, responses, embeddings."""

import json

import openai
from steps import PARAMETERS, TOOL, TOOL_TEXT, asked, refusal, run

ASKED = asked()
TEXT, MODEL = ASKED["text"], ASKED["model"]
CLIENT = openai.OpenAI(base_url=f"{ASKED['base_url']}/v1", api_key=ASKED["api_key"], max_retries=0, timeout=60)
FUNCTION = {"name": TOOL, "description": TOOL_TEXT, "parameters": PARAMETERS, "strict": True}
CHAT_TOOLS = [{"type": "function", "function": FUNCTION}]
TOOLS = [{"type": "function", **FUNCTION}]


def user(text: str) -> dict:
    return {"role": "user", "content": text}


def chat_plain() -> dict:
    told = CLIENT.chat.completions.create(model=MODEL, messages=[user(TEXT)])
    return {"text": told.choices[0].message.content, "usage": told.usage.model_dump()}


def chat_choices() -> dict:
    told = CLIENT.chat.completions.create(model=MODEL, messages=[user(TEXT)], n=2)
    return {"texts": [choice.message.content for choice in told.choices]}


def chat_stream() -> dict:
    options = {"include_usage": True}
    stream = CLIENT.chat.completions.create(model=MODEL, messages=[user(TEXT)], stream=True, stream_options=options)
    chunks = list(stream)
    texts = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    finish = [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices and chunk.choices[0].finish_reason]
    usage = [chunk.usage.model_dump() for chunk in chunks if chunk.usage]
    return {"text": "".join(texts), "deltas": len(texts), "finish": finish, "usage": usage}


def streamed_chat(messages: list[dict]):
    with CLIENT.chat.completions.stream(model=MODEL, messages=messages, tools=CHAT_TOOLS) as stream:
        for _ in stream:
            pass
        return stream.get_final_completion().choices[0]


def chat_tool_stream() -> dict:
    choice = streamed_chat([user(f"call {TEXT}")])
    function = choice.message.tool_calls[0].function
    return {"name": function.name, "arguments": json.loads(function.arguments), "finish": choice.finish_reason}


def chat_turns() -> dict:
    messages = [user(f"call {TEXT}")]
    first = streamed_chat(messages).message
    call = first.tool_calls[0]
    messages += [
        first.model_dump(exclude_none=True, include={"role", "content", "tool_calls"}),
        {"role": "tool", "tool_call_id": call.id, "content": f"sent: {TEXT}"},
    ]
    choice = streamed_chat(messages)
    return {"text": choice.message.content, "finish": choice.finish_reason}


def chat_unknown_model() -> dict:
    def call() -> object:
        return CLIENT.chat.completions.create(model=ASKED["unknown_model"], messages=[user("hello")])

    return refusal(call, openai.NotFoundError)


def responses_plain() -> dict:
    told = CLIENT.responses.create(model=MODEL, input=TEXT, instructions="Be brief.", store=False)
    return {"text": told.output_text, "status": told.status, "usage": told.usage.model_dump()}


def responses_stream() -> dict:
    with CLIENT.responses.stream(model=MODEL, input=[user(TEXT)], store=False) as stream:
        deltas = [event.delta for event in stream if event.type == "response.output_text.delta"]
        told = stream.get_final_response()
    return {"text": told.output_text, "joined": "".join(deltas), "deltas": len(deltas), "usage": told.usage.model_dump()}


def streamed_response(items: list[dict]):
    more = {"store": False, "include": ["reasoning.encrypted_content"], "reasoning": {"summary": "auto"}}
    with CLIENT.responses.stream(model=MODEL, input=items, tools=TOOLS, **more) as stream:
        for _ in stream:
            pass
        return stream.get_final_response()


def of_kind(told, kind: str) -> list:
    return [item for item in told.output if item.type == kind]


def responses_tool_stream() -> dict:
    told = streamed_response([user(f"call {TEXT}")])
    call = of_kind(told, "function_call")[0]
    summary = of_kind(told, "reasoning")[0].summary[0].text
    return {"name": call.name, "arguments": json.loads(call.arguments), "reasoning": summary, "status": told.status}


def responses_turns() -> dict:
    items = [user(f"call {TEXT}")]
    first = streamed_response(items)
    call = of_kind(first, "function_call")[0]
    items += [item.model_dump(exclude_none=True, exclude={"parsed_arguments"}) for item in first.output]
    items.append({"type": "function_call_output", "call_id": call.call_id, "output": f"sent: {TEXT}"})
    told = streamed_response(items)
    return {"text": told.output_text, "status": told.status}


def responses_unknown_model() -> dict:
    def call() -> object:
        return CLIENT.responses.create(model=ASKED["unknown_model"], input="hello", store=False)

    return refusal(call, openai.NotFoundError)


def embeddings() -> dict:
    told = CLIENT.embeddings.create(model=ASKED["embedding_model"], input=[TEXT, "two"])
    return {"lengths": [len(entry.embedding) for entry in told.data], "usage": told.usage.model_dump()}


if __name__ == "__main__":
    run([
        chat_plain, chat_choices, chat_stream, chat_tool_stream, chat_turns, chat_unknown_model,
        responses_plain, responses_stream, responses_tool_stream, responses_turns, responses_unknown_model,
        embeddings,
    ])  # fmt: skip
