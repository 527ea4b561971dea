"""The twin's stations."""

from veracity.city import stations, stations_of


def test_counts_and_names() -> None:
    """There are 20, 12 and 40 stations, each with an id of its own, in the order of their ids."""
    assert [len(stations_of(f)) for f in ("air-quality", "hydrology", "traffic")] == [20, 12, 40]
    ids = [s.id for s in stations()]
    assert len(set(ids)) == 72
    assert ids == sorted(ids)


def test_they_stand_in_da_nang() -> None:
    """Every station lies within the bounds of the mainland city and has a five-digit ward code."""
    for s in stations():
        assert 107.2 < s.lon < 108.75
        assert 14.9 < s.lat < 16.3
        assert len(s.ward) == 5
        assert s.ward.isdigit()
