"""Write the vectors of rows beside their records: ``python tests/vectors/make_rows.py``.

Each is a record, the contract that it came under, and the row that Python makes of it. The portal reads the
record by itself and must find the same row, in the columns that it says it compared; see
``web/portal/test/rows.test.ts``.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from veracity.data.clean import clean
from veracity.data.contract import parse_contract
from veracity.data.csv_cells import write_cell
from veracity.data.errors import DataError
from veracity.data.records import parse_one
from veracity.data.reexecution import json_row, source_types, text_format

PATH = Path(__file__).parent / "rows" / "rows.json"
RECEIVED = datetime(2026, 9, 30, tzinfo=UTC)
SEED = 20261128
EACH = 24  #: records of one kind of contract


def custom(**properties: Any) -> list[dict[str, Any]]:
    """Custom properties as ODCS writes them."""
    return [{"property": name, "value": value} for name, value in properties.items()]


def column(name: str, kind: str, **more: Any) -> dict[str, Any]:
    """One property of a contract."""
    return {"name": name, "logicalType": kind, **more}


NUMBERS = [
    "0",
    "-0",
    "12.5",
    " 7 ",
    "1e3",
    "-3.25E-2",
    "+4.",
    ".5",
    "0.1",
    "98.6",
    "",
    "NA",
    "1234567.891",
    "2",
]
TEXTS = [
    "AQ1",
    ' "AQ" 1',
    "a,b;c",
    "two\nlines",
    'say ""no""',
    "NA",
    "",
    " \t",
    "\u00a0Đà Nẵng\u3000",
    "\u0085x",
    "1",
]
LOCAL = [
    "2026-09-01 07:30",
    "2026-09-01T07:30:15",
    "2026-09-01 07:30:15.25",
    "NA",
    "",
    " 2026-02-28T23:59:59.999999 ",
]
ZONED = ["2026-09-01T07:30:15Z", "2026-09-01 07:30:15.123456+07:00", "2026-09-01T00:00:00-0330", "NA"]
DAY_FIRST = ["01/09/2026 07:30", "31/12/2025 23:59", "29/02/2024 00:00", "1/9/2026 7:30", "01/09/2026 7:30"]
MONTH_FIRST = [
    "09/01/2026 07:30:15 AM",
    "12/31/2025 12:00:00 PM",
    "12/31/2025 12:59:59 AM",
    "02/29/2024 11:00:01 pm",
]
DAYS = ["01/09/2026", "29/02/2024", "1/9/2026", "2026-09-01", "NA", "", "2026-09-01T00:00:00Z"]
HANOI = {"defaultTimezone": "Asia/Ho_Chi_Minh"}
#: Clocks that are put forward and back: before, in what is left out or comes twice, and after.
EUROPE = [
    "2026-03-29 01:59:59",
    "2026-03-29 02:00",
    "2026-03-29 03:00",
    "2026-10-25 01:59",
    "2026-10-25 02:00",
    "2026-10-25 02:59:59.999999",
    "2026-10-25 03:00",
    "2007-07-01 12:00",
    "2037-12-31 23:59",
]
AMERICA = ["2026-03-08 01:59", "2026-03-08 03:00", "2026-11-01 01:00", "2026-11-01 01:59", "2026-11-01 02:00"]
SOUTH = ["2026-04-05 01:59", "2026-04-05 02:30", "2026-04-05 03:00", "2026-10-04 01:59", "2026-10-04 03:00"]
NAMED = ["01-Sep-2026 07:30", "29-FEB-2024 00:00", "31-may-2025 23:59", "1-Sep-2026 7:30"]
SHORT = ["01/09/26 07:30", "31/12/69 23:59", "01/01/70 00:00", "29/02/00 12:00", "15/06/99 06:06"]
#: Encodings of contracts, and the other one; where it is an ellipsis the contract does not say it.
ENCODINGS: Sequence[tuple[str, Any]] = (
    ("utf-8", ...),
    ("utf-8", None),
    ("ISO-8859-1", None),
    ("latin1", "windows-1252"),
    ("windows-1252", "latin-1"),
    ("cp1258", None),
    ("ascii", "windows-1251"),
    ("iso-8859-15", ...),
    ("cp874", "UTF8"),
    ("gbk", None),
)
BYTES_EACH = 40  #: records of one encoding

#: A property, where its value may stand, and what may stand there.
COLUMNS: Sequence[tuple[dict[str, Any], Sequence[str], Sequence[str]]] = (
    (column("station", "string"), ["station"], TEXTS),
    (
        column("name", "string", physicalName="Name", customProperties=custom(aliases=["Tên", "nama"])),
        ["Name", "Tên", "nama"],
        TEXTS,
    ),
    (
        column("pm", "number", customProperties=custom(unit="ug/m3", aliases=["PM2.5", "pm25"])),
        ["pm", "PM2.5", "pm25"],
        NUMBERS,
    ),
    (column("heat", "number", customProperties=custom(unit="Cel", sourceUnit="[degF]")), ["heat"], NUMBERS),
    (
        column("dust", "number", customProperties=custom(unit="ug/m3", sourceUnit="mg/m3", decimal=",")),
        ["dust"],
        ["0,25", "1.5", "1,5e2", "-7", "", "NA", "0,1"],
    ),
    (column("odd", "number", customProperties=custom(unit="Cel", sourceUnit="[degR]")), ["odd"], NUMBERS),
    (
        column("cars", "integer"),
        ["cars"],
        ["0", "17", "3.0", " 4 ", "", "NA", "9007199254740993", "-12", "1e3"],
    ),
    (
        column("wait", "integer", customProperties=custom(unit="s", sourceUnit="min")),
        ["wait"],
        ["0", "3", "2.0", ""],
    ),
    (
        column("whole", "integer", customProperties=custom(unit="min", sourceUnit="s")),
        ["whole"],
        ["0", "30", "90", "100", "119"],
    ),
    (
        column("level", "number", customProperties=custom(missing=["-", -999])),
        ["level"],
        ["-", "-999", "-999.0", "-9.99e2", "", "2.5", "NA1"],
    ),
    (column("open", "boolean"), ["open"], ["true", "FALSE", "Yes", "n", "1", "0", "", "NA", "t"]),
    (column("at", "timestamp"), ["at"], [*ZONED, *LOCAL]),
    (column("there", "timestamp", logicalTypeOptions=HANOI), ["there"], [*ZONED, *LOCAL]),
    (
        column("then", "timestamp", logicalTypeOptions={"defaultTimezone": "Europe/Berlin"}),
        ["then"],
        [*EUROPE, *LOCAL],
    ),
    (
        column("west", "timestamp", logicalTypeOptions={"defaultTimezone": "America/New_York"}),
        ["west"],
        AMERICA,
    ),
    (
        column("south", "timestamp", logicalTypeOptions={"defaultTimezone": "Australia/Sydney"}),
        ["south"],
        SOUTH,
    ),
    (
        column("far", "timestamp", logicalTypeOptions={"defaultTimezone": "America/Santiago"}),
        ["far"],
        LOCAL,
    ),
    (
        column("named", "timestamp", logicalTypeOptions={"format": "dd-MMM-yyyy HH:mm", **HANOI}),
        ["named"],
        [*NAMED, *LOCAL],
    ),
    (
        column("short", "timestamp", logicalTypeOptions={"format": "dd/MM/yy HH:mm"}),
        ["short"],
        [*SHORT, *LOCAL],
    ),
    (
        column("short_date", "date", logicalTypeOptions={"format": "d MMM yy"}),
        ["short_date"],
        ["1 Sep 26", "01 SEP 99", "29 feb 00", "31 Dec 69", "NA", "2026-09-01"],
    ),
    (
        column("day_first", "timestamp", logicalTypeOptions={"format": "dd/MM/yyyy HH:mm", **HANOI}),
        ["day_first"],
        [*DAY_FIRST, *ZONED, *LOCAL],
    ),
    (
        column(
            "either",
            "timestamp",
            logicalTypeOptions={"format": "dd/MM/yyyy HH:mm"},
            customProperties=custom(formats=["MM/dd/yyyy hh:mm:ss a", "yyyyMMdd HHmm"]),
        ),
        ["either"],
        [*DAY_FIRST, *MONTH_FIRST, "20260901 0730", "13/09/2026 25:00"],
    ),
    (
        column("odd_shape", "timestamp", logicalTypeOptions={"format": "d MMM yy HH:mm"}),
        ["odd_shape"],
        ["1 Sep 26 07:30", *LOCAL],
    ),
    (
        column("micro", "timestamp", logicalTypeOptions={"format": "yyyy-MM-dd'T'HH:mm:ss.SSSXXX"}),
        ["micro"],
        ["2026-09-01T07:30:15.125+07:00", *ZONED],
    ),
    (column("date", "date"), ["date"], ["2026-09-01", "2024-02-29", "NA", "", "2026-09-01T00:00:00Z"]),
    (column("date_first", "date", logicalTypeOptions={"format": "dd/MM/yyyy"}), ["date_first"], DAYS),
    (
        column("joined", "timestamp", transformSourceObjects=["Date", "Time"], logicalTypeOptions=HANOI),
        ["Date", "Time"],
        [],
    ),
    (
        column("secret_like", "number", quality=[{"metric": "nullValues", "mustBe": 0}]),
        ["secret_like"],
        ["1", "2.5"],
    ),
)


def contract(
    columns: Sequence[dict[str, Any]], kind: str, delimiter: str, encoding: str = "", other: Any = ...
) -> str:
    """Return a contract, JSON as YAML takes it."""
    document = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "rows",
        "name": "Rows (simulated)",
        "version": "1.0.0",
        "status": "active",
        "tags": ["simulated"],
        "servers": [{"server": "file", "type": "local", "format": kind, "delimiter": delimiter}],
        "schema": [{"name": "rows", "logicalType": "object", "properties": list(columns)}],
    }
    if kind != "csv":
        del document["servers"][0]["delimiter"]  # type: ignore[attr-defined]
    if encoding:
        document["servers"][0]["encoding"] = encoding  # type: ignore[index]
    if other is not ...:
        document["servers"][0]["customProperties"] = custom(fallbackEncoding=other)  # type: ignore[index]
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def members(random: Random, chosen: Sequence[Any], *, as_json: bool) -> dict[str, Any]:
    """Return a record's members: of each column a value under one of its names, or under several."""
    found: dict[str, Any] = {}
    for one, names, values in chosen:
        if not values:
            found |= {names[0]: "2026-09-01", names[1]: random.choice(["07:30", "07:30:15", ""])}
            continue
        for name in random.sample(names, random.choice([1, 1, 1, len(names)])):
            text = random.choice(values)
            found[name] = _native(random, text, one["logicalType"]) if as_json else text
    return found


