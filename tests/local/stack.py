#!/usr/bin/env python3
"""The local stack: the real Terraform and the real binaries on an AWS emulator.

  stack.py up     --name NAME [--seed] [--binaries DIR]   make it, or bring a running one up to date
  stack.py down   --name NAME                             end it and remove its state
  stack.py status --name NAME                             say whether it runs
  stack.py env    --name NAME                             print what to export to use it
  stack.py logs   --name NAME                             print what its functions logged

Everything lies under target/stack/NAME/; stack.json there names every address. Stacks of other names and other
checkouts are never touched.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import bundle
import emulator
import packages
import people
import processes
from files import read_json, write_private
from steps import StackError, Steps, say
from terraform import Terraform

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "target"

# Seconds per step on two cores, nothing cached; a machine's own last run replaces them.
GUESSES = {
    "Python packages": 40,
    "build the functions": 240,
    "start the emulator": 3,
    "find the Terraform provider": 5,
    "apply infra/ with Terraform": 65,
    "start the stand-in provider": 1,
    "take on the roles": 1,
    "ask the functions": 3,
}

SINK = "countersign-local-sink"
ASSUMED_ROLES = ["operator", "auditor", "deployer", "bootstrap", "admin", "gateway", "dlp", "scim", "audit-writer", "lifecycle", "health", "actions", "approvals"]


class Stack:
    """One stack's directory and what is known of its processes."""

    def __init__(self, name: str):
        self.name = name
        self.home = TARGET / "stack" / name
        self.logs = self.home / "logs"
        self.file = self.home / "stack.json"
        self._known = self.home / "processes.json"

    def processes(self) -> dict[str, dict]:
        return read_json(self._known)

    def remember(self, role: str, known: dict | None, **facts: str) -> None:
        write_private(self._known, {**self.processes(), role: {"process": known, **facts}})

    def runs(self, role: str) -> bool:
        return processes.is_alive(self.processes().get(role, {}).get("process"))

    def fact(self, role: str, name: str) -> str:
        return self.processes().get(role, {}).get(name, "")

    def stop(self) -> None:
        """Stops what it started and nothing else, then whatever still runs from its own directory."""
        for started in self.processes().values():
            processes.stop(started.get("process"))
        processes.stop_all_within(self.home)

    def keep_logs(self) -> Path | None:
        """Moves the logs to where they outlive the stack."""
        if not self.logs.is_dir():
            return None
        kept = TARGET / "logs" / self.name
        shutil.rmtree(kept, ignore_errors=True)
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(self.logs, kept)
        return kept


def up(stack: Stack, binaries: Path | None, seed: bool, provider_timeout_ms: int, build_tests: bool = False) -> None:
    kind = "update" if is_up(stack) else "fresh"
    if kind == "fresh":
        clear_leftovers(stack)
    steps = Steps(GUESSES, TARGET / f"stack-durations-{kind}.json")
    stack.logs.mkdir(parents=True, exist_ok=True)
    stack.home.chmod(0o700)
    steps.announce(f"Bringing the stack `{stack.name}` {'up to date' if kind == 'update' else 'up'}")

    # The build and the downloads need different things, so they run side by side.
    build = None if binaries else bundle.Build(ROOT, stack.logs / "cargo-build.log", bundle.Build.FUNCTIONS)
    try:
        with steps.step("Python packages"):
            python = packages.ensure_venv(TARGET)
        with steps.step("build the functions"):
            if build:
                build.wait()
            bundle.pack(binaries or bundle.binaries_dir(ROOT), stack.home / "packages")
    finally:
        if build:
            build.abandon()
    if build_tests:
        # It goes on beside the steps below, and after them: whoever runs the tests waits for it.
        bundle.Build(ROOT, stack.logs / "cargo-test-build.log", bundle.Build.TESTS)
    with steps.step("start the emulator"):
        endpoint = ensure_emulator(stack, python)
    terraform = Terraform(ROOT, stack.home, stack.logs, endpoint)
    with steps.step("find the Terraform provider"):
        say(f"      from {terraform.init()}")
    with steps.step("apply infra/ with Terraform"):
        made = terraform.apply(variables(stack, endpoint, provider_timeout_ms))
    with steps.step("start the stand-in provider"):
        provider_url = ensure_standin(stack, binaries or bundle.binaries_dir(ROOT))
    with steps.step("take on the roles"):
        described = describe(stack, endpoint, provider_url, made, credentials(python, endpoint, made))
        described["binaries"] = str(binaries or bundle.binaries_dir(ROOT))
        write_private(stack.file, described)
    for function in people.FRONTS:
        people.ensure_front(stack, python, function, served(endpoint, made, function))
    ensure_canary(stack, described, binaries or bundle.binaries_dir(ROOT))
    with steps.step("ask the functions"):
        for url in ("gateway_url", "dlp_url", "admin_url", "scim_url", "status_url", "actions_url", "approvals_url"):
            require_answer(described[url], stack)
    if not binaries:
        steps.remember()
    say(f"The stack `{stack.name}` is up after {steps.elapsed():.0f} s: {stack.file}")
    if seed:
        bin_dir = binaries or bundle.binaries_dir(ROOT)
        show_exports(stack, seeded(stack, described, bin_dir))
        if made := people.ensure(stack, python, described):
            people.show(described["admin_front"], made, f"{described['provider_url']}/local/v1", bin_dir)
        say("\nEnd it with: make down")


