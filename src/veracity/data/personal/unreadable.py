"""A record that gives no row, encrypted whole: what may be personal in it nobody can tell.

It is written so that it gives no row either, whatever stands around it, and carries why: in CSV as a
field with text after its closing quote, in NDJSON as text where an object should be. One that is long
is written as several records, since no record may be longer than ``RECORD_BYTES``.
"""

from veracity.data.personal.token import WHOLE, RecordSealer
from veracity.data.text import TextFormat

_SLICE = 32_768


def write_unreadable(record: bytes, code: str, sealer: RecordSealer, fmt: TextFormat) -> list[bytes]:
    """Return the records that stand for ``record``, refused because of ``code``."""
    slices = [record[at : at + _SLICE] for at in range(0, len(record), _SLICE)]
    return [_line(sealer.seal(WHOLE, piece), code, fmt) for piece in slices]


def _line(token: str, code: str, fmt: TextFormat) -> bytes:
    if fmt.kind == "ndjson":
        return f'"{token}!{code}"\n'.encode()
    after = "!" if fmt.separator != "!" else "?"
    return f'"{token}"{after}{code}\n'.encode()
