#!/usr/bin/env python3
"""Names what this project needs from the machine, the version found, and the command that installs what is missing.

Runs on any Python from 3.6 on, so that it can report one that is too old.
"""

import os
import platform
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

HASHICORP_APT = (
    "sudo apt-get install -y gpg wget && wget -O- https://apt.releases.hashicorp.com/gpg | sudo gpg --dearmor -o /usr/share/keyrings/hashicorp.gpg && "
    'echo "deb [signed-by=/usr/share/keyrings/hashicorp.gpg] https://apt.releases.hashicorp.com '
    '$(. /etc/os-release && echo $VERSION_CODENAME) main" | sudo tee /etc/apt/sources.list.d/hashicorp.list && '
    "sudo apt-get update && sudo apt-get install -y terraform"
)

RUSTUP = "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y && . \"$HOME/.cargo/env\""

# name, command that tells the version, lowest version or None, install command by package manager
NEEDED = [
    ("rust (cargo)", ["cargo", "--version"], (1, 95), {"any": RUSTUP}),
    (
        "terraform",
        ["terraform", "version"],
        (1, 11),
        {
            "apt": HASHICORP_APT,
            "dnf": "sudo dnf config-manager --add-repo https://rpm.releases.hashicorp.com/fedora/hashicorp.repo && "
            "sudo dnf install -y terraform",
            "brew": "brew install hashicorp/tap/terraform",
            "any": "see https://developer.hashicorp.com/terraform/install",
        },
    ),
    (
        "make",
        ["make", "--version"],
        None,
        {
            "apt": "sudo apt-get install -y make",
            "dnf": "sudo dnf install -y make",
            "brew": "xcode-select --install",
            "any": "install GNU make",
        },
    ),
    (
        "C compiler (cc)",
        ["cc", "--version"],
        None,
        {
            "apt": "sudo apt-get install -y build-essential",
            "dnf": "sudo dnf install -y gcc",
            "brew": "xcode-select --install",
            "any": "install gcc or clang, callable as cc",
        },
    ),
    (
        "git",
        ["git", "--version"],
        None,
        {
            "apt": "sudo apt-get install -y git",
            "dnf": "sudo dnf install -y git",
            "brew": "brew install git",
            "any": "install git",
        },
    ),
]

# Wanted by some tests alone, which say aloud that they are skipped without.
WANTED = [
    (
        "node and npm",
        ["node", "--version"],
        (20, 0),
        {
            "apt": "sudo apt-get install -y nodejs npm; where that is older than 20: https://nodejs.org/en/download",
            "dnf": "sudo dnf install -y nodejs npm; where that is older than 20: https://nodejs.org/en/download",
            "brew": "brew install node",
            "any": "see https://nodejs.org/en/download",
        },
        "the tests of single sign-on, of Node clients, of the verifier in TypeScript, of pages and of key policies",
    ),
]

# What Chromium is called on a machine, first choice first.
CHROMIUMS = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/usr/bin/chromium",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
]
CHROMIUM_INSTALL = {
    "apt": "sudo apt-get install -y chromium",
    "dnf": "sudo dnf install -y chromium",
    "brew": "brew install --cask google-chrome",
    "any": "see https://www.chromium.org/getting-involved/download-chromium/",
}

# What a first build and the tests' stack take of the disk that target/ lies on, in GB.
DISK_GB = 10

PYTHON_LOWEST = (3, 10)
PYTHON_INSTALL = {
    "apt": "sudo apt-get install -y python3 python3-venv",
    "dnf": "sudo dnf install -y python3",
    "brew": "brew install python@3.12",
    "any": "see https://www.python.org/downloads/",
}


def package_manager():
    for manager, program in (("apt", "apt-get"), ("dnf", "dnf"), ("brew", "brew")):
        if shutil.which(program):
            return manager
    return "any"


def install_command(commands):
    return commands.get(package_manager()) or commands["any"]


def chromium_program():
    """The path of a Chromium, or None. CHROMIUM in the environment names another."""
    found = [shutil.which(name) for name in [os.environ.get("CHROMIUM") or ""] + CHROMIUMS]
    return next((path for path in found if path), None)


