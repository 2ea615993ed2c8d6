#!/usr/bin/env python3
"""How fast Presidio searches the messages of a file, in its own environment: prints JSON. `make bench FILE=redact`.

Its default English recognizers with patterns and checks, without the one that asks a language model; spaCy's blank English
model, so that nothing but tokenizing is spent on language. Search alone, nothing is replaced. CPU time of one thread.
"""

import argparse
import json
import logging
import time

import spacy
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import SpacyNlpEngine


class Blank(SpacyNlpEngine):
    def __init__(self):
        super().__init__(models=[{"lang_code": "en", "model_name": "blank"}])
        self.nlp = {"en": spacy.blank("en")}

    def load(self):
        pass


def analyzer() -> AnalyzerEngine:
    engine = Blank()
    registry = RecognizerRegistry(supported_languages=["en"])
    registry.load_predefined_recognizers(languages=["en"], nlp_engine=engine)
    by_model = [one.name for one in registry.recognizers if "Spacy" in type(one).__name__ or "Nlp" in type(one).__name__]
    for name in by_model:
        registry.remove_recognizer(name)
    return AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=["en"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("messages", type=argparse.FileType("rb"))
    parser.add_argument("--seconds", type=float, default=30)
    asked = parser.parse_args()
    logging.disable(logging.WARNING)
    messages = json.load(asked.messages)
    engine = analyzer()
    # What is loaded or compiled on first use is not counted.
    for message in messages[:20]:
        engine.analyze(message, language="en")
    size, found, began = 0, 0, time.process_time()
    for message in messages[20:]:
        found += len(engine.analyze(message, language="en"))
        size += len(message.encode())
        if time.process_time() - began > asked.seconds:
            break
    spent = time.process_time() - began
    print(json.dumps({
        "presidio_mb_per_s": size / spent / 1e6,
        "presidio_bytes": size,
        "presidio_found_per_kb": found / size * 1e3,
        "presidio_recognizers": len(engine.registry.recognizers),
    }))


if __name__ == "__main__":
    main()
