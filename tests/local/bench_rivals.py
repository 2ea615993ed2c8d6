#!/usr/bin/env python3
"""What a chat call costs in Portkey's gateway and in LiteLLM's proxy, each with its guard on: prints JSON. `make bench FILE=gateway`.

    {"portkey": {"cpu_us", "rss_mb", "version", "guard", "covers", "calls"}, "litellm": {...}}

Each is installed as pinned here, runs as one process without database or telemetry, and forwards to `--upstream`. The
CPU time is that of its whole process tree, user and system, over calls one after the other on one connection. One that
cannot be installed or started, or lets planted values pass, is `{"failed": why}`: it gets no number.
"""

import argparse
import http.client
import json
import os
import secrets
import shutil
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import packages
import processes
from files import read_json, write_private
from steps import StackError, say

HERE = Path(__file__).resolve().parent
PORTKEY = HERE / "portkey"
LITELLM = HERE / "litellm_requirements.txt"
START_SECONDS = 180
ROUNDS = 3
CHAT = "/v1/chat/completions"
# The kinds of values that both guards look for, by the names of LiteLLM's own patterns. Portkey's open build ships no
# patterns: its check takes an expression each, and these are as plain as LiteLLM's.
KINDS = {
    "email": r"\b[\w.%+-]+@[\w.-]+\.[A-Za-z]{2,}\b",
    "credit_card": r"\b(?:4\d{3}|5[1-5]\d{2}|6011)(?:[ -]?\d{4}){3}\b|\b3[47]\d{2}[ -]?\d{6}[ -]?\d{5}\b",
    "iban": r"\b[A-Z]{2}\d{2}[A-Z0-9]{11,30}\b",
    "us_ssn": r"\b\d{3}-\d{2}-\d{4}\b",
    "us_phone": r"(?:\+?1[ .-]?)?\(?\b\d{3}\)?[ .-]?\d{3}[ .-]?\d{4}\b",
    "ipv4": r"\b(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)\b",
    "aws_access_key": r"\bAKIA[0-9A-Z]{16}\b",
    "github_token": r"\bgh[ps]_[A-Za-z0-9]{36}\b",
}
PLANTED = ("planted.person@example.com", "4111 1111 1111 1111")
# One that listens on the loopback address only: it holds the way to the provider, without a key.
LOOPBACK = (
    'data:text/javascript,import net from "node:net"; const listen = net.Server.prototype.listen; '
    'net.Server.prototype.listen = function (port, host, done) { return listen.call(this, port, "127.0.0.1", done); };'
)


@dataclass(frozen=True)
class Upstreams:
    """Where a rival forwards to: the stand-in, and for the proof of its guard a listener of this program."""

    measured: str
    proof: str


@dataclass(frozen=True)
class Running:
    pid: int
    port: int
    version: str
    guard: str
    # Of a call that goes to the stand-in, and of one that goes to the listener: headers, and the model's name.
    measured: tuple[dict[str, str], str]
    proof: tuple[dict[str, str], str]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--upstream", required=True, help="of a provider that speaks OpenAI's dialect: http://.../v1")
    parser.add_argument("--body", type=Path, required=True, help="file of the JSON to send")
    parser.add_argument("--target", type=Path, required=True, help="directory to install below")
    parser.add_argument("--only", choices=sorted(RIVALS))
    parser.add_argument("--warm-up", type=int, default=1_000)
    parser.add_argument("--calls", type=int, default=500, help=f"in each of {ROUNDS} rounds, whose median counts")
    asked = parser.parse_args()
    body = read_json(asked.body)
    # The answer stands alone on standard output; what is said on the way goes to people.
    with redirect_stdout(sys.stderr):
        told = {name: _attempt(name, asked, body) for name in ([asked.only] if asked.only else RIVALS)}
    print(json.dumps(told, indent=2))
    return 0


def _attempt(name: str, asked: argparse.Namespace, body: dict) -> dict[str, float | str]:
    say(f"  {name}: installing if it is not there, starting, measuring")
    try:
        with Listener() as listener:
            upstreams = Upstreams(asked.upstream, f"{listener.url}/v1")
            with RIVALS[name](asked.target.resolve(), upstreams, body["model"]) as running:
                return _measure(running, listener, body, asked.warm_up, asked.calls)
    except StackError as error:
        return {"failed": error.render(lines=8).removeprefix("error: ")}
    except (OSError, ValueError, http.client.HTTPException) as error:
        return {"failed": f"{type(error).__name__}: {error}"}