def first_version(text):
    found = re.search(r"\d+(\.\d+)+", text)
    return found.group(0) if found else ""


def at_least(version, lowest):
    parts = tuple(int(part) for part in version.split("."))
    return lowest is None or parts[: len(lowest)] >= lowest


def dotted(version):
    return "any" if version is None else ">= " + ".".join(str(part) for part in version)


def ask(command):
    """Returns (version, problem); one of the two is empty."""
    if shutil.which(command[0]) is None:
        return "", "not found"
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    text = done.stdout.decode("utf-8", "replace")
    if done.returncode != 0:
        return "", "does not run: " + (text.strip().splitlines() or [""])[-1][:80]
    return first_version(text), ""


def check_tool(name, command, lowest, commands):
    version, problem = ask(command)
    if not problem and lowest and not version:
        problem = "tells no version"
    if not problem and lowest and not at_least(version, lowest):
        problem = "too old"
    return name, version, dotted(lowest), problem, install_command(commands)


def check_python():
    version = platform.python_version()
    problem = ""
    if sys.version_info[:2] < PYTHON_LOWEST:
        problem = "too old; or name a newer one: make PYTHON=python3.12 ..."
    else:
        try:
            import ensurepip  # noqa: F401  (Debian ships it apart, in python3-venv)
            import venv  # noqa: F401
        except ImportError:
            problem = "cannot make virtual environments"
    return "python", version, dotted(PYTHON_LOWEST), problem, install_command(PYTHON_INSTALL)


def disk_shortage(free, kept):
    """What to do about a disk with `free` bytes, of which target/ has `kept`; empty where a build fits."""
    free, kept = free / 1e9, kept / 1e9
    if free + kept >= DISK_GB and free >= DISK_GB / 4:
        return ""
    advice = "cargo clean frees %.0f GB of earlier builds." % kept if kept >= 1 else "Free some, or set CARGO_TARGET_DIR."
    return "%.1f GB are free where target/ lies; a first build takes up to %d GB. %s" % (free, DISK_GB, advice)


def target_bytes(target):
    """Bytes of all files below; those that vanish meanwhile are none."""
    total = 0
    for folder, _, files in os.walk(target):
        for name in files:
            try:
                total += os.lstat(os.path.join(folder, name)).st_blocks * 512
            except OSError:
                pass
    return total


def check_disk():
    target = os.environ.get("CARGO_TARGET_DIR") or os.path.join(ROOT, "target")
    place = target if os.path.isdir(target) else ROOT
    free = shutil.disk_usage(place).free
    # Counting what is kept takes a while: only where it matters.
    return free, disk_shortage(free, target_bytes(target) if free < DISK_GB * 1e9 else 0)


def main():
    found = [check_python()] + [check_tool(*needed) for needed in NEEDED]
    print("%-16s %-12s %-10s %s" % ("needed", "found", "wanted", ""))
    for name, version, wanted, problem, _ in found:
        print("%-16s %-12s %-10s %s" % (name, version or "-", wanted, problem or "ok"))
    chromium = [chromium_program() or "chromium", "--version"]
    pages = ("chromium", chromium, None, CHROMIUM_INSTALL, "the tests of pages (as root on Debian they install it)")
    for name, command, lowest, commands, what in WANTED + [pages]:
        name, version, wanted, problem, command = check_tool(name, command, lowest, commands)
        print("%-16s %-12s %-10s %s" % (name, version or "-", wanted, problem or "ok"))
        if problem:
            print("  not needed, but %s are skipped without. Install it with:\n  %s" % (what, command))
    free, shortage = check_disk()
    print("%-16s %-12s %-10s %s" % ("disk", "%.0f GB" % (free / 1e9), ">= %d GB" % DISK_GB, "short" if shortage else "ok"))
    if shortage:
        print("  " + shortage)
    missing = [entry for entry in found if entry[3]]
    for name, _, _, problem, command in missing:
        print("\n%s: %s. Install it with:\n  %s" % (name, problem, command))
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
