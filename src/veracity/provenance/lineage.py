"""Lineage: which statements made a thing, which used it, and so on back and forth.

A pure graph over the log's statements, named by their log index. A statement makes its
subjects and uses the digests that its predicate names; a ``transform`` uses every batch of a
feed up to the one it names; a release or a rejection uses the batches it took rows from. Kinds without a typed form use ``predicate.inputs[*].sha256``.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from veracity.provenance.statements import Ingest, Reject, Statement, Transform, typed


class Lineage:
    """The graph. ``add`` takes statements in the log's order; answers are ascending log indices."""

    def __init__(self) -> None:
        self._makers: dict[str, list[int]] = defaultdict(list)
        self._users: dict[str, list[int]] = defaultdict(list)
        self._made: dict[int, tuple[str, ...]] = {}
        self._used: dict[int, tuple[str, ...]] = {}
        # feed -> batches, ascending, and the log index of each
        self._batches: dict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        self._batch_at: dict[int, tuple[str, int]] = {}
        # feed -> (up to batch, log index) of what used it
        self._spans: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self._spans_at: dict[int, tuple[tuple[str, int], ...]] = {}
        # the batches that a release or a rejection took rows from, and the other way round
        self._aside_at: dict[int, tuple[tuple[str, int], ...]] = {}
        self._decided: dict[tuple[str, int], list[int]] = defaultdict(list)

    @classmethod
    def of(cls, statements: Iterable[tuple[int, Statement]]) -> "Lineage":
        """Return the graph of (log index, statement) pairs."""
        lineage = cls()
        for index, statement in statements:
            lineage.add(index, statement)
        return lineage

    def add(self, index: int, statement: Statement) -> None:
        """Take in the statement at a log index; MalformedStatement if it is not what its kind says."""
        form = typed(statement)
        made = tuple(dict.fromkeys(s.digest for s in statement.subjects))
        used = _inputs(statement)
        if isinstance(form, Ingest):
            used = (form.contract_sha256,)
            numbers, indices = self._batches[form.feed]
            at = bisect_right(numbers, form.batch)
            numbers.insert(at, form.batch)
            indices.insert(at, index)
            self._batch_at[index] = (form.feed, form.batch)
            if form.released is not None:
                self._took(index, form.feed, form.released.batches)
        elif isinstance(form, Reject):
            self._took(index, form.feed, form.batches)
        elif isinstance(form, Transform):
            used = (form.definition_sha256, *(i.sha256 for i in form.inputs))
            self._spans_at[index] = tuple((i.feed, i.up_to_batch) for i in form.inputs)
            for feed, last in self._spans_at[index]:
                self._spans[feed].append((last, index))
        self._made[index], self._used[index] = made, tuple(dict.fromkeys(used))
        for digest in made:
            self._makers[digest].append(index)
        for digest in self._used[index]:
            self._users[digest].append(index)

    def _took(self, index: int, feed: str, batches: Iterable[int]) -> None:
        """Take in that the statement at a log index decided on rows which some batches set aside."""
        self._aside_at[index] = tuple((feed, batch) for batch in batches)
        for place in self._aside_at[index]:
            self._decided[place].append(index)

    def ancestors(self, index: int) -> list[int]:
        """Return every statement that the one at ``index`` rests on, directly or not."""
        return _reach(index, self._parents)

    def descendants(self, index: int) -> list[int]:
        """Return every statement that rests on the one at ``index``, directly or not."""
        return _reach(index, self._children)

    def _parents(self, index: int) -> set[int]:
        found = {i for d in self._used.get(index, ()) for i in self._makers.get(d, ()) if i < index}
        for feed, last in self._spans_at.get(index, ()):
            numbers, indices = self._batches[feed]
            found.update(i for i in indices[: bisect_right(numbers, last)] if i < index)
        for feed, batch in self._aside_at.get(index, ()):
            numbers, indices = self._batches[feed]
            found.update(i for n, i in zip(numbers, indices, strict=True) if n == batch and i < index)
        return found

    def _children(self, index: int) -> set[int]:
        found = {i for d in self._made.get(index, ()) for i in self._users.get(d, ()) if i > index}
        if index in self._batch_at:
            feed, batch = self._batch_at[index]
            found.update(i for last, i in self._spans[feed] if last >= batch and i > index)
            found.update(i for i in self._decided[feed, batch] if i > index)
        return found


def _inputs(statement: Statement) -> tuple[str, ...]:
    inputs: Any = statement.predicate.get("inputs")
    if not isinstance(inputs, list):
        return ()
    named = (item.get("sha256") for item in inputs if isinstance(item, dict))
    return tuple(digest for digest in named if isinstance(digest, str))


def _reach(start: int, neighbours: Callable[[int], set[int]]) -> list[int]:
    """Walk breadth first; the start itself is not in the answer."""
    seen, waiting = {start}, [start]
    while waiting:
        new = neighbours(waiting.pop()) - seen
        seen |= new
        waiting += new
    return sorted(seen - {start})
