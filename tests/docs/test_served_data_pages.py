"""docs/catalogue.md and docs/ngsi-ld.md: what they ask is answered, and what they check holds."""

import json
import re
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest
from console import blocks
from starlette.types import ASGIApp

from asked import ask
from small_city import ORIGIN, key
from veracity.home.contracts import add_feed
from veracity.home.enrolments import add_agency
from veracity.home.founding import CityKeys, init
from veracity.home.home import open_writer
from veracity.home.ingest import ingest
from veracity.server.app import make_app
from veracity.server.settings import ServerSettings

DOCS = Path(__file__).parents[2] / "docs"
BASE = "http://localhost:7882"
AGENCY = "danang-environment"
START = datetime(2026, 9, 16, 12, 5, tzinfo=UTC)


def clock() -> datetime:
    """Some hours later."""
    return START + timedelta(hours=6)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> ASGIApp:
    """The server of a city with a feed of the twin, and two batches of it (simulated)."""
    folder = tmp_path_factory.mktemp("docs")
    contract = folder / "air-quality.yaml"
    contract.write_bytes(files("veracity.city").joinpath("contracts/air-quality.yaml").read_bytes())
    init(folder / "city", ORIGIN, clock, CityKeys(key("log").seed, key("operator")))
    with open_writer(folder / "city", clock) as home:
        add_agency(home, AGENCY, key(AGENCY).public)
        add_feed(home, contract)
        for batch in range(2):
            rows = [
                {
                    "station_id": f"AQ0{station}",
                    "observed_at": (START + timedelta(minutes=30 * batch + 5 * i)).isoformat(),
                    "ward": "20242",
                    "pm25": 14.0 + station + i,
                    "simulated": True,
                }
                for i in range(6)
                for station in (1, 2)
            ]
            file = folder / f"{batch}.ndjson"
            file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
            ingest(home, "air-quality", [file], sign=key(AGENCY))
    return make_app(ServerSettings(folder / "city", public_url=BASE, clock=clock))


@pytest.mark.parametrize("page", ["catalogue.md", "ngsi-ld.md"])
def test_what_is_asked_is_answered(app: ASGIApp, page: str) -> None:
    """Every address that a page fetches with curl."""
    text = (DOCS / page).read_text(encoding="utf-8")
    asked = re.findall(r"^\$ curl .*?(http://localhost:7882[^'\s]*)", text, re.MULTILINE)
    assert len(asked) >= 2
    for url in asked:
        path = url.removeprefix(BASE).replace("2026-09-16T00:00:00Z", "2026-09-17T00:00:00Z")
        answer = ask(app, "GET", path, follow_redirects=False)
        assert answer.status_code in (200, 307), url
        assert answer.status_code == 307 or answer.json(), url


def test_every_address_of_the_catalogues_table(app: ASGIApp) -> None:
    """What the first table of the page lists is there."""
    text = (DOCS / "catalogue.md").read_text(encoding="utf-8")
    table = text[text.index("| address |") : text.index("A feed with personal")]
    listed = [
        address
        for row in table.splitlines()[2:]
        for address in re.findall(r"`(/[^`]*)`", row)
        if "PANEL" not in address and "SHA256" not in address
    ]
    assert len(listed) > 10
    for address in listed:
        path = address.replace("FEED", "air-quality").replace("VERSION", "1")
        assert ask(app, "GET", path).status_code in (200, 307), address


def test_the_check_of_a_file_holds(app: ASGIApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's own code takes a file as it was downloaded, and refuses one with a changed number."""
    (code,) = [
        "\n".join(block.lines)
        for block in blocks((DOCS / "catalogue.md").read_text(encoding="utf-8"))
        if block.language == "python" and block.note is None
    ]
    root: Path = app.state.settings.home  # type: ignore[attr-defined]
    (tmp_path / "trust.policy").write_bytes((root / "trust.policy").read_bytes())
    for name in ("manifest.json", "rows.parquet"):
        path = f"/catalogue/air-quality/1/{name}"
        (tmp_path / name).write_bytes(ask(app, "GET", path).content)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "catalogue.md", "exec"), {})  # noqa: S102 - our own page
    manifest = json.loads((tmp_path / "manifest.json").read_bytes())
    manifest["snapshot"]["batches"][0]["sha256"] = "0" * 64
    (tmp_path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(AssertionError):
        exec(compile(code, "catalogue.md", "exec"), {})  # noqa: S102
