"""Versions of data sets: files in three formats, manifests that prove them, Croissant that loads."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import mlcroissant  # type: ignore[import-untyped]
import polars as pl
import pytest
from etils import epath  # type: ignore[import-untyped]
from mlcroissant._src.core import constants  # type: ignore[import-untyped]
from starlette.types import ASGIApp

from asked import ask
from listening import listening
from open_city import HOURS, STATIONS, air_rows, lines, new_open_city
from small_city import clock
from veracity.data.digest import frame_digest
from veracity.home.home import open_writer
from veracity.home.ingest import ingest
from veracity.log.policy import parse_policy
from veracity.provenance.receipts import ProvenEntry
from veracity.provenance.receipts.checking import check_included
from veracity.server import shared_answers
from veracity.server.app import make_app
from veracity.server.settings import ServerSettings

# Of the library that reads JSON-LD for the other.
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The open city."""
    return new_open_city(tmp_path_factory.mktemp("open") / "city")


@pytest.fixture(scope="module")
def app(root: Path) -> ASGIApp:
    """Its server."""
    return make_app(ServerSettings(root, clock=clock))


def rows_of(app: ASGIApp, path: str) -> pl.DataFrame:
    """A Parquet file's rows."""
    answer = ask(app, "GET", path)
    assert answer.status_code == 200
    return pl.read_parquet(io.BytesIO(answer.content))


def test_three_formats_hold_the_same_rows(app: ASGIApp) -> None:
    """Parquet, CSV and GeoJSON: every accepted row once, flagged where it was flagged, in order."""
    frame = rows_of(app, "/catalogue/air/1/rows.parquet")
    assert frame.height == 3 * HOURS
    flagged = frame.filter(pl.col("_flags").is_not_null())
    assert flagged.select("station", "_flags").rows() == [("B/2", "range:temperature")]
    assert "_simulated" not in frame.columns
    csv = pl.read_csv(ask(app, "GET", "/catalogue/air/1/rows.csv").content)
    assert csv["pm25"].equals(frame["pm25"])
    assert csv["observed_at"][0] == "2026-09-02T00:00:00.000000Z"
    features = json.loads(ask(app, "GET", "/catalogue/air/1/rows.geojson").content)["features"]
    assert len(features) == frame.height
    assert [f["properties"]["pm25"] for f in features] == frame["pm25"].to_list()
    assert features[2]["geometry"] == {"type": "Point", "coordinates": list(STATIONS["Đ3"])}
    assert features[0]["properties"]["note"] == 'said "so", at dawn'


def test_simulated_rows_say_so(app: ASGIApp) -> None:
    """A file travels without its contract: each row of a simulated feed says that it is."""
    assert rows_of(app, "/catalogue/rain/1/rows.parquet")["_simulated"].all()
    features = json.loads(ask(app, "GET", "/catalogue/rain/0/rows.geojson").content)["features"]
    assert all(f["properties"]["_simulated"] for f in features)
    assert {json.dumps(f["geometry"]) for f in features} == {"null"}  # nobody said where


def test_a_version_does_not_change(root: Path) -> None:
    """New batches make new versions; the bytes of an old one, and its answer as of then, stay."""
    copy = root.parent / "growing"
    app = make_app(ServerSettings(new_open_city(copy / "city"), clock=clock))
    before = ask(app, "GET", "/catalogue/air/1/rows.parquet")
    with open_writer(copy / "city", clock) as home:
        ingest(home, "air", [lines(copy / "c.ndjson", air_rows(HOURS, 4))])
    after = ask(app, "GET", "/catalogue/air/1/rows.parquet")
    assert after.content == before.content
    fresh = make_app(ServerSettings(copy / "city", clock=clock))
    assert ask(fresh, "GET", "/catalogue/air/1/rows.parquet").content == before.content
    assert rows_of(app, "/catalogue/air/2/rows.parquet").height == 3 * (HOURS + 4)
    moved = ask(app, "GET", "/catalogue/air/rows.parquet")
    assert (moved.status_code, moved.headers["location"]) == (
        307,
        "http://city.example/catalogue/air/2/rows.parquet",
    )
    then = ask(app, "GET", "/catalogue/air/rows.csv?as_of=2026-09-03T04:30:00Z")
    assert then.headers["location"].endswith("/air/0/rows.csv")
    entry = ask(app, "GET", "/catalogue/air/1/manifest.json").json()["log"]["entry"]
    at = ask(app, "GET", f"/catalogue/air/rows.csv?entry={entry}")
    assert at.headers["location"].endswith("/air/1/rows.csv")


def test_a_manifest_proves_its_files(app: ASGIApp, root: Path) -> None:
    """With the manifest and the trust policy alone: the log signed the rows that are in the file."""
    manifest = ask(app, "GET", "/catalogue/air/1/manifest.json").json()
    (parquet,) = [f for f in manifest["files"] if f["name"] == "rows.parquet"]
    content = ask(app, "GET", parquet["url"].removeprefix("http://city.example")).content
    assert (len(content), hashlib.sha256(content).hexdigest()) == (parquet["bytes"], parquet["sha256"])
    frame = pl.read_parquet(io.BytesIO(content)).select(manifest["snapshot"]["columns"])
    told = b""
    for said in manifest["snapshot"]["batches"]:
        assert frame_digest(frame.filter(pl.col("_batch") == said["batch"])) == said["sha256"]
        told += f"{said['batch']} {said['sha256']}\n".encode()
    assert hashlib.sha256(told).hexdigest() == manifest["snapshot"]["sha256"]
    proven = manifest["log"]["receipt"]
    statement = check_in_log(root, proven["entry"].encode(), proven["proof"])
    assert statement["table"]["sha256"] == manifest["snapshot"]["batches"][-1]["sha256"]
    assert (statement["feed"], statement["batch"]) == ("air", 1)


