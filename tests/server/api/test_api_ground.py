"""The ground of the map over the API: the bytes that were imported, with their digest; or none, said."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

from asked import ask
from small_city import clock, new_city
from veracity.home.ground import FILE, import_ground, remove_ground
from veracity.server.app import make_app
from veracity.server.settings import ServerSettings

LINE = {"type": "LineString", "coordinates": [[108.2, 16.0], [108.3, 16.1]]}
GIVEN = {
    "type": "FeatureCollection",
    "features": [{"type": "Feature", "geometry": LINE, "properties": {"name": "Hàn"}}],
}


def test_the_ground_comes_and_goes(tmp_path: Path) -> None:
    """The city tells where it is and its digest; a reader who has it fetches nothing; without one 404."""
    root = new_city(tmp_path / "city")
    app = make_app(ServerSettings(root, clock=clock))
    assert ask(app, "GET", "/api/v1/city").json()["ground"] is None
    none = ask(app, "GET", "/api/v1/city/ground")
    assert (none.status_code, none.json()["code"]) == (404, "not-there")
    (tmp_path / "lines.geojson").write_text(json.dumps(GIVEN), "utf-8")
    now = datetime(2026, 9, 3, tzinfo=UTC)
    made = import_ground(root, tmp_path / "lines.geojson", "survey", "CC0-1.0", now)
    fresh = make_app(ServerSettings(root, clock=clock))  # an answer is kept for a second
    told = ask(fresh, "GET", "/api/v1/city").json()["ground"]
    answer = ask(fresh, "GET", told["url"])
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/geo+json")
    assert answer.content == made.body
    assert hashlib.sha256(answer.content).hexdigest() == told["sha256"]
    assert told == {
        "url": "/api/v1/city/ground", "sha256": made.sha256, "n_bytes": len(made.body), "n_features": 1,
        "source": "survey", "licence": "CC0-1.0", "imported_at": "2026-09-03T00:00:00.000000Z",
        "simulated": False,
    }  # fmt: skip
    tag = {"If-None-Match": answer.headers["etag"]}
    assert ask(fresh, "GET", told["url"], headers=tag).status_code == 304
    remove_ground(root)
    gone = make_app(ServerSettings(root, clock=clock))
    assert ask(gone, "GET", "/api/v1/city").json()["ground"] is None


def test_a_spoilt_ground_spoils_nothing_else(tmp_path: Path) -> None:
    """A file that is none of ours is not shown, and the city is."""
    root = new_city(tmp_path / "city")
    (root / FILE).write_bytes(b'{"type": "FeatureCollection"}')
    app = make_app(ServerSettings(root, clock=clock))
    assert ask(app, "GET", "/api/v1/city").json()["ground"] is None
    assert ask(app, "GET", "/api/v1/city/ground").status_code == 404
