#!/usr/bin/env python3
"""The story of one call, told on the running local stack: `make demo`.

Everything it says it also checks; the exit code is 0 only when every check held. A real provider in place
of the stand-in: CS_PROVIDER_URL and CS_PROVIDER_KEY, and CS_PROVIDER_MODEL if it is not gpt-4o-mini.
"""

import argparse
import json
import os
import secrets
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone

import botocore.exceptions
import openai

import demo_keys
import demo_ledger
import demo_stack
from demo_planted import PLACEHOLDER, PLANTED, PROMPT, leaked
from demo_screen import Screen, find
from demo_stack import DemoError

STEPS = 11
ESTIMATE_S = 30
RECORDS_WITHIN_S = 60
CALL_TIMEOUT_S = 60
LOCK_DAYS_MIN = 364
BUDGET_TOKENS = 200_000
REPLY_TOKENS_MAX = 400
DEFAULT_MODELS = ["gpt-4o-mini", "gpt-4o"]
FORBIDDEN_MODELS = ["gpt-5-pro", "o3-pro"]


@dataclass
class Story:
    """What one step leaves for the next."""

    screen: Screen
    stack: dict
    provider_url: str
    provider_key: str
    models: list[str]
    channel: str | None  # the stand-in's channel; None with a real provider
    began: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    seed: dict = field(default_factory=dict)
    answer: str = ""
    events: list[dict] = field(default_factory=list)
    locked: dict = field(default_factory=dict)
    checks: list[tuple[str, bool | None, str]] = field(default_factory=list)

    def check(self, claim: str, held: bool | None, result: str) -> None:
        """`None`: could not be looked at, counts neither way."""
        self.checks.append((claim, held, result))
        mark, style = self.screen.verdict(held)
        self.screen.line(f"  {self.screen.paint(mark, style, 'bold')} {claim}: {result}")

    def title(self, number: int, text: str) -> None:
        self.screen.title(number, STEPS, text)

    def received(self) -> list[dict]:
        """What the provider got; nothing is known of a real one."""
        return demo_stack.received(self.stack, self.channel) if self.channel else []

    def question(self, columns: str, condition: str = "") -> str:
        return demo_stack.question(self.seed, self.began, columns, condition)


def begin(name: str, screen: Screen) -> Story:
    stack = demo_stack.load(name)
    url, key = os.environ.get("CS_PROVIDER_URL"), os.environ.get("CS_PROVIDER_KEY")
    if bool(url) != bool(key):
        raise DemoError("a real provider needs both CS_PROVIDER_URL and CS_PROVIDER_KEY")
    model = os.environ.get("CS_PROVIDER_MODEL")
    models = [model] if model else DEFAULT_MODELS
    if url:
        return Story(screen, stack, url, key, models, channel=None)
    channel = f"demo-{secrets.token_hex(4)}"
    stand_in = f"{stack['provider_url']}/{channel}/v1"
    return Story(screen, stack, stand_in, f"sk-standin-{secrets.token_urlsafe(24)}", models, channel)


def seed(story: Story) -> None:
    story.title(1, "An operator sets up a tenant, an agent and its key")
    arguments = {
        "provider-url": story.provider_url,
        "provider-region": "eu",
        "models": ",".join(story.models),
        "budget-tokens": str(BUDGET_TOKENS),
    }
    story.seed = demo_stack.seed(story.stack, story.provider_key, arguments)
    show_seed(story)


def masked(key: str) -> str:
    """Up to and with the key id, which is no secret."""
    return "_".join(key.split("_")[:4]) + "_***" if key.count("_") >= 4 else "***"


def show_seed(story: Story) -> None:
    provider = "stand-in on this machine" if story.channel else story.provider_url
    rows = [
        ["tenant", story.seed["tenant_id"]],
        ["agent", story.seed["agent_id"]],
        ["gateway key", masked(story.seed["gateway_key"])],
        ["provider", f"{provider}; its credential is sealed under the tenant's key"],
        ["models", ", ".join(story.models)],
        ["budget", f"{BUDGET_TOKENS:,} tokens"],
    ]
    for name, value in rows:
        story.screen.line(f"  {story.screen.paint(name.ljust(12), 'dim')} {value}")


