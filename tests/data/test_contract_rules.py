"""Rules of a contract: where they stand, what they are called, what becomes of a row, their digest."""

import time
from typing import Any

import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from veracity.data.contract import Contract, check_units, parse_contract
from veracity.data.errors import MalformedContract
from veracity.data.references import check_references
from veracity.data.rules.catalogue import KINDS

HEAD = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": "air", "version": "1.0.0", "status": "active"}
STATION = {"name": "station", "logicalType": "string", "primaryKey": True, "primaryKeyPosition": 1}
AT = {"name": "at", "logicalType": "timestamp", "primaryKey": True, "primaryKeyPosition": 2}
UNIT = [{"property": "unit", "value": "Cel"}]


def entry(rule: Any, **more: Any) -> dict[str, Any]:
    implementation = {"rule": rule} if isinstance(rule, str) and rule.isalpha() else rule
    return {"type": "custom", "engine": "veracity", "implementation": implementation, **more}


def text(
    on_value: list[Any] | None = None, on_schema: list[Any] | None = None, feed: str = "air", **value: Any
) -> bytes:
    number = {"name": "v", "logicalType": "number", "customProperties": UNIT, **value}
    properties = [
        STATION,
        AT,
        {**number, "quality": on_value or []},
        {"name": "latitude", "logicalType": "number"},
        {"name": "longitude", "logicalType": "number"},
        {"name": "unit", "logicalType": "string"},
    ]
    schema = {"name": "o", "properties": properties, "quality": on_schema or []}
    sla = [{"property": "frequency", "value": 15, "unit": "min"}]
    return yaml.safe_dump(
        {**HEAD, "id": feed, "schema": [schema], "slaProperties": sla}, sort_keys=False
    ).encode()


SCHEMA_RULES = [
    entry("order"),
    entry({"rule": "repeated-row"}),
    entry("freshness"),
    entry({"rule": "relation", "expect": "v < 100"}, name="hot"),
    entry(
        {"rule": "inside", "latitude": "latitude", "longitude": "longitude", "box": [0, 0, 1, 1]}, name="in"
    ),
    entry({"rule": "registry", "feed": "stations", "match": {"station": "id"}}, name="known"),
]
NEEDED: dict[str, dict[str, Any]] = {
    "rate": {"maximum": 3, "per": "1 h"},
    "reference": {"sensor": "S1", "maximum": 3},
    "unit-column": {"column": "unit"},
}
VALUE_KINDS = sorted(k for k, kind in KINDS.items() if "number" in kind.property_types and not kind.on_schema)


def test_every_kind_of_rule_is_read_and_told() -> None:
    """Each kind can stand in a contract; its reason begins with it, and its digest can be taken."""
    on_value = [entry({"rule": kind, **NEEDED.get(kind, {})}) for kind in VALUE_KINDS]
    contract = parse_contract(text(on_value, SCHEMA_RULES))
    assert {r.kind for r in contract.rules} == set(KINDS)
    assert [r.reason for r in contract.rules][:6] == [
        "order:at",
        "repeated-row",
        "freshness:at",
        "relation:hot",
        "inside:in",
        "registry:known",
    ]
    assert [r.reason for r in contract.rules][6:] == [f"{kind}:v" for kind in VALUE_KINDS]
    assert {r.reason for r in contract.registry_rules} == {"registry:known"}
    assert len(contract.rules_sha256) == 64
    assert contract.sensor == ("station",)


def test_a_row_rule_can_be_computed() -> None:
    """Over the typed columns it names, one row at a time."""
    contract = parse_contract(
        text([entry({"rule": "relation", "expect": "v < latitude"})], SCHEMA_RULES[3:5])
    )
    rows = pl.DataFrame(
        {"v": [1.0, 200.0], "latitude": [2.0, 0.5], "longitude": [0.5, 0.5], "unit": ["", ""]}
    )
    said = rows.select(r.broken().alias(str(i)) for i, r in enumerate(contract.row_rules))
    assert said.rows() == [(False, True, False), (True, False, True)]


