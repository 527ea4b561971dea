"""Calibrations audited: fitted again from the same batches, applied again, withdrawn by right."""

import hashlib
from collections.abc import Iterator
from datetime import datetime

from veracity.data.calibration import Calibration, Definition, parse_definition
from veracity.data.calibration.document import time_text
from veracity.data.digest import frame_digest
from veracity.data.errors import EvidenceMismatch
from veracity.home.calibrations import (
    definition_path,
    document_path,
    fit_again,
    load_calibration,
    withdrawals,
)
from veracity.home.clock import parse_time
from veracity.home.corrections import corrected_frame
from veracity.home.home import Home
from veracity.home.panels import is_any_simulated, snapshot_digest
from veracity.home.table_audit import UNREADABLE, one_line
from veracity.provenance.dsse import open_envelope
from veracity.provenance.statements import Calibrate, Input, Transform, Withdraw, parse_statement, typed

Found = tuple[str, str]  #: what, detail


def audit_calibration(home: Home, idx: int) -> list[Found]:
    """Return (what, detail) of all that is not as log entry ``idx`` says.

    For a ``calibrate``, a ``withdraw``, or a ``transform`` whose definition is a calibration.
    """
    try:
        stated = typed(parse_statement(open_envelope(home.reader().entry(idx)).payload))
    except UNREADABLE as exc:
        return [("statement", one_line(exc))]
    if isinstance(stated, Calibrate):
        return list(check_calibration(home, stated, idx))
    if isinstance(stated, Withdraw):
        return list(check_withdrawal(home, stated, idx))
    if isinstance(stated, Transform):
        return list(check_corrected(home, stated, idx))
    return [("statement", f"want calibrate, transform or withdraw, got entry {idx} of another kind")]


def is_correction(home: Home, stated: Transform, idx: int) -> bool:
    """Tell whether a transform's definition is the document of a calibration said before entry ``idx``."""
    return stated.definition_sha256 in _documents(home, idx)


def check_calibration(home: Home, stated: Calibrate, idx: int) -> Iterator[Found]:
    """Yield what is not as a calibration's statement, log entry ``idx``, says."""
    yield from _check_inputs(home, stated.inputs, stated.as_of, idx)
    simulated = is_any_simulated(home, [i.feed for i in stated.inputs], before=idx)
    if simulated != stated.simulated:
        yield "statement", f"simulated: want {simulated} as its feeds are, got {stated.simulated}"
    try:
        definition, kept = _definition(home, stated.definition_sha256), _document(home, stated)
        if not stated.inputs:
            yield "statement", "inputs: want the feeds it was fitted on, got none"
            return
        up_to = {i.feed: i.up_to_batch for i in stated.inputs}
        feeds = stated.inputs[0].feed, stated.inputs[-1].feed
        made = fit_again(home, definition, *feeds, up_to, before=idx)
    except UNREADABLE as exc:
        yield "calibration made again", one_line(exc)
        return
    said = stated.name, stated.pairs.rows, stated.pairs.sha256, stated.engine
    for name, want, got in zip(
        ("name", "pairs", "digest of the pairs", "engine"),
        (made.name, made.n_pairs, made.pairs_sha256, made.engine),
        said,
        strict=True,
    ):
        if want != got:
            yield "statement", f"{name}: want {want}, got {got}"
    if made.sha256 != stated.document_sha256:
        yield "calibration made again", _difference(made, kept)


