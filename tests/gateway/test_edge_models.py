"""A gateway runs exactly the models that the city's log released, and signs what they say."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from estimating import graph
from released_city import APP, Released, use_mean_rain
from small_city import NOW, ORIGIN, clock, key, new_city
from veracity.cli.gateway import gateway
from veracity.gateway.edge_model import ModelConfig, open_graph, open_model
from veracity.gateway.errors import MalformedGraph, ModelNotReleased
from veracity.gateway.inlet import Inlet
from veracity.gateway.limits import Keep
from veracity.gateway.released import model_digest, read_model
from veracity.gateway.status import Told
from veracity.gateway.store import Store
from veracity.home.clock import format_time
from veracity.home.home import Home, Writer, open_writer
from veracity.home.models.release_receipts import make_release_receipt
from veracity.home.models.stages import changes
from veracity.home.officers import add_officer, approve
from veracity.log.notes import Signer
from veracity.models.files import model_sha256
from veracity.provenance.approvals import Request
from veracity.provenance.receipts import format_receipt
from veracity.provenance.statements import Release
from veracity.provenance.statements.release import asked_release
from veracity.provenance.statements.words import Action

SYSTEM, OFFICER = "rain-edge", "Nguyễn Thị Lan"
FILES = {"model.json": b'{"schema":"veracity.model/v1"}', "rain.graph.onnx": graph(3, horizons=(1,))}
SHA = "ab" * 32


def say(home: Writer, action: Action, digest: str) -> None:
    """An officer approves a change of what serves, and the operator says so."""
    before = changes(home, SYSTEM)
    asked = asked_release(
        SYSTEM, action, digest, "shadow", SHA, (), before[-1][0] if before else None, simulated=True
    )
    approval = approve(key("lan"), Request("release", SYSTEM, asked), OFFICER, "checked", NOW)
    release = Release(
        SYSTEM, action, digest, "shadow", SHA, (), format_time(NOW), simulated=True,
        replaces=asked["replaces"], approval=approval,
    )  # fmt: skip
    home.say(release.to_statement())


class World:
    """A city that released a model, and its files and receipt as they come to an edge box."""

    def __init__(self, folder: Path) -> None:
        self.root = new_city(folder / "city")
        self.model, self.receipt = folder / "model", folder / "release.receipt.json"
        self.policy = self.root / "trust.policy"
        self.model.mkdir()
        for name, body in FILES.items():
            (self.model / name).write_bytes(body)
        self.digest = model_digest(FILES)
        with open_writer(self.root, clock) as home:
            add_officer(home, "lan", key("lan").public, ["release"], person=OFFICER)
            say(home, "release", self.digest)
            digest, receipt = make_release_receipt(home, SYSTEM)
        assert digest == self.digest
        self.receipt.write_bytes(format_receipt(receipt))

    def config(self, **changes: Any) -> ModelConfig:
        settings: dict[str, Any] = {
            "name": "rain-next", "directory": self.model, "receipt": self.receipt, "graph": "rain.graph.onnx",
            "reads": "rain", "feed": "rain-next", "input": "window", "fields": ("rain",), "lookback": 3,
            "key": "gauge", "outputs": tuple(f"q{i}" for i in range(7)), "copied": ("gauge", "observed_at"),
        }  # fmt: skip
        return ModelConfig(**{**settings, **changes})


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_its_word_is_a_record_of_its_own_feed(world: World, tmp_path: Path) -> None:
    """In the same commit as the reading, with the model's digest, from the rows of the same gauge alone."""
    told = Told(lambda: 0)
    model = open_model(world.config(), world.policy, told)
    store = Store(tmp_path / "state", Keep(), lambda: 0)
    inlet = Inlet(store, "line", "rain", [model], Told(lambda: 0), lambda: 0)
    for gauge, rain in (("G01", 2.0), ("G02", 50.0), ("G01", 4.0), ("G01", None), ("G01", 6.0)):
        inlet.put([json.dumps({"gauge": gauge, "observed_at": "t", "rain": rain}).encode()])
    rows = store._all("SELECT feed, record FROM records ORDER BY seq")
    assert [feed for feed, _ in rows] == 5 * ["rain", "rain-next"]
    said = [json.loads(record) for feed, record in rows if feed == "rain-next"]
    assert said[0] == {
        "gauge": "G01", "observed_at": "t", "model": world.digest, **{f"q{i}": 2.0 for i in range(7)}
    }  # fmt: skip
    assert [s["q3"] for s in said] == [2.0, 50.0, 3.0, 3.0, 5.0]  # the graph is the mean of what is known
    store.close()


