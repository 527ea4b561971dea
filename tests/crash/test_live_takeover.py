"""A worker that loses PostgreSQL's lock in the middle of a turn, and another machine that takes it over."""

from dataclasses import replace
from pathlib import Path

import pytest

from city_writer import STEPS, at_step
from live_messages import FEED, record, signed
from shared_city import check_city, cut_off, machines, shared_places
from small_city import AGENCY, clock, key
from veracity.errors import VeracityError
from veracity.home.enrolments import add_device
from veracity.home.home import Home, open_writer
from veracity.home.live.accounts import accounts
from veracity.live.turning import Turner

__all__ = ["machines", "shared_places"]  # fixtures


@pytest.mark.parametrize("step", STEPS)
def test_each_message_counts_once(machines: tuple[Path, Path], postgres: str, step: str) -> None:
    """Cut off before any write of a batch, with the other's turn in between: rows and accounts have all once.

    The broker gives the other machine the same messages again; then the first, which nobody told, makes
    its turn again as a worker does after an error.
    """
    with open_writer(machines[0], clock) as writer:
        add_device(writer, f"{AGENCY}/g00", key(f"{AGENCY}/g00").public)
    first, second = (Turner(root, clock) for root in machines)
    arrivals = [
        replace(signed("G00", record("G00", n)), origin=("00" * 8, number))
        for number, n in enumerate((3, 5, 7))
    ]
    again = [replace(arrival, is_again=True) for arrival in arrivals]

    def lose() -> None:
        cut_off(postgres)
        second.turn(again)
        second.close()

    undo = at_step(step, lose, after=False)
    try:
        with pytest.raises(VeracityError):
            first.turn(arrivals)
    finally:
        undo()
    first.turn(arrivals)
    first.close()
    second.turn([*again, replace(signed("G00", record("G00", 9)), origin=("00" * 8, 3))])
    second.close()
    home = Home.open(machines[0], clock)
    sums = [a.said.sums for a in accounts(home, FEED)]
    n_rows, n_batches = home.table(FEED).scan().collect().height, len(home.index.batches(FEED))
    home.close()
    assert n_rows == 4
    assert (sum(s.messages for s in sums), sum(s.duplicate for s in sums)) == (4, 0)
    check_city(machines[1], n_batches)
