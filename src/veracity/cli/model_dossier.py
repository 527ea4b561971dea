"""``veracity model dossier``: what a law or a standard asks, answered from evidence or left to a person."""

from functools import partial
from pathlib import Path

import click

from veracity.cli.apps import app_in
from veracity.cli.output import emit, in_home, mark
from veracity.cli.sheets import Lang, check_kind, language, to_file, write_sheet
from veracity.home.home import Home
from veracity.home.models import cards
from veracity.models.dossier.aiverify import format_result
from veracity.models.dossier.dossier import Answered, Dossier, make_dossier
from veracity.models.dossier.framework import FRAMEWORKS, load_framework
from veracity.pages.dossier_sheet import coverage_words, dossier_sheet

AIVERIFY = "aiverify"


@click.command()
@click.argument("model")
@click.option("--for", "framework", required=True, type=click.Choice(FRAMEWORKS), help="What asks.")
@to_file
@language
@in_home
def dossier(model: str, framework: str, to: Path | None, lang: Lang, home: Path, as_json: bool) -> None:
    """Answer what a law or a standard asks of MODEL and its system, and count what evidence answers.

    vn is Vietnam's Law 134/2025/QH15 and Decree 142/2026, eu the Annex IV and Article 12 of the AI Act,
    iso42001 the statement of applicability, nist the AI RMF, aiverify the 11 principles; its .json is the
    result of tests that AI Verify imports. What needs a person is told with who and what.
    """
    check_kind(to)
    opened = Home.open(home)
    try:
        made = make_dossier(load_framework(framework), cards.known_of(opened, partial(app_in, opened), model))
    finally:
        opened.close()
    if to is not None:
        write_sheet(to, lambda: dossier_sheet(made, lang), lambda: _json(made, lang), made.known.said_at)
    lines = [
        f"{made.framework.title[lang]}{mark(made.known.simulated)}",
        coverage_words(made, lang),
        *(
            f"person: {a.requirement.number[lang]}: {_todo(a, lang)}"
            for a in made.answers
            if a.status == "person"
        ),
        *(f"not known: {w[lang]}" for w in made.framework.unknown),
        *([f"to {to}"] if to else []),
    ]
    document = {
        "framework": framework,
        "model": made.known.train.it.model_sha256,
        "system": made.known.system,
        "log_size": made.known.size,
        "coverage": dict(made.coverage),
        "language": lang,
        "to": to,
        "simulated": made.known.simulated,
    }
    emit("model-dossier", document, "\n".join(lines), as_json)


def _json(made: Dossier, lang: Lang) -> bytes:
    """Return what AI Verify imports, or for other frameworks the dossier itself."""
    return format_result(made) if made.framework.name == AIVERIFY else made.format(lang)


def _todo(a: Answered, lang: Lang) -> str:
    return "" if a.person is None else f"{a.person.who[lang]}: {a.person.what[lang]}"