def test_a_reading_it_cannot_take_is_still_kept(world: World, tmp_path: Path) -> None:
    told = Told(lambda: 0)
    model = open_model(world.config(input="other", lookback=0), world.policy, told)
    store = Store(tmp_path / "state", Keep(), lambda: 0)
    Inlet(store, "line", "rain", [model], Told(lambda: 0), lambda: 0).put([b'{"rain":1}'])
    assert store.queue().n_records == 1
    assert told.to_object()["failures"] == 1
    store.close()


def test_a_changed_file_is_refused(world: World) -> None:
    """One bit, one file more, one file less, one renamed."""
    graph_file = world.model / "rain.graph.onnx"
    body = graph_file.read_bytes()
    graph_file.write_bytes(body[:-1] + bytes([body[-1] ^ 1]))
    with pytest.raises(ModelNotReleased):
        open_model(world.config(), world.policy, Told(lambda: 0))
    graph_file.write_bytes(body)
    (world.model / "more.txt").write_text("more")
    with pytest.raises(ModelNotReleased):
        open_model(world.config(), world.policy, Told(lambda: 0))
    (world.model / "more.txt").unlink()
    graph_file.rename(world.model / "other.onnx")
    with pytest.raises(ModelNotReleased):
        open_model(world.config(), world.policy, Told(lambda: 0))


def test_only_a_release_by_the_city_believed_counts(world: World, tmp_path: Path) -> None:
    """Another log's key, a receipt that is none, no receipt at all, no files."""
    other = Signer.generate(ORIGIN).verifier.format()  # of the same name
    (tmp_path / "wrong.policy").write_text(f"log {other}\nquorum none\n")
    for config, believed in (
        (world.config(), tmp_path / "wrong.policy"),
        (world.config(receipt=tmp_path / "none"), world.policy),
        (world.config(receipt=world.policy), world.policy),
        (world.config(directory=tmp_path / "none"), world.policy),
    ):
        with pytest.raises(ModelNotReleased):
            open_model(config, believed, Told(lambda: 0))


def test_a_stop_is_no_release(world: World) -> None:
    with open_writer(world.root, clock) as home:
        say(home, "stop", world.digest)
        idx = changes(home, SYSTEM)[-1][0]
    receipt = receipt_of(world.root, idx)
    world.receipt.write_bytes(receipt)
    with pytest.raises(ModelNotReleased, match="stopped"):
        read_model(world.model, world.receipt, world.policy)


def receipt_of(root: Path, idx: int) -> bytes:
    """The receipt of any change of what serves."""
    from veracity.home.receipts import proven_entry, proven_keys
    from veracity.provenance.receipts import Receipt

    home = Home.open(root, clock)
    reader = home.published()
    stated = proven_entry(reader, idx)
    approval = Release.from_statement(stated.statement).approval
    assert approval is not None
    keys, revocations = proven_keys(home, reader, [stated.envelope, approval], idx)
    home.close()
    return format_receipt(Receipt(stated=stated, keys=keys, revocations=revocations))


def test_a_graph_that_reads_other_files_is_refused(tmp_path: Path) -> None:
    """Though the city released it."""
    for body in (graph(3, external=True), b"", b"no graph"):
        with pytest.raises(MalformedGraph):
            open_graph(body)


def test_the_digest_is_the_citys() -> None:
    """Computed here without the code for models, which an edge box does not have."""
    digests = {name: hashlib.sha256(body).hexdigest() for name, body in FILES.items()}
    assert model_digest(FILES) == model_sha256(digests)


def test_the_operator_hands_it_out_by_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What ``veracity gateway model`` writes of a model that went through the gate is accepted."""
    use_mean_rain(monkeypatch)
    city = Released.new(tmp_path).city
    arguments = ["model", APP.name, "--to", str(tmp_path / "out"), "--home", str(city.root), "--json"]
    gateway.main(arguments, standalone_mode=False)
    said = json.loads(capsys.readouterr().out)
    out, policy = tmp_path / "out", city.root / "trust.policy"
    digest, files = read_model(out / "files", out / "release.receipt.json", policy)
    assert said["model"] == digest
    assert "model.json" in files
