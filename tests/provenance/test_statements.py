import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from receipt_world import ENVIRONMENT, OPERATOR, World

from veracity.provenance.errors import MalformedStatement
from veracity.provenance.statements import (
    KINDS,
    Certify,
    Counts,
    Enrol,
    Erase,
    Ingest,
    Reject,
    RowsDigest,
    Statement,
    Subject,
    TableVersion,
    format_statement,
    parse_statement,
    typed,
)

WORLD = World("csv")
INGEST = replace(
    WORLD.ingest(0),
    counts=Counts(127, 120, 4, 3, 1),
    reasons={"range:pm25": 3, "type:pm25": 2},
    refusals={"fields": 2, "encoding": 1},
    table=TableVersion(120, 1, "ab" * 32),
    quarantine=RowsDigest(4, "cd" * 32),
)
CERTIFY = Certify(
    feed="air-quality",
    day="2026-09-01",
    batches=(3, 7),
    rules=("11" * 32, "22" * 32),
    data="33" * 32,
    counts=Counts(130, 120, 6, 4, 2),
    engine="veracity 0.1.0",
    simulated=True,
    flagged=5,
    asked=2,
    released=3,
    silent=1,
    refusals={"json": 3, "duplicate-key": 1},
    health=RowsDigest(9, "44" * 32),
)
STATEMENTS: dict[str, Statement] = {
    "enrol": Enrol(
        "enrol", "danang-environment", "agency", ENVIRONMENT.public, as_of="2026-09-01T00:00:00Z"
    ).to_statement(),
    "rotate": Enrol("rotate", "city", "operator", ENVIRONMENT.public, OPERATOR.public.keyid).to_statement(),
    "contract": WORLD.prove(WORLD.contract_index).statement,
    "ingest": INGEST.to_statement(),
    "transform": WORLD.prove(WORLD.transform_index).statement,
    "certify": CERTIFY.to_statement(),
    "certify-nothing": Certify(
        "air-quality", "2026-09-01", None, (), "33" * 32, Counts(0, 0, 0, 0, 0), "veracity 0.1.0", False
    ).to_statement(),
    "reject": Reject(
        "air", "2026-09-01T00:00:00Z", "Nguyễn Thị An", "spray", (0, 7), RowsDigest(3, "ef" * 32), True
    ).to_statement(),
    "erase": Erase(
        feed="requests",
        erased_at="2026-09-01T00:00:00Z",
        by="Nguyễn Thị An",
        why="asked for by letter",
        ground="request",
        batches=(0, 7),
        records=RowsDigest(3, "ef" * 32),
        simulated=True,
    ).to_statement(),
    "delivery": parse_statement(WORLD.delivery.payload if WORLD.delivery else b""),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_round_trip(name: str) -> None:
    """A statement reads back equal, typed and untyped, and is written the same again."""
    statement = STATEMENTS[name]
    payload = format_statement(statement)
    assert parse_statement(payload) == statement
    form = typed(statement)
    assert form is not None
    assert format_statement(form.to_statement()) == payload


def test_predicate_type_and_subjects() -> None:
    """An ingest names its file, its evidence and its rows by digest."""
    document = json.loads(format_statement(STATEMENTS["ingest"]))
    assert document["_type"] == "https://in-toto.io/Statement/v1"
    assert document["predicateType"] == "urn:veracity:ingest:v1"
    assert [list(s["digest"]) for s in document["subject"]] == [
        ["sha256"],
        ["rfc6962-sha256"],
        ["veracity-rows-sha256"],
        ["veracity-rows-sha256"],
    ]


def changed(value: Any) -> list[Any]:
    """Return ``value`` with one name left out or added, or one value of no allowed form, anywhere in it."""
    if isinstance(value, dict):
        less = [{k: v for k, v in value.items() if k != key} for key in value]
        inner = [value | {key: new} for key in value for new in changed(value[key])]
        return [*less, *inner, value | {"unexpected": "x"}]
    if isinstance(value, list):
        return [[*value[:i], new, *value[i + 1 :]] for i, item in enumerate(value) for new in changed(item)]
    return [[], {"a": 1.5}, -1, 2.5]


@pytest.mark.parametrize("name", STATEMENTS)
def test_every_field_counts(name: str) -> None:
    """A field left out, added or of another type anywhere in a predicate makes it malformed."""
    statement = replace(STATEMENTS[name], predicate=dict(STATEMENTS[name].predicate))
    if name == "ingest":  # names of rules are free; the delivery is an envelope, with tests of its own
        statement = replace(INGEST, reasons={}, delivery=None).to_statement()
    for predicate in changed(dict(statement.predicate)):
        with pytest.raises(MalformedStatement) as caught:
            typed(replace(statement, predicate=predicate))
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        {"counts": Counts(128, 120, 4, 3)},
        {"counts": Counts(128, 120, 4, 4)},
        {"table": None},
        {"table": TableVersion(119, 1, "ab" * 32)},
        {"quarantine": None},
        {"evidence": replace(INGEST.evidence, n_pages=3)},
        {"layouts": ((5, ("a",)), (5, ("b",)))},
        {"layouts": ((128, ("a",)),)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_ingest_must_add_up(change: dict[str, Any]) -> None:
    """Received is accepted plus quarantined plus refused, and rows and pages are as many as counted."""
    with pytest.raises(MalformedStatement):
        replace(INGEST, **change)


@pytest.mark.parametrize(
    "change",
    [
        {"counts": Counts(130, 120, 6, 3)},
        {"refusals": {"json": 3}},
        {"flagged": 121},
        {"asked": 7},
        {"released": 131},
        {"rules": tuple(f"{i:064x}" for i in range(257))},
        {"batches": (7, 3)},
        {"day": "2026-9-1"},
        {"reasons": {"range:pm25": -1}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_certify_must_add_up(change: dict[str, Any]) -> None:
    """A day's sum that contradicts itself is no statement, whether written or read."""
    with pytest.raises(MalformedStatement):
        typed(replace(CERTIFY, **change).to_statement())


def test_columns_hold_from_their_record_on() -> None:
    """A record is read by the last header at or before it."""
    ingest = replace(INGEST, layouts=((0, ("a",)), (64, ("b", "c"))))
    assert [ingest.columns_of(n) for n in (0, 63, 64, 127)] == [("a",), ("a",), ("b", "c"), ("b", "c")]
    assert replace(INGEST, layouts=()).columns_of(5) is None


def test_pages_of_records() -> None:
    """A record's page, place and the page's size follow from its number."""
    last: Ingest = WORLD.ingest(1)
    assert INGEST.page_of(64) == (1, 0, 64)
    assert last.page_of(21) == (0, 21, 22)


@pytest.mark.parametrize(
    "change",
    [
        {"_type": "https://in-toto.io/Statement/v0.1"},
        {"predicateType": "urn:veracity:ingest:v2"},
        {"predicateType": "urn:veracity:gossip:v1"},
        {"subject": []},
        {"subject": [{"digest": {}}]},
        {"subject": [{"digest": {"sha256": "AB" * 32}}]},
        {"subject": [{"digest": {"sha256": "ab" * 32, "sha512": "ab" * 64}}]},
        {"subject": [{"digest": {"SHA 256": "ab" * 32}}]},
        {"subject": [{"digest": {"sha256": "ab" * 32}, "uri": "x"}]},
        {"predicate": []},
        {"predicate": None},
        {"more": 1},
    ],
    ids=str,
)
def test_malformed_statement(change: dict[str, Any]) -> None:
    """What is not an in-toto Statement v1 of a known kind is refused."""
    document = json.loads(format_statement(STATEMENTS["enrol"]))
    with pytest.raises(MalformedStatement):
        parse_statement(json.dumps(document | change).encode())


def test_subjects_must_be_those_of_the_predicate() -> None:
    """A statement cannot name one digest to people and another to the graph."""
    statement = replace(STATEMENTS["contract"], subjects=(Subject("sha256", "00" * 32, "air-quality.yaml"),))
    with pytest.raises(MalformedStatement, match="subject: want"):
        typed(statement)


def test_kinds_without_a_form_pass_through() -> None:
    """Kinds of later areas are statements too; nothing is said of their predicate."""
    assert {"alert", "evaluate", "credential"} < KINDS
    for kind in ("alert", "evaluate", "credential"):
        statement = Statement(kind, (Subject("sha256", "00" * 32),), {"anything": 1})
        assert typed(parse_statement(format_statement(statement))) is None


@given(st.binary(max_size=120))
def test_only_our_errors(data: bytes) -> None:
    """Any bytes parse or fail as MalformedStatement."""
    with suppress(MalformedStatement):
        parse_statement(data)


def test_key_and_its_id_belong_together() -> None:
    """An enrolment whose key ID is not its key's is refused."""
    statement = STATEMENTS["enrol"]
    key = dict(statement.predicate["key"]) | {"keyid": OPERATOR.public.keyid}
    with pytest.raises(MalformedStatement, match="keyid"):
        typed(replace(statement, predicate=dict(statement.predicate) | {"key": key}))


@pytest.mark.parametrize("name", ["/etc/passwd", "a/b", "..\\x", "", "a\nb", "x" * 256])
def test_files_are_named_without_directories(name: str) -> None:
    """A statement never says where a file lay on somebody's machine."""
    predicate = json.loads(json.dumps(dict(STATEMENTS["ingest"].predicate)))
    predicate["file"]["name"] = name
    with pytest.raises(MalformedStatement, match="name"):
        typed(replace(STATEMENTS["ingest"], predicate=predicate))


@pytest.mark.parametrize(
    "time",
    ["2026-09-01", "2026-02-30T00:00:00Z", "2026-09-01T00:00:00+07:00", "2026-09-01T00:00:00.1234567Z"],
)
def test_times_are_utc(time: str) -> None:
    """A time is RFC 3339 in UTC, of the calendar, to the microsecond."""
    predicate = dict(STATEMENTS["ingest"].predicate) | {"received_at": time}
    with pytest.raises(MalformedStatement, match="received_at"):
        typed(replace(STATEMENTS["ingest"], predicate=predicate))
