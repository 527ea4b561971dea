"""Lineage: which statements made a thing, which used it, and so on back and forth.

A pure graph over the log's statements, named by their log index. A statement makes its
subjects and uses the digests that its predicate names. A ``transform`` and a ``calibrate`` use every
batch of a feed up to the one they name, and so does an ``ingest`` of each registry that it looked rows up
in; rows let in or rejected use the batches they were taken from, a ``certify`` those of its day, an
``account`` those of its hour. Kinds without a typed form use ``predicate.inputs[*].sha256``.

Of models: a ``train`` uses what its panel was built from, an ``assure`` that and the model, a ``release``
the model, the reports and the release it replaces, a ``decide`` the release it ran under and what it read,
an ``override`` its run, an ``outcome`` the runs it scored and what it read, a step of an ``incident`` the
steps before.

Of who signed: an ``ingest`` uses the ``enrol`` of the key that signed its delivery, a ``release``, an
``override`` and an ``incident`` that of the officer's who approved, and an ``enrol`` that of the key that it
replaces. Which keys signed a batch's messages is in the batch's own list, not in the log.

What the rules remember of the batches before is not followed: every batch would rest on all of them.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from veracity.provenance.dsse import Envelope
from veracity.provenance.statements import (
    Account,
    Assure,
    Calibrate,
    Certify,
    Decide,
    Enrol,
    Erase,
    Incident,
    Ingest,
    Input,
    Outcome,
    Override,
    Reject,
    Release,
    Statement,
    Train,
    Transform,
    Typed,
    Withdraw,
    typed,
)


class Lineage:
    """The graph. ``add`` takes statements in the log's order; answers are ascending log indices."""

    def __init__(self) -> None:
        self._makers: dict[str, list[int]] = defaultdict(list)
        self._users: dict[str, list[int]] = defaultdict(list)
        self._made: dict[int, tuple[str, ...]] = {}
        self._used: dict[int, tuple[str, ...]] = {}
        # feed -> batches, ascending, and the log index of each; runs of a system likewise
        self._batches: dict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        self._batch_at: dict[int, tuple[str, int]] = {}
        # feed -> (first batch, last batch, log index) of what used them
        self._spans: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
        self._spans_at: dict[int, tuple[tuple[str, int, int], ...]] = {}
        # single batches that a statement took rows from, and the other way round
        self._singles_at: dict[int, tuple[tuple[str, int], ...]] = {}
        self._singles: dict[tuple[str, int], list[int]] = defaultdict(list)
        # entries that a statement names by their log index, and the other way round
        self._named_at: dict[int, int] = {}
        self._named: dict[int, list[int]] = defaultdict(list)

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
        made = () if isinstance(form, Release) else tuple(dict.fromkeys(s.digest for s in statement.subjects))
        used = _inputs(statement)
        if isinstance(form, Ingest):
            used = (form.contract_sha256, *_signers(form.delivery))
            self._take_batch(index, form.feed, form.batch)
            if form.released is not None:
                self._use_batches(index, form.feed, form.released.batches)
            if form.checks is not None:
                self._use_spans(index, ((r.feed, 0, r.up_to_batch) for r in form.checks.registries))
        elif isinstance(form, Reject | Erase):
            self._use_batches(index, form.feed, form.batches)
        elif isinstance(form, Certify | Account) and form.batches is not None:
            self._use_spans(index, [(form.feed, *form.batches)])
        elif isinstance(form, Withdraw):
            used = (form.document_sha256,)
        elif isinstance(form, Enrol):
            used = () if form.replaces is None else (form.replaces,)
        elif isinstance(form, Transform | Calibrate):
            used = self._use_inputs(index, form.inputs, form.definition_sha256)
        else:
            used = self._add_of_models(index, form, used)
        self._made[index], self._used[index] = made, tuple(dict.fromkeys(used))
        for digest in made:
            self._makers[digest].append(index)
        for digest in self._used[index]:
            self._users[digest].append(index)

    def _add_of_models(self, index: int, form: Typed | None, used: tuple[str, ...]) -> tuple[str, ...]:
        """Take in a statement about models; return the digests that it uses."""
        if isinstance(form, Train):
            return self._use_inputs(index, form.inputs, form.definition_sha256)
        if isinstance(form, Assure):
            return self._use_inputs(index, form.inputs, form.definition_sha256, form.model_sha256)
        if isinstance(form, Release):
            self._use_entry(index, form.replaces)
            return (form.model_sha256, *form.reports, *_signers(form.approval))
        if isinstance(form, Decide):
            self._use_entry(index, form.release)
            self._take_batch(index, _runs(form.system), form.run)
            return self._use_inputs(index, form.inputs)
        if isinstance(form, Override):
            self._use_batches(index, _runs(form.system), [form.run])
            return _signers(form.approval)
        if isinstance(form, Outcome):
            runs = [] if form.runs is None else [(_runs(form.system), *form.runs)]
            self._use_spans(index, [*runs, *((i.feed, 0, i.up_to_batch) for i in form.inputs)])
            return tuple(i.sha256 for i in form.inputs)
        if isinstance(form, Incident):
            return (form.subject_sha256, *_signers(form.approval))
        return used

    def _use_inputs(self, index: int, inputs: tuple[Input, ...], *more: str) -> tuple[str, ...]:
        """Take in that a statement used some feeds up to a batch; return those digests and ``more``."""
        self._use_spans(index, ((i.feed, 0, i.up_to_batch) for i in inputs))
        return (*more, *(i.sha256 for i in inputs))

    def _use_entry(self, index: int, named: int | None) -> None:
        """Take in that a statement names another by its log index."""
        if named is not None:
            self._named_at[index] = named
            self._named[named].append(index)

    def _take_batch(self, index: int, feed: str, batch: int) -> None:
        """Take in a batch of a feed, or a run of a system."""
        numbers, indices = self._batches[feed]
        at = bisect_right(numbers, batch)
        numbers.insert(at, batch)
        indices.insert(at, index)
        self._batch_at[index] = (feed, batch)

    def _use_spans(self, index: int, spans: Iterable[tuple[str, int, int]]) -> None:
        """Take in that a statement used the batches of some feeds from one to another."""
        self._spans_at[index] = tuple(spans)
        for feed, first, last in self._spans_at[index]:
            self._spans[feed].append((first, last, index))

    def _use_batches(self, index: int, feed: str, batches: Iterable[int]) -> None:
        """Take in that a statement used some batches of a feed."""
        self._singles_at[index] = tuple((feed, batch) for batch in batches)
        for place in self._singles_at[index]:
            self._singles[place].append(index)

    def ancestors(self, index: int) -> list[int]:
        """Return every statement that the one at ``index`` rests on, directly or not."""
        return _reach(index, self.parents)

    def descendants(self, index: int) -> list[int]:
        """Return every statement that rests on the one at ``index``, directly or not."""
        return _reach(index, self.children)

    def parents(self, index: int) -> set[int]:
        """Return the statements that the one at ``index`` rests on directly."""
        found = {i for d in self._used.get(index, ()) for i in self._makers.get(d, ()) if i < index}
        if self._named_at.get(index, index) < index and self._named_at[index] in self._made:
            found.add(self._named_at[index])
        singles = ((feed, batch, batch) for feed, batch in self._singles_at.get(index, ()))
        for feed, first, last in (*self._spans_at.get(index, ()), *singles):
            numbers, indices = self._batches[feed]
            used = indices[bisect_left(numbers, first) : bisect_right(numbers, last)]
            found.update(i for i in used if i < index)
        return found

    def children(self, index: int) -> set[int]:
        """Return the statements that rest on the one at ``index`` directly."""
        found = {i for d in self._made.get(index, ()) for i in self._users.get(d, ()) if i > index}
        found.update(i for i in self._named.get(index, ()) if i > index)
        if index in self._batch_at:
            feed, batch = self._batch_at[index]
            spans = self._spans[feed]
            found.update(i for first, last, i in spans if first <= batch <= last and i > index)
            found.update(i for i in self._singles[feed, batch] if i > index)
        return found


def _runs(system: str) -> str:
    """Return what the runs of a system are kept under: no feed has such a name."""
    return f"runs of {system}"


def _signers(envelope: Envelope | None) -> tuple[str, ...]:
    """Return the key IDs of who signed what a statement holds; a key's ID is what its ``enrol`` makes."""
    return () if envelope is None else tuple(line.keyid for line in envelope.signatures)


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
