"""``veracity model ask``, ``release``, ``stop`` and ``roll-back``: what serves, and who approved it."""

import re
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from veracity.cli.apps import app_in, app_of
from veracity.cli.output import emit, in_home, mark, write_output
from veracity.feeds.file_info import read_file
from veracity.home.home import Home, Writer, open_writer
from veracity.home.key_places import is_reference, open_reference, read_key_file
from veracity.home.models import cards
from veracity.home.models.gate import (
    Changed,
    ask_release,
    ask_roll_back,
    ask_stop,
    stop_by_rule,
)
from veracity.home.models.gate import release as release_model
from veracity.home.models.gate import roll_back as roll_back_model
from veracity.home.models.gate import stop as stop_system
from veracity.home.models.request import ReleaseRequest
from veracity.home.officers import approve
from veracity.models.card import MAX_CARD_BYTES, parse_card
from veracity.provenance.approvals import Request, read_approval
from veracity.provenance.dsse import MAX_ENVELOPE_BYTES, Envelope
from veracity.provenance.statements import STAGES, Stage

_PATH = click.Path(path_type=Path)
_DIGEST = re.compile(r"[0-9a-f]{64}")
F = TypeVar("F", bound=Callable[..., Any])


def approved(command: F) -> F:
    """Give a command the ways to an approval: a request's file and an approval's, or an officer's own key."""

    @wraps(command)
    def run(
        *args: Any,
        request: Path | None,
        approval: Path | None,
        key: str | None,
        by: str | None,
        why: str | None,
        **kwargs: Any,
    ) -> Any:
        return command(*args, approval=_Approval.given(request, approval, key, by, why), **kwargs)

    for option in (
        click.option("--why", help="With --key: the officer's reason, for the log."),
        click.option("--by", help="With --key: the officer's name, as enrolled."),
        click.option("--key", help="An officer's key file or key reference, to approve on the spot."),
        click.option("--approval", type=_PATH, help="What the officer signed."),
        click.option("--request", type=_PATH, help="What was asked, as `model ask` wrote it."),
    ):
        run = option(run)
    return run  # type: ignore[return-value]


class _Approval:
    """An approval on its way in: from files, or made with the officer's key when the request is known."""

    def __init__(self, files: tuple[Path, Path] | None, own: tuple[str, str, str] | None) -> None:
        self.files, self.own = files, own

    @classmethod
    def given(
        cls, request: Path | None, approval: Path | None, key: str | None, by: str | None, why: str | None
    ) -> "_Approval | None":
        if request and approval and not (key or by or why):
            return cls((request, approval), None)
        if key and by and why and not (request or approval):
            return cls(None, (key, by, why))
        if request or approval or key or by or why:
            raise click.UsageError("want --request and --approval, or --key, --by and --why")
        return None

    def read(self, home: Home, ask: Callable[[], ReleaseRequest]) -> tuple[ReleaseRequest, Envelope]:
        """Return what was asked and the officer's signature; ``ask`` makes it where it is signed now."""
        if self.files is not None:
            asked, signed = (read_file(path, MAX_ENVELOPE_BYTES) for path in self.files)
            return ReleaseRequest.parse(asked), read_approval(signed)
        assert self.own is not None
        key, by, why = self.own
        signer = open_reference(key, Path()) if is_reference(key) else read_key_file(Path(key))
        request = ask()
        return request, approve(
            signer, Request("release", request.system, request.asked), by, why, home.clock()
        )


