"""Rehearses the kill switch of the local stack's tenant and prints what it took: `make drill`."""

import argparse
import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

from invoke import STACKS
from stack import operator_environment

# The call that runs while the switch is turned answers after this long, unless it is cut.
SLOW_MS = 6_000


def tell_standin(stack: dict, behaviour: dict) -> None:
    """A real provider needs no telling: a long answer takes its time."""
    if os.environ.get("CS_PROVIDER_URL"):
        return
    url = f"{stack['provider_url']}/_control/local"
    request = urllib.request.Request(url, json.dumps(behaviour).encode(), method="PUT")
    urllib.request.urlopen(request, timeout=10).close()


def kill_switch(stack: dict, seed: dict) -> int:
    binary = str(Path(stack["binaries"]) / "countersign")
    tenant, gateway = seed["tenant_id"], f"{stack['gateway_url']}/v1"
    command = [binary, "ops", "drill", "--tenant", tenant, "--confirm", tenant, "--gateway", gateway]
    environment = {**operator_environment(stack), "CS_GATEWAY_KEY": seed["gateway_key"]}
    tell_standin(stack, {"delay_ms": SLOW_MS})
    try:
        return subprocess.run(command, env=environment).returncode
    finally:
        tell_standin(stack, {})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", default="local")
    home = STACKS / parser.parse_args().name
    stack, seed = (json.loads((home / name).read_text()) for name in ("stack.json", "seed.json"))
    sys.stdout.reconfigure(line_buffering=True)
    print("\nDrill of the kill switch: a call runs, the tenant is stopped, the call is cut, the tenant serves again.\n")
    return kill_switch(stack, seed)


if __name__ == "__main__":
    sys.exit(main())
