#!/usr/bin/env python3
"""Measures the functions as they are deployed, on the local stack, and writes target/bench/*.json. `make bench`.

Ratios and counts travel between machines; times do not, and are given with what they were measured beside: the floor is
a function that makes the same AWS calls and nothing else, in the same run.
"""

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import bench_cost
import bench_speed
import bundle
import packages
from bench_proxy import Proxy, longest_chain
from files import read_json
from stack import aws_variables, operator_environment
from steps import StackError, say

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
OUT = TARGET / "bench"
# What tests count and write themselves.
COUNTED = {
    "ledger": ("faults", "forgeries"),
    "gateway": ("budget_admitted", "budget_calls"),
    "scim": ("let_in_after_2xx", "rounds", "race_calls", "conformance_passed", "conformance_run"),
}
STARTS = 20
WARM_UP = 30
CALLS = 300
ROUNDS = 3
KMS_CALLS = 10_000
PRESIDIO = Path(__file__).with_name("presidio_requirements.txt")
PRESIDIO_SECONDS = 30
RIVALS = Path(__file__).with_name("bench_rivals.py")
# Of presidio-research; not part of the project.
LABELLED = ROOT.parent / "shared" / "data" / "synth_dataset_v2.json"
# What others publish, each with its source: of other machines, other stores and other promises, so a scale and no race.
PUBLISHED = {
    "Tessera on S3 and Aurora": "1,500 records/s of 1 KB (transparency-dev/tessera, storage/aws/README.md)",
    "Tessera on GCP": "> 3,000/s, > 800/s with dedupe, 1 frontend (transparency-dev/tessera, docs/performance.md)",
    "Tessera on local disks": "2,900/s, 1,600/s with dedupe, 12 cores (transparency-dev/tessera, docs/performance.md)",
    "Azul, Nimbus2025": "70 records/s as used, one checkpoint a second (Cloudflare's blog)",
    "immudb, embedded": "1.2 to 1.8 million records/s, in batches of 1,000, no store but the disk (codenotary/immudb)",
    "CompactLog": "12,847 PUTs per million records (its author's claim, memedata.com/post/54048)",
    "Sunlight": "287,364 PUTs per million records (CompactLog's author's claim, memedata.com/post/54048)",
}
# About 2 KB of conversation with something to find in it.
SENTENCES = "Dana Levi (dana.levi@example.com) asked why card 4111 1111 1111 1111 was charged twice on 3 March. "
BODY = {
    "model": "gpt-4o-mini",
    "messages": [{"role": "system", "content": "Answer in one sentence."}, {"role": "user", "content": SENTENCES * 20}],
    "max_tokens": 64,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", default="bench")
    parser.add_argument("--file", choices=sorted(FILES), help="one of them; all unless given")
    asked = parser.parse_args()
    stack = json.loads((TARGET / "stack" / asked.name / "stack.json").read_text())
    OUT.mkdir(parents=True, exist_ok=True)
    try:
        if asked.file not in EXAMPLES:
            _build()
        for name in [asked.file] if asked.file else FILES:
            _report(name, FILES[name](stack))
    except StackError as error:
        say(error.render())
        return 1
    return 0


def _build() -> None:
    say("Building with the release profile; about 6 minutes on two cores the first time.")
    crates = ["-p", "countersign-gateway", "-p", "countersign-audit-writer", "-p", "countersign-tests", "--bins"]
    if subprocess.run(["cargo", "build", "--release", *crates], cwd=ROOT).returncode != 0:
        raise StackError("the build failed; what cargo said stands above")


def _report(name: str, numbers: dict[str, float | str]) -> None:
    file = OUT / f"{name}.json"
    # Tests leave their counts here.
    kept = read_json(file) if name in COUNTED else {}
    counts = {key: kept[key] for key in COUNTED.get(name, ()) if key in kept}
    file.write_text(json.dumps({**numbers, **counts}, indent=2) + "\n")
    say(f"\n{name}")
    for key, value in numbers.items():
        say(f"  {key:<28} {value}" if isinstance(value, str) else f"  {key:<28} {value:>12,.2f}")
    say(f"  written to {file.relative_to(ROOT)}")


def _package(stack: dict) -> dict[str, float]:
    """Size of the zip, and process start to first poll of the Runtime API."""
    packages = OUT / "packages"
    bundle.pack_functions(TARGET / "release", packages, compress_level=9)
    started = []
    for _ in range(STARTS):
        with _host("gateway", _variables(stack, stack["endpoint"])) as port:
            started.append(_worker(port)["init_ms"])
    return {
        "gateway_init_ms": statistics.median(started),
        "gateway_init_max_ms": max(started),
        "gateway_zip_mb": (packages / "gateway.zip").stat().st_size / 1e6,
        "audit_writer_zip_mb": (packages / "audit-writer.zip").stat().st_size / 1e6,
    }


def _gateway(stack: dict) -> dict[str, float | str]:
    key = _tenant(stack)
    with Proxy(stack["endpoint"]) as proxy:
        with _host("gateway", _variables(stack, proxy.endpoint)) as port:
            _calls(port, key, WARM_UP)
            proxy.made.clear()
            logged = (OUT / "gateway.log").stat().st_size
            _calls(port, key, 1)
            # What the settlement sends after the answer is on its way.
            time.sleep(0.5)
            made = list(proxy.made)
            logged = (OUT / "gateway.log").stat().st_size - logged
    recorded = OUT / "floor_calls.json"
    recorded.write_text(json.dumps([{"target": one.target, "body": one.body} for one in made]))
    ours, floor = [], []
    for _ in range(ROUNDS):
        ours.append(_cpu_us("gateway", _variables(stack, stack["endpoint"]), key))
        floor.append(_cpu_us("floor", {**_variables(stack, stack["endpoint"]), "FLOOR_CALLS": str(recorded)}, key))
    cpu_us, trips = statistics.median(ours), longest_chain(made)
    return {
        "aws_sequential": trips,
        "aws_total": len(made),
        "kms_warm": sum(one.target.startswith("TrentService") for one in made),
        "own_cpu_us": cpu_us - statistics.median(floor),
        "cpu_us": cpu_us,
        "floor_cpu_us": statistics.median(floor),
        "cpu_ratio_floor": cpu_us / statistics.median(floor),
        **_speed(stack, key),
        **_rivals(stack, cpu_us),
        **bench_cost.told(made, trips, cpu_us, logged, read_json(OUT / "ledger.json")),
    }


def _speed(stack: dict, key: str) -> dict[str, float | str]:
    """With tables in memory: the emulator's milliseconds are nobody's figure."""
    cores = os.cpu_count() or 1
    with _tables(stack) as endpoint, _host("gateway", _variables(stack, endpoint), workers=cores) as port:
        gateway = f"http://127.0.0.1:{port}/v1"
        _calls(port, key, WARM_UP * cores)
        return {
            **bench_speed.first_token(gateway, f"{stack['provider_url']}/direct/v1", key, BODY),
            **bench_speed.per_core(gateway, key, BODY, cores),
        }


def _rivals(stack: dict, ours_us: float) -> dict[str, float | str]:
    """The whole CPU of other gateways for the same body to the same stand-in. Who was not measured has no row."""
    say("Other gateways with their guards on; about 2 minutes, and as much to install the first time.")
    body = OUT / "rivals_body.json"
    body.write_text(json.dumps(BODY))
    asked = ["--upstream", f"{stack['provider_url']}/rivals/v1", "--body", str(body), "--target", str(TARGET)]
    rows: dict[str, float | str] = {}
    for name, one in _json([sys.executable, str(RIVALS), *asked], RIVALS.name).items():
        if "failed" in one:
            say(f"  {name} was not measured: {one['failed']}")
            continue
        rows |= {
            f"{name}_cpu_us": one["cpu_us"],
            f"cpu_ratio_{name}": ours_us / one["cpu_us"],
            f"{name}_rss_mb": one["rss_mb"],
            f"{name}_guard": f"{one['version']}, {one['guard']}; it looks at {one['covers']}",
        }
    compared = (
        "CPU time of the whole process, all threads and children, per call; ours without the host that stands for Lambda, with "
        "every control on: key, budget, switches, audit records, redaction of every message; theirs with the guard named, one "
        "process that takes the calls itself, no database, no records"
    )
    return rows | {"rivals_compared": compared}


def _envelope(stack: dict) -> dict[str, float]:
    """Sealing beside the bare cipher of the same run, and what the key service is asked by one instance."""
    say(f"Counting calls of KMS over {KMS_CALLS:,} calls; about 8 minutes on two cores.")
    sealing = _example("countersign-envelope", "bench_seal")
    key = _tenant(stack)
    with Proxy(stack["endpoint"]) as proxy, _host("gateway", _variables(stack, proxy.endpoint)) as port:
        began = time.monotonic()
        _calls(port, key, KMS_CALLS)
        took = time.monotonic() - began
        asked = sum(one.target.startswith("TrentService") for one in proxy.made)
    return {**sealing, "kms_calls_per_10000": asked, "kms_run_seconds": took}


def _ledger(_stack: dict) -> dict[str, float | str]:
    """The writer over stores in memory that count: its own speed in one thread, and calls per million records."""
    say("Writing records of 10, 1,000 and 10,000 tenants; about 2 minutes, and 4 to build the first time.")
    assumed = "1,000 records/s, in batches of 500, from every tenant in turn; a signature a minute, idle or not"
    written = _example("countersign-audit-writer", "bench_ledger")
    say("Verifying the export of one tenant with a million records; about 2 minutes.")
    return {"assumed": assumed, **written, **_example("countersign-verify", "bench_verify"), **PUBLISHED}


def _redact(_stack: dict) -> dict[str, float]:
    """Redaction of generated talk and records on one thread, beside Presidio's search of the same talk."""
    say("Redacting; about a minute, and 3 to build the first time.")
    texts = OUT / "redact_texts"
    ours = _example("countersign-redact", "bench_redact", str(texts))
    python = packages.ensure_venv(TARGET, "presidio", PRESIDIO)
    say(f"Presidio on the same talk, for {PRESIDIO_SECONDS} s.")
    presidio = [str(python), str(PRESIDIO.with_name("bench_presidio.py")), str(texts / "chat.json")]
    theirs = _json([*presidio, "--seconds", str(PRESIDIO_SECONDS)], "bench_presidio.py")
    # Our median by the clock, their CPU time: whatever else the machine does counts against us.
    ratio = ours["chat_median_mb_per_s"] / theirs["presidio_mb_per_s"]
    return {**ours, **theirs, "ratio_presidio": ratio, **_false_positives(), **_labelled()}


def _scim(_stack: dict) -> dict[str, float]:
    """What the real function asks of tables in memory, which count calls and units: the same on every machine."""
    say("Pushing directories of 1,000 and 100,000 people; about a minute, and 6 to build the first time.")
    figures = _example("countersign-scim", "bench_scim")
    columns = ("read_calls", "read_units", "rows_written", "write_units")
    say(f"{'1,000 people, and 100,000':<36}" + "".join(f"{column.replace('_', ' '):>16}" for column in columns))
    for name in [key.removesuffix("_1k_read_calls") for key in figures if key.endswith("_1k_read_calls")]:
        for size in ("1k", "100k"):
            row = "".join(f"{figures[f'{name}_{size}_{column}']:>16,}" for column in columns)
            say(f"{name + ', ' + size:<36}{row}")
    return figures


def _false_positives() -> dict[str, float]:
    """All types but names and addresses, for a tenant of no country; and with them."""
    clean = ROOT / "shared" / "redact" / "tests" / "data" / "clean"
    report = _json([str(TARGET / "debug" / "countersign"), "report", "--json", "--clean", str(clean)], "countersign report")["clean"]
    names = sum(report["by_detector"].get(name, 0) for name in ("person", "address"))
    megabytes = report["bytes"] / 1e6
    return {"clean_mb": megabytes, "false_per_mb": (report["findings"] - names) / megabytes, "false_names_per_mb": names / megabytes}


def _labelled() -> dict[str, float]:
    if not LABELLED.exists():
        say(f"  {LABELLED} is not there: precision and recall were not measured")
        return {}
    report = _json([str(TARGET / "debug" / "countersign"), "report", "--json", "--labelled", str(LABELLED)], "countersign report")["labelled"]
    rows = {row["type"].lower(): row for row in report["types"] if row["found_as"]} | {"all": report["all"]}
    shares = {f"labelled_{name}_{share}": row[share] for name, row in rows.items() for share in ("precision", "recall")}
    return {key: value for key, value in shares.items() if value is not None}


def _example(package: str, name: str, *arguments: str) -> dict[str, float]:
    return _json(["cargo", "run", "--quiet", "--release", "-p", package, "--example", name, "--", *arguments], name)


def _json(command: list[str], name: str) -> dict:
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise StackError(f"{name} failed; what it said stands above")
    return json.loads(done.stdout)


def _tenant(stack: dict) -> str:
    seed = [str(TARGET / "debug" / "countersign"), "ops", "seed", "--provider-url", f"{stack['provider_url']}/bench/v1"]
    seed += ["--provider-region", "eu", "--models", "gpt-4o-mini", "--budget-tokens", "1000000000"]
    # Hundreds of calls within a minute: what is measured is not the key's rate.
    seed += ["--requests-per-minute", "1000000"]
    env = {**operator_environment(stack), "CS_PROVIDER_KEY": "bench-provider-key"}
    done = subprocess.run(seed, env=env, capture_output=True, text=True)
    if done.returncode != 0:
        raise StackError(f"seeding failed: {done.stderr.strip()}")
    return json.loads(done.stdout)["gateway_key"]


# Measured by programs of their own; the others run functions.
EXAMPLES = {"ledger", "redact", "scim"}
FILES = {"package": _package, "gateway": _gateway, "envelope": _envelope, "ledger": _ledger, "redact": _redact, "scim": _scim}


def _variables(stack: dict, endpoint: str) -> dict[str, str]:
    own = {"CS_SIGNING_KEY_ARN": stack["signing_keys"]["gateway"], "CS_CODE_SHA256": "0" * 64}
    return {**stack["ops_environment"], **own, **aws_variables(stack, "gateway"), "AWS_ENDPOINT_URL": endpoint}


@contextmanager
def _tables(stack: dict):
    """Tables and a queue in memory before the emulator; yields their address."""
    port_file = OUT / "tables_port"
    port_file.unlink(missing_ok=True)
    command = [TARGET / "release" / "tables", "--upstream", urlsplit(stack["endpoint"]).netloc, "--port-file", port_file]
    with (OUT / "tables.log").open("wb") as log:
        child = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield f"http://127.0.0.1:{int(_wait(lambda: port_file.exists() and port_file.read_text(), 'the tables to listen'))}"
    finally:
        child.terminate()
        child.wait()


@contextmanager
def _host(binary: str, variables: dict[str, str], workers: int = 1):
    """A function of the release profile behind the Runtime API host; yields the port, ready for calls."""
    env_file, port_file = OUT / "variables.json", OUT / "port"
    port_file.unlink(missing_ok=True)
    env_file.touch(mode=0o600)
    env_file.write_text(json.dumps(variables))
    program, function = TARGET / "release" / "host", TARGET / "release" / binary
    command = [program, "--binary", function, "--env", env_file, "--port-file", port_file, "--workers", str(workers)]
    log = (OUT / f"{binary}.log").open("wb")
    child = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        port = int(_wait(lambda: port_file.exists() and port_file.read_text(), "the host to listen"))
        _wait(lambda: _worker(port).get("init_ms"), "the function to start")
        yield port
    finally:
        child.terminate()
        child.wait()
        env_file.unlink(missing_ok=True)


def _wait(ready, what: str):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if found := ready():
            return found
        time.sleep(0.02)
    raise StackError(f"waited 30 s for {what}")


def _worker(port: int) -> dict:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/_host")
    return json.loads(connection.getresponse().read())["workers"][0]


def _calls(port: int, key: str, count: int) -> None:
    bench_speed.calls(f"http://127.0.0.1:{port}/v1", key, BODY, count)


def _cpu_us(binary: str, variables: dict[str, str], key: str) -> float:
    """CPU time of the function's process per call, all threads, user and system."""
    with _host(binary, variables) as port:
        _calls(port, key, WARM_UP)
        pid = _worker(port)["pid"]
        before = bench_speed.cpu_ns(pid)
        _calls(port, key, CALLS)
        return (bench_speed.cpu_ns(pid) - before) / CALLS / 1000


if __name__ == "__main__":
    sys.exit(main())
