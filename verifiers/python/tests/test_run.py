"""Consumption, outcomes and the guard: the action runs after a clear yes and never else."""

import asyncio
import http.client
import logging
import unittest
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from countersign_permit import ConsumeUnclear, OutcomeNotTold, PermitConsumed, PermitError, PermitExpired, PermitRefused, Unclear, Verifier

from .issuer import ARGUMENTS, TARGET, TENANT, TOOL, Issuer

YES = {"status": "consumed", "due_at": "2999-01-01T00:00:00.000Z"}

# What the issuer answers to a consumption, what is raised. `lose`: it is consumed, and the answer is lost.
UNCLEAR = {
    "rubbish": ([(200, b"<html>welcome to the hotel</html>")], ConsumeUnclear),
    "nothing": ([(200, b"")], ConsumeUnclear),
    "another object": ([(200, {})], ConsumeUnclear),
    "a list": ([(200, [YES])], ConsumeUnclear),
    "a yes without a time": ([(200, {"status": "consumed"})], ConsumeUnclear),
    "a yes with a time that is none": ([(200, {**YES, "due_at": "2999-13-01T00:00:00Z"})], ConsumeUnclear),
    "a yes that is over": ([(200, {**YES, "due_at": "2001-01-01T00:00:00.000Z"})], ConsumeUnclear),
    "pending": ([(200, {**YES, "status": "pending"})], ConsumeUnclear),
    "201": ([(201, YES)], ConsumeUnclear),
    "204": ([(204, b"")], ConsumeUnclear),
    "a redirect": ([(302, YES)], ConsumeUnclear),
    "400": ([(400, YES)], ConsumeUnclear),
    "404": ([(404, {"code": "not_found"})], ConsumeUnclear),
    "too much": ([(200, b'{"status":"consumed","due_at":"2999-01-01T00:00:00Z","x":"' + b"x" * 70_000 + b'"}')], ConsumeUnclear),
    "500 for ever": ([(500, YES)] * 3, ConsumeUnclear),
    "429 for ever": ([(429, YES)] * 3, ConsumeUnclear),
    "no connection for ever": (["drop"] * 3, ConsumeUnclear),
    "taken, and every answer lost": (["lose"] * 3, ConsumeUnclear),
    "taken by another": ([(409, {"code": "permit_consumed"})], PermitConsumed),
    "expired": ([(401, {"code": "permit_expired"})], PermitExpired),
    "forged": ([(401, {"code": "permit_invalid"})], PermitRefused),
    "cancelled": ([(403, {"code": "approval_cancelled"})], PermitRefused),
    "refused without a word": ([(403, b"")], PermitRefused),
    "refused with many": ([(403, {"code": "DE89\r\nsecret" * 99})], PermitRefused),
}


class Case(unittest.TestCase):
    def setUp(self) -> None:
        self.issuer = Issuer()
        self.addCleanup(self.issuer.close)
        self.verifier = Verifier(self.issuer.url, TOOL, tenant=TENANT, jwks=self.issuer.jwks(), timeout=5, pause=0)
        self.ran: list[Any] = []

    def action(self, arguments: Any) -> str:
        self.ran.append(arguments)
        return "receipt"

    def guard(self, action: Any = None, permit: str | None = None) -> Any:
        return self.verifier.guard(permit or self.issuer.permit(), dict(ARGUMENTS), TARGET, action or self.action)

    def told(self) -> list[str]:
        return list(self.issuer.outcomes.values())


