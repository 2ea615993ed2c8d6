#!/usr/bin/env python3
"""Proves what the rendered IAM policies say about keys: who may use KMS for which purpose, and never across regions;
who signs with which key, and who reaches which rows.

The emulator does not read the condition keys, so the stack runs without them. Here the policies are planned with them,
over the applied stack, and evaluated by an IAM simulator. The result is `infra/key_purposes.txt`, a reviewed snapshot:
CS_BLESS=1 rewrites it. Whatever is allowed in another region, without a context or for another product fails always.
"""

import argparse
import difflib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from packages import locked
from processes import run
from steps import StackError
from terraform import Terraform

ROOT = Path(__file__).resolve().parents[2]
SNAPSHOT = ROOT / "infra" / "key_purposes.txt"
SIMULATOR = ROOT / "tests" / "support" / "iam"
REGIONS = ("il", "eu", "us")
OURS = "eu"  # the region of the local stage
TENANT = "ten_0410410410410410"
CANARY = "ten_0000000000000001"  # `domain`, TenantId::canary

OPEN = ("kms:Decrypt",)
MAKE = ("kms:GenerateDataKeyWithoutPlaintext",)
NEVER = ("kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:CreateGrant")
# Whoever may do these takes the key away or makes its policy anew. No context limits them.
MANAGE = ("kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:DisableKey")
SIGN, ED25519, OTHER_ALGORITHM = "kms:Sign", "ED25519_SHA_512", "ED25519_PH_SHA_512"
# Of keys that are not Ed25519: the algorithm that they sign by. For every other key it is another one, and theirs is for them.
ALGORITHMS = {"permit": "ECDSA_SHA_256"}
ROWS = (
    *("GetItem", "BatchGetItem", "Query", "Scan", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"),
    *("PartiQLSelect", "PartiQLInsert", "PartiQLUpdate", "PartiQLDelete", "ConditionCheckItem"),
)
TABLES = ("DeleteTable", "UpdateTable", "PutResourcePolicy", "ExportTableToPointInTime", "CreateBackup")

# What is evaluated. Whatever else of these services the plan holds could grant more, and fails until it is read.
SERVICES = ("aws_iam_", "aws_kms_", "aws_dynamodb_")
READ = {"aws_iam_role", "aws_iam_role_policy", "aws_kms_key", "aws_kms_alias", "aws_dynamodb_table", "aws_dynamodb_table_item"}
# CloudFormation makes what the provider cannot. Of these, only keys are evaluated; the permission concerns a function.
STACKED = {"AWS::KMS::Key", "AWS::Lambda::Permission"}
SIGNING_STACK = "aws_cloudformation_stack.signing"
SIGNING_TEMPLATE = "signing_template"
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}

# The simulator knows variable keys with a slash only, and would drop these. Renamed in policies and requests alike they
# mean the same: a text that is compared. No policy here uses tags of principals, which is checked.
ENCRYPTION_CONTEXT = "kms:EncryptionContext:"
STANDS_FOR = "aws:PrincipalTag/context-"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", required=True, help="a stack that is up")
    if not (shutil.which("node") and shutil.which("npm")):
        # Said, and not taken for a pass by whoever reads it.
        print("policies of keys: NOT RUN (the IAM simulator needs node and npm)")
        return 0
    try:
        world = World(planned(parser.parse_args().name))
        table = render(world)
    except StackError as error:
        print(error.render(lines=40), file=sys.stderr)
        return 1
    if os.environ.get("CS_BLESS"):
        SNAPSHOT.write_text(table)
    kept = SNAPSHOT.read_text() if SNAPSHOT.exists() else ""
    if kept != table:
        lines = difflib.unified_diff(kept.splitlines(), table.splitlines(), "reviewed", "rendered", lineterm="")
        print("\n".join(lines))
        print(f"{SNAPSHOT.name} differs: review it with CS_BLESS=1 and git diff", file=sys.stderr)
        return 1
    print(f"{SNAPSHOT.name} holds: {len(world.roles)} roles, {world.simulated} requests simulated")
    return 0


