"""The verifier of one tool: checks permits offline, consumes them, and runs what they allow."""

import asyncio
import hmac
import inspect
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from .action import digest, snapshot
from .errors import ASK_AGAIN, ActionMismatch, Unclear
from .http import refuse_untrustworthy
from .keys import Keys
from .permit import TENANT_ID, TOOL, Permit, check_times, for_another, read
from .run import Line, Run, consume

LEEWAY_MAX = 5
ATTEMPTS_MAX = 10

T = TypeVar("T")


class Verifier:
    """Verifies for one tool. Make one and keep it: it holds the issuer's keys. Threads may share it.

    issuer: the URL of the function `actions`, without a slash at its end, as `iss` has it.
    tool: this tool's name, as gates and agents write it.
    tenant: the only tenant whose permits are taken; None where the tool serves several and tells them apart itself.
    jwks: the issuer's public keys as a mapping, or their address; `{issuer}/v1/permits/jwks.json` by default.
    leeway: seconds by which clocks may differ, 5 at most.
    timeout, attempts, pause: seconds for a request, tries, and seconds before the second try, which then double.
    """

    def __init__(
        self,
        issuer: str,
        tool: str,
        *,
        tenant: str | None = None,
        jwks: Mapping[str, Any] | str | None = None,
        leeway: float = LEEWAY_MAX,
        timeout: float = 5,
        attempts: int = 3,
        pause: float = 0.2,
        clock: Callable[[], float] = time.time,
    ):
        refuse_untrustworthy(issuer, "issuer")
        if issuer.endswith("/") or not TOOL.fullmatch(tool) or not (tenant is None or TENANT_ID.fullmatch(tenant)):
            raise ValueError("issuer has no slash at its end; tool is a name such as payments.send; tenant is ten_...")
        if not (0 <= leeway <= LEEWAY_MAX and 1 <= attempts <= ATTEMPTS_MAX and timeout > 0 and pause >= 0):
            raise ValueError(f"leeway is 0 to {LEEWAY_MAX}, attempts 1 to {ATTEMPTS_MAX}, timeout and pause are seconds")
        self._issuer, self._tool, self._tenant, self._leeway, self._clock = issuer, tool, tenant, leeway, clock
        self._keys = Keys(f"{issuer}/v1/permits/jwks.json" if jwks is None else jwks, timeout)
        self._line = Line(issuer, timeout, attempts, pause, clock)

    def check(self, permit: str, arguments: Any, target: str | None = None) -> Permit:
        """Whether this permit is for exactly this action, now. Raises a `PermitError`; asks nobody but for unknown keys.

        `arguments` and `target` are what is about to be executed, not what the agent says that it asked for. A permit
        that was used before passes: that is `consume`'s to say.
        """
        found = read(permit, self._keys)
        if found.issuer != self._issuer:
            raise for_another("issuer")
        if found.tool != self._tool:
            raise for_another("tool")
        if self._tenant not in (None, found.tenant_id):
            raise for_another("tenant")
        check_times(found, self._clock(), self._leeway)
        wanted = digest(found.tenant_id, found.agent_id, self._tool, arguments, target)
        if not hmac.compare_digest(wanted, found.action_sha256):
            raise ActionMismatch(f"what is about to be executed is not what was permitted: {ASK_AGAIN}")
        return found

    def consume(self, permit: Permit) -> Run:
        """Takes a checked permit, once for all: without an error, the action is to be run now. Raises a `PermitError`."""
        if not isinstance(permit, Permit):
            raise TypeError("consume takes what check returned")
        return consume(self._line, permit)

    def guard(self, permit: str, arguments: Any, target: str | None, action: Callable[[Any], T]) -> T:
        """Checks, consumes, runs `action` with a copy of the arguments that were checked, and reports how it ended."""
        if inspect.iscoroutinefunction(action):
            raise TypeError("the action is asynchronous: use guard_async")
        kept = snapshot(arguments)
        with self.consume(self.check(permit, kept, target)):
            return _done(action(kept))

    async def guard_async(self, permit: str, arguments: Any, target: str | None, action: Callable[[Any], Awaitable[T]]) -> T:
        """As `guard`, for an asynchronous action."""
        kept = snapshot(arguments)
        run = await asyncio.to_thread(lambda: self.consume(self.check(permit, kept, target)))
        try:
            result = await action(kept)
        except BaseException as error:
            await asyncio.to_thread(run.ended, error)
            raise
        await asyncio.to_thread(run.ended, None)
        return result


def _done(result: T) -> T:
    if inspect.isawaitable(result):
        if inspect.iscoroutine(result):
            result.close()
        raise Unclear("the action returned something to await, so nobody knows whether it is done: use guard_async")
    return result
