"""The ground of the built-in city: an invented coast, rivers, wards and roads, drawn from its seed.

It goes into the city's home by the door that any city's ground takes.
"""

import tempfile
from datetime import datetime
from pathlib import Path

import orjson

from veracity.city.ground.features import invent
from veracity.home.ground import Ground, import_ground

SOURCE = "Veracity, built-in city, seed {seed}"
LICENCE = "Apache-2.0"


def lay_ground(root: Path, seed: int, now: datetime) -> Ground:
    """Invent the ground of a seed and import it into the built-in city's home."""
    with tempfile.TemporaryDirectory(prefix="veracity-ground-") as folder:
        path = Path(folder) / "invented.geojson"
        path.write_bytes(orjson.dumps(invent(seed)))
        return import_ground(root, path, SOURCE.format(seed=seed), LICENCE, now)