def test_what_becomes_of_a_row_has_a_default_and_can_be_said() -> None:
    """Rows that are wrong by themselves are set aside; doubts about a sequence are flagged."""
    contract = parse_contract(text([entry("spike"), entry({"rule": "stuck", "action": "ask"})], SCHEMA_RULES))
    actions = {r.reason: r.action for r in contract.rules}
    assert actions["relation:hot"] == actions["registry:known"] == "quarantine"
    assert actions["spike:v"] == actions["order:at"] == "flag"
    assert actions["stuck:v"] == "ask"


def test_a_name_makes_the_reason() -> None:
    """So that two rules of one kind can stand on one column, and a rule keeps its name beside another."""
    fast, slow = ({"rule": "rate", "maximum": 3, "per": per} for per in ("1 h", "1 d"))
    contract = parse_contract(text([entry(fast), entry(slow, name="day", severity="info")]))
    assert [(r.reason, r.severity) for r in contract.rules] == [("rate:v", "error"), ("rate:day", "info")]


def test_settings_may_be_written_as_yaml_text() -> None:
    """ODCS allows a text; it is read as strictly."""
    given = parse_contract(text([entry("rule: stuck\nlongest: 6 h\n")]))
    assert given.rules == parse_contract(text([entry({"rule": "stuck", "longest": "6 h"})])).rules


def test_the_rules_digest_is_of_what_decides() -> None:
    """Comments, descriptions and defaults spelt out leave it; thresholds and actions change it."""
    plain = parse_contract(text([entry({"rule": "stuck", "longest": "6 h"})]))
    same = [
        text([entry({"rule": "stuck", "longest": "360 min", "action": "flag"}, description="why")])
        + b"# note\n",
        text([entry({"rule": "stuck", "longest": "6 h"})], description="of the air"),
    ]
    other = [
        text([entry({"rule": "stuck", "longest": "7 h"})]),
        text([entry({"rule": "stuck", "longest": "6 h", "action": "quarantine"})]),
        text([entry({"rule": "stuck", "longest": "6 h"})], logicalTypeOptions={"minimum": 0}),
        text(
            [entry({"rule": "stuck", "longest": "6 h"})],
            customProperties=[*UNIT, {"property": "actions", "value": {"type": "flag"}}],
        ),
        text(),
    ]
    assert all(parse_contract(t).rules_sha256 == plain.rules_sha256 for t in same)
    assert len({parse_contract(t).rules_sha256 for t in other} | {plain.rules_sha256}) == 6


def with_actions(column: Any = None, schema: Any = None, on: int = 2) -> bytes:
    document = yaml.safe_load(text(logicalTypeOptions={"minimum": 0}))
    for place, value in ((document["schema"][0]["properties"][on], column), (document["schema"][0], schema)):
        if value is not None:
            place.setdefault("customProperties", []).append({"property": "actions", "value": value})
    return yaml.safe_dump(document, sort_keys=False).encode()


def test_column_rules_have_actions() -> None:
    """By reason; what is said of nothing is quarantined."""
    contract = parse_contract(
        with_actions({"range": "flag", "type": "ask"}, {"future": "ask", "duplicate-key": "refuse"})
    )
    told = {reason: contract.action(reason) for reason in ("range:v", "type:v", "future:at", "duplicate-key")}
    assert told == {"range:v": "flag", "type:v": "ask", "future:at": "ask", "duplicate-key": "refuse"}
    assert contract.action("type:unit") == "quarantine"
    assert parse_contract(with_actions({"range": "quarantine"})).actions == ()


@pytest.mark.parametrize(
    "actions",
    [
        ({"range": "drop"}, None, 2),
        ({"rnge": "flag"}, None, 2),
        ({"enum": "flag"}, None, 2),
        ({"required": "flag"}, None, 2),
        ({5: "flag"}, None, 2),
        ({"range": ["flag"]}, None, 2),
        (["range"], None, 2),
        ({"type": "flag"}, None, 0),
        ({"required": "flag"}, None, 1),
        (None, {"duplicate-key": "flag"}, 2),
        (None, {"range": "flag"}, 2),
    ],
)
def test_an_action_that_cannot_be_is_refused(actions: tuple[Any, Any, int]) -> None:
    """Of a rule the column has not; a gap in a key; a key twice."""
    with pytest.raises(MalformedContract, match=r"line \d+: .*actions"):
        parse_contract(with_actions(*actions))


