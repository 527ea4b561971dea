"""A model put to the test on rows that it never saw: nothing is kept and nothing is said."""

from collections.abc import Sequence
from datetime import datetime

from veracity.home.clock import format_time
from veracity.home.home import Home
from veracity.home.models.engine import code_sha256, engine_line
from veracity.home.models.held_out import HeldOut, context_of, held_out
from veracity.home.models.meter import meter
from veracity.home.models.registry import load_model
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
