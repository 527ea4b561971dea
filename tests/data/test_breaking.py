"""What a change of contract breaks, and for whom."""

from pathlib import Path

import pytest

from small_city import contract as small_contract
from veracity.data.breaking import (
    breaks_readers,
    bump_deserved,
    bump_made,
    compare,
    needs_new_feed,
    obeys,
)
from veracity.data.contract import Contract, parse_contract

OLD = """
apiVersion: v3.1.0
kind: DataContract
id: weather
name: Weather
version: 1.2.0
status: active
tags: [air]
servers:
  - {server: file, type: local, format: csv, delimiter: ";"}
schema:
  - name: observations
    logicalType: object
    properties:
      - {name: station, logicalType: string, primaryKey: true, primaryKeyPosition: 1}
      - name: observed_at
        physicalName: Time
        logicalType: timestamp
        primaryKey: true
        primaryKeyPosition: 2
        logicalTypeOptions: {defaultTimezone: Asia/Ho_Chi_Minh, format: "dd/MM/yyyy HH:mm"}
        customProperties: [{property: formats, value: ["yyyy.MM.dd HH:mm"]}]
      - name: temperature
        physicalName: T
        logicalType: number
        required: true
        logicalTypeOptions: {minimum: -10, maximum: 50}
        customProperties:
          - {property: unit, value: Cel}
          - {property: missing, value: ["", "-99"]}
        quality:
          - {type: custom, engine: veracity, implementation: {rule: spike, threshold: 12, action: quarantine}}
          - {type: custom, engine: veracity, implementation: {rule: stuck, action: flag}}
      - name: sky
        logicalType: string
        logicalTypeOptions: {maxLength: 5}
        quality:
          - {type: library, metric: invalidValues, arguments: {validValues: [clear, cloud]}, mustBe: 0}
slaProperties:
  - {property: frequency, value: 10, unit: min}
  - {property: latency, value: 1, unit: h}
customProperties:
  - {property: agency, value: office}
  - {property: signature, value: required}
"""


def contract(*edits: tuple[str, str]) -> Contract:
    """The contract above, with some of its text replaced."""
    text = OLD
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new, 1)
    return parse_contract(text.encode())


