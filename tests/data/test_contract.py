"""Contracts: what is read from ODCS YAML, and what is refused."""

import pytest
import yaml

from veracity.data.contract import check_units, parse_contract
from veracity.data.errors import MalformedContract

BASE = {
    "apiVersion": "v3.1.0",
    "kind": "DataContract",
    "id": "air",
    "version": "1.0.0",
    "status": "active",
    "schema": [
        {
            "name": "observations",
            "properties": [
                {"name": "at", "logicalType": "timestamp", "primaryKey": True, "primaryKeyPosition": 2},
                {"name": "station", "logicalType": "string", "primaryKey": True, "primaryKeyPosition": 1},
                {"name": "pm25", "physicalName": "PM2.5", "logicalType": "number"},
            ],
        }
    ],
}


def text(**changes: object) -> bytes:
    return yaml.safe_dump(BASE | changes).encode()


def with_property(**property_: object) -> bytes:
    schema = [{"name": "o", "properties": [property_]}]
    return text(schema=schema)


def test_a_contract_gives_its_key_in_order_and_its_event_time() -> None:
    """The key follows primaryKeyPosition; the event time is the key's timestamp."""
    contract = parse_contract(text())
    assert contract.key == ("station", "at")
    assert contract.time == "at"
    assert contract.field("pm25").sources == ("PM2.5",)
    assert all(contract.field(n).required for n in contract.key)


def test_the_digest_is_of_the_exact_bytes() -> None:
    """A comment more is another contract."""
    assert parse_contract(text()).sha256 != parse_contract(text() + b"# note\n").sha256


def test_a_source_unit_becomes_a_factor() -> None:
    """mg/m3 in the file is ug/m3 in the table."""
    custom = [{"property": "unit", "value": "ug/m3"}, {"property": "sourceUnit", "value": "mg/m3"}]
    contract = parse_contract(with_property(name="co", logicalType="number", customProperties=custom))
    assert (contract.fields[0].scale, contract.fields[0].offset) == (1000.0, 0.0)


def test_an_unknown_unit_is_refused() -> None:
    """Units are UCUM's."""
    custom = [{"property": "unit", "value": "furlong per fortnight"}]
    contract = parse_contract(with_property(name="v", logicalType="number", customProperties=custom))
    with pytest.raises(MalformedContract, match="UCUM"):
        check_units(contract)


def test_simulated_is_a_tag_that_is_carried() -> None:
    """The tag `simulated` marks the contract, and through it everything made from the feed."""
    assert parse_contract(text(tags=["simulated"])).simulated
    assert not parse_contract(text()).simulated


