"""Names of columns and feeds made from what a source calls them."""

import re
import unicodedata
from collections.abc import Iterable

_RESERVED = {"reasons"}
_EXTENSION = re.compile(r"(\.(csv|tsv|ndjson|jsonl|parquet))?(\.gz)?$", re.IGNORECASE)


def field_name(header: str, taken: Iterable[str] = ()) -> str:
    """Return a name that a contract allows: snake_case ASCII, at most 63 characters, not among ``taken``.

    Examples
    --------
    >>> [field_name(h) for h in ("CO(GT)", "PM2.5", "Volume Flow RateRMS", "Nhiệt độ", "2nd", "#3")]
    ['co_gt', 'pm25', 'volume_flow_rate_rms', 'nhiet_do', 'c_2nd', 'column_3']
    """
    name = words(header)
    if re.fullmatch(r"#\d+", header):
        name = "column_" + header[1:]
    elif not name or not name[0].isalpha():
        name = f"c_{name}".rstrip("_")
    name = name[:63].rstrip("_")
    used = {t.lower() for t in taken} | _RESERVED
    unique, n = name, 1
    while unique in used:
        n += 1
        unique = f"{name[: 62 - len(str(n))]}_{n}"
    return unique


def words(text: str) -> str:
    """Return text as lower-case ASCII words joined by ``_``; "PM2.5" is one word, ``pm25``."""
    plain = unicodedata.normalize("NFKD", text.replace("đ", "d").replace("Đ", "D").replace("µ", "u"))
    plain = plain.encode("ascii", "ignore").decode()
    plain = re.sub(r"(?<=[A-Za-z]\d)[.,_](?=5\b|5_)", "", plain)  # PM2.5
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=\d)(?=[A-Z]{2})|(?<=[A-Z])(?=[A-Z][a-z]{2})", "_", plain)
    return re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")


def feed_name(file: str) -> str:
    """Return the feed's name that a file's name suggests: ``[a-z0-9-]``, at most 64 characters.

    Examples
    --------
    >>> feed_name("Beach_Water 2014.csv.gz")
    'beach-water-2014'
    """
    name = words(_EXTENSION.sub("", file)).replace("_", "-")[:64].strip("-")
    return name or "feed"