CASES = [
    # text, its replacement, kind of change, whom it breaks
    ("name: sky", "name: clouds", "column-removed", "readers"),
    ("name: sky", "name: clouds\n        physicalName: sky", "column-renamed", "readers"),
    ("name: temperature\n", "name: air\n", "column-renamed", "readers"),
    ("logicalType: number", "logicalType: integer", "column-retyped", "readers"),
    ("value: Cel}", 'value: "[degF]"}', "unit-changed", "readers"),
    ("value: Cel}", "value: hPa}", "unit-changed", "readers"),
    ("- {property: unit, value: Cel}\n", "- {property: aliases, value: [Temp]}\n", "unit-changed", "readers"),
    (
        "value: Cel}",
        'value: Cel}\n          - {property: sourceUnit, value: "[degF]"}',
        "conversion-changed",
        "readers",
    ),
    ("value: Cel}", "value: Cel}\n          - {property: aliases, value: [Temp]}", "source-added", "no"),
    ("physicalName: T\n", "physicalName: Temp\n", "source-removed", "senders"),
    ("value: Cel}", 'value: Cel}\n          - {property: decimal, value: ","}', "decimal-changed", "senders"),
    ("minimum: -10", "minimum: -20", "range-widened", "readers"),
    ("minimum: -10", "exclusiveMinimum: -10", "range-narrowed", "senders"),
    ("maximum: 50", "maximum: 45", "range-narrowed", "senders"),
    (", maximum: 50", "", "range-widened", "readers"),
    ("required: true", "required: false", "required-dropped", "readers"),
    ("name: sky\n", "name: sky\n        required: true\n", "required-added", "senders"),
    ("[clear, cloud]", "[clear, cloud, rain]", "enum-widened", "readers"),
    ("[clear, cloud]", "[clear]", "enum-narrowed", "senders"),
    ("{maxLength: 5}", "{maxLength: 9}", "length-widened", "readers"),
    ("{maxLength: 5}", "{maxLength: 5, minLength: 1}", "length-narrowed", "senders"),
    ("{maxLength: 5}", "{maxLength: 5, pattern: '^c'}", "pattern-added", "senders"),
    ('["", "-99"]', '[""]', "missing-removed", "readers"),
    ('["", "-99"]', '["", "-99", "-"]', "missing-added", "senders"),
    ("Asia/Ho_Chi_Minh", "UTC", "timezone-changed", "readers"),
    ('"dd/MM/yyyy HH:mm"', '"MM/dd/yyyy HH:mm"', "format-changed", "readers"),
    ('["yyyy.MM.dd HH:mm"]', "[]", "format-removed", "senders"),
    ('["yyyy.MM.dd HH:mm"]', '["yyyy.MM.dd HH:mm", "yyyyMMdd HHmm"]', "format-added", "no"),
    ("threshold: 12", "threshold: 20", "rule-relaxed", "readers"),
    ("threshold: 12", "threshold: 8", "rule-tightened", "senders"),
    ("threshold: 12", "threshold: 12, readings: 50", "rule-changed", "readers"),
    ("action: quarantine", "action: flag", "action-changed", "readers"),
    ("{rule: stuck, action: flag}", "{rule: stuck, action: quarantine}", "action-changed", "senders"),
    ("{rule: stuck, action: flag}", "{rule: stuck, action: flag, longest: 6 h}", "rule-changed", "no"),
    ("{rule: stuck, action: flag}", "{rule: shift, action: flag}", "rule-removed", "readers"),
    ("{rule: stuck, action: flag}", "{rule: shift, action: flag}", "rule-added", "no"),
    ("value: 10, unit: min", "value: 1, unit: h", "frequency-relaxed", "readers"),
    ("value: 1, unit: h", "value: 30, unit: min", "latency-tightened", "senders"),
    ("value: office", "value: other", "agency-changed", "readers"),
    ("value: required", "value: optional", "signature-changed", "readers"),
    ("tags: [air]", "tags: [simulated]", "simulated-changed", "readers"),
    ("id: weather", "id: air", "feed-changed", "readers"),
    ('delimiter: ";"', 'delimiter: ","', "separator-changed", "senders"),
    ("format: csv,", "format: csv, encoding: windows-1258,", "encoding-changed", "senders"),
    ("name: Weather", "name: Weather of streets", "title", "no"),
    ("name: sky\n", "name: sky\n        description: Seen by eye.\n", "description", "no"),
]


@pytest.mark.parametrize(
    ("old", "new", "kind", "breaks"), CASES, ids=[f"{c[2]}-{i}" for i, c in enumerate(CASES)]
)
def test_each_change_is_named(old: str, new: str, kind: str, breaks: str) -> None:
    """Each way to change a contract is found, said in words, and laid at the right door."""
    changes = compare(contract(), contract((old, new)))
    found = {c.kind: c for c in changes}
    assert kind in found
    assert found[kind].breaks == breaks
    assert all(c.why for c in changes)


def test_nothing_changed() -> None:
    """A contract compared with itself, or with one of other comments, has no changes."""
    assert compare(contract(), contract()) == []
    commented = contract(("tags:", "# a comment\ntags:"))
    assert compare(contract(), commented) == []
    assert bump_deserved(contract(), commented, []) == "patch"
    assert bump_deserved(contract(), contract(), []) == "none"


def test_most_dangerous_first() -> None:
    """What breaks readers is told before what breaks senders, and that before the rest."""
    new = contract(
        ("minimum: -10", "minimum: -20"), ("[clear, cloud]", "[clear]"), ("name: Weather", "name: W")
    )
    assert [c.breaks for c in compare(contract(), new)] == ["readers", "senders", "no"]


