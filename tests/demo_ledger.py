"""The part of the demo's story that is about proof: the tenant's log is exported and verified, and then somebody edits it."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "local"))

import verify as ledger  # noqa: E402

from demo_stack import DemoError  # noqa: E402


# Another digit in the place of each.
OTHER = {b"%d" % digit: b"%d" % (digit % 9 + 1) for digit in range(10)}


def prove(story) -> None:
    story.title(10, "An auditor verifies the log, with no AWS at hand")
    tenant, home = story.seed["tenant_id"], ROOT / "target" / "stack" / story.stack["name"] / "exports" / "demo"
    story.screen.code(
        f"countersign export --tenant {tenant} --out export\n"
        "countersign verify export --trust trust.txt --as-of <now>"
    )
    story.screen.line()
    done = ledger.export_and_verify(story.stack, home, ["--tenant", tenant], quiet=True)
    if not done.stdout:
        raise DemoError(f"the export failed: {done.stderr}")
    show(story, done.stdout)
    story.check("the exported log verifies", done.returncode == 0, f"exit code {done.returncode}")
    edit(story, home)


def edit(story, home: Path) -> None:
    """One digit of one record, as somebody with the files could change it."""
    for bundle in sorted((home / "export" / "locked").rglob("bundle/*")):
        kept = bundle.read_bytes()
        changed = re.sub(rb'"input_tokens":(\d)', lambda found: found[0][:-1] + OTHER[found[1]], kept, count=1)
        if changed != kept:
            bundle.write_bytes(changed)
            break
    story.screen.note("One digit of one record's token count is changed in the exported files; verified again:")
    story.screen.line()
    done = ledger.verify_again(story.stack, home)
    show(story, done.stdout[done.stdout.find("code") :])
    found = next((line.split()[1] for line in done.stdout.splitlines() if "root_mismatch" in line), "nothing")
    story.check("the changed log does not", done.returncode >= 10 and found == "root_mismatch", found)


def show(story, text: str) -> None:
    for line in text.strip().splitlines():
        story.screen.line("    " + line[: story.screen.width - 4])
    story.screen.line()
