"""Agencies, their devices and officers come, change keys and go: each time a statement in the log."""

import os
import re
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from veracity.home.clock import format_time, parse_time
from veracity.home.directory import usable
from veracity.home.errors import AgencyExists, BadName, MissingKey, UnknownAgency
from veracity.home.home import Home, Writer
from veracity.home.key_places import KeyPlace, is_reference, open_key, open_reference, read_key_file
from veracity.home.operator_keys import OPERATOR, write_next
from veracity.provenance.agencies import Authority
from veracity.provenance.dsse import open_envelope, sign_envelope
from veracity.provenance.keys import MessageSigner, PublicKey, SigningKey, write_signing_key
from veracity.provenance.secret_files import remove_secret, sync_directory
from veracity.provenance.statements import Action, Duty, Enrol, Role, format_statement
from veracity.provenance.statements.enrol import OFFICER_NAME

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}(/[a-z0-9][a-z0-9-]{0,62})?")


@dataclass(frozen=True)
class AgencyKey:
    """One key of one agency, device or officer.

    ``ended_at`` is the log entry that revoked or replaced it. What was received before ``revoked_as_of``
    stays valid, as does all before entry ``ended_at`` where that is None. ``devices`` are those still in
    force of an agency whose key was revoked. ``person`` and ``duties`` are an officer's.
    """

    agency: str
    keyid: str
    enrolled_at: int
    ended_at: int | None
    key_file: Path | None
    role: Role = "agency"
    expires: str | None = None
    revoked_as_of: str | None = None
    devices: tuple[str, ...] = ()
    person: str | None = None
    duties: tuple[Duty, ...] = ()


def add_agency(
    home: Writer, name: str, public: PublicKey | None = None, expires: datetime | None = None
) -> AgencyKey:
    """Enrol an agency; without a public key one is made and kept in the home (mode 0600).

    An agency whose keys were all revoked gets a new one.

    Raises
    ------
    AgencyExists, BadName
    """
    _check_agency(name)
    return add_key(home, name, "agency", public, expires)


def add_device(
    home: Writer,
    name: str,
    public: PublicKey | None = None,
    expires: datetime | None = None,
    sign: MessageSigner | None = None,
) -> AgencyKey:
    """Enrol a device, ``<agency>/<device>``; its agency's key may ``sign`` for it, else the operator's does.

    Raises
    ------
    AgencyExists, BadName, UnknownAgency
    EnrolmentRejected
        If ``sign`` is of another agency.
    """
    agency = _check_device(name)
    if not home.agencies().enrolled(agency):
        raise UnknownAgency(f"device: want one of an agency that is enrolled, got {name!r}")
    return add_key(home, name, "device", public, expires, sign)


def rotate_key(
    home: Writer,
    name: str,
    public: PublicKey | None = None,
    expires: datetime | None = None,
    sign: MessageSigner | None = None,
) -> AgencyKey:
    """Replace the key of an agency, a device or an officer; what the old one signed before stays valid."""
    old = _active(home, name)
    public, made = _given_or_made(public)
    envelope = _changed(home, "rotate", old, public, expires=expires, sign=sign)
    path = _keep(home, name, made)
    entry = home.append(envelope)
    return AgencyKey(
        name,
        public.keyid,
        entry,
        None,
        path,
        old.role,
        _text(expires),
        person=old.person,
        duties=old.duties,
    )


def revoke_key(
    home: Writer,
    name: str,
    reason: str,
    as_of: datetime | None = None,
    keyid: str | None = None,
    sign: MessageSigner | None = None,
) -> AgencyKey:
    """Revoke the key of an agency, a device or an officer: what it signs from here on is refused.

    With ``as_of``, so is what it signed and the city received from then on, though the log has it. Then
    ``keyid`` (or how it begins) may name a key that was replaced, or revoked as of a later time.

    Raises
    ------
    BadName
        If ``as_of`` lies in the future or before the key was enrolled.
    """
    key = _active(home, name) if keyid is None else _named(home, name, keyid)
    if as_of is not None:
        _check_as_of(home, key, as_of)
    since = _from_now(home) if as_of is None else format_time(as_of)
    entry = home.append(_changed(home, "revoke", key, key.key, reason=reason, as_of=since, sign=sign))
    after = home.agencies()
    found = next(a for a in after.enrolled(name) if a.key == key.key)
    devices = {
        a.name for a in after.enrolled() if a.role == "device" and a.agency == name and a.ended_at is None
    }
    return AgencyKey(
        name,
        key.key.keyid,
        key.enrolled_at,
        entry,
        None,
        key.role,
        _text(key.expires),
        _text(found.void_from),
        tuple(sorted(devices)) if key.role == "agency" else (),
        key.person,
        key.duties,
    )


