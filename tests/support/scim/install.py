"""Installs the SCIM conformance suite below a directory, once for each list of its packages, and says where its command lies.

    install.py TARGET → {"program": PATH}, or null where Python is older than the suite takes
"""

import json
import sys
from contextlib import redirect_stdout
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "local"))

from packages import ensure_venv  # noqa: E402
from steps import StackError  # noqa: E402

LOWEST = (3, 11)


def main() -> int:
    found = None
    try:
        # The answer stands alone on standard output; what is said on the way goes to people.
        with redirect_stdout(sys.stderr):
            if sys.version_info >= LOWEST:
                python = ensure_venv(Path(sys.argv[1]).resolve(), "conformance", HERE / "requirements.txt")
                found = {"program": str(python.with_name("scim2"))}
    except StackError as error:
        print(error.render(lines=40), file=sys.stderr)
        return 1
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
