"""Decisions, outcomes and overrides audited: made again from what the log says went in, and compared.

What stands in the log and the store can always be checked: order, times, digests, pages, rungs, approvals. To
decide and to score again takes the app, with the very code that the statement names; where that is not
installed the audit says so, and calls it neither right nor wrong.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import numpy as np
import polars as pl

from veracity.home.clock import parse_time
from veracity.home.home import Home
from veracity.home.models.decisions import decisions_path
from veracity.home.models.engine import code_sha256
from veracity.home.models.kept_rows import read_rows, rows_digest
from veracity.home.models.known import Known
from veracity.home.models.matched import Runs, make, outcomes_path, past_scorings, scores_path
from veracity.home.models.of_system import said_of
from veracity.home.models.registry import load_model
from veracity.home.models.running import seen_panel
from veracity.home.models.said import read_said
from veracity.home.models.times_audit import dated_ahead, left_unscored
from veracity.home.panels import snapshot_digest
from veracity.home.table_audit import UNREADABLE, Found, one_line
from veracity.models.app import App
from veracity.models.bundle import Estimators, load
from veracity.models.decision_rows import check_rows, decision_line, decision_pages, in_order, rung_counts
from veracity.models.matching import MATCHED, MISSING
from veracity.models.panel_array import Bools, PanelArray
from veracity.provenance.statements import Decide, Input, Outcome, Override

FindApp = Callable[[str], App | None]  #: None for an app that is not installed


@dataclass
class DecisionAudit:
    """An audit of all systems of a home.

    Attributes
    ----------
    home, find
        The home, and where apps are found.
    runs, scorings, overrides
        How many statements of each were looked at.
    unchecked
        What could not be made again, and why.
    """

    home: Home
    find: FindApp
    runs: int = 0
    scorings: int = 0
    overrides: int = 0
    unchecked: list[str] = field(default_factory=list)

    def check(self) -> Iterator[Found]:
        """Yield (where, what, detail) of all that is not as the log says."""
        kinds = ("decide", "outcome", "override")
        named = (p.get("system") for kind in kinds for _, p in self.home.index.predicates(kind))
        for system in sorted({str(name) for name in named}):
            app = self.find(system)
            yield from self._runs(system, app)
            yield from self._scorings(system, app)
            yield from self._overrides(system)

    def _runs(self, system: str, app: App | None) -> Iterator[Found]:
        before: str | None = None
        for run, (idx, _) in enumerate(said_of(self.home, "decide", system)):
            where = f"{system} run {run} (log entry {idx})"
            self.runs += 1
            try:
                decide = read_said(self.home, idx, Decide)
                if decide.run != run:
                    yield where, "run", f"want number {run}, got {decide.run}"
                if before is not None and decide.made_at < before:
                    yield where, "time", f"want it not before the run before ({before}), got {decide.made_at}"
                before = decide.made_at
                yield from ((where, *found) for found in self._run(decide, idx, app))
            except UNREADABLE as exc:
                yield where, "decide statement", one_line(exc)

    def _run(self, decide: Decide, idx: int, app: App | None) -> Iterator[tuple[str, str]]:
        yield from check_inputs(self.home, decide.inputs, idx, decide.made_at)
        yield from self._check_release(decide, idx)
        try:
            rows = read_rows(self.home, decisions_path(decide), decide.output)
        except UNREADABLE as exc:
            yield "decisions", one_line(exc)
            return
        root = decision_pages(rows)[1].root.hex()
        if root != decide.evidence.root:
            yield "pages", f"want root {decide.evidence.root[:16]}, got {root[:16]}"
        if (rungs := rung_counts(rows)) != decide.rungs:
            yield "rungs", f"want {decide.rungs}, got {rungs}"
        made_at = parse_time("made_at", decide.made_at)
        targets = rows["target"].unique() if app is None else app.targets
        ladder = rows["rung"].unique() if app is None else [r.name for r in app.ladder]
        is_same = app is not None and self._is_same(
            app, decide.code_sha256, f"{decide.system} run {decide.run}"
        )
        try:
            check_rows(rows, list(targets), list(ladder), made_at)
            if app is not None and is_same:
                yield from self._decide_again(app, decide)
        except UNREADABLE as exc:
            yield "decided again", one_line(exc)
        if app is None:
            self.unchecked.append(f"{decide.system} run {decide.run}: the app is not installed here")

    def _is_same(self, app: App, code: str, where: str) -> bool:
        """Whether the app here has the code that a statement names; if not, note it."""
        if (have := code_sha256(app.code)) == code:
            return True
        self.unchecked.append(f"{where}: made by code {code[:16]}, here is {have[:16]}")
        return False

    def _decide_again(self, app: App, decide: Decide) -> Iterator[tuple[str, str]]:
        made_at = parse_time("made_at", decide.made_at)
        known = Known.of(self.home, app, decide.inputs)
        simulated = known.simulated
        if simulated != decide.simulated:
            yield "statement", f"simulated: want {simulated} as its feeds are, got {decide.simulated}"
        frame = seen_panel(known, made_at)
        if (seen := rows_digest(frame)) != decide.input:
            yield "panel made again", f"want {_told(decide.input)}, got {_told(seen)}"
            return
        panel = PanelArray.from_frame(frame, known.panel.key, app.attributes)
        options: list[Estimators] = [{}]
        if decide.model_sha256 is not None:
            options = [load(load_model(self.home, decide.model_sha256)), {}]
        made = [rows_digest(in_order(app.decide(panel, one, made_at))) for one in options]
        if decide.output not in made:
            yield "decided again", f"want {_told(decide.output)}, got {_told(made[0])}"

    def _check_release(self, decide: Decide, idx: int) -> Iterator[tuple[str, str]]:
        said = [(at, p) for at, p in said_of(self.home, "release", decide.system) if at < idx]
        serving = said[-1] if said and said[-1][1]["action"] != "stop" else None
        want = None if serving is None else (serving[0], serving[1]["model"], serving[1]["stage"])
        got = None if decide.release is None else (decide.release, decide.model_sha256, decide.stage)
        if got is not None and want != got:
            yield "release", f"want that in force, {_release(want)}, got {_release(got)}"

    def _scorings(self, system: str, app: App | None) -> Iterator[Found]:
        runs = Runs.of(self.home, system)
        try:
            said = past_scorings(self.home, system)
        except UNREADABLE as exc:
            yield f"scoreboard of {system}", "outcome statement", one_line(exc)
            return
        settled: dict[int, Bools] = {}
        for number, (idx, outcome) in enumerate(said):
            where = f"{system} scoring {number} (log entry {idx})"
            self.scorings += 1
            last = said[number - 1][1] if number else None
            yield from ((where, *f) for f in _check_chain(outcome, number, last))
            yield from ((where, *f) for f in check_inputs(self.home, outcome.inputs, idx, outcome.scored_at))
            try:
                rows = read_rows(self.home, outcomes_path(outcome), outcome.outcomes)
                read_rows(self.home, scores_path(outcome), outcome.scores)
                yield from ((where, *f) for f in _check_once(rows, settled))
                if app is None:
                    self.unchecked.append(f"{system} scoring {number}: the app is not installed here")
                elif self._is_same(app, outcome.code_sha256, f"{system} scoring {number}"):
                    known = Known.of(self.home, app, outcome.inputs)
                    until = parse_time("until", outcome.until)
                    made = make(self.home, app, runs, known, said[:number], until, idx)
                    yield from (
                        (where, *f) for f in _compare(outcome, made.outcomes, made.lines, made.counts)
                    )
            except UNREADABLE as exc:
                yield where, "scored again", one_line(exc)
        yield from left_unscored(self.home, system, said[-1][1] if said else None, settled)

    def _overrides(self, system: str) -> Iterator[Found]:
        for idx, _ in said_of(self.home, "override", system):
            where = f"{system} override (log entry {idx})"
            self.overrides += 1
            try:
                said = read_said(self.home, idx, Override)
                yield from ((where, *f) for f in self._override(said, idx))
            except UNREADABLE as exc:
                yield where, "override", one_line(exc)

    def _override(self, said: Override, idx: int) -> Iterator[tuple[str, str]]:
        at = parse_time("overridden_at", said.overridden_at)
        self.home.agencies().check_officer(said.approval, "override", idx, at)
        runs = said_of(self.home, "decide", said.system)
        if said.run >= len(runs) or runs[said.run][0] >= idx:
            yield "decision", f"want a run before log entry {idx}, got run {said.run}"
            return
        decide = read_said(self.home, runs[said.run][0], Decide)
        rows = read_rows(self.home, decisions_path(decide), decide.output)
        digest = _line_digest(rows, said.record)
        if digest != said.decision_sha256:
            yield "decision", f"want {said.decision_sha256[:16]} at record {said.record}, got {digest[:16]}"
        elif rows["due"][said.record] <= at:
            yield "time", f"want it before the outcome is due ({rows['due'][said.record]}), got {at}"


def check_inputs(home: Home, inputs: tuple[Input, ...], idx: int, said_at: str) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with snapshots read by log entry ``idx``, which says its time is ``said_at``.

    Each is of the digest that it says and was in the log before; and no batch that was in the log before came
    in later than the statement says of itself, nor one after it earlier: it was not dated back or ahead.
    """
    for one in inputs:
        batches = {row.batch: row for row in home.index.batches(one.feed)}
        if one.up_to_batch not in batches or batches[one.up_to_batch].idx >= idx:
            yield "input", f"{one.feed}: want batches in the log before entry {idx}, got {one.up_to_batch}"
        if (digest := snapshot_digest(home, one.feed, one.up_to_batch)) != one.sha256:
            yield "input", f"{one.feed}: want snapshot {one.sha256[:16]}, got {digest[:16]}"
        before = [row for row in batches.values() if row.idx < idx]
        newest = max(before, key=lambda row: row.batch, default=None)
        if newest is not None and newest.received_at > said_at:
            yield (
                "time",
                f"want it after batch {newest.batch} of {one.feed} ({newest.received_at}), got {said_at}",
            )
        elif newest is not None and newest.batch != one.up_to_batch:
            yield "input", f"{one.feed}: want all that was known, up to {newest.batch}, got {one.up_to_batch}"
        yield from dated_ahead(one.feed, (row for row in batches.values() if row.idx > idx), said_at)