def _measure(running: Running, listener: "Listener", body: dict, warm_up: int, calls: int) -> dict[str, float | str]:
    covers = _prove(running, listener)
    headers, model = running.measured
    body = {**body, "model": model}
    _calls(running.port, headers, body, warm_up)
    rounds = []
    for _ in range(ROUNDS):
        before = _cpu_seconds(running.pid)
        _calls(running.port, headers, body, calls)
        rounds.append((_cpu_seconds(running.pid) - before) / calls * 1e6)
    return {
        "cpu_us": statistics.median(rounds),
        "cpu_us_least": min(rounds),
        "cpu_us_most": max(rounds),
        "rss_mb": sum(one.rss for one in _tree(running.pid)) / 1e6,
        "version": running.version,
        "guard": running.guard,
        "covers": covers,
        "calls": ROUNDS * calls,
        "warm_up": warm_up,
    }


def _prove(running: Running, listener: "Listener") -> str:
    """Sends values that must not arrive, and tells which messages the guard looked at."""
    text = f"Write to {PLANTED[0]} about the card {PLANTED[1]}."
    headers, model = running.proof
    turns = [{"role": "user", "content": text}, {"role": "assistant", "content": "Which?"}]
    _calls(running.port, headers, {"model": model, "messages": [*turns, turns[0]]}, 1)
    arrived = [message["content"] for body in listener.bodies[-1:] for message in body["messages"]]
    passed = [any(value in content for value in PLANTED) for content in arrived]
    if len(arrived) != 3 or passed[-1] or "about the card" not in arrived[-1]:
        raise StackError(f"the guard did not do its work: {arrived[-1:]} arrived")
    return "the last message only" if passed[0] else "every message"


