"""Training fails at any write: a model that the log does not speak of is none; trying again ends it."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from rain_app import RainCity
from released_city import APP, use_mean_rain
from veracity.home.audit import audit
from veracity.home.home import Home
from veracity.home.models.registry import load_model, models
from veracity.home.models.training import train
from veracity.log.errors import StoreUnavailable


class Failing:
    """Puts of a store that fail at the n-th, before or after it took effect."""

    def __init__(self, home: Home, at: int, *, after: bool) -> None:
        self._put, self._left, self._after = home.objects.put_many, at, after

    def __call__(self, items: Sequence[tuple[str, bytes]]) -> None:
        self._left -= 1
        if self._left >= 0 or self._left < -1:
            self._put(items)
            return
        if self._after:
            self._put(items)
        raise StoreUnavailable("write: want a disk, got none")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(3))
def test_a_failed_write_leaves_nothing_that_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int, *, after: bool
) -> None:
    """The key, the panel, the files: whichever write fails, the log is as before, and again ends it."""
    use_mean_rain(monkeypatch)
    city = RainCity.new(tmp_path)
    with city.at() as home:
        size = home.log.size
        with monkeypatch.context() as failing:
            failing.setattr(home.objects, "put_many", Failing(home, at, after=after))
            with pytest.raises(StoreUnavailable):
                train(home, APP, seed=1)
        assert home.log.size == size
        assert models(home) == []
        assert audit(home).is_clean
    with city.at() as home:
        made = train(home, APP, seed=1)
        assert (made.is_new, made.idx, len(models(home))) == (True, size, 1)
        load_model(home, made.train.model_sha256)
        assert audit(home).is_clean


def test_a_crash_between_files_and_statement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that were written and never spoken of are no model; the same training says them, once."""
    use_mean_rain(monkeypatch)
    city = RainCity.new(tmp_path)
    with city.at() as home:
        with monkeypatch.context() as failing:
            failing.setattr(home, "say", lambda _: (_ for _ in ()).throw(StoreUnavailable("log: gone")))
            with pytest.raises(StoreUnavailable):
                train(home, APP, seed=1)
        left = list(home.objects.list("models"))
        assert left
        assert models(home) == []
    shutil.copytree(city.root / "store/models", tmp_path / "left")
    with city.at() as home:
        made = train(home, APP, seed=1)
        assert (city.root / "store/models" / made.train.model_sha256).is_dir()
        assert len(list((city.root / "store/models").iterdir())) == 1