def planned(name: str) -> dict:
    """The stack's plan with every condition, in a copy of its working directory: nothing of the stack is changed."""
    stack = ROOT / "target" / "stack" / name
    if not (stack / "stack.json").exists():
        raise StackError(f"there is no stack `{name}`: run tests/local/stack.py up --name {name}")
    home = ROOT / "target" / "stack" / f"{name}-policies"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    shutil.copy2(stack / "terraform.tfstate", home / "terraform.tfstate")
    variables = json.loads((stack / "terraform" / "terraform.tfvars.json").read_text())
    endpoint = json.loads((stack / "stack.json").read_text())["endpoint"]
    terraform = Terraform(ROOT, home, home, endpoint)
    terraform.init()
    region = home / "terraform" / "modules" / "region"
    (region / "policies_override.tf.json").write_text(json.dumps(standing_still()))
    (region / "policies_shown.tf.json").write_text(json.dumps(shown()))
    plan = terraform.plan({**variables, "drop_conditions": False})
    # A copy of the state is not left behind.
    shutil.rmtree(home, ignore_errors=True)
    return plan


def standing_still() -> dict:
    """What the policies name is taken as it stands: a document that depends on a pending change is not rendered."""
    still = {"lifecycle": {"ignore_changes": "all"}}
    return {
        "resource": {
            "aws_dynamodb_table": {name: still for name in ("this", "apart")},
            "aws_cloudformation_stack": {"signing": still},
            "aws_kms_key": {"root": still},
            "aws_sqs_queue": {name: still for name in ("audit", "audit_dead_letters", "work", "work_dead_letters")},
        }
    }


def shown() -> dict:
    """The template that the signing keys are given, as an output: the stack that gets it stands still."""
    return {"output": {SIGNING_TEMPLATE: {"value": "${local.signing_template}"}}}


def resources(module: dict) -> list[dict]:
    found = list(module.get("resources", []))
    for child in module.get("child_modules", []):
        found += resources(child)
    return found


def refuse_unread(found: list[dict], configuration: dict) -> None:
    """Fails on what could allow more than the policies that are read here."""
    made = [one for one in found if one["mode"] == "managed"]
    unread = [one["address"] for one in made if one["type"].startswith(SERVICES) and one["type"] not in READ]
    # After an apply the provider lists every policy of a role as its inline ones: only the configuration tells.
    unread += [
        f"{one['address']}.{field}"
        for one in configured(configuration)
        for field in ("inline_policy", "managed_policy_arns")
        if one["type"] == "aws_iam_role" and field in one.get("expressions", {})
    ]
    if unread:
        raise StackError(f"these may grant access and are not read: {unread}; teach {Path(__file__).name} to read them")
    for one in made:
        if one["type"] == "aws_cloudformation_stack":
            types = {part["Type"] for part in json.loads(known(one, "template_body"))["Resources"].values()}
            if not types <= STACKED or ("AWS::KMS::Key" in types and not one["address"].endswith(SIGNING_STACK)):
                raise StackError(f"{one['address']} makes {sorted(types)}; teach {Path(__file__).name} to read them")
    if sum(one["type"] == "aws_kms_key" for one in made) != 1:
        raise StackError(f"there is not exactly one KMS key in the plan; teach {Path(__file__).name}")


def configured(module: dict) -> list[dict]:
    found = list(module.get("resources", []))
    for call in module.get("module_calls", {}).values():
        found += configured(call["module"])
    return found


class World:
    """Roles, their policies, the key and the tables, as the plan has them."""

    def __init__(self, plan: dict):
        found = resources(plan["planned_values"]["root_module"])
        refuse_unread(found, plan["configuration"]["root_module"])
        self.simulated = 0
        self.roles = sorted(one["values"]["name"] for one in found if one["type"] == "aws_iam_role")
        self.policies: dict[str, list[dict]] = {role: [] for role in self.roles}
        for one in found:
            if one["type"] == "aws_iam_role_policy":
                role = known(one, "role")
                self.policies[role].append(renamed(json.loads(known(one, "policy"))))
        self.key = known(next(one for one in found if one["type"] == "aws_kms_key"), "arn")
        self.key_policy = renamed(json.loads(key_policy(plan)))
        self.account = self.key.split(":")[4]
        self.tables = {
            one.get("index", one["name"]): known(one, "arn") for one in found if one["type"] == "aws_dynamodb_table"
        }
        self.signing = signing_keys(plan, found)
        none = [role for role, policies in self.policies.items() if not policies]
        if none:
            raise StackError(f"roles without a policy in the plan: {none}")

    def ask(self, requests: list[dict]) -> list[bool]:
        """Whether each of the requests is allowed."""
        self.simulated += len(requests)
        given = {"account": self.account, "requests": requests}
        done = subprocess.run([*simulator()], input=json.dumps(given), capture_output=True, text=True)
        if done.returncode != 0:
            raise StackError(f"the IAM simulator failed: {done.stderr.strip()[-600:]}")
        return [result == "Allowed" for result in json.loads(done.stdout)]

    def request(self, role: str, action: str, resource: str, context: dict) -> dict:
        return {
            "principal": f"arn:aws:sts::{self.account}:assumed-role/{role}/session",
            "action": action,
            "resource": resource,
            "context": {"aws:PrincipalArn": f"arn:aws:iam::{self.account}:role/{role}", **context},
            "identity": self.policies.get(role, []),
        }

    def kms(self, role: str, action: str, context: dict[str, str]) -> dict:
        named = {STANDS_FOR + name: value for name, value in context.items()}
        return {**self.request(role, action, self.key, named), "resourcePolicy": self.key_policy}

    def signing_kms(self, role: str, action: str, key: str, algorithm: str = "") -> dict:
        arn, policy = self.signing[key]
        named = {"kms:SigningAlgorithm": algorithm} if algorithm else {}
        return {**self.request(role, action, arn, named), "resourcePolicy": policy}