def agent(story: Story) -> openai.OpenAI:
    base_url = story.stack["gateway_url"] + "/v1"
    return openai.OpenAI(
        base_url=base_url, api_key=story.seed["gateway_key"], max_retries=0, timeout=CALL_TIMEOUT_S
    )


def call(story: Story) -> None:
    story.title(2, "The agent calls a model through the unmodified OpenAI SDK")
    story.screen.code(
        'client = OpenAI(base_url=GATEWAY + "/v1", api_key=GATEWAY_KEY)\n'
        f'client.chat.completions.create(model="{story.models[0]}", messages=[...])'
    )
    began = time.monotonic()
    story.screen.progress("waiting for the answer")
    try:
        answer = agent(story).chat.completions.create(
            model=story.models[0],
            max_tokens=REPLY_TOKENS_MAX,
            messages=[{"role": "user", "content": PROMPT}],
        )
    except openai.OpenAIError as error:
        raise DemoError(f"the call failed: {error}\nlogs: {story.stack['log_dir']}") from None
    story.screen.progress_end()
    story.answer = answer.choices[0].message.content or ""
    usage = answer.usage.total_tokens if answer.usage else "unknown"
    story.screen.note(f"answered in {time.monotonic() - began:.2f} s, {usage} tokens")


def compare(story: Story) -> None:
    story.title(3, "What was sent, what the provider received, what came back")
    values, record = list(PLANTED.values()), story.received()
    columns = [
        ("the agent sent", PROMPT, find(PROMPT, values, "red")),
        ("the provider received", *provider_column(story, record)),
        ("the agent got back", story.answer, find(story.answer, values, "green")),
    ]
    story.screen.side_by_side(columns)
    if story.screen.colour:
        story.screen.note("red: personal data; yellow: placeholders; green: restored", style="dim")
    story.screen.line()
    check_provider(story, record)
    back = [name for name, value in PLANTED.items() if value in story.answer]
    whole, result = len(back) == len(PLANTED), f"{len(back)} of {len(PLANTED)}"
    if not whole and not story.channel:
        whole, result = None, f"{result}: a real model need not repeat them"
    story.check("the values are back in the agent's answer", whole, result)


def provider_column(story: Story, record: list[dict]) -> tuple[str, list]:
    if not story.channel:
        return "A real provider does not show what it received. The stand-in does: unset CS_PROVIDER_URL.", []
    try:
        text = json.loads(record[-1]["body"])["messages"][-1]["content"]
    except (LookupError, TypeError, ValueError):
        return "(nothing)", []
    return text, find(text, PLACEHOLDER.findall(text), "yellow") + find(text, list(PLANTED.values()), "red")


def check_provider(story: Story, record: list[dict]) -> None:
    if not story.channel:
        return
    story.check("requests the provider got of the call", len(record) == 1, str(len(record)))
    everything = json.dumps(record, ensure_ascii=False)
    found = leaked(everything)
    story.check("planted values the provider saw", bool(record) and not found, ", ".join(found) or "none")
    credential = record[0]["headers"].get("authorization") if record else None
    own = credential == f"Bearer {story.provider_key}" and story.seed["gateway_key"] not in everything
    story.check("credentials the provider saw", own, "its own alone" if own else "not just its own")


def poll(story: Story, sql: str, rows_min: int) -> tuple[list[str], list[list[str]]]:
    """Asks until `rows_min` rows are there; the last answer after the time limit."""
    began = time.monotonic()
    while True:
        header, rows = demo_stack.ask(story.stack, sql)
        waited = time.monotonic() - began
        if len(rows) >= rows_min or waited > RECORDS_WITHIN_S:
            story.screen.progress_end()
            return header, rows
        story.screen.progress(f"{len(rows)} of {rows_min} records, {waited:.0f} of {RECORDS_WITHIN_S} s")
        time.sleep(0.5)


