"""Kafka: the messages of a topic, each of one JSON object or more.

The stream reads every partition itself, and uses a consumer group only to keep its offsets in: there is one
reader, and no rebalancing that could take a partition away between a message and its being safe. An offset
is committed only for messages after which the next was asked for. Whoever starts again goes on at the last
committed offset, and what comes twice by that is recognised further on by its content.

A message that is no JSON object is passed on as it is, to be refused and counted with the others: it must
not stop the topic, and it must not be lost.
"""

import logging
import os
import re
import ssl
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from veracity.canonical import NotCanonical, canonical_json
from veracity.data.bodies import cut_body
from veracity.data.errors import MalformedBody
from veracity.data.json_strict import NotOneObject, check_names, load_object
from veracity.data.records import RECORD_BYTES
from veracity.feeds.errors import BadSource, SourceUnavailable
from veracity.feeds.settings import read_common
from veracity.feeds.source import Fetched
from veracity.provenance.fields import Fields

_SERVER = re.compile(r"(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):[0-9]{1,5}")
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_MAX_MESSAGES = 500  # between two commits
_FETCH_BYTES = 8_388_608
_POLL_MS = 500
_METADATA_MS = 60_000  # within which a new partition is found

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Topic:
    """Where messages are, and how the brokers are spoken to.

    ``login`` is a mechanism of SASL, a user and a password.
    """

    servers: tuple[str, ...]
    topic: str
    group: str
    tls: bool = False
    login: tuple[str, str, str] | None = None


def make(config: Fields) -> "KafkaStream":
    """Make a stream: ``servers``, ``topic``, and if need be ``group``, ``tls``, ``user``, ``password-from``.

    ``password-from`` names the environment variable that holds the password: it stands in no file.
    """
    common = read_common(config, every_s=1)
    servers = config.items("servers", 16)
    if not servers or not all(isinstance(s, str) and _SERVER.fullmatch(s) for s in servers):
        raise config.fail("servers", "addresses such as kafka.example.vn:9092", servers)
    topic = config.matching("topic", _TOPIC, "the name of a topic")
    group = f"veracity-{common.name}"
    if "group" in config:
        group = config.matching("group", _TOPIC, "the name of a group")
    tls = "tls" in config and config.flag("tls")
    return KafkaStream(common.name, common.feed, Topic(tuple(servers), topic, group, tls, _login(config)))


def _login(config: Fields) -> tuple[str, str, str] | None:
    if "user" not in config:
        return None
    mechanism = config.choice("mechanism", _MECHANISMS) if "mechanism" in config else "SCRAM-SHA-512"
    user = config.text("user", 256)
    variable = config.matching("password-from", _VARIABLE, "the name of an environment variable")
    if not (password := os.environ.get(variable)):
        raise BadSource(f"password-from: want a password in ${variable}, got none")
    return mechanism, user, password