def rotate_operator(home: Writer, reference: str | None = None, expires: datetime | None = None) -> AgencyKey:
    """Replace the operator's key by a new one, or by that at a reference.

    The old key signs that, even after it has expired, and goes to ``keys/ended``.
    """
    old = home.operator_key
    authority = home.agencies().authority(old.public.keyid, home.log.size)
    place, key = write_next(home.directory, reference)
    try:
        envelope = _changed(home, "rotate", authority, key.public, expires=expires, sign=old)
    except BaseException:
        for path in place.held():
            remove_secret(path)
        raise
    entry = home.append(envelope)
    home.open_operator()
    return AgencyKey(OPERATOR, key.public.keyid, entry, None, None, "operator", _text(expires))


def list_keys(home: Home) -> list[AgencyKey]:
    """Return every key ever enrolled, in log order."""
    return [
        AgencyKey(
            a.name,
            a.key.keyid,
            a.enrolled_at,
            a.ended_at,
            None,
            a.role,
            _text(a.expires),
            _text(a.void_from),
            person=a.person,
            duties=a.duties,
        )
        for a in home.agencies().enrolled()
    ]


def signing_key(home: Home, text: str) -> MessageSigner:
    """Return the key for ``--sign``: of an agency or device whose key this home keeps, a reference, a file.

    Raises
    ------
    MissingKey
        If it is none of them.
    """
    if _NAME.fullmatch(text):
        known = {a.key for a in home.agencies().enrolled(text) if a.ended_at is None}
        ids = {key.keyid[:8] for key in known}
        for place in _kept(home, text):
            if place.name[-8:] in ids and (key := open_key(place)).public in known:
                return key
    if is_reference(text):
        return open_reference(text, Path())
    if not os.path.isfile(text):  # noqa: PTH113 - no error for a name that no file can have
        raise MissingKey(
            "sign: want an agency whose key this home keeps, a key reference or a key file,"
            f" got {text[:300]!r}"
        )
    return read_key_file(Path(text))


def add_key(
    home: Writer,
    name: str,
    role: Role,
    public: PublicKey | None,
    expires: datetime | None,
    sign: MessageSigner | None = None,
    *,
    person: str | None = None,
    duties: tuple[Duty, ...] = (),
) -> AgencyKey:
    """Enrol a key of a name that has none in force; without a public key one is made and kept in the home.

    Raises
    ------
    AgencyExists
        If the name has a key in force.
    MalformedStatement, EnrolmentRejected
        If the log would not take it.
    """
    if home.agencies().active(name):
        raise AgencyExists(f"{role}: want a new name, got {name!r}; its key can be rotated")
    public, made = _given_or_made(public)
    enrol = Enrol(
        "enrol",
        name,
        role,
        public,
        as_of=format_time(home.clock()),
        expires=_until(home, expires),
        person=person,
        duties=duties,
    )
    envelope = _signed(home, enrol, sign)
    path = _keep(home, name, made)
    entry = home.append(envelope)
    return AgencyKey(
        name, public.keyid, entry, None, path, role, _text(expires), person=person, duties=duties
    )


def _given_or_made(public: PublicKey | None) -> tuple[PublicKey, SigningKey | None]:
    """Return a public key that its owner gave, or that of a key made now, and the key made."""
    if public is not None:
        return public, None
    made = SigningKey.generate()
    return made.public, made


def _changed(
    home: Writer,
    action: Action,
    old: Authority,
    public: PublicKey,
    *,
    expires: datetime | None = None,
    reason: str | None = None,
    as_of: str | None = None,
    sign: MessageSigner | None = None,
) -> bytes:
    """Return the signed statement that a key goes, and at a rotation which one comes."""
    enrol = Enrol(
        action,
        old.name,
        old.role,
        public,
        replaces=old.key.keyid if action == "rotate" else None,
        as_of=as_of or format_time(home.clock()),
        reason=reason,
        expires=_until(home, expires),
        person=old.person,
        duties=old.duties,
    )
    return _signed(home, enrol, sign)


