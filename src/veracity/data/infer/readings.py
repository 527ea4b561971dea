"""The values of one column of text: numbers, what stands for "no value", whole numbers, choices."""

import re
from dataclasses import dataclass, field

import polars as pl

from veracity.data.infer.names import words
from veracity.data.render import as_text

TOKENS = (
    *(
        "NA",
        "N/A",
        "n/a",
        "na",
        "NULL",
        "null",
        "None",
        "none",
        "NaN",
        "nan",
        "NAN",
        "-nan",
        "-",
        "--",
        "---",
    ),
    *(
        "?",
        ".",
        "*",
        "#N/A",
        "#DIV/0!",
        "\\N",
        "nil",
        "missing",
        "Missing",
        "undefined",
        "unknown",
        "invalid",
    ),
)
_PLAIN_TOKENS = 12
_MOSTLY = 0.95
_NAMELIKE = re.compile(
    r"(^|_)(id|ids|code|station|sensor|device|uuid|guid|imei|serial|segment|gauge|node|route|no|nr)($|_)"
)


@dataclass(frozen=True)
class Column:
    """One column of the source, looked at.

    Attributes
    ----------
    text
        (n,) values as text, stripped; null where absent or a token of ``missing``.
    type
        ``number``, ``integer``, ``boolean`` or ``string``; times are looked for elsewhere.
    numbers
        (n,) Float64 of a number or integer; else None.
    missing
        Texts that stand for "no value", and how often each is there.
    is_name
        Its values name things, even if they are digits.
    """

    header: str
    native: pl.DataType
    text: pl.Series
    type: str
    numbers: pl.Series | None = None
    decimal: str = "."
    missing: dict[str, int] = field(default_factory=dict)
    is_name: bool = False
    why: tuple[str, ...] = ()

    @property
    def why_missing(self) -> tuple[str, ...]:
        """What is taken for no value, counted; () if nothing is."""
        if not self.missing:
            return ()
        counted = ", ".join(f"{token!r} {n:,} times" for token, n in self.missing.items())
        return (f"no value (likely): {counted}",)

    @property
    def n_present(self) -> int:
        """Number of values."""
        return self.text.len() - self.text.null_count()


def read_column(series: pl.Series) -> Column:
    """Look at one column: what its values are, and which of them stand for none."""
    text = as_text(series).cast(pl.String).str.strip_chars().alias(series.name)
    text = pl.select(pl.when(text != "").then(text)).to_series().alias(series.name)
    counted = _counts(text)
    missing = {t: n for t in TOKENS if (n := counted.get(t, 0))}
    text = _without(text, missing)
    name = words(series.name)
    if series.dtype == pl.Boolean or _are(counted, missing, ("true", "false")):
        return Column(
            series.name, series.dtype, text, "boolean", missing=missing, why=("true and false only",)
        )
    found = _numbers(text)
    if found is None:
        return Column(series.name, series.dtype, text, "string", missing=missing)
    numbers, decimal, odd = found
    missing |= odd
    text = _without(text, odd)
    present = numbers.drop_nulls()
    is_whole = bool((present == present.floor()).all())
    padded = bool(text.str.contains(r"^-?0[0-9]").any())
    if padded or (is_whole and _NAMELIKE.search(name) is not None and not series.dtype.is_float()):
        why = "leading zeros" if padded else f"whole numbers, but {series.name!r} says that they are names"
        is_number = series.dtype.is_integer() and not padded
        kind = "integer" if is_number else "string"
        return Column(
            series.name,
            series.dtype,
            text,
            kind,
            numbers if is_number else None,
            missing=missing,
            is_name=True,
            why=(why,),
        )
    notes = [f"{_share(numbers, text)} read as numbers"]
    if decimal == ",":
        notes.append("decimal comma (sure): values such as " + _example(text, ","))
    is_switch = is_whole and set(present.unique().to_list()) <= {0.0, 1.0}
    kind = "integer" if is_whole and (is_switch or not series.dtype.is_float()) else "number"
    return Column(series.name, series.dtype, text, kind, numbers, decimal, missing, why=tuple(notes))


def _counts(text: pl.Series) -> dict[str, int]:
    return dict(text.drop_nulls().value_counts(sort=True).head(1_000).iter_rows())


def _are(counted: dict[str, int], missing: dict[str, int], allowed: tuple[str, ...]) -> bool:
    values = {t.lower() for t in counted} - {t.lower() for t in missing}
    return bool(values) and values <= set(allowed)


def _without(text: pl.Series, tokens: dict[str, int]) -> pl.Series:
    if not tokens:
        return text
    return pl.select(pl.when(~text.is_in(list(tokens))).then(text)).to_series().alias(text.name)


def _numbers(text: pl.Series) -> tuple[pl.Series, str, dict[str, int]] | None:
    """Read a column as numbers, with a point or a comma; None unless most are.

    Returns
    -------
    numbers, decimal, odd
        ``odd``: a few texts that are no numbers and come again and again.
    """
    n = text.len() - text.null_count()
    if n == 0:
        return None
    best: tuple[pl.Series, str] | None = None
    for decimal in (".", ","):
        plain = text if decimal == "." else text.str.replace(",", ".", literal=True)
        number = plain.cast(pl.Float64, strict=False)
        number = pl.select(pl.when(number.is_finite()).then(number)).to_series()
        if best is None or number.count() > best[0].count():
            best = (number, decimal)
    assert best is not None, "the loop ran"
    number, decimal = best
    rest = text.filter(number.is_null() & text.is_not_null())
    repeated = rest.value_counts(sort=True).filter(pl.col("count") >= 3)
    odd = dict(sorted(repeated.iter_rows())) if 0 < repeated.height <= 3 and number.count() > 0.5 * n else {}
    odd = {t: k for t, k in odd.items() if len(t) <= _PLAIN_TOKENS}
    if number.count() + sum(odd.values()) < _MOSTLY * n:
        return None
    return number, decimal, odd


def _share(numbers: pl.Series, text: pl.Series) -> str:
    n, k = text.len() - text.null_count(), numbers.count()
    return "all values" if n == k else f"{k:,} of {n:,} values"


def _example(text: pl.Series, part: str) -> str:
    found = text.filter(text.str.contains(part, literal=True)).head(1)
    return repr(found[0]) if found.len() else repr(part)
