"""The app runs on the built-in city's feed: its columns, units and places are those of the twin."""

from veracity.apps.environment.app import APP
from veracity.city import contracts, stations_of
from veracity.data.contract import parse_contract
from veracity.data.panel_definition import parse_panel


def test_the_built_in_city_has_what_the_app_reads() -> None:
    """Every column of the panel is in the city's own contract, in the unit of the app's."""
    panel = parse_panel(APP.panel)
    for feed, text in APP.contracts.items():
        own = {f.name: f for f in parse_contract(text).fields}
        city = parse_contract(contracts()[feed].read_bytes())
        there = {f.name: f for f in city.fields}
        for column in panel.columns:
            assert there[column.value].unit == own[column.value].unit
            assert there[column.value].type == own[column.value].type
        assert city.sensor == ("station",)


def test_it_knows_the_built_in_citys_places() -> None:
    """The app's places are those of the twin's stations."""
    twin = {s.id: {"lon": s.lon, "lat": s.lat} for s in stations_of("air-quality")}
    assert APP.attributes == twin


def test_readings_weigh_by_trust() -> None:
    """Pollutants are weighted by trust, carry it on to the model, and are measured, never filled."""
    columns = {c.name: c for c in parse_panel(APP.panel).columns}
    for target in APP.targets:
        column = columns[target]
        assert column.is_weighted
        assert column.has_trust
        assert column.min_trust > 0
        assert column.fill == "none"
