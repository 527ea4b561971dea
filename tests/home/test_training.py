"""Training: from sealed snapshots only, each model once, every file checked whenever it is read."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from rain_app import RainCity, rain_app
from released_city import APP, SYSTEM, later, use_mean_rain
from small_city import PANEL, new_city
from veracity.errors import VeracityError
from veracity.home.audit import audit
from veracity.home.errors import HomeUnusable
from veracity.home.home import Home
from veracity.home.models.compare import compare
from veracity.home.models.recipe import Recipe
from veracity.home.models.registry import UnknownModel, export_model, find_model, load_model, models
from veracity.home.models.reproduce import reproduce
from veracity.home.models.snapshots import SnapshotRejected
from veracity.home.models.training import train
from veracity.models.bundle import Estimators
from veracity.models.description import Description
from veracity.models.errors import BadPanel, BadParameter, ModelAltered
from veracity.models.files import DESCRIPTION, ModelFiles
from veracity.models.panel_array import PanelArray
from veracity.provenance.model_signing import open_bundle
from veracity.provenance.publishing_keys import PublishingKey, PublishingPublicKey


@pytest.fixture(autouse=True)
def _estimator(monkeypatch: pytest.MonkeyPatch) -> None:
    use_mean_rain(monkeypatch)


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> RainCity:
    """A city with rain and no model; not to be changed."""
    return RainCity.new(tmp_path_factory.mktemp("rain"))


@pytest.fixture
def city(grown: RainCity, tmp_path: Path) -> RainCity:
    root = Path(shutil.copytree(grown.root, tmp_path / "city"))
    return RainCity(root, tmp_path)


@pytest.fixture
def home(city: RainCity) -> Iterator[Home]:
    with city.at() as writer:
        train(writer, APP, seed=1)
    opened = city.open()
    yield opened
    opened.close()


def test_a_model_is_made_and_said(city: RainCity) -> None:
    """The statement names snapshots, rows, code and seed; model.json says the same and the metrics."""
    with city.at() as writer:
        made = train(writer, APP, seed=7)
        described = Description.of(load_model(writer, made.train.model_sha256))
        assert (made.train.name, made.train.seed, made.train.simulated) == (SYSTEM, 7, True)
        assert [i.feed for i in made.train.inputs] == ["rain"]
        assert (described.rows, described.inputs) == (made.train.rows, made.train.inputs)
        assert described.learned["held_out"]["times"] == 9  # a fifth of 48
        assert described.learned["to"] < described.learned["held_out"]["from"]
        assert {row["horizon"] for row in described.metrics["rain"]["model"]} == {1, 2, 3}
        assert writer.objects.exists(f"panels/{made.train.definition_sha256}.yaml")
        assert audit(writer).is_clean
        assert audit(writer).models == 1


def test_the_same_again_is_the_same_model(city: RainCity) -> None:
    """Later, the same inputs, code and seed give the same model and no entry; another seed another one."""
    with city.at() as writer:
        first = train(writer, APP, seed=1)
        size = writer.log.size
    with city.at(5) as writer:
        again = train(writer, APP, seed=1)
        assert (again.idx, again.train, again.is_new) == (first.idx, first.train, False)
        assert writer.log.size == size
        assert train(writer, APP, seed=2).is_new
        assert writer.log.size == size + 1


def test_as_of_gives_what_was_known(city: RainCity) -> None:
    """A model as of a time learns from the batches that had come by then."""
    city.take(60, 5, at=2)
    with city.at(3) as writer:
        now, then = train(writer, APP, seed=1), train(writer, APP, seed=1, as_of=later(1))
        assert (now.train.inputs[0].up_to_batch, then.train.inputs[0].up_to_batch) == (1, 0)
        assert now.train.as_of is None
        assert then.train.as_of is not None
        assert audit(writer).is_clean


def test_an_estimator_without_an_app(city: RainCity) -> None:
    """An engineer trains a built-in estimator on a panel of their own; it can be made again."""
    recipe = Recipe.of_estimator("mine", PANEL.encode(), "mean-rain", ("rain",), (3, 1))
    with city.at() as writer:
        made = train(writer, replace(recipe, train=APP.train), seed=0)
        assert Description.of(made.files).recipe["horizons"] == [1, 3]
        assert Description.of(made.files).system is None
    for wrong in (("no-such", ("rain",), (1,)), ("mean-rain", (), (1,)), ("mean-rain", ("rain",), (-1,))):
        with pytest.raises(BadParameter):
            Recipe.of_estimator("mine", PANEL.encode(), *wrong)


@pytest.mark.parametrize(("n", "hold_out"), [(1, 0.2), (48, 0.95)])
def test_too_little_is_refused(tmp_path: Path, n: int, hold_out: float) -> None:
    """Nothing is made of a panel without enough to learn from, nor of a share that is none."""
    city = RainCity(new_city(tmp_path / "city"), tmp_path)
    city.take(1, n)
    with city.at() as writer:
        size = writer.log.size
        with pytest.raises((BadPanel, BadParameter)):
            train(writer, APP, seed=1, hold_out=hold_out)
        assert writer.log.size == size
        assert not list(writer.objects.list("models"))


def change_value(city: RainCity) -> None:
    """Write a file of the table again with one value changed, under its old name."""
    (path,) = (city.root / "store/tables/rain").glob("*.parquet")
    rows = pl.read_parquet(path)
    rows.with_columns(
        rain=pl.col("rain") + pl.when(pl.col("_record") == 5).then(0.1).otherwise(0.0)
    ).write_parquet(path)


def drop_row(city: RainCity) -> None:
    (path,) = (city.root / "store/tables/rain").glob("*.parquet")
    pl.read_parquet(path).slice(1).write_parquet(path)


def drop_file(city: RainCity) -> None:
    (path,) = (city.root / "store/tables/rain").glob("*.parquet")
    path.unlink()


@pytest.mark.parametrize("damage", [change_value, drop_row, drop_file])
def test_nothing_is_learned_from_what_was_changed(city: RainCity, damage: Callable[[RainCity], None]) -> None:
    """A snapshot whose table is not as the log says stops the training: no model, no entry."""
    damage(city)
    with city.at() as writer:
        size = writer.log.size
        with pytest.raises(SnapshotRejected):
            train(writer, APP, seed=1)
        assert writer.log.size == size
        assert not list(writer.objects.list("models"))


def test_evidence_counts_with_a_full_audit(city: RainCity) -> None:
    """A table that was signed but whose evidence is gone passes the quick check and fails the full one."""
    for path in (city.root / "store/evidence").rglob("*"):
        if path.is_file():
            path.write_bytes(b"{}\n")
    with city.at() as writer:
        with pytest.raises(SnapshotRejected, match="findings"):
            train(writer, APP, seed=1, full_audit=True)
        train(writer, APP, seed=1)


def model_files(home: Home) -> list[Path]:
    return sorted(p for p in (home.directory.store / "models").rglob("*") if p.is_file())


def test_every_bit_of_a_model_counts(home: Home) -> None:
    """Every third byte of each file, changed by one bit, and the model is not loaded."""
    (row,) = models(home)
    for path in model_files(home):
        body = path.read_bytes()
        for at in range(0, len(body), 11 if path.name == "model.sig" else 3):
            path.write_bytes(body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :])
            if path.name == "model.sig" and _is_only_a_courtesy(home, row.sha256, path.read_bytes()):
                continue
            with pytest.raises(ModelAltered):
                load_model(home, row.sha256)
        path.write_bytes(body)
    load_model(home, row.sha256)


def _is_only_a_courtesy(home: Home, sha256: str, signature: bytes) -> bool:
    """Whether a signature's file still verifies: a line end, or a name that nothing rests on, was changed."""
    hint = Description.of(load_all(home, sha256)).signed_by
    key = PublishingPublicKey.from_pem(home.objects.get(f"keys/{hint}.pem"))
    try:
        open_bundle(signature, key)
    except VeracityError:
        return False
    return True


