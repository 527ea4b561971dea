"""Where messages go: MQTT topics, the broker's subjects, and the partition that a device belongs to.

A device publishes to the MQTT topic ``feed/<feed>/<device>``, or ``feed/<feed>/<device>/receipt`` to be
told on ``receipt/<feed>/<device>`` what became of it. The broker writes topics as subjects, with dots, and
adds the partition, a number that depends on feed and device alone::

    feed/air/s1            ->  feed.air.s1            ->  feed.air.s1.<partition>
    feed/air/s1/receipt    ->  feed.air.s1.receipt    ->  feed.air.s1.<partition>.receipt

MQTT messages of QoS 1 are in the broker's own stream (``$MQTT_msgs``, subjects ``$MQTT.msgs.feed.>``)
before they are acknowledged. Everything else that is to be durable, from NATS clients, sources and
gateways, is published to ``in.<feed>.<device>`` and is in the stream ``FEEDS``, mapped alike.
"""

import re
from dataclasses import dataclass

from veracity.live.errors import ForeignSubject

STREAM = "FEEDS"
MQTT_STREAM = "$MQTT_msgs"
WORKER_STREAM = "WORKERS"
PARTITIONS = 8
DOCUMENT_HEADER = "Veracity-Document"  #: SHA-256 of the document that a source made the records from

_NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}"
_SUBJECT = re.compile(rf"(?:in|\$MQTT\.msgs\.feed)\.({_NAME})\.({_NAME})(?:\.[0-9]+)?(\.receipt)?")

_PARTITION = f"{{{{partition({PARTITIONS},1,2)}}}}"
MAPPINGS = {
    f"{root}.*.*{tail}": f"{root}.{{{{wildcard(1)}}}}.{{{{wildcard(2)}}}}.{_PARTITION}{tail}"
    for root in ("feed", "in")
    for tail in ("", ".receipt")
}


@dataclass(frozen=True)
class Place:
    """Whose message it is, for which feed, and whether an answer is wanted."""

    feed: str
    device: str
    wants_receipt: bool = False


def parse_subject(subject: str) -> Place:
    """Parse a subject of either stream; ForeignSubject if it is none of ours."""
    found = _SUBJECT.fullmatch(subject)
    if found is None:
        raise ForeignSubject(f"subject: want feed/<feed>/<device>[/receipt], got {subject[:120]!r}")
    return Place(found[1], found[2], found[3] is not None)


def subject_of(feed: str, device: str) -> str:
    """Return the subject to publish a durable message to."""
    return f"in.{feed}.{device}"


def receipt_subject(feed: str, device: str) -> str:
    """Return the subject on which a device is told what became of its messages."""
    return f"receipt.{feed}.{device}"


def worker_subject(name: str) -> str:
    """Return the subject on which a worker says that it is there."""
    return f"worker.{name}"


def filters(stream: str, partition: int) -> list[str]:
    """Return the subjects of a partition in a stream, as a consumer's filters."""
    root = "$MQTT.msgs.feed" if stream == MQTT_STREAM else "in"
    return [f"{root}.*.*.{partition}", f"{root}.*.*.{partition}.receipt"]
