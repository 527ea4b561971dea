"""Four public sets of series in which people marked what is wrong, read into one shape.

Each file or site belongs, for ever, to one of two halves by its place in the alphabet: the first,
third, ... to the half on which thresholds are chosen, the others to the half that is reported.
Sandy Creek is one site: it is reported only, nothing is chosen on it.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from veracity.data.rules.readings import Bools, Ints, Readings, readings_of

FORMATS = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%d/%m/%Y %H:%M")
LOGAN = ("temp", "cond", "ph", "do", "turb", "stage")
NO_VALUE = -9999.0  # Logan River's, declared by its README


@dataclass(frozen=True)
class Series:
    """One property of one sensor with labels.

    Attributes
    ----------
    source, file, group
        The set; what the halves are made of; what results are given by (variable, sensor or family).
    rows
        (n,) int64: the place of each reading among the file's rows, ``n_rows`` of them. Rows without
        a value, or not newer than one before, are no readings.
    readings
        As a feed would bring them.
    label
        (n,) bool: held to be wrong by a person.
    kind
        (n,) text: the type of what is wrong, "" where the set gives none.
    is_reported
        In the half that is reported.
    windows
        NAB only: first and last row of each window.
    """

    source: str
    file: str
    group: str
    rows: Ints
    n_rows: int
    readings: Readings
    label: Bools
    kind: np.ndarray
    is_reported: bool
    windows: tuple[tuple[int, int], ...] = ()


def data_folder() -> Path:
    """Return the directory of the data sets, or leave with a message that says what to set."""
    default = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("VERACITY_DATA") or default)
    if not folder.is_dir():
        raise SystemExit(f"no labelled data: set VERACITY_DATA to a directory of the data sets, got {folder}")
    return folder


def files_of(folder: Path) -> dict[str, list[Path]]:
    """Return the files of each set that is present; a set that is absent is said on the screen."""
    wanted = {
        "lro_water_labelled": "*[0-9].parquet",
        "oddwater_sandy": "sandy.parquet",
        "skab": "skab.parquet",
        "nab": "*.*",
    }
    out = {name: sorted((folder / name).glob(pattern)) for name, pattern in wanted.items()}
    for name in (n for n, found in out.items() if not found):
        print(f"left out: {name}: no such data under VERACITY_DATA")
    return {name: found for name, found in out.items() if found}


def digest(files: dict[str, list[Path]]) -> str:
    """Return the SHA-256 of all files read, by name and bytes."""
    out = hashlib.sha256()
    for path in (p for found in files.values() for p in found):
        out.update(f"{path.parent.name}/{path.name}\n".encode())
        out.update(hashlib.sha256(path.read_bytes()).digest())
    return out.hexdigest()


def read_series(files: dict[str, list[Path]]) -> list[Series]:
    """Read all sets that are present."""
    readers = {"lro_water_labelled": _logan, "oddwater_sandy": _sandy, "skab": _skab, "nab": _nab}
    return [s for name, found in files.items() for s in readers[name](found)]


def _logan(files: list[Path]) -> Iterator[Series]:
    sites = sorted({p.stem[:-4] for p in files})
    for i, site in enumerate(sites):
        frames = [pl.read_parquet(p) for p in files if p.stem[:-4] == site]
        for name in LOGAN:
            frame = pl.concat(
                [
                    f.select(
                        time=_micros(f["datetime"]),
                        value=pl.col(name).cast(pl.Float64),
                        label=pl.col(f"{name}_qual").is_not_null(),
                    )
                    for f in frames
                ]
            )
            frame = frame.with_columns(pl.col("value").replace(NO_VALUE, None))
            yield _series("lro_water_labelled", site, name, frame, is_reported=i % 2 == 1)


def _sandy(files: list[Path]) -> Iterator[Series]:
    data = pl.read_parquet(files[0])
    for name in ("Level", "Cond", "Tur"):
        frame = data.select(
            time=_micros(data["Timestamp"]),
            value=name,
            label=pl.col(f"label_{name}") == 1,
            kind=pl.col(f"type_{name}").replace("0", ""),
        )
        yield _series("oddwater_sandy", "sandy", name, frame, is_reported=True)


def _skab(files: list[Path]) -> Iterator[Series]:
    data = pl.read_parquet(files[0])
    sensors = [n for n in data.columns if data.schema[n].is_float() and n not in ("anomaly", "changepoint")]
    for i, file in enumerate(sorted(data["file"].unique())):
        rows = data.filter(file=file)
        for name in sensors:
            frame = rows.select(
                time=_micros(rows["datetime"]),
                value=pl.col(name).cast(pl.Float64),
                label=pl.col("anomaly").fill_null(0) > 0,
            )
            yield _series("skab", file, name, frame, is_reported=i % 2 == 1)


def _nab(files: list[Path]) -> Iterator[Series]:
    by_name = {p.name: p for p in files}
    data = pl.read_parquet(by_name["nab_series.parquet"])
    windows = json.loads(by_name["combined_windows.json"].read_text())
    for i, file in enumerate(sorted(windows)):
        rows = data.filter(file=file)
        time = _micros(rows["timestamp"]).to_numpy()
        ends = [_micros(pl.Series(w)).to_list() for w in windows[file]]
        spans = tuple((int(np.argmax(time == a)), int(np.argmax(time == b))) for a, b in ends)
        label = np.zeros(len(time), dtype=np.bool_)
        for first, last in spans:
            label[first : last + 1] = True
        frame = rows.select(time=pl.Series(time), value="value", label=pl.Series(label))
        yield _series("nab", file, file.split("/")[0], frame, is_reported=i % 2 == 1, windows=spans)


def _series(
    source: str,
    file: str,
    group: str,
    frame: pl.DataFrame,
    *,
    is_reported: bool,
    windows: tuple[tuple[int, int], ...] = (),
) -> Series:
    """Keep the rows that a sequence rule sees: with a value, newer than all before."""
    if "kind" not in frame.columns:
        frame = frame.with_columns(kind=pl.lit(""))
    kept = frame.with_row_index("row").filter(pl.col("value").is_finite() & pl.col("time").is_not_null())
    kept = kept.filter(pl.col("time") > pl.col("time").cum_max().shift(1, fill_value=-(2**62)))
    sensor = np.zeros(kept.height, dtype=np.int64)
    return Series(
        source=source,
        file=file,
        group=group,
        rows=kept["row"].cast(pl.Int64).to_numpy(),
        n_rows=frame.height,
        readings=readings_of(sensor, kept["time"].to_numpy(), kept["value"].to_numpy()),
        label=kept["label"].to_numpy(),
        kind=kept["kind"].to_numpy(),
        is_reported=is_reported,
        windows=windows,
    )


def _micros(text: pl.Series) -> pl.Series:
    """Return times as Int64 microseconds, read in the first format that fits each."""
    found = [text.str.to_datetime(f, time_unit="us", strict=False) for f in FORMATS]
    return pl.select(pl.coalesce(*found)).to_series().to_physical()
