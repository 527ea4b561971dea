"""A sheet: a document of tables with numbered evidence, before it is HTML or PDF. Text only, no layout."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from veracity.models.dossier.answer import Lang
from veracity.models.facts import Evidence

Tone = Literal["plain", "soft", "stale", "good", "todo"]


@dataclass(frozen=True)
class Line:
    """One line of a cell: its text, how it is meant, and the evidence it stands on, by number."""

    text: str
    tone: Tone = "plain"
    refs: tuple[int, ...] = ()


Cell = tuple[Line, ...]


@dataclass(frozen=True)
class Table:
    """A table; the first column heads its rows. ``name`` is empty where the heading above says enough."""

    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    name: str = ""


@dataclass(frozen=True)
class Part:
    """A part under a heading: lines, then tables."""

    name: str
    title: str
    lines: Cell = ()
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True)
class Sheet:
    """A document.

    Attributes
    ----------
    marks
        What must not be missed, in a box: that data are simulated.
    verdict
        The sentence at the top; ``good`` tells its tone.
    facts
        Names and values under the verdict.
    refs
        Evidence by number, from 1: log entry, object, place.
    words
        What the frame says: ``evidence``, ``entry``, ``object``, ``place``, ``contents``, ``check``.
    """

    lang: Lang
    title: str
    about: Cell
    marks: tuple[str, ...]
    verdict: str
    good: bool
    facts: tuple[tuple[str, str], ...]
    parts: tuple[Part, ...]
    refs: tuple[tuple[str, str, str], ...]
    words: dict[str, str]

    @property
    def widest(self) -> int:
        """The most columns that a table has."""
        return max((len(t.head) for p in self.parts for t in p.tables), default=0)

    def to_document(self) -> dict[str, Any]:
        """Return it as plain JSON, for a typesetter."""

        def cell(lines: Iterable[Line]) -> list[dict[str, Any]]:
            return [{"text": line.text, "tone": line.tone, "refs": list(line.refs)} for line in lines]

        def table(t: Table) -> dict[str, Any]:
            return {"name": t.name, "head": list(t.head), "rows": [[cell(c) for c in row] for row in t.rows]}

        return {
            "lang": self.lang,
            "title": self.title,
            "about": cell(self.about),
            "marks": list(self.marks),
            "verdict": self.verdict,
            "good": self.good,
            "facts": [list(pair) for pair in self.facts],
            "parts": [
                {"title": p.title, "lines": cell(p.lines), "tables": [table(t) for t in p.tables]}
                for p in self.parts
            ],
            "refs": [list(ref) for ref in self.refs],
            "words": self.words,
            "wide": self.widest > 7,
        }


class References:
    """Evidence numbered as it is first met."""

    def __init__(self, declared: str, none: str) -> None:
        self._declared, self._none = declared, none
        self._numbers: dict[Evidence, int] = {}

    def number(self, *evidence: Evidence) -> tuple[int, ...]:
        """Return the numbers of evidence, each once, in order."""
        return tuple(dict.fromkeys(self._numbers.setdefault(e, len(self._numbers) + 1) for e in evidence))

    def listed(self) -> tuple[tuple[str, str, str], ...]:
        """Return all of it by number: log entry, object, place."""
        return tuple(
            (
                self._none if e.entry is None else str(e.entry),
                e.sha256 or "",
                f"{e.path} ({self._declared})" if e.path.startswith("app.") else e.path,
            )
            for e in self._numbers
        )


def plain(text: str, tone: Tone = "plain", refs: Sequence[int] = ()) -> Cell:
    """Return a cell of one line."""
    return (Line(text, tone, tuple(refs)),)
