"""An agent of the unmodified OpenAI Agents SDK, which runs its tool itself: over responses and over chat completions."""

import asyncio

import openai
from agents import (
    Agent,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from steps import TOOL, asked, refusal, run

ASKED = asked()
TEXT = ASKED["text"]
# It would send every prompt to its vendor.
set_tracing_disabled(True)


@function_tool(name_override=TOOL)
def send_note(to: str) -> str:
    """Sends a note."""
    CALLS.append(to)
    return f"sent: {TEXT}"


CALLS: list[str] = []


def agent(kind: type, model: str) -> Agent:
    url = f"{ASKED['base_url']}/v1"
    client = openai.AsyncOpenAI(base_url=url, api_key=ASKED["api_key"], max_retries=0, timeout=60)
    settings = ModelSettings(include_usage=True, store=False)
    return Agent(
        name="clerk", instructions="Be brief.", model=kind(model, client), model_settings=settings, tools=[send_note]
    )


# One loop for all: the SDKs close their connections in the loop that opened them.
LOOP = asyncio.new_event_loop()


def whole(kind: type) -> dict:
    CALLS.clear()
    told = LOOP.run_until_complete(Runner.run(agent(kind, ASKED["model"]), f"call {TEXT}"))
    return {"text": told.final_output, "calls": list(CALLS)}


def streamed(kind: type) -> dict:
    async def read() -> dict:
        told = Runner.run_streamed(agent(kind, ASKED["model"]), f"call {TEXT}")
        kinds = [event.data.type async for event in told.stream_events() if event.type == "raw_response_event"]
        return {
            "text": told.final_output,
            "calls": list(CALLS),
            "deltas": kinds.count("response.output_text.delta"),
        }

    CALLS.clear()
    return LOOP.run_until_complete(read())


def unknown(kind: type) -> dict:
    def call() -> object:
        return LOOP.run_until_complete(Runner.run(agent(kind, ASKED["unknown_model"]), "hello"))

    return refusal(call, openai.NotFoundError)


def responses_turns() -> dict:
    return whole(OpenAIResponsesModel)


def responses_turns_stream() -> dict:
    return streamed(OpenAIResponsesModel)


def responses_unknown_model() -> dict:
    return unknown(OpenAIResponsesModel)


def chat_turns() -> dict:
    return whole(OpenAIChatCompletionsModel)


def chat_turns_stream() -> dict:
    return streamed(OpenAIChatCompletionsModel)


def chat_unknown_model() -> dict:
    return unknown(OpenAIChatCompletionsModel)


if __name__ == "__main__":
    run([
        responses_turns, responses_turns_stream, responses_unknown_model,
        chat_turns, chat_turns_stream, chat_unknown_model,
    ])  # fmt: skip
