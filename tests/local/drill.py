"""Rehearses on the local stack's canary what must work on the day it is needed, and prints what it took: `make drill`.

  kill      the kill switch: a call runs, the canary is stopped, the call is cut, it serves again
  provider  a provider is away: calls go to the next one, and come back
  writer    the writer of the ledger stands still: records wait, are written afterwards, and the log verifies
  restore   a table is brought back from its backup beside the one that is used, and holds the same

Each is recorded in the canary's log (`drill.*`), and health knows when the last one was. Runs in the virtual environment.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import boto3
from invoke import STACKS, invoke, whole
from stack import operator_environment
from verify import export_and_verify

# The call that runs while the switch is turned answers after this long, unless it is cut.
SLOW_MS = 6_000
# Calls that are made while the writer stands still.
WAITING_CALLS = 10
PATIENCE_S = 180
SECOND = "canary-second"


class Failed(Exception):
    """What did not hold."""


@dataclass
class Drill:
    kind: str
    figures: dict[str, int] = field(default_factory=dict)
    failure: str = ""
    millis: int = 0


class World:
    """The stack, as an operator and the emulator's root see it, and the canary."""

    def __init__(self, home: Path):
        self.home = home
        self.stack, self.canary = (json.loads((home / name).read_text()) for name in ("stack.json", "canary.json"))
        self.tenant = self.canary["tenant_id"]

    def client(self, service: str, role: str = "root"):
        granted = self.stack["credentials"][role]
        return boto3.client(
            service,
            endpoint_url=self.stack["endpoint"],
            region_name=self.stack["region"],
            aws_access_key_id=granted["access_key_id"],
            aws_secret_access_key=granted["secret_access_key"],
            aws_session_token=granted["session_token"] or None,
        )

    def ops(self, *arguments: str, **environment: str) -> str:
        binary = str(Path(self.stack["binaries"]) / "countersign")
        env = {**operator_environment(self.stack), **environment}
        done = subprocess.run([binary, "ops", *arguments], env=env, capture_output=True, text=True)
        if done.returncode != 0:
            raise Failed(done.stderr.strip() or done.stdout.strip())
        return done.stdout

    def tell(self, channel: str, behaviour: dict) -> None:
        url = f"{self.stack['provider_url']}/_control/{channel}"
        request = urllib.request.Request(url, json.dumps(behaviour).encode(), method="PUT")
        urllib.request.urlopen(request, timeout=10).close()

    def call(self) -> int:
        body = {"model": "gpt-4o-mini", "max_tokens": 1, "messages": [{"role": "user", "content": "Say one word."}]}
        headers = {"content-type": "application/json", "authorization": f"Bearer {self.canary['gateway_key']}"}
        url = f"{self.stack['gateway_url']}/v1/chat/completions"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers), timeout=60) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    def health(self) -> dict[str, str]:
        """What a run finds to be down, by check."""
        answer = invoke(self.stack, "health", b'{"probe": {}}')
        told = json.loads(whole(answer["Payload"].read())["body"])
        return {one["check"]: one["reason"] for one in told["down"]}

    def records(self) -> int:
        """How many of the canary's records can be read as rows."""
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(
            Bucket=self.stack["buckets"]["derived"], Prefix=f"task_timeline/tenant_id={self.tenant}/"
        )
        names = [one["Key"] for page in pages for one in page.get("Contents", [])]
        read = self.client("s3").get_object
        texts = (read(Bucket=self.stack["buckets"]["derived"], Key=name)["Body"].read() for name in names)
        return len({json.loads(line)["event_id"] for text in texts for line in text.splitlines()})


def until(what: str, ask) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not ask():
        if time.monotonic() > deadline:
            raise Failed(f"waited {PATIENCE_S} s for {what}")
        time.sleep(0.5)


def since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def kill(world: World) -> dict[str, int]:
    world.tell("canary", {"delay_ms": SLOW_MS})
    try:
        gateway = f"{world.stack['gateway_url']}/v1"
        arguments = ("--tenant", world.tenant, "--confirm", world.tenant, "--gateway", gateway, "--json")
        figures = json.loads(world.ops("drill", *arguments, CS_GATEWAY_KEY=world.canary["gateway_key"]))
    finally:
        world.tell("canary", {})
    return {name: value for name, value in figures.items() if value is not None}


def provider(world: World) -> dict[str, int]:
    of_it = ("--provider-url", f"{world.stack['provider_url']}/{SECOND}/v1", "--provider-region", "eu", "--provider-name", "second")
    made = world.ops("provider", "--tenant", world.tenant, *of_it, "--models", "gpt-4o-mini", CS_PROVIDER_KEY="local-second-key")
    try:
        return away(world)
    finally:
        world.tell("canary", {})
        world.ops("provider", "--tenant", world.tenant, "--remove", json.loads(made)["provider_id"])


