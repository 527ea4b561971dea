"""``veracity serve``: the city for everybody who asks: its APIs, its log, its receipts, its portal."""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from veracity.cli import addresses
from veracity.cli.output import emit, in_home, note
from veracity.home.clock import system_clock

if TYPE_CHECKING:
    from starlette.types import ASGIApp


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=7882, show_default=True, help="0: a free one."
)
@click.option(
    "--public-url",
    metavar="URL",
    callback=addresses.public_url,
    help="Where readers find it, if a front stands before it; as in server.yaml.",
)
@click.option(
    "--witness",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A witness's directory: serve it too, below /witness, for the logs of --witness-policy.",
)
@click.option(
    "--witness-policy",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Of the logs that the witness watches, only their lines count.",
)
@click.option(
    "--connections",
    type=click.IntRange(1, 60_000),
    help="Of all clients; 4096 if server.yaml says nothing else.",
)
@click.option(
    "--per-address",
    type=click.IntRange(1, 60_000),
    help="Connections of one address, 64 if not told; a front that stands before it is one address.",
)
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(0, 50),
    help="Seconds that a request waits for its turn before it is answered 503; 30 if not told.",
)
@in_home
def serve(
    home: Path,
    host: str,
    port: int,
    public_url: str | None,
    witness: Path | None,
    witness_policy: Path | None,
    connections: int | None,
    per_address: int | None,
    wait_s: float | None,
    as_json: bool,
) -> None:
    """Serve the city until stopped: standard APIs, the log, receipts, and the portal at /.

    It reads the home, and may run beside all that writes it. Who may read, which other sites may write, how
    often one may ask, and more: server.yaml in the home; whom people sign in with: sign-in.yaml.
    """
    # Imported here: no other command needs them.
    from veracity.server.app import make_app
    from veracity.server.open_files import ensure_files
    from veracity.server.running import address, listen, run
    from veracity.server.settings_file import read_settings
    from veracity.server.warming import warm

    if (witness is None) != (witness_policy is None):
        raise click.UsageError("--witness and --witness-policy go together")
    ensure_files()
    with ExitStack() as stack:
        beside = (
            None if witness is None or witness_policy is None else _witness(witness, witness_policy, stack)
        )
        served = read_settings(home, public_url=public_url, witness=beside)
        app = make_app(served.settings)
        listening = listen(host, port)
        url = address(listening)
        emit("serve", {"url": url, "public_url": served.settings.public_url or url}, url, as_json)
        note(f"city: serving {home} at {url}")
        told: dict[str, Any] = {"wait_s": wait_s, "connections": connections, "per_address": per_address}
        limits = replace(served.connections, **{n: v for n, v in told.items() if v is not None})
        app.state.accounts.catch_up()
        try:
            run(app, listening, limits, app.state.events.close, lambda: warm(app))
        finally:
            app.state.accounts.close()
            app.state.city.close()
    note("city: stopped")


def _witness(root: Path, policy: Path, stack: ExitStack) -> "ASGIApp":
    """Return the application of a witness that ``witness serve`` made."""
    from veracity.cli.witness import read_policy, report_fork
    from veracity.log.errors import MalformedPolicy
    from veracity.log.subtree_cosignatures import SubtreeCosigner
    from veracity.log.witness import Witness
    from veracity.server.witness_app import WitnessApp
    from veracity.server.witness_directory import WitnessDirectory, prepare
    from veracity.stores.witness_state import SqlWitnessState

    logs = read_policy(policy).logs
    if not logs:
        raise MalformedPolicy(f"policy {policy}: want a log to watch, got none")
    key = WitnessDirectory(root).read_key()
    directory, cosigner, _ = prepare(root, key.name, ml_dsa=isinstance(key, SubtreeCosigner))
    database = stack.enter_context(directory.open_database())
    clock = system_clock()
    return WitnessApp(
        Witness(logs, [cosigner], SqlWitnessState(database)),
        lambda: int(clock().timestamp()),
        lambda fork: report_fork(directory, fork),
    )
