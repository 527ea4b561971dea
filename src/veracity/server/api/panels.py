"""Panels that were built: ``GET /panels``."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from veracity.data.panel_definition import parse_panel
from veracity.errors import VeracityError
from veracity.home.home import Home
from veracity.home.panels import panel_path
from veracity.server.api.panel_values import unit_of
from veracity.server.api.routing import ReadingRoute
from veracity.server.api.shapes import Page, Shape, Time
from veracity.server.api.sharing import CityState
from veracity.server.api.state import MemoryState

ROUTER = APIRouter(tags=["panels"], route_class=ReadingRoute)


class PanelColumn(Shape):
    """A column of a panel: of which feed and field, and how gaps are filled.

    ``key`` is the feed's column that holds the panel's keys.
    """

    name: str
    feed: str
    field: str
    aggregate: str
    window_s: float
    fill: str
    longest_age_s: float
    key: str | None
    unit: str | None


class PanelInput(Shape):
    """A feed as it stood after a batch."""

    feed: str
    up_to_batch: int
    sha256: str


class PanelShape(Shape):
    """The last build of a panel. ``columns`` is empty where its definition is not kept."""

    panel: str
    entry: int
    definition: str
    as_of: Time | None
    rows: int
    every_s: float | None
    key: str | None
    columns: list[PanelColumn]
    inputs: list[PanelInput]
    simulated: bool


@ROUTER.get("/panels", response_model=Page[PanelShape])
def list_panels(request: Request, city: CityState, memory: MemoryState) -> Response:
    """The last build of each panel, by name."""

    def make(home: Home) -> Page[PanelShape]:
        last = {str(p["name"]): (idx, p) for idx, p in home.index.predicates("transform")}
        return Page[PanelShape](items=[_panel(home, idx, p) for _, (idx, p) in sorted(last.items())])

    return memory.answer(request, city, make, None)


def _panel(home: Home, idx: int, p: dict[str, object]) -> PanelShape:
    definition, every_s, key = str(p["definition"]), None, None
    columns: list[PanelColumn] = []
    try:
        panel = parse_panel(home.objects.get(panel_path(definition)))
    except VeracityError:
        pass  # it was said, and its definition is not kept
    else:
        every_s, key = panel.every_us / 1e6, panel.key
        columns = [
            PanelColumn(
                name=c.name,
                feed=c.feed,
                field=c.value,
                aggregate=c.aggregate,
                window_s=c.window_us / 1e6,
                fill=c.fill,
                longest_age_s=c.longest_age_us / 1e6,
                key=c.key,
                unit=unit_of(home, c),
            )
            for c in panel.columns
        ]
    return PanelShape.model_validate(
        {
            "panel": p["name"],
            "entry": idx,
            "definition": definition,
            "as_of": p.get("as_of"),
            "rows": p["output"]["rows"],  # type: ignore[index]
            "every_s": every_s,
            "key": key,
            "columns": columns,
            "inputs": p["inputs"],
            "simulated": p["simulated"],
        }
    )