@click.command()
@click.argument("system")
@click.option("--model", help="To release: the model, by name or digest.")
@click.option("--stage", type=click.Choice(STAGES), help="To release: how far it may go.")
@click.option("--card", help="To release: its card, a file or the digest of one in the store.")
@click.option(
    "--report", "reports", multiple=True, help="A report's digest; the last of each policy if absent."
)
@click.option("--stop", "to_stop", is_flag=True, help="Ask to stop what serves.")
@click.option("--roll-back", "to_roll_back", is_flag=True, help="Ask to go back to the model before.")
@click.option("-o", "--output", required=True, type=_PATH, help="Where to write the request.")
@in_home
def ask(
    system: str,
    model: str | None,
    stage: Stage | None,
    card: str | None,
    reports: tuple[str, ...],
    to_stop: bool,
    to_roll_back: bool,
    output: Path,
    home: Path,
    as_json: bool,
) -> None:
    """Write what an officer is to approve: a release of SYSTEM, a stop, or a roll-back.

    The officer signs it with `veracity officer sign`, on a machine of their own.
    """
    releases = model is not None and stage is not None and card is not None
    if [releases, to_stop, to_roll_back].count(True) != 1 or (not releases and (model or stage or card)):
        raise click.UsageError("want --model, --stage and --card, or --stop, or --roll-back")
    with open_writer(home) as writer:
        if releases:
            digest = _card(writer, str(card))
            request = ask_release(
                writer, app_in(writer, system), str(model), stage or "shadow", digest, reports or None
            )
        else:
            request = ask_stop(writer, system) if to_stop else ask_roll_back(writer, system)
    write_output(output, request.format())
    lines = [
        f"asked: {request.action} of {request.model_sha256[:16]} for {system} at {request.stage}"
        + mark(request.simulated),
        f"sign: veracity officer sign {output} --key KEY --by NAME --why REASON -o APPROVAL",
    ]
    emit(
        "release-asked", {**request.asked, "sha256": request.sha256, "to": output}, "\n".join(lines), as_json
    )


@click.command()
@approved
@in_home
def release(approval: _Approval | None, home: Path, as_json: bool) -> None:
    """Bring a model to serve, as asked and approved. Exit 1 with the reason if the gate stays shut."""
    if approval is None or approval.files is None:
        raise click.UsageError("want --request and --approval")
    with open_writer(home) as writer:
        request, signed = approval.read(writer, lambda: ask_stop(writer, ""))
        done = release_model(
            writer, request.asked, signed, app=app_in(writer, request.system), check_card=_check_card
        )
    _tell(done, as_json)


@click.command()
@click.argument("system", required=False)
@click.option("--rule", help="The stop rule that asks for it: then no person is asked.")
@approved
@in_home
def stop(approval: _Approval | None, system: str | None, rule: str | None, home: Path, as_json: bool) -> None:
    """Stop what serves SYSTEM: as an officer approved, or by a rule."""
    with open_writer(home) as writer:
        if rule is not None and approval is None and system is not None:
            done = stop_by_rule(writer, system, rule)
        elif rule is None and approval is not None:
            request, signed = approval.read(writer, lambda: ask_stop(writer, _named(system)))
            done = stop_system(writer, request.asked, signed)
        else:
            raise click.UsageError("want SYSTEM and --rule, or an approval")
    _tell(done, as_json)


@click.command(name="roll-back")
@click.argument("system", required=False)
@approved
@in_home
def roll_back(approval: _Approval | None, system: str | None, home: Path, as_json: bool) -> None:
    """Go back to the model that served SYSTEM before, as an officer approved."""
    if approval is None:
        raise click.UsageError("want --request and --approval, or SYSTEM with --key, --by and --why")
    with open_writer(home) as writer:
        request, signed = approval.read(writer, lambda: ask_roll_back(writer, _named(system)))
        done = roll_back_model(writer, request.asked, signed, app=app_of(writer, request.system))
    _tell(done, as_json)


def _named(system: str | None) -> str:
    if system is None:
        raise click.UsageError("want SYSTEM with --key, --by and --why")
    return system


def _card(home: Writer, given: str) -> str:
    """Return a card's digest; a file is put into the store first, as it is."""
    if _DIGEST.fullmatch(given):
        return given
    return cards.keep(home, parse_card(read_file(Path(given), MAX_CARD_BYTES)))


def _check_card(home: Home, text: bytes) -> list[str]:
    return cards.check(home, partial(app_in, home), text)


def _tell(done: Changed, as_json: bool) -> None:
    said = done.release
    model = f"model {said.model_sha256[:16]}"
    what = {
        "release": f"{said.system} is served by {model} at stage {said.stage}",
        "roll-back": f"{said.system} is served by {model} again, at stage {said.stage}",
        "stop": f"{said.system} is stopped; {model} no longer serves",
    }[said.action]
    document = {
        "system": said.system,
        "action": said.action,
        "model": said.model_sha256,
        "stage": said.stage,
        "rule": said.rule,
        "entry": done.idx,
        "simulated": said.simulated,
    }
    emit("release", document, f"{what}, log entry {done.idx}{mark(said.simulated)}", as_json)
