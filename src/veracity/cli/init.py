"""``veracity init``."""

from pathlib import Path

import click

from veracity.cli.output import emit
from veracity.home.errors import BadName
from veracity.home.home import init as make_home


@click.command()
@click.argument("directory", required=False, type=click.Path(path_type=Path))
@click.option("--origin", required=True, help="The log's name, such as example.org/city.")
@click.option(
    "--home", type=click.Path(path_type=Path), envvar="VERACITY_HOME", help="The directory, if not given."
)
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
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def init(
    directory: Path | None,
    origin: str,
    home: Path | None,
    log_store: str | None,
    log_state: str | None,
    as_json: bool,
) -> None:
    """Make a city's home: keys (mode 0600), stores, database, and trust.policy to hand out."""
    root = directory or home
    if root is None:
        raise BadName("init: want a directory, --home or VERACITY_HOME, got none")
    made = make_home(root, origin, log_store=log_store, log_state=log_state)
    elsewhere = {k: v for k, v in (("log_store", made.log_store), ("log_state", made.log_state)) if v}
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
