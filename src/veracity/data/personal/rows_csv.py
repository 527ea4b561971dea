"""CSV records with their personal cells encrypted; all that stays in clear keeps its bytes."""

from dataclasses import dataclass

from veracity.data.contract_field import Field
from veracity.data.csv_cells import (
    UnpairedQuote,
    cell_spans,
    read_cell,
    split_cells,
    strip_newline,
    write_cell,
)
from veracity.data.csv_header import column_names, is_header
from veracity.data.errors import WrongFile
from veracity.data.personal.columns import Columns, is_absent
from veracity.data.personal.token import OTHER, Sealer
from veracity.data.personal.values import NotARow, Values


@dataclass(frozen=True)
class _Layout:
    """The columns in force: for each what it is, and whether it is in clear."""

    fields: tuple[Field | None, ...]
    in_clear: tuple[bool, ...]


class CsvRows:
    """Protects the records of one CSV file, in order: a header holds for what follows it.

    Which record is a header, blank or unreadable is told as ``parse_csv`` tells it.
    """

    def __init__(self, columns: Columns, separator: str) -> None:
        self._columns, self._separator, self._sep = columns, separator, separator.encode()
        self._layout: _Layout | None = None
        self.at_header = False  #: whether the record read last is one
        self._headers: dict[tuple[str, ...], bytes] = {}  # as written, by what they name

    def go_on_under(self, names: tuple[str, ...]) -> None:
        """Read what comes under columns that were named before: of a file of which a part is looked at."""
        self._headers[names] = b""
        self._set_layout(names)

    def protect(self, record: bytes, sealer: Sealer, values: Values) -> bytes:
        """Return a record (UTF-8) protected; ``values`` takes what was personal in it.

        Raises
        ------
        NotARow
            If it gives no row: it must be encrypted whole.
        """
        self.at_header = False
        content = strip_newline(record)
        newline = record[len(content) :]
        if not record.translate(None, self._sep + b' \t\r\n"'):
            # One line without quotes: a quote that opens nothing here might, with what follows it now.
            return content.translate(None, b'\r\n"') + newline
        try:
            cells = split_cells(content, self._sep)
        except UnpairedQuote:
            raise NotARow("quotes") from None
        if self._layout is None or is_header(cells, self._headers.keys(), self._columns.known):
            self.at_header = True
            return self._header(cells, sealer) + newline
        return self._row(content, cells, self._layout, sealer, values) + newline

    def _row(
        self, content: bytes, cells: list[str], layout: _Layout, sealer: Sealer, values: Values
    ) -> bytes:
        width = len(layout.fields)
        if len(cells) < width or any(cell.strip(" \t") for cell in cells[width:]):
            raise NotARow("fields")
        out = []
        for i, (start, end) in enumerate(cell_spans(content, self._sep)):
            if i >= width or layout.in_clear[i] or is_absent(cells[i], layout.fields[i]):
                out.append(content[start:end])
                continue
            f = layout.fields[i]
            text = read_cell(content[start:end])
            token = sealer.seal(OTHER if f is None else f.name, text.encode())
            values.add(f, text)
            out.append(write_cell(token, self._separator).encode())
        return self._sep.join(out)

    def _header(self, cells: list[str], sealer: Sealer) -> bytes:
        """Write a header: names that the contract knows in clear, the others encrypted together."""
        names = column_names(cells)
        if any("\r" in name for name in names):
            raise WrongFile("records: want lines that end in LF or CRLF, got CR alone")
        if names not in self._headers:
            said = [cell.strip(" \t") for cell in cells[: len(names)]]  # a name given twice is still known
            strange = [name for name in said if name and name not in self._columns.known]
            token = sealer.seal_names(strange) if strange else ""
            written = []
            for i, name in enumerate(said):
                if not name or name in self._columns.known:
                    written.append(write_cell(name, self._separator))
                else:
                    written.append(write_cell(token or f"encrypted-{i + 1}", self._separator))
                    token = ""
            self._headers[names] = self._sep.join(cell.encode() for cell in written)
        self._set_layout(names)
        return self._headers[names]

    def _set_layout(self, names: tuple[str, ...]) -> None:
        self._layout = _Layout(
            tuple(self._columns.personal.get(name) for name in names),
            tuple(name in self._columns.clear for name in names),
        )
