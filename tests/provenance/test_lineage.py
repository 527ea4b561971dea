from dataclasses import replace

from receipt_world import PART_SIZES, World

from veracity.provenance.lineage import Lineage
from veracity.provenance.statements import Input, Statement, Subject

WORLD = World()
STATEMENTS = [(i, WORLD.prove(i).statement) for i in range(len(WORLD.entries))]
CONTRACT_AT, (FIRST, SECOND), PANEL = WORLD.contract_index, WORLD.ingest_indices, WORLD.transform_index


def test_back_and_forth() -> None:
    """A panel rests on every batch and contract below it, and they carry it."""
    lineage = Lineage.of(STATEMENTS)
    assert lineage.ancestors(PANEL) == [CONTRACT_AT, FIRST, SECOND]
    assert lineage.descendants(CONTRACT_AT) == [FIRST, SECOND, PANEL]
    assert lineage.descendants(SECOND) == [PANEL]
    assert lineage.ancestors(0) == lineage.descendants(PANEL) == []


def test_a_panel_uses_batches_up_to_the_one_it_names() -> None:
    """Batches after the one named, and those that came after the panel, are no part of it."""
    panel = STATEMENTS[PANEL][1]
    first_only = dict(panel.predicate) | {"inputs": [{**panel.predicate["inputs"][0], "up_to_batch": 0}]}
    late = replace(WORLD.ingest(1), batch=1).to_statement()
    lineage = Lineage.of(
        [*STATEMENTS[:PANEL], (PANEL, replace(panel, predicate=first_only)), (PANEL + 1, late)]
    )
    assert lineage.ancestors(PANEL) == [CONTRACT_AT, FIRST]
    assert lineage.descendants(SECOND) == []
    assert lineage.descendants(PANEL) == []


def test_other_kinds_name_their_inputs() -> None:
    """A statement without a typed form is linked by the digests of its inputs."""
    panel = STATEMENTS[PANEL][1]
    model = Statement(
        "train",
        (Subject("sha256", "22" * 32, "model"),),
        {"inputs": [{"sha256": panel.subjects[0].digest}, {"other": 1}, "text"]},
    )
    lineage = Lineage.of([*STATEMENTS, (PANEL + 1, model)])
    assert lineage.ancestors(PANEL + 1) == [CONTRACT_AT, FIRST, SECOND, PANEL]
    odd = Statement("assure", (Subject("sha256", "33" * 32),), {"inputs": "none"})
    lineage.add(PANEL + 2, odd)
    assert lineage.ancestors(PANEL + 2) == []


def test_same_digest_twice_is_no_loop() -> None:
    """A statement is never its own ancestor, even if it uses what it makes."""
    panel = STATEMENTS[PANEL][1]
    own = Input("air-quality", len(PART_SIZES), panel.subjects[0].digest)
    inputs = [{"feed": own.feed, "up_to_batch": own.up_to_batch, "sha256": own.sha256}]
    lineage = Lineage.of(
        [*STATEMENTS[:PANEL], (PANEL, replace(panel, predicate=dict(panel.predicate) | {"inputs": inputs}))]
    )
    assert PANEL not in lineage.ancestors(PANEL)
