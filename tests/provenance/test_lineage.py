from dataclasses import replace

from receipt_world import PART_SIZES, World

from veracity.provenance.lineage import Lineage
from veracity.provenance.statements import (
    Account,
    Calibrate,
    Certify,
    Checks,
    Counts,
    Input,
    RegistryUsed,
    RowsDigest,
    Statement,
    Subject,
    Sums,
    Withdraw,
)

WORLD = World()
STATEMENTS = [(i, WORLD.prove(i).statement) for i in range(len(WORLD.entries))]
AGENCY_AT = 1  # the entry of the key that signed the deliveries
CONTRACT_AT, (FIRST, SECOND), PANEL = WORLD.contract_index, WORLD.ingest_indices, WORLD.transform_index


def test_back_and_forth() -> None:
    """A panel rests on every batch and contract below it, and they carry it."""
    lineage = Lineage.of(STATEMENTS)
    assert lineage.ancestors(PANEL) == [AGENCY_AT, CONTRACT_AT, FIRST, SECOND]
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
    assert lineage.ancestors(PANEL) == [AGENCY_AT, CONTRACT_AT, FIRST]
    assert lineage.descendants(SECOND) == []
    assert lineage.descendants(PANEL) == []


def test_other_kinds_name_their_inputs() -> None:
    """A statement without a typed form is linked by the digests of its inputs."""
    panel = STATEMENTS[PANEL][1]
    alert = Statement(
        "alert",
        (Subject("sha256", "22" * 32, "flood"),),
        {"inputs": [{"sha256": panel.subjects[0].digest}, {"other": 1}, "text"]},
    )
    lineage = Lineage.of([*STATEMENTS, (PANEL + 1, alert)])
    assert lineage.ancestors(PANEL + 1) == [AGENCY_AT, CONTRACT_AT, FIRST, SECOND, PANEL]
    odd = Statement("evaluate", (Subject("sha256", "33" * 32),), {"inputs": "none"})
    lineage.add(PANEL + 2, odd)
    assert lineage.ancestors(PANEL + 2) == []


def test_calibrations_and_certificates() -> None:
    """A calibration rests on the batches it was fitted on, what takes it back on it, a day on its batches."""
    feed = WORLD.ingest(0).feed
    fit = Calibrate(
        name="co",
        definition_sha256="11" * 32,
        inputs=(Input(feed, 0, "22" * 32),),
        pairs=RowsDigest(10, "44" * 32),
        document_sha256="55" * 32,
        simulated=True,
        engine="veracity-calibration/1",
    )
    stamp = "2026-09-01T00:00:00.000000Z"
    undo = Withdraw("co", "55" * 32, stamp, "An", "blocked", stamp)
    day = Certify(feed, "2026-09-01", (1, 1), (), "66" * 32, Counts(0, 0, 0, 0, 0), "veracity", True)
    none = replace(day, batches=None)
    far = replace(day, batches=(0, 2**50))
    said = [s.to_statement() for s in (fit, undo, day, none, far)]
    first = len(STATEMENTS)
    lineage = Lineage.of([*STATEMENTS, *enumerate(said, first)])
    assert lineage.ancestors(first) == [AGENCY_AT, CONTRACT_AT, FIRST]
    assert lineage.ancestors(first + 1) == [AGENCY_AT, CONTRACT_AT, FIRST, first]
    assert lineage.ancestors(first + 2) == [AGENCY_AT, CONTRACT_AT, SECOND]
    assert lineage.ancestors(first + 3) == []
    assert lineage.ancestors(first + 4) == [AGENCY_AT, CONTRACT_AT, FIRST, SECOND]
    assert lineage.descendants(FIRST) == [PANEL, first, first + 1, first + 4]
    assert lineage.descendants(SECOND) == [PANEL, first + 2, first + 4]


def test_an_account_rests_on_its_batches() -> None:
    """What an hour sent rests on the batches of that hour, and on their contract."""
    feed, hour, rows = WORLD.ingest(0).feed, "2026-09-01T03:00:00Z", RowsDigest(1, "88" * 32)
    account = Account(feed, hour, (1, 1), Sums(1, 22, 22, 0, 0, 0), rows, "veracity", simulated=True)
    at = len(STATEMENTS)
    lineage = Lineage.of([*STATEMENTS, (at, account.to_statement())])
    assert lineage.ancestors(at) == [AGENCY_AT, CONTRACT_AT, SECOND]
    assert at in lineage.descendants(SECOND)
    assert at not in lineage.descendants(FIRST)


def test_a_batch_rests_on_its_registries() -> None:
    """Rows looked up in another feed rest on that feed's batches up to the one that is named."""
    ingest = WORLD.ingest(0)
    checks = Checks("77" * 32, registries=(RegistryUsed(ingest.feed, 0), RegistryUsed("none", -1)))
    looked_up = replace(ingest, feed="other", checks=checks).to_statement()
    at = len(STATEMENTS)
    lineage = Lineage.of([*STATEMENTS, (at, looked_up)])
    assert lineage.ancestors(at) == [AGENCY_AT, CONTRACT_AT, FIRST]
    assert at in lineage.descendants(FIRST)
    assert at not in lineage.descendants(SECOND)


def test_same_digest_twice_is_no_loop() -> None:
    """A statement is never its own ancestor, even if it uses what it makes."""
    panel = STATEMENTS[PANEL][1]
    own = Input("air-quality", len(PART_SIZES), panel.subjects[0].digest)
    inputs = [{"feed": own.feed, "up_to_batch": own.up_to_batch, "sha256": own.sha256}]
    lineage = Lineage.of(
        [*STATEMENTS[:PANEL], (PANEL, replace(panel, predicate=dict(panel.predicate) | {"inputs": inputs}))]
    )
    assert PANEL not in lineage.ancestors(PANEL)
