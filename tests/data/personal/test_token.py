"""Tokens: what is encrypted opens with its record's key alone, in its own place alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veracity.data.personal.token import (
    BLOCK,
    IN_TEXT,
    TOKEN,
    MalformedToken,
    RecordKey,
    RecordSealer,
    TokenRejected,
    format_name,
    name_of,
    open_token,
    parse_name,
)

KEY = RecordKey(bytes(range(16)), bytes(range(32)))
OTHER_KEY = RecordKey(bytes(range(16)), bytes(32))


def seal(plain: bytes, field: str = "name", feed: str = "requests", key: RecordKey = KEY) -> str:
    return RecordSealer(feed, key).seal(field, plain)


@given(st.binary(max_size=300))
def test_what_goes_in_comes_out(plain: bytes) -> None:
    """Whatever the bytes, the token opens with the key to the same bytes and names its record."""
    token = seal(plain)
    assert open_token(token, "requests", ["phone", "name"], KEY.key) == ("name", plain)
    assert name_of(token) == KEY.name
    assert TOKEN.fullmatch(token)
    assert IN_TEXT.search(f"a,{token},b".encode())
    assert parse_name(format_name(KEY.name)) == KEY.name


def test_a_known_token() -> None:
    """The form is fixed: key, name, place and text give this token, to the byte."""
    assert seal(b"0901234567", "phone") == (
        "vp1.AAECAwQFBgcICQoLDA0ODw."
        "AAAAACiBcgCf1ZLkJVbcYa9DTif4sfP14a1bXOz4_BIqNXVccggIbdHuPF2dgVgkZA4APJug9l7eXVnODSpKfzGVWs0jqho5-8XhIbsotk2lYE81"
    )
    assert seal(b"x") == seal(b"x")  # nothing but the key is random


def test_length_tells_little() -> None:
    """All short values give tokens of one length."""
    assert len({len(seal(b"x" * n)) for n in range(BLOCK)}) == 1


def test_two_values_of_a_record_are_never_encrypted_alike() -> None:
    """The same value twice in a record, and in two fields, gives different tokens."""
    sealer = RecordSealer("requests", KEY)
    tokens = [sealer.seal(field, b"same") for field in ("a", "a", "b")]
    bodies = {token.rpartition(".")[2][6:] for token in tokens}
    assert len(bodies) == 3
    assert sealer.used


@pytest.mark.parametrize(
    ("feed", "field", "key"),
    [("other", "name", KEY), ("requests", "phone", KEY), ("requests", "name", OTHER_KEY)],
)
def test_a_token_moved_or_opened_with_another_key_is_rejected(feed: str, field: str, key: RecordKey) -> None:
    """A token does not open in another feed, in another field, or with another key."""
    with pytest.raises(TokenRejected):
        open_token(seal(b"An"), feed, [field], key.key)


def test_every_changed_character_is_noticed() -> None:
    """A token with any one character changed is malformed or rejected, never opened."""
    token = seal(b"An")
    for i in range(len(token)):
        changed = token[:i] + ("A" if token[i] != "A" else "B") + token[i + 1 :]
        with pytest.raises((MalformedToken, TokenRejected)):
            open_token(changed, "requests", ["name"], KEY.key)


@given(st.text(max_size=200))
def test_any_other_text_is_no_token(text: str) -> None:
    """Text that is no token fails as ours, whatever it is."""
    with pytest.raises(MalformedToken):
        name_of(text)
