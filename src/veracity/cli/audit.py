"""``veracity audit``."""

from dataclasses import asdict
from functools import partial
from pathlib import Path

import click

from veracity.cli.apps import app_of
from veracity.cli.output import emit, in_home, mark
from veracity.home.audit import audit as run_audit
from veracity.home.home import Home
from veracity.home.simulated import is_simulated
from veracity.provenance.fields import MAX_COUNT

_SHOWN = 20


@click.command()
@click.argument("feed", required=False)
@click.option(
    "--sample",
    type=click.IntRange(1, MAX_COUNT),
    help="Audit this many batches of each feed, chosen at random.",
)
@click.option("--seed", default=0, show_default=True, help="Seed of the choice.")
@in_home
def audit(feed: str | None, sample: int | None, seed: int, home: Path, as_json: bool) -> int:
    """Make again all that the log speaks of, from the evidence, and compare digests.

    Exit 1 if anything differs.
    """
    opened = Home.open(home)
    report = run_audit(opened, feed, sample, seed, partial(app_of, opened))
    simulated = is_simulated(opened, feed)
    opened.close()
    more = (
        ("certificates", report.certificates),
        ("accounts", report.accounts),
        ("calibrations", report.calibrations),
        ("corrections", report.corrections),
        ("runs of apps", report.runs),
        ("scorings", report.scorings),
        ("overrides", report.overrides),
        ("statements of access", report.accesses),
        ("models", report.models),
        ("assurance reports", report.assurances),
        ("releases", report.releases),
    )
    made = (
        f"made again: {report.batches:,} batches of {report.records:,} records, {report.rows:,} rows,"
        f" {report.panels:,} panels{''.join(f', {n:,} {what}' for what, n in more if n)};"
        f" {report.skipped:,} batches not in the sample{mark(simulated)}"
    )
    lines = [made]
    lines += [f"DIFFERS  {f.where}: {f.what}: {f.detail}" for f in report.findings]
    lines += [f"NOT CHECKED  {one}" for one in report.unchecked[:_SHOWN]]
    if (more_unchecked := len(report.unchecked) - _SHOWN) > 0:
        lines.append(f"NOT CHECKED  and {more_unchecked:,} more")
    lines.append("everything is as the log says" if report.is_clean else f"{len(report.findings)} findings")
    document = {"clean": report.is_clean, "simulated": simulated, **asdict(report)}
    emit("audit", document, "\n".join(lines), as_json)
    return int(not report.is_clean)
