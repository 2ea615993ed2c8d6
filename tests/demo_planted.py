"""The personal data that the demo plants, and how to find it again."""

import re

# Published test numbers and made-up people. Each passes its check digits, so each would be taken for real.
PLANTED = {
    "Israeli ID": "123456782",
    "card": "4111 1111 1111 1111",
    "IBAN": "DE89 3704 0044 0532 0130 00",
    "SSN": "536-22-8741",
    "e-mail": "dana.levi@example.com",
}
PROMPT = (
    "Write a one-line confirmation for this customer and repeat every detail exactly as given: "
    f"Israeli ID {PLANTED['Israeli ID']}, card {PLANTED['card']}, IBAN {PLANTED['IBAN']}, "
    f"SSN {PLANTED['SSN']}, e-mail {PLANTED['e-mail']}."
)
PLACEHOLDER = re.compile(r"\[[A-Z][A-Z_]*_\d+_[0-9a-z]{8}\]")


def leaked(text: str) -> list[str]:
    """Names of planted values in `text`, written as given or without blanks and dashes."""
    bare = re.sub(r"[ -]", "", text)
    return [name for name, value in PLANTED.items() if value in text or re.sub(r"[ -]", "", value) in bare]