def is_up(stack: Stack) -> bool:
    """A complete, running stack is updated in place; anything less is cleared away and made anew."""
    complete = stack.file.exists() and stack.runs("ministack")
    return complete and emulator.is_healthy(stack.fact("ministack", "endpoint"))


def clear_leftovers(stack: Stack) -> None:
    if stack.home.exists():
        say(f"Clearing away what an earlier run of `{stack.name}` left.")
        remove(stack)


def ensure_emulator(stack: Stack, python: Path) -> str:
    if stack.runs("ministack"):
        return stack.fact("ministack", "endpoint")
    return emulator.start(
        python,
        stack.home,
        stack.logs / "ministack.log",
        lambda known, endpoint: stack.remember("ministack", known, endpoint=endpoint),
    )


def ensure_standin(stack: Stack, binaries: Path) -> str:
    if stack.runs("standin"):
        return stack.fact("standin", "url")
    # A copy, so that a rebuild does not change a running stack.
    program, port_file, log = stack.home / "standin", stack.home / "standin.port", stack.logs / "standin.log"
    shutil.copy2(binaries / "standin", program)
    port_file.unlink(missing_ok=True)
    command = [str(program), "--port", "0", "--port-file", str(port_file)]
    child = processes.start(command, {"PATH": "/usr/bin:/bin"}, stack.home, log)
    port = wait_for(lambda: port_file.exists() and port_file.read_text().strip(), 10, child)
    if not port:
        raise StackError("the stand-in provider did not start", log)
    stack.remember("standin", processes.identity(child.pid), url=f"http://127.0.0.1:{port}")
    return stack.fact("standin", "url")


def wait_for(ready, seconds: float, child: subprocess.Popen):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and child.poll() is None:
        if value := ready():
            return value
        time.sleep(0.05)
    return None


def variables(stack: Stack, endpoint: str, provider_timeout_ms: int) -> dict:
    """The deployment's variables: real ones but for what the emulator cannot do, and waits short enough for tests."""
    root = f"arn:aws:iam::{emulator.ACCOUNT}:root"
    return {
        "stage": "local",
        "region": "eu",
        "packages_dir": str(stack.home / "packages"),
        "architecture": "arm64" if os.uname().machine in ("arm64", "aarch64") else "x86_64",
        "trusted_principals": [root],
        "function_role_principals": [root],
        "role_session_seconds": 43_200,
        "deletion_protection": False,
        "drop_conditions": True,
        # Stands for a bucket of somebody else's; a test makes it.
        "checkpoint_sinks": [SINK],
        "gateway": {"timeout_seconds": 60, "provider_timeout_ms": provider_timeout_ms},
        # A bundle is begun with five seconds left: a loaded machine needs some of those before them.
        "audit_writer": {"timeout_seconds": 10},
        "admin": {"origin": people.front_url(stack, "admin")},
        "approvals": {"origin": people.front_url(stack, "approvals"), "mail_from": "approvals@countersign.test"},
        "scim": {"directory_origin": directory_origin(stack)},
        # Every minute, so that a test can wait for it.
        "health": {"minutes": 1, "url_base": f"{endpoint}/_aws/lambda-url/"},
        # Poison reaches the dead-letter queue after eight deliveries, ten seconds apart. The emulator applies no window and bounds
        # no concurrency, so that writers of one tenant come in each other's way more often than on AWS: three were not enough, and
        # sound records went there too.
        "audit_queue": {
            "max_receive_count": 8,
            "visibility_factor": 1,
            "batch_size": 10,
            "batching_window_seconds": 0,
        },
    }


def directory_origin(stack: Stack) -> str:
    """Where a test stands in for Google's directory."""
    port = stack.fact("directory", "port") or str(processes.kept_port())
    stack.remember("directory", None, port=port)
    return f"http://127.0.0.1:{port}"


