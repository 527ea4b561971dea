"""What many threads ask for at once is made once; keys are forgotten when nobody is about them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event, Lock

import pytest
from pydantic import BaseModel

from run_up import wait
from small_city import clock, new_city
from veracity.home.home import Home, open_writer
from veracity.server.api.kept_answers import KeptAnswers
from veracity.server.city_reader import CityReader
from veracity.server.recent import Recent
from veracity.server.single_flight import SingleFlight

N = 8


class Answer(BaseModel):
    """A body."""

    n: int


@pytest.mark.parametrize("who", ["recent", "reader", "answers"])
def test_it_is_made_once(tmp_path: Path, who: str) -> None:
    """By the first who asks; the others wait for it, and nobody makes it again."""
    city = CityReader(new_city(tmp_path / "city"), clock)
    recent, answers = Recent(3_600.0), KeptAnswers()
    begin, go, made, lock = Barrier(N), Event(), [], Lock()

    def make(*_: Home) -> Answer:
        with lock:
            made.append(1)
        assert go.wait(60)
        return Answer(n=len(made))

    kinds: dict[str, Callable[[], object]] = {
        "recent": lambda: recent.kept("key", make),
        "reader": lambda: city.kept("key", make),
        "answers": lambda: answers.get(city, "key", make),
    }
    flights = {"recent": recent._flights, "reader": city._flights, "answers": answers._flights}[who]

    def ask() -> object:
        begin.wait(60)
        return kinds[who]()

    with ThreadPoolExecutor(N) as pool:
        asked = [pool.submit(ask) for _ in range(N)]
        try:
            wait(lambda: "key" in flights._flights and flights._flights["key"].n == N)
        finally:
            go.set()
        got = [one.result() for one in asked]
    assert len(made) == 1
    assert got == [got[0]] * N
    assert flights._flights == {}
    city.close()


@pytest.mark.parametrize("who", ["reader", "answers"])
def test_what_was_made_of_a_longer_log_is_not_told(tmp_path: Path, who: str) -> None:
    """Where a backup was put back, or the index is made again, there is less: it is made of what there is."""
    root = new_city(tmp_path / "city")
    city, answers, made = CityReader(root, clock), KeptAnswers(), []

    def make(home: Home) -> Answer:
        made.append(home.index.size)
        return Answer(n=home.index.size)

    def ask() -> object:
        return city.kept("key", make) if who == "reader" else answers.get(city, "key", make)

    before = ask()
    assert ask() == before
    with open_writer(root, clock) as home:
        home.index.clear()
    assert ask() != before
    assert made == [made[0], 0]
    city.close()


def test_who_fails_lets_the_next_try(tmp_path: Path) -> None:
    """An error is of who made it: nothing is kept, and the next makes it."""
    recent = Recent(3_600.0)

    def fails() -> int:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        recent.kept("key", fails)
    assert recent.kept("key", lambda: 3) == 3


def test_keys_do_not_wait_for_each_other() -> None:
    """Only who asks for the same waits."""
    flights = SingleFlight()
    with flights.of("a"), flights.of("b"):
        assert set(flights._flights) == {"a", "b"}
    assert flights._flights == {}
