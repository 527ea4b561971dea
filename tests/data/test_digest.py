"""The digest of a frame: equal values, equal digest; any change, another."""

import hashlib
from datetime import UTC, date, datetime

import polars as pl
import pytest

from veracity.data.digest import frame_digest

FRAME = pl.DataFrame(
    {
        "s": ["a", None, "bc"],
        "i": [1, 2, None],
        "f": [0.5, None, -0.0],
        "b": [True, None, False],
        "t": pl.Series(
            [datetime(2026, 1, 1, tzinfo=UTC), None, datetime(2026, 1, 2, tzinfo=UTC)]
        ).dt.cast_time_unit("us"),
        "d": [date(2026, 1, 1), None, date(2026, 1, 2)],
        "l": [["x", "y"], [], ["z"]],
    }
)


def test_the_written_form_gives_the_digest() -> None:
    """The bytes of the docstring, spelled out by hand for two columns."""
    frame = pl.DataFrame({"s": ["a", None], "i": [1, -1]})
    text = b'{"columns":[["s","string"],["i","int64"]],"rows":2}\n'
    strings = b"\x01" + b"\x01\x00\x00\x00\x00\x00\x00\x00" + b"a"
    integers = b"\x03" + b"\x01" + b"\x00" * 7 + b"\xff" * 8
    assert frame_digest(frame) == hashlib.sha256(text + strings + integers).hexdigest()


def test_chunks_do_not_matter() -> None:
    """A frame in pieces has the digest of the whole."""
    pieces = pl.concat([FRAME[:1], FRAME[1:]], rechunk=False)
    assert frame_digest(pieces) == frame_digest(FRAME)


@pytest.mark.parametrize("column", FRAME.columns)
def test_every_column_counts(column: str) -> None:
    """Reversing one column's values changes the digest; so does its name."""
    assert frame_digest(FRAME.with_columns(pl.col(column).reverse())) != frame_digest(FRAME)
    assert frame_digest(FRAME.rename({column: "other"})) != frame_digest(FRAME)


def test_null_is_not_zero_and_text_does_not_run_together() -> None:
    """Null and zero, and ['ab', ''] and ['a', 'b'], differ."""
    assert frame_digest(pl.DataFrame({"i": [0]})) != frame_digest(
        pl.DataFrame({"i": pl.Series([None], dtype=pl.Int64)})
    )
    assert frame_digest(pl.DataFrame({"s": ["ab", ""]})) != frame_digest(pl.DataFrame({"s": ["a", "b"]}))


def test_the_two_zeros_are_one() -> None:
    """Engines differ in the sign of zero; the digest does not."""
    assert frame_digest(pl.DataFrame({"f": [-0.0]})) == frame_digest(pl.DataFrame({"f": [0.0]}))


def test_names_of_an_enum_do_not_run_together() -> None:
    """One name with a comma is not two names; more names than a byte counts are refused."""
    one, two = (pl.Series([None], dtype=pl.Enum(n)).to_frame("e") for n in (["a,b"], ["a", "b"]))
    assert frame_digest(one) != frame_digest(two)
    names = [str(i) for i in range(257)]
    assert frame_digest(pl.Series(["255"], dtype=pl.Enum(names[:256])).to_frame("e"))
    with pytest.raises(TypeError, match="at most 256"):
        frame_digest(pl.Series(["256"], dtype=pl.Enum(names)).to_frame("e"))
