"""docs/dossier.md says what the lists of requirements hold, and names every section and framework."""

import re
from pathlib import Path

from veracity.models.card_facts import MOST_NUMBERS, SECTIONS
from veracity.models.dossier.framework import FRAMEWORKS, load_framework

PAGE = (Path(__file__).parents[2] / "docs" / "dossier.md").read_text(encoding="utf-8")


def test_the_table_counts_what_can_answer() -> None:
    """By framework: evidence alone, evidence and a person, a person, a condition; they add up."""
    for name in FRAMEWORKS:
        asked = load_framework(name).requirements
        always = [r for r in asked if r.applies is None]
        counts = [
            len(asked),
            sum(bool(r.answers) and r.person is None for r in always),
            sum(bool(r.answers) and r.person is not None for r in always),
            sum(not r.answers for r in always),
            len(asked) - len(always),
        ]
        assert counts[0] == sum(counts[1:])
        row = re.search(rf"^\| `{name}` \|(.+)\|$", PAGE, re.MULTILINE)
        assert row is not None, name
        assert [int(cell) for cell in row.group(1).split("|")] == counts


def test_every_section_of_a_card_is_on_the_page() -> None:
    """And so is how many numbers of one test a card has at most."""
    assert [name for name in SECTIONS if f"`{name}`" not in PAGE] == []
    assert f"At most {MOST_NUMBERS} numbers" in PAGE
