"""The ground of a map: what is imported is what is kept; what is no ground is refused, whole."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shared_data import real
from veracity.home import ground
from veracity.home.errors import MalformedGround
from veracity.home.ground import FILE, import_ground, parse_ground, read_ground, remove_ground

NOW = datetime(2026, 9, 3, 12, tzinfo=UTC)
RING = [[108.0, 16.0], [108.5, 16.0], [108.5, 16.25], [108.0, 16.0]]


def feature(kind: str = "Polygon", coordinates: Any = (RING,), **properties: Any) -> dict[str, Any]:
    """A feature of GeoJSON."""
    geometry = {"type": kind, "coordinates": coordinates}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def collection(*features: Any, **more: Any) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features), **more}


def imported(root: Path, document: Any, **about: Any) -> ground.Ground:
    path = root / "given.geojson"
    path.write_text(document if isinstance(document, str) else json.dumps(document), "utf-8")
    return import_ground(root, path, about.get("source"), about.get("licence"), NOW)


def test_what_is_imported_is_kept(tmp_path: Path) -> None:
    """Geometries to six decimals, plain properties, the box around it, source and licence; nothing else."""
    assert read_ground(tmp_path) is None
    given = collection(
        feature(name="Hải Châu", code=7, is_coast=True, parts=[1], long="x" * 300),
        feature("LineString", [[107.123456789, 15.5, 3.0], [108, 16]]),
        name="wards",
        crs={"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}},
    )
    made = imported(tmp_path, given, source="the city's survey", licence="CC-BY-4.0")
    assert read_ground(tmp_path) == made == parse_ground((tmp_path / FILE).read_bytes())
    assert (made.n_features, made.bbox) == (2, (107.123457, 15.5, 108.5, 16.25))
    kept = json.loads(made.body)
    assert (kept["source"], kept["licence"]) == ("the city's survey", "CC-BY-4.0")
    assert kept["features"][0]["properties"] == {"name": "Hải Châu", "code": 7, "is_coast": True}
    assert kept["features"][1]["geometry"]["coordinates"][0] == [107.123457, 15.5]
    assert set(kept) == {"type", "bbox", "source", "licence", "imported_at", "features"}
    assert remove_ground(tmp_path)
    assert not remove_ground(tmp_path)


@pytest.mark.parametrize(
    "document",
    [
        "",
        "[]",
        '{"type": "FeatureCollection"',
        "[" * 100_000,
        collection(),
        {"type": "Feature"},
        collection({"type": "Point"}),
        collection(feature("Curve")),
        collection(feature(coordinates=None)),
        collection(feature(coordinates=[])),
        collection(feature(coordinates=RING)),
        collection(feature(coordinates=[[RING]])),
        collection(feature("Point", [108.0])),
        collection(feature("Point", [181.0, 16.0])),
        collection(feature("Point", ["108", "16"])),
        collection(feature("Point", [True, False])),
        collection(feature("Point", [1e400, 0])),
        collection({"type": "Feature", "geometry": None, "properties": {}}),
        collection(feature(), crs={"properties": {"name": "EPSG:32648"}}),
    ],
)
def test_what_is_no_ground_is_refused(tmp_path: Path, document: Any) -> None:
    """And the ground before it stays."""
    before = imported(tmp_path, collection(feature()))
    with pytest.raises(MalformedGround):
        imported(tmp_path, document)
    assert read_ground(tmp_path) == before


def test_a_ground_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Features, positions and bytes."""
    for name, most in (("MAX_FEATURES", 1), ("MAX_POSITIONS", 7), ("MAX_BYTES", 300)):
        with monkeypatch.context() as patch:
            patch.setattr(ground, name, most)
            with pytest.raises(MalformedGround):
                imported(tmp_path, collection(feature(), feature()))


def test_an_invented_ground_says_so(tmp_path: Path) -> None:
    """If its file does, and by the word true alone; one that was kept before there was the word is none."""
    assert imported(tmp_path, collection(feature(), simulated=True)).simulated
    assert json.loads((tmp_path / FILE).read_bytes())["simulated"] is True
    for word in (False, "true", 1, None):
        made = imported(tmp_path, collection(feature(), simulated=word))
        assert not made.simulated
        assert b"simulated" not in made.body
    assert read_ground(tmp_path) == made


@pytest.mark.parametrize("change", [b'"source":null', b'"imported_at":"', b'"type":"Polygon"'])
def test_a_file_that_was_changed_by_hand_is_refused(tmp_path: Path, change: bytes) -> None:
    """What is no file of ours is not shown as one."""
    body = imported(tmp_path, collection(feature())).body
    assert change in body
    (tmp_path / FILE).write_bytes(body.replace(change, b'"x":"' if change.endswith(b'"') else b'"x":1'))
    with pytest.raises(MalformedGround):
        read_ground(tmp_path)


def test_the_wards_of_da_nang(tmp_path: Path) -> None:
    """A real city: 94 wards, their names, within what is served."""
    path = real("danang-admin", "wards_2025.geojson")
    made = import_ground(tmp_path, path, "danang-admin", "MIT", NOW)
    assert made.n_features == 94
    names = {f["properties"]["name"] for f in json.loads(made.body)["features"]}
    assert "Hải Vân" in names
    assert len(made.body) < 1_500_000
