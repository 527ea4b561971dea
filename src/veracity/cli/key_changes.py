"""What the commands about agencies and about devices have in common."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import click

from veracity.cli.output import F, columns, emit, mark
from veracity.home.clock import parse_time
from veracity.home.enrolments import AgencyKey, list_keys
from veracity.home.home import Home
from veracity.home.simulated import is_simulated


def expiring(command: F) -> F:
    """Give a command ``--expires``."""
    return click.option("--expires", metavar="TIME", help="What is received from then on does not count.")(
        command
    )


def revoking(command: F) -> F:
    """Give a command the options of a revocation."""
    options = (
        click.option("--reason", required=True, help="Why, for the log."),
        click.option(
            "--as-of",
            metavar="TIME",
            help="Also refuse what was received from then on, though it is in the log.",
        ),
        click.option(
            "--key", "keyid", help="How the ID of an older key begins; else it is the one in force."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def time_of(name: str, text: str | None) -> datetime | None:
    """Read the time given with an option."""
    return None if text is None else parse_time(name, text)


def say_key(verb: str, key: AgencyKey, as_json: bool) -> None:
    """Print what became of a key."""
    lines = [f"{verb} {key.agency}, key {key.keyid[:16]}, log entry {key.ended_at or key.enrolled_at}"]
    if key.person is not None:
        lines.append(f"may approve  {', '.join(key.duties)}, as {key.person}")
    if key.expires is not None and key.ended_at is None:
        lines.append(f"expires      {key.expires}")
    if key.revoked_as_of is not None:
        lines.append(f"counts for   what was received before {key.revoked_as_of}")
    if key.key_file:
        lines.append(f"private key  {key.key_file}")
    if key.devices:
        lines.append(f"in force     its devices {', '.join(key.devices)} (veracity device revoke)")
    emit("agency", asdict(key), "\n".join(lines), as_json)


def say_keys(home: Home, schema: str, roles: Sequence[str], as_json: bool) -> None:
    """Print every key ever enrolled for one of the roles."""
    keys = [key for key in list_keys(home) if key.role in roles]
    simulated = {k.agency: is_simulated(home, agency=k.agency.partition("/")[0]) for k in keys}
    rows = [
        (k.agency, k.keyid[:16], k.enrolled_at, k.ended_at, _until(k), mark(simulated[k.agency]).strip())
        for k in keys
    ]
    items: list[dict[str, Any]] = [{**asdict(k), "simulated": simulated[k.agency]} for k in keys]
    document = {"simulated": any(simulated.values()), "items": items}
    emit(schema, document, columns(rows, ("name", "key", "from", "to", "counts before", "")), as_json)


def _until(key: AgencyKey) -> str | None:
    return min((t for t in (key.expires, key.revoked_as_of) if t is not None), default=None)
