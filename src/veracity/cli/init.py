"""``veracity init``."""

from dataclasses import asdict
from pathlib import Path

import click

from veracity.cli.output import emit
from veracity.home.clock import parse_time
from veracity.home.errors import BadName
from veracity.home.founding import KeyReferences
from veracity.home.founding import init as make_home
from veracity.home.key_places import absolute_reference


@click.command()
@click.argument("directory", required=False, type=click.Path(path_type=Path))
@click.option("--origin", required=True, help="The log's name, such as example.org/city.")
@click.option(
    "--home", type=click.Path(path_type=Path), envvar="VERACITY_HOME", help="The directory, if not given."
)
@click.option("--log-key", metavar="REF", help="The log's key is at this key reference, not made here.")
@click.option("--operator-key", metavar="REF", help="The operator's key is at this key reference.")
@click.option("--expires", metavar="TIME", help="From when on the operator's key signs nothing more.")
@click.option(
    "--log-store",
    metavar="LOCATION",
    help="Keep the log's files elsewhere: s3://bucket/prefix or a directory.",
)
@click.option(
    "--log-state",
    metavar="LOCATION",
    help="Keep the last signed checkpoint elsewhere: postgresql://user@host/db, s3://bucket/prefix or"
    " sqlite:///path.",
)
@click.option(
    "--objects",
    metavar="LOCATION",
    help="Keep evidence, tables and all else that is stored elsewhere: s3://bucket/prefix.",
)
@click.option(
    "--database",
    metavar="LOCATION",
    help="Keep index and log state in a database of its own, for several machines: postgresql://user@host/db.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def init(
    directory: Path | None,
    origin: str,
    home: Path | None,
    log_key: str | None,
    operator_key: str | None,
    expires: str | None,
    log_store: str | None,
    log_state: str | None,
    objects: str | None,
    database: str | None,
    as_json: bool,
) -> None:
    """Make a city's home: keys (mode 0600), stores, database, and trust.policy to hand out."""
    root = directory or home
    if root is None:
        raise BadName("init: want a directory, --home or VERACITY_HOME, got none")
    until = None if expires is None else parse_time("expires", expires)
    log, operator = (None if ref is None else absolute_reference(ref) for ref in (log_key, operator_key))
    made = make_home(
        root,
        origin,
        references=KeyReferences(log, operator),
        expires=until,
        log_store=log_store,
        log_state=log_state,
        objects=objects,
        database=database,
    )
    elsewhere = {name: place for name, place in asdict(made.places).items() if place is not None}
    document = {"home": root, "origin": origin, "policy": made.policy, "keys": root / "keys", **elsewhere}
    text = (
        f"made {root} for {origin}\n"
        f"hand out   {made.policy}   (whom to believe: the log's key)\n"
        f"keep       {root / 'keys'}   (whoever has these can sign as the city)"
    )
    text += "".join(
        f"\nelsewhere  {place}   (its {name.replace('_', ' ')})" for name, place in elsewhere.items()
    )
    emit("init", document, text, as_json)
