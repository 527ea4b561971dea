"""docs/server.md tells every route there is, and the limits that the code has."""

import re
from pathlib import Path

from small_city import clock, new_city
from veracity.home import ground
from veracity.server.api import panel_part, panel_values, series
from veracity.server.api.lineage import MAX_NODES
from veracity.server.api.places import MAX_PLACES
from veracity.server.app import make_app
from veracity.server.guard import REQUEST_TIMEOUT_S
from veracity.server.running import HEAD_TIMEOUT_S, PUBLIC, READ_TIMEOUT_S
from veracity.server.settings import ServerSettings
from veracity.server.settings_file import parse_settings
from veracity.server.shared_answers import KEPT_S

PAGE = (Path(__file__).parents[2] / "docs/server.md").read_text("utf-8")


def test_every_route_of_the_api_is_told(tmp_path: Path) -> None:
    """The table of the API is that of the application: no route more, none less."""
    app = make_app(ServerSettings(new_city(tmp_path / "city"), clock=clock))
    routes = {re.sub(r"{[^}]*}", "<>", p) for p in app.openapi()["paths"] if p.startswith("/api/v1/")}
    table = PAGE.partition("every path below `/api/v1`")[2].partition("\n- Times")[0]
    first = [cell for line in table.splitlines() if (cell := line.partition("|")[2].partition("|")[0])]
    told = {
        "/api/v1" + re.sub(r"<[^>]*>", "<>", path.partition("?")[0]).replace("/…", "/<>")
        for cell in first
        for path in re.findall(r"`(?:[A-Z]+ )?(/[^`]*)`", cell)
    }
    of_accounts = (
        "/api/v1/accounts",
        "/api/v1/tokens",
        "/api/v1/writes",
        "/api/v1/session",
        "/api/v1/sign-in",
    )  # docs/accounts.md
    assert told == {r for r in routes if not r.startswith(of_accounts)}


def test_the_limits_are_those_of_the_code() -> None:
    """Numbers that people plan with."""
    assert (PUBLIC.at_once, PUBLIC.wait_s, PUBLIC.connections, PUBLIC.per_address) == (64, 30, 4_096, 64)
    assert (HEAD_TIMEOUT_S, READ_TIMEOUT_S, REQUEST_TIMEOUT_S, KEPT_S) == (10, 60, 60, 1)
    assert (series.MAX_POINTS, MAX_PLACES, MAX_NODES) == (10_000, 5_000, 1_000)
    assert (panel_values.MAX_CELLS, panel_part.MAX_READINGS) == (10_000, 2_000_000)
    assert (ground.MAX_FEATURES, ground.MAX_POSITIONS, ground.MAX_BYTES) == (5_000, 400_000, 8 * 2**20)
    for told in ("| 64; the next wait", "| 4,096;", "series: 10,000 points; places: 5,000"):
        assert told in PAGE


def test_the_settings_are_those_that_are_read() -> None:
    """The file that the page shows is read, and what it says of defaults is so."""
    text = PAGE.partition("```yaml\n")[2].partition("```")[0]
    served = parse_settings(text.encode(), Path("city"))
    settings, plain = served.settings, ServerSettings(Path("city"))
    assert (settings.is_open, settings.fronts) == (False, ("10.0.0.7", "10.1.0.0/16"))
    assert (settings.limits, settings.seal_after_s) == (plain.limits, plain.seal_after_s)
    assert served.connections == PUBLIC
