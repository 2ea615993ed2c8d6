"""Installs the clients below a directory, once for each list of them, and says where they lie.

    install.py TARGET → {"python": PATH, "node": null | {"program": PATH, "scripts": PATH}}

Whoever installs holds a lock; a half-made installation is never used.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "local"))

from packages import locked  # noqa: E402

LISTED = 30


def fingerprint(files: list[Path], *more: str) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files) + " ".join(more).encode()).hexdigest()[:12]


def run(command: list[str], directory: Path) -> str:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    if done.returncode != 0:
        lines = (done.stdout + done.stderr).splitlines()[-LISTED:]
        sys.exit("\n".join([f"error: {' '.join(command)} failed", *lines, "Is the package index reachable?"]))
    return done.stdout.strip()


def once(directory: Path, make: Callable[[Path], None]) -> Path:
    if not (directory / "complete").exists():
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        make(directory)
        (directory / "complete").touch()
    return directory


def python(target: Path) -> str:
    listed = HERE / "requirements.txt"

    def make(directory: Path) -> None:
        run([sys.executable, "-m", "venv", str(directory / "venv")], directory)
        program = str(directory / "venv" / "bin" / "python")
        run([program, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--require-hashes",
             "-r", str(listed)], directory)  # fmt: skip

    version = f"{sys.implementation.cache_tag} {os.path.realpath(sys.executable)}"
    return str(once(target / f"python-{fingerprint([listed], version)}", make) / "venv" / "bin" / "python")


def node(target: Path) -> dict | None:
    program, npm = shutil.which("node"), shutil.which("npm")
    if not (program and npm):
        return None
    lists = [HERE / "package.json", HERE / "package-lock.json"]
    scripts = sorted(HERE.glob("*.mjs"))

    def make(directory: Path) -> None:
        for file in lists:
            shutil.copy2(file, directory)
        run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], directory)

    def copy(directory: Path) -> None:
        for file in scripts:
            shutil.copy2(file, directory)

    # Packages are found by a script that lies below them.
    packages = once(target / f"node-{fingerprint(lists, run([program, '--version'], HERE))}", make)
    return {"program": program, "scripts": str(once(packages / f"scripts-{fingerprint(scripts)}", copy))}


def main() -> None:
    target = Path(sys.argv[1]).resolve()
    # The answer stands alone on standard output; what is said on the way goes to people.
    with redirect_stdout(sys.stderr), locked(target / "clients.lock"):
        installed = {"python": python(target), "node": node(target)}
    print(json.dumps(installed))


if __name__ == "__main__":
    main()
