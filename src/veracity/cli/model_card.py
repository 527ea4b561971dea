"""``veracity model card``: a model's facts with their evidence, computed; or a card held against them."""

import re
from functools import partial
from pathlib import Path

import click

from veracity.cli.apps import app_in
from veracity.cli.output import emit, in_home, mark
from veracity.cli.sheets import Lang, check_kind, language, to_file, write_sheet
from veracity.data.plain_yaml import parse_yaml
from veracity.feeds.file_info import read_file
from veracity.home.home import Home, open_writer
from veracity.home.models import cards
from veracity.home.models.facts import gather
from veracity.home.models.registry import find_model
from veracity.models.card import MAX_CARD_BYTES, Card, Words, parse_card, read_words
from veracity.models.card_truth import Difference
from veracity.models.dossier.errors import MalformedCard
from veracity.pages.card_pictures import card_pictures
from veracity.pages.card_sheet import card_sheet

_PATH = click.Path(path_type=Path)
_WORDS_BYTES = 262_144
_SHOWN = 20
_DIGEST = re.compile(r"[0-9a-f]{64}")


@click.command()
@click.argument("model")
@to_file
@language
@click.option("--words", type=_PATH, help="YAML with what people add, each marked with who says it.")
@click.option("--keep", is_flag=True, help="Put the card into the store, so that a release can rest on it.")
@click.option("--card", "given", help="Look at this card, a file or a digest, and compute none.")
@in_home
def card(
    model: str,
    to: Path | None,
    lang: Lang,
    words: Path | None,
    keep: bool,
    given: str | None,
    home: Path,
    as_json: bool,
) -> int:
    """Compute the card of MODEL, a name or a digest; none of it is typed.

    With --card an earlier card is held against the evidence that it was computed from, exit 1 if that denies
    it, and shown with what has become stale since.
    """
    check_kind(to)
    if given is not None and (words or keep):
        raise click.UsageError("want --card, or --words and --keep, got both")
    if given is not None:
        return _look(model, given, to, lang, home, as_json)
    added = _words(words)
    if keep:
        with open_writer(home) as writer:
            made = cards.make(writer, partial(app_in, writer), model, added)
            cards.keep(writer, made)
            _write(writer, made, to, lang, [])
    else:
        opened = Home.open(home)
        try:
            made = cards.make(opened, partial(app_in, opened), model, added)
            _write(opened, made, to, lang, [])
        finally:
            opened.close()
    said = f"card {made.sha256} of {made.name}, {len(made.facts):,} facts from {made.size:,} log entries"
    lines = [said + mark(made.simulated)]
    lines += ["kept: a release can rest on it"] if keep else []
    lines += [f"to {to}"] if to else []
    _emit(made, [], [], to, keep, "\n".join(lines), as_json)
    return 0


def _look(model: str, given: str, to: Path | None, lang: Lang, home: Path, as_json: bool) -> int:
    """Hold a card against its evidence, and show what is stale."""
    opened = Home.open(home)
    try:
        is_digest = _DIGEST.fullmatch(given) is not None
        text = b"" if is_digest else read_file(Path(given), MAX_CARD_BYTES)
        looked = cards.read(opened, given) if is_digest else parse_card(text)
        row = find_model(opened, model)
        if row.sha256 != looked.model_sha256:
            raise MalformedCard(f"card: want one of {row.sha256[:16]}, got one of {looked.model_sha256[:16]}")
        denied = cards.differences(opened, partial(app_in, opened), looked)
        stale = cards.stale(opened, partial(app_in, opened), looked)
        if not denied:
            _write(opened, looked, to, lang, stale)
    finally:
        opened.close()
    head = "DENIED" if denied else "STALE" if stale else "TRUE"
    lines = [
        f"{head}  card {looked.sha256} of {looked.name}, log entries {looked.size:,}{mark(looked.simulated)}"
    ]
    lines += [f"denied: {d}" for d in denied[:_SHOWN]] + _more(denied)
    lines += [f"stale: {d}" for d in stale[:_SHOWN] if not denied] + ([] if denied else _more(stale))
    lines += ["not written: nothing is shown of a card that the evidence denies"] if denied and to else []
    _emit(looked, denied, stale, None if denied else to, False, "\n".join(lines), as_json)
    return int(bool(denied))


def _write(home: Home, made: Card, to: Path | None, lang: Lang, stale: list[Difference]) -> None:
    if to is None:
        return
    row = find_model(home, made.model_sha256)
    as_of = gather(home, app_in(home, made.system), row, made.size).said_at
    size = home.index.size
    sheet = partial(card_sheet, made, lang, stale, size)
    write_sheet(to, sheet, made.format, as_of, partial(card_pictures, made, lang))


def _words(path: Path | None) -> tuple[Words, ...]:
    if path is None:
        return ()
    return read_words(parse_yaml(read_file(path, _WORDS_BYTES), "words", _WORDS_BYTES, MalformedCard))


def _more(found: list[Difference]) -> list[str]:
    return [f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []


def _emit(
    made: Card,
    denied: list[Difference],
    stale: list[Difference],
    to: Path | None,
    kept: bool,
    text: str,
    as_json: bool,
) -> None:
    document = {
        "card": made.sha256,
        "model": made.model_sha256,
        "system": made.system,
        "log_size": made.size,
        "facts": len(made.facts),
        "denied": [_object(d) for d in denied],
        "stale": [_object(d) for d in stale],
        "kept": kept,
        "to": to,
        "simulated": made.simulated,
    }
    emit("model-card", document, text, as_json)


def _object(d: Difference) -> dict[str, object]:
    evidence = d.evidence.to_object()
    return {
        "fact": d.name,
        "why": d.why,
        "card": d.card,
        "evidence_says": d.found,
        "evidence": evidence,
        "by": d.by,
    }
