"""What the demo draws with: marked text, columns, tables. Plain text when the output is no terminal."""

import os
import re
import shutil
import sys
import time
from dataclasses import dataclass

WIDTH_MAX = 150
COLUMN_MIN = 26
CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


@dataclass(frozen=True)
class Span:
    """Characters `start` to `end` (exclusive) of a text, in one colour."""

    start: int
    end: int
    style: str


class Screen:
    def __init__(self, out=None):
        self.out = out or sys.stdout
        self.tty = self.out.isatty()
        self.colour = self.tty and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self.width = min(shutil.get_terminal_size((100, 24)).columns, WIDTH_MAX)
        unicode = self.out.encoding.lower().startswith("utf")
        self.ok, self.bad, self.rule, self.bar = ("✓", "✗", "─", "│") if unicode else ("ok", "NO", "-", "|")
        self.quotes = "«»" if unicode else "<>"
        # An answer may hold any character; an old terminal shows a question mark for what it has not.
        self.out.reconfigure(errors="replace")
        self.started = time.monotonic()

    def paint(self, text: str, *styles: str) -> str:
        codes = ";".join(CODES[style] for style in styles if style)
        return f"\x1b[{codes}m{text}\x1b[0m" if self.colour and codes and text else text

    def line(self, text: str = "", *styles: str) -> None:
        print(self.paint(text, *styles), file=self.out, flush=True)

    def note(self, text: str, indent: int = 2, style: str = "") -> None:
        """A paragraph, wrapped."""
        pad = " " * indent
        for start, end in wrap(text, self.width - indent):
            self.line(pad + text[start:end], style)

    def title(self, number: int, total: int, text: str) -> None:
        elapsed = f"{time.monotonic() - self.started:5.1f} s"
        head = f"{number}/{total}  {text}"
        self.line()
        self.line(head + elapsed.rjust(max(self.width - len(head), len(elapsed) + 2)), "bold")
        self.line(self.rule * self.width, "dim")

    def verdict(self, held: bool | None) -> tuple[str, str]:
        """Mark and colour of a check; `None`: it could not be made."""
        return {True: (self.ok, "green"), False: (self.bad, "red"), None: ("-", "yellow")}[held]

    def progress(self, text: str) -> None:
        """Overwrites itself on a terminal, is silent elsewhere."""
        if self.tty:
            text = self.paint(f"  {text}".ljust(self.width - 1), "dim")
            print("\r" + text, end="", file=self.out, flush=True)

    def progress_end(self) -> None:
        if self.tty:
            print("\r" + " " * (self.width - 1) + "\r", end="", file=self.out, flush=True)

    def code(self, text: str) -> None:
        """Text to be copied: never wrapped."""
        for row in text.splitlines():
            self.line("    " + row, "cyan")

    # Columns -----------------------------------------------------------------------------------------------

    def side_by_side(self, columns: list[tuple[str, str, list[Span]]]) -> None:
        """(heading, text, spans) next to each other, or one below the other where that would be too narrow."""
        each = (self.width - 2 - 3 * (len(columns) - 1)) // len(columns)
        if each < COLUMN_MIN:
            for heading, text, spans in columns:
                self.line("  " + heading, "bold")
                for row in self._rows(text, spans, self.width - 4):
                    self.line("    " + row.rstrip())
            return
        cells = [[self.paint(pad(h, each), "bold"), *self._rows(t, s, each)] for h, t, s in columns]
        self._print_cells(cells, [each] * len(columns))

    def _rows(self, text: str, spans: list[Span], width: int) -> list[str]:
        text, spans = (text, spans) if self.colour else (mark(text, spans, *self.quotes), [])
        return [self._styled(text, spans, start, end, width) for start, end in wrap(text, width)]

    def _styled(self, text: str, spans: list[Span], start: int, end: int, width: int) -> str:
        styles = [next((s.style for s in spans if s.start <= at < s.end), "") for at in range(start, end)]
        row, at = "", start
        while at < end:
            stop = next((n for n in range(at, end) if styles[n - start] != styles[at - start]), end)
            row += self.paint(text[at:stop], styles[at - start])
            at = stop
        return row + " " * (width - (end - start))

    def _print_cells(self, cells: list[list[str]], widths: list[int]) -> None:
        bar = self.paint(f" {self.bar} ", "dim")
        for n in range(max(map(len, cells))):
            row = [cell[n] if n < len(cell) else " " * width for cell, width in zip(cells, widths)]
            self.line("  " + bar.join(row).rstrip())

    # Tables ------------------------------------------------------------------------------------------------

    def table(self, header: list[str], rows: list[list[str]]) -> None:
        if not rows:
            return self.note("(no rows)")
        columns = list(zip(header, *rows))
        words = [max(len(word) for cell in column for word in pieces(cell)) for column in columns]
        whole, available = (
            [max(map(len, column)) for column in columns],
            self.width - 2 - 3 * (len(header) - 1),
        )
        widths = fit(whole, words, available)
        if widths is None:
            return self._records(header, rows)
        names = [self.paint(pad(name, width), "bold") for name, width in zip(header, widths)]
        self._print_cells([[name] for name in names], widths)
        self.line("  " + self.rule * (sum(widths) + 3 * (len(widths) - 1)), "dim")
        for row in rows:
            self._print_cells([self._rows(cell, [], width) for cell, width in zip(row, widths)], widths)

    def _records(self, header: list[str], rows: list[list[str]]) -> None:
        """One value a line, for narrow terminals."""
        label = max(map(len, header))
        for number, row in enumerate(rows, 1):
            self.line(f"  row {number}", "dim")
            for name, value in zip(header, row):
                for n, text in enumerate(self._rows(value, [], max(self.width - label - 5, 20))):
                    self.line(f"  {self.paint(pad(name if n == 0 else '', label), 'bold')} {text}".rstrip())