def _signed(home: Writer, enrol: Enrol, sign: MessageSigner | None) -> bytes:
    """Sign an enrolment that the log allows: one it does not would stand in it for ever."""
    envelope = sign_envelope(format_statement(enrol.to_statement()), [sign or home.operator])
    deepcopy(home.agencies()).add(home.log.size, open_envelope(envelope))
    return envelope


def _from_now(home: Writer) -> str:
    """Return the time that a revocation without one counts from: after all that the log says came before.

    So a key revoked now keeps what was received before, though the clock was set back by seconds.
    """
    came = [at for feed in home.feed_names() if (at := home.index.next_batch(feed)[1]) is not None]
    came += [str(p["as_of"]) for _, p in home.index.predicates("enrol") if p["as_of"] is not None]
    after = (parse_time("received_at", at) + timedelta(microseconds=1) for at in came)
    return format_time(max([home.clock(), *after]))


def _until(home: Writer, expires: datetime | None) -> str | None:
    if expires is not None and expires <= home.clock():
        raise BadName(f"expires: want a time that is to come, got {format_time(expires)}")
    return _text(expires)


def _text(time: datetime | None) -> str | None:
    return None if time is None else format_time(time)


def _check_as_of(home: Home, key: Authority, as_of: datetime) -> None:
    if as_of > home.clock():
        raise BadName(f"as-of: want no time that is to come, got {format_time(as_of)}")
    said = home.index.predicate(key.enrolled_at)["as_of"]
    if said is not None and as_of < parse_time("as_of", str(said)):
        raise BadName(
            f"as-of: want a time from the key's enrolment on, {said}, got {format_time(as_of)}"
            " (--key names an older key)"
        )


def _active(home: Home, name: str) -> Authority:
    _check_name(name)
    active = home.agencies().active(name)
    if not active:
        names = sorted({a.name for a in home.agencies().enrolled()} - {OPERATOR})
        raise UnknownAgency(
            f"agency: want one with a key in force ({', '.join(names) or 'none'}), got {name!r}"
        )
    return active[-1]


def _named(home: Home, name: str, keyid: str) -> Authority:
    _check_name(name)
    found = [a for a in home.agencies().enrolled(name) if a.key.keyid.startswith(keyid)]
    if len(found) != 1 or len(keyid) < 8:
        ids = ", ".join(a.key.keyid[:16] for a in home.agencies().enrolled(name)) or "none"
        raise BadName(f"key: want at least 8 digits of one key ID of {name} ({ids}), got {keyid[:64]!r}")
    return found[0]


def _keep(home: Writer, name: str, made: SigningKey | None) -> Path | None:
    """Write a key that was made here, before the log says that it counts."""
    if made is None:
        return None
    path = KeyPlace(home.directory.keys, f"agencies/{name}-{made.public.keyid[:8]}").plain
    with usable(path.parent):
        path.parent.mkdir(mode=0o700, exist_ok=True)
        sync_directory(path.parent.parent)
    write_signing_key(made, path)
    return path


def _kept(home: Home, name: str) -> list[KeyPlace]:
    beside = (home.directory.keys / "agencies" / name).parent
    found = {p.with_suffix("") for p in beside.glob(f"{name.rpartition('/')[2]}-????????.*")}
    return [
        KeyPlace(home.directory.keys, p.relative_to(home.directory.keys).as_posix()) for p in sorted(found)
    ]


def _check_name(name: str) -> None:
    if OFFICER_NAME.fullmatch(name):
        return
    if "/" in name:
        _check_device(name)
    else:
        _check_agency(name)


def _check_agency(name: str) -> None:
    if not _NAME.fullmatch(name) or "/" in name or name in (OPERATOR, "officer"):
        raise BadName(f"agency: want a name such as 'danang-environment' ([a-z0-9-]), got {name!r}")


def _check_device(name: str) -> str:
    """Return the agency that a device's name begins with."""
    if not _NAME.fullmatch(name) or "/" not in name:
        raise BadName(f"device: want a name such as 'danang-environment/aq05' ([a-z0-9-]), got {name!r}")
    return name.partition("/")[0]
