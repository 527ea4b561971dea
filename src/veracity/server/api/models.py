"""Models, as the public register has them: ``GET /models``, ``/models/{model}`` and its card."""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from veracity import apps
from veracity.errors import VeracityError
from veracity.home.home import Home
from veracity.home.models.cards import read as read_card
from veracity.home.models.gate_checks import check_card_kept, report_path
from veracity.home.models.incidents import incidents
from veracity.home.models.of_system import said_of
from veracity.home.models.said import read_said
from veracity.home.models.stages import in_force
from veracity.models.assurance.report import parse_report
from veracity.provenance.statements import Approve, Assure, Override, Release, Train
from veracity.server.api.model_shapes import (
    Approval,
    FullAssurance,
    IncidentShape,
    Input,
    ModelLine,
    ModelShape,
    OverrideShape,
    TestResult,
)
from veracity.server.api.routing import ReadingRoute
from veracity.server.api.shapes import Page, json_body
from veracity.server.api.sharing import CityState
from veracity.server.api.state import MemoryState
from veracity.server.errors import NotThere

MAX_OVERRIDES = 500

ROUTER = APIRouter(tags=["models"], route_class=ReadingRoute)
ModelName = Annotated[
    str, Path(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$", description="A model's name, or its digest.")
]


@ROUTER.get("/models", response_model=Page[ModelLine])
def list_models(request: Request, city: CityState, memory: MemoryState) -> Response:
    """Every model that was trained, newest first: whether it serves, who let it, how it was tested."""

    def make(home: Home) -> Page[ModelLine]:
        said = {str(p["model"]): idx for idx, p in home.index.predicates("train")}
        return Page[ModelLine](
            items=[ModelLine(**_line(home, idx)) for idx in sorted(said.values(), reverse=True)]
        )

    return memory.answer(request, city, make, None)


@ROUTER.get("/models/{model}", response_model=ModelShape)
def show_model(request: Request, city: CityState, memory: MemoryState, model: ModelName) -> Response:
    """One model, by its digest or, the last of that name, by its name."""
    return memory.answer(request, city, lambda home: _model(home, model), None)


@ROUTER.get("/models/{model}/card", response_model=dict[str, Any])
def show_card(request: Request, city: CityState, model: ModelName) -> Response:
    """The card of a model, as it was approved (veracity.card/v1)."""
    with city.home() as home:
        line = _line(home, _find(home, model))
        digest = _card_digest(home, line)
        if digest is None:
            raise NotThere(f"card: want a model that was released, got {model!r}")
        body = check_card_kept(home, digest)
    by_digest = model == line["model"]
    return json_body(
        request, body, "public, max-age=300" if by_digest else "public, max-age=0, must-revalidate"
    )


def _find(home: Home, model: str) -> int:
    """Return the log entry of a model's training; ``NotThere`` if there is none of this name or digest."""
    said = home.index.predicates("train")
    found = [idx for idx, p in said if model in (p["model"], p["name"])]
    if not found:
        raise NotThere(f"model: want one that was trained here, got {model!r}")
    return found[-1]


def _releases(home: Home, sha256: str) -> list[tuple[int, Release]]:
    said = home.index.predicates("release")
    return [(idx, read_said(home, idx, Release)) for idx, p in said if p["model"] == sha256]


def _assurances(home: Home, sha256: str) -> list[tuple[int, Assure]]:
    said = home.index.predicates("assure")
    return [(idx, read_said(home, idx, Assure)) for idx, p in said if p["model"] == sha256]


def _line(home: Home, idx: int) -> dict[str, Any]:
    """Return what the register says of a model in one line."""
    train = read_said(home, idx, Train)
    sha256 = train.model_sha256
    changes, reports = _releases(home, sha256), _assurances(home, sha256)
    let_in = [(i, r) for i, r in changes if r.action != "stop"]
    system = changes[-1][1].system if changes else _system(train.name)
    serving = in_force(home, system) if system else None
    is_serving = serving is not None and serving.model_sha256 == sha256
    last = let_in[-1] if let_in else None
    approval = None if last is None or last[1].approval is None else Approve.of(last[1].approval)
    of_system = incidents(home, system) if system else {}
    return {
        "model": sha256,
        "name": train.name,
        "app": system,
        "stage": serving.stage if serving is not None and is_serving else None,
        "was_released": bool(let_in),
        "card": f"/api/v1/models/{sha256}/card" if last else None,
        "assurance": _assurance(*reports[-1]) if reports else None,
        "released_by": approval.by if approval else None,
        "released_at": last[1].released_at if last else None,
        "release": last[0] if last else None,
        "trained_at": train.trained_at,
        "entry": idx,
        "incidents": len(of_system),
        "open_incidents": sum(not one.is_closed for one in of_system.values()),
        "simulated": train.simulated,
        "personal": train.personal,
    }


def _system(name: str) -> str | None:
    """Return the app that a model not yet released was made for: the one of its name, if it is installed."""
    return name if name in apps.names() else None


def _assurance(idx: int, said: Assure) -> dict[str, Any]:
    return {
        "entry": idx,
        "report": said.report_sha256,
        "verdict": said.verdict,
        "passed": said.passed,
        "failed": said.failed,
        "untested": said.untested,
        "assured_at": said.assured_at,
    }


def _card_digest(home: Home, line: dict[str, Any]) -> str | None:
    return None if line["release"] is None else read_said(home, line["release"], Release).card_sha256


def _model(home: Home, model: str) -> ModelShape:
    idx = _find(home, model)
    train, line = read_said(home, idx, Train), _line(home, idx)
    runs = {
        int(p["run"]) for _, p in said_of(home, "decide", line["app"] or "") if p["model"] == line["model"]
    }
    overrides = [
        (i, read_said(home, i, Override))
        for i, p in said_of(home, "override", line["app"] or "")
        if int(p["run"]) in runs
    ]
    return ModelShape(
        **line,
        rows=train.rows.rows,
        seed=train.seed,
        engine=train.engine,
        code=train.code_sha256,
        definition=train.definition_sha256,
        as_of=train.as_of,
        inputs=[Input(feed=i.feed, up_to_batch=i.up_to_batch, sha256=i.sha256) for i in train.inputs],
        approvals=[_approval(i, r) for i, r in _releases(home, train.model_sha256)],
        assurances=[_full(home, i, a) for i, a in _assurances(home, train.model_sha256)],
        overrides=[_override(i, o) for i, o in overrides[::-1][:MAX_OVERRIDES]],
        incident_list=_incidents(home, line["app"]),
        facts=_facts(home, line),
    )


def _approval(idx: int, said: Release) -> Approval:
    approve = None if said.approval is None else Approve.of(said.approval)
    return Approval(
        entry=idx,
        action=said.action,
        stage=said.stage,
        at=said.released_at,
        by=approve.by if approve else None,
        why=approve.why if approve else None,
        rule=said.rule,
    )


def _override(idx: int, said: Override) -> OverrideShape:
    approve = said.approved
    return OverrideShape(
        entry=idx,
        run=said.run,
        record=said.record,
        value=said.value,
        by=approve.by,
        why=approve.why,
        at=said.overridden_at,
    )


def _full(home: Home, idx: int, said: Assure) -> FullAssurance:
    tests: list[TestResult] = []
    try:
        report = parse_report(home.objects.get(report_path(said.report_sha256)))
    except VeracityError:
        pass  # it was said, and the report is not kept
    else:
        if report.sha256 == said.report_sha256:
            tests = [
                TestResult(
                    name=r.name,
                    family=r.family,
                    asks=r.asks,
                    verdict=r.verdict,
                    reason=r.reason,
                    required=list(r.required),
                )
                for r in report.results
            ]
    return FullAssurance(**_assurance(idx, said), policy=said.policy_sha256, tests=tests)


def _incidents(home: Home, system: str | None) -> list[IncidentShape]:
    found = incidents(home, system) if system else {}
    return [
        IncidentShape(
            name=one.name,
            severity=one.last.severity,
            state="closed" if one.is_closed else "open",
            opened_at=one.steps[0].said.said_at,
            due=one.last.due,
            what=one.steps[0].said.what,
            last=one.last.what,
            entries=[s.idx for s in one.steps],
        )
        for one in reversed(found.values())
    ]


def _facts(home: Home, line: dict[str, Any]) -> dict[str, Any] | None:
    """Return the values of the card's facts that stand alone, by name; None without a card as approved."""
    digest = _card_digest(home, line)
    if digest is None:
        return None
    try:
        card = read_card(home, digest)
    except VeracityError:
        return None
    return {name: fact.value for name, fact in card.facts.items() if not fact.of}
