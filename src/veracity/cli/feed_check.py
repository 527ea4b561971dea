"""``veracity feed check``: what files would look like under a contract."""

from dataclasses import asdict
from pathlib import Path

import click

from veracity.cli.output import columns, common, counts, emit, mark
from veracity.cli.targets import check_target, write_target
from veracity.data.contract import Contract
from veracity.home.check import CheckReport, check_file, survey_files
from veracity.home.contracts import load_contract


@click.command()
@click.argument("contract", type=click.Path(path_type=Path))
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--page",
    type=click.Path(path_type=Path),
    help="Write a page with pictures here: one HTML file below 1 MB.",
)
@common
def check(contract: Path, files: tuple[Path, ...], page: Path | None, as_json: bool) -> int:
    """Give verdicts on files without storing anything. Exit 1 if any row would not be accepted."""
    if page is not None:
        check_target(page, (contract, *files), "page")
    loaded = load_contract(contract)
    reports = [check_file(loaded, path) for path in files] if page is None else _paged(loaded, files, page)
    lines = []
    for r in reports:
        lines.append(f"{r.file}: {counts(r)}{mark(loaded.simulated)}")
        lines.append(columns([*r.reasons.items(), *((f"refused:{k}", n) for k, n in r.refusals.items())]))
        lines.extend(r.first_refusals)
        lines.extend(r.examples)
    document = {"simulated": loaded.simulated, "page": page, "items": [asdict(r) for r in reports]}
    emit("check", document, "\n".join(line for line in lines if line), as_json)
    return int(any(r.quarantined or r.refused for r in reports))


def _paged(contract: Contract, files: tuple[Path, ...], page: Path) -> list[CheckReport]:
    """Check files and write the page; the reports are those of ``check_file``."""
    from veracity.pages.check_page import check_page  # pictures, for the few that ask for a page

    reports, survey = survey_files(contract, files)
    write_target(page, check_page(survey), "page")
    return reports
