"""``veracity feed``: contracts, and what a file would look like under one."""

import click

from veracity.cli.lazy import LazyGroup

# command -> (module:attribute, what it does)
_COMMANDS = {
    "account": (
        "veracity.cli.feed_account:show_account",
        "Account for the messages of a feed, by device and hour: nothing that was sent is left out.",
    ),
    "add": ("veracity.cli.feed_add:add", "Put a contract in force: a new feed, or a new version of one."),
    "breaking": ("veracity.cli.feed_breaking:breaking", "Say what a change of contract breaks."),
    "certificate": (
        "veracity.cli.certificate:show_certificate",
        "Show what a day or a batch was worth: counts, reasons in words, the health of its sensors.",
    ),
    "certify": (
        "veracity.cli.certificate:certify_days",
        "Sum up a day's batches, and the health of each sensor, in a signed statement.",
    ),
    "check": ("veracity.cli.feed_check:check", "Give verdicts on files without storing anything."),
    "clocks": (
        "veracity.cli.feed_clocks:show_clocks",
        "Estimate offset and frequency of the clocks of a feed's devices from their messages.",
    ),
    "infer": (
        "veracity.cli.feed_infer:infer",
        "Propose a contract from files of one shape, with a comment for each guess.",
    ),
    "ls": ("veracity.cli.feed_add:list_feeds", "List the feeds and their counts."),
    "remember": (
        "veracity.cli.certificate:remember_again",
        "Make again, from the evidence, what the rules remember, where it was lost or changed.",
    ),
    "show": (
        "veracity.cli.feed_status:show_feed",
        "Show one feed: contract, counts, reasons in words, freshness, silent sensors, sensors.",
    ),
    "trust": (
        "veracity.cli.trust:trust",
        "Score each sensor and property from 0 to 1, with a 90 % interval, the least trusted first.",
    ),
    "verdicts": (
        "veracity.cli.verdicts:show_verdicts",
        "Count the rows that broke each rule by what became of them, or write each row's verdict to a file.",
    ),
}


@click.group(cls=LazyGroup, commands_in=_COMMANDS)
def feed() -> None:
    """Add feeds, list them, check files against a contract."""
