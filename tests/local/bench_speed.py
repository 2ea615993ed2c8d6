"""How fast a call is: what the gateway adds before the first token of a stream, and how many calls one core carries.

Times are of this machine, and everything else that takes part runs on it too, so each figure is taken beside another one of
the same run (a stream straight from the stand-in provider) or from the CPU time of the gateway's own processes.
"""

import http.client
import json
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from steps import StackError

STREAMS = 400
CALLS = 2_000
FIRST_TOKEN_HOW = (
    "from the request's first byte to the first piece of text, one stream at a time, through the gateway and straight to the "
    "stand-in provider in turn; the difference of the medians and of the 99th percentiles; tables and queue in memory"
)
PER_CORE_HOW = (
    "calls through CPU seconds of the gateway's processes, all threads, user and system; one process and one caller for each "
    "core, which the callers, the host, the provider and the tables share, so no rate by the clock is told"
)


def first_token(gateway: str, provider: str, key: str, body: dict) -> dict[str, float | str]:
    through, direct = _Stream(gateway, key, body), _Stream(provider, "bench", body)
    times: dict[_Stream, list[float]] = {through: [], direct: []}
    for number in range(STREAMS):
        # In turn, and each of them first as often as the other: what the machine does besides hits both alike.
        for one in (through, direct) if number % 2 else (direct, through):
            times[one].append(one.first_token_ms())
    added = {}
    for name, percent in (("p50", 50), ("p99", 99)):
        ours, theirs = (_percentile(times[one], percent) for one in (through, direct))
        added |= {f"ttft_added_ms_{name}": ours - theirs, f"ttft_direct_ms_{name}": theirs}
    return {**added, "ttft_how": FIRST_TOKEN_HOW}


def per_core(gateway: str, key: str, body: dict, cores: int) -> dict[str, float | str]:
    pids = [worker["pid"] for worker in _get(gateway, "/_host")["workers"]]
    each = CALLS // cores
    before = sum(map(cpu_ns, pids))
    with ThreadPoolExecutor(cores) as callers:
        for done in [callers.submit(calls, gateway, key, body, each) for _ in range(cores)]:
            done.result()
    seconds = (sum(map(cpu_ns, pids)) - before) / 1e9
    return {"calls_per_s_per_core": each * cores / seconds, "calls_per_s_how": PER_CORE_HOW}


class _Stream:
    """Streams over one connection, which stays open as a client's does."""

    def __init__(self, base: str, key: str, body: dict):
        url = urlsplit(base)
        self._path = f"{url.path}/chat/completions"
        self._connection = http.client.HTTPConnection(url.netloc, timeout=60)
        self._headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
        self._body = json.dumps({**body, "stream": True})

    def first_token_ms(self) -> float:
        began = time.perf_counter()
        self._connection.request("POST", self._path, self._body, self._headers)
        answer = self._connection.getresponse()
        if answer.status != 200:
            raise StackError(f"a stream failed with {answer.status}: {answer.read()[:300]!r}")
        took = None
        while line := answer.readline():
            if took is None and _says_something(line):
                took = (time.perf_counter() - began) * 1_000
        if took is None:
            raise StackError("a stream ended without a word")
        return took


def _says_something(line: bytes) -> bool:
    if not line.startswith(b"data: {"):
        return False
    choices = json.loads(line[len(b"data: ") :]).get("choices") or [{}]
    return bool(choices[0].get("delta", {}).get("content"))


def _percentile(times: list[float], percent: int) -> float:
    return statistics.quantiles(times, n=100, method="inclusive")[percent - 1]


def calls(base: str, key: str, body: dict, count: int) -> None:
    url = urlsplit(base)
    connection = http.client.HTTPConnection(url.netloc, timeout=60)
    headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
    for _ in range(count):
        connection.request("POST", f"{url.path}/chat/completions", json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise StackError(f"a call failed with {answer.status}: {text[:300]!r}")


def _get(base: str, path: str) -> dict:
    connection = http.client.HTTPConnection(urlsplit(base).netloc, timeout=30)
    connection.request("GET", path)
    return json.loads(connection.getresponse().read())


def cpu_ns(pid: int) -> int:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)
