"""What a million allowed calls cost on AWS, from the calls that were counted and prices of `aws_prices.json`.

Pure: what was counted, sizes and prices in, US dollars out. A call to AWS that is not known here is an error, not free.
"""

import json
import math
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from bench_proxy import Made
from steps import StackError

PRICES = Path(__file__).with_name("aws_prices.json")
VARIABLES = Path(__file__).resolve().parents[2] / "infra" / "variables.tf"
SECONDS = (1, 5, 30, 60)
MILLION = 1_000_000
CHUNK = 64 * 1024
# Assumed, and told with the figures.
TRIP_SECONDS = 0.005
# At 1,769 MB a function has one vCPU, and in proportion below (AWS, "Configure Lambda function memory").
VCPU_MB = 1_769
# The switches of platform, organization, tenant and agent, in one BatchGetItem for every second that a provider takes.
SWITCHES = 4
# The platform's lines START, END and REPORT, each with the 26 bytes that CloudWatch adds to an event.
PLATFORM_LOG_BYTES = 400
# The audit writer: records of a batch, and how long it takes; and SQS hands over and deletes ten messages a request.
WRITER_BATCH = 500
WRITER_SECONDS = 2
SQS_BATCH = 10
# Of `make bench FILE=ledger`, per million records, 1,000 tenants in turn: every record is a bundle of its own.
LEDGER = {"puts_locked": 1_000_033, "puts_derived": 1_000_017, "dynamo_writes": 3_000_033, "dynamo_reads": 3_001_083, "signatures": 17}


@dataclass(frozen=True)
class Sizes:
    """Of the functions, in MB, by `infra/variables.tf`."""

    gateway_mb: int
    writer_mb: int


def sizes(variables: Path = VARIABLES) -> Sizes:
    text = variables.read_text()

    def memory(name: str) -> int:
        block = re.search(rf'^variable "{name}" \{{.*?^\}}', text, re.DOTALL | re.MULTILINE)
        found = block and re.search(r"memory_mb\s*=\s*optional\(number, (\d+)\)", block.group(0))
        if not found:
            raise StackError(f"{variables} tells no memory_mb of {name}")
        return int(found.group(1))

    return Sizes(memory("gateway"), memory("audit_writer"))


def prices(file: Path = PRICES) -> dict[str, float]:
    return {name: one["usd"] for name, one in json.loads(file.read_text())["prices"].items()}


def units(made: list[Made]) -> Counter:
    """What the calls are billed by, in the units of the price list; `records` are messages of the audit queue."""
    billed = Counter()
    for one in made:
        billed.update(_units(one.target, one.body))
    return billed


def _units(target: str, body: dict) -> dict[str, float]:
    service, _, operation = target.partition(".")
    if service == "DynamoDB_20120810":
        return _dynamodb(operation, body)
    if service == "AmazonSQS" and operation in ("SendMessage", "SendMessageBatch"):
        messages = body.get("Entries", [body])
        chunks = max(1, math.ceil(sum(len(one["MessageBody"].encode()) for one in messages) / CHUNK))
        fair = any("MessageGroupId" in one for one in messages)
        return {"sqs_request": chunks, "sqs_fair_request": chunks * fair, "records": len(messages)}
    if service == "TrentService":
        return {"kms_asymmetric_request" if operation == "Sign" else "kms_request": 1}
    raise StackError(f"the cost of {target or 'a call without a target'} is not known")


def _dynamodb(operation: str, body: dict) -> dict[str, float]:
    """Items of at most 4 KB read and 1 KB written, each a unit: half a one for a read that is not consistent."""

    def read(asked: dict, count: int) -> float:
        return count * (1 if asked.get("ConsistentRead") else 0.5)

    if operation == "BatchGetItem":
        return {"dynamodb_read_unit": sum(read(one, len(one["Keys"])) for one in body["RequestItems"].values())}
    if operation in ("GetItem", "Query"):
        return {"dynamodb_read_unit": read(body, 1)}
    if operation in ("UpdateItem", "PutItem", "DeleteItem"):
        return {"dynamodb_write_unit": 1}
    if operation == "TransactWriteItems":
        return {"dynamodb_write_unit": 2 * len(body["TransactItems"])}
    raise StackError(f"the cost of DynamoDB's {operation} is not known")


