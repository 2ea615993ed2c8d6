"""MiniStack: AWS on this machine, with IAM enforced."""

import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import processes
from steps import StackError

# The emulator's root. It checks no signature for this key, which is why it listens on the loopback address alone.
ROOT_KEY = {"access_key_id": "test", "secret_access_key": "test", "session_token": ""}
ACCOUNT = "000000000000"
REGION_NAME = "eu-central-1"

START_SECONDS = 60
PROGRAM = Path(__file__).resolve().parent / "ministack_on_aws_terms.py"
ATTEMPTS = 3


def start(python: Path, home: Path, log: Path, remember) -> str:
    """Starts the emulator on a free port and returns its endpoint. `remember` learns of the process at once, so that
    it can be stopped whatever happens meanwhile."""
    for attempt in range(1, ATTEMPTS + 1):
        port = processes.free_port()
        endpoint = f"http://127.0.0.1:{port}"
        child = processes.start([str(python), str(PROGRAM)], _environment(home, port, endpoint), home, log)
        remember(processes.identity(child.pid), endpoint)
        if _answers(child, endpoint):
            return endpoint
        if child.poll() is None:
            processes.stop(processes.identity(child.pid))
            raise StackError(f"the emulator did not answer within {START_SECONDS} s", log)
        if attempt == ATTEMPTS:
            raise StackError(f"the emulator ended at once, with exit status {child.returncode}", log)
    raise AssertionError("unreachable")


def is_healthy(endpoint: str) -> bool:
    try:
        with urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=5) as answer:
            return answer.status == 200
    except (OSError, urllib.error.URLError):
        return False


def _answers(child: subprocess.Popen, endpoint: str) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and child.poll() is None:
        if is_healthy(endpoint):
            return True
        time.sleep(0.1)
    return False


def _environment(home: Path, port: int, endpoint: str) -> dict[str, str]:
    """A minimal one: MiniStack hands its own environment to every function, where it would hide a missing variable."""
    for name in ("tmp", "s3"):
        (home / name).mkdir(exist_ok=True)
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": str(home),
        "TMPDIR": str(home / "tmp"),
        "S3_DATA_DIR": str(home / "s3"),
        "STATE_DIR": str(home / "state"),
        "AUTH": "true",
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "AWS_ENDPOINT_URL": endpoint,
        "MINISTACK_REGION": REGION_NAME,
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "AWS_ACCESS_KEY_ID": ROOT_KEY["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": ROOT_KEY["secret_access_key"],
        # Ports that this bundle does not use and a second stack could not open.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # Races of 200 calls at once: each holds a thread, and its function's calls to AWS need one too.
        "MINISTACK_WORKER_THREADS": "512",
        "LAMBDA_ACCOUNT_CONCURRENCY": "300",
    }
