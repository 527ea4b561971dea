"""The words of sheets, by language, read from ``card_words.yaml``; and values as people write them."""

from functools import cache
from importlib import resources
from typing import Any

from veracity.data.plain_yaml import parse_yaml
from veracity.data.rules.language import duration, measure, number
from veracity.errors import Malformed
from veracity.models.dossier.answer import Lang
from veracity.models.facts import Value

_BYTES = 131_072
_DIGEST = 64


def word(lang: Lang, kind: str, name: str, **filled: str) -> str:
    """Return what something is called; a name without words is its own word.

    ``kind`` is ``sections``, ``tables``, ``labels`` or ``says``.
    """
    words = _words()[kind].get(name)
    return name.replace("_", " ") if words is None else str(words[lang]).format(**filled)


def shown_value(value: Value, unit: str, lang: Lang) -> str:
    """Write a fact's value: numbers in the language's way, digests short, nothing as a dash."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return word(lang, "says", "yes" if value else "no")
    if isinstance(value, str):
        is_digest = len(value) == _DIGEST and not set(value) - set("0123456789abcdef")
        return f"{value[:16]}…" if is_digest else value
    if unit == "s":
        return duration(value, lang)
    return measure(value, unit, lang) if unit else number(value, lang)


def frame_words(lang: Lang) -> dict[str, str]:
    """Return what every sheet's frame says."""
    names = {"entry": "entry", "object": "object", "place": "place", "contents": "contents"}
    words = {key: word(lang, "says", name) for key, name in names.items()}
    return words | {
        "evidence": word(lang, "says", "evidence"),
        "check": word(lang, "says", "how_to_check"),
    }


@cache
def _words() -> dict[str, Any]:
    text = resources.files("veracity.pages").joinpath("card_words.yaml").read_bytes()
    return parse_yaml(text, "words", _BYTES, Malformed)
