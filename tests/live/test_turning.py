"""Turns of a worker where others have the home meanwhile."""

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from live_messages import FEED, record, signed
from small_city import AGENCY, clock, key, new_city
from veracity.home.enrolments import add_device, revoke_key
from veracity.home.home import open_writer
from veracity.home.live.limits import Limits, LimitsByFeed
from veracity.home.live.rates import Rate
from veracity.home.live.verifying import Claim, verify_here
from veracity.live.turning import Turner

DEADLINE_S = 60.0


class Verifier:
    """Verifies, and notes what it was asked."""

    def __init__(self) -> None:
        self.n_claims: list[int] = []
        self.asked = threading.Event()

    def __call__(self, claims: Sequence[Claim]) -> list[bool]:
        self.n_claims.append(len(claims))
        self.asked.set()
        return verify_here(claims)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = new_city(tmp_path / "city")
    with open_writer(made, clock) as home:
        add_device(home, f"{AGENCY}/g00", key(f"{AGENCY}/g00").public)
    return made


def test_signatures_are_verified_while_another_has_the_home(root: Path) -> None:
    """Only sealing waits for its turn; and a key that was revoked meanwhile counts for nothing."""
    verifier = Verifier()
    turner = Turner(root, clock, verify=verifier)
    (first,) = turner.turn([signed("G00", record("G00", 1))])
    assert first.accepted == 1
    turner.close()
    told = []
    with open_writer(root, clock) as home:
        verifier.asked.clear()
        arrivals = [signed("G00", record("G00", n)) for n in range(2, 12)]
        turning = threading.Thread(target=lambda: told.extend(turner.turn(arrivals)))
        turning.start()
        assert verifier.asked.wait(DEADLINE_S)
        assert not told
        assert home.index.batches(FEED)[-1].batch == 0
    turning.join(DEADLINE_S)
    assert [t.accepted for t in told] == [10]
    assert verifier.n_claims == [1, 10]
    turner.close()
    with open_writer(root, clock) as home:
        revoke_key(home, f"{AGENCY}/g00", "lost")
    (last,) = turner.turn([signed("G00", record("G00", 20))])
    assert (last.accepted, last.turned) == (0, {"revoked-key": 1})
    turner.close()


def test_who_sends_too_much_is_not_verified_ahead(root: Path) -> None:
    """Beyond what a device may send at once nothing of it is verified before its rate is known."""
    verifier = Verifier()
    limits = LimitsByFeed(Limits(device=Rate(0.001, 3)))
    turner = Turner(root, clock, limits, verifier)
    turner.turn([signed("G00", record("G00", 1))])
    turner.close()
    turner.turn([signed("G00", record("G00", n)) for n in range(2, 30)])
    turner.close()
    assert verifier.n_claims == [1, 3]