def away(world: World) -> dict[str, int]:
    world.tell("canary", {"status": 503})
    began = time.monotonic()
    answers = [world.call()]
    failover_ms = since(began)
    down = world.health()
    if "endpoint/stand-in" not in down:
        raise Failed(f"health did not see that the provider is away: {down}")
    answers += [world.call() for _ in range(5)]
    if set(answers) != {200}:
        raise Failed(f"not every call went to the next provider: {answers}")
    world.tell("canary", {})
    began = time.monotonic()
    # The breaker's own time must pass; nobody's call is needed.
    until("the provider to come back", lambda: "endpoint/stand-in" not in world.health() and breaker(world) == "counting")
    return {"calls": len(answers), "failed": 0, "failover_ms": failover_ms, "recovery_ms": since(began)}


def breaker(world: World) -> str:
    """How the breaker of the canary's first endpoint stands: `domain`, ShortDigest::of_endpoint."""
    parts = (b"openai", f"{world.stack['provider_url']}/canary/v1".encode(), b"eu")
    digest = hashlib.sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).hexdigest()[:16]
    key = {"pk": {"S": f"PROVIDER#{digest}"}, "sk": {"S": "BREAKER"}}
    row = world.client("dynamodb").get_item(TableName=world.stack["tables"]["gates"], Key=key, ConsistentRead=True)
    return row["Item"]["phase"]["S"] if "Item" in row else "counting"


def writer(world: World) -> dict[str, int]:
    functions = world.client("lambda")
    mapping = functions.list_event_source_mappings(EventSourceArn=world.stack["queues"]["audit"]["arn"])["EventSourceMappings"][0]["UUID"]
    before = settled(world)
    functions.update_event_source_mapping(UUID=mapping, Enabled=False)
    began = time.monotonic()
    try:
        served = [world.call() for _ in range(WAITING_CALLS)].count(200)
        down = world.health()
        noticed = since(began)
        if "audit" not in down:
            raise Failed(f"health did not see that the writer stands still: {down}")
    finally:
        functions.update_event_source_mapping(UUID=mapping, Enabled=True)
    began = time.monotonic()
    # Health's own call is among them: two records each, an attempt and an outcome.
    wanted = before + 2 * (served + 1)
    until("the backlog to drain", lambda: world.records() >= wanted)
    drained = since(began)
    done = export_and_verify(world.stack, world.home / "exports" / "drill", ["--tenant", world.tenant], quiet=True)
    if done.returncode != 0:
        raise Failed(f"the log does not verify after the outage (exit code {done.returncode})")
    return {"calls": served, "noticed_ms": noticed, "drain_ms": drained, "lost": WAITING_CALLS - served}


def settled(world: World) -> int:
    """The number of records once none is on its way."""
    count = -1
    while count != (count := world.records()):
        time.sleep(2)
    return count


def restore(world: World) -> dict[str, int]:
    tables, source = world.client("dynamodb"), world.stack["tables"]["control"]
    target = f"{source}-drill"
    began = time.monotonic()
    tables.restore_table_to_point_in_time(SourceTableName=source, TargetTableName=target, UseLatestRestorableTime=True)
    try:
        until("the table", lambda: tables.describe_table(TableName=target)["Table"]["TableStatus"] == "ACTIVE")
        took = since(began)
        kept, found = (canary_rows(tables, name, world.tenant) for name in (source, target))
        if not kept or kept != found:
            raise Failed(f"the restored table does not hold what was backed up: {len(kept)} rows and {len(found)}")
        return {"rows": len(kept), "restore_ms": took}
    finally:
        tables.delete_table(TableName=target)


def canary_rows(tables, name: str, tenant: str) -> list[dict]:
    asked = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": f"T#{tenant}"}}}
    rows = tables.query(TableName=name, ConsistentRead=True, **asked)["Items"]
    return sorted(rows, key=lambda row: row["sk"]["S"])


DRILLS = {"kill": kill, "provider": provider, "writer": writer, "restore": restore}


def hold(world: World, kind: str) -> Drill:
    began = time.monotonic()
    drill = Drill(kind)
    try:
        drill.figures = DRILLS[kind](world)
    except Failed as failure:
        drill.failure = str(failure)
    drill.millis = since(began)
    figures = [f"{name}={value}" for name, value in drill.figures.items()]
    failed = ["--failed"] if drill.failure else []
    if kind != "kill":  # which keeps it itself
        world.ops("drilled", "--tenant", world.tenant, "--kind", kind, "--millis", str(drill.millis), *failed, *figures)
    return drill


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", default="local")
    parser.add_argument("--kind", choices=DRILLS, action="append", help="only this one; may be given several times")
    asked = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)
    world = World(STACKS / asked.name)
    print(f"\nDrills on the canary {world.tenant}; about two minutes.\n")
    held = []
    for kind in asked.kind or DRILLS:
        held.append(drill := hold(world, kind))
        figures = ", ".join(f"{name} {value}" for name, value in drill.figures.items())
        print(f"  {drill.kind:<9} {'FAILED' if drill.failure else 'passed':<7} {drill.millis:>7} ms  {drill.failure or figures}")
    failed = [drill.kind for drill in held if drill.failure]
    print(f"\n{len(held) - len(failed)} of {len(held)} drills passed; each is in the canary's log as drill.*")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