BAD_ON_VALUE = [
    (entry("spke"), "want one of alone, drift, "),
    (entry({"action": "flag"}), "rule: want one of"),
    (entry({"rule": ["spike"]}), "rule: want one of"),
    (entry({"rule": "order"}), "under the schema object"),
    (entry({"rule": "spike", "ghost": 1}), "'ghost' is no setting"),
    (entry({"rule": "spike", "action": "drop"}), "action: want"),
    (entry({"rule": "spike", "action": ["flag"]}), "action: want"),
    (entry({"rule": "spike"}, severity="bad"), "severity: want"),
    (entry({"rule": "spike"}, name="a b"), "name: want"),
    (entry({"rule": "spike"}, engine="soda"), "engine: want veracity"),
    (entry({"rule": "spike"}, mustBe=0), "settings in implementation, got mustBe"),
    (entry({"rule": "spike"}, query="select"), "settings in implementation, got query"),
    (entry("- spike"), "mapping at the top"),
    (entry("rule: [spike"), "want YAML"),
    (entry("5: spike"), "names of settings"),
    (entry("rule: &a spike\nx: *a"), "alias"),
    ({"type": "custom", "engine": "veracity"}, "got none"),
    ({"type": "custom"}, "engine: want veracity"),
    ({"type": "text", "description": "looks right"}, "library or custom"),
    ({"metric": "nullValues", "mustBe": 0, "engine": "soda"}, "no engine"),
    (entry({"rule": "rate", "maximum": 10**400, "per": "1 h"}), "a number"),
    (entry({"rule": "rate", "maximum": float("nan"), "per": "1 h"}), "a number"),
    (entry({"rule": "rate", "maximum": True, "per": "1 h"}), "a number"),
    (entry({"rule": "stuck", "longest": "١ h"}), "duration"),
    (entry({"rule": "stuck", "longest": 60}), "duration"),
    (entry({"rule": "stuck", "longest": "1000000 d"}), "100 years"),
    (entry({"rule": "unit-column", "column": "ghost"}), "a column of type"),
    (entry({"rule": "unit-column", "column": ["unit"]}), "a column of type"),
    (entry({"rule": "relation", "expect": "ghost < 1"}), "want a column of numbers"),
    (entry({"rule": "relation", "expect": "(" * 200 + "v" + ")" * 200 + " < 1"}), "levels"),
    (entry({"rule": "relation", "expect": "v <\n" * 400 + "1"}), "500 characters"),
    (entry({"rule": "relation", "expect": 5}), "a text"),
]


@pytest.mark.parametrize(("bad", "message"), BAD_ON_VALUE)
def test_a_bad_rule_is_refused_with_its_line(bad: dict[str, Any], message: str) -> None:
    """The line is one of the entry's own, not of the good rule before it or the column after it."""
    contract = text([entry("stuck"), bad])
    lines = contract.decode().splitlines()
    before = next(i for i, line in enumerate(lines, 1) if "stuck" in line)
    after = next(i for i, line in enumerate(lines, 1) if "name: latitude" in line)
    with pytest.raises(MalformedContract, match=message) as told:
        parse_contract(contract)
    line = int(str(told.value).removeprefix("line ").partition(":")[0])
    assert before < line < after


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (entry("spike"), "spike under a property"),
        (entry({"rule": "relation", "expect": "v < 1"}), "want a name"),
        (entry({"rule": "freshness", "action": "quarantine"}), "action: want flag"),
        (entry({"rule": "repeated-row", "action": "flag"}), "action: want quarantine"),
        (SCHEMA_RULES[3] | {"name": "other"} | {"type": "sql"}, "library or custom"),
        (entry("order"), "each rule once"),
    ],
)
def test_a_bad_rule_on_the_schema_is_refused_with_its_line(bad: dict[str, Any], message: str) -> None:
    """A rule of one column stands under it; one of none has a name; one of a sensor only flags."""
    with pytest.raises(MalformedContract, match=rf"line \d+: .*{message}"):
        parse_contract(text(None, [entry("order"), bad]))


