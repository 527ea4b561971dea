"""Checkpoints: one text for one tree."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veracity.log.checkpoints import Checkpoint, parse_checkpoint
from veracity.log.errors import MalformedCheckpoint
from veracity.log.merkle import EMPTY_ROOT

ROOT = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
EMPTY = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


@given(st.integers(1, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_round_trip(size: int, root: bytes) -> None:
    """Any tree is written and read back."""
    checkpoint = Checkpoint("example.org/city", size, root)
    assert parse_checkpoint(checkpoint.format()) == checkpoint


def test_extension_lines_are_kept() -> None:
    """Extension lines are allowed and survive, though we never write any."""
    text = f"o\n7\n{ROOT}\nmore\n"
    assert parse_checkpoint(text).extensions == ("more",)
    assert parse_checkpoint(text).format() == text


def test_the_empty_tree() -> None:
    """Size 0 has the root of nothing and no other."""
    assert parse_checkpoint(f"o\n0\n{EMPTY}\n").root == EMPTY_ROOT
    with pytest.raises(MalformedCheckpoint):
        parse_checkpoint(f"o\n0\n{ROOT}\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "o\n",
        f"o\n7\n{ROOT}",
        f"\n7\n{ROOT}\n",
        f"o\n07\n{ROOT}\n",
        f"o\n+7\n{ROOT}\n",
        f"o\n-7\n{ROOT}\n",
        f"o\n 7\n{ROOT}\n",
        f"o\n\u0667\n{ROOT}\n",
        f"o\n9223372036854775808\n{ROOT}\n",
        f"o\n{'9' * 5000}\n{ROOT}\n",
        f"o\n\n{ROOT}\n",
        f"o\n7\n{ROOT[:-1]}\n",
        f"o\n7\n{ROOT[:-2]}B=\n",
        f"o\n7\n{ROOT.replace('A', '-', 1)}\n",
        f"o\n7\n{ROOT} \n",
        "o\n7\nAAAA\n",
        f"o\n7\n{ROOT}\n\n",
        f"o\r\n7\n{ROOT}\n",
    ],
)
def test_malformed_checkpoints(text: str) -> None:
    """Leading zeros, other digits, short roots, base64 with stray bits: each is refused."""
    with pytest.raises(MalformedCheckpoint):
        parse_checkpoint(text)
