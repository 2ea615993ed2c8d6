"""Virtual environments, `target/venv` above all, and Node's packages: shared by every stack of a checkout, rebuilt only when their
list changes."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from processes import run
from steps import StackError, say

REQUIREMENTS = Path(__file__).with_name("requirements.txt")


def ensure_venv(target: Path, name: str = "venv", requirements: Path = REQUIREMENTS) -> Path:
    """Returns the environment's Python. A half-made environment is never seen: the link is set at the end."""
    target.mkdir(parents=True, exist_ok=True)
    wanted = target / f"{name}-{_fingerprint(requirements)}"
    with locked(target / f"{name}.lock"):
        if not ((wanted / "complete").exists() and (wanted / "bin" / "python").exists()):
            _build(wanted, requirements, target / f"{name}.log")
        _point(target / name, wanted)
    return wanted / "bin" / "python"


def node() -> tuple[str, str] | None:
    """Node and npm; None where one of them is not on the PATH."""
    program, npm = shutil.which("node"), shutil.which("npm")
    return (program, npm) if program and npm else None


def ensure_node(target: Path, name: str, folder: Path, what: str, dev: bool = False) -> Path:
    """Returns the directory with the packages that a folder's lock file lists; those for its development too, if so asked."""
    found = node()
    if found is None:
        raise StackError("node and npm are not on the PATH; make doctor says how to install them")
    lists = [folder / "package.json", folder / "package-lock.json"]
    wanted = target / f"{name}-{fingerprint(lists)}"
    log = target / f"{name}.log"
    with locked(target / f"{name}.lock"):
        if not (wanted / "complete").exists():
            shutil.rmtree(wanted, ignore_errors=True)
            wanted.mkdir(parents=True)
            for file in lists:
                shutil.copy2(file, wanted)
            log.write_text("")
            command = [found[1], "ci", "--ignore-scripts", "--no-audit", "--no-fund", *([] if dev else ["--omit=dev"])]
            run(command, log, f"installing {what} (is the npm registry reachable?)", cwd=wanted)
            (wanted / "complete").touch()
    return wanted


def script_beside(packages: Path, script: Path) -> Path:
    """A copy of a script where it finds packages: they lie above it."""
    copied = packages / f"{script.stem}-{fingerprint([script])}{script.suffix}"
    if not copied.exists():
        shutil.copy2(script, copied)
    return copied


def fingerprint(files: list[Path]) -> str:
    return hashlib.sha256(b"".join(file.name.encode() + file.read_bytes() for file in files)).hexdigest()[:12]


@contextmanager
def locked(path: Path):
    """One process at a time; the lock dies with its holder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as holder:
        try:
            fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another process that holds {path}")
            fcntl.flock(holder, fcntl.LOCK_EX)
        yield


def _fingerprint(requirements: Path) -> str:
    version = f"{sys.implementation.cache_tag} {os.path.realpath(sys.executable)}"
    return hashlib.sha256(requirements.read_bytes() + version.encode()).hexdigest()[:12]


def _build(directory: Path, requirements: Path, log: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    log.write_text("")
    run([sys.executable, "-m", "venv", str(directory)], log, "making the virtual environment")
    pip = [str(directory / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    try:
        run([*pip, "--require-hashes", "-r", str(requirements)], log, "installing Python packages")
    except StackError as error:
        raise StackError(f"{error}. Is the package index reachable? Run: make up", log) from None
    (directory / "complete").touch()


def _point(link: Path, directory: Path) -> None:
    if link.is_symlink() and os.readlink(link) == directory.name:
        return
    if link.is_dir() and not link.is_symlink():
        shutil.rmtree(link)
    fresh = link.with_name(f"{link.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(directory.name)
    fresh.replace(link)


def python_output(python: Path, script: str, text: str, env: dict[str, str]) -> str:
    """Runs one of this directory's scripts in the environment, with `text` as its input."""
    path = Path(__file__).with_name(script)
    done = subprocess.run([str(python), str(path)], input=text, env=env, capture_output=True, text=True)
    if done.returncode != 0:
        raise StackError(f"{script} failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
    return done.stdout
