"""Whether a card is true: computed, held against its evidence then, and against what is so now."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from veracity.models.card import Card, Words
from veracity.models.card_facts import sections
from veracity.models.dossier.errors import CardDenied
from veracity.models.facts import Evidence, Fact, Known, Value

_TOLD = 5  # differences in an error's message

Why = Literal["denied", "unknown", "missing"]


@dataclass(frozen=True)
class Difference:
    """A fact on which a card and the evidence differ.

    Attributes
    ----------
    why
        ``denied``: another value; ``unknown``: the evidence has no such fact; ``missing``: the card has not.
    card, found
        Both values.
    evidence
        Where the true value stands; for an unknown fact, where the card says that it stood.
    by
        Who claimed it, where it is a person's claim and no fact of the card's own.
    """

    name: str
    why: Why
    card: Value
    found: Value
    evidence: Evidence
    by: str | None = None

    def __str__(self) -> str:
        entry = "no log entry" if self.evidence.entry is None else f"log entry {self.evidence.entry}"
        claimed = "" if self.by is None else f" ({self.by} claims)"
        return f"{self.name}{claimed}: want {self.found!r} ({entry}, {self.evidence.path}), got {self.card!r}"


def make_card(known: Known, words: Sequence[Words] = ()) -> Card:
    """Compute a model's card.

    Raises
    ------
    CardDenied
        If a person's words claim what the evidence denies.
    """
    train = known.train.it
    card = Card(
        name=train.name,
        model_sha256=train.model_sha256,
        system=known.system,
        origin=known.origin,
        size=known.size,
        simulated=known.simulated,
        sections=sections(known),
        words=tuple(words),
    )
    refuse(_denied_claims(card.words, card.facts))
    return card


def check_card(card: Card, known: Known) -> list[Difference]:
    """Return where a card differs from the evidence; none for a card that was computed and left alone.

    ``known`` is what was known at the card's size of the log, not what is known by now.
    """
    true = {f.name: f for s in sections(known) for f in s.facts}
    heads = (
        ("model.name", card.name),
        ("model.sha256", card.model_sha256),
        ("model.system", card.system),
        ("model.simulated", card.simulated),
    )
    found = [_denied(true[name], value) for name, value in heads if true[name].value != value]
    return found + _compared(card.facts, true) + _denied_claims(card.words, true)


def staleness(card: Card, known: Known) -> list[Difference]:
    """Return the facts of a card that are no longer so: values that changed, and facts that came since."""
    return _compared(card.facts, {f.name: f for s in sections(known) for f in s.facts}, values_only=True)


def refuse(differences: Sequence[Difference]) -> None:
    """Raise CardDenied, naming fact, evidence and both values, unless there is no difference."""
    if differences:
        more = f" and {len(differences) - _TOLD} more" if len(differences) > _TOLD else ""
        raise CardDenied(f"card: {'; '.join(str(d) for d in differences[:_TOLD])}{more}")


def _compared(
    card: Mapping[str, Fact], true: Mapping[str, Fact], *, values_only: bool = False
) -> list[Difference]:
    """Return how facts differ: by value, and unless ``values_only`` by anything else said of them."""
    found = []
    for name, fact in card.items():
        if name not in true:
            found.append(Difference(name, "unknown", fact.value, None, fact.evidence))
        elif not _same(fact.value, true[name].value) or (not values_only and fact != true[name]):
            found.append(_denied(true[name], fact.value))
    return found + [
        Difference(n, "missing", None, f.value, f.evidence) for n, f in true.items() if n not in card
    ]


def _denied(fact: Fact, got: Value, by: str | None = None) -> Difference:
    return Difference(fact.name, "denied", got, fact.value, fact.evidence, by)


def _denied_claims(words: Iterable[Words], true: Mapping[str, Fact]) -> list[Difference]:
    found = []
    for said in words:
        for name, claim in said.claims.items():
            if name not in true:
                at = Evidence(None, "no fact of that name")
                found.append(Difference(name, "unknown", claim, None, at, said.by))
            elif not claims_fact(claim, true[name].value):
                found.append(_denied(true[name], claim, said.by))
    return found


def claims_fact(claim: str, value: Value) -> bool:
    """Tell whether a person's claim is so: the same text, or a number that the value rounds to.

    Examples
    --------
    >>> claims_fact("8,760", 8760), claims_fact("3.2", 3.2481), claims_fact("3.3", 3.2481)
    (True, True, False)
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return claim == ("" if value is None else str(value).lower() if isinstance(value, bool) else value)
    text = claim.strip().replace(",", "")
    try:
        typed = float(text)
    except ValueError:
        return False
    places = len(text.partition(".")[2]) if "e" not in text.lower() else 12
    return abs(typed - value) <= 0.5 * 10.0**-places * (1 + 1e-9)


def _same(a: Value, b: Value) -> bool:
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    return a == b
