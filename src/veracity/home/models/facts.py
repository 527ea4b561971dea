"""All that a home knows of a model and its system, gathered from log, objects and the app's declaration.

What a statement says is read from the log itself, proven and signed; counts of runs and batches come from the
index. Asked for an earlier size of the log, later entries are as if they were not there.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import polars as pl

from veracity.data.contract import Contract
from veracity.data.errors import MalformedContract
from veracity.data.plain_yaml import parse_yaml
from veracity.home.errors import BadName, StateBehind
from veracity.home.home import Home
from veracity.home.models.bounded import MAX_TEXT_BYTES, get_bounded
from veracity.home.models.gate_checks import report_path
from veracity.home.models.of_system import said_of
from veracity.home.models.registry import ModelRow, load_model
from veracity.home.models.said import Stated, read_said
from veracity.home.models.scoreboard import score_lines
from veracity.log.errors import ObjectMissing
from veracity.models.app import App
from veracity.models.assured import read_tests
from veracity.models.facts import (
    FeedKnown,
    Known,
    OfficerKnown,
    ReportKnown,
    RunsKnown,
    Said,
    ScoreKnown,
)
from veracity.models.scoreboard import LINES, SCORES, summary
from veracity.provenance.statements import Assure, Incident, Input, Outcome, Override, Release

T = TypeVar("T", bound=Stated)
_CONTRACT_BYTES = 262_144
_LICENCE = ("license", "licence")


def gather(home: Home, app: App, row: ModelRow, size: int | None = None) -> Known:
    """Return what is known of a model, by default now.

    Parameters
    ----------
    row
        The model, as the registry has it.
    size
        How many entries of the log to look at.

    Raises
    ------
    BadName
        If there are not so many entries, or the model was trained after them.
    ModelAltered
        If the model's files are not as they were signed.
    StateBehind
        If an object that a statement names is not what it names.
    """
    size = home.index.size if size is None else size
    if not row.idx < size <= home.index.size:
        raise BadName(f"size: want {row.idx + 1} to {home.index.size} entries of the log, got {size}")
    files = _files(home, row.sha256)
    return Known(
        origin=home.directory.origin,
        size=size,
        app=app,
        app_sha256=app.code(),
        train=Said(row.idx, row.train),
        description=files[0],
        files=files[1],
        feeds=tuple(_feed(home, i, row.idx) for i in row.train.inputs),
        reports=tuple(_reports(home, row.sha256, size)),
        releases=_said(home, "release", app.name, Release, size),
        runs=_runs(home, app.name, size),
        outcomes=_said(home, "outcome", app.name, Outcome, size),
        scores=tuple(_scores(home, app.name, size)),
        overrides=_said(home, "override", app.name, Override, size),
        incidents=_said(home, "incident", app.name, Incident, size),
        officers=tuple(_officers(home, size)),
    )


def _files(home: Home, sha256: str) -> tuple[Mapping[str, Any], Mapping[str, int]]:
    """Return ``model.json`` and the files' sizes; nothing where the store holds none of the model's files."""
    if not any(home.objects.list(f"models/{sha256}")):
        return {}, {}
    model = load_model(home, sha256)
    return model.description, {name: len(body) for name, body in model.files.items()}


def _said(home: Home, kind: str, system: str, form: type[T], size: int) -> tuple[Said[T], ...]:
    return tuple(Said(i, read_said(home, i, form)) for i, _ in said_of(home, kind, system) if i < size)


def _feed(home: Home, used: Input, before: int) -> FeedKnown:
    """Return what is known of a feed as it was used: its contract then, and its batches up to the last."""
    said = [(i, p) for i, p in home.index.predicates("contract", used.feed) if i < before]
    if not said:
        raise StateBehind(f"feed {used.feed}: want its contract before log entry {before}, got none")
    idx, predicate = said[-1]
    contract = home.contract(str(predicate["sha256"]))
    batches = [b for b in home.index.batches(used.feed) if b.batch <= used.up_to_batch]
    about = _about(contract)
    return FeedKnown(
        feed=used.feed,
        contract_idx=idx,
        contract_sha256=contract.sha256,
        version=contract.version,
        title=contract.title,
        agency=contract.agency or "no agency",
        description=about[0],
        licence=about[1],
        n_columns=len(contract.fields),
        n_rules=len(contract.rules) + sum(len(f.rules) for f in contract.fields),
        n_personal=len(contract.personal),
        simulated=contract.simulated,
        batches=len(batches),
        received=sum(b.received for b in batches),
        accepted=sum(b.accepted for b in batches),
        quarantined=sum(b.quarantined for b in batches),
        refused=sum(b.refused for b in batches),
        up_to_batch=used.up_to_batch,
        snapshot_sha256=used.sha256,
        last_idx=batches[-1].idx if batches else None,
    )


def _about(contract: Contract) -> tuple[dict[str, str], str]:
    """Return a contract's own description, and the licence that it names; empty where it names none."""
    text = parse_yaml(contract.text, "contract", _CONTRACT_BYTES, MalformedContract)
    described = text.get("description")
    told = {str(k): str(v) for k, v in described.items()} if isinstance(described, dict) else {}
    listed = text.get("customProperties")
    custom = listed if isinstance(listed, list) else []
    licences = [str(p["value"]) for p in custom if isinstance(p, dict) and p.get("property") in _LICENCE]
    return told, licences[0] if licences else ""


def _reports(home: Home, sha256: str, size: int) -> Iterator[ReportKnown]:
    for idx, predicate in home.index.predicates("assure"):
        if predicate["model"] == sha256 and idx < size:
            said = Said(idx, read_said(home, idx, Assure))
            try:
                body = get_bounded(home, report_path(said.it.report_sha256), MAX_TEXT_BYTES)
            except ObjectMissing:
                yield ReportKnown(said, ())
                continue
            yield ReportKnown(said, read_tests(body, said.it.report_sha256))


def _runs(home: Home, system: str, size: int) -> RunsKnown:
    said = [(i, p) for i, p in said_of(home, "decide", system) if i < size]
    rungs = Counter[str]()
    for _, predicate in said:
        rungs.update(predicate["rungs"])
    return RunsKnown(
        n=len(said),
        decisions=sum(int(p["output"]["rows"]) for _, p in said),
        first=said[0][0] if said else None,
        last=said[-1][0] if said else None,
        last_made_at=str(said[-1][1]["made_at"]) if said else None,
        rungs=dict(rungs),
    )


def _scores(home: Home, system: str, size: int) -> Iterator[ScoreKnown]:
    lines = [rows for (idx, _), rows in score_lines(home, system) if idx < size]
    if not lines:
        return
    told = summary(pl.concat([pl.DataFrame(schema=LINES), *lines]), ["target", "horizon_s"])
    for row in told.iter_rows(named=True):
        scores = {name: row[name] for name in SCORES if row[name] is not None}
        yield ScoreKnown(row["model"], row["target"], row["horizon_s"], row["n"], scores)


def _officers(home: Home, size: int) -> Iterator[OfficerKnown]:
    for key in home.agencies().enrolled():
        is_now = key.enrolled_at < size and (key.ended_at is None or key.ended_at >= size)
        if key.role == "officer" and is_now:
            yield OfficerKnown(key.enrolled_at, key.person or key.name, key.duties)
