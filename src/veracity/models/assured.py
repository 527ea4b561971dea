"""An assurance report as cards and dossiers read it: each test, its verdict, its reason, its numbers."""

import hashlib
from typing import Any

from veracity.models.assurance.errors import MalformedReport
from veracity.models.assurance.report import MAX_TESTS, REPORT_BYTES
from veracity.models.errors import ModelAltered
from veracity.models.facts import TestKnown
from veracity.provenance.fields import Fields
from veracity.provenance.strictjson import parse_json

_MOST_NUMBERS = 20_000


def read_tests(body: bytes, sha256: str) -> tuple[TestKnown, ...]:
    """Read the tests of the report that a digest names.

    Raises
    ------
    ModelAltered
        If the bytes are not those that the digest is of.
    MalformedReport
        If they are no report.
    """
    if (digest := hashlib.sha256(body).hexdigest()) != sha256:
        raise ModelAltered(f"report {sha256[:16]}: want one of that digest, got {digest[:16]}")
    document = parse_json(body, "report", REPORT_BYTES, MalformedReport)
    return tuple(_test(t) for t in Fields(document, "report", MalformedReport).objects("tests", MAX_TESTS))


def _test(fields: Fields) -> TestKnown:
    """Read one test; what is not named here is for other readers."""
    return TestKnown(
        name=fields.text("name", 64),
        family=fields.text("family", 64) if "family" in fields else "",
        verdict=fields.choice("verdict", ("passed", "failed", "untested")),
        reason=fields.text("reason", empty=True) if "reason" in fields else "",
        asks=fields.text("asks", empty=True) if "asks" in fields else "",
        numbers=tuple(_number(n) for n in _listed(fields, "numbers")),
        required=tuple(str(s) for s in _listed(fields, "required")),
    )


def _listed(fields: Fields, name: str) -> list[Any]:
    return fields.items(name, _MOST_NUMBERS) if name in fields else []


def _number(item: Any) -> dict[str, Any]:
    fields = Fields(item, "report.tests.numbers", MalformedReport)
    of = fields.take("of") if "of" in fields else {}
    if not isinstance(of, dict):
        raise fields.fail("of", "texts by name", of)
    told = {name: _float(fields, name) for name in ("value", "low", "high") if name in fields}
    n = fields.optional("n", fields.count) if "n" in fields else None
    judged = fields.flag("judged") if "judged" in fields else True
    return {"name": fields.text("name", 64), "of": of, "n": n, "judged": judged, **told}


def _float(fields: Fields, name: str) -> float | None:
    value = fields.take(name)
    if isinstance(value, bool) or not isinstance(value, (int, float, type(None))):
        raise fields.fail(name, "a number or null", value)
    return None if value is None else float(value)
