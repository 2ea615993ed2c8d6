"""A consumed permit: the one leave to run the action, and the one word on what became of it."""

import asyncio
import concurrent.futures
import http.client
import logging
import re
import secrets
import sys
import time
from collections.abc import Callable
from datetime import datetime, timezone
from types import TracebackType
from typing import Any

from .errors import ASK_AGAIN, ConsumeUnclear, OutcomeNotTold, PermitConsumed, PermitExpired, PermitRefused, Unclear
from .http import NoAnswer, ask, code_of
from .permit import SHA256, Permit

DUE_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")

# After these the action may have happened.
CUT_OFF = (
    Unclear,
    TimeoutError,
    asyncio.TimeoutError,
    concurrent.futures.TimeoutError,
    http.client.HTTPException,
    EOFError,
)
# Clients of HTTP and of databases have classes of their own for it, which share words in their names and nothing else.
CUT_OFF_NAMES = re.compile(
    "Timeout|TimedOut|Disconnected|IncompleteRead|BrokenPipe|ConnectionError$"
    "|^Connection(Reset|Aborted|Lost|Closed|Terminated|Broken|Interrupted|DoesNotExist)"
    "|^(Read|Write|Network|Transport|Protocol|RemoteProtocol|SSL)Error$"
)
# Drivers of databases say it in words alone.
CUT_OFF_WORDS = re.compile("connection (was |is )?(terminated|closed|lost|reset|broken|aborted)|lost connection|closed the connection|server has gone away", re.IGNORECASE)
CAUSES_MAX = 5

log = logging.getLogger("countersign_permit")


class Line:
    """How the issuer is asked: a few times the same, since every question here may be repeated."""

    def __init__(self, issuer: str, timeout: float, attempts: int, pause: float, clock: Callable[[], float]):
        self.issuer, self.clock = issuer, clock
        self._timeout, self._attempts, self._pause = timeout, attempts, pause

    def ask(self, permit: Permit, what: str, body: dict[str, str]) -> tuple[int, Any]:
        """Raises `NoAnswer` when the last try had none."""
        url = f"{self.issuer}/v1/permits/{permit.id}/{what}"
        for attempt in range(1, self._attempts):
            try:
                return ask(url, self._timeout, permit.token, body)
            except NoAnswer:
                time.sleep(self._pause * 2 ** (attempt - 1))
        return ask(url, self._timeout, permit.token, body)


class Run:
    """Made by `Verifier.consume`. As a context manager it reports how its block ended.

    A block that ends well is `executed`, one that raises is `failed`. After a timeout, a connection that broke, `Unclear`,
    a cancellation or an interrupt nothing is reported: the issuer then says UNKNOWN, and a person looks.
    """

    def __init__(self, line: Line, permit: Permit, consumer: str, due_at: datetime):
        self.permit, self.due_at = permit, due_at
        self._line, self._consumer = line, consumer
        self._said: str | None = None
        # What is being handled by now has nothing to do with the action.
        self._before = sys.exc_info()[1]

    def executed(self, detail_sha256: str | None = None) -> None:
        """Reports that the action was done. `detail_sha256`: of a receipt that is kept elsewhere. Raises `OutcomeNotTold`."""
        self._tell("executed", detail_sha256)

    def failed(self, detail_sha256: str | None = None) -> None:
        """Reports that the action was certainly not done. Raises `OutcomeNotTold`."""
        self._tell("failed", detail_sha256)

    def ended(self, error: BaseException | None) -> None:
        """Reports how the action ended, unless that was said or nobody can know. Only warns if it is not taken."""
        if self._said is not None or (error is not None and _is_unclear(error, self._before)):
            return
        try:
            self._tell("executed" if error is None else "failed", None)
        except OutcomeNotTold as untold:
            log.warning("%s: %s", self.permit.id, untold)

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, _: type | None, error: BaseException | None, __: TracebackType | None) -> None:
        self.ended(error)

    def __repr__(self) -> str:
        return f"Run(permit={self.permit.id!r}, said={self._said!r})"

    def _tell(self, outcome: str, detail_sha256: str | None) -> None:
        if detail_sha256 is not None and not SHA256.fullmatch(detail_sha256):
            raise ValueError("detail_sha256 is 64 hexadecimal digits in lower case")
        if self._said not in (None, outcome):
            raise ValueError(f"this run was reported as {self._said} already")
        # Before it is sent: after a lost answer nothing else may be said.
        self._said = outcome
        body = {"consumer": self._consumer, "outcome": outcome}
        try:
            status, answer = self._line.ask(self.permit, "outcome", body | ({"detail_sha256": detail_sha256} if detail_sha256 else {}))
        except NoAnswer:
            raise OutcomeNotTold(_untold(outcome, "the issuer did not answer")) from None
        if status != 200:
            code = code_of(answer, "outcome_not_told")
            raise OutcomeNotTold(_untold(outcome, f"the issuer said {status} {code}"), code)


def consume(line: Line, permit: Permit) -> Run:
    """Takes the permit. Only a clear yes is one."""
    consumer = secrets.token_urlsafe(32)
    try:
        status, answer = line.ask(permit, "consume", {"consumer": consumer})
    except NoAnswer:
        raise ConsumeUnclear(f"the issuer did not say that the action may run, so it did not: {ASK_AGAIN}") from None
    if status != 200:
        raise _refusal(status, answer)
    due_at = _due_at(answer)
    if due_at is None or due_at.timestamp() <= line.clock():
        raise ConsumeUnclear("the issuer's answer is not one that lets an action run: see that `issuer` is the right address")
    return Run(line, permit, consumer, due_at)


def _refusal(status: int, answer: Any) -> Exception:
    code = code_of(answer, "")
    if status == 409:
        return PermitConsumed("the permit was used before: whoever did runs the action; do not run it again")
    if code == "permit_expired":
        return PermitExpired(f"the permit has expired: {ASK_AGAIN}")
    if status in (401, 403):
        return PermitRefused(f"the issuer refuses the action now ({code or status}): do not run it", code or None)
    return ConsumeUnclear(f"the issuer answered {status}, so the action did not run: see that `issuer` is the right address")


def _due_at(answer: Any) -> datetime | None:
    if not (isinstance(answer, dict) and answer.get("status") == "consumed"):
        return None
    text = answer.get("due_at")
    if not (isinstance(text, str) and DUE_AT.fullmatch(text)):
        return None
    try:
        form = "%Y-%m-%dT%H:%M:%S.%fZ" if "." in text else "%Y-%m-%dT%H:%M:%SZ"
        return datetime.strptime(text, form).replace(tzinfo=timezone.utc)
    except ValueError:
        return None


def _is_unclear(error: BaseException, outside: BaseException | None, deep: int = 0) -> bool:
    """Whether the action may have happened: by the error, or by one that it was raised from or while handling."""
    # Nobody listened: nothing was sent.
    named = any(CUT_OFF_NAMES.search(kind.__name__) for kind in type(error).__mro__) and not isinstance(error, ConnectionRefusedError)
    if named or isinstance(error, CUT_OFF) or not isinstance(error, Exception) or CUT_OFF_WORDS.search(str(error)):
        return True
    before = (error.__cause__, None if error.__suppress_context__ else error.__context__)
    inside = (one for one in before if one is not None and one is not outside)
    return deep < CAUSES_MAX and any(_is_unclear(one, outside, deep + 1) for one in inside)


def _untold(outcome: str, why: str) -> str:
    return f"the action ended as {outcome}, which is not recorded ({why}): do not run it again; the issuer will show it as unknown"
