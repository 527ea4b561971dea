"""``veracity app places``: where an app's keys are in this city."""

from pathlib import Path

import click

from veracity.apps import find
from veracity.cli.apps import app_in
from veracity.cli.output import columns, emit, in_home
from veracity.feeds.file_info import read_file
from veracity.home.home import Home, open_writer
from veracity.home.models.places import set_places
from veracity.models.app import App
from veracity.models.places import PLACES_BYTES


@click.command("places")
@click.argument("name", metavar="APP")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@in_home
def places(name: str, file: Path | None, home: Path, as_json: bool) -> None:
    """Show where the keys of an app are, or give it the places in FILE, for all that is done from here on.

    FILE is a CSV: the key, such as a station, then numbers known of it, such as lon and lat.
    """
    if file is None:
        opened = Home.open(home)
        try:
            app = app_in(opened, name)
        finally:
            opened.close()
    else:
        text = read_file(file, PLACES_BYTES)
        with open_writer(home) as writer:
            app = set_places(writer, find(name), text)
    _tell(app, as_json)


def _tell(app: App, as_json: bool) -> None:
    known = sorted({number for one in app.attributes.values() for number in one})
    rows = [(key, *(one.get(number, "-") for number in known)) for key, one in sorted(app.attributes.items())]
    document = {"app": app.name, "places": app.attributes, "code": app.code()}
    text = columns(rows, ("key", *known)) if rows else f"{app.name} knows no places"
    emit("app-places", document, text, as_json)