@pytest.mark.parametrize(
    ("yaml_text", "message"),
    [
        (b"a: [", "line 1"),
        (b"- a\n", "mapping"),
        (b"a: &x 1\nb: *x\n", "alias"),
        (b"\xff\xfe\x00", "YAML"),
        (b"? [a, b]\n: 1\n", "line 1: .*plain names"),
        (b"{[a]: 1}", "line 1: .*plain names"),
        (b"<<: {id: a}\nid: b\n", "plain names"),
        (b"a: !!int ''\n", "tag"),
        (b"a: !!timestamp x\n", "tag"),
        (b'a: "\\ud800"\n', "YAML"),
        (b"a: 2024-13-45\n", "YAML"),
        (b"a: " + b"[" * 20_000, "YAML"),
        (text(servers=[{"format": "csv", "encoding": "a\0b"}]), "encoding"),
        (
            with_property(name="v", logicalType="number", logicalTypeOptions={"minimum": 10**400}),
            "finite",
        ),
        (
            with_property(name="v", logicalType="number", logicalTypeOptions={"minimum": float("nan")}),
            "finite",
        ),
        (
            with_property(name="v", logicalType="number", logicalTypeOptions={"maximum": float("inf")}),
            "finite",
        ),
        (with_property(name="v", logicalType="string", logicalTypeOptions={"maxLength": -5}), "maxLength"),
        (with_property(name="v", logicalType="string", logicalTypeOptions={"maxLength": True}), "maxLength"),
        (with_property(name="v", logicalType="string", logicalTypeOptions={"minLength": 2**70}), "minLength"),
        (with_property(name="v", logicalType="string", logicalTypeOptions={"minLength": 1.0}), "minLength"),
        (text(slaProperties=[{"property": "latency", "value": 1_000_000, "unit": "d"}]), "100 years"),
        (text(slaProperties=[{"property": "frequency", "value": 10**400, "unit": "d"}]), "100 years"),
        (text(slaProperties=[{"property": "latency", "value": float("nan"), "unit": "d"}]), "100 years"),
        (text(slaProperties=[{"property": "latency", "value": float("inf"), "unit": "s"}]), "100 years"),
        (text(kind="Other"), "kind DataContract"),
        (text(apiVersion="v2.2.0"), "apiVersion v3"),
        (text(id="Not A Feed"), "feed name"),
        (text(schema=[]), "exactly one object"),
        (text(version=""), "version and status"),
        (text(customProperties=[{"property": "signature", "value": "required"}]), "needs an agency"),
        (text(customProperties=[{"property": "colour", "value": "red"}]), "colour"),
        (text(servers=[{"format": "xlsx"}]), "csv, ndjson or parquet"),
        (text(servers=[{"format": "csv", "delimiter": "||"}]), "one ASCII character"),
        (text(slaProperties=[{"property": "latency", "value": -1, "unit": "h"}]), "positive"),
        (with_property(name="v", logicalType="array"), "logicalType"),
        (with_property(name="1v"), "property name"),
        (
            with_property(name="v", logicalType="number", logicalTypeOptions={"minimum": 2, "maximum": 1}),
            "minimum <=",
        ),
        (
            with_property(
                name="v", logicalType="number", logicalTypeOptions={"minimum": 2, "exclusiveMaximum": 2}
            ),
            "between them",
        ),
        (
            with_property(name="v", logicalType="number", logicalTypeOptions={"minimum": "low"}),
            "want a finite number",
        ),
        (with_property(name="v", logicalType="number", logicalTypeOptions={"multipleOf": 2}), "not checked"),
        (with_property(name="v", logicalType="string", logicalTypeOptions={"minimum": 2}), "does not fit"),
        (
            with_property(name="v", logicalType="string", logicalTypeOptions={"pattern": "(a"}),
            "regular expression",
        ),
        (
            with_property(
                name="v", logicalType="timestamp", logicalTypeOptions={"defaultTimezone": "Mars/Base"}
            ),
            "zone",
        ),
        (with_property(name="v", logicalType="timestamp", logicalTypeOptions={"format": "QQ"}), "JDK"),
        (with_property(name="v", physicalName="w_{ghost}", logicalType="number"), "ghost"),
        (with_property(name="v", quality=[{"type": "sql", "query": "select 1"}]), "library"),
        (with_property(name="v", quality=[{"metric": "rowCount", "mustBe": 0}]), "rowCount"),
        (with_property(name="v", quality=[{"metric": "nullValues", "mustBe": 3}]), "mustBe: 0"),
    ],
)
def test_what_cannot_be_held_to_is_refused(yaml_text: bytes, message: str) -> None:
    """A rule is never silently ignored: what is not checked is not accepted."""
    with pytest.raises(MalformedContract, match=message):
        parse_contract(yaml_text)


def test_a_large_text_is_refused_before_it_is_parsed() -> None:
    """Size is bounded."""
    with pytest.raises(MalformedContract, match="at most"):
        parse_contract(b"#" * 300_000)


