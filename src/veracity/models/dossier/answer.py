"""Answers: sentences filled from facts, each with where it stands; or the reason why nothing is asked."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal, cast

from veracity.data.plain_yaml import parse_yaml
from veracity.data.rules.language import number
from veracity.models.app import Words
from veracity.models.dossier.errors import MalformedFramework
from veracity.models.facts import Evidence, Known

Lang = Literal["en", "vi"]
LANGS: tuple[Lang, ...] = ("en", "vi")
_DIGEST = re.compile("[0-9a-f]{64}")  # written short: the evidence has it whole
_SENTENCES_BYTES = 262_144

Argument = str | int | float | None | Words


@dataclass(frozen=True)
class Point:
    """A sentence with its numbers and words, and the evidence that they were read from.

    ``answers`` is False for one that only tells what is not there yet: a test that was not done. It is
    shown, and answers nothing.
    """

    sentence: str
    arguments: Mapping[str, Argument]
    evidence: tuple[Evidence, ...]
    answers: bool = True

    def text(self, lang: Lang) -> str:
        """Return the sentence in a language; words that are not given in it stay in English."""
        filled = {name: in_words(value, lang) for name, value in self.arguments.items()}
        return sentences()[self.sentence][lang].format(**filled)


Answer = Callable[[Known], list[Point]]
Condition = Callable[[Known], Point | None]


def say(sentence: str, *evidence: Evidence, **arguments: Argument) -> Point:
    """Return a point; the sentence must be one of ``sentences.yaml``."""
    return Point(sentence, arguments, evidence)


def say_lack(sentence: str, *evidence: Evidence, **arguments: Argument) -> Point:
    """Return a point that tells what is not there yet."""
    return Point(sentence, arguments, evidence, answers=False)


@cache
def sentences() -> Mapping[str, Mapping[Lang, str]]:
    """Return every sentence by name, in each language."""
    text = resources.files("veracity.models.dossier").joinpath("sentences.yaml").read_bytes()
    found = parse_yaml(text, "sentences", _SENTENCES_BYTES, MalformedFramework)
    return cast(Mapping[str, Mapping[Lang, str]], found)


def each(write: Callable[[Lang], str]) -> Words:
    """Return what ``write`` makes of each language."""
    return {lang: write(lang) for lang in LANGS}


def in_words(value: Argument, lang: Lang) -> str:
    """Write what a sentence is filled with."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return f"{value[:16]}…" if _DIGEST.fullmatch(value) else value
    if isinstance(value, (int, float)):
        return number(value, lang)
    words: Words = value
    return words.get(lang) or words.get("en") or ""
