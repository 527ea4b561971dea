"""Canonical JSON (RFC 8785): one value, one sequence of bytes.

Everything that is signed or hashed as JSON passes through here. Floats follow ECMAScript's
``Number::toString``, keys are sorted by UTF-16 code units, no white space.
"""

from typing import Any

import rfc8785

from veracity.errors import Malformed


class NotCanonical(Malformed):
    """The value has no canonical JSON form (a NaN, an integer beyond 2**53, a key that is no string)."""

    code = "not-canonical"


def canonical_json(value: Any) -> bytes:
    r"""Return the RFC 8785 form of ``value`` as UTF-8 bytes.

    Raises
    ------
    NotCanonical
        For values that JSON interchange cannot carry exactly.

    Examples
    --------
    >>> canonical_json({"b": 1.0, "a": "é"})
    b'{"a":"\xc3\xa9","b":1}'
    """
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError as exc:
        raise NotCanonical(f"canonical JSON: {exc}") from exc
