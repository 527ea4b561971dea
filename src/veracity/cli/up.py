"""``veracity up``: the whole city in one process tree."""

import asyncio
import sys
import time
from dataclasses import replace
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

import click

from veracity.cli import addresses
from veracity.cli.addresses import host_and_port
from veracity.cli.exit_codes import INTERRUPTED
from veracity.cli.output import common, emit, emit_error, note
from veracity.home.errors import NoHome

if TYPE_CHECKING:
    from veracity.live.told import Told
    from veracity.live.up_settings import UpSettings


_FILE = click.Path(path_type=Path, exists=True, dir_okay=False, resolve_path=True)


@click.command()
@click.argument("directory", required=False, type=click.Path(path_type=Path))
@click.option("--home", type=click.Path(path_type=Path), envvar="VERACITY_HOME", help="The city's directory.")
@click.option("--city", type=click.Choice(["demo"]), help="Play the built-in city (simulated) in DIRECTORY.")
@click.option(
    "--speed",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0.1, 86_400),
    help="Of the built-in city: how many of its seconds pass in one.",
)
@click.option(
    "--seed", default=1, show_default=True, type=click.IntRange(0, 2**62), help="Of the built-in city."
)
@click.option(
    "--mqtt",
    callback=host_and_port,
    default="127.0.0.1:1883",
    show_default=True,
    help="Where devices connect.",
)
@click.option("--open", "is_open", is_flag=True, help="Ask devices for no password; the demo never does.")
@click.option("--tls-cert", type=_FILE, help="The broker's certificate (PEM).")
@click.option("--tls-key", type=_FILE, help="Its key (PEM).")
@click.option("--tls-ca", type=_FILE, help="Ask devices for certificates of this CA instead of passwords.")
@click.option("--live", is_flag=True, help="Ask Open-Meteo for the weather, air and rivers of Da Nang.")
@click.option(
    "--nats",
    metavar="URL",
    envvar="VERACITY_NATS",
    help="Use NATS servers that exist, with JetStream on; with a password, better by VERACITY_NATS.",
)
@click.option("--replicas", default=1, show_default=True, type=click.IntRange(1, 5), help="With --nats.")
@click.option(
    "--workers", default=1, show_default=True, type=click.IntRange(1, 8), help="Processes that seal."
)
@click.option(
    "--max-gb", default=4.0, show_default=True, type=click.FloatRange(0.01, 10_000), help="Of each stream."
)
@click.option(
    "--sync-always", is_flag=True, help="Acknowledge only what is on the disk: safe from power cuts."
)
@click.option(
    "--http",
    callback=host_and_port,
    help="Serve the city here, as `veracity serve` does, by the home's server.yaml; and let gateways join.",
)
@click.option(
    "--public-url",
    metavar="URL",
    callback=addresses.public_url,
    help="Where readers find --http, if a front stands before it; as in server.yaml.",
)
@click.option("--notify", callback=host_and_port, help="Take notifications of NGSI-LD brokers here.")
@click.option(
    "--announce", metavar="URL", help="The broker's address as gateways are told it: mqtts://HOST:PORT."
)
@click.option(
    "--monitor",
    callback=host_and_port,
    default="127.0.0.1:7881",
    show_default=True,
    help="Where /health, /ready and /metrics are.",
)
@click.option("--json-logs", is_flag=True, help="Log one JSON object a line.")
@common
def up(
    directory: Path | None,
    home: Path | None,
    city: str | None,
    speed: float,
    seed: int,
    mqtt: tuple[str, int],
    is_open: bool,
    tls_cert: Path | None,
    tls_key: Path | None,
    tls_ca: Path | None,
    live: bool,
    nats: str | None,
    replicas: int,
    workers: int,
    max_gb: float,
    sync_always: bool,
    http: tuple[str, int] | None,
    public_url: str | None,
    notify: tuple[str, int] | None,
    announce: str | None,
    monitor: tuple[str, int],
    json_logs: bool,
    as_json: bool,
) -> int:
    """Run the city: broker, workers, schedules, until Ctrl-C or SIGTERM; a second Ctrl-C ends it at once."""
    # Imported here: no other command needs them.
    from veracity.live.broker_config import BrokerSettings, Tls
    from veracity.live.logs import configure
    from veracity.live.up_settings import UpSettings
    from veracity.server.open_files import ensure_files

    root = directory or home
    if root is None:
        raise NoHome("up: want a directory, --home or VERACITY_HOME, got none")
    if (tls_cert is None) != (tls_key is None) or (tls_ca is not None and tls_cert is None):
        raise click.UsageError("--tls-cert and --tls-key go together, and --tls-ca needs them")
    if city is not None and live:
        raise click.UsageError("--live is real and --city demo is simulated: one city is not both")
    if announce is not None and not announce.startswith(("mqtt://", "mqtts://")):
        raise click.UsageError(
            f"--announce: want mqtt://HOST:PORT or mqtts://HOST:PORT, got {announce[:80]!r}"
        )
    if http is None and (public_url is not None or announce is not None):
        raise click.UsageError("--public-url and --announce tell of what is served: they need --http")
    if city is not None and nats is not None:
        raise click.UsageError("--city demo has a broker of its own: leave --nats out")
    ensure_files()
    configure(as_json=json_logs or not sys.stderr.isatty())
    tls = None if tls_cert is None or tls_key is None else Tls(tls_cert, tls_key, tls_ca)
    settings = UpSettings(
        home=root.absolute(),
        broker=BrokerSettings(mqtt, is_open or city is not None, tls, int(max_gb * 1024**3), sync_always),
        nats_url=nats,
        replicas=replicas,
        n_workers=workers,
        http=http,
        public_url=public_url,
        notify=notify,
        announce=announce,
        monitor=monitor,
        as_json=json_logs or not sys.stderr.isatty(),
        is_live=live,
    )
    if live:
        _add_live_feeds(settings.home)
    if city is not None:
        from veracity.live.simulated import make_or_open
        from veracity.live.simulated_clock import RunningClock

        begins = make_or_open(settings.home, seed)
        settings = replace(settings, clock=RunningClock(begins, time.time(), speed), seed=seed)
    if mqtt[0] not in ("127.0.0.1", "::1", "localhost") and nats is None:
        _warn(settings.broker.is_open, has_tls=tls is not None)
    if not run_until_told(settings):
        said = "ended at once, as told again; what was acknowledged is kept"
        return emit_error("interrupted", said, INTERRUPTED, as_json)
    emit("up", {"home": root}, f"{root}: stopped; what was acknowledged is kept", as_json)
    return 0


