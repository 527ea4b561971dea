"""Model cards: computed, never typed; what is typed over a fact is found, what has changed is told."""

from dataclasses import replace

import pytest

from known_model import AT, bare, incident, known
from veracity.canonical import canonical_json
from veracity.models.card import Card, Words, parse_card, read_words
from veracity.models.card_facts import SECTIONS, by_name
from veracity.models.card_truth import check_card, claims_fact, make_card, refuse, staleness
from veracity.models.dossier.errors import CardDenied, MalformedCard
from veracity.models.facts import Evidence, Fact, RunsKnown, Said, significant
from veracity.provenance.strictjson import parse_json


def changed(card: Card, name: str, fact: Fact | None) -> Card:
    """The card with one fact replaced, or left out."""
    sections = [
        replace(s, facts=tuple(g for f in s.facts if (g := fact if f.name == name else f) is not None))
        for s in card.sections
    ]
    return replace(card, sections=tuple(sections))


def test_a_card_is_read_back_as_it_was_computed() -> None:
    """Canonical bytes, one digest, every section, and nothing that the evidence denies."""
    card = make_card(known())
    assert parse_card(card.format()) == card
    assert card.format() == make_card(known()).format()
    assert [s.name for s in card.sections] == list(SECTIONS)
    assert check_card(card, known()) == []


def test_every_fact_says_where_it_stands() -> None:
    """A log entry below the card's size, or the source of the app's declaration by digest; once each."""
    card = make_card(known())
    names = [f.name for s in card.sections for f in s.facts]
    assert len(names) == len(set(names)) > 100
    for fact in card.facts.values():
        at = fact.evidence
        assert at.path
        assert at.entry is not None or at.sha256 is not None, fact.name
        assert at.entry is None or at.entry < card.size, fact.name


def typed(value: object) -> str | int | float | bool:
    """Something else of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, float):
        return significant(value + 1) or 0.0
    return value + 1 if isinstance(value, int) else f"{value} "


def test_a_typed_value_is_found_whichever_fact_it_is_typed_over() -> None:
    """The difference names the fact, the evidence and both values; the card is refused with them."""
    card, k = make_card(known()), known()
    for name, fact in card.facts.items():
        lie = changed(card, name, replace(fact, value=typed(fact.value)))
        (difference,) = check_card(lie, k)
        assert (difference.name, difference.why) == (name, "denied")
        assert (difference.card, difference.found) == (typed(fact.value), fact.value)
        assert difference.evidence == fact.evidence
        with pytest.raises(CardDenied, match="log entry") as caught:
            refuse([difference])
        assert name in str(caught.value)
        assert repr(fact.value) in str(caught.value)


def test_a_fact_left_out_added_or_moved_is_found() -> None:
    """What is missing, what is made up, and evidence or units that are others."""
    card, k = make_card(known()), known()
    name = "training.rows"
    fact = card.facts[name]
    assert [d.why for d in check_card(changed(card, name, None), k)] == ["missing"]
    made_up = replace(card.sections[0], facts=(*card.sections[0].facts, replace(fact, name="model.best")))
    (unknown,) = check_card(replace(card, sections=(made_up, *card.sections[1:])), k)
    assert (unknown.name, unknown.why) == ("model.best", "unknown")
    for moved in (
        replace(fact, evidence=Evidence(3, fact.evidence.path)),
        replace(fact, unit="mm"),
        replace(fact, label="seed"),
    ):
        assert [d.name for d in check_card(changed(card, name, moved), k)] == [name]


@pytest.mark.parametrize("head", [{"name": "other"}, {"system": "other"}, {"simulated": False}])
def test_a_typed_head_is_found(head: dict[str, object]) -> None:
    """The model's name, its system, and that its data are simulated, are facts too."""
    assert check_card(replace(make_card(known()), **head), known())  # type: ignore[arg-type]


def test_another_declaration_of_the_app_denies_a_card() -> None:
    """A card stands on the source that it was computed with: with another it must be made again."""
    found = check_card(make_card(known()), known(app_sha256="0" * 64))
    assert {d.name.split(".")[0] for d in found} >= {"use"}


