"""Invitations: a one-time code lets one gateway enrol its key, for a while, once.

Kept in the home's ``invitations/``, a file each, mode 0600: not the code, but what is derived from it to
check a request and to encrypt the answer. Whoever reads these files could answer or ask in its place
until the invitation is used or over; nobody can find the code from them.
"""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from veracity.home.clock import format_time, parse_time
from veracity.home.directory import Directory, usable
from veracity.home.enrolments import add_device
from veracity.home.errors import (
    AgencyExists,
    BadName,
    HomeUnusable,
    InvitationOver,
    InvitationUsed,
    UnknownAgency,
    UnknownInvitation,
)
from veracity.home.home import Writer
from veracity.provenance.errors import ProvenanceError
from veracity.provenance.fields import Fields
from veracity.provenance.joining import (
    CODE_BYTES,
    LOSSES_FEED,
    NONCE_BYTES,
    Broker,
    Joined,
    JoinRequest,
    check_request,
    format_code,
    invitation_of,
    parse_request,
    seal_answer,
)
from veracity.provenance.keys import PublicKey
from veracity.provenance.secret_files import replace_secret, write_secret
from veracity.provenance.strictjson import parse_json

FOLDER = "invitations"
SCHEMA = "veracity.invitation/v1"
VALID_FOR = timedelta(hours=24)
LONGEST = timedelta(days=30)
MAX_WRONG = 10  #: requests that name an invitation and do not know its code; then it is over
MAX_INVITATIONS = 10_000
_MAX_BYTES = 2_097_152

Credentials = Callable[[str, Sequence[str]], Broker | None]  #: of a gateway and its feeds
Enrol = Callable[[str, PublicKey], int]  #: enrols a device's key; returns the log entry that does


@dataclass(frozen=True)
class Invited:
    """An invitation as kept.

    Attributes
    ----------
    n_wrong
        Requests that named it and did not know the code.
    key
        Of the gateway that used it; None while nobody has.
    answer
        What that gateway was answered, for the same request once more.
    """

    identifier: str
    name: str
    feeds: tuple[str, ...]
    expires: str
    mac_key: str
    seal_key: str
    n_wrong: int = 0
    key: str | None = None
    request: str | None = None
    answer: str | None = None


def invite(
    home: Writer,
    name: str,
    feeds: Sequence[str],
    random: Callable[[int], bytes] = os.urandom,
    valid_for: timedelta = VALID_FOR,
) -> tuple[str, Invited]:
    """Make an invitation for a gateway of an agency; return the code, which is kept nowhere.

    ``feeds`` are those it may send to, none for any; the one for its losses comes with them.

    Raises
    ------
    BadName, UnknownAgency, AgencyExists, UnknownFeed
        If no gateway of that name could be enrolled, or there is no such feed.
    """
    agency, _, gateway = name.partition("/")
    if not gateway or not timedelta() < valid_for <= LONGEST:
        raise BadName(f"invite: want <agency>/<gateway> and up to {LONGEST.days} days, got {name[:80]!r}")
    if not home.agencies().enrolled(agency):
        raise UnknownAgency(f"invite: want a gateway of an agency that is enrolled, got {name[:80]!r}")
    if home.agencies().active(name):
        raise AgencyExists(f"invite: want a new name, got {name!r}; its key can be rotated")
    for feed in feeds:
        home.feed(feed)
    allowed = tuple(dict.fromkeys((*feeds, LOSSES_FEED))) if feeds else ()
    secret = random(CODE_BYTES)
    derived = invitation_of(secret)
    expires = format_time(home.clock() + valid_for)
    made = Invited(derived.identifier, name, allowed, expires, derived.mac_key.hex(), derived.seal_key.hex())
    folder = home.directory.root / FOLDER
    with usable(home.directory.root):
        folder.mkdir(mode=0o700, exist_ok=True)
        _forget_old(folder, home.clock())
        write_secret(folder / f"{made.identifier}.json", _format(made))
    return format_code(secret), made


