#!/usr/bin/env python3
"""Runs `terraform test` over infra/: what a plan must refuse. Needs no AWS, no emulator and no build."""

import shutil
import sys
import zipfile
from pathlib import Path

from bundle import FUNCTIONS
from packages import locked
from steps import StackError
from terraform import Terraform

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / "target" / "infra-test"


def main() -> int:
    try:
        with locked(ROOT / "target" / "infra-test.lock"):
            shutil.rmtree(HOME, ignore_errors=True)
            packages = HOME / "packages"
            packages.mkdir(parents=True)
            for function in FUNCTIONS:
                zipfile.ZipFile(packages / f"{function}.zip", "w").close()
            # No address that answers: a test that reaches for AWS fails.
            terraform = Terraform(ROOT, HOME, HOME, "http://127.0.0.1:9")
            terraform.init()
            terraform.test(packages)
    except StackError as error:
        print(error.render(lines=60), file=sys.stderr)
        return 1
    print((HOME / "terraform-test.log").read_text().strip().splitlines()[-1])
    return 0


if __name__ == "__main__":
    sys.exit(main())
