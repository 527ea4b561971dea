"""Files in: what a file is, and its content part by part."""

from veracity.feeds.file_info import FileInfo, FileKind, inspect
from veracity.feeds.parquet_parts import ParquetPart, iter_parquet_parts, rows_of_part
from veracity.feeds.text_parts import TextPart, iter_parts

__all__ = [
    "FileInfo",
    "FileKind",
    "ParquetPart",
    "TextPart",
    "inspect",
    "iter_parquet_parts",
    "iter_parts",
    "rows_of_part",
]
