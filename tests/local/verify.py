"""Exports a local stack's ledger and verifies it offline: `make verify`. Runs in the virtual environment."""

import argparse
import json
import shutil
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

from invoke import STACKS, invoke
from stack import operator_environment

ROOT = Path(__file__).resolve().parents[2]


def checkpoint(stack: dict) -> None:
    """One now, over everything, instead of waiting for the clock's next minute."""
    invoke(stack, "audit-writer", (ROOT / "events" / "audit-writer" / "checkpoint.json").read_bytes(), role="root")


def export_and_verify(stack: dict, home: Path, more: list[str] | None = None, quiet: bool = False):
    """Exports as the operator, then verifies with an empty environment: no AWS. The finished verification."""
    binary = str(Path(stack["binaries"]) / "countersign")
    checkpoint(stack)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    trust = home / "trust.txt"
    trust.write_text(subprocess.run([binary, "trust"], env=operator_environment(stack), check=True, capture_output=True, text=True).stdout)
    export = [binary, "export", "--out", str(home / "export"), *(more or [])]
    done = subprocess.run(export, env=operator_environment(stack), capture_output=quiet, text=True)
    if done.returncode != 0:
        return done
    return verify_again(stack, home, quiet)


def verify_again(stack: dict, home: Path, quiet: bool = True):
    as_of = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    binary = str(Path(stack["binaries"]) / "countersign")
    verify = [binary, "verify", str(home / "export"), "--trust", str(home / "trust.txt"), "--as-of", as_of]
    return subprocess.run(verify, env={}, capture_output=quiet, text=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", default="local")
    name = parser.parse_args().name
    stack = json.loads((STACKS / name / "stack.json").read_text())
    sys.stdout.reconfigure(line_buffering=True)
    print("\nExporting every tenant's log as the operator, then verifying it with no AWS at hand:\n")
    return export_and_verify(stack, STACKS / name / "exports" / "verify").returncode


if __name__ == "__main__":
    sys.exit(main())
