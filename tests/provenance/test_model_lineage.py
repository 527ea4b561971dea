"""Lineage of models: from a decision back to the batches, and from a batch to what was scored."""

from dataclasses import replace

from model_world import DECIDE_AT, OFFICER, OFFICER_COMES, RELEASE_AT, Life
from receipt_world import World, key

from veracity.provenance.lineage import Lineage
from veracity.provenance.statements import Incident, Override, Release

WORLD = World()
# The world's panel is entry 6: the life of a system takes its place.
BATCHES = [(i, WORLD.prove(i).statement) for i in range(WORLD.transform_index)]
LINEAGE = Lineage.of([*BATCHES, *((i, form.to_statement()) for i, form in Life().said)])
OFFICER_AT = 2
AGENCY = 1  # the entry of the key that signed the deliveries
CONTRACT, FIRST, SECOND = WORLD.contract_index, *WORLD.ingest_indices
DATA = [AGENCY, CONTRACT, FIRST, SECOND]


def test_what_each_rests_on() -> None:
    """Train on batches, assure on the model, release on both, a run on its release, and so on."""
    trained, assured, release, run, override, first_score = 6, 7, RELEASE_AT, DECIDE_AT, 11, 12
    made = [*DATA, trained, assured]
    assert LINEAGE.ancestors(trained) == DATA
    assert LINEAGE.ancestors(assured) == [*DATA, trained]
    assert LINEAGE.ancestors(release) == made
    assert LINEAGE.ancestors(run) == [*made, release]
    assert LINEAGE.ancestors(override) == [*made, release, run]
    assert LINEAGE.ancestors(first_score) == [*made, release, run]
    assert LINEAGE.ancestors(13) == [*made, release, 10]  # the second scoring is of the second run alone
    assert LINEAGE.ancestors(14) == []
    assert LINEAGE.ancestors(16) == [14, 15]
    assert LINEAGE.ancestors(18) == [*made, release, 17]
    assert LINEAGE.ancestors(19) == [*made, release, 17, 18]


def test_what_rests_on_each() -> None:
    """A batch is found in all that was made of it; a run in its override and its scores."""
    assert LINEAGE.descendants(FIRST) == [6, 7, 8, 9, 10, 11, 12, 13, 17, 18, 19]
    assert LINEAGE.descendants(RELEASE_AT) == [9, 10, 11, 12, 13, 17, 18, 19]
    assert LINEAGE.descendants(DECIDE_AT) == [11, 12]
    assert LINEAGE.descendants(14) == [15, 16]
    assert LINEAGE.descendants(19) == []


def test_who_signed_is_below_what_was_signed() -> None:
    """What an officer approved rests on the officer's key; a key on the one that it replaces."""
    said = [(OFFICER_AT, OFFICER_COMES), *Life().said]
    lineage = Lineage.of((i, form.to_statement()) for i, form in said)
    approved = [i for i, form in said if getattr(form, "approval", None) is not None]
    assert {type(form) for i, form in said if i in approved} == {Release, Override, Incident}
    assert lineage.children(OFFICER_AT) >= set(approved)
    last = said[-1][0]
    other = replace(OFFICER_COMES, action="rotate", key=key("other").public, replaces=OFFICER.public.keyid)
    lineage.add(last + 1, other.to_statement())
    assert lineage.parents(last + 1) == {OFFICER_AT}