def check_in_log(root: Path, entry: bytes, proof: str) -> dict[str, Any]:
    """Check an entry's proof by the policy that a city hands out; return the statement's predicate."""
    stated = ProvenEntry.parse(entry, proof)
    accepted = parse_policy((root / "trust.policy").read_bytes()).check(stated.proof.checkpoint_note)
    check_included(stated, accepted)
    return dict(stated.statement.predicate)


def test_parts_of_a_file(app: ASGIApp) -> None:
    """One range is answered with that part, one beyond the end with 416, a nonsense one with the whole."""
    whole = ask(app, "GET", "/catalogue/air/1/rows.csv").content
    for asked, want in (("bytes=0-9", whole[:10]), ("bytes=-7", whole[-7:]), ("bytes=20-", whole[20:])):
        answer = ask(app, "GET", "/catalogue/air/1/rows.csv", headers={"range": asked})
        assert (answer.status_code, answer.content) == (206, want)
        assert answer.headers["content-range"].endswith(f"/{len(whole)}")
    beyond = ask(app, "GET", "/catalogue/air/1/rows.csv", headers={"range": f"bytes={len(whole)}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(whole)}")
    for asked in ("bytes=9-3", "bytes=-", "lines=1-2", "bytes=0-1,5-6"):
        assert ask(app, "GET", "/catalogue/air/1/rows.csv", headers={"range": asked}).content == whole
    old = {"range": "bytes=0-9", "if-range": '"another"'}
    assert ask(app, "GET", "/catalogue/air/1/rows.csv", headers=old).content == whole
    head = ask(app, "HEAD", "/catalogue/air/1/rows.csv")
    assert (head.content, int(head.headers["content-length"])) == (b"", len(whole))


def test_who_has_a_file_fetches_nothing(app: ASGIApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """304 of a file however large, whole or in part; and the part to who has another."""
    monkeypatch.setattr(shared_answers, "MAX_ANSWER_BYTES", 100)
    for path in ("/catalogue/air/1/rows.csv", "/catalogue/_panels/rain-hourly"):
        whole = ask(app, "GET", path)
        if "files" in whole.text:
            path = whole.json()["files"][0]["url"].removeprefix("http://city.example")
            whole = ask(app, "GET", path)
        assert len(whole.content) > 100
        tag = {"If-None-Match": whole.headers["etag"]}
        for more in ({}, {"Range": "bytes=0-9"}, {"If-Range": whole.headers["etag"], "Range": "bytes=0-9"}):
            known = ask(app, "GET", path, headers=tag | more)
            assert (known.status_code, known.content, known.headers["etag"]) == (
                304,
                b"",
                tag["If-None-Match"],
            )
        part = ask(app, "GET", path, headers={"If-None-Match": '"other"', "Range": "bytes=0-9"})
        assert (part.status_code, part.content) == (206, whole.content[:10])


def test_a_panel_is_made_again_and_compared(app: ASGIApp) -> None:
    """A panel's rows are those of its statement; filled values are marked as filled."""
    said = ask(app, "GET", "/catalogue/_panels/rain-hourly").json()
    path = said["files"][0]["url"].removeprefix("http://city.example")
    frame = rows_of(app, path)
    assert frame["_simulated"].all()
    assert frame_digest(frame.drop("_simulated")) == said["sha256"]
    assert "rain_state" in frame.columns
    definition = ask(app, "GET", said["definition"]["url"].removeprefix("http://city.example"))
    assert hashlib.sha256(definition.content).hexdigest() == said["definition"]["sha256"]


def test_croissant_is_valid_and_loads(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reference library takes the document without a complaint, and reads the rows from our server."""
    monkeypatch.setattr(constants, "DOWNLOAD_PATH", epath.Path(tmp_path))
    with listening(make_app(ServerSettings(root, clock=clock))) as url:
        for feed, n in (("air", 3 * HOURS), ("rain", None)):
            dataset = mlcroissant.Dataset(f"{url}/catalogue/{feed}/croissant.json")
            assert list(dataset.metadata.issues.errors) == []
            assert list(dataset.metadata.issues.warnings) == []
            records = list(dataset.records("rows"))
            assert n is None or len(records) == n
            assert {"rows/_batch", "rows/_flags"} <= records[0].keys()
        first = next(iter(mlcroissant.Dataset(f"{url}/catalogue/air/1/croissant.json").records("rows")))
        assert first["rows/station"] == b"A 1"
        assert first["rows/pm25"] == 10.0


def test_an_old_croissant_is_immutable(app: ASGIApp) -> None:
    """The document of a version may be kept for ever, that of a time may not."""
    assert "immutable" in ask(app, "GET", "/catalogue/air/0/croissant.json").headers["cache-control"]
    newest = ask(app, "GET", "/catalogue/air/croissant.json")
    assert "immutable" not in newest.headers["cache-control"]
    assert newest.json()["version"] == "1.2.1"
    assert newest.json()["license"].startswith("https://creativecommons.org")