def redeem(
    directory: Directory,
    data: bytes,
    now: datetime,
    enrol: Enrol,
    credentials: Credentials,
    random: Callable[[int], bytes] = os.urandom,
) -> bytes:
    """Enrol the gateway that asks, and return the answer to send.

    The same request once more gets the same answer, until the invitation is over: the first may have
    been lost on the way. One call at a time.

    Raises
    ------
    MalformedJoining
        If it is no request.
    UnknownInvitation, InvitationOver, InvitationUsed, JoiningRejected
        If there is no such invitation, it is too late, another key used it, or the code is another.
    """
    request = parse_request(data)
    path = directory.root / FOLDER / f"{request.identifier}.json"
    invited = _read(path)
    if invited.n_wrong >= MAX_WRONG or now >= parse_time("expires", invited.expires):
        raise InvitationOver("join: want an invitation that is still open, got one that is over")
    _check(request, invited, path)
    if invited.request == data.decode() and invited.answer is not None:
        return invited.answer.encode()
    if invited.key not in (None, request.key.format()):
        raise InvitationUsed("join: want an invitation that nobody has used, got one that was")
    entry = enrol(invited.name, request.key)
    broker = credentials(invited.name, invited.feeds)
    joined = Joined(invited.name, directory.origin, _policy(directory), entry, invited.feeds, broker)
    answer = seal_answer(joined, data, bytes.fromhex(invited.seal_key), random(NONCE_BYTES))
    used = replace(invited, key=request.key.format(), request=data.decode(), answer=answer.decode())
    with usable(directory.root):
        replace_secret(path, _format(used))
    return answer


def enrol_gateway(home: Writer, name: str, key: PublicKey) -> int:
    """Enrol a gateway's key and return the log entry; of one enrolled before a crash, the entry it has."""
    for known in home.agencies().enrolled(name):
        if known.key == key and known.ended_at is None:
            return known.enrolled_at
    return add_device(home, name, key).enrolled_at


def _check(request: JoinRequest, invited: Invited, path: Path) -> None:
    """Check that the code is known; a request that does not know it counts against the invitation."""
    try:
        check_request(request, bytes.fromhex(invited.mac_key))
    except ProvenanceError:
        with usable(path.parent):
            replace_secret(path, _format(replace(invited, n_wrong=invited.n_wrong + 1)))
        raise


def _policy(directory: Directory) -> str:
    with usable(directory.root):
        return directory.policy.read_text()


def _forget_old(folder: Path, now: datetime) -> None:
    """Remove invitations that are over; BadName if too many are open."""
    n_open = 0
    for path in folder.glob("*.json"):
        try:
            is_over = now >= parse_time("expires", _read(path).expires)
        except (UnknownInvitation, BadName):  # removed meanwhile, or damaged: no reason to invite nobody
            is_over = False
        if is_over:
            path.unlink(missing_ok=True)
        n_open += not is_over
    if n_open >= MAX_INVITATIONS:
        raise BadName(f"invite: want fewer than {MAX_INVITATIONS} invitations, got {n_open}")


def _format(invited: Invited) -> bytes:
    return json.dumps({"schema": SCHEMA, **asdict(invited)}, indent=2).encode() + b"\n"


def _read(path: Path) -> Invited:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except FileNotFoundError as exc:
        raise UnknownInvitation("join: want the code of an invitation, got another") from exc
    except OSError as exc:
        raise HomeUnusable(f"invitation: want to read {path}, got {exc.strerror}") from exc
    fields = Fields(parse_json(data, "invitation", _MAX_BYTES, BadName), "invitation", BadName)
    fields.choice("schema", (SCHEMA,))
    invited = Invited(
        fields.text("identifier", 32),
        fields.text("name", 128),
        tuple(str(feed) for feed in fields.items("feeds", 1_000)),
        fields.time("expires"),
        fields.sha256("mac_key"),
        fields.sha256("seal_key"),
        fields.count("n_wrong"),
        fields.optional("key", fields.text),
        fields.optional("request", lambda name: fields.text(name, 65_536)),
        fields.optional("answer", lambda name: fields.text(name, _MAX_BYTES)),
    )
    fields.done()
    return invited