def key_policy(plan: dict) -> str:
    """The document that the key is given. The key itself stands still, so the configuration must say that it is this one."""
    region = plan["configuration"]["root_module"]["module_calls"]["region"]["module"]["resources"]
    key = next(one for one in region if one["address"] == "aws_kms_key.root")
    if "data.aws_iam_policy_document.key.json" not in key["expressions"]["policy"]["references"]:
        raise StackError("the KMS key takes its policy from somewhere else than data.aws_iam_policy_document.key")
    read = resources(plan["prior_state"]["values"]["root_module"])
    documents = [one for one in read if one["address"].endswith("data.aws_iam_policy_document.key")]
    if not documents:
        raise StackError("the KMS key's policy depends on what is not applied yet; apply the stack and run this again")
    return known(documents[0], "json")


def signing_keys(plan: dict, found: list[dict]) -> dict[str, tuple[str, dict]]:
    """Each signing key's ARN and its policy, the latter from the template that the configuration gives the stack."""
    region = plan["configuration"]["root_module"]["module_calls"]["region"]["module"]["resources"]
    stack = next(one for one in region if one["address"] == SIGNING_STACK)
    if stack["expressions"]["template_body"].get("references") != ["local.signing_template"]:
        raise StackError("the signing keys take their policies from somewhere else than local.signing_template")
    template = plan["planned_values"]["outputs"]["region"].get("value", {}).get(SIGNING_TEMPLATE)
    if not template:
        raise StackError("the signing keys' template is not known in the plan, so nothing is proven about them")
    outputs = known(next(one for one in found if one["address"].endswith(SIGNING_STACK)), "outputs")
    made = json.loads(template)["Resources"]
    return {name.lower(): (outputs[f"{name}Arn"], key["Properties"]["KeyPolicy"]) for name, key in made.items()}


def known(one: dict, field: str):
    value = one["values"].get(field)
    if value is None:
        raise StackError(f"{one['address']}: `{field}` is not known in the plan, so nothing is proven about it")
    return value


def renamed(policy: dict) -> dict:
    text = json.dumps(policy)
    if "aws:PrincipalTag" in text:
        raise StackError("a policy uses aws:PrincipalTag, which stands for the encryption context here")
    return json.loads(text.replace(ENCRYPTION_CONTEXT, STANDS_FOR))


def simulator() -> list[str]:
    node, npm = shutil.which("node"), shutil.which("npm")
    home = ROOT / "target" / "iam-simulator"
    lock = SIMULATOR / "package-lock.json"
    with locked(home.with_suffix(".lock")):
        if not (home / "complete").exists() or (home / lock.name).read_bytes() != lock.read_bytes():
            shutil.rmtree(home, ignore_errors=True)
            home.mkdir(parents=True)
            for file in ("package.json", lock.name):
                shutil.copy2(SIMULATOR / file, home)
            log = home / "install.log"
            log.write_text("")
            run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], log, "installing the IAM simulator", cwd=home)
            (home / "complete").touch()
    shutil.copy2(SIMULATOR / "simulate.mjs", home)
    return [node, str(home / "simulate.mjs")]


