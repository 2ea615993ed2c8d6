"""Progress on the terminal: which step runs, how long it took, how much is left."""

import json
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path


HEARTBEAT_SECONDS = 15


class StackError(Exception):
    """Something a person can act on; `log` is a file whose end says more."""

    def __init__(self, message: str, log: Path | None = None):
        super().__init__(message)
        self.log = log

    def render(self, lines: int = 25) -> str:
        text = f"error: {self}"
        if self.log is None or not self.log.exists():
            return text
        tail = self.log.read_text(errors="replace").splitlines()[-lines:]
        quoted = "\n".join(f"  | {line}" for line in tail)
        return f"{text}\n  end of {self.log}:\n{quoted}"


def say(text: str) -> None:
    print(text, flush=True)


class Steps:
    """Runs named steps in order. Estimates come from the last run on this machine, else from `guesses` (seconds)."""

    def __init__(self, guesses: dict[str, float], memory: Path):
        self._memory = memory
        self._guesses = {**guesses, **_remembered(memory, guesses)}
        self._order = list(guesses)
        self._started = time.monotonic()
        self._took: dict[str, float] = {}

    def announce(self, what: str) -> None:
        say(f"{what}: about {_human(sum(self._guesses.values()))}")

    @contextmanager
    def step(self, name: str):
        number = self._order.index(name) + 1
        left = sum(self._guesses[later] for later in self._order[number - 1 :])
        say(f"[{number}/{len(self._order)}] {name} (at {self.elapsed():.0f} s, about {_human(left)} left)")
        begun = time.monotonic()
        with _heartbeat(self._guesses[name]):
            yield
        self._took[name] = time.monotonic() - begun
        if self._took[name] >= 5:
            say(f"      took {self._took[name]:.0f} s")

    def elapsed(self) -> float:
        return time.monotonic() - self._started

    def remember(self) -> None:
        """Keeps the durations of this complete run as the next run's estimates."""
        try:
            self._memory.write_text(json.dumps({name: round(took, 1) for name, took in self._took.items()}))
        except OSError as error:
            print(f"note: cannot keep durations in {self._memory}: {error}", file=sys.stderr)


@contextmanager
def _heartbeat(expected_seconds: float):
    """Says now and then that a long step still runs."""
    ended = threading.Event()

    def beat() -> None:
        waited = 0
        while not ended.wait(HEARTBEAT_SECONDS):
            waited += HEARTBEAT_SECONDS
            say(f"      {waited} s of about {_human(max(expected_seconds, waited))}")

    beating = threading.Thread(target=beat, daemon=True)
    beating.start()
    try:
        yield
    finally:
        ended.set()
        beating.join()


def _remembered(memory: Path, known: dict[str, float]) -> dict[str, float]:
    try:
        return {name: float(took) for name, took in json.loads(memory.read_text()).items() if name in known}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _human(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} min"
