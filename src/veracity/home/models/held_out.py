"""What a model is tested on: rows held out of its training, those that it learned from, its app's word."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from veracity.data.digest import frame_digest
from veracity.data.errors import EvidenceMismatch
from veracity.data.panel_definition import Panel, parse_panel
from veracity.home.clock import parse_time
from veracity.home.home import Home
from veracity.home.panels import panel_frame, panel_path
from veracity.models.app import App
from veracity.models.assurance.context import Context
from veracity.models.assurance.errors import SeenInTraining, TooLittleToTest
from veracity.models.description import Description
from veracity.models.panel_array import PanelArray
from veracity.provenance.statements import Input, RowsDigest, Train

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LOOK_BACK_STEPS = 24 * 21


@dataclass(frozen=True)
class HeldOut:
    """The rows of a test.

    Attributes
    ----------
    panel
        The period and, before it, what the model looks back at.
    training
        The rows that it learned from.
    start, trained_to
        The first time to forecast from, and the last that it learned from.
    rows, inputs
        The panel that they were cut from, as a statement names it.
    """

    panel: PanelArray
    training: PanelArray
    start: datetime
    end: datetime
    trained_to: datetime
    rows: RowsDigest
    inputs: tuple[Input, ...]

    @property
    def start_us(self) -> int:
        """The first time to forecast from."""
        return _us(self.start)


def held_out(
    home: Home,
    train: Train,
    described: Description,
    app: App | None,
    inputs: Sequence[Input],
    start: datetime | None = None,
    end: datetime | None = None,
) -> HeldOut:
    """Return the rows from ``start`` to ``end``, by default all after those that the model learned from.

    Raises
    ------
    SeenInTraining
        If the period begins before the training ends.
    TooLittleToTest
        If nothing is after it.
    EvidenceMismatch
        If the training's panel comes out otherwise.
    """
    definition = parse_panel(home.objects.get(panel_path(train.definition_sha256)))
    trained_to = parse_time("model.json: learned.to", str(described.learned.get("to")))
    if start is not None and start <= trained_to:
        raise SeenInTraining(
            f"test period: want it to begin after {trained_to.isoformat()}, the last time that the model"
            f" learned from, got {start.isoformat()}"
        )
    whole, rows = _built(home, definition, inputs, app)
    first = max(start or trained_to + _MICROSECOND, trained_to + _MICROSECOND)
    after = whole.between(_us(first), _us(end) + 1 if end else int(whole.times_us[-1]) + 1)
    if after.n_times == 0:
        raise TooLittleToTest(
            f"test period: want times after {trained_to.isoformat()}, the last that the model learned from,"
            " got none"
        )
    back = _look_back(definition, app)
    span = whole.between(int(after.times_us[0]) - back * definition.every_us, int(after.times_us[-1]) + 1)
    training = _training(home, train, definition, app, whole, inputs, _us(trained_to))
    return HeldOut(
        span, training, _time(after.times_us[0]), _time(after.times_us[-1]), trained_to, rows, tuple(inputs)
    )


def context_of(home: Home, app: App | None, train: Train, declared: Context | None = None) -> Context:
    """Return what an app declares to the battery; what it does not say comes from its feeds' contracts."""
    definition = parse_panel(home.objects.get(panel_path(train.definition_sha256)))
    given = declared or Context(train.name)
    return replace(
        given,
        agencies=given.agencies or _agencies(home, definition),
        limits={**_limits(home, definition), **given.limits},
        personal=train.personal,
        decide=given.decide or (app.decide if app else None),
        first_rung=given.first_rung or (app.ladder[0].name if app else ""),
    )


def _agencies(home: Home, definition: Panel) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    for column in definition.columns:
        found.setdefault(home.feed(column.feed).contract.agency or column.feed, []).append(column.name)
    return found


def _limits(home: Home, definition: Panel) -> Mapping[str, tuple[float, float]]:
    found = {}
    for column in definition.columns:
        fields = {f.name: f for f in home.feed(column.feed).contract.fields}
        one = fields.get(column.value)
        if column.aggregate in ("sum", "count") or one is None:
            continue  # the contract bounds another thing
        if one.minimum is not None and one.maximum is not None:
            found[column.name] = (float(one.minimum), float(one.maximum))
    return found


def _built(
    home: Home, definition: Panel, inputs: Sequence[Input], app: App | None
) -> tuple[PanelArray, RowsDigest]:
    up_to = dict.fromkeys(definition.feeds, -1) | {i.feed: i.up_to_batch for i in inputs}
    frame = panel_frame(home, definition, up_to)
    array = PanelArray.from_frame(frame, definition.key, app.attributes if app else None)
    return array, RowsDigest(frame.height, frame_digest(frame))


def _training(
    home: Home,
    train: Train,
    definition: Panel,
    app: App | None,
    whole: PanelArray,
    inputs: Sequence[Input],
    trained_to_us: int,
) -> PanelArray:
    """Return the rows that the model learned from, made again as its statement says."""
    panel = whole
    if tuple(inputs) != train.inputs:
        panel, rows = _built(home, definition, train.inputs, app)
        if rows != train.rows:
            raise EvidenceMismatch(
                f"training panel: want {train.rows.rows} rows of digest {train.rows.sha256[:16]},"
                f" got {rows.rows} of {rows.sha256[:16]}"
            )
    return panel.between(int(panel.times_us[0]), trained_to_us + 1)


def _look_back(definition: Panel, app: App | None) -> int:
    return app.look_back_s * 1_000_000 // definition.every_us if app else _LOOK_BACK_STEPS


def _us(stamp: datetime) -> int:
    return (stamp - _EPOCH) // _MICROSECOND


def _time(time_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=int(time_us))
