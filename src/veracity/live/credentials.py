"""Who may connect to the broker: passwords and certificates of devices, kept in ``DIR/broker/devices.json``.

A device connects under its enrolled name, ``<agency>/<device>``, and may publish to the topics of its own
name in the feeds of its own agency. So two agencies may each have a device ``s1``: neither can publish to
the other's ``feed/<feed>/s1``. This says who may speak; what counts is still the signature in a message.

Passwords are made here, of 130 bits of chance, shown once, and kept as bcrypt hashes. A slow hash guards
what people choose; these nobody can guess, and a thousand devices that connect again at once must not
keep the broker busy for minutes: so the hash is of the least cost.
"""

import base64
import contextlib
import fcntl
import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from veracity.home.directory import usable
from veracity.home.errors import BadName, UnknownAgency
from veracity.home.home import Home
from veracity.live.broker_config import User, device_rights
from veracity.live.errors import MalformedCredentials, UnknownDevice
from veracity.provenance.secret_files import replace_secret

_SCHEMA = "veracity.broker-devices/v1"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}/[a-z0-9][a-z0-9-]{0,62}")
_CERTIFICATE = re.compile(r"[\x20-\x7e]{1,256}")
_HASH = re.compile(r"\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}")
_ROUNDS = 4
MAX_FILE_BYTES = 64 * 1024**2
MAX_DEVICES = 100_000


@dataclass(frozen=True)
class Credential:
    """How a device shows who it is: a password's bcrypt hash, the name in its certificate, or either."""

    name: str
    password: str | None = None
    certificate: str | None = None


def set_password(home: Path, name: str) -> str:
    """Make a device a password, instead of the one it has; return it, for it is kept nowhere.

    Raises
    ------
    BadName, UnknownAgency
    """
    import bcrypt

    _check(home, name)
    password = base64.b32encode(secrets.token_bytes(17)).decode("ascii").rstrip("=").lower()[:26]
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(_ROUNDS)).decode("ascii")
    with _changing(home) as kept:
        old = kept.get(name, Credential(name))
        kept[name] = Credential(name, hashed, old.certificate)
    return password


def set_certificate(home: Path, name: str, certificate: str) -> None:
    """Let a device in by a certificate: its subject, as ``CN=aq05,O=Da Nang``, or a DNS name it is for.

    Raises
    ------
    BadName
        If it is no such name, or another device has it.
    UnknownAgency
    """
    _check(home, name)
    if not _CERTIFICATE.fullmatch(certificate):
        raise BadName(f"certificate: want a subject such as CN=aq05, got {certificate[:80]!r}")
    with _changing(home) as kept:
        other = next((c.name for c in kept.values() if c.certificate == certificate and c.name != name), None)
        if other is not None:
            raise BadName(f"certificate: want one that no other device has, got that of {other}")
        kept[name] = Credential(name, kept.get(name, Credential(name)).password, certificate)


def forbid(home: Path, name: str) -> None:
    """Let a device in no more; ``UnknownDevice`` if it never was."""
    with _changing(home) as kept:
        if kept.pop(name, None) is None:
            raise UnknownDevice(f"device: want one that the broker lets in, got {name[:130]!r}")


def read_credentials(home: Path) -> dict[str, Credential]:
    """Return who is let in, by name; nobody where there is no file.

    Raises
    ------
    MalformedCredentials
    HomeUnusable
    """
    path = _path(home)
    with usable(path):
        try:
            with path.open("rb") as file:
                body = file.read(MAX_FILE_BYTES + 1)
        except FileNotFoundError:
            return {}
    if len(body) > MAX_FILE_BYTES:
        raise MalformedCredentials(f"devices: want at most {MAX_FILE_BYTES} bytes in {path}, got more")
    try:
        document = json.loads(body)
        found = [_parse(item) for item in document["devices"]]
    except (ValueError, KeyError, TypeError, RecursionError) as exc:
        raise MalformedCredentials(f"devices: want {_SCHEMA} in {path}, got {type(exc).__name__}") from exc
    return {c.name: c for c in found}


def users_of(
    credentials: Mapping[str, Credential], feeds: Mapping[str, Sequence[str]], *, by_certificate: bool
) -> list[User]:
    """Return the broker's users.

    Parameters
    ----------
    feeds
        The names of the feeds of each agency.
    by_certificate
        Whether the broker asks for certificates; then passwords count for nothing.
    """
    users = []
    for credential in credentials.values():
        agency, _, device = credential.name.partition("/")
        shown = credential.certificate if by_certificate else credential.name
        if shown is None or (credential.password is None and not by_certificate):
            continue
        rights = device_rights(feeds.get(agency, ()), device)
        users.append(User(shown, None if by_certificate else credential.password, *rights))
    return users


def feeds_of_agencies(home: Home) -> dict[str, list[str]]:
    """Return the names of each agency's feeds."""
    found: dict[str, list[str]] = {}
    for name, feed in home.feeds().items():
        if feed.contract.agency is not None:
            found.setdefault(feed.contract.agency, []).append(name)
    return found


def _check(home: Path, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise BadName(f"device: want a name such as danang-environment/aq05, got {name[:130]!r}")
    opened = Home.open(home)
    try:
        if not opened.agencies().enrolled(name.partition("/")[0]):
            raise UnknownAgency(f"device: want one of an agency that is enrolled, got {name!r}")
    finally:
        opened.close()


@contextlib.contextmanager
def _changing(home: Path) -> Iterator[dict[str, Credential]]:
    """Read what there is, one at a time, and write it back changed, whole."""
    path = _path(home)
    with usable(path):
        path.parent.mkdir(mode=0o700, exist_ok=True)
        handle = os.open(path.parent / "devices.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        kept = read_credentials(home)
        yield kept
        if len(kept) > MAX_DEVICES:
            raise BadName(f"devices: want at most {MAX_DEVICES}, got one more")
        items = [{k: v for k, v in vars(c).items() if v is not None} for _, c in sorted(kept.items())]
        with usable(path):
            replace_secret(path, json.dumps({"schema": _SCHEMA, "devices": items}, indent=1).encode())
    finally:
        os.close(handle)


def _parse(item: Any) -> Credential:
    name, password, certificate = item["name"], item.get("password"), item.get("certificate")
    if not _NAME.fullmatch(name):
        raise ValueError("name")
    if password is not None and not _HASH.fullmatch(password):
        raise ValueError("password")
    if certificate is not None and not _CERTIFICATE.fullmatch(certificate):
        raise ValueError("certificate")
    return Credential(name, password, certificate)


def _path(home: Path) -> Path:
    return home / "broker" / "devices.json"
