"""The ground under the city's map: ``GET /city/ground``, GeoJSON as it was imported."""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from veracity.errors import VeracityError
from veracity.home.ground import FILE, Ground, read_ground
from veracity.server.answers import answer
from veracity.server.api.routing import ReadingRoute
from veracity.server.api.shapes import Shape, Time
from veracity.server.api.sharing import CityState
from veracity.server.documented import document
from veracity.server.errors import NotThere

URL = "/api/v1/city/ground"
MEDIA_TYPE = "application/geo+json"

logger = logging.getLogger(__name__)

ROUTER = APIRouter(tags=["city"], route_class=ReadingRoute)
_SCHEMA = {
    "type": "object",
    "required": ["type", "bbox", "source", "licence", "imported_at", "features"],
    "properties": {
        "type": {"const": "FeatureCollection"},
        "bbox": {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4},
        "source": {"type": ["string", "null"]},
        "licence": {"type": ["string", "null"]},
        "imported_at": {"type": "string", "format": "date-time"},
        "simulated": {"const": True, "description": "of an invented ground; others have no such member"},
        "features": {"type": "array", "items": {"type": "object"}},
    },
}


class GroundShape(Shape):
    """Where the ground is, and the SHA-256 of its bytes. It is a backdrop: not sealed, no measurement."""

    url: str
    sha256: str
    n_bytes: int
    n_features: int
    source: str | None
    licence: str | None
    imported_at: Time
    simulated: bool

    @classmethod
    def of(cls, ground: Ground | None) -> "GroundShape | None":
        """Return what is told of a ground; None for none."""
        if ground is None:
            return None
        return cls(
            url=URL,
            sha256=ground.sha256,
            n_bytes=len(ground.body),
            n_features=ground.n_features,
            source=ground.source,
            licence=ground.licence,
            imported_at=ground.imported_at,
            simulated=ground.simulated,
        )


@dataclass
class KeptGround:
    """The ground as last read, until its file is another; safe to use from many threads."""

    _lock: Lock = field(default_factory=Lock)
    _seen: tuple[int, int, int] | None = None
    _ground: Ground | None = None

    def of(self, root: Path) -> Ground | None:
        """Return a home's ground; None without one, and where it cannot be read, which the log says once."""
        try:
            stat = (root / FILE).stat()
            seen = stat.st_ino, stat.st_size, stat.st_mtime_ns
        except OSError:
            seen = None
        with self._lock:
            if seen != self._seen:
                self._seen, self._ground = seen, None
                try:
                    self._ground = None if seen is None else read_ground(root)
                except VeracityError as exc:
                    logger.warning("%s", exc)
            return self._ground


@ROUTER.get(
    "/city/ground",
    response_class=Response,
    responses=document(MEDIA_TYPE, about="A FeatureCollection in WGS 84 (RFC 7946)", schema=_SCHEMA),
)
def show_ground(request: Request, city: CityState) -> Response:
    """The city's own lines and areas, for a map that needs nobody else's."""
    kept: KeptGround = request.app.state.memory.ground
    ground = kept.of(city.root)
    if ground is None:
        raise NotThere("ground: want one that was imported, got none")
    return answer(request, ground.body, MEDIA_TYPE)
