"""One run of a system audited: what went in, what came out, and the same decided again."""

from collections.abc import Iterator
from typing import Any

from veracity.home.clock import parse_time
from veracity.home.home import Home
from veracity.home.models.decisions import decisions_path
from veracity.home.models.kept_rows import read_rows, rows_digest, rows_text
from veracity.home.models.known import Known
from veracity.home.models.of_system import said_of
from veracity.home.models.received import Received
from veracity.home.models.registry import load_model
from veracity.home.models.running import seen_panel
from veracity.home.models.times_audit import dated_ahead
from veracity.home.table_audit import UNREADABLE, one_line
from veracity.models.app import App
from veracity.models.bundle import Estimators, load
from veracity.models.decision_rows import check_rows, decision_pages, in_order, rung_counts
from veracity.models.panel_array import PanelArray
from veracity.provenance.statements import Decide, Input


def check_run(
    home: Home, received: Received, decide: Decide, idx: int, app: App | None, *, again: bool
) -> Iterator[tuple[str, str]]:
    """Yield (what, detail) of all that is not as a run's statement, log entry ``idx``, says.

    Parameters
    ----------
    received
        Of the home.
    app
        The app; None where it is not installed: its targets and its ladder are not known then.
    again
        Whether to decide again: the app has the very code that the statement names.
    """
    yield from check_inputs(received, decide.inputs, idx, decide.made_at)
    yield from _check_release(home, decide, idx)
    try:
        rows = read_rows(home, decisions_path(decide), decide.output)
    except UNREADABLE as exc:
        yield "decisions", one_line(exc)
        return
    root = decision_pages(rows)[1].root.hex()
    if root != decide.evidence.root:
        yield "pages", f"want root {decide.evidence.root[:16]}, got {root[:16]}"
    if (rungs := rung_counts(rows)) != decide.rungs:
        yield "rungs", f"want {decide.rungs}, got {rungs}"
    targets = rows["target"].unique() if app is None else app.targets
    ladder = rows["rung"].unique() if app is None else [r.name for r in app.ladder]
    try:
        check_rows(rows, list(targets), list(ladder), parse_time("made_at", decide.made_at))
        if app is not None and again:
            yield from _decide_again(home, app, decide)
    except UNREADABLE as exc:
        yield "decided again", one_line(exc)


def check_inputs(
    received: Received, inputs: tuple[Input, ...], idx: int, said_at: str
) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with snapshots read by log entry ``idx``, which says its time is ``said_at``.

    Each is of the digest that it says and was in the log before; and no batch that was in the log before came
    in later than the statement says of itself, nor one after it earlier: it was not dated back or ahead.
    """
    for one in inputs:
        feed = received.of(one.feed)
        if not feed.is_before(one.up_to_batch, idx):
            yield "input", f"{one.feed}: want batches in the log before entry {idx}, got {one.up_to_batch}"
        if (digest := feed.snapshot_digest(one.up_to_batch)) != one.sha256:
            yield "input", f"{one.feed}: want snapshot {one.sha256[:16]}, got {digest[:16]}"
        newest = feed.newest_before(idx)
        if newest is not None and newest.received_at > said_at:
            yield (
                "time",
                f"want it after batch {newest.batch} of {one.feed} ({newest.received_at}), got {said_at}",
            )
        elif newest is not None and newest.batch != one.up_to_batch:
            yield "input", f"{one.feed}: want all that was known, up to {newest.batch}, got {one.up_to_batch}"
        yield from dated_ahead(feed.next_after(idx), said_at)


def _decide_again(home: Home, app: App, decide: Decide) -> Iterator[tuple[str, str]]:
    made_at = parse_time("made_at", decide.made_at)
    known = Known.of(home, app, decide.inputs)
    simulated = known.simulated
    if simulated != decide.simulated:
        yield "statement", f"simulated: want {simulated} as its feeds are, got {decide.simulated}"
    frame = seen_panel(known, made_at)
    if (seen := rows_digest(frame)) != decide.input:
        yield "panel made again", f"want {rows_text(decide.input)}, got {rows_text(seen)}"
        return
    panel = PanelArray.from_frame(frame, known.panel.key, app.attributes)
    options: list[Estimators] = [{}]
    if decide.model_sha256 is not None:
        options = [load(load_model(home, decide.model_sha256)), {}]
    made = [rows_digest(in_order(app.decide(panel, one, made_at))) for one in options]
    if decide.output not in made:
        yield "decided again", f"want {rows_text(decide.output)}, got {rows_text(made[0])}"


def _check_release(home: Home, decide: Decide, idx: int) -> Iterator[tuple[str, str]]:
    said = [(at, p) for at, p in said_of(home, "release", decide.system) if at < idx]
    serving = said[-1] if said and said[-1][1]["action"] != "stop" else None
    want = None if serving is None else (serving[0], serving[1]["model"], serving[1]["stage"])
    got = None if decide.release is None else (decide.release, decide.model_sha256, decide.stage)
    if got is not None and want != got:
        yield "release", f"want that in force, {_release(want)}, got {_release(got)}"


def _release(one: tuple[Any, ...] | None) -> str:
    return "none" if one is None else f"entry {one[0]}, model {str(one[1])[:16]}, {one[2]}"
