"""``veracity ground``: the ground under the city's map, such as its wards and rivers."""

from pathlib import Path
from typing import Any

import click

from veracity.cli.output import emit, in_home
from veracity.home.clock import system_clock
from veracity.home.directory import open_directory
from veracity.home.errors import NoGround
from veracity.home.ground import Ground, import_ground, read_ground, remove_ground


@click.group()
def ground() -> None:
    """The ground under the city's map, from the city's own GeoJSON: a backdrop, nothing that is sealed."""


@ground.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--source", help="Where it comes from, as readers see it.")
@click.option("--licence", help="On what terms it may be used.")
@in_home
def import_(file: Path, source: str | None, licence: str | None, home: Path, as_json: bool) -> None:
    """Take FILE, a FeatureCollection in longitude and latitude (WGS 84), as the ground of the map."""
    root = open_directory(home).root
    made = import_ground(root, file, source, licence, system_clock()())
    emit("ground", _document(made), f"ground of {made.n_features} features, {_size(made)}", as_json)


@ground.command()
@in_home
def show(home: Path, as_json: bool) -> None:
    """Say what the ground is, where it is from, and its digest."""
    found = read_ground(open_directory(home).root)
    if found is None:
        raise NoGround("ground: want one that was imported, got none")
    lines = [
        f"features  {found.n_features}, {_size(found)}",
        f"within    {', '.join(f'{degrees:g}' for degrees in found.bbox)} (west, south, east, north)",
        f"source    {found.source or 'not told'}",
        f"licence   {found.licence or 'not told'}",
        f"imported  {found.imported_at}",
        f"sha256    {found.sha256}",
    ]
    if found.simulated:
        lines.insert(0, "SIMULATED: no such place")
    emit("ground", _document(found), "\n".join(lines), as_json)


@ground.command()
@in_home
def rm(home: Path, as_json: bool) -> None:
    """Take the ground away."""
    if not remove_ground(open_directory(home).root):
        raise NoGround("ground: want one that was imported, got none")
    emit("ground-rm", {"removed": True}, "the map has no ground", as_json)


def _document(found: Ground) -> dict[str, Any]:
    return {
        "sha256": found.sha256,
        "n_bytes": len(found.body),
        "n_features": found.n_features,
        "bbox": list(found.bbox),
        "source": found.source,
        "licence": found.licence,
        "imported_at": found.imported_at,
        "simulated": found.simulated,
    }


def _size(found: Ground) -> str:
    return f"{len(found.body) / 1e6:.2f} MB"
