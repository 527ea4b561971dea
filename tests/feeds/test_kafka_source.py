"""Kafka, against a real broker: nothing is committed before it is safe, and nothing is passed over."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext, create_default_context
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition  # type: ignore[import-untyped]
from aiokafka.admin import AIOKafkaAdminClient, NewTopic  # type: ignore[import-untyped]
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from kafka_broker import kafka_broker
from veracity.data.records import RECORD_BYTES
from veracity.feeds.errors import BadSource, SourceUnavailable
from veracity.feeds.kafka_source import KafkaStream, Topic, _security, records_of
from veracity.feeds.kinds import make_source
from veracity.feeds.source import Fetched


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One broker for this file; each test has a topic of its own."""
    with kafka_broker(tmp_path_factory.mktemp("kafka")) as address:
        yield address


def run(test: Callable[[], Awaitable[None]]) -> None:
    """Run a test's coroutine; one that hangs fails."""

    async def bounded() -> None:
        await asyncio.wait_for(test(), 60)

    asyncio.run(bounded())


async def filled(
    broker: str, values: Sequence[bytes | None], n_partitions: int = 1, ssl_context: SSLContext | None = None
) -> str:
    """Make a topic that holds some messages, in turn over its partitions; return its name."""
    topic = f"t-{uuid4().hex}"
    how = {"security_protocol": "SSL" if ssl_context else "PLAINTEXT", "ssl_context": ssl_context}
    admin = AIOKafkaAdminClient(bootstrap_servers=broker, **how)
    await admin.start()
    await admin.create_topics([NewTopic(topic, n_partitions, 1)])
    await admin.close()
    await send(broker, topic, values, n_partitions, **how)
    return topic


async def send(
    broker: str, topic: str, values: Sequence[bytes | None], n_partitions: int = 1, **how: Any
) -> None:
    """Add messages to a topic."""
    producer = AIOKafkaProducer(bootstrap_servers=broker, **how)
    await producer.start()
    for i, value in enumerate(values):
        await producer.send_and_wait(topic, value, key=b"k", partition=i % n_partitions)
    await producer.stop()


def stream(broker: str, topic: str, **more: object) -> KafkaStream:
    """Make a stream as ``sources.yaml`` would."""
    made = make_source(
        {
            "kind": "kafka",
            "name": "buses",
            "feed": "positions",
            "servers": [broker],
            "topic": topic,
            "group": topic,
        }
        | more
    )
    assert isinstance(made, KafkaStream)
    return made


def numbers(found: Sequence[Fetched]) -> list[int]:
    """The numbers that messages carry."""
    return [json.loads(record)["n"] for f in found for record in f.records]


def message(n: int) -> bytes:
    """A message that carries a number."""
    return b'{"n": %d}' % n


async def take(documents: AsyncIterator[Fetched], count: int) -> list[Fetched]:
    """Ask for so many, and not for one more."""
    return [await anext(documents) for _ in range(count)]


async def leave(documents: AsyncIterator[Fetched]) -> None:
    """Close a stream."""
    await documents.aclose()  # type: ignore[attr-defined]


def test_every_partition_is_read_and_in_its_order(broker: str) -> None:
    """All messages come, those of one partition in the order they were sent in."""

    async def test() -> None:
        topic = await filled(broker, [message(i) for i in range(30)], 3)
        documents = stream(broker, topic).documents()
        found = numbers(await take(documents, 30))
        await leave(documents)
        assert sorted(found) == list(range(30))
        for k in range(3):
            assert [n for n in found if n % 3 == k] == list(range(k, 30, 3))

    run(test)


def test_a_restart_goes_on_at_the_first_that_is_not_known_to_be_safe(broker: str) -> None:
    """The last one given was not followed by another question: it comes again. Those before do not."""

    async def test() -> None:
        topic = await filled(broker, [message(i) for i in range(8)])
        documents = stream(broker, topic).documents()
        assert numbers(await take(documents, 5)) == [0, 1, 2, 3, 4]
        await leave(documents)
        again = stream(broker, topic).documents()
        assert numbers(await take(again, 4)) == [4, 5, 6, 7]
        await leave(again)
        await send(broker, topic, [message(8)])
        last = stream(broker, topic).documents()
        assert numbers(await take(last, 2)) == [7, 8]
        await leave(last)

    run(test)


