"""Who signs in to a local stack: addresses of their own for the management API and for approvals, an identity provider, and the first
organization, made by the role `bootstrap` as a real one is."""

import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import processes
from files import read_json, write_private
from steps import StackError, say

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "idp"))

from install import installed  # noqa: E402

CLIENT, SECRET = "countersign", "a-secret-of-the-local-stack-alone"
USERS = {
    name: {
        **{"name": full, "email": f"{name}@acme.test", "email_verified": True},
        **{"groups": ["Everyone"], "amr": ["pwd", "mfa"]},
    }
    for name, full in (("dana", "Dana Levi"), ("noa", "Noa Bar"))
}


# Which function's pages browsers open -> the process that stands before it.
FRONTS = {"admin": "front", "approvals": "front-approvals"}


def front_url(stack, function: str) -> str:
    """Where a function's pages will be found. Known before there is one: it is told so when it is made."""
    role = FRONTS[function]
    port = stack.fact(role, "port")
    if not port:
        port = str(processes.free_port())
        stack.remember(role, None, port=port)
    return f"http://127.0.0.1:{port}"


def ensure_front(stack, python: Path, function: str, function_url: str) -> str:
    role, url = FRONTS[function], front_url(stack, function)
    if stack.runs(role) and stack.fact(role, "to") == function_url:
        return url
    processes.stop(stack.processes().get(role, {}).get("process"))
    port = stack.fact(role, "port")
    command = [str(python), str(HERE / "front.py"), "--port", port, "--to", function_url]
    child = processes.start(command, {"PATH": "/usr/bin:/bin"}, stack.home, stack.logs / f"{role}.log")
    stack.remember(role, processes.identity(child.pid), port=port, to=function_url)
    return url


def ensure(stack, python: Path, described: dict) -> dict | None:
    """The organization `acme`, whose people are in an identity provider of this machine. None without Node."""
    issuer = ensure_provider(stack)
    if issuer is None:
        say("note: signing in needs node and npm on the PATH, which this machine lacks; install Node 20 or later for it")
        return None
    file = stack.home / "people.json"
    made = read_json(file)
    if not made:
        made = first_organization(python, described, issuer)
        write_private(file, made)
    client = {"client_id": CLIENT, "client_secret": SECRET, "redirect_uris": [made["redirect_uri"]]}
    control(issuer, "PUT", "client", client)
    return made


def ensure_provider(stack) -> str | None:
    found = installed(stack.home.parents[1] / "idp")
    if found is None:
        return None
    port = stack.fact("idp", "port") or str(processes.free_port())
    issuer = f"http://127.0.0.1:{port}"
    if stack.runs("idp"):
        return issuer
    given = stack.home / "idp.json"
    write_private(given, {"port": int(port), "clients": [], "users": USERS})
    log = stack.logs / "idp.log"
    child = processes.start([found["program"], found["script"], str(given)], {"PATH": "/usr/bin:/bin"}, stack.home, log)
    stack.remember("idp", processes.identity(child.pid), port=port)
    for _ in range(200):
        try:
            with urllib.request.urlopen(f"{issuer}/.well-known/openid-configuration", timeout=5):
                return issuer
        except OSError:
            if child.poll() is not None:
                break
            time.sleep(0.05)
    raise StackError("the identity provider did not start", log)


def control(issuer: str, method: str, what: str, body: dict) -> None:
    request = urllib.request.Request(f"{issuer}/control/{what}", data=json.dumps(body).encode(), method=method)
    with urllib.request.urlopen(request, timeout=10):
        pass


def first_organization(python: Path, described: dict, issuer: str) -> dict:
    connection = {"idp": "custom", "issuer": issuer, "client_id": CLIENT, "client_secret": SECRET}
    wanted = {"name": "acme", "owner_email": USERS["dana"]["email"], "connection": connection}
    asked = {
        **{"service": "url", "operation": "POST", "endpoint": described["endpoint"], "region": described["region"]},
        "params": {"url": f"{described['bootstrap_url']}/v1/bootstrap", "body": json.dumps(wanted)},
        "credentials": described["credentials"]["bootstrap"],
    }
    script = HERE.parent / "support" / "aws_calls.py"
    done = subprocess.run([str(python), str(script)], input=json.dumps(asked) + "\n", capture_output=True, text=True)
    try:
        answer = json.loads(done.stdout)["ok"]
        if answer["status"] == 201:
            return json.loads(answer["body"])
        said = answer["body"]
    except (ValueError, KeyError):
        said = done.stderr or done.stdout
    raise StackError(f"the first organization was not made: {said.strip()[:500]}")


def show(front: str, made: dict, provider: str, binaries: Path) -> None:
    say("\nThe management API, with an identity provider that knows `dana` (who owns the organization) and `noa`:\n")
    say(f"  export PATH={binaries}:$PATH CS_ADMIN_URL={front} CS_STAGE=local")
    say(f"  countersign login --connection {made['connection']}      # in the browser, the name is dana")
    say("  countersign whoami")
    say(f"\nThe stand-in provider, for `countersign providers add --url`: {provider}")
