#!/usr/bin/env python3
"""Writes ../data/ground_truth_*.json: sentences of nine kinds with identifiers in them, labelled by our detectors' ids.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install -r shared/redact/tests/oracle/requirements.txt
    /tmp/venv/bin/python shared/redact/tests/oracle/ground_truth.py

The format is presidio-research's (`full_text`, `spans` with offsets in code points); `metadata` says whether a word that
names the identifier stands beside it. Every value is random and synthetic. Its judge is no code of ours: python-stdnum,
Faker (only the numbers that stdnum confirms), libphonenumber's metadata, `base58`, `bech32` and `pycryptodome`; numbers
that stdnum does not know are judged by the second implementation in national_vectors.py. The words that name an
identifier were written for these files and not taken from the detectors' own lists, which they are to test.
"""

import json
import os
import random
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import national_vectors as nv  # noqa: E402  # before Faker: it sets the clock of stdnum
from ground_truth_texts import LANGUAGES, WORDS  # noqa: E402
from ground_truth_values import GENERIC, values  # noqa: E402

DATA = os.path.join(HERE, "..", "data")
MAX_BYTES = 80_000
R = random.Random(20360102)
nv.R.seed(20360103)


def sample(template, word, value, detector, number, with_context):
    before, after = template.split("{v}")
    before = before.replace("{w}", word)
    after = after.replace("{w}", word)
    start = len(before)
    span = {"entity_type": detector.split(":")[0], "entity_value": value, "start_position": start, "end_position": start + len(value)}
    return {"full_text": before + value + after, "spans": [span], "template_id": number,
            "metadata": {"context": with_context}}


def of(detector, words, language, contexts, bares):
    """Sentences with the identifier beside its name, in the language or in English, and sentences without."""
    own, english = LANGUAGES[language], LANGUAGES["en"]
    made = []
    stock = values(detector, R, contexts + bares)
    for n in range(contexts):
        # Every third in English, where the detector has an English name.
        use_english = "en" in words and (n % 3 == 2 or language == "en")
        texts, names = (english, words["en"]) if use_english else (own, words[language])
        at = n % len(texts["with"])
        made.append(sample(texts["with"][at], names[n % len(names)], stock[n], detector, at, True))
    for n in range(bares):
        texts = english if n % 3 == 2 else own
        at = n % len(texts["without"])
        made.append(sample(texts["without"][at], "", stock[contexts + n], detector, 100 + at, False))
    return made


def rendered(samples):
    return "[\n" + ",\n".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in samples) + "\n]\n"


def write(name, samples):
    while (size := len(rendered(samples).encode())) > MAX_BYTES:
        del samples[::20]
    for one in samples:
        for span in one["spans"]:
            assert one["full_text"][span["start_position"]:span["end_position"]] == span["entity_value"]
    with open(os.path.join(DATA, f"ground_truth_{name}.json"), "w", encoding="utf-8") as file:
        file.write(rendered(samples))
    print(f"{name}: {len(samples)} samples, {size:,} bytes")


def main():
    for name, table in WORDS.items():
        samples = []
        for detector, (language, words, contexts, bares) in table.items():
            samples += of(detector, words, language, contexts, bares)
        for detector in GENERIC.get(name, []):
            samples += of(detector[0], detector[2], detector[1], *detector[3])
        write(name, samples)


if __name__ == "__main__":
    main()
