"""Lists of requirements, one file of YAML a framework: what is asked, and by which answers it is met."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from veracity.data.plain_yaml import parse_yaml
from veracity.models.app import Words
from veracity.models.dossier.answer import LANGS
from veracity.models.dossier.answers import ANSWERS, CONDITIONS
from veracity.models.dossier.errors import MalformedFramework, UnknownFramework
from veracity.provenance.fields import Fields

FRAMEWORKS = ("vn", "eu", "iso42001", "nist", "aiverify")
FRAMEWORK_BYTES = 262_144
_FOLDER = "veracity.models.dossier.frameworks"


@dataclass(frozen=True)
class Person:
    """Who must act where evidence does not reach, and what is to be done."""

    who: Words
    what: Words


@dataclass(frozen=True)
class Requirement:
    """One thing that a framework asks.

    Attributes
    ----------
    id
        The number that the framework gives it, ``Law 10(3), Decree 14``.
    number
        The same as each language writes it.
    asks
        What is asked, in our own short words.
    answers
        Names of answers, in order.
    applies
        Name of the condition under which it is asked; None for always.
    person
        Who must act, and what is to be done beyond the evidence; None where evidence is all.
    checks
        How many checks the framework counts under it, where it counts.
    """

    id: str
    number: Words
    asks: Words
    answers: tuple[str, ...]
    applies: str | None
    person: Person | None
    checks: int | None


@dataclass(frozen=True)
class Group:
    """Requirements under one heading."""

    title: Words
    requirements: tuple[Requirement, ...]


@dataclass(frozen=True)
class Framework:
    """A law's or a standard's list.

    Attributes
    ----------
    about
        What the dossier is and is not.
    sources
        What the list was made from.
    unknown
        What of a form or a wording is not known, said on the dossier itself.
    """

    name: str
    title: Words
    about: Words
    sources: tuple[str, ...]
    unknown: tuple[Words, ...]
    groups: tuple[Group, ...]

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """All requirements, in order."""
        return tuple(r for g in self.groups for r in g.requirements)


@cache
def load_framework(name: str) -> Framework:
    """Return a framework that comes with this package; UnknownFramework for another name."""
    if name not in FRAMEWORKS:
        raise UnknownFramework(f"framework: want one of {', '.join(FRAMEWORKS)}, got {name[:32]!r}")
    return parse_framework(_read(f"{name}.yaml"))


def parse_framework(text: bytes) -> Framework:
    """Read a framework.

    Raises
    ------
    MalformedFramework
        If it is none, is not told in each language, or names an answer, condition or person there is not.
    """
    fields = Fields(
        parse_yaml(text, "framework", FRAMEWORK_BYTES, MalformedFramework), "framework", MalformedFramework
    )
    framework = Framework(
        name=fields.choice("name", FRAMEWORKS),
        title=_words(fields, "title"),
        about=_words(fields, "about"),
        sources=tuple(str(s) for s in fields.items("sources", 32)),
        unknown=tuple(_all_words(w, "unknown") for w in fields.objects("unknown", 32)),
        groups=tuple(_group(g) for g in fields.objects("groups", 64)),
    )
    fields.done()
    ids = [r.id for r in framework.requirements]
    if len(set(ids)) != len(ids):
        raise MalformedFramework(f"framework {framework.name}: want each id once, got one twice")
    return framework


def _group(fields: Fields) -> Group:
    group = Group(
        _words(fields, "title"), tuple(_requirement(r) for r in fields.objects("requirements", 256))
    )
    fields.done()
    return group


def _requirement(fields: Fields) -> Requirement:
    one = fields.text("id", 64)
    requirement = Requirement(
        id=one,
        number=_words(fields, "number") if "number" in fields else dict.fromkeys(LANGS, one),
        asks=_words(fields, "asks"),
        answers=tuple(_known(fields, n, ANSWERS) for n in _listed(fields, "answers")),
        applies=fields.choice("applies", CONDITIONS) if "applies" in fields else None,
        person=_person(fields.object("person")) if "person" in fields else None,
        checks=fields.count("checks") if "checks" in fields else None,
    )
    fields.done()
    if not (requirement.answers or requirement.person or requirement.applies):
        raise MalformedFramework(f"{requirement.id}: want answers, a person or a condition, got none")
    return requirement


def _person(fields: Fields) -> Person:
    person = Person(people()[fields.choice("who", people())], _words(fields, "what"))
    fields.done()
    return person


@cache
def people() -> Mapping[str, Words]:
    """Return who may be asked to act, by the names that lists of requirements use."""
    return parse_yaml(_read("people.yaml"), "people", FRAMEWORK_BYTES, MalformedFramework)


def _words(fields: Fields, name: str) -> Words:
    return _all_words(fields.object(name), name)


def _all_words(fields: Fields, name: str) -> Words:
    words: Words = {lang: fields.text(lang) for lang in LANGS}
    fields.done()
    if not all(w.strip() for w in words.values()):
        raise MalformedFramework(f"framework.{name}: want words in each language, got none in one")
    return words


def _listed(fields: Fields, name: str) -> list[Any]:
    return fields.items(name, 16) if name in fields else []


def _known(fields: Fields, name: Any, known: Mapping[str, object]) -> str:
    if not isinstance(name, str) or name not in known:
        raise fields.fail("answers", f"names of answers ({', '.join(sorted(known))})", name)
    return name


def _read(name: str) -> bytes:
    return resources.files(_FOLDER).joinpath(name).read_bytes()
