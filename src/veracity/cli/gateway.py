"""``veracity gateway``: the gateway of an edge box, and inviting one to the city."""

from datetime import timedelta
from pathlib import Path

import click

from veracity.cli.output import emit, in_home, mark, write_output
from veracity.gateway.commands import gateway
from veracity.home.home import Home, open_writer
from veracity.home.invitations import invite as invite_gateway
from veracity.home.models.registry import export_model
from veracity.home.models.release_receipts import make_release_receipt
from veracity.provenance.joining import LOSSES_FEED
from veracity.provenance.receipts import format_receipt

__all__ = ["gateway"]

RECEIPT = "release.receipt.json"


@gateway.command()
@click.argument("name")
@click.option("--feeds", default="", help="The feeds it is for, with commas between; without, any.")
@click.option(
    "--hours", type=click.IntRange(1, 720), default=24, show_default=True, help="How long the code is good."
)
@in_home
def invite(name: str, feeds: str, hours: int, home: Path, as_json: bool) -> None:
    """Invite a gateway, AGENCY/GATEWAY: prints a code that enrols its key once."""
    wanted = [feed.strip() for feed in feeds.split(",") if feed.strip()]
    with open_writer(home) as writer:
        code, made = invite_gateway(writer, name, wanted, valid_for=timedelta(hours=hours))
        has_losses = LOSSES_FEED in writer.feed_names()
    document = {
        "code": code,
        "name": made.name,
        "feeds": list(made.feeds),
        "expires": made.expires,
        "has_losses_feed": has_losses,
    }
    text = f"{code}\n\nfor {made.name}, once, until {made.expires}\nveracity-gateway join --city URL"
    if not has_losses:
        text += f"\n{LOSSES_FEED} has no contract yet: what gateways report lost has no place"
    emit("gateway-invitation", document, text, as_json)


@gateway.command()
@click.argument("system")
@click.option(
    "--to", "to", required=True, type=click.Path(path_type=Path), help="A directory that is not there."
)
@in_home
def model(system: str, to: Path, home: Path, as_json: bool) -> None:
    """Write the model that serves SYSTEM, with the receipt of its release, for gateways to run."""
    opened = Home.open(home)
    digest, receipt = make_release_receipt(opened, system)
    simulated = receipt.stated.statement.predicate.get("simulated") is True
    files = export_model(opened, digest, to)
    opened.close()
    write_output(to / RECEIPT, format_receipt(receipt))
    document = {
        "system": system,
        "model": digest,
        "to": str(to),
        "items": [*files, RECEIPT],
        "simulated": simulated,
    }
    text = f"model {digest[:16]} of {system}, and the receipt of its release, to {to}{mark(simulated)}"
    emit("gateway-model", document, text, as_json)
