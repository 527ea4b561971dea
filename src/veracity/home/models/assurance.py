"""Assure a model: the battery on rows that it never saw, the report kept, and a statement in the log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from veracity.data.panel_definition import parse_panel
from veracity.home.clock import format_time
from veracity.home.home import Home, Writer
from veracity.home.models.engine import code_sha256, engine_line
from veracity.home.models.gate_checks import policy_path, report_path
from veracity.home.models.held_out import HeldOut, context_of, held_out
from veracity.home.models.meter import meter
from veracity.home.models.registry import find_model, load_model
from veracity.home.models.said import read_said
from veracity.home.panels import panel_path, snapshot_digest
from veracity.models.app import App
from veracity.models.assurance.baselines import fit_baselines
from veracity.models.assurance.battery import KNOWN, run_battery
from veracity.models.assurance.context import Context
from veracity.models.assurance.policy import parse_policy
from veracity.models.assurance.report import About, Report
from veracity.models.bundle import load
from veracity.models.description import Description
from veracity.models.errors import BadParameter
from veracity.provenance.statements import Assure, Input, Stage, Train

ANY_STAGE: Stage = "act"


@dataclass(frozen=True)
class Assured:
    """A report, its statement, and where the log has it; ``is_new`` unless the same was said before."""

    assure: Assure
    report: Report
    idx: int
    is_new: bool = True


def assure(
    home: Writer,
    app: App | None,
    model: str,
    policy: bytes,
    *,
    seed: int = 0,
    as_of: datetime | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    context: Context | None = None,
) -> Assured:
    """Test a model on what was known at ``as_of`` (or is now) of times after those that it learned from.

    Parameters
    ----------
    app
        The app that the model is for; None for a model without one.
    model
        Its name or digest.
    policy
        The file with the pass marks.
    start, end
        Narrow the test period.
    context
        What the app declares to the battery beyond its contracts.

    Raises
    ------
    SeenInTraining, TooLittleToTest, MalformedPolicy
    ModelAltered
        If the model's files are not those that were signed.
    SnapshotRejected
        If a table does not hold the rows that were signed.
    """
    row = find_model(home, model)
    report, tested = put_to_test(
        home, app, row.train, policy, _inputs(home, row.train, as_of), seed, (start, end), context, as_of
    )
    before = _said_before(home, report)
    if before is not None:
        return Assured(read_said(home, before, Assure), report, before, is_new=False)
    home.objects.put(policy_path(report.policy["sha256"]), policy)
    home.objects.put(resources_path(report.sha256), report.resources_json())
    home.objects.put(report_path(report.sha256), report.to_json())
    said = statement(row.train, report, tested, format_time(home.clock()))
    return Assured(said, report, home.say(said.to_statement()))


def put_to_test(
    home: Home,
    app: App | None,
    train: Train,
    policy: bytes,
    inputs: Sequence[Input],
    seed: int,
    span: tuple[datetime | None, datetime | None] = (None, None),
    context: Context | None = None,
    as_of: datetime | None = None,
) -> tuple[Report, HeldOut]:
    """Run the battery, keeping and saying nothing."""
    marks = parse_policy(policy, KNOWN)
    files = load_model(home, train.model_sha256)
    described = Description.of(files)
    if app is not None and described.system != app.name:
        raise BadParameter(f"app: want {described.system}, which the model is made for, got {app.name}")
    estimators = load(files)
    tested = held_out(home, train, described, app, inputs, *span)
    declared = context_of(home, app, train, context or (app.assurance if app else None))
    report = run_battery(
        estimators,
        tested.panel,
        declared,
        marks,
        seed,
        start_us=tested.start_us,
        training=tested.training,
        baselines=fit_baselines(estimators, tested.training),
        meter=meter,
        about=_about(train, described, app, tested, as_of),
    )
    return report, tested


def statement(train: Train, report: Report, tested: HeldOut, assured_at: str) -> Assure:
    """Return what the log says of a report."""
    tally, about = report.tally, report.about
    return Assure(
        name=train.name,
        model_sha256=train.model_sha256,
        report_sha256=report.sha256,
        policy_sha256=report.policy["sha256"],
        definition_sha256=train.definition_sha256,
        inputs=tested.inputs,
        rows=tested.rows,
        passed=tally["passed"],
        failed=tally["failed"],
        untested=tally["untested"],
        verdict=report.verdict(about.stage),
        seed=report.seed,
        engine=about.engine,
        assured_at=assured_at,
        simulated=about.simulated,
    )


def resources_path(report_sha256: str) -> str:
    """Return where what a battery took of the machine is kept: beside its report, no part of its digest."""
    return f"assurance/{report_sha256}.resources.json"


def _inputs(home: Home, train: Train, as_of: datetime | None) -> tuple[Input, ...]:
    """Return the snapshots of a model's feeds as known at a time."""
    definition = parse_panel(home.objects.get(panel_path(train.definition_sha256)))
    up_to = {feed: home.index.up_to(feed, as_of) for feed in definition.feeds if home.feed(feed)}
    return tuple(Input(f, last, snapshot_digest(home, f, last)) for f, last in up_to.items() if last >= 0)


def _about(
    train: Train, described: Description, app: App | None, tested: HeldOut, as_of: datetime | None
) -> About:
    return About(
        model=train.name,
        model_sha256=train.model_sha256,
        system=described.system or "",
        stage=app.stage if app else ANY_STAGE,
        definition_sha256=train.definition_sha256,
        rows_sha256=tested.rows.sha256,
        n_rows=tested.rows.rows,
        inputs={i.feed: (i.up_to_batch, i.sha256) for i in tested.inputs},
        as_of="" if as_of is None else format_time(as_of),
        start=format_time(tested.start),
        end=format_time(tested.end),
        trained_to=format_time(tested.trained_to),
        engine=engine_line(),
        code_sha256=code_sha256(app.code) if app else code_sha256(),
        simulated=train.simulated,
    )


def _said_before(home: Home, report: Report) -> int | None:
    said = home.index.predicates("assure")
    same = [i for i, p in said if (p["report"], p["model"]) == (report.sha256, report.about.model_sha256)]
    return same[-1] if same else None