def run_until_told(settings: "UpSettings") -> bool:
    """Run a city until SIGINT or SIGTERM; tell whether it ended in order, or at once by a second one."""
    from veracity.live.told import heard

    with heard() as told:
        return asyncio.run(_run(settings, told))


async def _run(settings: "UpSettings", told: "Told") -> bool:
    from veracity.live.up import run_up

    stop, hurry = told.events()
    if settings.http is not None:
        from veracity.server.settings_file import read_settings

        read_settings(
            settings.home, public_url=settings.public_url
        )  # what is wrong is told before anything starts
    await run_up(settings, stop, hurry)
    return not hurry.is_set()


def _add_live_feeds(home: Path) -> None:
    """Add the feeds of the built-in sources that the city does not have yet."""
    from veracity.home.contracts import add_feed
    from veracity.home.home import Home, open_writer
    from veracity.live.source_list import live_sources

    opened = Home.open(home)
    missing = sorted({source.feed for source in live_sources()} - set(opened.feed_names()))
    opened.close()
    if missing:
        with open_writer(home) as writer:
            for feed in missing:
                with as_file(files("veracity.feeds") / "contracts" / f"{feed}.yaml") as path:
                    add_feed(writer, path)
        note(f"up: added {', '.join(missing)}")


def _warn(is_open: bool, *, has_tls: bool) -> None:
    if is_open:
        note("up: anyone who reaches the broker may publish to any feed; only signatures tell who it was")
    elif not has_tls:
        note("up: without --tls-cert passwords cross the network in clear")
