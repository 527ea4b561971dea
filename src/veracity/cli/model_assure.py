"""``veracity model assure``."""

from pathlib import Path

import click

from veracity.cli.apps import app_in, app_of_model
from veracity.cli.output import columns, emit, in_home, mark, write_output
from veracity.feeds.file_info import read_file
from veracity.home.clock import parse_time
from veracity.home.home import open_writer
from veracity.home.models.assurance import Assured
from veracity.home.models.assurance import assure as assure_model
from veracity.home.models.registry import find_model
from veracity.models.assurance.battery import KNOWN
from veracity.models.assurance.policy import POLICY_BYTES, default_policy, parse_policy
from veracity.pages.assurance import assurance_page
from veracity.provenance.fields import MAX_COUNT

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("model", required=False)
@click.option("--app", help="The app that the model is for; by default the one that it names.")
@click.option("--policy", type=_PATH, help="The file with the pass marks; by default ours.")
@click.option("--as-of", help="Test on what was known at this time (ISO 8601).")
@click.option("--from", "start", help="Test from this time on; it must lie after all that was learned from.")
@click.option("--until", "end", help="Test up to this time.")
@click.option(
    "--seed", type=click.IntRange(0, MAX_COUNT), default=0, show_default=True, help="Of all chance."
)
@click.option("--page", type=_PATH, help="Write the report as a page, FILE.html.")
@click.option(
    "--print-policy", is_flag=True, help="Print the policy, to begin one of your own with, and stop."
)
@in_home
def assure(
    model: str | None,
    app: str | None,
    policy: Path | None,
    as_of: str | None,
    start: str | None,
    end: str | None,
    seed: int,
    page: Path | None,
    print_policy: bool,
    home: Path,
    as_json: bool,
) -> int:
    """Put MODEL, a name or a digest, through the battery of tests, and say in the log how it fared.

    It is tested on times after those that it learned from. Exit 1 if a test failed, or one that the policy
    requires for the furthest stage of its app could not be done.
    """
    text = default_policy() if policy is None else read_file(policy, POLICY_BYTES)
    if print_policy:
        marks = parse_policy(text, KNOWN)
        document = {"policy": text.decode(), "sha256": marks.sha256, "version": marks.version}
        emit("assurance-policy", document, text.decode().removesuffix("\n"), as_json)
        return 0
    if model is None:
        raise click.UsageError("want MODEL, a name or a digest")
    times = [
        None if t is None else parse_time(n, t)
        for n, t in (("as-of", as_of), ("from", start), ("until", end))
    ]
    with open_writer(home) as writer:
        declared = app_in(writer, app) if app else app_of_model(writer, find_model(writer, model))
        done = assure_model(
            writer, declared, model, text, seed=seed, as_of=times[0], start=times[1], end=times[2]
        )
    if page is not None:
        write_output(page, assurance_page(done.report))
    _tell(done, page, as_json)
    return int(done.assure.verdict != "passed")


def _tell(done: Assured, page: Path | None, as_json: bool) -> None:
    said, report, about = done.assure, done.report, done.report.about
    counts = ", ".join(f"{n} {verdict}" for verdict, n in report.tally.items())
    rows = [(r.name, r.verdict, ", ".join(r.required) or "-", r.reason[:100]) for r in report.results]
    again = "" if done.is_new else ", said before"
    lines = [
        columns(rows, ("test", "verdict", "required to", "why")),
        "",
        f"{said.name}: {said.verdict} to {about.stage}: {counts}{mark(said.simulated)}",
        f"tested on {about.start} to {about.end}; learned from times to {about.trained_to}",
        f"report {said.report_sha256}, log entry {done.idx}{again}",
        *([f"page {page}"] if page else []),
    ]
    document = {
        "model": said.model_sha256,
        "report": said.report_sha256,
        "policy": said.policy_sha256,
        "verdict": said.verdict,
        "stages": report.to_document()["stages"],
        "tally": dict(report.tally),
        "tests": [{"name": r.name, "verdict": r.verdict, "reason": r.reason} for r in report.results],
        "entry": done.idx,
        "new": done.is_new,
        "page": page,
        "simulated": said.simulated,
    }
    emit("model-assured", document, "\n".join(lines), as_json)