def load_all(home: Home, sha256: str) -> ModelFiles:
    """A model's files, nothing checked."""
    folder = home.directory.store / "models" / sha256
    return ModelFiles({p.name: p.read_bytes() for p in folder.iterdir() if p.name != "model.sig"})


def test_files_added_removed_and_swapped(city: RainCity, home: Home) -> None:
    """A file more, a file less, another model's files or key, no signature: not loaded, the audit tells."""
    (row,) = models(home)
    folder = home.directory.store / "models" / row.sha256
    kept = {p.name: p.read_bytes() for p in folder.iterdir()}
    key_file = next((home.directory.store / "keys").glob("*.pem"))
    with city.at() as writer:
        other = train(writer, APP, seed=2).train.model_sha256
    others = {p.name: p.read_bytes() for p in (folder.parent / other).iterdir()}

    def attempt(files: dict[str, bytes]) -> None:
        shutil.rmtree(folder)
        folder.mkdir()
        for name, body in files.items():
            (folder / name).write_bytes(body)
        with pytest.raises(ModelAltered):
            load_model(home, row.sha256)
        assert [f.what for f in audit(home).findings] == ["model"]

    attempt(kept | {"more.json": b"{}"})
    attempt(kept | {"model.py": b"print()"})
    attempt({n: b for n, b in kept.items() if n == DESCRIPTION})
    attempt({n: b for n, b in kept.items() if n != "model.sig"})
    attempt(others)
    attempt(kept | {"model.sig": others["model.sig"]})
    attempt({})
    for name, body in kept.items():
        (folder / name).write_bytes(body)
    pem = key_file.read_bytes()
    key_file.write_bytes(PublishingKey.generate().public.to_pem())
    with pytest.raises(ModelAltered, match="publishing key"):
        load_model(home, row.sha256)
    key_file.write_bytes(pem)
    load_model(home, row.sha256)


