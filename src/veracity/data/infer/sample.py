"""What guesses are made from: some records of some files, and how the files are written."""

from dataclasses import dataclass, field

import polars as pl

from veracity.data.text import TextFormat


@dataclass(frozen=True)
class Sample:
    """Records of one or more files of one shape.

    Attributes
    ----------
    kind
        ``csv``, ``ndjson`` or ``parquet``.
    frame
        The source's columns as received: text, or the native types of a columnar file.
    block
        (n,) Int64: records with one number stood one after another in a file. Between blocks there
        may be a gap.
    is_whole
        Whether ``frame`` holds every record of every file.
    files
        The files' names, without folders.
    format, why_format
        How text is written, and what led to it; None for columnar files.
    """

    kind: str
    frame: pl.DataFrame
    block: pl.Series
    is_whole: bool
    files: tuple[str, ...]
    format: TextFormat | None = None
    why_format: tuple[str, ...] = field(default=())
