"""The vectors that every verifier and the platform read, and what only Python can see."""

import json
import unittest
from pathlib import Path

from countersign_permit import ArgumentsInvalid, canonical, digest, parse_arguments

VECTORS = json.loads((Path(__file__).parents[2] / "vectors.json").read_text())


class Vectors(unittest.TestCase):
    def test_forms_and_digests_are_the_platforms(self) -> None:
        ids = [VECTORS[name] for name in ("tenant_id", "agent_id", "tool")]
        self.assertGreater(len(VECTORS["actions"]), 15)
        for one in VECTORS["actions"]:
            with self.subTest(one["name"]):
                arguments = parse_arguments(one["arguments"])
                self.assertEqual(canonical(*ids, arguments, one["target"]).decode(), one["canonical"])
                self.assertEqual(digest(*ids, arguments, one["target"]), one["sha256"])
                # Written down and read again, by whoever executes it, it is the same action.
                again = json.loads(one["canonical"])["arguments"]
                self.assertEqual(digest(*ids, again, one["target"]), one["sha256"])

    def test_digests_tell_actions_apart(self) -> None:
        digests = [one["sha256"] for one in VECTORS["actions"]]
        self.assertEqual(len(set(digests)), len(digests))

    def test_what_two_languages_would_write_in_two_ways_is_refused(self) -> None:
        refused = VECTORS["refused"] + VECTORS["refused_by_verifiers"]
        self.assertGreater(len(refused), 5)
        for one in refused:
            with self.subTest(one["name"]), self.assertRaises(ArgumentsInvalid):
                parse_arguments(one["arguments"])


class Arguments(unittest.TestCase):
    def test_what_is_no_plain_json_is_refused(self) -> None:
        deep: list = []
        for _ in range(200):
            deep = [deep]
        circle: list = []
        circle.append(circle)

        class Text(str):
            pass

        for bad in [float("nan"), float("inf"), -float("inf"), (1,), {1: 2}, {"a": b"x"}, {"a": {1}}, Text("a"), 10**400,
                    "\ud800", {"\udfff": 1}, deep, circle, object()]:  # fmt: skip
            with self.subTest(type(bad).__name__), self.assertRaises(ArgumentsInvalid):
                canonical("t", "a", "n", bad)
        for bad in [1, b"x", "\ud800", {}]:
            with self.subTest(f"target {type(bad).__name__}"), self.assertRaises(ArgumentsInvalid):
                canonical("t", "a", "n", {}, bad)  # type: ignore[arg-type]

    def test_text_with_two_meanings_or_none_is_refused(self) -> None:
        for bad in ['{"a":1,"a":1}', '{"b":[{"a":1,"\\u0061":2}]}', "[NaN]", "[Infinity]", "-Infinity", "1e999", "[1", "",
                    b'"\xff"', "[" * 100_000, '"\\ud800"', "1" * 5_000, '\ufeff{}']:  # fmt: skip
            with self.subTest(bad[:20]), self.assertRaises(ArgumentsInvalid):
                parse_arguments(bad)

    def test_errors_do_not_carry_the_value(self) -> None:
        for bad in [9007199254740993, "secret-\ud800", {"secret": object()}]:
            with self.assertRaises(ArgumentsInvalid) as raised:
                canonical("t", "a", "n", bad)
            self.assertNotRegex(str(raised.exception), "secret|9007199254740993")


if __name__ == "__main__":
    unittest.main()
