"""What a gateway took arrives at a real broker complete, in order, once, through cuts and sudden ends."""

import json
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_world import KEY, NAME, Broker, broker, city, configured, publish, running, until, wire
from veracity.gateway.limits import Cut, Keep
from veracity.gateway.running import signer
from veracity.gateway.sender import Sender
from veracity.gateway.status import Told, read_status
from veracity.gateway.store import Store

SECOND = 1_000_000_000


@pytest.fixture(scope="module")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with broker(tmp_path_factory.mktemp("nats"), mqtt_more='ack_wait: "2s"') as made:
        yield made


class Hand:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.ns = 1_800_000_000 * SECOND

    def __call__(self) -> int:
        return self.ns


def test_an_hour_without_network(nats: Broker, tmp_path: Path) -> None:
    """A reading a second for an hour, the network cut again and again: complete, in order, once."""
    clock, stop = Hand(), threading.Event()
    store = Store(tmp_path / "state", Keep(), clock)
    signed = signer(KEY, NAME)
    with city(nats.port) as there, wire(nats.port) as network:
        told = Told(clock)
        sender = Sender(store, network.config, NAME, told, lambda: clock.ns / SECOND, longest_pause_s=0.05)
        thread = threading.Thread(target=sender.run, args=(stop,))
        thread.start()
        sent = []
        for second in range(3_600):
            if second in (20, 3_000, 3_400):
                network.cut()
            if second in (2_900, 3_300, 3_500):
                network.mend()
            if second % 20 == 0:  # the device sends twenty readings at once
                sent += [b'{"at":%d}' % (second + i) for i in range(20)]
                store.put([("river", record) for record in sent[-20:]])
            store.cut(Cut(max_records=100, max_age_s=1), signed)
            clock.ns += SECOND
        store.cut(Cut(), signed, flush=True)
        until(lambda: len(there.records("river")) >= 3_600, "an hour of data")
        until(lambda: not store.unsent(0, 1), "every acknowledgement")
        stop.set()
        thread.join()
        assert there.records("river") == sent
        assert told.to_object()["failures"] > 0  # it did notice
    store.close()


def test_what_the_city_may_have_comes_again_byte_for_byte(nats: Broker, tmp_path: Path) -> None:
    """Batches sent again after their acknowledgement was lost are the same messages."""
    stop = threading.Event()
    store = Store(tmp_path / "state", Keep(), Hand())
    with city(nats.port) as there:
        store.put([("tide", b'{"n":1}')])
        store.cut(Cut(), signer(KEY, NAME), flush=True)
        sender = Sender(store, nats.config, NAME, Told(Hand()), lambda: 0.0)
        thread = threading.Thread(target=sender.run, args=(stop,))
        thread.start()
        until(lambda: not store.unsent(0, 1))
        until(lambda: len(there.records("tide")) == 1)
        assert store.resend(0) == 1
        until(lambda: there.n_again == 1, "the same message again")
        stop.set()
        thread.join()
        assert there.records("tide") == [b'{"n":1}']
    store.close()


def test_what_waited_is_not_sent_all_at_once(nats: Broker, tmp_path: Path) -> None:
    """A city bounds what it takes of one device: after days there is more than that to send."""
    clock, stop = Hand(), threading.Event()
    store = Store(tmp_path / "state", Keep(), clock)
    for n in range(40):
        store.put([("paced", b'{"n":%d}' % n)])
        store.cut(Cut(), signer(KEY, NAME), flush=True)
    with city(nats.port) as there:
        sender = Sender(store, nats.config, NAME, Told(clock), lambda: clock.ns / SECOND, per_s=5)
        thread = threading.Thread(target=sender.run, args=(stop,))
        thread.start()
        for want in (5, 10, 15):  # a second's worth at first, and for each second that passes
            until(lambda n=want: len(there.records("paced")) == n, "a second's worth")  # type: ignore[misc]
            clock.ns += SECOND if want < 15 else 0
        assert store.unsent(0, 100)[0].seq > 10
        stop.set()
        thread.join()
        assert len(there.records("paced")) == 15
    store.close()