def _native(random: Random, text: str, kind: str) -> Any:
    """Sometimes a JSON number, a truth value or nothing, where a text could be read so."""
    if random.random() < 0.1:
        return None
    if kind == "number" and text.strip() in ("12.5", "0.1", "98.6", "2", "2.5") and random.random() < 0.7:
        return float(text)
    if kind == "boolean" and text == "true":
        return True
    return text


def vector(made: str, kind: str, delimiter: str, found: dict[str, Any]) -> dict[str, Any] | None:
    """Return a record with the row that it gives; None if it gives none."""
    columns = tuple(found) if kind == "csv" else None
    if kind == "csv":
        text = delimiter.join(write_cell(value, delimiter) for value in found.values()) + "\n"
    else:
        text = json.dumps(found, ensure_ascii=False) + "\n"
    row = row_of(made, kind, columns, text.encode())
    return None if row is None else {"text": text, "columns": columns, "row": row}


def row_of(made: str, kind: str, columns: tuple[str, ...] | None, data: bytes) -> dict[str, Any] | None:
    """Return the row that a record's bytes give; None if they give none."""
    read = parse_contract(made.encode())
    layout = columns or tuple(sorted(read.source_names))
    try:
        raw = parse_one(data, text_format(read, kind), layout, read.source_names, source_types(read))
        rows = clean(raw, read, RECEIVED, by_itself=True).accepted.drop("_record")
    except DataError:
        return None
    return json_row(rows.row(0, named=True)) if rows.height == 1 else None


