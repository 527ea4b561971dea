"""Signatures are verified alike here and in other processes, and when those end."""

from collections.abc import Iterator

import pytest

from small_city import key
from veracity.home.live.verifying import Claim, Verifiers, verify_here


@pytest.fixture
def verifiers() -> Iterator[Verifiers]:
    made = Verifiers(2)
    yield made
    made.close()


def claims(n: int) -> list[Claim]:
    """Every third is of another text, every fifth of another key, every seventh too short."""
    made = []
    for i in range(n):
        text = b"reading %d" % i
        signature = key("a").sign(text + b"!" if i % 3 == 0 else text)
        made.append(
            Claim(key("b" if i % 5 == 0 else "a").public, signature[: 63 if i % 7 == 0 else 64], text)
        )
    return made


def test_alike(verifiers: Verifiers) -> None:
    for n in (0, 1, 64, 65, 500):
        want = [i % 3 != 0 and i % 5 != 0 and i % 7 != 0 for i in range(n)]
        assert verify_here(claims(n)) == want
        assert verifiers(claims(n)) == want


def test_a_process_that_ends_takes_no_message_with_it(verifiers: Verifiers) -> None:
    want = verify_here(claims(300))
    for process in verifiers._processes:
        process.kill()
        assert verifiers(claims(300)) == want
    assert verifiers(claims(300)) == want
