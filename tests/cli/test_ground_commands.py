"""``veracity ground``: an invented ground says so before all else, another says nothing of it."""

import json
from pathlib import Path

from run_cli import Here
from small_city import NOW, new_city
from veracity.city.ground import lay_ground

SIMULATED = "SIMULATED: no such place"
LINE = '{"type": "LineString", "coordinates": [[108.2, 16.0], [108.3, 16.1]]}'
DRAWN = f'{{"type": "FeatureCollection", "features": [{{"type": "Feature", "geometry": {LINE}}}]}}'


def test_an_invented_ground_says_so_first(tmp_path: Path, here: Here) -> None:
    """In words and as JSON, until the city's own takes its place."""
    home = new_city(tmp_path / "city")
    lay_ground(home, 1, NOW)
    said = here("ground", "show", "--home", home)
    assert said.out.splitlines()[0] == SIMULATED
    assert json.loads(here("ground", "show", "--home", home, "--json").out)["simulated"] is True
    (tmp_path / "drawn.geojson").write_text(DRAWN, encoding="utf-8")
    assert here("ground", "import", tmp_path / "drawn.geojson", "--home", home).code == 0
    assert SIMULATED not in here("ground", "show", "--home", home).out
    assert json.loads(here("ground", "show", "--home", home, "--json").out)["simulated"] is False
