#!/usr/bin/env python3
"""Builds the functions as they are deployed and packs them into target/packages: `make package ARCH=arm64`."""

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import bundle
from steps import StackError, say

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
TRIPLES = {"arm64": "aarch64-unknown-linux-gnu", "x86_64": "x86_64-unknown-linux-gnu"}
# Of Amazon Linux 2023, on which provided.al2023 runs: a binary that wants a newer one does not start.
GLIBC_MINOR_MAX = 34


def here() -> str:
    return "arm64" if os.uname().machine in ("arm64", "aarch64") else "x86_64"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arch", choices=TRIPLES, default=here())
    arch = parser.parse_args().arch
    try:
        packages = build(arch)
    except StackError as error:
        say(f"error: {error}")
        return 1
    for package in sorted([*packages.glob("*.zip"), packages / "countersign-verify"]):
        say(f"  {package.relative_to(ROOT)}  {package.stat().st_size / 1e6:.2f} MB  {arch}")
    say(f"Deploy them with -var architecture={arch}: see README.md, Deploying.")
    return 0


def build(arch: str) -> Path:
    crates = [argument for function in bundle.FUNCTIONS for argument in ("-p", f"countersign-{function}")]
    release, target = TARGET / "release", []
    if arch != here():
        _can_cross(arch)
        release, target = TARGET / TRIPLES[arch] / "release", ["--target", TRIPLES[arch]]
    say(f"Building the functions for {arch} with the release profile; about 5 minutes on two cores.")
    if subprocess.run(["cargo", "build", "--release", *crates, *target], cwd=ROOT).returncode != 0:
        raise StackError("the build failed; what cargo said stands above")
    for binary in bundle.FUNCTIONS.values():
        _starts_on_lambda(release / binary)
    packages = TARGET / "packages"
    bundle.pack_functions(release, packages, compress_level=9)
    shutil.copy2(_verifier(arch), packages / "countersign-verify")
    return packages


def _verifier(arch: str) -> Path:
    """The program that an auditor is handed: nothing of the machine it runs on is needed."""
    triple, apart = TRIPLES[arch], TARGET / "static"
    command = ["cargo", "build", "--release", "-p", "countersign-verify", "--target", triple, "--target-dir", str(apart)]
    env = {**os.environ, "RUSTFLAGS": "-C target-feature=+crt-static"}
    if subprocess.run(command, cwd=ROOT, env=env).returncode != 0:
        raise StackError("the build of countersign-verify failed; what cargo said stands above")
    binary = apart / triple / "release" / "countersign-verify"
    if b"ld-linux" in binary.read_bytes():
        raise StackError("countersign-verify is not static: it names a dynamic loader")
    return binary


def _can_cross(arch: str) -> None:
    """A cross build needs Rust's standard library of the target, and a C compiler and linker for it."""
    triple = TRIPLES[arch]
    asked = ["rustc", "--print", "target-libdir", "--target", triple]
    libraries = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True).stdout.strip()
    if not libraries or not Path(libraries).is_dir():
        raise StackError(f"this Rust cannot build for {arch}; run: rustup target add {triple}")
    compiler = triple.replace("-unknown", "") + "-gcc"
    if not os.environ.get(f"CARGO_TARGET_{triple.upper().replace('-', '_')}_LINKER"):
        if shutil.which(compiler) is None:
            raise StackError(f"there is no {compiler}; install a cross compiler, or build on a machine with {arch}")
        os.environ[f"CARGO_TARGET_{triple.upper().replace('-', '_')}_LINKER"] = compiler


def _starts_on_lambda(binary: Path) -> None:
    minors = [int(minor) for minor in re.findall(rb"GLIBC_2\.(\d+)", binary.read_bytes())]
    if max(minors, default=0) > GLIBC_MINOR_MAX:
        raise StackError(
            f"{binary.name} wants glibc 2.{max(minors)}, and Lambda has 2.{GLIBC_MINOR_MAX}; "
            "build on Amazon Linux 2023 or any Linux with a glibc that old"
        )


if __name__ == "__main__":
    sys.exit(main())