def own_seconds(trips: int, cpu_us: float, memory_mb: int) -> float:
    """How long a call lasts beyond its provider: round trips one after the other, and its CPU time on its share of one."""
    return trips * TRIP_SECONDS + cpu_us / 1e6 * max(1, VCPU_MB / memory_mb)


def ledger_counts(kept: dict) -> dict[str, float]:
    """Of this machine's last run of the ledger's figures, else as they were published."""
    return {name: kept.get(f"t1000_{name}", count) for name, count in LEDGER.items()}


@dataclass(frozen=True)
class Call:
    """An allowed call as it was counted."""

    billed: Counter
    own_seconds: float
    log_bytes: float


def of_a_million(call: Call, seconds: float, size: Sizes, price: dict[str, float], ledger: dict[str, float]) -> dict[str, float]:
    """US dollars by service, with a provider that takes `seconds`."""
    gb_seconds = (seconds + call.own_seconds) * size.gateway_mb / 1024
    billed = Counter(call.billed)
    records = billed.pop("records", 0)
    billed["dynamodb_read_unit"] += math.floor(seconds) * SWITCHES
    billed += _of_records(records, ledger)
    writer = records / WRITER_BATCH * WRITER_SECONDS * size.writer_mb / 1024
    cost = Counter({"Lambda": _lambda(gb_seconds, 1, price) + _lambda(writer, records / WRITER_BATCH, price)})
    for name, count in billed.items():
        cost[SERVICES[name.split("_")[0]]] += count * price[name]
    cost["CloudWatch Logs"] += (call.log_bytes + PLATFORM_LOG_BYTES) / 1e9 * price["logs_gb"]
    return {name: usd * MILLION for name, usd in cost.items()}


SERVICES = {"dynamodb": "DynamoDB", "sqs": "SQS", "kms": "KMS", "s3": "S3"}


def _lambda(gb_seconds: float, requests: float, price: dict[str, float]) -> float:
    return gb_seconds * price["lambda_arm64_gb_second"] + requests * price["lambda_request"]


def _of_records(records: float, ledger: dict[str, float]) -> Counter:
    """What the records of a call cost after the queue has them."""
    each = {name: count / MILLION * records for name, count in ledger.items()}
    return Counter({
        "s3_put": each["puts_locked"] + each["puts_derived"],
        "dynamodb_write_unit": each["dynamo_writes"],
        "dynamodb_read_unit": each["dynamo_reads"],
        "kms_asymmetric_request": each["signatures"],
        # Received, and deleted.
        "sqs_request": 2 * records / SQS_BATCH,
    })


def told(made: list[Made], trips: int, cpu_us: float, log_bytes: float, kept: dict) -> dict[str, float | str]:
    """The rows of the report. `kept` is what the ledger's figures are, if they were measured here."""
    size, price, ledger = sizes(), prices(), ledger_counts(kept)
    call = Call(units(made), own_seconds(trips, cpu_us, size.gateway_mb), log_bytes)
    rows: dict[str, float | str] = {"cost_memory_mb": size.gateway_mb, "cost_own_ms": call.own_seconds * 1e3}
    for seconds in SECONDS:
        parts = of_a_million(call, seconds, size, price, ledger)
        rows[f"cost_usd_per_million_at_{seconds}s"] = sum(parts.values())
        rows[f"cost_parts_at_{seconds}s"] = ", ".join(f"{name} {usd:.2f}" for name, usd in sorted(parts.items()))
    return rows | {"cost_assumed": _assumed(call)}


def _assumed(call: Call) -> str:
    dated = json.loads(PRICES.read_text())
    dates = [one["dated"] for one in dated["prices"].values()]
    counted = ", ".join(f"{count:g} {name}" for name, count in sorted(call.billed.items()))
    return (
        f"prices of {dated['region']}, {min(dates)} to {max(dates)}, {dated['currency']}, with sources in {PRICES.name}; "
        f"counted: {counted}; {SWITCHES} consistent reads for each second of the provider; items of at most 4 KB read and 1 KB "
        f"written; Lambda on arm64 for as long as the provider takes, {TRIP_SECONDS * 1e3:g} ms a round trip and our CPU time; "
        f"{call.log_bytes:.0f} bytes of log and {PLATFORM_LOG_BYTES} of the platform; every record a bundle of its own in S3, as with "
        f"1,000 tenants and more; the writer takes {WRITER_SECONDS} s for {WRITER_BATCH} records. Left out: the provider itself, "
        "traffic out of AWS, storage, keys by the month, cold starts, free tiers"
    )
