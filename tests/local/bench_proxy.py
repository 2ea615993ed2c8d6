"""Between a function and the emulator: passes every AWS call on and notes what it was and when."""

import http.client
import json
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Made:
    target: str
    body: dict
    began: float
    ended: float


class Proxy:
    """Signatures stay valid: the emulator sees the host that the function signed."""

    def __init__(self, upstream: str):
        self.made: list[Made] = []
        handler = type("Handler", (_Handler,), {"upstream": urlsplit(upstream).netloc, "made": self.made})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream = ""
    made: list[Made] = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        began = time.monotonic()
        connection = http.client.HTTPConnection(self.upstream, timeout=60)
        connection.request("POST", self.path, body, dict(self.headers))
        answer = connection.getresponse()
        content = answer.read()
        self.made.append(Made(self.headers.get("x-amz-target", ""), _json(body), began, time.monotonic()))
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "content-length", "date", "server", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


def _json(body: bytes) -> dict:
    try:
        return json.loads(body)
    except ValueError:
        return {}


def longest_chain(made: list[Made]) -> int:
    """The most calls of which each began after the one before had ended."""
    count, free = 0, float("-inf")
    for one in sorted(made, key=lambda one: one.ended):
        if one.began >= free:
            count, free = count + 1, one.ended
    return count