def check_corrected(home: Home, stated: Transform, idx: int) -> Iterator[Found]:
    """Yield what is not as the statement of corrected rows, log entry ``idx``, says."""
    said = _documents(home, idx).get(stated.definition_sha256)
    if said is None:
        yield "statement", "definition: want a calibration said before, got another digest"
        return
    if stated.name != said:
        yield "statement", f"name: want {said!r} as the calibration's, got {stated.name!r}"
    yield from _check_inputs(home, stated.inputs, stated.as_of, idx)
    try:
        calibration = load_calibration(home, stated.definition_sha256)
        feed = calibration.feed
        feeds = (feed, calibration.reference_feed)
        if {i.feed for i in stated.inputs} - {feed}:
            yield "statement", f"inputs: want {feed} alone, got {', '.join(i.feed for i in stated.inputs)}"
        simulated = is_any_simulated(home, feeds, before=idx)
        if simulated != stated.simulated:
            yield "statement", f"simulated: want {simulated} as its feeds are, got {stated.simulated}"
        starts = [w.start for _, w in withdrawals(home, calibration.sha256, before=idx)]
        if starts and min(starts) <= time_text(calibration.from_us):
            yield "withdrawn", "want a calibration in force, got one that was taken back before this entry"
        up_to = max((i.up_to_batch for i in stated.inputs), default=-1)
        frame = corrected_frame(home, calibration, up_to, before=idx)
    except UNREADABLE as exc:
        yield "rows corrected again", one_line(exc)
        return
    made = frame.height, frame_digest(frame)
    if made != (stated.output.rows, stated.output.sha256):
        want = f"{stated.output.rows} rows of digest {stated.output.sha256[:16]}"
        yield "rows corrected again", f"want {want}, got {made[0]} of {made[1][:16]}"


def check_withdrawal(home: Home, stated: Withdraw, idx: int) -> Iterator[Found]:
    """Yield what is not as the statement of a withdrawal, log entry ``idx``, says."""
    name = _documents(home, idx).get(stated.document_sha256)
    if name is None:
        yield "statement", "document: want a calibration said before, got another digest"
    elif name != stated.name:
        yield "statement", f"name: want {name!r} as the calibration's, got {stated.name!r}"


def _documents(home: Home, before: int) -> dict[str, str]:
    return {
        str(p["document"]): str(p["name"])
        for idx, p in home.index.predicates("calibrate")
        if idx < before
    }  # fmt: skip


def _check_inputs(home: Home, inputs: tuple[Input, ...], as_of: str | None, idx: int) -> Iterator[Found]:
    until = None if as_of is None else parse_time("as_of", as_of)
    for i in inputs:
        digest = snapshot_digest(home, i.feed, i.up_to_batch)
        if digest != i.sha256:
            yield "input", f"{i.feed}: want snapshot {i.sha256[:16]}, got {digest[:16]}"
        known = _known(home, i.feed, until, idx)
        if known != i.up_to_batch:
            when = as_of or "the time of its statement"
            yield (
                "statement",
                f"input {i.feed}: want batches up to {known}, known at {when}, got {i.up_to_batch}",
            )


def _known(home: Home, feed: str, as_of: datetime | None, idx: int) -> int:
    """Return the last batch of a feed in the log before entry ``idx``, received by ``as_of``; -1 if none."""
    return max(
        (
            row.batch
            for row in home.index.batches(feed)
            if row.idx < idx and (as_of is None or parse_time("received_at", row.received_at) <= as_of)
        ),
        default=-1,
    )


def _definition(home: Home, sha256: str) -> Definition:
    text = home.objects.get(definition_path(sha256))
    digest = hashlib.sha256(text).hexdigest()
    if digest != sha256:
        raise EvidenceMismatch(f"definition: want sha256 {sha256[:16]}, got {digest[:16]}")
    return parse_definition(text)


def _document(home: Home, stated: Calibrate) -> bytes:
    text = home.objects.get(document_path(stated.document_sha256))
    digest = hashlib.sha256(text).hexdigest()
    if digest != stated.document_sha256:
        raise EvidenceMismatch(f"document: want sha256 {stated.document_sha256[:16]}, got {digest[:16]}")
    return text


def _difference(made: Calibration, kept: bytes) -> str:
    """Say where the document made again first differs from the one kept."""
    at = next((i for i, (a, b) in enumerate(zip(made.text, kept, strict=False)) if a != b), 0)
    want, got = (text[max(at - 30, 0) : at + 30].decode("utf-8", "replace") for text in (kept, made.text))
    return f"want document {hashlib.sha256(kept).hexdigest()[:16]}, got {made.sha256[:16]}: …{want}…, …{got}…"
