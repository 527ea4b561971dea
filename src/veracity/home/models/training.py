"""Train a model: from sealed snapshots only, and the log says from which, by which code, with which seed.

The model learns from the head of its panel; the tail is held out, and what is measured there is of the very
model that is kept. Objects are written first and the statement is said last: a crash before it leaves
nothing that counts.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from veracity.canonical import canonical_json
from veracity.data.panel_definition import Panel, parse_panel
from veracity.home.clock import format_time
from veracity.home.home import Home, Writer
from veracity.home.models.engine import code_sha256, engine, engine_line, environment
from veracity.home.models.measuring import measure
from veracity.home.models.publishing import publishing_key
from veracity.home.models.recipe import Recipe
from veracity.home.models.registry import load_model, write_model
from veracity.home.models.said import read_said
from veracity.home.models.snapshots import check_snapshots
from veracity.home.panels import BuiltPanel, build_defined, known_inputs, panel_path
from veracity.models.app import App
from veracity.models.bundle import Estimators, bundle_files
from veracity.models.description import Description, without_making
from veracity.models.errors import BadPanel, BadParameter, ModelAltered
from veracity.models.files import DESCRIPTION, ModelFiles
from veracity.models.panel_array import Ints, PanelArray
from veracity.provenance.fields import MAX_COUNT
from veracity.provenance.statements import Train

HOLD_OUT = 0.2  #: share of the panel's times that a model does not learn from
MIN_TIMES = 4
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Trained:
    """A model, its statement and where the log has it; ``is_new`` unless it was trained before."""

    train: Train
    files: ModelFiles
    idx: int
    is_new: bool = True


@dataclass(frozen=True)
class Made:
    """A model made, nothing kept or said yet."""

    estimators: Estimators
    description: Description

    def files(self) -> ModelFiles:
        """Return its files; ``model.json`` as canonical JSON."""
        document = canonical_json(self.description.to_document(self.estimators))
        return ModelFiles({DESCRIPTION: document, **bundle_files(self.estimators)})


def train(
    home: Writer,
    app: App | Recipe,
    *,
    seed: int,
    as_of: datetime | None = None,
    hold_out: float = HOLD_OUT,
    full_audit: bool = False,
) -> Trained:
    """Train a model on the panel as known at ``as_of`` (or now), keep it, and say so in the log.

    The same inputs, code and seed again are the same model, and one entry.

    Raises
    ------
    SnapshotRejected
        If a table does not hold the rows that were signed, or, with ``full_audit``, its feed's audit finds
        anything.
    BadPanel, BadParameter
        If the panel is too short, or cannot be learned from.
    """
    recipe = app if isinstance(app, Recipe) else Recipe.of_app(app)
    if not 0 <= seed <= MAX_COUNT:
        raise BadParameter(f"seed: want a whole number from 0, got {seed}")
    panel = parse_panel(recipe.panel)
    check_snapshots(home, known_inputs(home, panel, as_of), full_audit=full_audit)
    built = build_defined(home, panel, as_of)
    trained_at, signer = format_time(home.clock()), publishing_key(home).public.hint
    made = make(home, recipe, built, seed=seed, hold_out=hold_out, trained_at=trained_at, signed_by=signer)
    model, said = made.files(), statement(made)
    before = find_same(home, made, model)
    if before is not None:
        return before
    home.objects.put(panel_path(built.panel.sha256), built.panel.text)
    write_model(home, model, said.name)
    return Trained(said, model, home.say(said.to_statement()))


def make(
    home: Home,
    recipe: Recipe,
    built: BuiltPanel,
    *,
    seed: int,
    hold_out: float,
    trained_at: str,
    signed_by: str,
) -> Made:
    """Fit and measure, keeping and saying nothing."""
    panel = PanelArray.from_frame(built.frame, built.panel.key, recipe.attributes)
    n_learned = _n_learned(panel, hold_out)
    estimators = recipe.train(panel.rows(slice(0, n_learned)), seed=seed)
    said = built.statement
    description = Description(
        name=recipe.name,
        system=recipe.system,
        recipe=recipe.document,
        definition_sha256=said.definition_sha256,
        inputs=said.inputs,
        rows=said.output,
        as_of=said.as_of,
        learned=_learned(panel, n_learned, hold_out),
        seed=seed,
        code_sha256=code_sha256(recipe.code),
        engine=engine(),
        environment=environment(),
        metrics=measure(panel, n_learned, estimators),
        trained_at=trained_at,
        simulated=said.simulated,
        personal=is_personal(home, built.panel),
        signed_by=signed_by,
    )
    return Made(estimators, description)


def statement(made: Made) -> Train:
    """Return what the log says of a model."""
    said = made.description
    return Train(
        name=said.name,
        model_sha256=made.files().sha256,
        definition_sha256=said.definition_sha256,
        inputs=said.inputs,
        rows=said.rows,
        code_sha256=said.code_sha256,
        seed=said.seed,
        engine=engine_line(dict(said.engine)),
        trained_at=said.trained_at,
        simulated=said.simulated,
        personal=said.personal,
        as_of=said.as_of,
    )


def find_same(home: Home, made: Made, model: ModelFiles) -> Trained | None:
    """Return the model if it was trained before: equal but for when, and whose key signs."""
    said = made.description
    want = without_making(model.description)
    for idx, predicate in reversed(home.index.predicates("train")):
        if (predicate["name"], predicate["code"]) != (said.name, said.code_sha256):
            continue
        try:
            kept = load_model(home, str(predicate["model"]))
        except ModelAltered:
            continue
        learned = {n: body for n, body in kept.files.items() if n != DESCRIPTION}
        if without_making(kept.description) == want and learned == bundle_files(made.estimators):
            return Trained(read_said(home, idx, Train), kept, idx, is_new=False)
    return None


def is_personal(home: Home, panel: Panel) -> bool:
    """Tell whether any feed of a panel carries personal values."""
    return any(home.feed(feed).contract.personal for feed in panel.feeds)


def _n_learned(panel: PanelArray, hold_out: float) -> int:
    if not 0 <= hold_out <= 0.9:
        raise BadParameter(f"hold-out: want a share from 0 to 0.9, got {hold_out}")
    n_learned = panel.n_times - int(panel.n_times * hold_out)
    if n_learned < MIN_TIMES:
        raise BadPanel(f"panel: want at least {MIN_TIMES} times to learn from, got {n_learned}")
    return n_learned


def _learned(panel: PanelArray, n_learned: int, hold_out: float) -> dict[str, object]:
    last = panel.n_times - 1
    return {
        "keys": len(panel.keys),
        "times": n_learned,
        "from": _time(panel.times_us, 0),
        "to": _time(panel.times_us, n_learned - 1),
        "hold_out": hold_out,
        "held_out": {
            "times": last + 1 - n_learned,
            "from": _time(panel.times_us, n_learned) if n_learned <= last else None,
            "to": _time(panel.times_us, last) if n_learned <= last else None,
        },
    }


def _time(times_us: Ints, i: int) -> str:
    return format_time(_EPOCH + timedelta(microseconds=int(times_us[i])))
