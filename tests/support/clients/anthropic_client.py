"""An agent with the unmodified Anthropic SDK for Python."""

import anthropic
from steps import PARAMETERS, TOOL, TOOL_TEXT, asked, refusal, run

ASKED = asked()
TEXT, MODEL = ASKED["text"], ASKED["model"]
CLIENT = anthropic.Anthropic(base_url=ASKED["base_url"], api_key=ASKED["api_key"], max_retries=0, timeout=60)
TOOLS = [{"name": TOOL, "description": TOOL_TEXT, "input_schema": PARAMETERS}]
THINKING = {"type": "enabled", "budget_tokens": 1024}


def user(content: object) -> dict:
    return {"role": "user", "content": content}


def text_of(message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def plain() -> dict:
    told = CLIENT.messages.create(model=MODEL, max_tokens=256, system="Be brief.", messages=[user(TEXT)])
    return {"text": text_of(told), "stop": told.stop_reason, "usage": told.usage.model_dump()}


def stream() -> dict:
    with CLIENT.messages.stream(model=MODEL, max_tokens=256, messages=[user(TEXT)]) as events:
        deltas = list(events.text_stream)
        told = events.get_final_message()
    usage = told.usage.model_dump()
    return {"text": text_of(told), "joined": "".join(deltas), "deltas": len(deltas), "stop": told.stop_reason, "usage": usage}


def streamed(messages: list[dict], **more):
    with CLIENT.messages.stream(model=MODEL, max_tokens=2048, messages=messages, tools=TOOLS, **more) as events:
        return events.get_final_message()


def of_kind(message, kind: str):
    return next(block for block in message.content if block.type == kind)


def tool_stream() -> dict:
    told = streamed([user(f"call {TEXT}")])
    call = of_kind(told, "tool_use")
    return {"name": call.name, "arguments": call.input, "stop": told.stop_reason}


def turn(**more) -> dict:
    messages = [user(f"call {TEXT}")]
    first = streamed(messages, **more)
    call = of_kind(first, "tool_use")
    result = {"type": "tool_result", "tool_use_id": call.id, "content": f"sent: {TEXT}"}
    messages += [{"role": "assistant", "content": first.content}, user([result])]
    told = streamed(messages, **more)
    thought = [block.thinking for block in first.content if block.type == "thinking"]
    return {"text": text_of(told), "thinking": thought, "stop": told.stop_reason}


def turns() -> dict:
    return turn()


def thinking_turns() -> dict:
    """The blocks of thinking go back as they came, signature included."""
    told = turn(thinking=THINKING)
    assert told["thinking"], "the model did not think"
    return told


def count_tokens() -> dict:
    return {"tokens": CLIENT.messages.count_tokens(model=MODEL, messages=[user(TEXT)]).input_tokens}


def unknown_model() -> dict:
    def call() -> object:
        return CLIENT.messages.create(model=ASKED["unknown_model"], max_tokens=16, messages=[user("hello")])

    return refusal(call, anthropic.NotFoundError)


if __name__ == "__main__":
    run([plain, stream, tool_stream, turns, thinking_turns, count_tokens, unknown_model])
