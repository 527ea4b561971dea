"""Rows beside their records: the vectors, units and zones that the portal reads by are Python's own."""

import make_readings
import make_rows
import pytest


def test_the_vectors_are_what_python_makes_of_the_records() -> None:
    """The portal's unit tests hold its own reading to this file."""
    assert make_rows.PATH.read_text("utf-8") == make_rows.written(
        [*make_rows.vectors(), *make_rows.of_bytes()]
    )


def test_the_readings_are_pythons() -> None:
    """Times around each change of a clock, and the characters of each encoding's bytes."""
    assert make_readings.PATH.read_text("utf-8") == make_readings.written()


@pytest.mark.parametrize("name", ["make_conversions", "make_zones", "make_encodings"])
def test_the_portals_tables_are_those_that_contracts_are_read_with(name: str) -> None:
    """Factors of units to the last bit, zones' clocks at each day and change, bytes of encodings."""
    module = make_readings.script(name)
    assert module.PATH.read_text("utf-8") == module.text()
