"""``veracity model verify``: a model of the city by its name or digest, or a directory by its signature."""

from pathlib import Path

import click

from veracity.cli.model_directory import verify_directory
from veracity.cli.output import common, emit, mark
from veracity.home.errors import NoHome
from veracity.home.home import Home
from veracity.home.models.registry import find_model, load_model

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("target")
@click.option("--signature", type=_PATH, help="Of a directory: the signature, a Sigstore bundle.")
@click.option("--key", type=_PATH, help="Of a directory: the public key of who is believed, PEM.")
@click.option("--ignore", multiple=True, help="A path in DIR to leave out, beside those signed for.")
@click.option("--home", type=_PATH, envvar="VERACITY_HOME", help="Of a model: the city's directory.")
@common
def verify(
    target: str,
    signature: Path | None,
    key: Path | None,
    ignore: tuple[str, ...],
    home: Path | None,
    as_json: bool,
) -> None:
    """Check a model's files and signature, or that a directory is the one that was signed. Exit 1 if not.

    With --signature and --key TARGET is a directory; without, a model of the city, by name or digest.
    """
    if signature is not None and key is not None:
        verify_directory(Path(target), signature, key, ignore, as_json)
    elif signature is not None or key is not None or ignore:
        raise click.UsageError("want --signature and --key for a directory, or neither for a model")
    elif home is None and Path(target).is_dir():
        raise click.UsageError(f"want --signature and --key to verify the directory {target}")
    elif home is None:
        raise NoHome("home: want --home DIR or VERACITY_HOME, got neither")
    else:
        _verify_model(home, target, as_json)


def _verify_model(home: Path, name: str, as_json: bool) -> None:
    opened = Home.open(home)
    try:
        row = find_model(opened, name)
        files = load_model(opened, row.sha256)
    finally:
        opened.close()
    line = f"VERIFIED  {len(files.files)} files of {row.train.name} {row.sha256} as log entry {row.idx} says"
    document = {
        "verified": True,
        "name": row.train.name,
        "model": row.sha256,
        "entry": row.idx,
        "files": sorted(files.files),
        "simulated": row.train.simulated,
    }
    emit("model-verified", document, line + mark(row.train.simulated), as_json)