def purposes() -> list[str]:
    """The purposes as the code has them."""
    text = (ROOT / "shared" / "envelope" / "src" / "purpose.rs").read_text()
    found = re.findall(r'Self::\w+ => "(\w+)"', text)
    if len(found) < 3:
        raise StackError("no purposes found in purpose.rs")
    return found


def render(world: World) -> str:
    return (
        "# Who may use the region's keys for what: the rendered policies, evaluated. Written by tests/local/key_policies.py.\n"
        f"\n## KMS, in the stack's own region\n{kms_table(world)}\n{elsewhere(world)}\n"
        f"\n## Signing keys\n{signing_table(world)}\n{signers(world)}\n"
        f"\n## DynamoDB\n{rows_table(world)}\n"
    )


def context(purpose: str, **other: str) -> dict[str, str]:
    given = {"app": "countersign", "tenant": TENANT, "region": OURS, "purpose": purpose, "version": "1"}
    return {**given, **other}


def short(world: World, role: str) -> str:
    return role.removeprefix(os.path.commonprefix(world.roles))


def kms_table(world: World) -> str:
    kinds, wanted = {"open": OPEN, "make": MAKE, "OTHER": NEVER}, []
    # One role opens what is the canary's, and nothing of any other tenant's.
    whose = [(role, "", TENANT) for role in world.roles]
    whose += [(role, " (canary)", CANARY) for role in world.roles if short(world, role) == "health"]
    for role, of, tenant in whose:
        for purpose in purposes():
            for kind, actions in kinds.items():
                asked = context(purpose, tenant=tenant)
                wanted += [(role + of, purpose, kind, world.kms(role, action, asked)) for action in actions]
            manage = [world.kms(role, action, {}) for action in MANAGE]
            wanted += [(role + of, purpose, "MANAGE", one) for one in manage]
    cells: dict[tuple, list[str]] = {}
    for (role, purpose, kind, _), allowed in zip(wanted, world.ask([one[3] for one in wanted]), strict=True):
        cell = cells.setdefault((role, purpose), [])
        if allowed and kind not in cell:
            cell.append(kind)
    rows = [["role", *purposes()]]
    names = [role + of for role, of, _ in whose]
    rows += [[short(world, name), *(" ".join(cells[name, one]) or "-" for one in purposes())] for name in sorted(names)]
    return columns(rows)


def elsewhere(world: World) -> str:
    """What no role may ever do, whatever the snapshot says."""
    contexts = [
        context(one, region=region, tenant=tenant)
        for one in purposes()
        for region in REGIONS
        for tenant in (TENANT, CANARY)
        if region != OURS
    ]
    contexts += [context(one, app="other") for one in purposes()]
    contexts += [{}, {"app": "countersign", "region": OURS}, context("unknown")]
    contexts += [
        {name: value for name, value in context(one).items() if name != missing}
        for one in purposes()
        for missing in ("app", "region")
    ]
    wanted = [
        (role, action, given, world.kms(role, action, given))
        for role in world.roles
        for action in (*OPEN, *NEVER, *MAKE)
        for given in contexts
    ]
    allowed = [one[:3] for one, yes in zip(wanted, world.ask([one[3] for one in wanted]), strict=True) if yes]
    if allowed:
        raise StackError(f"allowed across regions, purposes or products: {allowed[:5]}")
    return (
        f"# {len(wanted)} requests with another region, another product, no context or an unknown purpose, or without\n"
        f"# region, product or purpose: none allowed.\n{key_alone(world)}"
    )


def key_alone(world: World) -> str:
    """Whom the key's own policy lets through once IAM allows everything: purposes rest on IAM alone for these."""
    through = []
    for role in ("administrator", *world.roles):
        asked = [world.kms(role, action, context(one)) for action in (*OPEN, *NEVER, *MAKE) for one in purposes()]
        if any(world.ask([{**one, "identity": [EVERYTHING]} for one in asked])):
            through.append(role)
    if "administrator" in through:
        raise StackError("an administrator of the account may use the key: its own policy must deny that")
    named = ", ".join(short(world, role) for role in through) or "nobody"
    return f"# Whatever IAM allows, the key's own policy stops an administrator and every role but: {named}."


def algorithm_of(key: str) -> str:
    return ALGORITHMS.get(key, ED25519)


