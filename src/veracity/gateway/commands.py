"""``veracity-gateway``: join a city, check a configuration, run, look, send again."""

import json
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from veracity.gateway.config import Config, read_config
from veracity.gateway.database import alone, usable
from veracity.gateway.edge_model import open_model
from veracity.gateway.errors import MalformedConfig
from veracity.gateway.joining import join as join_city
from veracity.gateway.joining import post_http, starter
from veracity.gateway.logs import log_to_stderr
from veracity.gateway.running import run as run_gateway
from veracity.gateway.status import Told, read_status
from veracity.gateway.store import Store
from veracity.provenance.joining import joined_object
from veracity.provenance.secret_files import replace_secret

_MAX_CODE = 256  # of characters read from stdin
_PATH = click.Path(path_type=Path, dir_okay=False)
F = TypeVar("F", bound=Callable[..., Any])


def _common(command: F) -> F:
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")(command)


def _configured(command: F) -> F:
    option = click.option(
        "-c", "--config", "path", type=_PATH, default=Path("gateway.yaml"), show_default=True,
        envvar="VERACITY_GATEWAY", help="The configuration.",
    )  # fmt: skip
    return option(command)


def _say(schema: str, document: dict[str, Any], text: str, as_json: bool) -> None:
    if as_json:
        text = json.dumps({"schema": f"veracity.{schema}/v1", **document}, ensure_ascii=True)
    click.echo(text)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def gateway() -> None:
    """Read devices at the edge, sign what they say, keep it until the city has it."""


@gateway.command()
@click.argument("code", required=False)
@click.option(
    "--city", required=True, metavar="URL", help="Where the city answers, such as https://city.example."
)
@_configured
@click.option("--state", type=click.Path(path_type=Path, file_okay=False), help="Where key and store go.")
@_common
def join(code: str | None, city: str, path: Path, state: Path | None, as_json: bool) -> None:
    """Join the city that gave CODE: makes this gateway's key and has it enrolled.

    Without CODE it is asked for, or read from stdin: on the command line others on this machine can see it.
    Writes a configuration to begin with, if there is none. Safe to repeat if no answer came.
    """
    directory = state or path.absolute().parent / "state"
    joined = join_city(code or _asked_code(), city, directory, post_http)
    wrote = not path.exists()
    if wrote:
        text = starter(joined, str(state.absolute()) if state else "state")
        with usable(path.parent):
            replace_secret(path, text.encode())  # its sources may come to hold keys
    document = {**joined_object(joined), "state": str(directory), "config": str(path) if wrote else None}
    lines = [f"joined   {joined.name} in {joined.origin}, enrolled at entry {joined.entry}"]
    lines += [f"wrote    {path}: add your sources to it"] if wrote else []
    _say("gateway-joined", document, "\n".join(lines), as_json)


@gateway.command()
@_configured
@_common
def check(path: Path, as_json: bool) -> None:
    """Check a configuration, and that its models were released, without running anything."""
    config = read_config(path)
    for model in config.models:
        open_model(model, config.policy, Told(time.time_ns))
    document = {
        "gateway": config.name,
        "city": config.city.url,
        "sources": [{"name": s.name, "feed": s.feed} for s in config.sources],
        "models": [m.name for m in config.models],
    }
    n_sources, n_models = len(config.sources), len(config.models)
    text = f"{config.name} to {config.city.url}: {n_sources} sources, {n_models} released models"
    _say("gateway-checked", document, text, as_json)


@gateway.command()
@_configured
@_common
def run(path: Path, as_json: bool) -> None:
    """Read, sign and send until stopped (Ctrl-C or SIGTERM). Logs are JSON lines on stderr."""
    config = read_config(path)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    log_to_stderr()
    run_gateway(config, stop)
    _say("gateway-stopped", {"gateway": config.name}, f"{config.name}: stopped", as_json)


@gateway.command()
@_configured
@_common
def status(path: Path, as_json: bool) -> None:
    """Show what waits, and what each source did last."""
    config = read_config(path)
    document = read_status(config.state, time.time_ns())
    _say("gateway-status", {"gateway": config.name, **document}, _status_text(config, document), as_json)


@gateway.command()
@click.option("--since", required=True, metavar="TIME", help="Made since then, such as 2026-09-01T00:00:00Z.")
@_configured
@_common
def resend(since: str, path: Path, as_json: bool) -> None:
    """Send batches that are still kept once more; the city counts none twice. Stop the gateway first."""
    config = read_config(path)
    since_ns = _parse_time(since)
    with alone(config.state):
        store = Store(config.state, config.keep, time.time_ns)
        n = store.resend(since_ns)
        store.close()
    _say("gateway-resend", {"batches": n}, f"{n} batches wait to be sent once more", as_json)


def _asked_code() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("code", hide_input=True, err=True))
    return sys.stdin.readline(_MAX_CODE)


def _parse_time(text: str) -> int:
    try:
        stamp = datetime.fromisoformat(text)
        stamp = stamp.replace(tzinfo=UTC) if stamp.tzinfo is None else stamp
        return int(stamp.timestamp()) * 1_000_000_000
    except (ValueError, OverflowError) as exc:
        raise MalformedConfig(f"since: want a time such as 2026-09-01T00:00:00Z, got {text[:40]!r}") from exc


def _status_text(config: Config, document: dict[str, Any]) -> str:
    queue, last = document["queue"], document["last"] or {}
    state = "running" if document["running"] else "not running"
    oldest = queue["oldest_at"] or "-"
    unreported = queue["losses_not_yet_reported"]
    lines = [f"{config.name}: {state}"]
    lines.append(f"waiting  {queue['records']:,} records, {queue['batches']:,} batches, oldest {oldest}")
    lines.append(
        f"store    {queue['bytes']:,} of {config.keep.max_bytes:,} bytes, {unreported:,} losses not reported"
    )
    tellers = {"city": last.get("city")}
    for kind in ("source", "model"):
        tellers |= {f"{kind} {name}": told for name, told in (last.get(f"{kind}s") or {}).items()}
    for name, told in tellers.items():
        if told is not None:
            state = (
                "well" if told["well"] else f"FAILING: {_visible(told['last_error'] or 'not yet heard of')}"
            )
            lines.append(f"{name}  {told['done']:,} done, {state}")
    return "\n".join(map(_visible, lines))


def _visible(text: str) -> str:
    """Show what a terminal would obey instead."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)
