"""Officers: persons who may approve what a system does, by a key of their own. Each change is in the log."""

from collections.abc import Sequence
from datetime import datetime

from veracity.home.clock import format_time, parse_time
from veracity.home.enrolments import AgencyKey, add_key
from veracity.home.errors import BadName
from veracity.home.home import Home, Writer
from veracity.provenance.agencies import Authority
from veracity.provenance.approvals import Request, sign_approval
from veracity.provenance.dsse import Envelope
from veracity.provenance.keys import MessageSigner, PublicKey
from veracity.provenance.statements import DUTIES, Duty
from veracity.provenance.statements.enrol import OFFICER_NAME

PREFIX = "officer/"


def add_officer(
    home: Writer,
    name: str,
    public: PublicKey | None,
    duties: Sequence[Duty],
    *,
    person: str | None = None,
    expires: datetime | None = None,
) -> AgencyKey:
    """Enrol an officer, or give a new key, and perhaps other duties, to one whose keys were revoked.

    Parameters
    ----------
    name
        ``lan-nguyen`` or ``officer/lan-nguyen``.
    public
        The key that the person made; None to make one and keep it here (mode 0600), for trials: who holds
        this home could then approve in the person's name.
    duties
        Some of ``DUTIES``, in any order.
    person
        The name that approvals show as ``by``; without one, ``name`` without its prefix.

    Raises
    ------
    AgencyExists, BadName
    MalformedStatement
        If the person's name is not one line that shows itself.
    """
    full = officer_name(name)
    wanted = tuple(duty for duty in DUTIES if duty in duties)
    if not wanted or set(duties) - set(DUTIES):
        raise BadName(f"duties: want some of {', '.join(DUTIES)}, got {', '.join(duties)[:80] or 'none'}")
    shown = full.removeprefix(PREFIX) if person is None else person
    return add_key(home, full, "officer", public, expires, person=shown, duties=wanted)


def officer_name(name: str) -> str:
    """Return an officer's name as the log has it; BadName if it can be none."""
    full = name if name.startswith(PREFIX) else PREFIX + name
    if not OFFICER_NAME.fullmatch(full):
        raise BadName(f"officer: want a name such as lan-nguyen ([a-z0-9-]), got {name[:80]!r}")
    return full


def officers(home: Home) -> list[Authority]:
    """Return every key ever enrolled for an officer, in the log's order."""
    return [a for a in home.agencies().enrolled() if a.role == "officer"]


def check_approval(home: Home, approval: Envelope, duty: Duty, said_at: str) -> Authority:
    """Return the officer whose approval counts for a statement that is said now; raise as ``agencies`` does.

    ``said_at`` is the time that the statement will give of itself.
    """
    at = parse_time("said_at", said_at)
    return home.agencies().check_officer(approval, duty, home.reader().size, at)


def approve(key: MessageSigner, request: Request, by: str, why: str, at: datetime) -> Envelope:
    """Return an officer's signed approval of what is asked. Needs no home."""
    return sign_approval(key, request.approve(by, why, format_time(at)))
