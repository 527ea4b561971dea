"""Assure a model: the battery on rows that it never saw, the report kept, and a statement in the log."""

from dataclasses import dataclass
from datetime import datetime

from veracity.data.panel_definition import parse_panel
from veracity.home.clock import format_time
from veracity.home.home import Home, Writer
from veracity.home.models.gate_checks import policy_path, report_path
from veracity.home.models.registry import find_model
from veracity.home.models.said import read_said
from veracity.home.models.snapshots import check_snapshots
from veracity.home.models.trial import put_to_test, statement
from veracity.home.panels import panel_path, snapshot_digest
from veracity.models.app import App
from veracity.models.assurance.context import Context
from veracity.models.assurance.report import Report
from veracity.provenance.statements import Assure, Input, Train


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
    inputs = _inputs(home, row.train, as_of)
    check_snapshots(home, inputs)
    report, tested = put_to_test(home, app, row.train, policy, inputs, seed, (start, end), context, as_of)
    before = _said_before(home, report)
    if before is not None:
        return Assured(read_said(home, before, Assure), report, before, is_new=False)
    home.objects.put(policy_path(report.policy["sha256"]), policy)
    home.objects.put(resources_path(report.sha256), report.resources_json())
    home.objects.put(report_path(report.sha256), report.to_json())
    said = statement(row.train, report, tested, format_time(home.clock()))
    return Assured(said, report, home.say(said.to_statement()))


def resources_path(report_sha256: str) -> str:
    """Return where what a battery took of the machine is kept: beside its report, no part of its digest."""
    return f"assurance/{report_sha256}.resources.json"


def _inputs(home: Home, train: Train, as_of: datetime | None) -> tuple[Input, ...]:
    """Return the snapshots of a model's feeds as known at a time."""
    definition = parse_panel(home.objects.get(panel_path(train.definition_sha256)))
    up_to = {feed: home.index.up_to(feed, as_of) for feed in definition.feeds if home.feed(feed)}
    return tuple(Input(f, last, snapshot_digest(home, f, last)) for f, last in up_to.items() if last >= 0)


def _said_before(home: Home, report: Report) -> int | None:
    said = home.index.predicates("assure")
    same = [i for i, p in said if (p["report"], p["model"]) == (report.sha256, report.about.model_sha256)]
    return same[-1] if same else None
