"""``veracity feed account``: what each device sent, and what became of every record."""

from pathlib import Path
from typing import Any

import click

from veracity.cli.output import COUNT, columns, emit, in_home, mark
from veracity.home.errors import BadName
from veracity.home.home import Home, open_writer
from veracity.home.live.accounts import COUNTS, FeedAccount, accounts, find_account, say_account, unsaid

DEVICES = 20


@click.command(name="account")
@click.argument("feed")
@click.option("--hours", type=click.IntRange(1, 8_784), default=24, show_default=True, help="How far back.")
@click.option("--hour", help="The devices of one hour, such as 2026-09-01T08:00:00Z, that was said.")
@click.option("--devices", type=COUNT, default=DEVICES, show_default=True, help="Devices to show.")
@click.option("--say", is_flag=True, help="Say the accounts of hours that are over, in the log.")
@in_home
def show_account(
    feed: str, hours: int, hour: str | None, devices: int, say: bool, home: Path, as_json: bool
) -> None:
    """Account for the messages of a feed, by device and hour: nothing that was sent is left out.

    Sent = accepted + quarantined + refused + duplicate. Accounts of hours that are over are in the log, said
    by `veracity up` or with --say; the others are shown as they stand now.
    """
    if say:
        with open_writer(home) as writer:
            writer.feed(feed)
            for over in unsaid(writer, feed):
                say_account(writer, feed, over)
    opened = Home.open(home)
    try:
        simulated = opened.feed(feed).contract.simulated
        found = accounts(opened, feed, hours) if hour is None else [_of(opened, feed, hour)]
    finally:
        opened.close()
    document = {"feed": feed, "simulated": simulated, "items": [_item(a, devices) for a in found]}
    emit("account", document, _text(feed, found, devices) + mark(simulated), as_json)


def _of(home: Home, feed: str, hour: str) -> FeedAccount:
    found = find_account(home, feed, hour)
    if found is None:
        raise BadName(f"hour: want one of {feed} whose account was said, got {hour[:40]!r}")
    return found


def _item(account: FeedAccount, n_devices: int) -> dict[str, Any]:
    said = account.said
    return {
        "hour": said.hour,
        "entry": account.idx,
        "batches": list(said.batches),
        "sums": said.sums.to_object(),
        "refused_at_the_door": said.reasons,
        "n_devices": account.devices.height,
        "devices": account.devices.drop("least_lags")
        .sort("sent", descending=True)
        .head(n_devices)
        .to_dicts(),
    }


def _text(feed: str, found: list[FeedAccount], n_devices: int) -> str:
    if not found:
        return f"{feed}: no messages"
    head = ("hour", *COUNTS, "log entry")
    rows = [(a.said.hour, *a.said.sums.to_object().values(), a.idx) for a in found]
    last = found[-1]
    shown = last.devices.sort("sent", "sender", descending=[True, False]).head(n_devices)
    lines = [
        f"{feed}: sent = accepted + quarantined + refused + duplicate",
        columns(rows, head),
        f"devices in the hour from {last.said.hour}",
        columns(shown.select("sender", *COUNTS).rows(), ("device", *COUNTS)),
    ]
    if (more := last.devices.height - shown.height) > 0:
        lines.append(f"and {more:,} more devices")
    if last.said.reasons:
        lines += ["turned away at the door", columns(list(last.said.reasons.items()), ("reason", "records"))]
    return "\n".join(lines)