def test_who_is_cut_off_loses_nothing(broker: str) -> None:
    """A reader that is cancelled while it waits has committed all that was safe, and no more."""

    async def test() -> None:
        topic = await filled(broker, [message(i) for i in range(3)])
        seen: list[Fetched] = []

        async def read() -> None:
            documents = stream(broker, topic).documents()
            while True:
                seen.append(await anext(documents))

        task = asyncio.create_task(read())
        while len(seen) < 3:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)  # it has asked for a fourth by now, or soon will
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await send(broker, topic, [message(3)])
        documents = stream(broker, topic).documents()
        first = numbers(await take(documents, 1))[0]
        await leave(documents)
        assert first <= 3

    run(test)


def test_what_is_no_json_object_neither_stops_the_topic_nor_is_lost(broker: str) -> None:
    """It is passed on as it is; a message without a value has no record."""
    values = [
        b"oh no",
        None,
        b"",
        b'{"n": 1}\n{"n": 2}',
        b'[{"n": 3},\n {"n": 4}]',
        b'{\n "n": 5\n}',
        b"\xff\x00",
    ]

    async def test() -> None:
        topic = await filled(broker, values)
        documents = stream(broker, topic).documents()
        found = await take(documents, 5)
        await leave(documents)
        assert [list(f.records) for f in found] == [
            [b"oh no"], [b'{"n":1}', b'{"n":2}'], [b'{"n":3}', b'{"n":4}'], [b'{"n":5}'], [b"\xff\x00"],
        ]  # fmt: skip
        assert found[2].document == values[4]

    run(test)


class Deleted:
    """A consumer of one partition whose first messages are gone; this broker deletes none."""

    def __init__(self, first: int, committed: int | None) -> None:
        self.first, self.left_at, self.at = first, committed, -1

    async def topics(self) -> set[str]:
        return {"t"}

    def partitions_for_topic(self, topic: str) -> set[int]:
        return {0}

    def assign(self, partitions: Sequence[Any]) -> None:
        assert len(partitions) == 1

    async def beginning_offsets(self, partitions: Sequence[Any]) -> dict[Any, int]:
        return dict.fromkeys(partitions, self.first)

    async def end_offsets(self, partitions: Sequence[Any]) -> dict[Any, int]:
        return dict.fromkeys(partitions, 9)

    async def committed(self, partition: Any) -> int | None:
        return self.left_at

    def seek(self, partition: Any, offset: int) -> None:
        self.at = offset


@pytest.mark.parametrize(
    ("first", "committed", "at", "n_lost"), [(4, 2, 4, 2), (4, 6, 6, 0), (4, None, 4, 0), (0, 0, 0, 0)]
)
def test_messages_deleted_before_they_were_read_are_counted(
    first: int, committed: int | None, at: int, n_lost: int, caplog: pytest.LogCaptureFixture
) -> None:
    """A reader that comes back too late goes on at the first there is, and says how many it missed."""
    reader, consumer = stream("h:1", "t"), Deleted(first, committed)
    asyncio.run(reader._follow(consumer, ()))
    assert (consumer.at, reader.n_lost) == (at, n_lost)
    assert [r.args[1] for r in caplog.records if "deleted" in r.msg and r.args] == [n_lost] * (n_lost > 0)  # type: ignore[index]


def test_offsets_of_another_topic_of_that_name_are_not_gone_on_from(broker: str) -> None:
    """A topic made anew is shorter than what was read of the old one: that is said, and nothing skipped."""

    async def test() -> None:
        topic = await filled(broker, [message(0)])
        consumer = AIOKafkaConsumer(bootstrap_servers=broker, group_id=topic, enable_auto_commit=False)
        await consumer.start()
        consumer.assign([TopicPartition(topic, 0)])
        await consumer.commit({TopicPartition(topic, 0): 100})
        await consumer.stop()
        with pytest.raises(SourceUnavailable, match="new group"):
            await anext(stream(broker, topic).documents())

    run(test)


def test_what_is_not_there_is_out_of_reach(broker: str) -> None:
    """No such topic, no such broker: our error, which says that trying again may help."""

    async def test() -> None:
        with pytest.raises(SourceUnavailable, match="want topic nowhere"):
            await anext(stream(broker, "nowhere").documents())
        with pytest.raises(SourceUnavailable):
            await anext(stream("127.0.0.1:1", "nowhere").documents())

    run(test)


