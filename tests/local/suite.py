#!/usr/bin/env python3
"""Runs every test of the workspace over a stack that is up, as `cargo test --workspace` would, but side by side.

  suite.py --stack target/stack/test/stack.json

End-to-end tests mostly wait: for the emulator, for a queue, for a clock. They go one program after the other, since they share a
stack; and beside them, with the lowest priority but where they hold a clock against fractions of a second, the tests that need none. What a program says is printed whole when it ends.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from steps import StackError, say

ROOT = Path(__file__).resolve().parents[2]
OURS = "countersign-tests"
# Tests of that package that use no stack.
QUIET = {"tidy"}
# It exports the whole region, three times: that is small yet. All others go in the order of their names, whose last have theirs for that.
FIRST = "ledger"
# They hold the clock against fractions of a second: at the lowest priority they would wait for longer than that.
TIMED = {"countersign-egress"}
# Of what a failed test says: so many lines, so wide.
LINES, WIDTH = 6, 240


@dataclass(frozen=True)
class Program:
    """One program of tests."""

    package: str
    name: str
    kind: str
    path: str
    home: str

    def is_end_to_end(self) -> bool:
        return self.package == OURS and self.kind == "test" and self.name not in QUIET

    def title(self) -> str:
        return f"{self.package.removeprefix('countersign-')} {self.kind} {self.name}"

    def command(self) -> list[str]:
        return [self.path]


@dataclass(frozen=True)
class Documentation:
    """The examples in the documentation, which only cargo runs."""

    home: str = str(ROOT)

    def title(self) -> str:
        return "documentation"

    def command(self) -> list[str]:
        return ["cargo", "test", "--workspace", "--doc"]


def why(output: str) -> str:
    """What each failed test of a program said, its first lines; the end of the whole when there is none."""
    said = re.findall(r"^---- ([^\n]+) stdout ----\n(.*?)(?=^----|^failures:|\Z)", output, re.MULTILINE | re.DOTALL)
    each = [f"  {name}: {brief(text.strip().splitlines()[:LINES])}" for name, text in said]
    return "\n".join(each) or f"  {brief(output.rstrip().splitlines()[-LINES:])}"


def brief(lines: list[str]) -> str:
    return "\n    ".join(line[:WIDTH] for line in lines)


class Board:
    """What ran, how it ended, and what is left: said as it happens."""

    def __init__(self, total: int):
        self._lock = threading.Lock()
        self._total = total
        self._begun = time.monotonic()
        self._done: list[tuple[str, float, bool]] = []
        self._why: dict[str, str] = {}

    def ended(self, title: str, output: str, seconds: float, passed: bool) -> None:
        with self._lock:
            self._done.append((title, seconds, passed))
            at = time.monotonic() - self._begun
            say(f"\n== {title}: {seconds:.0f} s ({len(self._done)} of {self._total}, at {at:.0f} s)\n{output.rstrip()}")
            if not passed:
                self._why[title] = why(output)
                say(f"== {title} FAILED")

    def close(self) -> int:
        failed = [title for title, _, passed in self._done if not passed]
        slowest = sorted(self._done, key=lambda one: -one[1])[:10]
        say(f"\n{'the slowest':40} seconds")
        for title, seconds, _ in slowest:
            say(f"{title:40} {seconds:7.0f}")
        say(f"{len(self._done)} programs of tests in {time.monotonic() - self._begun:.0f} s")
        # Last of all, and briefly: of a long output, its end is what is kept and looked at.
        for title in failed:
            say(f"FAILED: {title}\n{self._why[title]}")
        return 1 if failed else 0


def built() -> list[Program]:
    """Builds the tests, and finds their programs."""
    command = ["cargo", "test", "--workspace", "--no-run", "--message-format", "json-render-diagnostics"]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise StackError("the tests do not build; what cargo said stands above")
    told = (json.loads(line) for line in done.stdout.splitlines() if line.startswith("{"))
    return [program(one) for one in told if one.get("executable") and one["profile"]["test"]]


def program(artifact: dict) -> Program:
    home = Path(artifact["manifest_path"]).parent
    package = f"countersign-{home.name}"
    return Program(package, artifact["target"]["name"], artifact["target"]["kind"][0], artifact["executable"], str(home))


def run(one: Program | Documentation, env: dict[str, str], board: Board, nice: int = 0) -> None:
    begun = time.monotonic()
    command = ["nice", "-n", str(nice), *one.command()]
    # As cargo starts them: in the package's directory, and told of it.
    env = {**env, "CARGO_MANIFEST_DIR": one.home}
    done = subprocess.run(
        command, cwd=one.home, env=env, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
    )  # fmt: skip
    board.ended(one.title(), done.stdout, time.monotonic() - begun, done.returncode == 0)


def run_all(programs: list[Program], env: dict[str, str]) -> int:
    quiet = [one for one in programs if not one.is_end_to_end()]
    ours = [one for one in programs if one.is_end_to_end()]
    ours.sort(key=lambda one: (one.name != FIRST, one.name))
    board = Board(len(programs) + 1)
    with ThreadPoolExecutor(1) as beside:
        waiting = [beside.submit(run, one, env, board, 0 if one.package in TIMED else 19) for one in quiet]
        waiting.append(beside.submit(run, Documentation(), env, board, 19))
        for one in ours:
            run(one, env, board)
        for each in waiting:
            each.result()
    return board.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stack", type=Path, required=True, help="the description of a stack that is up")
    asked = parser.parse_args()
    try:
        return run_all(built(), {**os.environ, "CS_TEST_STACK": str(asked.stack.resolve())})
    except StackError as error:
        print(error.render(), file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
