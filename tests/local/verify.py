"""Exports a local stack's ledger and verifies it offline: `make verify`. Runs in the virtual environment."""

import argparse
import json
import shutil
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import boto3

ROOT = Path(__file__).resolve().parents[2]
STACKS = ROOT / "target" / "stack"


def client(stack: dict, service: str, role: str):
    granted = stack["credentials"][role]
    return boto3.client(
        service,
        endpoint_url=stack["endpoint"],
        region_name=stack["region"],
        aws_access_key_id=granted["access_key_id"],
        aws_secret_access_key=granted["secret_access_key"],
        aws_session_token=granted.get("session_token") or None,
    )


def operator(stack: dict) -> dict[str, str]:
    granted = stack["credentials"]["operator"]
    return {
        "PATH": "/usr/bin:/bin",
        **stack["ops_environment"],
        "AWS_ENDPOINT_URL": stack["endpoint"],
        "AWS_REGION": stack["region"],
        "AWS_ACCESS_KEY_ID": granted["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": granted["secret_access_key"],
        "AWS_SESSION_TOKEN": granted["session_token"],
    }


def checkpoint(stack: dict) -> None:
    """One now, over everything, instead of waiting for the clock's next minute."""
    name = stack["functions"]["audit-writer"]
    client(stack, "lambda", "root").invoke(FunctionName=name, Payload=json.dumps({"checkpoint": {}}).encode())


def export_and_verify(stack: dict, home: Path, more: list[str] | None = None, quiet: bool = False):
    """Exports as the operator, then verifies with an empty environment: no AWS. The finished verification."""
    binary = str(Path(stack["binaries"]) / "countersign")
    checkpoint(stack)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    trust = home / "trust.txt"
    trust.write_text(subprocess.run([binary, "trust"], env=operator(stack), check=True, capture_output=True, text=True).stdout)
    export = [binary, "export", "--out", str(home / "export"), *(more or [])]
    done = subprocess.run(export, env=operator(stack), capture_output=quiet, text=True)
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