def credentials(python: Path, endpoint: str, made: dict) -> dict:
    asked = {
        "endpoint": endpoint,
        "region": emulator.REGION_NAME,
        "roles": {role: made["roles"][role] for role in ASSUMED_ROLES},
    }
    granted = packages.python_output(python, "credentials.py", json.dumps(asked), root_environment())
    return {**json.loads(granted), "root": emulator.ROOT_KEY}


def describe(stack: Stack, endpoint: str, provider_url: str, made: dict, granted: dict) -> dict:
    copied = (
        *("tables", "queues", "buckets", "kms_key_arn", "signing_keys", "log_origin", "functions"),
        *("athena_workgroup", "glue_database", "roles", "log_groups", "ops_environment"),
    )
    return {
        "name": stack.name,
        "checkpoint_sink": SINK,
        "endpoint": endpoint,
        "region": emulator.REGION_NAME,
        **{f"{door}_url": served(endpoint, made, door) for door in ("gateway", "dlp", "scim", "status", "admin", "actions", "bootstrap")},
        "directory_origin": directory_origin(stack),
        "admin_front": people.front_url(stack, "admin"),
        # As browsers and links have it.
        "approvals_url": people.front_url(stack, "approvals"),
        "provider_url": provider_url,
        "log_dir": str(stack.logs),
        **{name: made[name] for name in copied},
        "credentials": granted,
        "pids": {role: known["process"]["pid"] for role, known in stack.processes().items() if known["process"]},
    }


def served(endpoint: str, made: dict, door: str) -> str:
    """Where the emulator serves a function's URL."""
    return f"{endpoint}/_aws/lambda-url/{made[f'{door}_url_id']}"


def require_answer(url: str, stack: Stack) -> None:
    """A stack whose functions cannot even say that they live is not up."""
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=60):
            return
    except urllib.error.HTTPError as error:
        shown = error.read(500).decode(errors="replace")
        message = f"GET /healthz answered {error.code}: {shown}"
    except OSError as error:
        message = f"GET /healthz failed: {error}"
    raise StackError(message, stack.logs / "ministack.log")


def seeded(stack: Stack, described: dict, binaries: Path) -> dict:
    """Makes an org, tenant, owner, agent, key and provider. A real provider is two variables away."""
    provider = os.environ.get("CS_PROVIDER_URL") or f"{described['provider_url']}/local/v1"
    key = os.environ.get("CS_PROVIDER_KEY") or "local-provider-key"
    made = seed(described, binaries, provider, key, ["--budget-tokens", "1000000"])
    write_private(stack.home / "seed.json", made)
    return made


def ensure_canary(stack: Stack, described: dict, binaries: Path) -> None:
    """The tenant whose calls the platform makes itself, once for a stack. Never of a real provider: it is called every minute."""
    if not (stack.home / "canary.json").exists():
        provider = f"{described['provider_url']}/canary/v1"
        arguments = ["--canary", "--provider-name", "stand-in", "--budget-tokens", "1000000000"]
        write_private(stack.home / "canary.json", seed(described, binaries, provider, "local-canary-key", arguments))


def seed(described: dict, binaries: Path, provider: str, key: str, arguments: list[str]) -> dict:
    command = [
        *(str(binaries / "countersign"), "ops", "seed", "--provider-url", provider, "--provider-region", "eu"),
        *("--models", "gpt-4o-mini,gpt-4o", *arguments),
    ]
    env = {**operator_environment(described), "CS_PROVIDER_KEY": key}
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    if done.returncode != 0:
        raise StackError(f"seeding failed: {done.stderr.strip() or done.stdout.strip()}")
    return json.loads(done.stdout)


def operator_environment(described: dict) -> dict[str, str]:
    return {
        "PATH": "/usr/bin:/bin",
        **described["ops_environment"],
        **aws_variables(described, "operator"),
    }


