"""Installs schemathesis below a directory, once for each list of its packages, and prints the path of its command.

    install.py TARGET
"""

import sys
from contextlib import redirect_stdout
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "local"))

from packages import ensure_venv  # noqa: E402
from steps import StackError  # noqa: E402


def main() -> int:
    try:
        # The answer stands alone on standard output; what is said on the way goes to people.
        with redirect_stdout(sys.stderr):
            python = ensure_venv(Path(sys.argv[1]).resolve(), "schemathesis", HERE / "requirements.txt")
    except StackError as error:
        print(error.render(lines=40), file=sys.stderr)
        return 1
    print(python.parent / "schemathesis")
    return 0


if __name__ == "__main__":
    sys.exit(main())
