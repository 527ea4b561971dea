"""Decisions and scores where a write fails, before or after it took effect: nothing half, nothing twice."""

import shutil
from pathlib import Path

import pytest

from rain_app import HOUR, NOW_HOUR, RainCity, rain_app
from small_city import NOW, log_entries
from veracity.home.home import Writer
from veracity.home.models.decision_audit import DecisionAudit
from veracity.home.models.outcomes import score
from veracity.home.models.running import run_app

APP = rain_app()


class Broken(Exception):
    """The write that failed."""


class Failing:
    """Objects of a home whose n-th write fails, before or after it took effect."""

    def __init__(self, home: Writer, n: int, *, after: bool) -> None:
        self._inner, self._left, self._after = home.objects, n, after
        home.objects = self  # type: ignore[assignment]

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def put(self, path: str, data: bytes) -> None:
        """Write, or fail."""
        self._left -= 1
        if self._left == 0 and not self._after:
            raise Broken(path)
        self._inner.put(path, data)
        if self._left == 0:
            raise Broken(path)


def steps(city: RainCity, fail: tuple[int, int, bool] | None = None) -> int:
    """Run and score, each twice; step ``fail[0]`` fails first. Return how much was said."""
    writes = 0
    for step in range(2):
        hours = 0.0 if step == 0 else step + 2.0
        if step % 2:
            city.take(NOW_HOUR + 2 * step - 1, 2, at=hours)
        if fail and fail[0] == step:
            with city.at(hours) as home:
                Failing(home, fail[1], after=fail[2])
                with pytest.raises(Broken):
                    act(home, step, hours)
        with city.at(hours) as home:
            size = home.log.size
            act(home, step, hours)
            writes += home.log.size - size
            act(home, step, hours)
    return writes


def act(home: Writer, step: int, hours: float) -> None:
    """Run at even steps, score at odd ones."""
    if step % 2:
        score(home, APP)
    else:
        run_app(home, APP, NOW + hours * HOUR)


@pytest.mark.parametrize(
    "fail", [(s, n, after) for s in range(2) for n in range(1, 2 + s % 2) for after in (False, True)]
)
def test_a_failed_write_is_made_up_for(
    tmp_path: Path, whole: list[bytes], base: RainCity, fail: tuple[int, int, bool]
) -> None:
    """After a crash between object and statement, the same call gives the log there would have been."""
    shutil.copytree(base.root, tmp_path / "city")
    city = RainCity(tmp_path / "city", tmp_path)
    steps(city, fail)
    assert log_entries(city.root) == whole
    home = city.open(10)
    assert list(DecisionAudit(home, lambda _: APP).check()) == []
    home.close()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> RainCity:
    return RainCity.new(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def whole(base: RainCity, tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """The log of a city where nothing failed."""
    folder = tmp_path_factory.mktemp("whole")
    shutil.copytree(base.root, folder / "city")
    city = RainCity(folder / "city", folder)
    assert steps(city) == 2
    return log_entries(city.root)
