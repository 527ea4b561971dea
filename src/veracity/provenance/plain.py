"""Values of plain JSON read back from a memory: of the types that were written."""

from typing import Any


def check_plain(value: Any, plain: Any) -> Any:
    """Return a value read from JSON if it is as ``plain`` says, else raise TypeError.

    ``plain`` is a type or a union of some, ``[of]`` for a list of any length, or ``(of, …)`` for a list
    of so many. Numbers are not negative; a bool is no number.
    """
    if isinstance(plain, list | tuple):
        if not isinstance(value, list) or (isinstance(plain, tuple) and len(value) != len(plain)):
            raise TypeError(f"want a list, got {str(value)[:40]!r}")
        kinds = plain if isinstance(plain, tuple) else plain * len(value)
        return [check_plain(item, kind) for item, kind in zip(value, kinds, strict=True)]
    is_good = isinstance(value, plain)
    if isinstance(value, bool):
        is_good = plain is bool
    elif isinstance(value, int | float):
        is_good = is_good and 0 <= value < 2**63
    if not is_good:
        raise TypeError(f"want {getattr(plain, '__name__', plain)}, got {str(value)[:40]!r}")
    return value