def query(story: Story) -> None:
    story.title(4, "The auditor asks in SQL")
    sql = story.question("event_type, actor_type, actor_id, description, metadata, created_at")
    story.screen.code(sql)
    story.screen.line()
    began = time.monotonic()
    header, rows = poll(story, sql, rows_min=2)
    story.screen.table(header, rows)
    took = time.monotonic() - began
    story.screen.note(f"{len(rows)} rows, there {took:.1f} s after the first look", style="dim")
    details(story)


def details(story: Story) -> None:
    """The same records with the columns that the checks need."""
    names = "event_id, phase, decision, reason, action_id, model, input_tokens, output_tokens, dlp"
    header, rows = demo_stack.ask(story.stack, story.question(names, "  AND event_type = 'llm.call'\n"))
    story.events = [dict(zip(header, row)) for row in rows]
    shown = [name for name in header if name not in ("event_id", "action_id")]
    story.screen.line()
    story.screen.table(shown, [[event[name] for name in shown] for event in story.events])
    story.screen.line()
    phases = sorted(event["phase"] for event in story.events)
    paired = phases == ["attempt", "outcome"] and len({event["action_id"] for event in story.events}) == 1
    allowed = all(event["decision"] == "allow" for event in story.events)
    recorded = " and ".join(phases) or "nothing"
    story.check("the call is recorded before and after", paired and allowed, recorded)
    counts = next((json.loads(event["dlp"]) for event in story.events[::-1] if event["dlp"]), {})
    what = ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items())) or "nothing"
    story.check("what was redacted is recorded as counts", sum(counts.values()) >= len(PLANTED), what)


def lock(story: Story) -> None:
    story.title(5, "The record lies under Object Lock")
    s3, bucket = demo_stack.client(story.stack, "s3", "auditor"), story.stack["buckets"]["locked"]
    found = []
    ids = [event["event_id"] for event in story.events]
    prefix = f"t/{story.seed['tenant_id']}/bundle/"
    for one in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", []):
        key = one["Key"]
        head = s3.head_object(Bucket=bucket, Key=key)
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode(errors="replace")
        if any(event in body for event in ids):
            found.append({"bucket": bucket, "key": key, "head": head, "leaked": leaked(body)})
    if not found:
        raise DemoError("no record to look at")
    story.locked = found[-1]
    show_lock(story, found)


def show_lock(story: Story, found: list[dict]) -> None:
    head = story.locked["head"]
    mode, until = head.get("ObjectLockMode", "none"), head.get("ObjectLockRetainUntilDate")
    until_text = until.strftime("%Y-%m-%d %H:%M UTC") if until else "no date"
    for name, value in [
        ("object", f"s3://{story.locked['bucket']}/{story.locked['key']}"),
        ("version", head.get("VersionId", "none")),
        ("mode", mode),
        ("retain until", until_text),
    ]:
        story.screen.line(f"  {story.screen.paint(name.ljust(12), 'dim')} {value}")
    story.screen.line()
    days = (until - datetime.now(timezone.utc)).days if until else 0
    held = mode == "COMPLIANCE" and days >= LOCK_DAYS_MIN
    story.check("the record is locked", held, f"{mode}, {days + 1} days")
    spilled = sorted({name for record in found for name in record["leaked"]})
    story.check("planted values in the records", not spilled, ", ".join(spilled) or "none")


def delete(story: Story) -> None:
    story.title(6, "The account's root tries to delete it")
    s3, record = demo_stack.client(story.stack, "s3", "root"), story.locked
    name = {"Bucket": record["bucket"], "Key": record["key"]}
    version = record["head"]["VersionId"]
    story.screen.code(f"s3.delete_object(Key={record['key']!r},")
    story.screen.code(f"    VersionId={version!r}, BypassGovernanceRetention=True)")
    try:
        s3.delete_object(**name, VersionId=version, BypassGovernanceRetention=True)
        refusal = None
    except botocore.exceptions.ClientError as error:
        refusal = error.response["Error"]
        story.screen.note(f"{refusal['Code']}: {refusal['Message']}", indent=4, style="red")
    story.screen.line()
    still = bool(refusal) and s3.head_object(**name).get("VersionId") == version
    story.check(
        "deleting the record as root is refused", still, refusal["Code"] if refusal else "it was deleted"
    )


