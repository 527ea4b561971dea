"""An app learns other stations' places from a small CSV; whatever is in it, only our own error comes out."""

from dataclasses import replace

import pytest

from veracity.apps import find
from veracity.apps.errors import MalformedRegions
from veracity.apps.regions import parse_regions
from veracity.models.errors import MalformedPlaces
from veracity.models.places import MAX_PLACES, at_places, parse_places


def test_places_are_read() -> None:
    """Each key has its numbers; an empty cell is unknown; a byte-order mark and CRLF do no harm."""
    text = '\ufeffstation,lon,lat,height\r\nHà Nội 1,105.8,21.0,12\r\n"a, b",,21,\r\n'.encode()
    assert parse_places(text) == {
        "Hà Nội 1": {"lon": 105.8, "lat": 21.0, "height": 12.0},
        "a, b": {"lat": 21.0},
    }


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"station\nA\n",
        b"station,lon,lat\n",
        b"station,lon,lon\nA,1,2\n",
        b"station,lon,LAT\nA,1,2\n",
        b"station,lon,lat\nA,1\n",
        b"station,lon,lat\nA,1,2,3\n",
        b"station,lon,lat\n,1,2\n",
        b"station,lon,lat\nA,1,2\nA,1,2\n",
        b"station,lon,lat\nA,x,2\n",
        b"station,lon,lat\nA,nan,2\n",
        b"station,lon,lat\nA,inf,2\n",
        b"station,lon,lat\nA,180.5,2\n",
        b"station,lon,lat\nA,1,-91\n",
        b"station,lon,lat\n\xff,1,2\n",
        b'station,lon,lat\n"A,1,2\n',
        b"k,lon,lat\n" + b"".join(b"%d,1,1\n" % i for i in range(MAX_PLACES + 1)),
        b"station,lon,lat\n" + b"A" * 5_000_000 + b",1,2\n",
    ],
)
def test_what_is_no_list_of_places_is_refused(text: bytes) -> None:
    """A list that cannot be meant is refused whole."""
    with pytest.raises(MalformedPlaces, match="places"):
        parse_places(text)


def test_other_places_are_another_code() -> None:
    """An app at other places is the same app, and the digest of what decides covers the places."""
    app = find("environment")
    moved = at_places(app, {"X1": {"lon": 1.0, "lat": 2.0}})
    assert moved.attributes == {"X1": {"lon": 1.0, "lat": 2.0}}
    assert replace(moved, attributes=app.attributes, code=app.code, assurance=app.assurance) == app
    assert app.assurance is not None
    assert moved.assurance == replace(app.assurance, districts={}, groups={}), (
        "no ward of a city that it is not"
    )
    assert moved.code() != app.code()
    assert moved.code() == at_places(app, {"X1": {"lat": 2.0, "lon": 1.0}}).code()


SQUARE = '{"type":"Polygon","coordinates":[[[0,0],[2,0],[2,4],[0,4],[0,0]]]}'


def collection(geometry: str, properties: str = "{}") -> bytes:
    feature = f'{{"type":"Feature","properties":{properties},"geometry":{geometry}}}'
    return f'{{"type":"FeatureCollection","features":[{feature}]}}'.encode()


def test_regions_are_read() -> None:
    """A polygon has its code, name and point; else its number and middle stand for them."""
    (named,) = parse_regions(collection(SQUARE, '{"code":"20194","name":"Hải Vân","lon":1.5,"lat":3}'))
    assert (named.code, named.name, named.lon, named.lat) == ("20194", "Hải Vân", 1.5, 3.0)
    (bare,) = parse_regions(collection(SQUARE, '{"lon":"east"}'))
    assert (bare.code, bare.name, bare.lon, bare.lat) == ("0", "0", 1.0, 2.0)
    assert bare.rings[0].shape == (5, 2)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b'{"features":[]}',
        b'{"features":[3]}',
        collection('{"type":"Point","coordinates":[0,0]}'),
        collection('{"type":"Polygon","coordinates":[]}'),
        collection('{"type":"MultiPolygon","coordinates":7}'),
        collection('{"type":"Polygon","coordinates":[[[0,0],[1,1],[0,0]]]}'),
        collection('{"type":"Polygon","coordinates":[[[0,0],[999,0],[1,1],[0,0]]]}'),
        collection('{"type":"Polygon","coordinates":[[[0,0],["a",0],[1,1],[0,0]]]}'),
        collection('{"type":"Polygon","coordinates":[[[0,0],[1],[1,1],[0,0]]]}'),
        collection('{"type":"Polygon","coordinates":[[[0,0],[null,1],[1,1],[0,0]]]}'),
    ],
)
def test_what_is_no_region_is_refused(text: bytes) -> None:
    """A file that is no collection of polygons in degrees is refused."""
    with pytest.raises(MalformedRegions, match="regions"):
        parse_regions(text)
