"""A token is 256 bits behind a prefix and a checksum; what only looks like one is refused unasked."""

import hmac
import re

import pytest

from veracity.home.accounts import secret
from veracity.home.accounts.errors import BadCredential
from veracity.home.accounts.secret import TokenText, is_secret, new_token, parse_token


def test_round_trip() -> None:
    """A token reads back; its public identifier is not its secret, and showing it does not tell it."""
    token = new_token()
    assert re.fullmatch(r"vct_[0-9A-Za-z]{10}_[0-9A-Za-z]{49}", token.text)
    assert parse_token(token.text) == token
    assert token.text not in repr(token)


def test_two_are_never_the_same() -> None:
    """Each has all its bits of chance: the same random bytes give the same token, others another."""
    assert new_token(bytes) == new_token(bytes)
    assert len({new_token().text for _ in range(1000)}) == 1000
    assert new_token(lambda n: b"\xff" * n).text != new_token(lambda n: b"\xfe" + b"\xff" * (n - 1)).text


def test_every_other_character_is_noticed() -> None:
    """A mistyped character anywhere is refused by the checksum, without asking for the row."""
    text = new_token(lambda n: bytes(range(n))).text
    for i in range(len(text)):
        for other in "0Zz_ é":
            if other != text[i]:
                with pytest.raises(BadCredential):
                    parse_token(text[:i] + other + text[i + 1 :])
    for wrong in ("", "vct_", text[:-1], text + "0", text * 1000, "\ud800" * len(text)):
        with pytest.raises(BadCredential):
            parse_token(wrong)


def test_secrets_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison is hmac's, of hashes, and is made where there is no row as well."""
    asked: list[tuple[object, object]] = []

    def compared(one: str, other: str) -> bool:
        asked.append((one, other))
        return hmac.compare_digest(one, other)

    class Hmac:
        compare_digest = staticmethod(compared)

    monkeypatch.setattr(secret, "hmac", Hmac)
    token = TokenText("x", "some text")
    assert is_secret(token.text, token.sha256)
    assert not is_secret(token.text, "ab" * 32)
    assert not is_secret(token.text, None)
    assert [len(str(a)) for pair in asked for a in pair] == [64] * 6