def refuse(story: Story) -> None:
    story.title(7, "The agent asks for a model that it may not use")
    before = len(story.received())
    model = next(name for name in FORBIDDEN_MODELS if name not in story.models)
    story.screen.code(f'client.chat.completions.create(model="{model}", messages=[...])')
    try:
        agent(story).chat.completions.create(model=model, messages=[{"role": "user", "content": PROMPT}])
        status = "answered"
    except openai.APIStatusError as error:
        status = f"{error.status_code} {error.code or ''}".strip()
        story.screen.note(f"{type(error).__name__}: {error.message}", indent=4, style="red")
    except openai.OpenAIError as error:
        raise DemoError(f"the call failed: {error}\nlogs: {story.stack['log_dir']}") from None
    denial(story)
    story.check("a call to another model is refused", status.startswith("4"), status)
    if story.channel:
        more = len(story.received()) - before
        story.check("requests the provider got of the refused call", more == 0, str(more) if more else "none")


def denial(story: Story) -> None:
    columns = "event_type, phase, decision, reason, description, created_at"
    sql = story.question(columns, "  AND decision = 'deny'\n")
    story.screen.line()
    story.screen.code(sql)
    story.screen.line()
    header, rows = poll(story, sql, rows_min=1)
    story.screen.table(header, rows)
    story.screen.line()
    reasons = [dict(zip(header, row))["reason"] for row in rows]
    held = len(rows) == 1 and reasons[0].startswith("model_")
    story.check("the refusal is recorded", held, ", ".join(reasons) or "no record")


def summary(story: Story) -> bool:
    screen = story.screen
    story.title(11, "Claimed and checked")
    rows = [[screen.verdict(held)[0], claim, result] for claim, held, result in story.checks]
    screen.table(["", "check", "result"], rows)
    failed = sum(held is False for _, held, _ in story.checks)
    total = sum(held is not None for _, held, _ in story.checks)
    screen.line()
    verdict = f"{total - failed} of {total} checks held, {time.monotonic() - screen.started:.1f} s"
    screen.line("  " + verdict, "bold", "red" if failed else "green")
    return not failed


def try_it(story: Story) -> None:
    screen = story.screen
    screen.line()
    screen.note("Now with your own agent (the key works on this local stack alone):")
    screen.code(
        f"export OPENAI_BASE_URL={story.stack['gateway_url']}/v1\n"
        f"export OPENAI_API_KEY={story.seed['gateway_key']}\n"
        'curl -s $OPENAI_BASE_URL/models -H "Authorization: Bearer $OPENAI_API_KEY"'
    )
    screen.note("A real provider: CS_PROVIDER_URL=https://.../v1 CS_PROVIDER_KEY=... make demo")
    screen.note("Logs: " + story.stack["log_dir"])
    screen.note("Stop everything: make down")


def tell(story: Story) -> bool:
    try:
        for step in (seed, call, compare, query, lock, delete, refuse):
            step(story)
        for step in (demo_keys.erase, demo_keys.rotate):
            step(story, agent(story))
        demo_ledger.prove(story)
    except (DemoError, botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, OSError) as error:
        story.screen.progress_end()
        story.check("the story can be told to its end", False, str(error))
    held = summary(story)
    if story.seed:
        try_it(story)
    return held


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stack", default="local", help="name under target/stack (default: local)")
    args = parser.parse_args()
    screen = Screen()
    try:
        story = begin(args.stack, screen)
    except DemoError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    screen.line("Countersign: one call, guarded and recorded", "bold")
    screen.note(f"{STEPS} steps, about {ESTIMATE_S} s; the time so far stands on the right.")
    try:
        return 0 if tell(story) else 1
    except KeyboardInterrupt:
        screen.line("\ninterrupted")
        return 130


if __name__ == "__main__":
    sys.exit(main())
