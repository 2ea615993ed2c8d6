"""What the Python clients share: {base_url, api_key, model, unknown_model, text} in, {step, ok, detail} a line out."""

import json
import sys
from collections.abc import Callable

PARAMETERS = {"type": "object", "properties": {"to": {"type": "string"}}, "required": ["to"], "additionalProperties": False}
TOOL = "send_note"
TOOL_TEXT = "Sends a note."


def asked() -> dict:
    return json.load(sys.stdin)


def run(steps: list[Callable[[], dict]]) -> None:
    """Every step runs, whatever became of the ones before. A step's name is its function's."""
    for step in steps:
        try:
            told = {"step": step.__name__, "ok": True, "detail": step()}
        except Exception as error:
            told = {"step": step.__name__, "ok": False, "detail": {"error": type(error).__name__, "message": str(error)}}
        print(json.dumps(told), flush=True)


def refusal(call: Callable[[], object], expected: type[Exception]) -> dict:
    """What the SDK made of an error that it has a type for."""
    try:
        call()
    except expected as error:
        return {"error": type(error).__name__, "status": error.status_code, "body": error.body}
    raise AssertionError(f"no {expected.__name__}")
