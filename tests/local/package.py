#!/usr/bin/env python3
"""Builds the functions as they are deployed and packs them into target/packages, for this machine's architecture."""

import os
import subprocess
import sys
from pathlib import Path

import bundle
from steps import StackError, say

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")


def main() -> int:
    say("Building the functions with the release profile; about 5 minutes on two cores.")
    crates = [argument for function in bundle.FUNCTIONS for argument in ("-p", f"countersign-{function}")]
    if subprocess.run(["cargo", "build", "--release", *crates], cwd=ROOT).returncode != 0:
        say("error: the build failed; what cargo said stands above")
        return 1
    packages = TARGET / "packages"
    try:
        bundle.pack_functions(TARGET / "release", packages, compress_level=9)
    except StackError as error:
        say(f"error: {error}")
        return 1
    architecture = "arm64" if os.uname().machine in ("arm64", "aarch64") else "x86_64"
    for package in sorted(packages.glob("*.zip")):
        say(f"  {package.relative_to(ROOT)}  {package.stat().st_size / 1e6:.2f} MB  {architecture}")
    say("Deploy them: see README.md, Deploying.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