def test_rules_of_sensors_need_a_key_with_the_event_time() -> None:
    """Without it there is no order to follow."""
    keyless = {k: v for k, v in AT.items() if not k.startswith("primary")}
    document = yaml.safe_load(text([entry("spike")]))
    document["schema"][0]["properties"][1] = keyless
    with pytest.raises(MalformedContract, match=r"line \d+: .*event time"):
        parse_contract(yaml.safe_dump(document).encode())


def test_a_million_rules_are_refused() -> None:
    """As many as the bytes allow: at the 257th, in the time it takes to read the YAML."""
    named = b"".join(
        b"\n      - {type: custom, engine: veracity, name: r%d, " % i
        + b'implementation: {rule: relation, expect: "v<%d"}}' % i
        for i in range(2_000)
    )
    document = text().replace(b"    quality: []\n", b"", 1)
    few = document.replace(b"  quality: []", b"  quality:" + named[: named.index(b"r256,") - 45])
    assert len(parse_contract(few).rules) == 256
    many = document.replace(b"  quality: []", b"  quality:" + named)
    line = many[: many.index(b"name: r256,")].count(b"\n") + 1
    with pytest.raises(MalformedContract, match=rf"^line {line}: .*at most 256"):
        parse_contract(many)


def test_ten_megabytes_are_refused_before_they_are_read() -> None:
    """With the line at which the limit was passed."""
    with pytest.raises(MalformedContract, match=r"line 131073: want at most 262144 bytes"):
        parse_contract(b"#\n" * 5_000_000)


@pytest.mark.parametrize(
    "pattern",
    ["(a{1000}){1000}", "(.{200}){50}$", ".{1001}", r"\w{500}", "(" * 500, "a" * 20_000, "(?=a)", r"(a)\1"],
)
def test_a_regular_expression_that_could_run_for_ever_is_refused(pattern: str) -> None:
    """What the engine does not take, and what a long value could keep busy for minutes."""
    column: dict[str, Any] = {
        "logicalType": "string",
        "logicalTypeOptions": {"pattern": pattern},
        "customProperties": [],
    }
    with pytest.raises(MalformedContract, match=r"line \d+: .*regular expression"):
        parse_contract(text(**column))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"id: air\n", b"id: Air!\n", "line 3: id"),
        (b"version: 1.0.0\n", b"version: 1.0.0\nversio: 1\n", "line 5: contract: versio"),
        (b"value: 15\n", b"value: 0x" + b"f" * 9_000 + b"\n", r"line \d+: want YAML, got: a number of over"),
        (b"value: 15\n", b"value: " + b"9" * 9_000 + b"\n", r"line \d+: want YAML"),
        (b"value: 15\n", b"value: 2026-13-45\n", r"line \d+: want YAML"),
        (b"value: 15\n", b"value: " + b"[" * 5_000 + b"\n", r"line \d+: want YAML, got: more than 64 levels"),
        (b"value: 15\n", b"value: .inf\n", r"line \d+: slaProperties.frequency"),
    ],
)
def test_faults_of_the_whole_contract_tell_their_line(old: bytes, new: bytes, message: str) -> None:
    """Names, numbers and shapes that are none."""
    good = text()
    assert old in good
    with pytest.raises(MalformedContract, match=message):
        parse_contract(good.replace(old, new))


def test_a_wrong_unit_tells_its_line() -> None:
    """Units are checked apart, as their library takes a second to load."""
    bad = text().replace(b"value: Cel", b"value: Celsius")
    line = bad[: bad.index(b"property: unit")].count(b"\n") + 1
    with pytest.raises(MalformedContract, match=rf"^line {line}: v.unit"):
        check_units(parse_contract(bad))


# References between feeds


def refers(feed: str, *to: str, match: str = "station", **more: Any) -> Contract:
    rules = [
        entry({"rule": "registry", "feed": other, "match": {"station": match}, **more}, name=f"to-{other}")
        for other in to
    ]
    return parse_contract(text(None, rules, feed))


def check(contract: Contract, *others: Contract) -> None:
    check_references(contract, {c.feed: c for c in others}.__getitem__)


