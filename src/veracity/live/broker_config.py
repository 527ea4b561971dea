"""The broker's configuration, as text: where it listens, who may publish what, and how much it keeps. Pure.

Whoever connects is a device and may do two things: publish to its own topics, and be told what became of
that. Only the city itself, by a name and a password made anew for each run, may do more.

The server looks at rights after it has mapped a topic to a subject, so a device's rights name subjects
with their partition (``feed.air.s1.7``). What a device may not publish is dropped by the server though
MQTT 3.1.1 has it acknowledged; the server says so in its log, where ``broker`` counts it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from veracity.live.subjects import MAPPINGS, PARTITIONS
from veracity.provenance.messages import MAX_MESSAGE_BYTES

ANYONE = "anyone"  #: whoever connects without a name, where the broker is open
MAX_PAYLOAD_BYTES = MAX_MESSAGE_BYTES + 4_096  #: a little more than the door takes: it says what was too long
MAX_CONNECTIONS = 65_536
SPARE_FILES = 1_024  #: of those that the server may open, for its streams and the city's own connections
Address = tuple[str, int]
_CITY, _DEVICES = ({"allowed_connection_types": [kind]} for kind in ("STANDARD", "MQTT"))


@dataclass(frozen=True)
class Tls:
    """The broker's certificate and key; with ``ca``, devices show certificates of it instead of passwords."""

    certificate: Path
    key: Path
    ca: Path | None = None


@dataclass(frozen=True)
class User:
    """Who may connect. ``password``: a bcrypt hash, or None for who is known by a certificate alone.

    The name is what they connect with, or, of a certificate, its subject or a name it is also for.
    """

    name: str
    password: str | None
    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


@dataclass(frozen=True)
class BrokerSettings:
    """How our broker is to be.

    Attributes
    ----------
    mqtt
        Where devices connect; port 0 takes a free one.
    is_open
        Whether anyone may publish to any feed without a name. What is signed is as sure as ever.
    max_bytes
        What each of the two streams may hold before publishers are refused.
    syncs_always
        Whether a message is on the disk, not only with the system, before it is acknowledged.
    """

    mqtt: Address = ("127.0.0.1", 1883)
    is_open: bool = False
    tls: Tls | None = None
    max_bytes: int = 4 * 1024**3
    syncs_always: bool = False


@dataclass(frozen=True)
class Places:
    """What is settled when the broker starts: addresses, its folder, its name and the city's password.

    The city connects by the server's own name, which nobody can guess and no certificate has.
    """

    folder: Path
    name: str
    password: str
    nats: Address
    mqtt: Address
    monitor: Address


def open_user() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what anyone may publish and subscribe to where the broker is open."""
    own = [f"feed.*.*.{k}" for k in range(PARTITIONS)]  # one that no worker takes would be forgotten
    return (*own, *(f"{s}.receipt" for s in own)), ("receipt.*.*",)


def device_rights(feeds: Sequence[str], device: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what a device may publish and subscribe to: its own subjects in these feeds."""
    own = [f"feed.{feed}.{device}.{partition_of(feed, device)}" for feed in feeds]
    return (*own, *(f"{s}.receipt" for s in own)), tuple(f"receipt.{feed}.{device}" for feed in feeds)


def partition_of(feed: str, device: str) -> int:
    """Return the partition that the broker's mapping gives: FNV-1a, 32 bits, of feed and device.

    Examples
    --------
    >>> partition_of("air", "s1")
    7
    """
    value = 2_166_136_261
    for byte in (feed + device).encode():
        value = (value ^ byte) * 16_777_619 % 2**32
    return value % PARTITIONS


def max_connections(max_files: int) -> int:
    """Return how many may connect at once, where the server may open so many files.

    A stranger who opens connections must find the limit before the streams have no file left: without,
    the server cannot read its own, and says that there is no such consumer.
    """
    return max(1, min(MAX_CONNECTIONS, max(max_files - SPARE_FILES, max_files // 2)))


def broker_config(
    settings: BrokerSettings, places: Places, users: Sequence[User], max_files: int = 2**20
) -> str:
    """Return the text of the configuration file; it holds a password, so mode 0600."""
    mqtt: dict[str, Any] = {"listen": _text(places.mqtt), "ack_wait": "30s", "max_ack_pending": 1_000}
    if settings.tls is not None:
        mqtt["tls"] = _tls(settings.tls)
    everyone: list[dict[str, Any]] = [{"user": places.name, "password": places.password, **_CITY}]
    if settings.is_open:
        mqtt["no_auth_user"] = ANYONE
        publish, subscribe = open_user()
        # Its password is for nobody to know: a name that is not asked for cannot have a hash.
        everyone.append(
            {"user": ANYONE, "password": places.password[::-1], **_DEVICES, **_rights(publish, subscribe)}
        )
    everyone += [_user(user) for user in users]
    config = {
        "server_name": places.name,
        "listen": _text(places.nats),
        "http": _text(places.monitor),
        "max_payload": MAX_PAYLOAD_BYTES,
        "max_connections": max_connections(max_files),
        "write_deadline": "10s",
        "jetstream": {
            "store_dir": str(places.folder),
            # The server's own MQTT streams (sessions, retained messages) need a little beside ours.
            "max_file_store": 2 * settings.max_bytes + 256 * 1024**2,
            "max_memory_store": 64 * 1024**2,
            **({"sync_interval": "always"} if settings.syncs_always else {}),
        },
        "mqtt": mqtt,
        "mappings": MAPPINGS,
        "authorization": {"timeout": 5, "users": everyone},
    }
    return json.dumps(config, indent=2) + "\n"


def _tls(tls: Tls) -> dict[str, Any]:
    files: dict[str, Any] = {"cert_file": str(tls.certificate), "key_file": str(tls.key), "timeout": 5}
    return files if tls.ca is None else {**files, "ca_file": str(tls.ca), "verify_and_map": True}


def _user(user: User) -> dict[str, Any]:
    # Who is known by a certificate has no password, which to the server is an empty one. Anybody could give
    # that, but not over MQTT, where there are certificates.
    password = {} if user.password is None else {"password": user.password}
    return {"user": user.name, **password, **_DEVICES, **_rights(user.publish, user.subscribe)}


def _rights(publish: Sequence[str], subscribe: Sequence[str]) -> dict[str, Any]:
    """An empty list would allow everything: who may nothing is denied all."""
    return {
        "permissions": {
            "publish": {"allow": list(publish)} if publish else {"deny": [">"]},
            "subscribe": {"allow": list(subscribe)} if subscribe else {"deny": [">"]},
        }
    }


def _text(address: Address) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