def test_what_changed_since_is_told_and_nothing_else() -> None:
    """More runs, a closed incident: exactly these facts are stale, with what is so by now."""
    card = make_card(known())
    assert staleness(card, known()) == []
    later = known(
        size=50,
        runs=RunsKnown(13, 260, 15, 41, AT, {"model": 220, "last": 40}),
        incidents=(Said(33, incident()), Said(45, incident("closed"))),
    )
    stale = {d.name: (d.card, d.found) for d in staleness(card, later)}
    assert stale == {
        "service.runs": (12, 13),
        "service.decisions": (240, 260),
        "service.rung.model": (200, 220),
        "incidents.open": (1, 0),
        "incidents.one.late-warning.step": ("opened", "closed"),
    }
    assert check_card(card, known()) == []  # as of its own size of the log it stays true


def test_a_model_of_which_little_is_known_says_so() -> None:
    """No report, no release: told as such, and no number stands in for what is not there."""
    facts = by_name(bare())
    assert facts["limits.report"].value == "no report on this model"
    assert facts["service.now"].value == "not in service"
    assert not [n for n in facts if n.startswith(("metrics", "fairness", "scoreboard"))]


def test_people_add_words_that_are_marked_and_claims_that_are_held_against_facts() -> None:
    """A claim that is so is kept; one that the evidence denies is refused, with who claims it."""
    said = Words("Lan Nguyễn", "training", "A year of hours.", {"training.rows": "8,760"})
    card = make_card(known(), [said])
    assert parse_card(card.format()).words == (said,)
    lie = replace(said, claims={"training.rows": "9,000"})
    with pytest.raises(CardDenied, match=r"training.rows \(Lan Nguyễn claims\): want 8760 .*got '9,000'"):
        make_card(known(), [lie])
    (found,) = check_card(replace(card, words=(lie,)), known())
    assert (found.by, found.found) == ("Lan Nguyễn", 8_760)
    with pytest.raises(CardDenied, match="no fact of that name"):
        make_card(known(), [replace(said, claims={"metrics.best": "1"})])


@pytest.mark.parametrize(
    ("claim", "value", "is_so"),
    [
        ("0.61", 0.612346, True),
        ("0.612346", 0.612346, True),
        ("0.62", 0.612346, False),
        ("1", 0.6, True),
        ("6e-1", 0.6, True),
        ("8,760", 8_760, True),
        ("8761", 8_760, False),
        ("true", True, True),
        ("1", True, False),
        ("nan", 0.5, False),
        ("medium", "medium", True),
        ("high", "medium", False),
        ("", None, True),
    ],
)
def test_a_claim_may_be_rounded_and_no_more(claim: str, value: object, is_so: bool) -> None:
    """A number is held against the fact to the digits that were written."""
    assert claims_fact(claim, value) is is_so  # type: ignore[arg-type]


def test_bad_cards_are_refused_as_our_own_error() -> None:
    """Not canonical, a field that cards have not, a fact twice, no JSON, words that hide characters."""
    card = make_card(known())
    document = parse_json(card.format(), "card", 10_000_000, MalformedCard)
    bad = [
        b"",
        b"[]",
        b"{}",
        card.format() + b"\n",
        canonical_json(document | {"note": "MAE 0.1"}),
        canonical_json(document | {"schema": "veracity.card/v2"}),
        canonical_json(document | {"sections": document["sections"] + document["sections"][:1]}),
        canonical_json(document | {"words": [{"by": "x", "about": "training", "text": "a\u202eb"}]}),
        canonical_json(document | {"words": [{"by": "x", "about": "nowhere", "text": "a"}]}),
    ]
    bad.append(card.format().replace(b"0.612346", b"0.6123461"))  # more digits than are ever computed
    fact = document["sections"][0]["facts"][0]
    for broken in ({"value": [1]}, {"evidence": 3}, {"of": [1]}, {"name": 4}):
        section = document["sections"][0] | {"facts": [fact | broken]}
        bad.append(canonical_json(document | {"sections": [section]}))
    for text in bad:
        with pytest.raises(MalformedCard):
            parse_card(text)
    with pytest.raises(MalformedCard):
        read_words({"words": [{"by": "Lan", "about": "training", "text": "x", "claims": [1]}]})
