"""A server that means ill: each round ends, in bounded time and memory, and says what was wrong."""

import resource
from pathlib import Path

import pytest

from small_city import log_entries, new_city
from veracity.log.errors import StoreUnavailable
from veracity.monitor.view import open_view
from veracity.stores.errors import BadLocation
from watched import Hostile, forge, http, policy, watch

WAYS = ("silent", "header", "body", "endless", "huge", "redirect", "bomb", "short", "error", "garbage")


@pytest.mark.parametrize("way", WAYS)
def test_a_hostile_log_is_out_of_reach(way: str, tmp_path: Path) -> None:
    """Silence, a drip, an endless or huge answer, redirects, a gzip bomb: out of reach, nothing more."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with http(Hostile) as url:
        made = watch(url, tmp_path, objects=open_view(f"{url}/{way}", timeout_s=2.0)).round()
    assert not made.is_reached
    assert not made.findings
    assert "out of reach" in made.told[0]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000, "kB"


def test_hostile_witnesses_do_not_hold_up_the_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two witnesses that never end are asked at once, given up, and told; the log is checked all the same."""
    monkeypatch.setattr("veracity.monitor.witnesses.WITNESS_S", 2.0)
    log = forge(tmp_path / "log", log_entries(new_city(tmp_path / "city")))
    with http(Hostile) as url:
        made = watch(log, tmp_path, policy(hanoi=f"{url}/header", hue=f"{url}/endless")).round()
    assert made.is_well
    assert all(w.problem for w in made.witnesses)
    assert made.is_caught_up


def test_what_is_no_location_is_refused(tmp_path: Path) -> None:
    """Another scheme, a login in a URL, no directory: said at once."""
    for location in ("ftp://x", "", "http://user:pass@x/", "a\0b"):
        with pytest.raises(BadLocation):
            open_view(location)
    with pytest.raises(StoreUnavailable):
        open_view(str(tmp_path / "none"))