def test_unit_change_says_the_factor() -> None:
    """A change of unit within one dimension says how values change, for nothing else will."""
    (change,) = [
        c for c in compare(contract(), contract(("value: Cel}", "value: K}"))) if c.kind == "unit-changed"
    ]
    assert "times 1 + 273.15" in change.why


def test_key_and_order_of_columns() -> None:
    """Another key, and columns in another order, break readers."""
    no_key = contract(("primaryKey: true, primaryKeyPosition: 1", "required: true"))
    assert "key-changed" in {c.kind for c in compare(contract(), no_key)}
    sky = OLD[OLD.index("      - name: sky") : OLD.index("slaProperties")]
    turned = contract((sky, ""), ("    properties:\n", "    properties:\n" + sky))
    assert [c.kind for c in compare(contract(), turned)] == ["columns-reordered"]


def test_a_column_added_breaks_nobody_unless_required() -> None:
    """A new column leaves readers as they were; a required one asks something of senders."""
    plain = contract(("      - name: sky", "      - {name: rain, logicalType: number}\n      - name: sky"))
    (change,) = compare(contract(), plain)
    assert (change.kind, change.breaks) == ("column-added", "no")
    assert needs_new_feed([change]) == [change]
    required = contract(
        ("      - name: sky", "      - {name: rain, logicalType: number, required: true}\n      - name: sky")
    )
    assert compare(contract(), required)[0].breaks == "senders"


def test_both_directions_swap() -> None:
    """What widens one way narrows the other: never are both ways free of breakage."""
    for old, new, kind, _ in CASES:
        if kind.endswith(("widened", "narrowed")):
            back = {c.kind for c in compare(contract((old, new)), contract())}
            turned = kind.replace("widened", "-").replace("narrowed", "widened").replace("-", "narrowed", 0)
            assert (turned if "widened" in turned else kind.replace("widened", "narrowed")) in back


@pytest.mark.parametrize(
    ("old", "new", "step"),
    [
        ("1.2.0", "2.0.0", "major"),
        ("1.2.0", "1.3.0", "minor"),
        ("1.2.0", "1.2.1", "patch"),
        ("1.2.0", "1.2.0", "none"),
        ("0.2.0", "0.3.0", "major"),
        ("0.2.0", "0.2.1", "patch"),
        ("1.2.0", "1.1.9", None),
        ("1.2", "1.3", None),
        ("v1.0.0", "v1.1.0-rc.1", "minor"),
    ],
)
def test_steps_of_versions(old: str, new: str, step: str | None) -> None:
    """Steps are read as semantic versions; below 1.0.0 the second number is the major one."""
    assert bump_made(old, new) == step


def test_versions_obey() -> None:
    """A version obeys if its step is at least what the change deserves."""
    wider, narrower = contract(("minimum: -10", "minimum: -20")), contract(("minimum: -10", "minimum: 0"))
    changes = compare(contract(), wider)
    assert breaks_readers(changes)
    assert bump_deserved(contract(), wider, changes) == "major"
    assert bump_deserved(contract(), narrower, compare(contract(), narrower)) == "minor"
    assert obeys("minor", "major")
    assert not obeys("major", "minor")
    assert not obeys("patch", None)
    assert obeys("none", "none")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("name: gauge,", "name: gage,"),
        ("value: mm", "value: cm"),
        ("        customProperties: [{property: unit, value: mm}]\n", ""),
        ("logicalType: number", "logicalType: integer"),
        ("primaryKeyPosition: 1", "primaryKeyPosition: 3"),
        (", required: true, primaryKey: true, primaryKeyPosition: 2", ""),
    ],
)
def test_what_one_table_cannot_go_through(tmp_path: Path, before: str, after: str) -> None:
    """Any change of columns, types, units, order or key needs a new feed, in both directions."""
    text = small_contract(tmp_path).read_text(encoding="utf-8")
    assert before in text
    one, other = parse_contract(text.encode()), parse_contract(text.replace(before, after).encode())
    assert needs_new_feed(compare(one, other))
    assert needs_new_feed(compare(other, one))
    assert needs_new_feed(compare(one, one)) == []