def test_a_login_that_is_refused_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker knows nobody: with or without a name, it is our error."""
    monkeypatch.setenv("BUS_PASSWORD", "secret")

    async def test(**login: object) -> None:
        with pytest.raises(SourceUnavailable):
            await anext(stream(address, "t", **login).documents())

    with kafka_broker(tmp_path, "--authentication") as address:
        named = {"user": "bus", "password-from": "BUS_PASSWORD"}
        for login in (named, {**named, "mechanism": "SCRAM-SHA-256"}, {**named, "mechanism": "PLAIN"}):
            run(lambda login=login: test(**login))  # type: ignore[misc]


def test_tls_is_spoken_to_whom_the_system_trusts_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through a server that ends TLS before the broker: its certificate is checked."""
    certificate, context = tls_server(tmp_path)

    async def test() -> None:
        ends: list[asyncio.StreamWriter] = []

        async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            inner_reader, inner_writer = await asyncio.open_connection(*address.split(":"))
            ends.extend((writer, inner_writer))
            await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))

        server = await asyncio.start_server(pass_on, "127.0.0.1", 0, ssl=context)
        outside = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with kafka_broker(tmp_path, advertised=outside) as address:
            with pytest.raises(SourceUnavailable):
                await anext(stream(outside, "t", tls=True).documents())
            monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
            topic = await filled(outside, [message(1)], ssl_context=create_default_context())
            documents = stream(outside, topic, tls=True).documents()
            assert numbers(await take(documents, 1)) == [1]
            await leave(documents)
        for end in ends:
            end.close()
        server.close()

    run(test)


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes until it ends."""
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


def tls_server(folder: Path) -> tuple[Path, SSLContext]:
    """Make a certificate of 127.0.0.1 that vouches for itself; return its file, and how a server uses it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broker")])
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    file, both = folder / "certificate.pem", folder / "both.pem"
    file.write_bytes(certificate.public_bytes(Encoding.PEM))
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    both.write_bytes(file.read_bytes() + secret)
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return file, context


def test_a_message_too_long_to_be_a_record_stays_too_long() -> None:
    """It is cut just beyond the limit, so that it is refused and needs no more room."""
    (record,) = records_of(b'{"n": "' + b"x" * 1_000_000)
    assert len(record) == RECORD_BYTES + 1


@pytest.mark.parametrize("value", [b'{"n": 1, "n": 2}', b'{"n": 12345678901234567890}', b"[1, 2]", b'"text"'])
def test_what_has_no_one_meaning_is_passed_on_as_it_is(value: bytes) -> None:
    """Names twice and numbers that JSON does not carry are judged with the batch."""
    assert records_of(value) == [value]


@given(st.binary(max_size=80) | st.text('{}[]",:\\ \n\r1ae', max_size=80).map(str.encode))
def test_records_are_lines(value: bytes) -> None:
    """Whatever the value, no record has a line end, and only a blank value has none."""
    found = records_of(value)
    assert not any(end in record for record in found for end in (b"\n", b"\r"))
    assert bool(found) or not value.strip(b" \t\r\n\x0b\x0c")


@given(
    st.lists(
        st.dictionaries(st.text(max_size=3), st.integers(-9, 9) | st.text(max_size=3), max_size=3),
        min_size=1,
        max_size=5,
    )
)
def test_objects_come_out_as_they_went_in(objects: list[Any]) -> None:
    """On lines or in an array, spread out or not."""
    for value in (json.dumps(objects), json.dumps(objects, indent=1), "\n".join(map(json.dumps, objects))):
        assert [json.loads(r) for r in records_of(value.encode())] == objects


def test_settings_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Addresses, names, and a password that is where it should be and nowhere else."""
    wrongs: list[dict[str, object]] = [
        {"servers": []}, {"servers": ["host"]}, {"group": ""}, {"tls": 1}, {"other": 1}, {"user": "u"},
        {"user": "u", "password-from": "NO_SUCH_VARIABLE"},
    ]  # fmt: skip
    for wrong in wrongs:
        with pytest.raises(BadSource):
            stream("h:1", "t", **wrong)
    with pytest.raises(BadSource):
        stream("h:1", "a b")
    monkeypatch.setenv("BUS_PASSWORD", "secret")
    made = stream("h:1", "t", tls=True, user="u", **{"password-from": "BUS_PASSWORD"})
    assert made._topic == Topic(("h:1",), "t", "t", True, ("SCRAM-SHA-512", "u", "secret"))
    assert _security(made._topic)["security_protocol"] == "SASL_SSL"