class Consume(Case):
    def test_only_a_clear_yes_lets_an_action_run(self) -> None:
        for name, (plan, error) in UNCLEAR.items():
            with self.subTest(name):
                self.issuer.plan = list(plan)
                with self.assertRaises(error) as raised:
                    self.guard()
                self.assertIs(type(raised.exception), error)
                self.assertNotRegex(str(raised.exception), "secret|DE89|eyJ")
                self.assertEqual((self.ran, self.told(), self.issuer.plan), ([], [], []))

    def test_a_lost_answer_is_asked_for_again_with_the_same_secret(self) -> None:
        for plan in [["lose"], ["drop", "lose"], [(503, {}), (500, {})], ["lose", (429, {})]]:
            with self.subTest(plan):
                self.issuer.plan, self.issuer.asked = list(plan), []
                self.assertEqual(self.guard(), "receipt")
                consumers = {body["consumer"] for path, _, body in self.issuer.asked if path.endswith("consume")}
                self.assertEqual((len(consumers), self.issuer.count("consume")), (1, len(plan) + 1))
                self.assertRegex(consumers.pop(), r"^[A-Za-z0-9_-]{43}$")

    def test_an_issuer_that_is_silent_or_not_there_lets_nothing_run(self) -> None:
        silent = Verifier(self.issuer.url, TOOL, jwks=self.issuer.jwks(), timeout=0.05, attempts=2, pause=0)
        self.issuer.plan = ["hang", "hang"]
        self.assertRaises(ConsumeUnclear, silent.guard, self.issuer.permit(), ARGUMENTS, TARGET, self.action)
        self.issuer.close()
        self.assertRaises(ConsumeUnclear, self.guard)
        self.assertEqual((self.ran, self.issuer.count("consume")), ([], 2))

    def test_of_many_at_once_one_runs_it(self) -> None:
        permit = self.issuer.permit()

        def one(_: int) -> bool:
            try:
                return self.guard(permit=permit) == "receipt"
            except PermitConsumed:
                return False

        with ThreadPoolExecutor(8) as pool:
            self.assertEqual(sum(pool.map(one, range(20))), 1)
        self.assertEqual(len(self.ran), 1)

    def test_each_consumption_has_a_secret_of_its_own(self) -> None:
        permit = self.issuer.permit()
        self.assertEqual(self.guard(permit=permit), "receipt")
        with self.assertRaises(PermitConsumed):
            self.guard(permit=permit)
        with self.assertRaises(PermitConsumed):
            Verifier(self.issuer.url, TOOL, jwks=self.issuer.jwks()).guard(permit, ARGUMENTS, TARGET, self.action)
        self.assertEqual(len(self.ran), 1)

    def test_the_permit_goes_to_the_issuer_alone(self) -> None:
        elsewhere = Issuer()
        self.addCleanup(elsewhere.close)
        for status in (301, 302, 303, 307, 308):
            self.issuer.plan = [(status, {}, {"location": f"{elsewhere.url}/v1/permits/prm_0000000000000000/consume"})]
            self.assertRaises(ConsumeUnclear, self.guard)
        self.assertEqual(elsewhere.asked, [])
        permit = self.issuer.permit()
        self.guard(permit=permit)
        self.assertEqual(self.issuer.asked[-1][1], f"Bearer {permit}")

    def test_nobody_consumes_what_was_not_checked(self) -> None:
        for bad in [self.issuer.permit(), None, {"id": "prm_0000000000000000"}]:
            self.assertRaises(TypeError, self.verifier.consume, bad)
        self.assertEqual(self.issuer.asked, [])

    def test_a_refused_permit_is_not_consumed(self) -> None:
        with self.assertRaises(PermitError):
            self.verifier.guard(self.issuer.permit(), {"amount": 1}, TARGET, self.action)
        self.assertEqual((self.ran, self.issuer.asked), ([], []))


