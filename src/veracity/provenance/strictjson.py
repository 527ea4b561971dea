"""JSON from outside, read so that two readers cannot see two different things in it.

The standard library's parser takes the last of two equal names, ``NaN``, and text that has no
UTF-8 form. Each of these is refused here, as are integers that JavaScript would round.
"""

import json
from typing import Any, NoReturn

from veracity.errors import Malformed

_MAX_INTEGER = 2**53


def parse_json(data: bytes, what: str, max_bytes: int, error: type[Malformed]) -> Any:
    """Parse UTF-8 JSON of at most ``max_bytes``, or raise ``error``.

    Examples
    --------
    >>> from veracity.provenance.errors import MalformedStatement
    >>> parse_json(b'{"a": [1, null]}', "statement", 100, MalformedStatement)
    {'a': [1, None]}
    """
    if len(data) > max_bytes:
        raise error(f"{what}: want at most {max_bytes} bytes, got {len(data)}")
    try:
        text = data.decode("utf-8")
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_number,
            parse_constant=_constant,
        )
        if "\\ud" in text or "\\uD" in text:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeDecodeError as exc:
        raise error(f"{what}: want UTF-8, got byte 0x{data[exc.start]:02x} at {exc.start}") from exc
    except UnicodeEncodeError as exc:
        raise error(f"{what}: want Unicode text, got half a surrogate pair") from exc
    except RecursionError as exc:
        raise error(f"{what}: want shallow JSON, got deep nesting") from exc
    except ValueError as exc:
        raise error(f"{what}: want JSON, got: {str(exc)[:100]}") from exc
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"name {twice[:40]!r} twice in one object")
    return value


def _integer(digits: str) -> int:
    if len(digits) > 17 or abs(value := int(digits)) > _MAX_INTEGER:
        raise ValueError(f"an integer beyond 2**53: {digits[:24]}")
    return value


def _number(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"a number beyond a double: {text[:24]}")
    return value


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name}, which is not JSON")