def _calls(port: int, headers: dict[str, str], body: dict, count: int) -> None:
    """One after the other over one connection, each answered with 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"content-type": "application/json", **headers}
    for _ in range(count):
        connection.request("POST", CHAT, json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200 or not json.loads(text).get("choices"):
            raise StackError(f"a call was answered with {answer.status}: {text[:300]!r}")
        if answer.will_close:
            raise StackError("the connection was not kept")
    connection.close()


@contextmanager
def _portkey(target: Path, upstreams: Upstreams, model: str) -> Iterator[Running]:
    program = shutil.which("node")
    directory = packages.ensure_node(target, "portkey", PORTKEY, "Portkey's gateway")
    package = directory / "node_modules" / "@portkey-ai" / "gateway"
    checks = {
        kind: {"id": "default.regexReplace", "rule": f"/{pattern}/g", "redactText": f"[{kind.upper()}]"}
        for kind, pattern in KINDS.items()
    }

    def headers(upstream: str) -> dict[str, str]:
        # The open build keeps no configurations: each call brings its own.
        guard = {**checks, "sequential": True, "deny": False}
        config = {"provider": "openai", "api_key": "bench", "custom_host": upstream, "input_guardrails": [guard]}
        return {"x-portkey-config": json.dumps(config)}

    server = package / "build" / "start-server.js"
    env = {"NODE_ENV": "production", "TRUSTED_CUSTOM_HOSTS": "127.0.0.1"}

    def command(port: int) -> list[str]:
        return [str(program), "--import", LOOPBACK, str(server), "--headless", f"--port={port}"]

    with _process("portkey", target, command, env, "/") as (pid, port):
        yield Running(
            pid,
            port,
            read_json(package / "package.json")["version"],
            f"default.regexReplace on the request, an expression each for {', '.join(KINDS)}",
            (headers(upstreams.measured), model),
            (headers(upstreams.proof), model),
        )


@contextmanager
def _litellm(target: Path, upstreams: Upstreams, model: str) -> Iterator[Running]:
    python = packages.ensure_venv(target, "litellm", LITELLM)
    key = f"sk-{secrets.token_urlsafe(24)}"
    forwards = {model: upstreams.measured, "proof": upstreams.proof}
    patterns = [{"pattern_type": "prebuilt", "pattern_name": kind, "action": "MASK"} for kind in KINDS]
    guard = {"guardrail": "litellm_content_filter", "mode": "pre_call", "default_on": True, "patterns": patterns}
    config = {
        "model_list": [
            {"model_name": name, "litellm_params": {"model": f"openai/{model}", "api_base": url, "api_key": "bench"}}
            for name, url in forwards.items()
        ],
        "guardrails": [{"guardrail_name": "personal", "litellm_params": guard}],
        "litellm_settings": {"telemetry": False},
        "general_settings": {"master_key": key},
    }
    # JSON is YAML.
    file = target / "litellm_config.yaml"
    write_private(file, config)
    program = str(python.with_name("litellm"))
    env = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION", "LITELLM_LOG": "ERROR"}

    def command(port: int) -> list[str]:
        place = ["--host", "127.0.0.1", "--port", str(port)]
        return [program, "--config", str(file), *place, "--num_workers", "1", "--telemetry", "False"]

    with _process("litellm", target, command, env, "/health/liveliness") as (pid, port):
        headers = {"authorization": f"Bearer {key}"}
        yield Running(
            pid,
            port,
            _pinned(LITELLM, "litellm"),
            f"litellm_content_filter before the call, masking its own patterns {', '.join(KINDS)}",
            (headers, model),
            (headers, "proof"),
        )


# LiteLLM's guard by Presidio asks two services more over HTTP, whose programs are in Presidio's images and not in its
# packages; Portkey's `portkey.pii` and the checks of other makers ask services in the internet. What is named here runs
# inside the gateway's own process.
RIVALS: dict[str, Callable] = {"portkey": _portkey, "litellm": _litellm}


def _pinned(requirements: Path, name: str) -> str:
    lines = requirements.read_text().splitlines()
    return next(line.removeprefix(f"{name}==").split()[0] for line in lines if line.startswith(f"{name}=="))


@contextmanager
def _process(name: str, target: Path, command: Callable, more: dict[str, str], path: str) -> Iterator[tuple[int, int]]:
    """Runs it until it has been used; yields its pid and port once `path` is answered with 200."""
    home = target / f"{name}-home"
    home.mkdir(parents=True, exist_ok=True)
    log = target / f"{name}-run.log"
    log.write_text("")
    port = processes.free_port()
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", **more}
    child = processes.start(command(port), env, home, log)
    known = processes.identity(child.pid)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(port, path):
            if child.poll() is not None:
                raise StackError(f"{name} ended at once, with exit status {child.returncode}", log)
            if time.monotonic() > deadline:
                raise StackError(f"{name} did not answer within {START_SECONDS} s", log)
            time.sleep(0.2)
        yield child.pid, port
    finally:
        processes.stop(known)


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@dataclass(frozen=True)
class Process:
    ticks: int
    rss: int


def _tree(root: int) -> list[Process]:
    """The process and all below it."""
    found, children = {}, {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            # After the command's name in brackets: state, parent, ... (proc(5), counted from its field 3).
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # ended meanwhile
        pid, parent = int(entry.name), int(fields[1])
        # Its own time in user and system mode, and that of its children that ended.
        ticks = sum(int(field) for field in fields[11:15])
        found[pid] = Process(ticks, int(fields[21]) * os.sysconf("SC_PAGE_SIZE"))
        children.setdefault(parent, []).append(pid)
    if root not in found:
        raise StackError("the process is gone, or this system has no /proc")
    tree, open_pids = [], [root]
    while open_pids:
        pid = open_pids.pop()
        tree.append(found[pid])
        open_pids.extend(children.get(pid, []))
    return tree


def _cpu_seconds(root: int) -> float:
    return sum(one.ticks for one in _tree(root)) / os.sysconf("SC_CLK_TCK")


class Listener:
    """A provider that answers one thing and keeps what it was sent."""

    def __init__(self):
        self.bodies: list[dict] = []
        handler = type("Handler", (_Handler,), {"bodies": self.bodies})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    bodies: list[dict] = []

    def do_POST(self):
        self.bodies.append(json.loads(self.rfile.read(int(self.headers.get("content-length") or 0))))
        message = {"role": "assistant", "content": "Done."}
        content = json.dumps({
            "id": "chatcmpl-proof",
            "object": "chat.completion",
            "created": 0,
            "model": "proof",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        }).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    sys.exit(main())