class KafkaStream:
    """A topic that is listened to.

    Attributes
    ----------
    n_lost
        Messages that the brokers deleted, as old, before they were read here.
    """

    def __init__(self, name: str, feed: str, topic: Topic) -> None:
        self.name, self.feed = name, feed
        self.n_lost = 0
        self._topic = topic

    async def documents(self) -> AsyncIterator[Fetched]:
        """Yield each message; asking for the next says that the last is safe.

        Close it (``aclose``) to commit what is safe and leave.

        Raises
        ------
        SourceUnavailable
            If the brokers do not answer at the start, refuse, or have no such topic or offset. Brokers
            that are gone later are waited for.
        """
        from aiokafka.errors import KafkaError  # type: ignore[import-untyped]

        consumer = await self._connected()
        safe: dict[Any, int] = {}
        try:
            assigned: Collection[int] = ()
            while True:
                assigned = await self._follow(consumer, assigned)
                batch = await consumer.getmany(timeout_ms=_POLL_MS, max_records=_MAX_MESSAGES)
                for partition, messages in batch.items():
                    for message in messages:
                        if records := records_of(message.value or b""):
                            yield Fetched(message.value, "application/json", records)
                        safe[partition] = message.offset + 1
                await _commit(consumer, safe)
        except KafkaError as exc:
            raise self._unavailable(exc) from exc
        finally:
            with suppress(KafkaError):
                await _commit(consumer, safe)
            await consumer.stop()

    async def _connected(self) -> Any:
        from aiokafka import AIOKafkaConsumer  # type: ignore[import-untyped]
        from aiokafka.errors import KafkaError

        consumer = AIOKafkaConsumer(
            bootstrap_servers=list(self._topic.servers),
            group_id=self._topic.group,
            client_id="veracity",
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            fetch_max_bytes=_FETCH_BYTES,
            metadata_max_age_ms=_METADATA_MS,
            **_security(self._topic),
        )
        try:
            await consumer.start()
        except (KafkaError, OSError, LookupError, ValueError) as exc:  # the last two: a login refused
            await consumer.stop()
            raise self._unavailable(exc) from exc
        return consumer

    async def _follow(self, consumer: Any, assigned: Collection[int]) -> Collection[int]:
        """Take on all partitions there are, each where it was left; return their numbers."""
        from aiokafka import TopicPartition

        if not assigned:
            await consumer.topics()  # asks for what there is
        found: Collection[int] = consumer.partitions_for_topic(self._topic.topic) or ()
        if not found:
            raise SourceUnavailable(f"{self.name}: want topic {self._topic.topic}, got none of that name")
        if set(found) == set(assigned):
            return assigned
        partitions = [TopicPartition(self._topic.topic, number) for number in sorted(found)]
        consumer.assign(partitions)
        begin, end = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
        for partition in partitions:
            left_at = await consumer.committed(partition)
            if left_at is None:
                left_at = begin[partition]
            if left_at > end[partition]:
                raise SourceUnavailable(
                    f"{self.name}: want offset {left_at} of {self._topic.topic}, got {end[partition]} in all:"
                    " a topic made anew needs a new group"
                )
            if (n_lost := begin[partition] - left_at) > 0:
                self.n_lost += n_lost
                logger.error(
                    "source %s: %d messages of partition %d were deleted before they were read",
                    self.name,
                    n_lost,
                    partition.partition,
                )
            consumer.seek(partition, max(left_at, begin[partition]))
        return found

    def _unavailable(self, exc: Exception) -> SourceUnavailable:
        reason = (str(exc).splitlines() or [""])[0][:200] or type(exc).__name__
        return SourceUnavailable(f"{self.name}: want messages of {self._topic.topic}, got: {reason}")


async def _commit(consumer: Any, safe: dict[Any, int]) -> None:
    """Commit offsets, if there are any, and forget them."""
    if safe:
        await consumer.commit(dict(safe))
        safe.clear()


def _security(topic: Topic) -> Mapping[str, Any]:
    protocol = ("SASL_" if topic.login else "") + ("SSL" if topic.tls else "PLAINTEXT")
    found: dict[str, Any] = {"security_protocol": protocol}
    if topic.tls:
        found["ssl_context"] = ssl.create_default_context()
    if topic.login:
        mechanism, user, password = topic.login
        found |= {
            "sasl_mechanism": mechanism,
            "sasl_plain_username": user,
            "sasl_plain_password": password,
        }
    return found


def records_of(value: bytes) -> list[bytes]:
    """Return the records of a message's value: one JSON object, several on lines, or an array of them.

    One that is no such object, or has two meanings, is returned as it stands, without its line ends and
    cut where it is too long to be a record, for whoever reads the batch to refuse. A blank value has none.

    Examples
    --------
    >>> records_of(b'[{"b": 1.0, "a": 2}]'), records_of(b"oh no"), records_of(b" ")
    ([b'{"a":2,"b":1}'], [b'oh no'], [])
    """
    try:
        found = cut_body(value, "ndjson")
    except MalformedBody:
        flat = value.replace(b"\r", b" ").replace(b"\n", b" ")  # in JSON, blanks as good as those
        try:
            found = cut_body(flat, "ndjson")
        except MalformedBody:
            found = [flat] if flat.strip() else []
    return [_canonical(record) for record in found]


def _canonical(record: bytes) -> bytes:
    try:
        check_names(record)
        return canonical_json(load_object(record))
    except (NotOneObject, NotCanonical):
        return record.replace(b"\r", b" ")[: RECORD_BYTES + 1]
