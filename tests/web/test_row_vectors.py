"""Rows beside their records: the vectors, units and zones that the portal reads by are Python's own."""

import importlib.util
import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import make_rows

from built_portal import SOURCES

TIMES = SOURCES / "src" / "views" / "verify" / "times.ts"


def test_the_vectors_are_what_python_makes_of_the_records() -> None:
    """The portal's unit tests hold its own reading to this file."""
    assert make_rows.PATH.read_text("utf-8") == make_rows.written(make_rows.vectors())


def test_the_portals_factors_are_those_that_contracts_are_read_with() -> None:
    """Each pair of units as ``veracity.units.conversion`` says, to the last bit."""
    spec = importlib.util.spec_from_file_location("make_conversions", SOURCES / "make_conversions.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PATH.read_text("utf-8") == module.text()


def test_the_zones_that_the_portal_takes_for_steady_are() -> None:
    """From 1995 to 2037 their clocks are as far from Greenwich as the page says, each day."""
    table = re.search(r"STEADY_ZONES[^{]*\{([^}]*)\}", TIMES.read_text("utf-8"))
    assert table is not None
    zones = re.findall(r'"([^"]+)": (\d+)', table[1])
    assert len(zones) > 10
    for name, minutes in zones:
        at, zone = datetime(1995, 1, 1), ZoneInfo(name)
        while at.year < 2038:
            assert at.replace(tzinfo=zone).utcoffset() == timedelta(minutes=int(minutes)), (name, at)
            at += timedelta(days=1)