def vectors() -> list[dict[str, Any]]:
    """All of them, by contract."""
    random = Random(SEED)  # noqa: S311 - no secret is drawn
    made = []
    for n in range(18):
        kind, delimiter = ("ndjson", ",") if n % 3 == 2 else ("csv", ",;"[n % 2])
        chosen = [one for one in COLUMNS if n == 0 or random.random() < 0.5] or list(COLUMNS[:1])
        text = contract([one for one, _, _ in chosen], kind, delimiter)
        records = []
        for _ in range(EACH):
            found = vector(text, kind, delimiter, members(random, chosen, as_json=kind != "csv"))
            if found is not None:
                records.append(found)
        made.append({"contract": text, "records": records})
    return made


def of_bytes() -> list[dict[str, Any]]:
    """Vectors of records in other encodings: ``raw`` has each of their bytes as one character."""
    random = Random(SEED)  # noqa: S311 - no secret is drawn
    columns = [column("station", "string"), column("pm", "number")]
    made = []
    for encoding, other in ENCODINGS:
        text = contract(columns, "csv", ",", encoding, other)
        records = []
        for _ in range(BYTES_EACH):
            name = bytes(random.choice(b"Da \x80") | random.randrange(128) * (n % 2) for n in range(4))
            data = (
                b"AQ"
                + name.translate(None, b'\n\r,"')
                + random.choice([b"", b"\xe9", "ẵ".encode()])
                + b",2.5\n"
            )
            row = row_of(text, "csv", ("station", "pm"), data)
            if row is not None:
                records.append({"raw": data.decode("latin-1"), "columns": ["station", "pm"], "row": row})
        made.append({"contract": text, "records": records})
    return made


def written(all_of_them: list[dict[str, Any]]) -> str:
    """Return the file's text."""
    return json.dumps({"vectors": all_of_them}, ensure_ascii=False, indent=None, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    PATH.write_text(written([*vectors(), *of_bytes()]), encoding="utf-8")
