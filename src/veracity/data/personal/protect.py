"""A file's text with everything personal in it encrypted: what is cut, sealed and cleaned instead.

Part by part, as the file is cut into parts; memory is that of a part. A record keeps its place: each
gives one record, but for one that is unreadable and long (see ``unreadable``).
"""

from dataclasses import dataclass

from veracity.data.bytescan import Offsets
from veracity.data.contract import Contract
from veracity.data.personal.columns import Columns
from veracity.data.personal.rows_csv import CsvRows
from veracity.data.personal.rows_ndjson import NdjsonRows
from veracity.data.personal.token import IN_TEXT, Random, RecordKey, RecordSealer
from veracity.data.personal.unreadable import write_unreadable
from veracity.data.personal.values import NotARow, Values
from veracity.data.prepared import Prepared, prepare, recode
from veracity.data.reexecution import text_format
from veracity.data.text import RECORD_BYTES


@dataclass(frozen=True)
class ProtectedRecord:
    """A record of the protected file that something personal was encrypted in.

    ``record`` counts from the file's first; ``values`` are the personal values, (field, text).
    """

    record: int
    key: RecordKey
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ProtectedPart:
    """The protected text of a part, and the keys that were made for it."""

    data: bytes
    records: tuple[ProtectedRecord, ...]


class Protector:
    """Protects one file, part after part, in order.

    Parameters
    ----------
    contract
        Says what is personal.
    kind
        ``csv`` or ``ndjson``.
    random
        Returns as many random bytes as asked: the system's, or a test's.
    """

    def __init__(self, contract: Contract, kind: str, random: Random) -> None:
        self._feed, self._random = contract.feed, random
        self._fmt = text_format(contract, kind)
        columns = Columns.of(contract)
        self._rows: CsvRows | NdjsonRows = (
            CsvRows(columns, self._fmt.separator) if kind == "csv" else NdjsonRows(columns)
        )
        self._n_records = 0

    def part(
        self, data: bytes, ends: Offsets, *, continued: bool = False, truncated: bool = False
    ) -> ProtectedPart:
        """Protect the next part; the arguments are those of ``parse_records``."""
        run = prepare(data, ends, self._fmt, continued=continued, cut_short=truncated)
        out: list[bytes] = []
        made: list[ProtectedRecord] = []
        for index in range(len(ends)):
            sealer = RecordSealer(self._feed, RecordKey.generate(self._random))
            values = Values()
            written = self._record(run, index, sealer, values)
            if sealer.used:
                made.append(ProtectedRecord(self._n_records, sealer.key, tuple(values.found)))
            out += written
            self._n_records += len(written)
        return ProtectedPart(b"".join(out), tuple(made))

    def _record(self, run: Prepared, index: int, sealer: RecordSealer, values: Values) -> list[bytes]:
        record = run.record(index)
        try:
            if index in run.refused:
                raise NotARow(run.refused[index][0])
            if IN_TEXT.search(record):
                raise NotARow("token")  # whatever stands in evidence as a token is one that we made
            text = self._rows.protect(record, sealer, values)
            return [self._encoded(text) or b"\n"]  # of a record that was a byte-order mark alone
        except NotARow as exc:
            broken_off = index == run.partial and exc.code in ("fields", "quotes", "json")
            code = "truncated" if broken_off else exc.code
            values.found.clear()
            return write_unreadable(record, code, sealer, self._fmt)

    def _encoded(self, text: bytes) -> bytes:
        """Write a record so that its reader finds this text again, whatever encodings the feed has."""
        for encoding in (self._fmt.encoding, self._fmt.fallback_encoding):
            if encoding is None:
                continue
            try:
                written = text.decode().encode(encoding)
            except UnicodeEncodeError:
                continue
            if len(written) > RECORD_BYTES:
                raise NotARow("too-long")
            if recode(written, self._fmt) == text:
                return written
        raise NotARow("encoding")