def test_kill_at_any_time_loses_nothing_and_changes_nothing(nats: Broker, tmp_path: Path) -> None:
    """A gateway that is killed with SIGKILL again and again while it reads and sends."""
    drop = tmp_path / "in"
    drop.mkdir()
    path = configured(
        tmp_path,
        nats.port,
        f"batches: {{max_age_s: 0.05, max_records: 7}}\n"
        f"sources: [{{name: drop, kind: folder, feed: soil, folder: '{drop}', every_s: 0.05, settle_s: 0}}]",
    )
    want: list[bytes] = []
    with city(nats.port) as there:
        for round_ in range(3):
            records = [b'{"round":%d,"n":%d}' % (round_, n) for n in range(100)]
            want += records
            for i in range(0, 100, 10):
                part = tmp_path / "part"
                part.write_bytes(b"\n".join(records[i : i + 10]) + b"\n")
                part.rename(drop / f"{round_}-{i:03}.ndjson")
            with running(path) as process:
                least = len(want) - 100 + 25 * round_
                until(lambda n=least: len(there.records("soil")) > n, "some of it")  # type: ignore[misc]
                process.kill()
        with running(path) as process:
            until(lambda: len(there.records("soil")) >= len(want), "all of it")
            until(lambda: read_status(tmp_path / "state", 0)["queue"]["batches"] == 0)
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        assert there.records("soil") == want
    status = json.loads(json.dumps(read_status(tmp_path / "state", 0)))
    assert (status["running"], status["queue"]["records"]) == (False, 0)
    assert status["last"]["city"]["well"]


def test_kill_at_any_time_takes_local_messages_once(nats: Broker, tmp_path: Path) -> None:
    """What was stored and not yet acknowledged to the local broker comes again, and counts once."""
    path = configured(
        tmp_path,
        nats.port,
        "batches: {max_age_s: 0.05}\n"
        "sources: [{name: own, kind: mqtt, feed: own, topic: 'own/#', client_id: killed,"
        f" url: 'mqtt://127.0.0.1:{nats.port}'}}]",
    )
    with city(nats.port) as there:
        with running(path):
            until(lambda: is_well(tmp_path), "the subscription")
        want = [b'{"n":%d}' % n for n in range(600)]
        assert publish(nats.port, "own/s1", want) == 600  # while no gateway runs: the session keeps them
        for n in (0, 150, 300):
            with running(path) as process:
                until(lambda least=n: len(there.records("own")) > least, "some of it")  # type: ignore[misc]
                process.kill()
        with running(path):
            until(lambda: len(there.records("own")) >= 600, "all of it")
            publish(nats.port, "own/s1", [b'{"n":"end"}'])
            until(lambda: there.records("own")[-1] == b'{"n":"end"}')
        assert sorted(there.records("own")[:-1]) == sorted(want)


def is_well(folder: Path) -> bool:
    """Whether the source said that it works."""
    status = folder / "state" / "status.json"
    return status.exists() and bool(json.loads(status.read_bytes())["sources"]["own"]["well"])


def test_a_city_that_refuses_is_told_and_asked_again(tmp_path: Path) -> None:
    """A wrong password loses nothing: the status says what the city answered."""
    locked = 'authorization: {users: [{user: "edge", password: "right"}]}'
    store = Store(tmp_path / "state", Keep(), Hand())
    told, stop = Told(Hand()), threading.Event()
    with broker(tmp_path / "nats", more=locked) as nats:
        sender = Sender(store, nats.config, NAME, told, lambda: 0.0, longest_pause_s=0.05)
        thread = threading.Thread(target=sender.run, args=(stop,))
        thread.start()
        until(lambda: told.to_object()["failures"] > 1)
        stop.set()
        thread.join()
    assert "authorized" in told.to_object()["last_error"] or "Bad user" in told.to_object()["last_error"]
    store.close()