@pytest.mark.parametrize(
    "property_",
    [
        {"name": "v", "logicalType": "number", "minimum": 5},
        {"name": "v", "logicalType": "number", "requird": True},
        {"name": "v", "logicalType": "string", "logicalTypeOptions": {"timezone": True}},
        {"name": "v", "customProperties": [{"property": "decimal", "value": ","}]},
        {"name": "v", "customProperties": [{"property": "formats", "value": ["yyyy"]}]},
        {"name": "v", "customProperties": [{"property": "aliases", "value": "w"}]},
        {"name": "v", "relationships": [{"to": "other.id"}]},
        {"name": "v", "quality": [{"metric": "nullValues", "mustBe": 0, "mustBeLessThan": 5}]},
        {"name": "v", "quality": [{"metric": "invalidValues", "arguments": {"validValues": 5}, "mustBe": 0}]},
    ],
)
def test_what_would_be_a_rule_and_is_not_checked_is_refused(property_: dict[str, object]) -> None:
    """A misspelt name, an option of another type, a bound beside mustBe: none is passed over."""
    with pytest.raises(MalformedContract):
        parse_contract(with_property(**property_))


def test_a_name_given_twice_is_refused() -> None:
    """YAML readers differ on which of two equal names counts."""
    with pytest.raises(MalformedContract, match=r"line 7: .*'id' given twice"):
        parse_contract(b"apiVersion: v3.1.0\nkind: DataContract\n\nid: a\n\n\nid: b\n")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-7"])
def test_an_encoding_that_hides_newlines_is_refused_with_the_contract(encoding: str) -> None:
    """Records are cut before they are decoded, so ASCII must stand for itself."""
    with pytest.raises(MalformedContract, match="superset of ASCII"):
        parse_contract(text(servers=[{"server": "f", "type": "local", "encoding": encoding}]))


def test_freshness_may_be_a_hundred_years() -> None:
    """The bound itself is allowed, in any unit."""
    contract = parse_contract(text(slaProperties=[{"property": "latency", "value": 36_525, "unit": "d"}]))
    assert contract.latency_s == 36_525 * 86_400


def test_a_field_that_is_not_there_is_a_key_error() -> None:
    """As a dictionary says it, never the end of an iteration."""
    with pytest.raises(KeyError, match="ghost"):
        parse_contract(text()).field("ghost")


def test_the_fallback_encoding_can_be_none() -> None:
    """Then a record that is not in the encoding is refused."""
    none = [{"property": "fallbackEncoding", "value": None}]
    contract = parse_contract(text(servers=[{"server": "f", "type": "local", "customProperties": none}]))
    assert contract.fallback_encoding is None


@pytest.mark.parametrize(
    ("kind", "given", "compared"),
    [("number", 1, "1.0"), ("integer", 1, "1"), ("boolean", True, "true"), ("string", 1, "1")],
)
def test_an_allowed_value_is_compared_as_its_type_reads(kind: str, given: object, compared: str) -> None:
    """YAML's 1 allows the number 1, YAML's true the boolean true."""
    rule = {"metric": "invalidValues", "arguments": {"validValues": [given]}, "mustBe": 0}
    contract = parse_contract(with_property(name="v", logicalType=kind, quality=[rule]))
    assert contract.fields[0].values == (compared,)


@pytest.mark.parametrize(
    ("kind", "given"),
    [("number", "x"), ("number", float("nan")), ("integer", 2.5), ("timestamp", "2026-01-01")],
)
def test_an_allowed_value_that_no_value_can_equal_is_refused(kind: str, given: object) -> None:
    """An enumeration of a number's type lists numbers; of times there is none."""
    rule = {"metric": "invalidValues", "arguments": {"validValues": [given]}, "mustBe": 0}
    with pytest.raises(MalformedContract, match="allowed values"):
        parse_contract(with_property(name="v", logicalType=kind, quality=[rule]))


def test_every_column_of_the_key_is_required() -> None:
    """However the key is written: two rows without one would be neither equal nor different."""
    contract = parse_contract(with_property(name="v", logicalType="string", unique=True))
    assert contract.key == ("v",)
    assert contract.fields[0].required
