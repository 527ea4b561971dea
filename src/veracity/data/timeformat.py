"""Shapes of time in text: from ODCS's JDK ``DateTimeFormatter`` patterns to strptime's."""

import re

from veracity.data.errors import MalformedContract

# JDK letters (java.time.format.DateTimeFormatter) to chrono's strptime, longest first.
_LETTERS = {
    "yyyy": "%Y", "uuuu": "%Y", "yy": "%y", "MMM": "%b", "MM": "%m", "M": "%m", "dd": "%d", "d": "%d",
    "HH": "%H", "H": "%H", "hh": "%I", "h": "%I", "mm": "%M", "m": "%M", "ss": "%S", "s": "%S", "a": "%p",
    "SSSSSS": "%6f", "SSS": "%3f", "XXX": "%:z", "XX": "%z", "X": "%#z", "Z": "%z",
}  # fmt: skip
_PATTERN = re.compile(r"'([^']*)'|([A-Za-z])\2*|[^A-Za-z']+")

ISO_NAIVE = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d")
ISO_ZONED = ("%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z")


def strptime_format(name: str, pattern: str) -> str:
    """Translate a JDK pattern, quoted literals included.

    Examples
    --------
    >>> strptime_format("observed_at", "MM/dd/yyyy hh:mm:ss a")
    '%m/%d/%Y %I:%M:%S %p'
    >>> strptime_format("observed_at", "yyyy-MM-dd'T'HH:mm")
    '%Y-%m-%dT%H:%M'
    """
    if not 0 < len(pattern) <= 64:
        raise MalformedContract(f"{name}.format: want 1 to 64 characters, got {len(pattern)}")
    out, end = [], 0
    for match in _PATTERN.finditer(pattern):
        if match.start() != end:
            break
        end = match.end()
        token = match.group(0)
        if match.group(1) is not None:
            out.append((match.group(1) or "'").replace("%", "%%"))
        elif match.group(2) is None:
            out.append(token.replace("%", "%%"))
        elif token in _LETTERS:
            out.append(_LETTERS[token])
        else:
            raise MalformedContract(
                f"{name}.format: want JDK letters such as yyyy-MM-dd HH:mm:ss, got {token!r}"
            )
    if end != len(pattern):
        raise MalformedContract(f"{name}.format: want paired quotes, got {pattern!r}")
    return "".join(out)


def is_zoned(strptime: str) -> bool:
    """Tell whether a strptime pattern reads a UTC offset."""
    return strptime.endswith(("z",))
