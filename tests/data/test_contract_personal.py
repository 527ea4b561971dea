"""Contracts with personal fields: what they may ask for, and what is refused with its line."""

import pytest

from persons import CONTRACT
from veracity.data.breaking import compare, needs_new_feed
from veracity.data.contract import parse_contract
from veracity.data.errors import MalformedContract

TEXT = CONTRACT.format(kind="csv", version="1.0.0", days=730)
PERSONAL = "customProperties: [{property: personal, value: true}]"
CUSTOM = "{name: r, type: custom, engine: veracity, implementation: %s}"
SCHEMA_RULE = "  - name: requests\n    quality: [%s]\n"


def changed(*changes: tuple[str, str]) -> str:
    text = TEXT
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def test_personal_fields_and_retention_are_read() -> None:
    """The contract says which fields are personal and how long they are kept."""
    contract = parse_contract(TEXT.encode())
    assert [f.name for f in contract.personal] == ["resident", "phone"]
    assert contract.retention_s == 730 * 86_400
    for unit, days in (("y", 365.25), ("yr", 365.25), ("day", 1)):
        text = changed(("value: 730, unit: d", f"value: 2, unit: {unit}, element: requests"))
        assert parse_contract(text.encode()).retention_s == 2 * days * 86_400


def test_a_contract_without_personal_fields_is_what_it_was() -> None:
    """Nothing that decides a verdict changes by the word, and retention describes only."""
    plain = TEXT.replace("        classification: personal\n", "").replace("value: true", "value: false")
    contract = parse_contract(plain.replace("unit: d", "unit: moons").encode())
    assert contract.personal == ()
    assert contract.retention_s is None
    assert contract.rules_sha256 == parse_contract(TEXT.encode()).rules_sha256


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("value: true", "value: 'yes'"), "true or false"),
        ((PERSONAL, "customProperties: []"), "classification: want the custom property personal"),
        (
            ("        logicalType: string\n        required: true", "        logicalType: number"),
            "want a string",
        ),
        (
            ("physicalName: name\n", "transformSourceObjects: [first, last]\n"),
            "want a string read from one column",
        ),
        (("required: true\n        class", "logicalTypeOptions: {pattern: '^A'}\n        class"), "pattern"),
        (("required: true\n        class", "logicalTypeOptions: {maxLength: 9}\n        class"), "length"),
        (("required: true\n        class", "enum: [{value: An}]\n        class"), "resident.enum"),
        (("required: true\n        class", "unique: true\n        class"), "want one unique key"),
        (("kind, logicalType", "kind, physicalName: name, logicalType"), "personal property reads too"),
        (("kind, logicalType", "kind, physicalName: 'k_{request}', logicalType"), "no wide columns"),
        (
            ("  - name: requests\n", SCHEMA_RULE % (CUSTOM % "{rule: repeated-row}")),
            "reads a personal property",
        ),
        (("format: csv", "format: parquet"), "want csv or ndjson"),
        (("unit: d}", "unit: d, element: requests.phone}"), "of the whole object"),
        (("unit: d}", "unit: moons}"), "positive number of d or y"),
        (("value: 730", "value: -1"), "positive number of d or y"),
        (("value: 730", "value: .inf"), "positive number of d or y"),
    ],
)
def test_what_encryption_cannot_give_is_refused_with_its_line(change: tuple[str, str], message: str) -> None:
    """Rules on what is encrypted, personal keys and formats that cannot be protected are refused."""
    with pytest.raises(MalformedContract, match=r"^line \d+: ") as caught:
        parse_contract(changed(change).encode())
    assert message in str(caught.value)


def test_a_registry_of_persons_is_refused() -> None:
    """A rule that would look a personal value up in another feed is refused."""
    rule = CUSTOM % "{rule: registry, feed: people, match: {phone: id}}"
    text = changed(
        ("  - name: requests\n", SCHEMA_RULE % rule),
        ("opened_at, logicalType", "opened_at, primaryKey: true, primaryKeyPosition: 2, logicalType"),
    )
    with pytest.raises(MalformedContract, match=r"line 15: registry:r: want no rule that reads .* on phone"):
        parse_contract(text.encode())


def test_a_personal_field_is_no_key() -> None:
    """A personal field in the key is refused: keys are compared, and nobody compares ciphertext."""
    text = changed(
        ("required: true\n        class", "primaryKey: true\n        primaryKeyPosition: 2\n        class")
    )
    with pytest.raises(MalformedContract, match="want a property outside the key"):
        parse_contract(text.encode())


def test_making_a_field_personal_needs_a_new_feed() -> None:
    """A table that holds a field in clear cannot go on with it encrypted, nor the other way round."""
    old = parse_contract(TEXT.encode())
    new = parse_contract(
        TEXT.replace("        classification: personal\n", "").replace("true}]", "false}]", 1).encode()
    )
    for a, b in ((old, new), (new, old)):
        assert [c.kind for c in needs_new_feed(compare(a, b))] == ["personal-changed"]


def test_another_retention_is_told() -> None:
    """A changed retention is a change that breaks nobody, and is told."""
    (change,) = compare(parse_contract(TEXT.encode()), parse_contract(TEXT.replace("730", "30").encode()))
    assert (change.kind, change.old, change.new, change.breaks) == (
        "retention-changed",
        "730 d",
        "30 d",
        "no",
    )
