"""Agencies come, change keys and go: each time a statement in the log."""

import re
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

from veracity.home.clock import format_time
from veracity.home.errors import AgencyExists, BadName, MissingKey, UnknownAgency
from veracity.home.home import OPERATOR, Home, Writer
from veracity.provenance.agencies import Authority
from veracity.provenance.dsse import open_envelope, sign_envelope
from veracity.provenance.keys import PublicKey, SigningKey, read_signing_key, write_signing_key
from veracity.provenance.statements import Enrol, format_statement

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


@dataclass(frozen=True)
class AgencyKey:
    """One key of one agency. ``ended_at`` is the log entry that revoked or replaced it."""

    agency: str
    keyid: str
    enrolled_at: int
    ended_at: int | None
    key_file: Path | None


def add_agency(home: Writer, name: str, public: PublicKey | None = None) -> AgencyKey:
    """Enrol an agency; without a public key one is made and kept in the home (mode 0600).

    Raises
    ------
    AgencyExists, BadName
    """
    _check_name(name)
    if home.agencies().enrolled(name):
        raise AgencyExists(f"agency: want a new name, got {name!r}; its key can be rotated")
    public, path = _key_for(home, name, public)
    entry = _say(home, Enrol("enrol", name, "agency", public, as_of=format_time(home.clock())))
    return AgencyKey(name, public.keyid, entry, None, path)


def rotate_key(home: Writer, name: str, public: PublicKey | None = None) -> AgencyKey:
    """Replace the key of an agency; what the old key signed before stays valid."""
    old = _active(home, name)
    public, path = _key_for(home, name, public)
    stamp = format_time(home.clock())
    entry = _say(home, Enrol("rotate", name, old.role, public, replaces=old.key.keyid, as_of=stamp))
    return AgencyKey(name, public.keyid, entry, None, path)


def revoke_key(home: Writer, name: str, reason: str) -> AgencyKey:
    """Revoke the key of an agency: what it signs from here on is refused."""
    old = _active(home, name)
    stamp = format_time(home.clock())
    entry = _say(home, Enrol("revoke", name, old.role, old.key, as_of=stamp, reason=reason))
    return AgencyKey(name, old.key.keyid, old.enrolled_at, entry, None)


def list_keys(home: Home) -> list[AgencyKey]:
    """Return every key ever enrolled, in log order."""
    return [
        AgencyKey(a.agency, a.key.keyid, a.enrolled_at, a.ended_at, None) for a in home.agencies().enrolled()
    ]


def signing_key(home: Home, name_or_path: str) -> SigningKey:
    """Return the key for ``--sign``: an agency whose key this home made, or a key file.

    Raises
    ------
    MissingKey
        If it is neither.
    """
    if _NAME.fullmatch(name_or_path):
        for path in _key_files(home, name_or_path):
            key = read_signing_key(path)
            if any(
                a.key == key.public and a.ended_at is None for a in home.agencies().enrolled(name_or_path)
            ):
                return key
    path = Path(name_or_path)
    if not path.is_file():
        raise MissingKey(
            f"sign: want an agency whose key this home keeps, or a key file, got {name_or_path!r}"
        )
    return read_signing_key(path)


def _say(home: Writer, enrol: Enrol) -> int:
    """Append an enrolment that the log allows: one it does not would stand in it for ever."""
    statement = enrol.to_statement()
    envelope = open_envelope(sign_envelope(format_statement(statement), [home.operator]))
    deepcopy(home.agencies()).add(home.log.size, envelope)
    return home.say(statement)


def _active(home: Home, name: str) -> Authority:
    _check_name(name)
    active = home.agencies().active(name)
    if not active:
        names = sorted({a.agency for a in home.agencies().enrolled()} - {OPERATOR})
        raise UnknownAgency(
            f"agency: want one with a key in force ({', '.join(names) or 'none'}), got {name!r}"
        )
    return active[-1]


def _key_for(home: Writer, name: str, public: PublicKey | None) -> tuple[PublicKey, Path | None]:
    if public is not None:
        return public, None
    key = SigningKey.generate()
    path = home.directory.agency_key(f"{name}-{key.public.keyid[:8]}")
    write_signing_key(key, path)
    return key.public, path


def _key_files(home: Home, name: str) -> list[Path]:
    return sorted((home.directory.root / "keys" / "agencies").glob(f"{name}-????????.pem"))


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or name == OPERATOR:
        raise BadName(f"agency: want a name such as 'danang-environment' ([a-z0-9-]), got {name!r}")
