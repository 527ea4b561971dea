"""One dirty CSV made of real rows: every kind of dirt that real files hold, each at a known line."""

import csv
import gzip
import io
from datetime import UTC, datetime
from pathlib import Path

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: dirty
name: Real rows, made dirty
version: 1.0.0
status: active
servers:
  - {server: file, type: local, format: csv, delimiter: ";", encoding: utf-8}
schema:
  - name: observations
    logicalType: object
    properties:
      - name: observed_at
        physicalName: Time
        logicalType: timestamp
        primaryKey: true
        logicalTypeOptions: {timezone: false, defaultTimezone: Etc/GMT-1, format: "dd/MM/yyyy HH.mm.ss"}
        customProperties:
          - {property: formats, value: ["MMM d yyyy h:mm a"]}
          - {property: aliases, value: [Timestamp]}
      - name: co
        physicalName: CO(GT)
        logicalType: number
        logicalTypeOptions: {minimum: 0, maximum: 50000}
        customProperties:
          - {property: unit, value: ug/m3}
          - {property: sourceUnit, value: mg/m3}
          - {property: decimal, value: ","}
          - {property: aliases, value: [CO]}
      - name: no2
        physicalName: NO2(GT)
        logicalType: number
        logicalTypeOptions: {minimum: 0, maximum: 1000}
        customProperties: [{property: unit, value: ug/m3}, {property: aliases, value: [NO2]}]
      - name: temperature
        physicalName: T
        logicalType: number
        logicalTypeOptions: {minimum: -20, maximum: 50}
        customProperties:
          - {property: unit, value: Cel}
          - {property: decimal, value: ","}
          - {property: aliases, value: [Temp]}
      - {name: site, physicalName: Site, logicalType: string}
    customProperties:
      - {property: missing, value: ["", NA, "-200", "-"]}
"""

SITE = "Città di Milano"
N_LINES = 37


def real_rows(file: Path, n: int) -> list[dict[str, str]]:
    """Return the first rows of the UCI file as text."""
    text = io.StringIO(gzip.decompress(file.read_bytes()).decode("ascii"), newline="")
    return [row for _, row in zip(range(n), csv.DictReader(text, delimiter=";"), strict=False)]


def dirty_csv(rows: list[dict[str, str]]) -> bytes:
    """Make the file; ``test_dirty_file.py`` says what must become of each line."""
    out: list[bytes] = []

    def add(line: str, encoding: str = "utf-8") -> None:
        out.append(line.encode(encoding) + b"\r\n")

    add("\ufeffTime;CO(GT);NO2(GT);T;Site;")  # 1: byte-order mark, an empty trailing column
    for row in rows[:10]:  # 2 to 11: as published; row 9 has -200 for NO2
        add(f"{_published(row)};{row['CO(GT)']};{row['NO2(GT)']};{row['T']};{SITE};")
    for row in reversed(rows[10:15]):  # 12 to 16: newest first, another shape of time, another encoding
        add(f"{_american(row)};{row['CO(GT)']};{row['NO2(GT)']};{row['T']};{SITE};", "windows-1252")
    first = rows[3]
    add(f"{_published(first)};{first['CO(GT)']};{first['NO2(GT)']};{first['T']};{SITE};")  # 17: line 5 again
    add(f"{_published(rows[4])};9,9;1;1,0;{SITE};")  # 18: line 6's hour with other values
    add(f"{_published(rows[15])};NA;-;{rows[15]['T']};{SITE};")  # 19: two more tokens for missing
    add("11/03/2004 09.30.00;2,2;110")  # 20: too few fields
    add(f"11/03/2004 09.30.00;2,2;110;11,2;{SITE};;one too many")  # 21
    out.append(b"11/03/2004 09.30.00;2,2;110;11,2;\x81\xff Milano;\r\n")  # 22: in neither encoding
    add(";;;;;")  # 23: blank
    add("")  # 24: empty
    add("Site;Timestamp;Temp;NO2;CO")  # 25: another header: other names, other order, no trailing column
    for row in rows[16:21]:  # 26 to 30: a third shape of time
        add(f"{SITE};{_iso(row)};{row['T']};{row['NO2(GT)']};{row['CO(GT)']}")
    add(f"{SITE};yesterday;10,0;50;1,0")  # 31: no time
    add(f"{SITE};2004-03-12T12:00:00Z;10,0 C;50;1,0")  # 32: no number
    add(f"{SITE};2004-03-12T13:00:00Z;10,0;50;99,0")  # 33: out of range in the table's unit
    add(f"{SITE};;10,0;5000;1,0")  # 34: no time at all, and out of range: two reasons
    add(f'"{SITE};2004-03-12T14:00:00Z;10,0;50;1,0')  # 35: a quote that nothing closes
    add("Site;Timestamp;Temp;NO2;CO")  # 36: the header once more
    out.append(f"{SITE};2004-03-12T15:00:00Z;10,".encode())  # 37: cut off
    return b"".join(out)


def _published(row: dict[str, str]) -> str:
    return f"{row['Date']} {row['Time']}"


def _american(row: dict[str, str]) -> str:
    stamp = _local(row)
    return f"{stamp:%b} {stamp.day} {stamp.year} {stamp.hour % 12 or 12}:{stamp:%M} {stamp:%p}"


def _iso(row: dict[str, str]) -> str:
    return f"{_local(row).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _local(row: dict[str, str]) -> datetime:
    return datetime.strptime(_published(row) + "+0100", "%d/%m/%Y %H.%M.%S%z")
