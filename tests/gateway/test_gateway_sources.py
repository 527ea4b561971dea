"""Each kind of source becomes records; what cannot be kept is counted; a fault is told and got over."""

import json
import os
import pty
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from edge_world import Broker, broker, publish, until
from free_ports import free_port
from veracity.errors import Unavailable
from veracity.gateway.errors import MalformedConfig, SourceFault, StoreFull
from veracity.gateway.inlet import Inlet
from veracity.gateway.limits import Keep
from veracity.gateway.sources.folder import parse_folder
from veracity.gateway.sources.http_polling import parse_http_polling
from veracity.gateway.sources.local_mqtt import parse_local_mqtt
from veracity.gateway.sources.modbus import Register, parse_modbus
from veracity.gateway.sources.serial_line import Lines, parse_serial_line
from veracity.gateway.sources.source import Source
from veracity.gateway.status import Told
from veracity.gateway.store import Store
from veracity.provenance.fields import Fields

NOW = 1_800_000_000_000_000_000
AT = "2027-01-15T08:00:00.000000Z"


class Bench:
    """A store, and a source that puts into it in a thread of its own."""

    def __init__(self, folder: Path, keep: Keep = Keep()) -> None:  # noqa: B008
        self.store = Store(folder / "state", keep, lambda: NOW)
        self.told = Told(lambda: NOW)
        self.fault: Unavailable | None = None

    @contextmanager
    def reading(self, source: Source) -> Iterator[None]:
        """Let a source run until the block ends."""
        stop = threading.Event()
        inlet = Inlet(self.store, source.name, source.feed, [], self.told, lambda: NOW)

        def work() -> None:
            try:
                source.run(inlet, stop)
            except Unavailable as exc:
                self.fault = exc

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(60)

    def records(self) -> list[Any]:
        rows = self.store._all("SELECT record FROM records ORDER BY seq")
        return [json.loads(row[0]) for row in rows]

    def lost(self) -> dict[str, int]:
        return dict(self.store._all("SELECT reason, SUM(n) FROM losses GROUP BY reason"))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with broker(tmp_path_factory.mktemp("local"), mqtt_more='ack_wait: "2s"') as made:
        yield made


def parsed(parse: Callable[..., Any], base: Path, **settings: Any) -> Any:
    """A source from its settings, all of them known."""
    fields = Fields(settings, "source", MalformedConfig)
    source = parse("one", "feed", fields, base)
    fields.done()
    return source


def full(store: Store) -> None:
    """Fill a store to its last byte or nearly."""
    try:
        while True:
            store.put([("other", 3_000 * b"x")])
    except StoreFull:
        pass


# Serial lines


@contextmanager
def line() -> Iterator[tuple[int, str]]:
    """A pseudo-terminal: the device's end, and the name of ours."""
    device, ours = pty.openpty()
    try:
        yield device, os.ttyname(ours)
    finally:
        for end in (device, ours):
            with suppress(OSError):
                os.close(end)


def test_serial_lines_by_a_pattern(bench: Bench, tmp_path: Path) -> None:
    with line() as (device, name):
        source = parsed(
            parse_serial_line, tmp_path, device=name, baud=9600, format="regex", time_field="observed_at",
            pattern=r"L=(?P<level>[0-9.]+) B=(?P<battery>\d+)", add={"gauge": "G01"},
            kinds={"level": "number", "battery": "integer"},
        )  # fmt: skip
        with bench.reading(source):
            until(lambda: bench.told.to_object()["well"])
            os.write(device, b"L=1.250 B=87\r\nL=1.2")
            os.write(device, b"60 B=86\r\nboot v1.2\r\nL=inf B=1\r\n")
            until(lambda: len(bench.records()) == 2 and bench.lost())
            until(lambda: bench.lost() == {"malformed": 2})
    assert bench.records() == [
        {"battery": 87, "gauge": "G01", "level": 1.25, "observed_at": AT},
        {"battery": 86, "gauge": "G01", "level": 1.26, "observed_at": AT},
    ]


def test_a_serial_line_that_goes_away_is_a_fault(bench: Bench, tmp_path: Path) -> None:
    with line() as (device, name):
        source = parsed(parse_serial_line, tmp_path, device=name)
        with bench.reading(source):
            until(lambda: bench.told.to_object()["well"])
            os.close(device)
            until(lambda: bench.fault)
    with pytest.raises(SourceFault):
        parsed(parse_serial_line, tmp_path, device="none").run(None, threading.Event())