def test_models_are_found_by_name_and_digest(city: RainCity, home: Home) -> None:
    """The last of a name; one by its first digits; nothing by what fits several or none."""
    with city.at(1) as writer:
        second = train(writer, APP, seed=2)
    assert find_model(home, SYSTEM).sha256 == second.train.model_sha256
    first = models(home)[0]
    assert find_model(home, first.sha256[:12]).idx == first.idx
    for wrong in ("no-such", first.sha256[:7], "f" * 64, ""):
        with pytest.raises(UnknownModel):
            find_model(home, wrong)


def test_a_model_is_given_out_whole(home: Home, tmp_path: Path) -> None:
    """The exported directory verifies with the key beside it; an altered model is not given out."""
    (row,) = models(home)
    names = export_model(home, row.sha256, tmp_path / "out")
    assert {"files/model.json", "model.sig", "publishing.pem"} <= set(names)
    with pytest.raises(HomeUnusable):
        export_model(home, row.sha256, tmp_path / "out")
    model_files(home)[0].write_bytes(b"x")
    with pytest.raises(ModelAltered):
        export_model(home, row.sha256, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_a_model_is_made_again(home: Home) -> None:
    """From its statement alone the model comes out the same to the last bit."""
    made = reproduce(home, models(home)[0], APP)
    assert made.is_same
    assert made.learned_same
    assert made.rows_same
    assert made.tolerance == 0.0
    with pytest.raises(BadParameter):
        reproduce(home, models(home)[0])


def test_other_code_is_told_with_its_tolerance(home: Home) -> None:
    """Where the code changed, the digest differs; what differs is named, and how far forecasts are apart."""

    def train_else(panel: PanelArray, *, seed: int) -> Estimators:
        made = APP.train(panel, seed=seed)
        made["rain"].mean_ += 0.25  # type: ignore[attr-defined]
        return made

    changed = rain_app(stage="act", code=lambda: "d1" * 32, train=train_else)
    made = reproduce(home, models(home)[0], changed)
    assert not made.is_same
    assert not made.learned_same
    assert made.rows_same
    assert "code" in {d.where for d in made.described}
    assert made.files == ("model.json changed", "rain.mean.json changed")
    assert made.tolerance == pytest.approx(0.25)


def test_two_models_are_compared(city: RainCity, home: Home) -> None:
    """What differs: parameters, data, metrics, digests; and how far apart they are on the same rows."""
    city.take(60, 9, at=2, add=3.0)
    with city.at(3) as writer:
        train(writer, APP, seed=1)
    one, other = models(home)
    told = compare(home, one, other, APP)
    where = {d.where for d in told.described}
    assert not told.is_same
    assert {"panel.inputs[0].sha256", "panel.rows.rows", "learned.times"} <= where
    assert told.apart[0].greatest is not None
    assert told.apart[0].greatest > 0
    assert compare(home, one, one, APP).is_same


def test_a_statement_that_lies_is_found(city: RainCity) -> None:
    """A train statement with another seed, or of a model that is not there, is a finding of the audit."""
    with city.at() as writer:
        made = train(writer, APP, seed=1)
        writer.say(replace(made.train, seed=5).to_statement())
        writer.say(replace(made.train, model_sha256="ab" * 32).to_statement())
        writer.say(replace(made.train, rows=replace(made.train.rows, rows=1)).to_statement())
        found = {(f.where.split("entry ")[1], f.what) for f in audit(writer).findings}
    at = made.idx
    assert found == {
        (f"{at + 1})", "statement"),
        (f"{at + 2})", "model"),
        (f"{at + 3})", "panel made again"),
        (f"{at + 3})", "statement"),
    }
