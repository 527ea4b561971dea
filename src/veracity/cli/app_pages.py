"""``veracity app pages``: an app's static pages, from what it logged."""

from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from veracity.apps.regions import REGIONS_BYTES, parse_regions
from veracity.cli.apps import app_in
from veracity.cli.output import emit, in_home, mark, write_output
from veracity.feeds.file_info import read_file
from veracity.home.home import Home
from veracity.home.models.viewing import view_of

FILE = click.Path(path_type=Path)


@click.command("pages")
@click.argument("name", metavar="APP")
@click.option(
    "--to", "to", required=True, type=FILE, help="A directory; files of the same names are replaced."
)
@click.option("--wards", type=FILE, help="GeoJSON of polygons to draw and to say values of.")
@click.option(
    "--zone", default="UTC", show_default=True, help="Time zone of the pages, such as Asia/Ho_Chi_Minh."
)
@click.option("--run", type=click.IntRange(0), help="The number of a run; by default the newest.")
@in_home
def pages(
    name: str,
    to: Path,
    wards: Path | None,
    zone: str,
    run: int | None,
    home: Path,
    as_json: bool,
) -> None:
    """Write an app's pages with pictures, and the figures behind them as JSON."""
    _check_zone(zone)
    regions = [] if wards is None else parse_regions(read_file(wards, REGIONS_BYTES))
    reader = Home.open(home)
    try:
        app = app_in(reader, name)
        if app.pages is None:
            raise click.UsageError(f"app {name} has no pages")
        view = view_of(reader, app, run=run, places=regions, zone=zone)
    finally:
        reader.close()
    written = app.pages(app, view)
    to.mkdir(parents=True, exist_ok=True)
    for file, body in written.items():
        write_output(to / file, body)
    lines = f"{len(written)} files of {name} in {to}: open {to / 'index.html'}{mark(view.simulated)}"
    document = {
        "app": name,
        "to": to,
        "files": sorted(written),
        "made_at": view.now,
        "simulated": view.simulated,
    }
    emit("app-pages", document, lines, as_json)


def _check_zone(zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise click.UsageError(f"zone: want one such as Asia/Ho_Chi_Minh, got {zone[:64]!r}") from exc