def _check_chain(outcome: Outcome, number: int, last: Outcome | None) -> Iterator[tuple[str, str]]:
    if outcome.number != number:
        yield "number", f"want {number}, got {outcome.number}"
    want = None if last is None else last.scores.sha256
    if outcome.before != want:
        yield "before", f"want {str(want)[:16]}, got {str(outcome.before)[:16]}"
    if last is not None and outcome.until <= last.until:
        yield "until", f"want it after {last.until}, got {outcome.until}"


def _check_once(rows: pl.DataFrame, settled: dict[int, Bools]) -> Iterator[tuple[str, str]]:
    """Check that no decision is settled that was before; take in those that are: a byte each, by run."""
    own = rows.filter(pl.col("state").is_in([MATCHED, MISSING]))
    n_again = 0
    for (run,), of_run in own.partition_by("run", as_dict=True).items():
        records = of_run["record"].to_numpy()
        had = settled.get(int(run), np.zeros(0, np.bool_))
        grown = np.zeros(max(len(had), int(records.max()) + 1), np.bool_)
        grown[: len(had)] = had
        n_again += int(grown[records].sum()) + len(records) - len(np.unique(records))
        grown[records] = True
        settled[int(run)] = grown
    if n_again:
        yield "outcomes", f"want each decision settled once, got {n_again} again"


def _compare(
    said: Outcome, outcomes: pl.DataFrame, lines: pl.DataFrame, counts: Any
) -> Iterator[tuple[str, str]]:
    for what, want, got in (
        ("outcomes made again", said.outcomes, rows_digest(outcomes)),
        ("scores made again", said.scores, rows_digest(lines)),
    ):
        if want != got:
            yield what, f"want {_told(want)}, got {_told(got)}"
    if said.counts != counts:
        yield "counts", f"want {counts.to_object()}, got {said.counts.to_object()}"


def _line_digest(rows: pl.DataFrame, record: int) -> str:
    return sha256(decision_line(rows, record)).hexdigest() if record < rows.height else "no such record"


def _told(said: Any) -> str:
    return f"{said.rows:,} rows of digest {said.sha256[:16]}"


def _release(one: tuple[Any, ...] | None) -> str:
    return "none" if one is None else f"entry {one[0]}, model {str(one[1])[:16]}, {one[2]}"