def test_many_references_are_checked_at_once() -> None:
    """The text is read once again for all lines: 200 references took half a minute otherwise."""
    rules = [
        entry({"rule": "registry", "feed": "b", "match": {"station": "station"}}, name=f"n{i}")
        for i in range(200)
    ]
    began = time.process_time()
    check(parse_contract(text(None, rules, "a")), refers("b"))
    assert time.process_time() - began < 5


def test_a_registry_must_be_a_feed_with_such_columns() -> None:
    """Known, with columns of the types that are compared."""
    check(refers("a", "b", **{"from": "at"}, equal={"v": "latitude"}), refers("b"))
    for bad in (
        refers("a", "b", match="ghost"),
        refers("a", "b", match="v"),
        refers("a", "b", **{"from": "v"}),
        refers("a", "b", to="ghost"),
        refers("a", "b", within={"v": {"column": "unit", "tolerance": 1}}),
        refers("a", "ghost"),
    ):
        with pytest.raises(MalformedContract, match=r"^line \d+: registry"):
            check(bad, refers("b"))


def test_a_circle_of_references_is_refused_and_named() -> None:
    """A feed cannot be judged by what is judged by it; ways that meet are no circle."""
    with pytest.raises(MalformedContract, match=r"line \d+: .*a -> a"):
        check(refers("a", "a"))
    with pytest.raises(MalformedContract, match="a -> b -> c -> a"):
        check(refers("a", "b"), refers("b", "c", "d"), refers("c", "a"), refers("d"))
    check(refers("a", "b", "c"), refers("b", "d"), refers("c", "d"), refers("d"))
    check(refers("a", "b"), refers("b", "c"), refers("c", "b"))  # theirs, not this contract's
    with pytest.raises(MalformedContract, match="added before"):
        check(refers("a", "b"), refers("b", "ghost"))


# Anything at all

WORDS = st.sampled_from(
    ["v", "at", "ghost", "flag", "6 h", "spike", "relation", "inside", "", "é", "v < 1", "1", "yes", "06:00"]
)
ANYTHING = st.recursive(
    WORDS
    | st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.sampled_from([10**400, -(10**400), 2**63, 1e308, float("nan"), float("inf")])
    | st.dates()
    | st.datetimes(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=8,
)
FULL = yaml.safe_load(
    text([entry({"rule": kind, **NEEDED.get(kind, {})}) for kind in VALUE_KINDS], SCHEMA_RULES)
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [p for k, v in items for p in ((*path, k), *places(v, (*path, k)))]


PLACES = places(FULL)


@settings(deadline=None, max_examples=150)
@given(
    changes=st.lists(st.tuples(st.sampled_from(PLACES), ANYTHING, WORDS), min_size=1, max_size=3),
    how=st.sampled_from(["set", "add", "remove"]),
)
def test_any_change_gives_a_contract_or_one_error(changes: list[tuple[Any, Any, str]], how: str) -> None:
    """Whatever is put anywhere: no other error than MalformedContract, and it tells a line."""
    document = yaml.safe_load(yaml.safe_dump(FULL))
    for path, value, word in changes:
        at = document
        try:
            for part in path[:-1]:
                at = at[part]
            if how == "set":
                at[path[-1]] = value
            elif how == "remove":
                del at[path[-1]]
            elif isinstance(at[path[-1]], dict):
                at[path[-1]][word] = value
            elif isinstance(at[path[-1]], list):
                at[path[-1]].append(value)
        except (KeyError, IndexError, TypeError):
            continue
    try:
        contract = parse_contract(yaml.safe_dump(document, allow_unicode=True).encode())
    except MalformedContract as exc:
        told = str(exc)
    else:
        told = ""
        assert len(contract.rules_sha256) == 64
    assert not told or ("line " in told and len(told) < 2_000)


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_any_broken_bytes_give_a_contract_or_one_error(data: st.DataObject) -> None:
    """Bytes taken out, changed and put in anywhere."""
    good = bytearray(text([entry("spike")], SCHEMA_RULES))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(good) - 1))
        end = at + data.draw(st.integers(0, 12))
        good[at:end] = data.draw(
            st.binary(max_size=6) | st.sampled_from([b"- ", b": ", b"{", b"[", b'"', b"\t"])
        )
    told = "line"
    try:
        parse_contract(bytes(good))
    except MalformedContract as exc:
        told = str(exc)
    assert "line" in told