def test_lines_of_any_pieces_are_the_same_and_bounded() -> None:
    text = b"a,1\nb,2\r\n\n" + 9_000 * b"z" + b"\nc,3\n"
    for size in (1, 2, 7, 4_096, 20_000):
        lines, found = Lines(), []
        for i in range(0, len(text), size):
            found += lines.feed(text[i : i + size])
            assert len(lines._rest) <= 4_096
        assert [x for x in found if len(x) < 10] == [b"a,1", b"b,2", b"c,3"]
        assert len(found) == 4  # the long one once, to be counted


def test_where_there_is_no_room_what_cannot_wait_is_counted(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Keep(max_bytes=200_000))
    full(bench.store)
    with line() as (device, name):
        source = parsed(
            parse_serial_line, tmp_path, device=name, format="csv", columns=["n"], add={"x": 3_000 * "y"}
        )
        with bench.reading(source):
            until(lambda: bench.told.to_object()["well"])
            os.write(device, b"1\n2\n3\n")
            until(lambda: bench.lost() == {"full": 3})
    assert "room" in bench.told.to_object()["last_error"]


# Modbus


@contextmanager
def modbus_server(registers: list[int]) -> Iterator[int]:
    """pymodbus' own server, with these holding registers from address 0."""
    import asyncio

    from pymodbus.server import ModbusTcpServer
    from pymodbus.simulator import DataType, SimData, SimDevice

    port = free_port()
    loop = asyncio.new_event_loop()
    device = SimDevice(1, simdata=[SimData(0, values=registers, datatype=DataType.REGISTERS)])

    async def serve() -> Any:
        server = ModbusTcpServer(device, address=("127.0.0.1", port))
        await server.serve_forever(background=True)
        return server

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(serve(), loop).result(60)
    try:
        yield port
    finally:
        asyncio.run_coroutine_threadsafe(server.shutdown(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.close()


def test_modbus_registers_become_fields(bench: Bench, tmp_path: Path) -> None:
    level = list(struct.unpack(">2H", struct.pack(">f", 2.35)))
    total = list(struct.unpack(">2H", struct.pack(">I", 123_456_789)))[::-1]
    with modbus_server([0xFFFB, *level, *total, 7]) as port:
        source = parsed(
            parse_modbus, tmp_path, host="127.0.0.1", port=port, unit=1, every_s=0.05, time_field="at",
            registers=[
                {"name": "temperature", "address": 0, "type": "int16", "scale": 0.1},
                {"name": "level", "address": 1, "type": "float32"},
                {"name": "total", "address": 3, "type": "uint32", "words": "little", "scale": 0.01},
                {"name": "state", "address": 5, "offset": -4},
            ],
        )  # fmt: skip
        with bench.reading(source):
            until(lambda: len(bench.records()) >= 2, "two readings")
    assert bench.records()[0] == {
        "at": AT,
        "level": 2.35,
        "state": 3,
        "temperature": -0.5,
        "total": 1234567.89,
    }


def test_modbus_faults_are_errors_of_ours(bench: Bench, tmp_path: Path) -> None:
    with modbus_server([1, 2]) as port:
        wrong = [{"name": "x", "address": 40_000}]
        source = parsed(parse_modbus, tmp_path, host="127.0.0.1", port=port, every_s=0.05, registers=wrong)
        with bench.reading(source):
            until(lambda: bench.fault, "an error answer")
    source = parsed(parse_modbus, tmp_path, host="127.0.0.1", port=free_port(), registers=wrong)
    with pytest.raises(SourceFault):
        source.run(None, threading.Event())


def test_a_broken_sensor_is_no_number(tmp_path: Path) -> None:
    from decimal import Decimal

    nan = list(struct.unpack(">2H", struct.pack(">f", float("nan"))))
    register = Register("t", "holding", 0, "float32", Decimal(1), Decimal(0), "big")
    assert register.value(nan) is None


# HTTP


@contextmanager
def web(answers: Callable[[int], tuple[int, bytes]]) -> Iterator[str]:
    """A server whose n-th answer is what is given for n."""
    asked = 0

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            nonlocal asked
            status, body = answers(asked)
            asked += 1
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/state"
    finally:
        server.shutdown()
        thread.join(60)
        server.server_close()


def test_http_takes_what_is_new(bench: Bench, tmp_path: Path) -> None:
    documents = [
        b'{"data": {"rows": [{"id": 1, "v": 2.5}]}}',
        b'{"data": {"rows": [{"v": 2.5, "id": 1}, {"id": 2, "v": null}]}}',
        b'{"data": {"rows": "none"}}',
        b"not JSON",
        b'{"data": {"rows": []}, "more": "' + 2_000 * b"x" + b'"}',
        b'{"data": {"rows": {"id": 3}}}',
    ]
    with web(lambda n: (200, documents[min(n, 5)])) as url:
        source = parsed(
            parse_http_polling, tmp_path, url=url, every_s=0.05, path=["data", "rows"], max_bytes=1_000
        )
        with bench.reading(source):
            until(lambda: len(bench.records()) == 3)
    assert bench.records() == [{"id": 1, "v": 2.5}, {"id": 2, "v": None}, {"id": 3}]
    assert bench.lost() == {"malformed": 3}


def test_http_faults_are_errors_of_ours(bench: Bench, tmp_path: Path) -> None:
    with web(lambda n: (503, b"")) as url, bench.reading(parsed(parse_http_polling, tmp_path, url=url)):
        until(lambda: bench.fault)
    assert "503" in str(bench.fault)
    source = parsed(parse_http_polling, tmp_path, url=f"http://127.0.0.1:{free_port()}/")
    with pytest.raises(SourceFault):
        source.run(Inlet(bench.store, "one", "feed", [], bench.told, lambda: NOW), threading.Event())


# A folder


def test_files_are_taken_whole_and_moved(bench: Bench, tmp_path: Path) -> None:
    drop = tmp_path / "in"
    drop.mkdir()
    (drop / "a.csv").write_text("station,pm25\nS1,12.5\nS2,\nS3,many\n")
    (drop / "huge.csv").write_bytes(5_000 * b"x")
    (drop / "skip.tmp").write_text("not ours")
    source = parsed(
        parse_folder, tmp_path, folder="in", files="*.csv", every_s=0.05, settle_s=0, header=True,
        format="csv", columns=["station", "pm25"], kinds={"pm25": "number"},
        max_file_bytes=4_000,
    )  # fmt: skip
    with bench.reading(source):
        until(lambda: (drop / "done" / "a.csv").exists() and (drop / "failed" / "huge.csv").exists())
    assert bench.records() == [{"pm25": 12.5, "station": "S1"}, {"pm25": None, "station": "S2"}]
    assert bench.lost() == {"malformed": 2}
    assert (drop / "skip.tmp").exists()


def test_a_file_taken_before_a_crash_is_not_taken_again(bench: Bench, tmp_path: Path) -> None:
    """The gateway ended after its commit and before it moved the file."""
    drop = tmp_path / "in"
    drop.mkdir()
    body = b'{"n":1}\n'
    (drop / "a.ndjson").write_bytes(body)
    source = parsed(parse_folder, tmp_path, folder="in", every_s=0.05, settle_s=0)
    with bench.reading(source):
        until((drop / "done" / "a.ndjson").exists)
    (drop / "done" / "a.ndjson").rename(drop / "a.ndjson")
    with bench.reading(source):
        until((drop / "done" / "a.ndjson").exists)
    assert bench.records() == [{"n": 1}]


def test_a_long_file_is_gone_on_with_where_it_was_left(tmp_path: Path) -> None:
    """The store fills in the middle of it, the gateway starts anew with room: each line once, in order."""
    keep, drop = Keep(max_bytes=2_000_000), tmp_path / "in"
    drop.mkdir()
    pad = "y" * 1_000
    (drop / "a.csv").write_text("n,pad\n" + "".join(f"{n},{pad}\n" for n in range(4_000)))
    source = parsed(
        parse_folder, tmp_path, folder="in", every_s=0.05, settle_s=0, header=True, format="csv",
        columns=["n", "pad"], kinds={"n": "integer"},
    )  # fmt: skip
    found: list[int] = []
    while (drop / "a.csv").exists():
        bench = Bench(tmp_path, keep)
        with bench.reading(source):
            until(lambda b=bench: b.fault or not (drop / "a.csv").exists())  # type: ignore[misc]
        found += [r["n"] for r in bench.records()]
        bench.store._database.execute("DELETE FROM records")
        assert bench.lost() == {}
        bench.store.close()
    assert found == list(range(4_000))


def test_a_wrong_line_takes_no_other_with_it(bench: Bench, tmp_path: Path) -> None:
    drop = tmp_path / "in"
    drop.mkdir()
    (drop / "a.csv").write_bytes(b'1,a\n2,"b\n3,c\n\xff,d\n4,"e ""f"""\n')
    source = parsed(
        parse_folder, tmp_path, folder="in", every_s=0.05, settle_s=0, format="csv", columns=["n", "t"]
    )
    with bench.reading(source):
        until((drop / "done" / "a.csv").exists)
    assert [r["n"] for r in bench.records()] == ["1", "3", "4"]
    assert bench.records()[2]["t"] == 'e "f"'
    assert bench.lost() == {"malformed": 2}


def test_while_there_is_no_room_a_file_stays(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Keep(max_bytes=200_000))
    full(bench.store)
    drop = tmp_path / "in"
    drop.mkdir()
    (drop / "a.ndjson").write_bytes(b'{"x":"' + 5_000 * b"y" + b'"}')
    with bench.reading(parsed(parse_folder, tmp_path, folder="in", every_s=0.05, settle_s=0)):
        until(lambda: bench.fault)
    assert isinstance(bench.fault, StoreFull)
    assert (drop / "a.ndjson").exists()
    assert bench.lost() == {}


# A local broker


def test_local_messages_stay_byte_for_byte(nats: Broker, bench: Bench, tmp_path: Path) -> None:
    url = f"mqtt://127.0.0.1:{nats.port}"
    source = parsed(parse_local_mqtt, tmp_path, url=url, topic="plain/+/state", client_id="plain")
    with bench.reading(source):
        until(lambda: bench.told.to_object()["well"])
        sent = [b'{"b": 1.50, "a":2}', b'[{"a":3}, {"a":4}]', b'{"a":5}\n{"a":6}', b"hello"]
        assert publish(nats.port, "plain/s1/state", sent) == 4
        until(lambda: len(bench.records()) == 5 and bench.lost())
    rows = bench.store._all("SELECT record FROM records ORDER BY seq")
    assert [r[0] for r in rows] == [b'{"b": 1.50, "a":2}', b'{"a":3}', b'{"a":4}', b'{"a":5}', b'{"a":6}']
    assert bench.lost() == {"malformed": 1}


def test_the_local_broker_keeps_what_there_is_no_room_for(nats: Broker, tmp_path: Path) -> None:
    """Not acknowledged while the store is full; taken, once, when there is room; nothing is lost."""
    bench = Bench(tmp_path, Keep(max_bytes=300_000))
    url = f"mqtt://127.0.0.1:{nats.port}"
    source = parsed(parse_local_mqtt, tmp_path, url=url, topic="big/#", client_id="big")
    with bench.reading(source):
        until(lambda: bench.told.to_object()["well"])
        full(bench.store)
        publish(nats.port, "big/s1", [b'{"n":%d,"x":"' % n + 4_000 * b"y" + b'"}' for n in range(10)])
        until(lambda: bench.fault, "the refusal")
    assert isinstance(bench.fault, StoreFull)
    assert bench.lost() == {}
    with bench.store._lock:
        bench.store._database.execute("DELETE FROM records WHERE feed = 'other'")
    with bench.reading(source):
        until(lambda: len(bench.records()) == 10, "all of it")
    assert sorted(r["n"] for r in bench.records()) == list(range(10))  # what comes again comes later


def test_a_local_broker_out_of_reach_is_a_fault(tmp_path: Path, bench: Bench) -> None:
    source = parsed(parse_local_mqtt, tmp_path, url=f"mqtt://127.0.0.1:{free_port()}", topic="x")
    with bench.reading(source):
        until(lambda: bench.fault)
    assert isinstance(bench.fault, SourceFault)


def test_what_the_local_broker_sends_again_counts_once(
    nats: Broker, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gateway ended after its commit and before its acknowledgement; two equal messages stay two."""
    url = f"mqtt://127.0.0.1:{nats.port}"
    source = parsed(parse_local_mqtt, tmp_path, url=url, topic="again/#", client_id="again")
    with monkeypatch.context() as deaf, bench.reading(source):
        deaf.setattr("paho.mqtt.client.Client.ack", lambda *_: None)
        until(lambda: bench.told.to_object()["well"])
        publish(nats.port, "again/s1", [b'{"n":1}', b'{"n":1}', b'{"n":2}'])
        until(lambda: len(bench.records()) == 3)
    with bench.reading(source):
        until(lambda: publish(nats.port, "again/s1", [b'{"n":3}']))
        until(lambda: {"n": 3} in bench.records())
    with bench.reading(source):  # nothing was left unacknowledged
        publish(nats.port, "again/s1", [b'{"n":4}'])
        until(lambda: {"n": 4} in bench.records())
    assert bench.records() == [{"n": n} for n in (1, 1, 2, 3, 4)]
