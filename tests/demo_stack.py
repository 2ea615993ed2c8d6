"""What the demo asks of the running stack: its description, its AWS services, the operator's command, SQL."""

import json
import os
import subprocess
import time
import urllib.request
from datetime import datetime, timedelta
from pathlib import Path

import boto3
from botocore.config import Config

ROOT = Path(__file__).resolve().parent.parent
SQL_WITHIN_S = 60
OPS_WITHIN_S = 60

# Short waits: everything is on this machine.
CLIENT_CONFIG = Config(
    retries={"max_attempts": 2}, connect_timeout=5, read_timeout=30, s3={"addressing_style": "path"}
)


class DemoError(Exception):
    """The story cannot go on; the text says what to do."""


def load(name: str) -> dict:
    path = ROOT / "target" / "stack" / name / "stack.json"
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        raise DemoError(f"no running stack in {path.parent}; run: make up") from None


def client(stack: dict, service: str, role: str):
    """A client of an AWS service with the rights of one role."""
    credentials = stack["credentials"][role]
    return boto3.client(
        service,
        endpoint_url=stack["endpoint"],
        region_name=stack["region"],
        aws_access_key_id=credentials["access_key_id"],
        aws_secret_access_key=credentials["secret_access_key"],
        aws_session_token=credentials.get("session_token"),
        config=CLIENT_CONFIG,
    )


def received(stack: dict, channel: str) -> list[dict]:
    """What the stand-in provider got on a channel, oldest first."""
    with urllib.request.urlopen(f"{stack['provider_url']}/_requests/{channel}", timeout=10) as answer:
        return json.load(answer)


def seed(stack: dict, provider_key: str, arguments: dict[str, str]) -> dict:
    """`countersign ops seed` with the rights of the operator; the provider's key goes by the environment."""
    given = [f"--{name}={value}" for name, value in arguments.items()]
    return json.loads(ops(stack, ["seed", *given], {"CS_PROVIDER_KEY": provider_key}))


def ops(stack: dict, arguments: list[str], variables: dict[str, str]) -> str:
    """`countersign ops` with the rights of the operator: what it printed. Secrets and names go by the environment."""
    binary = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target") / "debug" / "countersign"
    what = f"countersign ops {arguments[0]}"
    try:
        done = subprocess.run(
            [str(binary), "ops", *arguments],
            env=operator_env(stack) | variables,
            capture_output=True,
            text=True,
            timeout=OPS_WITHIN_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DemoError(f"{what} did not run ({type(error).__name__}); run: make up") from None
    if done.returncode != 0:
        raise DemoError(f"{what} failed: {done.stderr.strip()}")
    return done.stdout


def operator_env(stack: dict) -> dict[str, str]:
    """The operator's variables and credentials; of the caller's environment only what a process needs."""
    credentials = stack["credentials"]["operator"]
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "RUST_BACKTRACE") if name in os.environ}
    return {
        **kept,
        **stack["ops_environment"],
        "AWS_ENDPOINT_URL": stack["endpoint"],
        "AWS_REGION": stack["region"],
        "AWS_ACCESS_KEY_ID": credentials["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": credentials["secret_access_key"],
        "AWS_SESSION_TOKEN": credentials["session_token"],
    }


def question(seeded: dict, began: datetime, columns: str, condition: str = "") -> str:
    """The auditor's question about one agent. The ids are our own random ones, so quoting them is safe."""
    window = [began - timedelta(minutes=1), began + timedelta(minutes=15)]
    start, end = (moment.strftime("timestamp '%Y-%m-%d %H:%M:%S'") for moment in window)
    return (
        f"SELECT {columns}\n"
        "FROM ds_agents_eu.task_timeline\n"
        f"WHERE tenant_id = '{seeded['tenant_id']}'\n"
        f"  AND agent_id = '{seeded['agent_id']}'\n"
        f"  AND created_at BETWEEN {start} AND {end}\n"
        f"{condition}ORDER BY created_at DESC"
    )


def ask(stack: dict, sql: str) -> tuple[list[str], list[list[str]]]:
    """Runs `sql` through Athena as the auditor: header and rows."""
    athena = client(stack, "athena", "auditor")
    started = athena.start_query_execution(QueryString=sql, WorkGroup=stack["athena_workgroup"])
    query = started["QueryExecutionId"]
    deadline = time.monotonic() + SQL_WITHIN_S
    while time.monotonic() < deadline:
        status = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
        if status["State"] == "SUCCEEDED":
            result = athena.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"]
            header, *rows = [[cell.get("VarCharValue", "") for cell in row["Data"]] for row in result]
            return header, rows
        if status["State"] in ("FAILED", "CANCELLED"):
            raise DemoError(f"Athena: {status.get('StateChangeReason', status['State'])}")
        time.sleep(0.2)
    raise DemoError(f"Athena did not answer within {SQL_WITHIN_S} s")
