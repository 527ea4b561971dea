"""An online base map that the city offers below its own ground: off until a reader asks for it."""

import re
from dataclasses import dataclass

from veracity.provenance.fields import Fields

TILES = re.compile(
    r"(?P<origin>https://[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?)/(?=.*\{z\})(?=.*\{x\})(?=.*\{y\})"
    r"[A-Za-z0-9._~/{}@=?&%+-]{1,300}"
)
MAX_ZOOM = 22
_WANT = "https://HOST/…{z}/{x}/{y}…"


@dataclass(frozen=True)
class BaseMap:
    """Raster tiles of somebody else: whoever looks at them is seen by their host.

    Attributes
    ----------
    tiles
        Their address, with ``{z}``, ``{x}`` and ``{y}`` in it.
    attribution
        Whose they are, in words.
    max_zoom
        The deepest level that there is.
    """

    tiles: str
    attribution: str
    max_zoom: int = 19

    @property
    def origin(self) -> str:
        """Where the tiles come from, as a page's policy names it."""
        match = TILES.fullmatch(self.tiles)
        return "" if match is None else match["origin"]


def read_base_map(fields: Fields) -> BaseMap:
    """Read ``{tiles, attribution, max_zoom}``; the fields' own error names what is not as it should be."""
    tiles, attribution = fields.matching("tiles", TILES, _WANT), fields.text("attribution", 300)
    max_zoom = 19
    if "max_zoom" in fields:
        max_zoom = fields.take("max_zoom")
        if isinstance(max_zoom, bool) or not isinstance(max_zoom, int) or not 1 <= max_zoom <= MAX_ZOOM:
            raise fields.fail("max_zoom", f"a whole number from 1 to {MAX_ZOOM}", max_zoom)
    fields.done()
    return BaseMap(tiles, attribution, max_zoom)
