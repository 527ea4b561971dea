"""What an audit asks of models: that each is what its statement says, and that each release was by right.

The panel is made again and its rows compared; the model itself is trained again only by ``reproduce``.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from veracity.data.panel_definition import parse_panel
from veracity.errors import VeracityError
from veracity.home.clock import parse_time
from veracity.home.home import Home
from veracity.home.models.gate_checks import (
    check_approval,
    check_card_kept,
    check_model,
    check_reports,
    check_stage_order,
)
from veracity.home.models.registry import load_model
from veracity.home.models.request import ReleaseRequest
from veracity.home.models.said import read_said
from veracity.home.models.stages import changes, served_before
from veracity.home.models.times_audit import check_release_time
from veracity.home.panel_audit import check_panel
from veracity.home.panels import panel_path
from veracity.home.table_audit import UNREADABLE, Found, one_line
from veracity.models.bundle import load
from veracity.models.description import Description
from veracity.provenance.statements import Release, Train, Transform


@dataclass(frozen=True)
class ModelsAudited:
    """How many models and releases were looked at, and what is not as the log says."""

    models: int
    releases: int
    findings: tuple[Found, ...]


def audit_models(home: Home, feeds: Sequence[str] | None = None) -> ModelsAudited:
    """Audit every model and every release, or only the models that learned from some feeds."""
    found: list[Found] = []
    n_models = n_releases = 0
    for idx, p in home.index.predicates("train"):
        if feeds is None or {i["feed"] for i in p["inputs"]} & set(feeds):
            n_models += 1
            where = f"model {p['name']} (log entry {idx})"
            found += [(where, what, detail) for what, detail in _of_train(home, idx)]
    for idx, p in home.index.predicates("release") if feeds is None else ():
        n_releases += 1
        where = f"{p['action']} of {p['system']} (log entry {idx})"
        found += [(where, what, detail) for what, detail in _of_release(home, idx)]
    return ModelsAudited(n_models, n_releases, tuple(found))


def check_train(home: Home, stated: Train, idx: int) -> Iterator[tuple[str, str]]:
    """Yield (what, detail) of all that is not as a model's statement, log entry ``idx``, says."""
    panel = parse_panel(home.objects.get(panel_path(stated.definition_sha256)))
    as_panel = Transform(
        panel.name, stated.definition_sha256, stated.inputs, stated.rows, stated.simulated, stated.as_of
    )
    yield from check_panel(home, as_panel, idx)
    model = load_model(home, stated.model_sha256)
    load(model)  # what was learned can be read
    described = Description.of(model)
    for name in (
        *("name", "definition_sha256", "inputs", "rows", "as_of", "seed", "code_sha256"),
        *("trained_at", "simulated", "personal"),
    ):
        want, got = getattr(described, name), getattr(stated, name)
        if want != got:
            yield "statement", f"{name}: want {want}, as model.json says, got {got}"[:300]


def check_release(home: Home, stated: Release, idx: int) -> Iterator[tuple[str, str]]:
    """Yield (what, detail) of all that was not by right with a change of what serves, log entry ``idx``."""
    said = changes(home, stated.system, idx)
    last = said[-1] if said else None
    if stated.replaces != (last[0] if last else None):
        yield "statement", f"replaces: want entry {last[0] if last else None}, got {stated.replaces}"
    yield from check_release_time(home, stated, idx)
    yield from _tried("approval", lambda: check_approval(home, stated, idx, is_new=True))
    if stated.action == "stop":
        if last is None or last[1]["action"] == "stop" or last[1]["model"] != stated.model_sha256:
            yield "statement", "model: want the one that served, got another"
        return
    if stated.action == "roll-back":
        before = served_before(said)
        if before is None or before[1]["model"] != stated.model_sha256:
            yield "statement", "model: want the one that served before, got another"
    yield from _tried("model", lambda: check_model(home, stated.system, stated.model_sha256, idx))
    yield from _tried("card", lambda: check_card_kept(home, stated.card_sha256))
    yield from _tried("gate", lambda: _check_order(home, stated, idx))


def _check_order(home: Home, stated: Release, idx: int) -> None:
    reports = check_reports(home, stated.model_sha256, stated.reports, stated.stage, idx)
    now = parse_time("released_at", stated.released_at)
    check_stage_order(home, ReleaseRequest.of_release(stated), reports, now, idx)


def _of_train(home: Home, idx: int) -> Iterator[tuple[str, str]]:
    try:
        yield from check_train(home, read_said(home, idx, Train), idx)
    except UNREADABLE as exc:
        yield "model", one_line(exc)


def _of_release(home: Home, idx: int) -> Iterator[tuple[str, str]]:
    try:
        yield from check_release(home, read_said(home, idx, Release), idx)
    except UNREADABLE as exc:
        yield "release statement", one_line(exc)


def _tried(what: str, check: Callable[[], object]) -> Iterator[tuple[str, str]]:
    try:
        check()
    except VeracityError as exc:
        yield what, one_line(exc)