def aws_variables(described: dict, role: str) -> dict[str, str]:
    granted = described["credentials"][role]
    return {
        "AWS_ENDPOINT_URL": described["endpoint"],
        "AWS_REGION": described["region"],
        "AWS_ACCESS_KEY_ID": granted["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": granted["secret_access_key"],
        "AWS_SESSION_TOKEN": granted["session_token"],
    }


def root_environment() -> dict[str, str]:
    return {
        "PATH": "/usr/bin:/bin",
        "AWS_ACCESS_KEY_ID": emulator.ROOT_KEY["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": emulator.ROOT_KEY["secret_access_key"],
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }


def show_exports(stack: Stack, seed: dict) -> None:
    described = read_json(stack.file)
    say("\nA tenant with an agent is ready. To send the OpenAI SDK through the gateway:\n")
    say(f"  export OPENAI_BASE_URL={described['gateway_url']}/v1")
    say(f"  export OPENAI_API_KEY={seed['gateway_key']}")
    env = f"python3 tests/local/stack.py env --name {stack.name}"
    say(f"\nFor the AWS command line as the auditor: eval \"$({env})\"; for `countersign ops`: eval \"$({env} --role operator)\"")


def down(stack: Stack) -> None:
    if not stack.home.exists():
        say(f"There is no stack `{stack.name}`.")
        return
    save_function_logs(stack)
    kept = remove(stack)
    say(f"The stack `{stack.name}` is gone." + (f" Its logs: {kept}" if kept else ""))


def remove(stack: Stack) -> Path | None:
    stack.stop()
    kept = stack.keep_logs()
    shutil.rmtree(stack.home)
    return kept


def save_function_logs(stack: Stack) -> None:
    try:
        (stack.logs / "functions.log").write_text(function_logs(stack))
    except (StackError, OSError) as error:
        say(f"note: the functions' logs are not kept: {error}")


def function_logs(stack: Stack) -> str:
    described = read_json(stack.file)
    if not described or not stack.runs("ministack"):
        raise StackError(f"the stack `{stack.name}` does not run")
    asked = {name: described[name] for name in ("endpoint", "region", "log_groups")}
    python = TARGET / "venv" / "bin" / "python"
    return packages.python_output(python, "function_logs.py", json.dumps(asked), root_environment())


def status(stack: Stack) -> None:
    described = read_json(stack.file)
    if not described:
        raise StackError(f"there is no complete stack `{stack.name}`; run: make up")
    for role in ("ministack", "standin"):
        say(f"{role:<10} {'runs' if stack.runs(role) else 'has ended'}")
    say(f"gateway    {described['gateway_url']}")
    say(f"dlp        {described['dlp_url']}")
    say(f"scim       {described['scim_url']}")
    say(f"admin      {described['admin_front']}")
    say(f"actions    {described['actions_url']}")
    say(f"approvals  {described['approvals_url']}/")
    say(f"status     {described['status_url']}/")
    say(f"provider   {described['provider_url']}")
    if not all(stack.runs(role) for role in ("ministack", "standin")):
        raise StackError("the stack is broken; run: make up")


def env(stack: Stack, role: str) -> None:
    described = read_json(stack.file)
    if not described:
        raise StackError(f"there is no complete stack `{stack.name}`; run: make up")
    for name, value in aws_variables(described, role).items():
        say(f"export {name}={value}")
    if role == "operator":
        for name, value in described["ops_environment"].items():
            say(f"export {name}='{value}'")
    seed = read_json(stack.home / "seed.json")
    if seed:
        say(f"export OPENAI_BASE_URL={described['gateway_url']}/v1")
        say(f"export OPENAI_API_KEY={seed['gateway_key']}")


def stack_name(text: str) -> str:
    if not text.isidentifier() or not text.islower() or len(text) > 20:
        raise argparse.ArgumentTypeError("a stack's name is 1 to 20 lower-case letters, digits and underscores")
    return text


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["up", "down", "status", "env", "logs"])
    parser.add_argument("--name", type=stack_name, default="local")
    parser.add_argument("--seed", action="store_true", help="up: also make a tenant with an agent and its key")
    parser.add_argument("--binaries", type=Path, help="up: use the binaries of this directory and build nothing")
    parser.add_argument("--build-tests", action="store_true", help="up: build the tests beside, once the functions are built")
    parser.add_argument("--provider-timeout-ms", type=int, default=30_000, help="up: how long a provider may take")
    parser.add_argument("--role", choices=[*ASSUMED_ROLES, "root"], default="auditor", help="env: whose credentials")
    return parser.parse_args()


def main() -> int:
    asked = arguments()
    stack = Stack(asked.name)
    try:
        with packages.locked(TARGET / "stack" / f"{asked.name}.lock"):
            match asked.command:
                case "up":
                    binaries = asked.binaries and asked.binaries.resolve()
                    up(stack, binaries, asked.seed, asked.provider_timeout_ms, asked.build_tests)
                case "down":
                    down(stack)
                case "status":
                    status(stack)
                case "env":
                    env(stack, asked.role)
                case "logs":
                    say(function_logs(stack))
    except StackError as error:
        print(error.render(), file=sys.stderr)
        if asked.command == "up":
            print(f"What was started is ended by: python3 tests/local/stack.py down --name {asked.name}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\ninterrupted; clear away with: python3 tests/local/stack.py down --name {asked.name}", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
