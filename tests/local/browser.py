#!/usr/bin/env python3
"""A real browser for tests of pages: Chromium, driven by browser/drive.mjs with pinned packages.

  browser.py --install   install what is missing, and print where it lies as JSON:
                         {"program": node, "script": drive.mjs, "chromium": PATH, "out": PATH}, or null where a test is to be skipped
  browser.py [FILE]      run a script (see browser/drive.mjs) from FILE or standard input
  browser.py --lines     a step a line

Chromium is whatever CHROMIUM names, else what the machine has, else Debian's package if this may install it (root on
Debian, and CS_NO_APT is not set). Pictures go to target/browser.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

from doctor import CHROMIUM_INSTALL, chromium_program, install_command
from packages import ensure_node, locked, node, script_beside
from processes import run
from steps import StackError, say

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "target" / "browser"
HERE = Path(__file__).resolve().with_name("browser")

# Browsers that Playwright installed for somebody else, by home directory.
PLAYWRIGHTS = (
    ".cache/ms-playwright/chromium-*/chrome-linux*/chrome",
    "Library/Caches/ms-playwright/chromium-*/chrome-mac*/*.app/Contents/MacOS/*",
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--install", action="store_true")
    parser.add_argument("--lines", action="store_true")
    parser.add_argument("script", nargs="?")
    told = parser.parse_args()
    try:
        # The answer stands alone on standard output; what is said on the way goes to people.
        with redirect_stdout(sys.stderr):
            found = installed()
    except StackError as error:
        print(error.render(lines=40), file=sys.stderr)
        return 3
    if told.install:
        print(json.dumps(found))
        return 0
    if found is None:
        return 3
    more = ["--lines"] if told.lines else [told.script] if told.script else []
    return subprocess.run([found["program"], found["script"], *more], env=environment(found)).returncode


def installed() -> dict[str, str] | None:
    found = node()
    if found is None:
        say("no browser for tests: node and npm are not on the PATH; make doctor says how to install them")
        return None
    TARGET.mkdir(parents=True, exist_ok=True)
    with locked(TARGET / "browser.lock"):
        chromium = find_chromium() or install_chromium()
        if chromium is None:
            say(f"no browser for tests: Chromium is missing. Install it with: {install_command(CHROMIUM_INSTALL)}")
            say("  or name one: export CHROMIUM=/path/to/chrome")
            return None
        return {"program": found[0], "script": str(install_driver()), "chromium": chromium, "out": str(TARGET)}


def environment(found: dict[str, str]) -> dict[str, str]:
    return {**os.environ, "CHROMIUM": found["chromium"], "CS_BROWSER_OUT": found["out"]}


def find_chromium() -> str | None:
    named = os.environ.get("CHROMIUM")
    if named and not os.access(named, os.X_OK):
        raise StackError(f"CHROMIUM names no program: {named}")
    if named or chromium_program():
        return named or chromium_program()
    found = [path for pattern in PLAYWRIGHTS for path in sorted(Path.home().glob(pattern)) if os.access(path, os.X_OK)]
    return str(found[-1]) if found else None


def install_chromium() -> str | None:
    """Debian's package, where that is this process's to do. Ubuntu's of that name is a snap, which does not run everywhere."""
    if os.geteuid() != 0 or distribution() != "debian" or not shutil.which("apt-get") or os.environ.get("CS_NO_APT"):
        return None
    say("installing Chromium from Debian's packages (once; about a minute)")
    log = TARGET / "apt.log"
    log.write_text("")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    apt = ["apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300"]
    run([*apt, "update"], log, "asking Debian's package lists", env=env)
    run([*apt, "install", "--no-install-recommends", "chromium", "fonts-dejavu-core"], log, "installing Debian's chromium", env=env)
    return chromium_program()


def distribution() -> str:
    try:
        return platform.freedesktop_os_release().get("ID", "")
    except OSError:
        return ""


def install_driver() -> Path:
    packages = ensure_node(TARGET, "node", HERE, "the driver of the browser")
    return script_beside(packages, HERE / "drive.mjs")


if __name__ == "__main__":
    sys.exit(main())
