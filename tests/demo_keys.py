"""The part of the demo's story that is about keys: one person is erased, and a root secret gets a new version."""

import openai

import demo_stack
from demo_stack import DemoError

PERSON = "Dana Levi"


def say_for(client: openai.OpenAI, model: str, person: str) -> str:
    """A call for somebody: how it ended, in a word."""
    said = [{"role": "user", "content": "Say hello."}]
    try:
        client.chat.completions.create(
            model=model, max_tokens=20, messages=said, extra_headers={"x-cs-on-behalf-of": person}
        )
    except openai.APIStatusError as error:
        return f"{error.status_code} {error.code or ''}".strip()
    except openai.OpenAIError as error:
        raise DemoError(f"the call failed: {error}") from None
    return "answered"


def command(story, shown: str, arguments: list[str], **variables: str) -> str:
    story.screen.code(shown)
    said = demo_stack.ops(story.stack, [*arguments, "--tenant", story.seed["tenant_id"]], variables)
    story.screen.line()
    for line in said.strip().splitlines():
        story.screen.line("    " + line)
    story.screen.line()
    return said


def erase(story, client: openai.OpenAI) -> None:
    story.title(8, "A person asks to be erased")
    model, tenant = story.models[0], story.seed["tenant_id"]
    before = [say_for(client, model, person) for person in (PERSON, "Noa Golan")]
    command(
        story,
        f'CS_SUBJECT="{PERSON}" countersign ops shred --tenant {tenant} \\\n'
        f"    --reason erasure_request --confirm {tenant}",
        ["shred", "--reason", "erasure_request", "--confirm", tenant],
        CS_SUBJECT=PERSON,
    )
    after = [say_for(client, model, person) for person in (PERSON, "Noa Golan")]
    held = before == ["answered", "answered"] and after[0] == "403 subject_erased"
    story.check(f"no call is made for {PERSON} any more", held, after[0])
    story.check("calls for others go on", after[1] == "answered", after[1])


def rotate(story, client: openai.OpenAI) -> None:
    story.title(9, "The root secret of the credentials gets a new version")
    tenant = story.seed["tenant_id"]
    said = command(
        story,
        f"countersign ops rotate --tenant {tenant} --purpose cred",
        ["rotate", "--purpose", "cred"],
    )
    moved = "version 2 of `cred` is current; 1 values were sealed again" in said
    story.check("the provider's credential is sealed under it", moved, "version 2" if moved else said[:80])
    answer = say_for(client, story.models[0], "Noa Golan")
    story.check("calls go on", answer == "answered", answer)
