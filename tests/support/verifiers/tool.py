"""A tool with the Python verifier: reads what it is to do as JSON from standard input, a line each, and prints what came of it.

  {"issuer", "tool", "tenant", "permit", "arguments", "target", "ends": "well" | "badly" | "unclear" | "receipt"}
"""

import json
import sys

from countersign_permit import PermitError, Unclear, Verifier


def main() -> None:
    for line in sys.stdin:
        asked = json.loads(line)
        verifier = Verifier(asked["issuer"], asked["tool"], tenant=asked["tenant"])
        ran = []

        def action(arguments, ends=asked["ends"], ran=ran):
            ran.append(arguments)
            if ends == "badly":
                raise RuntimeError("it was not done")
            if ends == "unclear":
                raise Unclear("nobody knows")
            return "done"

        def with_receipt():
            checked = verifier.check(asked["permit"], asked["arguments"], asked["target"])
            with verifier.consume(checked) as run:
                done = action(asked["arguments"])
                run.executed("0a" * 32)
            return done

        try:
            said = with_receipt() if asked["ends"] == "receipt" else verifier.guard(asked["permit"], asked["arguments"], asked["target"], action)
        except PermitError as refused:
            said = refused.code
        except (RuntimeError, Unclear) as ended:
            said = type(ended).__name__
        print(json.dumps({"said": said, "ran": ran}), flush=True)


main()