def pad(text: str, width: int) -> str:
    return text[:width].ljust(width)


def pieces(text: str) -> list[str]:
    """What `wrap` does not break unless it must."""
    return re.findall(r"[^ ,]+,?", text) or [""]


def fit(widths: list[int], least: list[int], available: int) -> list[int] | None:
    """Takes from the widest until all fit, never below `least`; `None` where that cannot be."""
    widths = list(widths)
    while sum(widths) > available:
        spare = [n for n in range(len(widths)) if widths[n] > least[n]]
        if not spare:
            return None
        widths[max(spare, key=lambda n: widths[n])] -= 1
    return widths


def wrap(text: str, width: int) -> list[tuple[int, int]]:
    """Lines as (start, end) within `text`: broken at newlines, after blanks and commas, else hard."""
    lines, start = [], 0
    while start < len(text):
        newline = text.find("\n", start, start + width + 1)
        if newline >= 0:
            lines.append((start, newline))
            start = newline + 1
            continue
        end = min(start + width, len(text))
        if end < len(text):
            breaks = [n + 1 for n in range(start, end) if text[n] in " ,"]
            breaks += [end] if text[end] == " " else []
            end = breaks[-1] if breaks else end
        lines.append((start, end))
        start = end + (1 if end < len(text) and text[end] == " " else 0)
    return lines or [(0, 0)]


def mark(text: str, spans: list[Span], opening: str, closing: str) -> str:
    """What colours would show, with characters."""
    for span in sorted(spans, key=lambda span: -span.start):
        text = text[: span.start] + opening + text[span.start : span.end] + closing + text[span.end :]
    return text


def find(text: str, needles: list[str], style: str) -> list[Span]:
    return [Span(at, at + len(needle), style) for needle in needles for at in _occurrences(text, needle)]


def _occurrences(text: str, needle: str) -> list[int]:
    found, at = [], text.find(needle)
    while at >= 0:
        found.append(at)
        at = text.find(needle, at + len(needle))
    return found
