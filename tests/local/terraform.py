"""Applies `infra/` to the emulator, from a copy of its own, so that stacks and checkouts never meet in a state or a lock."""

import json
import os
import platform
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import emulator
from processes import run
from steps import StackError

# The version that the stack is tested with. `infra/` itself accepts newer ones.
AWS_PROVIDER = "5.100.0"
REGISTRY = "registry.terraform.io"
SEARCH_DEPTH = 4


class Terraform:
    def __init__(self, root: Path, home: Path, logs: Path, endpoint: str):
        self._source = root / "infra"
        self._shared_cache = root / "target" / "terraform-plugins"
        self._home = home
        self._logs = logs
        self._work = home / "terraform"
        self._env = _environment(home, endpoint)

    def init(self) -> str:
        """Copies `infra/` and installs the provider. Returns where it came from."""
        shutil.rmtree(self._work, ignore_errors=True)
        shutil.copytree(self._source, self._work, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
        (self._work / "local_override.tf.json").write_text(json.dumps(_overrides(self._home)))
        mirror = find_mirror(self._home)
        (self._home / "terraform.rc").write_text(_cli_config(mirror))
        if mirror is None:
            _require_registry()
            self._shared_cache.mkdir(parents=True, exist_ok=True)
            self._env["TF_PLUGIN_CACHE_DIR"] = str(self._shared_cache)
        self._run("init", "-input=false")
        return str(mirror) if mirror else REGISTRY

    def apply(self, variables: dict) -> dict:
        """Applies and returns the root's output `region`."""
        (self._work / "terraform.tfvars.json").write_text(json.dumps(variables, indent=2))
        # Most of the time is the provider waiting for queues, about 25 s each: everything waits side by side.
        self._run("apply", "-input=false", "-auto-approve", "-parallelism=40")
        shown = subprocess.run(
            ["terraform", "output", "-json", "region"], cwd=self._work, env=self._env, capture_output=True, text=True
        )
        if shown.returncode != 0:
            raise StackError(f"terraform output failed: {shown.stderr.strip()}")
        return json.loads(shown.stdout)

    def plan(self, variables: dict) -> dict:
        """Plans and returns the plan as JSON; applies nothing."""
        (self._work / "terraform.tfvars.json").write_text(json.dumps(variables, indent=2))
        kept = self._home / "plan"
        self._run("plan", "-input=false", "-parallelism=40", "-lock=false", f"-out={kept}")
        shown = subprocess.run(
            ["terraform", "show", "-json", str(kept)], cwd=self._work, env=self._env, capture_output=True, text=True
        )
        if shown.returncode != 0:
            raise StackError(f"terraform show failed: {shown.stderr.strip()}")
        return json.loads(shown.stdout)

    def test(self, packages: Path) -> None:
        self._run("test", f"-var=packages_dir={packages}")

    def _run(self, command: str, *arguments: str) -> None:
        log = self._logs / f"terraform-{command}.log"
        log.write_text("")
        run(["terraform", command, "-no-color", *arguments], log, f"terraform {command}", self._env, self._work)


def find_mirror(home: Path) -> Path | None:
    """A directory that holds the provider for this machine, laid out as Terraform's filesystem mirrors are."""
    for place in _likely_places():
        if _holds_provider(place):
            return place
    if _registry_answers():
        return None
    return _search([Path("/opt"), Path("/usr/local"), Path("/usr/share"), Path("/var/lib"), Path("/srv"), Path.home()])


def _likely_places() -> list[Path]:
    variables = ("TF_PLUGIN_CACHE_DIR", "TF_PLUGIN_CACHE", "TF_PLUGIN_MIRROR_DIR")
    return [
        *(Path(value) for name in variables if (value := os.environ.get(name))),
        *_places_of_config(),
        Path("/opt/tf-plugins"),
        Path.home() / ".terraform.d/plugins",
        Path.home() / ".terraform.d/plugin-cache",
        Path("/usr/share/terraform/plugins"),
        Path("/usr/local/share/terraform/plugins"),
        Path("/usr/share/terraform/providers"),
        Path("/usr/local/share/terraform/providers"),
    ]


def _places_of_config() -> list[Path]:
    """Mirrors and caches that the user's own Terraform configuration names."""
    files = [Path(os.environ.get("TF_CLI_CONFIG_FILE", "/nonexistent")), Path.home() / ".terraformrc"]
    texts = [file.read_text(errors="replace") for file in files if file.is_file()]
    found = [path for text in texts for path in re.findall(r'(?:path|plugin_cache_dir)\s*=\s*"([^"]+)"', text)]
    return [Path(os.path.expandvars(path)).expanduser() for path in found]


def _holds_provider(place: Path) -> bool:
    target = f"{platform.system().lower()}_{_architecture()}"
    base = place / REGISTRY / "hashicorp" / "aws"
    packed = base / f"terraform-provider-aws_{AWS_PROVIDER}_{target}.zip"
    return (base / AWS_PROVIDER / target).is_dir() or packed.is_file()


def _search(tops: list[Path]) -> Path | None:
    """Looks for `registry.terraform.io` a few levels down, and no further."""
    for top in tops:
        for directory, below, _ in os.walk(top):
            here = Path(directory)
            if REGISTRY in below and _holds_provider(here):
                return here
            if len(here.relative_to(top).parts) >= SEARCH_DEPTH:
                below.clear()
    return None


def _architecture() -> str:
    machine = platform.machine().lower()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def _registry_answers() -> bool:
    try:
        with urllib.request.urlopen(f"https://{REGISTRY}/.well-known/terraform.json", timeout=5) as answer:
            return answer.status == 200
    except (OSError, urllib.error.URLError, ValueError):
        return False


def _require_registry() -> None:
    if not _registry_answers():
        raise StackError(
            f"the Terraform provider hashicorp/aws {AWS_PROVIDER} is in no local mirror and {REGISTRY} does not answer. "
            "Where there is a network, run `terraform providers mirror DIR` in infra/, bring DIR here and "
            "set TF_PLUGIN_CACHE_DIR=DIR"
        )


def _cli_config(mirror: Path | None) -> str:
    if mirror is None:
        return "provider_installation {\n  direct {}\n}\n"
    return f"provider_installation {{\n  filesystem_mirror {{\n    path = {json.dumps(str(mirror))}\n  }}\n}}\n"


def _overrides(home: Path) -> dict:
    """The version that is tested, and a state of the stack's own whatever backend the deployer has set."""
    return {
        "terraform": {
            "required_providers": {"aws": {"source": "hashicorp/aws", "version": f"= {AWS_PROVIDER}"}},
            "backend": {"local": {"path": str(home / "terraform.tfstate")}},
        }
    }


_KEPT = ("PATH", "LANG", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR")


def _environment(home: Path, endpoint: str) -> dict[str, str]:
    """Only what Terraform needs: the user's AWS profile and Terraform settings must not reach the emulator."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {
        **kept,
        "HOME": str(home),
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "TF_CLI_CONFIG_FILE": str(home / "terraform.rc"),
        "TF_DATA_DIR": str(home / "terraform-data"),
        "TF_IN_AUTOMATION": "1",
        "CHECKPOINT_DISABLE": "1",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": emulator.REGION_NAME,
        "AWS_ACCESS_KEY_ID": emulator.ROOT_KEY["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": emulator.ROOT_KEY["secret_access_key"],
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }
