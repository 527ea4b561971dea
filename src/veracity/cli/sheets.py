"""Cards and dossiers as files: HTML, PDF or JSON, by the name that is asked for."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import click

from veracity.cli.output import write_output
from veracity.home.errors import BadName
from veracity.models.dossier.answer import LANGS, Lang
from veracity.pages.errors_by_horizon import ERRORS_STYLE
from veracity.pages.html import Html
from veracity.pages.sheet import Sheet
from veracity.pages.sheet_html import sheet_html
from veracity.pages.sheet_pdf import sheet_pdf

KINDS = (".html", ".pdf", ".json")
language = click.option(
    "--lang", type=click.Choice(LANGS), default="en", show_default=True, help="English or Vietnamese."
)
to_file = click.option(
    "--to", "to", type=click.Path(path_type=Path), help="Where to write: a name in .html, .pdf or .json."
)


def write_sheet(
    to: Path,
    sheet: Callable[[], Sheet],
    json_text: Callable[[], bytes],
    as_of: str,
    pictures: Callable[[], Mapping[str, Html]] = dict,
) -> None:
    """Write a document in the form that its name asks for; BadName for another.

    ``as_of`` is the time that a PDF says it was made (RFC 3339); ``pictures`` are of its HTML.
    """
    kind = to.suffix.lower()
    if kind == ".json":
        write_output(to, json_text())
    elif kind == ".html":
        write_output(to, sheet_html(sheet(), pictures(), ERRORS_STYLE))
    elif kind == ".pdf":
        made = datetime.fromisoformat(as_of).astimezone(UTC)
        write_output(to, sheet_pdf(sheet(), int(made.timestamp())))
    else:
        raise BadName(f"to: want a name in {', '.join(KINDS)}, got {to.name[-40:]!r}")


def check_kind(to: Path | None) -> None:
    """Raise BadName before any work for a name that no document is written under."""
    if to is not None and to.suffix.lower() not in KINDS:
        raise BadName(f"to: want a name in {', '.join(KINDS)}, got {to.name[-40:]!r}")


__all__ = ["Lang", "check_kind", "language", "to_file", "write_sheet"]
