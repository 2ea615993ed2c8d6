#!/usr/bin/env python3
"""Runs the tests of verifiers/: what tools do with permits, in Python and TypeScript, over one list of vectors.

  verifiers.py            both
  verifiers.py --install  install what they need, and print where it lies as JSON, for tests that drive them

Packages are pinned with hashes and installed below target/verifiers once for each list of them.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

from packages import ensure_node, ensure_venv, fingerprint, locked, node
from processes import run
from steps import StackError, say

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "target" / "verifiers"
PYTHON = ROOT / "verifiers" / "python"
TYPESCRIPT = ROOT / "verifiers" / "typescript"
VECTORS = ROOT / "verifiers" / "vectors.json"
SECONDS = 300


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--install", action="store_true")
    try:
        if parser.parse_args().install:
            # The answer stands alone on standard output; what is said on the way goes to people.
            with redirect_stdout(sys.stderr):
                installed = {"python": str(install_python()), "path": str(PYTHON), "node": install_typescript()}
            print(json.dumps(installed))
            return 0
        test_python()
        test_typescript()
    except StackError as error:
        print(error.render(lines=60), file=sys.stderr)
        return 1
    return 0


def install_python() -> Path:
    return ensure_venv(TARGET, "python", PYTHON / "requirements.txt")


def install_typescript() -> dict[str, str] | None:
    """The built package and its tests; None where node or npm is not on the PATH."""
    found = node()
    if found is None:
        return None
    packages = ensure_node(TARGET, "node", TYPESCRIPT, "the packages of verifiers/typescript", dev=True)
    sources = files(TYPESCRIPT)
    built = packages / f"built-{fingerprint(sources)}"
    log = TARGET / "typescript.log"
    with locked(TARGET / "typescript.lock"):
        if not (built / "complete").exists():
            shutil.rmtree(built, ignore_errors=True)
            # Below the packages, since that is where a script finds them.
            copy(sources, built)
            log.write_text("")
            compiler = [found[0], str(packages / "node_modules" / "typescript" / "bin" / "tsc"), "-p", str(built)]
            run(compiler, log, "compiling verifiers/typescript")
            (built / "complete").touch()
    return {"program": found[0], "package": str(built / "dist" / "src" / "index.js"), "tests": str(built / "dist" / "tests")}


def test_python() -> None:
    python = install_python()
    command = [str(python), "-W", "error::ResourceWarning", "-m", "unittest", "discover", "-t", ".", "-s", "tests"]
    test("verifiers/python", command, PYTHON, {"PYTHONDONTWRITEBYTECODE": "1"})


def test_typescript() -> None:
    node = install_typescript()
    if node is None:
        say("verifiers/typescript: SKIPPED: node and npm are not on the PATH; make doctor says how to install them")
        return
    tests = sorted(str(path) for path in Path(node["tests"]).glob("*.test.js"))
    test("verifiers/typescript", [node["program"], "--test", *tests], Path(node["tests"]), {"CS_VECTORS": str(VECTORS)})


def test(what: str, command: list[str], directory: Path, env: dict[str, str]) -> None:
    log = TARGET / f"{what.rpartition('/')[2]}-tests.log"
    with log.open("wb") as output:
        try:
            done = subprocess.run(command, cwd=directory, env={**os.environ, **env}, stdin=subprocess.DEVNULL, stdout=output,
                                  stderr=output, timeout=SECONDS)  # fmt: skip
        except subprocess.TimeoutExpired:
            raise StackError(f"the tests of {what} did not end within {SECONDS} s", log) from None
    if done.returncode != 0:
        raise StackError(f"the tests of {what} failed", log)
    # Both runners say a count; a run of nothing passes too, and must not.
    count = counted(log.read_text(errors="replace"))
    if count == 0:
        raise StackError(f"the tests of {what} were not found", log)
    say(f"{what}: {count} tests passed")


def counted(text: str) -> int:
    for line in reversed(text.splitlines()):
        words = line.replace("ℹ", "#").split()
        if words[:1] == ["Ran"] or words[:2] == ["#", "pass"]:
            return int(next(word for word in words if word.isdigit()))
    return 0


def files(directory: Path) -> list[Path]:
    return [directory / "package.json", directory / "tsconfig.json", *sorted(directory.glob("src/*.ts")), *sorted(directory.glob("tests/*.ts"))]


def copy(sources: list[Path], to: Path) -> None:
    for source in sources:
        target = to / source.relative_to(TYPESCRIPT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


if __name__ == "__main__":
    sys.exit(main())
