"""Entries forged with the keys of the log: each is told, by its place in the log."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from small_city import AGENCY, clock, contract, key, log_entries, ndjson, new_city
from veracity.home.home import open_writer
from veracity.home.ingest import ingest
from veracity.provenance.dsse import open_envelope, seal
from veracity.provenance.statements import (
    Enrol,
    Ingest,
    SealedContract,
    format_statement,
    parse_statement,
)
from watched import forge, kinds, say, watch

OTHER = "ab" * 32


@pytest.fixture(scope="module")
def entries(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Operator, agency, contract, three batches of a signed file."""
    folder = tmp_path_factory.mktemp("city")
    root = new_city(folder / "city", signature="required")
    with open_writer(root, clock) as home:
        ingest(home, "rain", [ndjson(folder / "a.ndjson", 0, 300)], sign=key(AGENCY), records_per_part=128)
    return log_entries(root)


def batch(entries: list[bytes], nth: int = -1) -> Ingest:
    return Ingest.from_statement(parse_statement(open_envelope(entries[nth]).payload))


def found(tmp_path: Path, entries: list[bytes]) -> dict[tuple[str, str], str]:
    """What is told of a log of these entries: kind and place, and the words."""
    made = watch(forge(tmp_path / "log", entries), tmp_path).round()
    return {(o.finding.kind, o.finding.where): o.finding.detail for o in made.findings}


def test_an_honest_log_has_nothing(entries: list[bytes], tmp_path: Path) -> None:
    """A city's own entries pass."""
    assert found(tmp_path, entries) == {}


@pytest.mark.parametrize(
    ("forged", "want"),
    [
        (b"", "malformed-envelope"),
        (b"\xff" * 65_535, "malformed-envelope"),
        (b"[" * 60_000, "malformed-envelope"),
        (b"{}", "malformed-envelope"),
        (seal(b"{}", [key("operator")]).format(), "malformed-statement"),
        (
            say(SealedContract("snow", "1", OTHER, None, "optional", False).to_statement(), "stranger"),
            "unknown-key",
        ),
        (
            say(SealedContract("snow", "1", OTHER, None, "optional", False).to_statement(), AGENCY),
            "wrong-signer",
        ),
        (
            say(
                SealedContract("snow", "1", OTHER, None, "optional", False).to_statement(),
                "operator",
                "stranger",
            ),
            "unknown-key",
        ),
        (
            say(Enrol("enrol", "new", "agency", key("new").public).to_statement(), AGENCY),
            "enrolment-rejected",
        ),
        (say(Enrol("enrol", AGENCY, "agency", key(AGENCY).public).to_statement()), "enrolment-rejected"),
        (say(Enrol("revoke", AGENCY, "agency", key("new").public).to_statement()), "unknown-key"),
    ],
)
def test_a_forged_entry_is_told(entries: list[bytes], tmp_path: Path, forged: bytes, want: str) -> None:
    """What is no statement, or of a key that does not count: one finding, at its index."""
    assert set(found(tmp_path, [*entries, forged])) == {(want, f"log entry {len(entries)}")}


def test_a_changed_signature_is_told(entries: list[bytes], tmp_path: Path) -> None:
    """The operator's name over another statement than it signed."""
    envelope = open_envelope(say(batch(entries).to_statement()))
    other = format_statement(replace(batch(entries), engine="other").to_statement())
    forged = replace(envelope, payload=other).format()
    told = found(tmp_path, [*entries[:-1], forged])
    assert set(told) == {("envelope-rejected", f"log entry {len(entries) - 1}")}


def test_counts_that_do_not_add_up_are_told(entries: list[bytes], tmp_path: Path) -> None:
    """Received is not accepted, quarantined and refused together: no statement of its form."""
    statement = batch(entries).to_statement()
    predicate = {**statement.predicate, "counts": {**statement.predicate["counts"], "received": 1}}
    told = found(tmp_path, [*entries[:-1], say(replace(statement, predicate=predicate))])
    assert "received = accepted" in told["malformed-statement", f"log entry {len(entries) - 1}"]


def delivered(entries: list[bytes], *signers: str) -> bytes:
    """The last batch, its delivery signed by others."""
    last = batch(entries)
    assert last.delivery is not None
    signed = seal(last.delivery.payload, [key(name) for name in signers])
    return say(replace(last, delivery=signed).to_statement())


@pytest.mark.parametrize(
    ("signer", "want"), [("stranger", "unknown-key"), ("operator", "wrong-signer"), (AGENCY, None)]
)
def test_who_signed_a_delivery_is_checked(
    entries: list[bytes], tmp_path: Path, signer: str, want: str | None
) -> None:
    """A file's signature must be of the agency that its contract names."""
    told = found(tmp_path, [*entries[:-1], delivered(entries, signer)])
    assert {kind for kind, _ in told} == ({want} if want else set())


def test_what_a_revoked_key_signs_afterwards_is_told(entries: list[bytes], tmp_path: Path) -> None:
    """Before the revocation it counts; after, its delivery does not."""
    revoked = say(Enrol("revoke", AGENCY, "agency", key(AGENCY).public, reason="lost").to_statement())
    told = found(tmp_path, [*entries[:-1], revoked, entries[-1]])
    assert set(told) == {("revoked-key", f"log entry {len(entries)}")}


def test_a_contradiction_names_both_entries(entries: list[bytes], tmp_path: Path) -> None:
    """The last batch said once more, otherwise: told at the second, with the first."""
    again = say(replace(batch(entries), received_at="2026-09-03T13:00:00Z").to_statement())
    told = found(tmp_path, [*entries, again])
    where = f"log entry {len(entries)}"
    assert set(told) == {("batch-repeated", where), ("file-used-twice", where)}
    assert all(f"against log entry {len(entries) - 1}" in words for words in told.values())


def test_the_memory_carries_over_a_restart(entries: list[bytes], tmp_path: Path) -> None:
    """Every entry in a round of its own, by a monitor of its own: the same findings as in one round."""
    again = say(replace(batch(entries), received_at="2026-09-03T13:00:00Z").to_statement())
    forged = [*entries, say(contract_again(entries)), again]
    whole = found(tmp_path, forged)
    (tmp_path / "steps").mkdir()
    made: Any = None
    for n in range(1, len(forged) + 1):
        made = watch(forge(tmp_path / f"log{n}", forged[:n]), tmp_path / "steps").round()
    assert {(o.finding.kind, o.finding.where): o.finding.detail for o in made.findings} == whole
    assert set(kinds(made)) == {
        "contract-version",
        "batch-repeated",
        "file-used-twice",
        "contract-not-in-force",
    }


def contract_again(entries: list[bytes]) -> Any:
    said = SealedContract.from_statement(parse_statement(open_envelope(entries[2]).payload))
    return replace(said, sha256=OTHER).to_statement()


def test_what_a_device_of_a_city_says_is_no_contradiction(tmp_path: Path) -> None:
    """Two versions of a contract, one after the other, each with its batches: nothing is told."""
    root = new_city(tmp_path / "city")
    with open_writer(root, clock) as home:
        ingest(home, "rain", [ndjson(tmp_path / "a.ndjson", 0, 30)])
    from veracity.home.contracts import add_feed

    with open_writer(root, clock) as home:
        add_feed(home, contract(tmp_path, version="1.1.0", maximum=50))
        ingest(home, "rain", [ndjson(tmp_path / "b.ndjson", 100, 30)])
    assert found(tmp_path, log_entries(root)) == {}
