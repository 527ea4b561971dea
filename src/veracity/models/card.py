"""The model card: facts that were computed, as canonical JSON with a digest. Nothing in it is typed.

A card is of one size of the log. Computed again at that size its facts must come out the same: whatever
was typed over them is found. Computed at a later size they tell what has become stale. People may add words
of their own, marked with who says them; where such words claim a fact, the claim is held against it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from veracity.canonical import canonical_json
from veracity.models.card_facts import SECTIONS, Section
from veracity.models.dossier.errors import MalformedCard
from veracity.models.facts import Evidence, Fact
from veracity.provenance.errors import MalformedStatement
from veracity.provenance.fields import Fields
from veracity.provenance.statements.checks import MAX_BY, check_person
from veracity.provenance.strictjson import parse_json

SCHEMA = "veracity.card/v1"
MAX_CARD_BYTES = 16_777_216
MAX_FACTS = 50_000
MAX_WORDS = 64
MAX_WORDS_CHARS = 4_000
MAX_CLAIMS = 64


@dataclass(frozen=True)
class Words:
    """What a person adds to a card. A person's word, and no evidence.

    Attributes
    ----------
    by, about
        Who says it, and the section that it is about.
    claims
        Facts by name, with the value as the person wrote it: ``{"training.rows": "8,760"}``. A number may
        be rounded; it is held against the fact to the digits written.
    """

    by: str
    about: str
    text: str
    claims: Mapping[str, str]

    def to_object(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {"by": self.by, "about": self.about, "text": self.text, "claims": dict(self.claims)}


@dataclass(frozen=True)
class Card:
    """A card: of which model, at which size of which log, its sections, and what people added."""

    name: str
    model_sha256: str
    system: str
    origin: str
    size: int
    simulated: bool
    sections: tuple[Section, ...]
    words: tuple[Words, ...] = ()

    @property
    def facts(self) -> dict[str, Fact]:
        """All facts by name."""
        return {f.name: f for s in self.sections for f in s.facts}

    def format(self) -> bytes:
        """Write the card as canonical JSON."""
        return self._text

    @cached_property
    def _text(self) -> bytes:
        return canonical_json(
            {
                "schema": SCHEMA,
                "model": {"name": self.name, "sha256": self.model_sha256},
                "system": self.system,
                "log": {"origin": self.origin, "size": self.size},
                "simulated": self.simulated,
                "sections": [
                    {"name": s.name, "facts": [_fact_object(f) for f in s.facts]} for s in self.sections
                ],
                "words": [w.to_object() for w in self.words],
            }
        )

    @cached_property
    def sha256(self) -> str:
        """The digest that names the card."""
        return hashlib.sha256(self.format()).hexdigest()


def parse_card(text: bytes) -> Card:
    """Read a card.

    Raises
    ------
    MalformedCard
        If it is no card, has a field that cards have not, or is not in canonical form.
    """
    document = parse_json(text, "card", MAX_CARD_BYTES, MalformedCard)
    fields = Fields(document, "card", MalformedCard)
    fields.choice("schema", (SCHEMA,))
    model, log = fields.object("model"), fields.object("log")
    card = Card(
        name=model.text("name", 64),
        model_sha256=model.sha256("sha256"),
        system=fields.text("system", 64),
        origin=log.text("origin", 256),
        size=log.count("size"),
        simulated=fields.flag("simulated"),
        sections=tuple(_section(s) for s in fields.objects("sections", len(SECTIONS))),
        words=tuple(_words(w) for w in fields.objects("words", MAX_WORDS)),
    )
    for each in (model, log, fields):
        each.done()
    names = [f.name for s in card.sections for f in s.facts]
    if len(set(names)) != len(names):
        raise MalformedCard("card: want each fact once, got one twice")
    if card.format() != text:
        raise MalformedCard("card: want canonical JSON (RFC 8785), got other bytes of the same card")
    return card


def read_words(document: Any, where: str = "words") -> tuple[Words, ...]:
    """Read what people add to a card, from parsed YAML or JSON: ``words``, a list."""
    fields = Fields(document, where, MalformedCard)
    words = tuple(_words(w) for w in fields.objects("words", MAX_WORDS))
    fields.done()
    return words


def _words(fields: Fields) -> Words:
    claims = fields.take("claims") if "claims" in fields else {}
    if not isinstance(claims, dict) or len(claims) > MAX_CLAIMS:
        raise fields.fail("claims", f"at most {MAX_CLAIMS} values by the name of a fact", claims)
    words = Words(
        by=fields.text("by", MAX_BY),
        about=fields.choice("about", SECTIONS),
        text=fields.text("text", MAX_WORDS_CHARS),
        claims={str(name): str(value) for name, value in claims.items()},
    )
    fields.done()
    try:
        check_person(words.by, " ".join(words.text.split()))
    except MalformedStatement as exc:
        raise MalformedCard(f"card.words: {exc}") from exc
    return words


def _section(fields: Fields) -> Section:
    section = Section(
        fields.choice("name", SECTIONS), tuple(_fact(f) for f in fields.objects("facts", MAX_FACTS))
    )
    fields.done()
    return section


def _fact(fields: Fields) -> Fact:
    value = fields.take("value")
    if not isinstance(value, (str, int, float, bool, type(None))):
        raise fields.fail("value", "a text, a number, true, false or null", value)
    at = fields.object("evidence")
    evidence = Evidence(
        at.optional("entry", at.count), at.text("path", 512), at.optional("sha256", at.sha256)
    )
    at.done()
    of = fields.items("of", 8)
    if not all(isinstance(part, str) for part in of):
        raise fields.fail("of", "texts", of)
    fact = Fact(
        name=fields.text("name", 512),
        label=fields.text("label", 128),
        value=value,
        evidence=evidence,
        unit=fields.text("unit", 64, empty=True),
        of=tuple(cast(list[str], of)),
    )
    fields.done()
    return fact


def _fact_object(f: Fact) -> dict[str, Any]:
    return {
        "name": f.name,
        "label": f.label,
        "value": f.value,
        "unit": f.unit,
        "of": list(f.of),
        "evidence": f.evidence.to_object(),
    }
