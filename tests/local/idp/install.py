"""Installs the identity provider of the tests below a directory, once for each list of its packages, and says where it lies.

    install.py TARGET → {"program": PATH, "script": PATH}, or null where node or npm is not on the PATH
"""

import json
import sys
from contextlib import redirect_stdout
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from packages import ensure_node, node, script_beside  # noqa: E402
from steps import StackError  # noqa: E402


def installed(target: Path) -> dict | None:
    found = node()
    if found is None:
        return None
    packages = ensure_node(target, "idp", HERE, "the identity provider")
    return {"program": found[0], "script": str(script_beside(packages, HERE / "server.mjs"))}


def main() -> int:
    try:
        # The answer stands alone on standard output; what is said on the way goes to people.
        with redirect_stdout(sys.stderr):
            found = installed(Path(sys.argv[1]).resolve())
    except StackError as error:
        print(error.render(lines=40), file=sys.stderr)
        return 1
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
