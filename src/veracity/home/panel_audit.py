"""A panel's statement audited: its definition and inputs are those it says, and give what it says."""

import hashlib
from collections.abc import Iterator
from datetime import datetime

from veracity.data.digest import frame_digest
from veracity.data.errors import EvidenceMismatch
from veracity.data.panel_definition import Panel, parse_panel
from veracity.home.clock import parse_time
from veracity.home.home import Home
from veracity.home.panels import is_any_simulated, panel_frame, panel_path, snapshot_digest
from veracity.home.table_audit import UNREADABLE, one_line
from veracity.provenance.statements import Transform


def check_panel(home: Home, stated: Transform, idx: int) -> Iterator[tuple[str, str]]:
    """Yield (what, detail) of all that is not as the panel's statement, log entry ``idx``, says."""
    for i in stated.inputs:
        digest = snapshot_digest(home, i.feed, i.up_to_batch)
        if digest != i.sha256:
            yield "input", f"{i.feed}: want snapshot {i.sha256[:16]}, got {digest[:16]}"
    try:
        panel = _definition(home, stated)
        yield from _check_said(home, panel, stated, idx)
        up_to = dict.fromkeys(panel.feeds, -1) | {i.feed: i.up_to_batch for i in stated.inputs}
        frame = panel_frame(home, panel, up_to)
    except UNREADABLE as exc:
        yield "panel made again", one_line(exc)
        return
    made = frame.height, frame_digest(frame)
    if made != (stated.output.rows, stated.output.sha256):
        want = f"{stated.output.rows} rows of digest {stated.output.sha256[:16]}"
        yield "panel made again", f"want {want}, got {made[0]} of {made[1][:16]}"


def _definition(home: Home, stated: Transform) -> Panel:
    text = home.objects.get(panel_path(stated.definition_sha256))
    digest = hashlib.sha256(text).hexdigest()
    if digest != stated.definition_sha256:
        raise EvidenceMismatch(f"definition: want sha256 {stated.definition_sha256[:16]}, got {digest[:16]}")
    return parse_panel(text)


def _check_said(home: Home, panel: Panel, stated: Transform, idx: int) -> Iterator[tuple[str, str]]:
    """Yield what the statement says of the panel that its definition and the log before it do not."""
    if panel.name != stated.name:
        yield "statement", f"name: want {panel.name!r} as the definition says, got {stated.name!r}"
    simulated = is_any_simulated(home, panel.feeds, before=idx)
    if simulated != stated.simulated:
        yield "statement", f"simulated: want {simulated} as its feeds are, got {stated.simulated}"
    as_of = None if stated.as_of is None else parse_time("as_of", stated.as_of)
    want = {feed: _known(home, feed, as_of, idx) for feed in panel.feeds}
    got = {i.feed: i.up_to_batch for i in stated.inputs}
    if len(got) != len(stated.inputs):
        yield "statement", f"inputs: want each feed once, got {len(stated.inputs)} of {len(got)} feeds"
    for feed in sorted(want.keys() | got.keys()):
        if want.get(feed, -1) != got.get(feed, -1) or feed not in want:
            as_said = stated.as_of or "the time of its statement"
            yield (
                "statement",
                f"input {feed}: want batches up to {want.get(feed)}, known at {as_said}, got {got.get(feed)}",
            )


def _known(home: Home, feed: str, as_of: datetime | None, idx: int) -> int:
    """Return the last batch of a feed in the log before entry ``idx``, received by ``as_of``; -1 if none."""
    known = -1
    for row in home.index.batches(feed):
        if row.idx < idx and (as_of is None or parse_time("received_at", row.received_at) <= as_of):
            known = max(known, row.batch)
    return known