def signing_table(world: World) -> str:
    kinds = {"sign": (SIGN,), "public": ("kms:GetPublicKey",), "MANAGE": (*MANAGE, "kms:CreateGrant")}
    wanted = [
        (role, key, kind, world.signing_kms(role, action, key, algorithm_of(key) if action == SIGN else ""))
        for role in world.roles
        for key in world.signing
        for kind, actions in kinds.items()
        for action in actions
    ]
    cells: dict[tuple, list[str]] = {}
    for (role, key, kind, _), allowed in zip(wanted, world.ask([one[3] for one in wanted]), strict=True):
        cell = cells.setdefault((role, key), [])
        if allowed and kind not in cell:
            cell.append(kind)
    rows = [["role", *world.signing]]
    for role in world.roles:
        rows.append([short(world, role), *(" ".join(cells[role, key]) or "-" for key in world.signing)])
    return columns(rows)


def signers(world: World) -> str:
    """Whom each key's own policy lets sign once IAM allows everything: one role, and no administrator."""
    others = [
        (role, key, world.signing_kms(role, SIGN, key, algorithm))
        for role in world.roles
        for key in world.signing
        for algorithm in ("", OTHER_ALGORITHM, *({ED25519, *ALGORITHMS.values()} - {algorithm_of(key)}))
    ]
    allowed = [one[:2] for one, yes in zip(others, world.ask([one[2] for one in others]), strict=True) if yes]
    if allowed:
        raise StackError(f"allowed to sign by another algorithm: {allowed[:5]}")
    through = {}
    for key in world.signing:
        asked = [world.signing_kms(role, SIGN, key, algorithm_of(key)) for role in ("administrator", *world.roles)]
        answers = world.ask([{**one, "identity": [EVERYTHING]} for one in asked])
        through[key] = [role for role, yes in zip(("administrator", *world.roles), answers, strict=True) if yes]
        if len(through[key]) != 1 or "administrator" in through[key]:
            raise StackError(f"the policy of the key `{key}` lets these sign, and not one role: {through[key]}")
    named = ", ".join(f"{key} {short(world, roles[0])}" for key, roles in through.items())
    return (
        f"# {len(others)} requests to sign by another algorithm: none allowed.\n"
        f"# Whatever IAM allows, each key's own policy lets one role sign: {named}."
    )


def rows_table(world: World) -> str:
    leading = {
        "": [f"T#{TENANT}"],
        " (people's keys)": [f"T#{TENANT}#S"],
        " (rate windows)": [f"T#{TENANT}#R"],
        " (breakers of endpoints)": ["PROVIDER#0011223344556677"],
        " (the canary's)": [f"T#{CANARY}"],
        " (drills)": ["DRILLS"],
        " (links, looks, comments)": ["LINK#apr_041041041041041041"],
        " (what waits)": ["WAITING#0"],
        " (who decided)": ["BY#usr_041041041041041041"],
        " (what was taken once)": ["ONCE#0011223344556677"],
        " (outcomes that are awaited)": ["DUE#0"],
    }
    tables = {
        " (people's keys)": ("keys",),
        " (rate windows)": ("gates",),
        " (breakers of endpoints)": ("gates",),
        " (the canary's)": ("control", "keys"),
        " (drills)": ("status",),
        " (links, looks, comments)": ("votes",),
        " (what waits)": ("votes",),
        " (who decided)": ("votes",),
        " (what was taken once)": ("votes",),
        " (outcomes that are awaited)": ("approvals",),
    }
    places = [
        (table + kind, arn, keys)
        for table, arn in sorted(world.tables.items())
        for kind, keys in leading.items()
        if table in tables.get(kind, (table,))
    ]
    wanted = [
        (role, place, action, world.request(role, f"dynamodb:{action}", arn, leading_keys(action, keys)))
        for role in world.roles
        for place, arn, keys in places
        for action in (*ROWS, *TABLES)
    ]
    cells: dict[tuple, list[str]] = {}
    for (role, place, action, _), allowed in zip(wanted, world.ask([one[3] for one in wanted]), strict=True):
        cells.setdefault((role, place), [])
        if allowed:
            cells[role, place].append(action)
    names = [place for place, *_ in places]
    lines = [f"{short(world, role)}  {name}: {', '.join(cells[role, name]) or '-'}" for role in world.roles for name in names]
    return "\n".join(lines)


def leading_keys(action: str, keys: list[str]) -> dict:
    # A scan has no leading keys (DynamoDB developer guide, fine-grained access control), nor has a table as a whole.
    return {} if action in ("Scan", *TABLES) else {"dynamodb:LeadingKeys": keys}


def columns(rows: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)


if __name__ == "__main__":
    sys.exit(main())
