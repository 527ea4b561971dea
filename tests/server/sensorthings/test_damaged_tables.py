"""A data file that was damaged on the disk is told as a city that cannot be read, not as a bug of ours."""

from pathlib import Path

import pytest

from things_city import served_city, things_city


@pytest.mark.parametrize("path", ["/v1.1/Things", "/v1.1/Observations"])
def test_a_damaged_file_is_a_city_that_cannot_be_read(tmp_path: Path, path: str) -> None:
    """Bytes in the middle of its files, or their ends, are others'."""
    root = things_city(tmp_path / "city", 30)
    files = [file for file in root.rglob("*.parquet") if "rain" in file.parts]
    assert files
    for file in files:
        data = bytearray(file.read_bytes())
        data[len(data) // 2 :] = b"\xff" * (len(data) - len(data) // 2)
        file.write_bytes(data)
    with served_city(root) as city:
        assert city.json(path, 503)["code"] == "city-unreadable"
