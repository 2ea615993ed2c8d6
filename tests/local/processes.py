"""Starting, recognising and stopping processes. A process is ours only if pid, start time and boot agree."""

import os
import random
import signal
import socket
import subprocess
import time
from pathlib import Path

from steps import StackError


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def kept_port() -> int:
    """One that nobody is given by chance until it is used: below those that connections go out by (Linux: from 32768 on)."""
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise StackError("no port between 20000 and 32000 is free")


def start(command: list[str], env: dict[str, str], cwd: Path, log: Path) -> subprocess.Popen:
    """Starts a process in a group of its own, so that it outlives this one and its children can be found."""
    with log.open("ab") as output:
        return subprocess.Popen(
            command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )


def run(command: list[str], log: Path, what: str, env: dict[str, str] | None = None, cwd: Path | None = None) -> None:
    """Runs a command to its end with its output in `log`; a failure names the log."""
    with log.open("ab") as output:
        done = subprocess.run(command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    if done.returncode != 0:
        raise StackError(f"{what} failed with exit status {done.returncode}", log)


def identity(pid: int) -> dict | None:
    """What tells this process from a later one with the same pid; None if there is none."""
    born = _born(pid)
    return None if born is None else {"pid": pid, "born": born, "boot": _boot()}


def is_alive(known: dict | None) -> bool:
    return bool(known) and identity(known["pid"]) == known


def stop(known: dict | None, grace_seconds: float = 5) -> None:
    """Stops the process and its group, if it is still the process that was started."""
    if not is_alive(known):
        return
    for signal_number, patience in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, grace_seconds)):
        try:
            os.killpg(known["pid"], signal_number)
        except ProcessLookupError:
            return
        if _gone_within(known, patience):
            _kill_group(known["pid"])
            return
    raise StackError(f"process {known['pid']} does not end; stop it by hand: kill -9 {known['pid']}")


def stop_all_within(directory: Path) -> None:
    """Stops what runs from an executable inside `directory`: functions whose emulator is gone already."""
    prefix = f"{directory}/"
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(entry / "exe").startswith(prefix):
                os.kill(int(entry.name), signal.SIGKILL)
        except OSError:
            continue  # ended meanwhile, or another user's


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def _gone_within(known: dict, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not is_alive(known):
            return True
        time.sleep(0.05)
    return False


def _born(pid: int) -> str | None:
    try:
        _reap(pid)
        # Field 22, after the command's name in brackets: start time in clock ticks since boot. State Z is a corpse.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if fields[0] == "Z" else fields[19]
    except FileNotFoundError:
        return _born_by_ps(pid) if not Path("/proc/self").exists() else None
    except ProcessLookupError:
        return None


def _born_by_ps(pid: int) -> str | None:
    shown = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True)
    return shown.stdout.strip() or None


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
