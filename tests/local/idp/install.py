"""Installs the identity provider of the tests below a directory, once for each list of its packages, and says where it lies.

    install.py TARGET → {"program": PATH, "script": PATH}, or null where node or npm is not on the PATH
"""

import hashlib
import json
import shutil
import sys
from contextlib import redirect_stdout
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from packages import locked  # noqa: E402
from processes import run  # noqa: E402
from steps import StackError  # noqa: E402


def installed(target: Path) -> dict | None:
    program, npm = shutil.which("node"), shutil.which("npm")
    if not (program and npm):
        return None
    lists, script = [HERE / "package.json", HERE / "package-lock.json"], HERE / "server.mjs"
    wanted = target / f"node-{_fingerprint(lists)}"
    with locked(target / "idp.lock"):
        if not (wanted / "complete").exists():
            shutil.rmtree(wanted, ignore_errors=True)
            wanted.mkdir(parents=True)
            for file in lists:
                shutil.copy2(file, wanted)
            log = target / "install.log"
            log.write_text("")
            command = [npm, "ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund"]
            run(command, log, "installing the identity provider", cwd=wanted)
            (wanted / "complete").touch()
        # A script finds packages that lie above it.
        copied = wanted / f"server-{_fingerprint([script])}.mjs"
        if not copied.exists():
            shutil.copy2(script, copied)
    return {"program": program, "script": str(copied)}


def _fingerprint(files: list[Path]) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


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
