"""The log as readers look at it: each statement in one line, and the lineage of all; read once, then kept up.

Every entry is read, and checked against the log's root, the first time it is asked for; later only what is
new is read. Both lines and lineage are held in memory, some hundred bytes an entry.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

from veracity.home.clock import format_time
from veracity.home.home import Home
from veracity.provenance.dsse import open_envelope
from veracity.provenance.lineage import Lineage
from veracity.provenance.statements import Statement, parse_statement, said_at

_NUMBERED = ("batch", "run", "number", "record", "day", "hour", "incident")


@dataclass(frozen=True, slots=True)
class Line:
    """One statement in short. ``at`` is by its own word (RFC 3339), None where its kind has no time."""

    entry: int
    kind: str
    about: str
    at: str | None
    keyid: str
    simulated: bool


@dataclass(frozen=True)
class Reached:
    """Statements reached from one: nearest first, cut at a number; ``is_cut`` says so."""

    entries: tuple[int, ...]
    is_cut: bool


class Ledger:
    """All statements of a log, kept up as it grows; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._lines: list[Line] = []
        self._lineage = Lineage()
        self._by_day: dict[str, int] = {}
        self._day: str | None = None
        self._n_early = 0  # statements before any that has a time

    def catch_up(self, home: Home) -> int:
        """Take in what is new in a home's log; return how many statements there are."""
        with self._lock:
            reader = home.reader()
            if reader.size < len(self._lines):  # the home is another: restored from a backup
                self._lines, self._lineage = [], Lineage()
                self._by_day, self._day, self._n_early = {}, None, 0
            have = len(self._lines)
            for index, entry in enumerate(reader.entries(have), have):
                envelope = open_envelope(entry)
                statement = parse_statement(envelope.payload)
                self._lineage.add(index, statement)
                self._lines.append(_line(index, statement, envelope.signatures[0].keyid))
                self._count(self._lines[-1])
            return len(self._lines)

    def _count(self, line: Line) -> None:
        """Count a statement to its day; one without a time to the day of the one before it, or the first."""
        self._n_early += 1
        day = self._day if line.at is None else line.at[:10]
        if day is None:
            return
        self._day = max(day, self._day or day)
        self._by_day[self._day] = self._by_day.get(self._day, 0) + self._n_early
        self._n_early = 0

    @property
    def by_day(self) -> Mapping[str, int]:
        """How many statements were made on each day (UTC)."""
        with self._lock:
            return dict(self._by_day)

    def line(self, entry: int) -> Line | None:
        """Return a statement in short; None if there is none."""
        return self._lines[entry] if 0 <= entry < len(self._lines) else None

    def newest(self, before: int | None, limit: int, kind: str | None) -> list[Line]:
        """Return statements, newest first: ``limit`` of them before an entry, of one kind or of all."""
        found: list[Line] = []
        at = len(self._lines) if before is None else min(before, len(self._lines))
        while at > 0 and len(found) < limit:
            at -= 1
            if kind is None or self._lines[at].kind == kind:
                found.append(self._lines[at])
        return found

    def rests_on(self, entry: int, limit: int) -> Reached:
        """Return what a statement rests on, nearest first."""
        with self._lock:
            return _reach(entry, self._lineage.parents, limit)

    def used_by(self, entry: int, limit: int) -> Reached:
        """Return what rests on a statement, nearest first."""
        with self._lock:
            return _reach(entry, self._lineage.children, limit)

    def edges(self, entries: Iterable[int]) -> list[tuple[int, int]]:
        """Return (what is used, what uses it) among some statements."""
        among = set(entries)
        with self._lock:
            pairs = [(a, b) for b in among for a in self._lineage.parents(b) & among]
        return sorted(pairs)


def _line(index: int, statement: Statement, keyid: str) -> Line:
    predicate: Mapping[str, Any] = statement.predicate
    stamp = said_at(statement)
    at = predicate.get("as_of") if stamp is None else format_time(stamp)
    return Line(
        index,
        statement.kind,
        _about(statement),
        at if isinstance(at, str) else None,
        keyid,
        predicate.get("simulated") is True,
    )


def _about(statement: Statement) -> str:
    """Return what a statement is about, in a few words: a feed's batch, a system's run, a key's owner."""
    predicate = statement.predicate
    whose = next((predicate[n] for n in ("feed", "system", "agency") if predicate.get(n)), None)
    if isinstance(whose, str):
        numbers = [f"{n} {predicate[n]}" for n in _NUMBERED if isinstance(predicate.get(n), int | str)]
        return " ".join([whose, *numbers])[:200]
    return next((s.name for s in statement.subjects if s.name), statement.subjects[0].digest[:16])[:200]


def _reach(start: int, neighbours: Callable[[int], set[int]], limit: int) -> Reached:
    seen, ring = {start}, [start]
    found: list[int] = []
    while ring:
        new = {n for one in ring for n in neighbours(one)} - seen
        if len(found) + len(new) > limit:
            nearest = sorted(new, key=lambda n: abs(n - start))[: limit - len(found)]
            return Reached((*found, *nearest), is_cut=True)
        seen |= new
        ring = sorted(new)
        found += ring
    return Reached(tuple(found), is_cut=False)
