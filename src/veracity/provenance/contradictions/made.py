"""What was made from feeds: panels, corrections, calibrations. The same gives the same."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from veracity.canonical import canonical_json
from veracity.provenance.contradictions.feeds import Feeds
from veracity.provenance.contradictions.found import Contradiction
from veracity.provenance.contradictions.remembered import Remembered
from veracity.provenance.statements import Calibrate, Input, Transform, Withdraw

MAX_MADE = 65_536
MAX_DOCUMENTS = 16_384
_KEPT = 32  #: hex digits of a digest that are kept: 128 bits


class Made:
    """Outputs by what they were made from, and calibrations by their documents."""

    def __init__(self, outputs: list[Any] | None = None, documents: list[Any] | None = None) -> None:
        self._outputs: Remembered[list[Any]] = Remembered(MAX_MADE, (str, int), outputs)
        self._documents: Remembered[list[Any]] = Remembered(MAX_DOCUMENTS, (str, int, str | None), documents)

    def add_transform(self, index: int, said: Transform, feeds: Feeds) -> Iterator[Contradiction]:
        """Take in rows made by a definition, or by a calibration's document."""
        yield from check_inputs(said.inputs, said.simulated, feeds)
        document = self._documents.get(said.definition_sha256)
        withdrawn = None if document is None else document[2]  # what is taken back corrects no more
        by = ["transform", said.definition_sha256, said.as_of, withdrawn]
        yield from self._compare(index, by, said.inputs, said.output.sha256)

    def add_calibration(self, index: int, said: Calibrate, feeds: Feeds) -> Iterator[Contradiction]:
        """Take in a fitted calibration."""
        yield from check_inputs(said.inputs, said.simulated, feeds)
        by = ["calibrate", said.definition_sha256, said.as_of, said.engine]
        yield from self._compare(index, by, said.inputs, said.document_sha256)
        known = self._documents.get(said.document_sha256)
        if known is None:
            self._documents.set(said.document_sha256, [said.name, index, None])
        elif known[0] != said.name:
            detail = f"want the name {known[0]!r}, as the document was stated, got {said.name!r}"
            yield Contradiction("name-differs", detail, known[1])

    def add_withdrawal(self, index: int, said: Withdraw) -> Iterator[Contradiction]:
        """Take back a calibration, which must have been said."""
        known = self._documents.get(said.document_sha256)
        if known is None:
            if not self._documents.is_full:
                detail = f"want a calibration said before, got {said.name!r} ({said.document_sha256[:16]})"
                yield Contradiction("withdrawn-unsaid", detail)
            return
        name, at, start = known
        if name != said.name:
            detail = f"want the name {name!r}, as the calibration's, got {said.name!r}"
            yield Contradiction("name-differs", detail, at)
        if start is not None and start <= said.start:
            detail = f"want a calibration in force from {said.start} on, got one taken back from {start} on"
            yield Contradiction("withdrawn-twice", detail, at)
        first = said.start if start is None else min(start, said.start)
        self._documents.set(said.document_sha256, [name, index, first])

    def to_object(self) -> dict[str, Any]:
        """Return plain JSON."""
        return {"outputs": self._outputs.to_object(), "documents": self._documents.to_object()}

    def _compare(
        self, index: int, by: list[Any], inputs: tuple[Input, ...], output: str
    ) -> Iterator[Contradiction]:
        key = sha256(canonical_json([by, [i.to_object() for i in inputs]])).hexdigest()[:_KEPT]
        known = self._outputs.get(key)
        if known is None:
            self._outputs.set(key, [output[:_KEPT], index])
        elif known[0] != output[:_KEPT]:
            detail = f"want {known[0][:16]}, as made from the same before, got {output[:16]}"
            yield Contradiction("output-differs", detail, known[1])


def check_inputs(inputs: tuple[Input, ...], simulated: bool, feeds: Feeds) -> Iterator[Contradiction]:
    """Tell of inputs that were not there, and of simulated ones that are told as real."""
    for item in inputs:
        feed = feeds.get(item.feed)
        if feeds.is_beyond(item.feed):
            continue
        n_batches = 0 if feed is None else feed.next_batch
        if item.up_to_batch >= n_batches:
            detail = f"input {item.feed}: want a batch below {n_batches}, got {item.up_to_batch}"
            yield Contradiction("input-unsaid", detail)
        if feed is not None and feed.simulated and not simulated:
            detail = f"simulated: want true, as {item.feed} is, got false"
            yield Contradiction("simulated", detail, feed.stated_at)
