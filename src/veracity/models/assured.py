"""An assurance report as cards and dossiers read it: each test, its verdict, its reason, its numbers."""

import hashlib
from typing import Any

from veracity.models.assurance.judging import Result
from veracity.models.assurance.report import parse_report
from veracity.models.errors import ModelAltered
from veracity.models.facts import TestKnown


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
    return tuple(_test(r) for r in parse_report(body).results)


def _test(r: Result) -> TestKnown:
    numbers: tuple[dict[str, Any], ...] = () if r.measured else tuple(n.to_object() for n in r.numbers)
    return TestKnown(r.name, r.family, r.verdict, r.reason, r.asks, numbers, r.required)
