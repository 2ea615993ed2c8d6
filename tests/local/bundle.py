"""Builds the binaries for this machine and packs the functions as Lambda wants them."""

import os
import subprocess
import zipfile
from pathlib import Path

from steps import StackError

# Function -> binary. The zip's only file is `bootstrap`.
FUNCTIONS = {"actions": "actions", "admin": "admin", "approvals": "approvals", "gateway": "gateway", "dlp": "dlp", "scim": "scim", "audit-writer": "audit-writer", "lifecycle": "lifecycle", "health": "health"}
OTHER_BINARIES = ["countersign", "standin"]
# The same bytes for the same binary, so that an unchanged function is not deployed again.
EPOCH = (1980, 1, 1, 0, 0, 0)


class Build:
    """A cargo build in the fast profile that runs while other steps do."""

    # The whole workspace, as `cargo test` does: a smaller choice has other features and builds dependencies twice.
    FUNCTIONS = ["cargo", "build", "--workspace", "--bins"]
    TESTS = ["nice", "cargo", "test", "--workspace", "--no-run"]

    def __init__(self, root: Path, log: Path, command: list[str]):
        self._log = log
        env = {**os.environ, "CARGO_TERM_COLOR": "never", "CARGO_TERM_PROGRESS_WHEN": "never"}
        try:
            with log.open("wb") as output:
                self._child = subprocess.Popen(
                    command, cwd=root, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output
                )
        except FileNotFoundError:
            raise StackError("cargo is not installed; run: make doctor") from None

    def wait(self) -> None:
        if self._child.wait() != 0:
            raise StackError("the build failed", self._log)

    def abandon(self) -> None:
        if self._child.poll() is None:
            self._child.terminate()
            self._child.wait()


def binaries_dir(root: Path) -> Path:
    return Path(os.environ.get("CARGO_TARGET_DIR") or root / "target") / "debug"


def pack(binaries: Path, packages: Path) -> None:
    require(binaries, [*FUNCTIONS.values(), *OTHER_BINARIES])
    pack_functions(binaries, packages, compress_level=1)


def pack_functions(binaries: Path, packages: Path, compress_level: int) -> None:
    require(binaries, list(FUNCTIONS.values()))
    packages.mkdir(parents=True, exist_ok=True)
    for function, binary in FUNCTIONS.items():
        _zip(binaries / binary, packages / f"{function}.zip", compress_level)


def require(binaries: Path, names: list[str]) -> None:
    missing = [name for name in names if not (binaries / name).is_file()]
    if missing:
        raise StackError(f"{binaries} lacks the binaries: {', '.join(missing)}")


def _zip(binary: Path, package: Path, compress_level: int) -> None:
    entry = zipfile.ZipInfo("bootstrap", EPOCH)
    entry.external_attr = 0o100755 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr(entry, binary.read_bytes(), compresslevel=compress_level)
