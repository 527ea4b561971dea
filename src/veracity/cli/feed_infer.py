"""``veracity feed infer``: a contract proposed from files."""

from pathlib import Path

import click

from veracity.cli.output import common, emit
from veracity.cli.targets import check_target, write_target
from veracity.data.contract import parse_contract
from veracity.data.infer.propose import infer_contract
from veracity.feeds.sample import RECORDS, sample_files
from veracity.provenance.fields import MAX_COUNT


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--id", "name", help="The feed's name; made from the first file's name if absent.")
@click.option(
    "--timezone", help="Zone of times without an offset, such as Asia/Ho_Chi_Minh; guessed if absent."
)
@click.option(
    "--records",
    type=click.IntRange(1, MAX_COUNT),
    default=RECORDS,
    show_default=True,
    help="How many records to look at, at most.",
)
@click.option("--to", "to", type=click.Path(path_type=Path), help="Write the contract here, not to stdout.")
@common
def infer(
    files: tuple[Path, ...],
    name: str | None,
    timezone: str | None,
    records: int,
    to: Path | None,
    as_json: bool,
) -> None:
    """Propose a contract from files of one shape, with a comment for each guess."""
    if to is not None:
        check_target(to, files, "to")
    sample = sample_files(files, records)
    text = infer_contract(sample, name, timezone)
    contract = parse_contract(text)
    n, part = sample.frame.height, "all" if sample.is_whole else "a part"
    document = {
        "feed": contract.feed,
        "records": n,
        "whole": sample.is_whole,
        "columns": len(contract.fields),
        "key": contract.key,
        "simulated": False,
    }
    if to is None:
        emit("infer", {**document, "contract": text.decode()}, text.decode().removesuffix("\n"), as_json)
        return
    write_target(to, text, "contract")
    key = ", ".join(contract.key) or "none"
    said = (
        f"contract of {contract.feed} from {n:,} records ({part}): {len(contract.fields)} columns, key {key}"
    )
    emit("infer", {**document, "to": to}, f"{said}, to {to}", as_json)