class Outcome(Case):
    def test_an_action_that_ends_well_is_executed(self) -> None:
        self.assertEqual(self.guard(), "receipt")
        self.assertEqual((self.told(), self.ran), (["executed"], [ARGUMENTS]))

    def test_an_action_that_raises_is_failed(self) -> None:
        def fails(_: Any) -> None:
            raise RuntimeError("no such account")

        with self.assertRaisesRegex(RuntimeError, "no such account"):
            self.guard(fails)
        self.assertEqual(self.told(), ["failed"])

    def test_an_error_of_the_actions_own_is_a_word(self) -> None:
        """Whatever its name has in it, and whatever was handled before it began."""
        class BusinessLogicError(Exception):
            pass

        class AccountClosedError(Exception):
            pass

        class ThreadError(Exception):
            pass

        class UnsupportedNetworkProtocolError(Exception):
            pass

        def fails(_: Any) -> None:
            raise error

        for kind in [BusinessLogicError, AccountClosedError, ThreadError, UnsupportedNetworkProtocolError, ProcessLookupError]:
            error = kind("the account is closed")
            self.assertRaises(kind, self.guard, fails)
            self.assertEqual(self.told(), ["failed"], kind)
            self.issuer.outcomes.clear()
        try:
            raise TimeoutError
        except TimeoutError:
            error = BusinessLogicError()
            self.assertRaises(BusinessLogicError, self.guard, fails)
        self.assertEqual(self.told(), ["failed"])

    def test_where_nobody_listened_nothing_was_done(self) -> None:
        def refused(_: Any) -> None:
            raise ConnectionRefusedError

        self.assertRaises(ConnectionRefusedError, self.guard, refused)
        self.assertEqual(self.told(), ["failed"])

    def test_of_an_end_that_nobody_knows_nothing_is_told(self) -> None:
        class ReadTimeout(Exception):
            """As clients of HTTP have it."""

        class ConnectionError(OSError):
            """As `requests` has it: another than the builtin one."""

        class RemoteProtocolError(Exception):
            """As `httpx` has it."""

        wrapped, handled = ValueError("the bank did not answer"), ValueError("no such field")
        wrapped.__cause__, handled.__context__ = RemoteProtocolError(), ValueError("in between")
        handled.__context__.__context__ = TimeoutError()
        for error in [TimeoutError(), asyncio.TimeoutError(), Unclear(), ReadTimeout(), ConnectionResetError(), KeyboardInterrupt(),
                      SystemExit(0), asyncio.CancelledError(), GeneratorExit(), ConnectionError(), RemoteProtocolError(),
                      http.client.IncompleteRead(b""), http.client.RemoteDisconnected(), EOFError(), wrapped, handled,
                      RuntimeError("server closed the connection unexpectedly")]:  # fmt: skip
            def ends(_: Any, error: BaseException = error) -> None:
                raise error

            with self.subTest(type(error).__name__), self.assertRaises(type(error)):
                self.guard(ends)
            self.assertEqual((self.told(), self.issuer.count("outcome")), ([], 0))

    def test_what_is_executed_is_what_was_checked(self) -> None:
        """A caller that changes its arguments while the issuer is asked changes nothing."""
        mine = {"to": "A", "lines": [1]}
        permit = self.issuer.permit(self.issuer.claims(mine, None))
        ask = self.verifier._line.ask

        def change(*asked: Any) -> Any:
            mine["to"], mine["lines"][0] = "B", 2
            return ask(*asked)

        self.verifier._line.ask = change  # type: ignore[method-assign]
        self.verifier.guard(permit, mine, None, self.action)
        self.assertEqual(self.ran, [{"to": "A", "lines": [1]}])

    def test_an_outcome_that_is_not_taken_does_not_undo_the_action(self) -> None:
        for plan in [["drop"] * 3, [(409, {"code": "outcome_told"})], [(200, b"")]]:
            self.issuer.plan = [(200, YES), *plan]
            with self.subTest(plan):
                if plan == [(200, b"")]:
                    self.assertEqual(self.guard(), "receipt")
                    continue
                with self.assertLogs("countersign_permit", logging.WARNING) as logged:
                    self.assertEqual(self.guard(), "receipt")
                self.assertRegex(logged.output[0], "prm_.*do not run it again")
                self.assertNotRegex(logged.output[0], "DE89|eyJ")

    def test_after_a_lost_answer_nothing_else_is_told(self) -> None:
        run = self.verifier.consume(self.verifier.check(self.issuer.permit(), ARGUMENTS, TARGET))
        self.issuer.plan = ["drop"] * 3
        with self.assertRaises(OutcomeNotTold), run:
            run.executed()
        self.assertEqual(self.told(), [])
        self.assertRaises(ValueError, run.failed)
        run.executed("0a" * 32)
        self.assertEqual((self.told(), self.issuer.asked[-1][2]["detail_sha256"]), (["executed"], "0a" * 32))
        self.assertRaises(ValueError, run.executed, "receipt")
        self.assertNotIn("consumer", repr(run))

    def test_as_a_context_manager_it_reports_once(self) -> None:
        checked = self.verifier.check(self.issuer.permit(), ARGUMENTS, TARGET)
        with self.verifier.consume(checked) as run:
            run.failed()
        self.assertEqual((self.told(), self.issuer.count("outcome")), (["failed"], 1))


class Asynchronous(Case):
    def guard_async(self, action: Any) -> Any:
        return asyncio.run(self.verifier.guard_async(self.issuer.permit(), ARGUMENTS, TARGET, action))

    def test_it_reports_as_the_other_does(self) -> None:
        async def well(arguments: Any) -> str:
            return self.action(arguments)

        async def fails(_: Any) -> None:
            raise RuntimeError

        async def late(_: Any) -> None:
            await asyncio.wait_for(asyncio.sleep(9), 0.01)

        self.assertEqual(self.guard_async(well), "receipt")
        self.assertEqual((self.told(), self.ran), (["executed"], [ARGUMENTS]))
        self.assertRaises(RuntimeError, self.guard_async, fails)
        self.assertEqual(self.told(), ["executed", "failed"])
        self.assertRaises(asyncio.TimeoutError, self.guard_async, late)
        self.assertEqual(self.told(), ["executed", "failed"])

    def test_an_action_that_nobody_awaits_is_not_executed(self) -> None:
        async def well(arguments: Any) -> str:
            return self.action(arguments)

        self.assertRaises(TypeError, self.guard, well)
        self.assertEqual(self.issuer.asked, [])
        self.assertRaises(Unclear, self.guard, lambda arguments: well(arguments))
        self.assertEqual((self.ran, self.told()), ([], []))


if __name__ == "__main__":
    unittest.main()
