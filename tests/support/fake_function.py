#!/usr/bin/env python3
"""A function that does what its event's body says, to try the host with. It speaks the Runtime API itself.

{"do": "whole"}                      status 201, a header, a cookie, and the event as the body
{"do": "say", "answer": any}         that answer, word for word
{"do": "stream", "pieces": [base64], "end": "proper" | "trailer" | "die", "bare": true}
{"do": "error" | "crash" | "hang"}
"gate": port                         before each piece, or before a whole answer: waits for a byte from there
"""

import base64
import http.client
import json
import os
import socket
import sys
import time

API = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
INVOCATION = "/2018-06-01/runtime/invocation"
INTEGRATION = "application/vnd.awslambda.http-integration-response"


def post(path: str, value: object) -> None:
    API.request("POST", path, json.dumps(value).encode(), {"content-type": "application/json"})
    API.getresponse().read()


def told(event: dict) -> dict:
    if "body" not in event:
        return event
    body = event["body"]
    return json.loads(base64.b64decode(body) if event["isBase64Encoded"] else body)


class Gate:
    """Open when there is none."""

    def __init__(self, port: int | None):
        self.socket = socket.create_connection(("127.0.0.1", port)) if port else None

    def wait(self) -> None:
        if self.socket and not self.socket.recv(1):
            sys.exit("the gate is gone")


def stream(path: str, asked: dict, gate: Gate) -> None:
    API.putrequest("POST", path)
    API.putheader("lambda-runtime-function-response-mode", "streaming")
    API.putheader("content-type", "application/octet-stream" if asked.get("bare") else INTEGRATION)
    API.putheader("transfer-encoding", "chunked")
    API.putheader("trailer", "lambda-runtime-function-error-type, lambda-runtime-function-error-body")
    API.endheaders()
    for piece in map(base64.b64decode, asked["pieces"]):
        gate.wait()
        API.send(b"%x\r\n%s\r\n" % (len(piece), piece))
    if asked["end"] == "die":
        gate.wait()
        os._exit(1)
    trailer = b"lambda-runtime-function-error-type: Runtime.Fake\r\n" if asked["end"] == "trailer" else b""
    API.send(b"0\r\n" + trailer + b"\r\n")
    API.getresponse().read()


def answer(event: dict) -> object:
    asked = told(event)
    if asked["do"] == "say":
        return asked["answer"]
    about = {"event": event, "pid": os.getpid(), "names": sorted(os.environ)}
    return {"statusCode": 201, "headers": {"x-fake": "yes"}, "cookies": ["a=b"], "body": json.dumps(about)}


def invocation() -> None:
    API.request("GET", f"{INVOCATION}/next")
    begun = API.getresponse()
    path, event = f"{INVOCATION}/{begun.headers['lambda-runtime-aws-request-id']}", json.loads(begun.read())
    asked = told(event)
    if asked["do"] == "crash":
        os._exit(1)
    if asked["do"] == "hang":
        time.sleep(3_600)
    if asked["do"] == "error":
        return post(f"{path}/error", {"errorType": "Fake", "errorMessage": "told to fail"})
    gate = Gate(asked.get("gate"))
    if asked["do"] == "stream":
        return stream(f"{path}/response", asked, gate)
    gate.wait()
    post(f"{path}/response", answer(event))


def main() -> None:
    if os.environ.get("FAKE_INIT") == "error":
        post("/2018-06-01/runtime/init/error", {"errorType": "Fake", "errorMessage": "told to fail"})
        sys.exit(1)
    while True:
        invocation()


if __name__ == "__main__":
    main()
