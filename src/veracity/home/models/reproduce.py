"""Make a model again from the snapshots that its statement names, and compare digests."""

from dataclasses import dataclass

from veracity.data.digest import frame_digest
from veracity.data.panel_definition import parse_panel
from veracity.home.home import Home
from veracity.home.models.compare import Apart, Difference, compared, up_to
from veracity.home.models.recipe import Recipe
from veracity.home.models.registry import ModelRow, load_model
from veracity.home.models.snapshots import check_snapshots
from veracity.home.models.training import make
from veracity.home.panels import BuiltPanel, is_any_simulated, panel_frame, panel_path
from veracity.models.app import App
from veracity.models.bundle import load
from veracity.models.description import Description
from veracity.models.errors import BadParameter
from veracity.models.files import DESCRIPTION
from veracity.models.panel_array import PanelArray
from veracity.provenance.statements import RowsDigest, Transform


@dataclass(frozen=True)
class Reproduced:
    """A model made again.

    Attributes
    ----------
    want, got
        The digest that was signed, and that of the model made again.
    rows_same
        Whether the panel's rows have the digest that was signed.
    files
        Files that came out otherwise, ``model.json`` included; none if the digest is the same.
    described
        What ``model.json`` says otherwise: code, versions, machine.
    apart
        Per target how far the forecasts of the two are apart: the tolerance that holds here.
    """

    want: str
    got: str
    rows_same: bool
    files: tuple[str, ...]
    described: tuple[Difference, ...]
    apart: tuple[Apart, ...]

    @property
    def is_same(self) -> bool:
        """Whether it is the same model to the last bit."""
        return self.want == self.got

    @property
    def learned_same(self) -> bool:
        """Whether all that was learned came out the same, whatever ``model.json`` says of the making."""
        return self.rows_same and not [f for f in self.files if not f.startswith(DESCRIPTION)]

    @property
    def tolerance(self) -> float | None:
        """The greatest difference of any forecast, in the targets' units; None where nothing was compared."""
        known = [a.greatest for a in self.apart if a.greatest is not None]
        return max(known) if known else None


def reproduce(home: Home, row: ModelRow, app: App | None = None, *, full_audit: bool = False) -> Reproduced:
    """Re-train a model by its recipe, with its seed, on the rows of its snapshots, and compare.

    Raises
    ------
    ModelAltered
        If the files to compare with are not those that were signed.
    SnapshotRejected
        If a table no longer holds the rows that were signed.
    BadParameter
        If the model is an app's and that is not given.
    """
    kept = load_model(home, row.sha256)
    said = Description.of(kept)
    check_snapshots(home, said.inputs, full_audit=full_audit)
    recipe = _recipe(home, said, app)
    built = _built(home, said, row.idx)
    made = make(
        home,
        recipe,
        built,
        seed=said.seed,
        hold_out=float(said.learned["hold_out"]),
        trained_at=said.trained_at,
        signed_by=said.signed_by,
    )
    again = made.files()
    panel = PanelArray.from_frame(built.frame, built.panel.key, recipe.attributes)
    told = compared(kept, again, load(kept), load(again), panel)
    rows_same = built.statement.output == row.train.rows == said.rows
    return Reproduced(row.sha256, again.sha256, rows_same, told.files, told.described, told.apart)


def _recipe(home: Home, said: Description, app: App | None) -> Recipe:
    if said.system is None:
        text = home.objects.get(panel_path(said.definition_sha256))
        return Recipe.of_document(said.name, text, said.recipe)
    if app is None or app.name != said.system:
        raise BadParameter(
            f"app: want {said.system}, which made the model, got {app.name if app else 'none'}"
        )
    return Recipe.of_app(app)


def _built(home: Home, said: Description, before: int) -> BuiltPanel:
    """Build the panel again; its statement is what was said then, but for the rows that come out now."""
    panel = parse_panel(home.objects.get(panel_path(said.definition_sha256)))
    frame = panel_frame(home, panel, up_to(panel.feeds, said.inputs))
    statement = Transform(
        name=panel.name,
        definition_sha256=panel.sha256,
        inputs=said.inputs,
        output=RowsDigest(frame.height, frame_digest(frame)),
        simulated=is_any_simulated(home, panel.feeds, before),
        as_of=said.as_of,
    )
    return BuiltPanel(frame, panel, statement, None)
