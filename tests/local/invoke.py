"""Invokes a function of a local stack with an event from a file, as the role deployer. Runs in the virtual environment."""

import argparse
import json
import sys
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

STACKS = Path(__file__).resolve().parents[2] / "target" / "stack"


def invoke(stack: dict, function: str, event: bytes, role: str = "deployer") -> dict:
    granted = stack["credentials"][role]
    client = boto3.client(
        "lambda",
        endpoint_url=stack["endpoint"],
        region_name=stack["region"],
        aws_access_key_id=granted["access_key_id"],
        aws_secret_access_key=granted["secret_access_key"],
        aws_session_token=granted["session_token"] or None,
    )
    return client.invoke(FunctionName=stack["functions"][function], Payload=event)


def whole(payload: bytes) -> object:
    """A function that streams answers with status and headers, eight zero bytes and the body, which the emulator hands
    over as one JSON string."""
    told = json.loads(payload or b"null") if b"\0" not in payload else payload.decode()
    if not isinstance(told, str) or "\0" * 8 not in told:
        return told
    prelude, body = told.split("\0" * 8, 1)
    return {**json.loads(prelude), "body": body}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", default="local")
    parser.add_argument("--function", required=True)
    parser.add_argument("--event", type=Path, required=True)
    asked = parser.parse_args()
    try:
        stack = json.loads((STACKS / asked.name / "stack.json").read_text())
    except OSError:
        print("error: there is no stack; run: make up", file=sys.stderr)
        return 1
    if asked.function not in stack["functions"]:
        print(f"error: FN must be one of {', '.join(stack['functions'])}", file=sys.stderr)
        return 1
    if not asked.event.is_file():
        print(f"error: EVENT {asked.event} does not exist; see events/{asked.function}/", file=sys.stderr)
        return 1
    try:
        answer = invoke(stack, asked.function, asked.event.read_bytes())
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("AccessDenied", "AccessDeniedException"):
            raise
        print(f"error: nobody may invoke {asked.function} directly: a queue or the clock does", file=sys.stderr)
        return 1
    print(json.dumps(whole(answer["Payload"].read()), indent=2, ensure_ascii=False))
    return 1 if "FunctionError" in answer else 0


if __name__ == "__main__":
    sys.exit(main())
