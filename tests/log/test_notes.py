"""Signed notes: the published vectors, and everything the format forbids."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veracity.log.errors import LogError, MalformedKey, MalformedNote, SignatureRejected
from veracity.log.notes import Note, Signature, Signer, Verifier, open_note, parse_note, sign_note

SIGNER = Signer("example.org/city", bytes(range(32)))
OTHER = Signer("example.org/other", bytes(32))
# golang.org/x/mod/sumdb/note: the example of its documentation.
GO_SKEY = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
)
GO_NOTE = (
    GO_TEXT + "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngot"
    "pRZb6KE6RyyBwJnAM=\n"
).encode()


def test_the_published_note_opens_and_is_signed_again() -> None:
    """Go's example note verifies under its key, and its private key makes the same bytes."""
    assert open_note(GO_NOTE, [Verifier.parse(GO_VKEY)]).text == GO_TEXT
    signer = Signer.parse(GO_SKEY)
    assert signer.verifier.format() == GO_VKEY
    assert sign_note(GO_TEXT, [signer]) == GO_NOTE
    assert signer.format() == GO_SKEY


def test_the_published_vkey() -> None:
    """The verifier key of the specification is read and written back."""
    text = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
    assert Verifier.parse(text).format() == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com/foo",
        "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/bar+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2l",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2",
        "example.com/foo+530d903a+AQ==",
        "example.com/foo+530d903a+",
        "exa mple+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "\udc80+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "x" * 5000,
    ],
)
def test_malformed_vkeys(text: str) -> None:
    """A verifier key with any part wrong is refused."""
    with pytest.raises(MalformedKey):
        Verifier.parse(text)


@pytest.mark.parametrize(
    "text", ["", "PRIVATE+KEY+x", GO_SKEY[:-1], GO_SKEY.replace("c74f", "c74e"), GO_VKEY]
)
def test_malformed_private_keys(text: str) -> None:
    """A damaged private key is refused, and the message does not carry its secret."""
    with pytest.raises(MalformedKey) as caught:
        Signer.parse(text)
    assert "AYEKFALVFGy" not in str(caught.value)


def test_a_signer_does_not_show_its_seed() -> None:
    """The representation of a private key has no secret in it."""
    assert "seed" not in repr(SIGNER)
    assert repr(bytes(range(32))) not in repr(SIGNER)


def test_unknown_signatures_are_ignored_and_known_ones_reported() -> None:
    """Lines of unknown keys do no harm; only verified ones are returned."""
    note = sign_note("text\n", [OTHER, SIGNER])
    opened = open_note(note, [SIGNER.verifier])
    assert [s.name for s in opened.verified] == [SIGNER.name]
    assert opened.is_signed_by(SIGNER.verifier)
    assert not opened.is_signed_by(OTHER.verifier)


def test_text_may_hold_blank_lines() -> None:
    """Text and signatures are parted at the last blank line."""
    text = "first\n\nlast\n"
    assert open_note(sign_note(text, [SIGNER]), [SIGNER.verifier]).text == text


def test_a_known_key_that_fails_rejects_the_note() -> None:
    """One wrong signature of a known key rejects the note, even beside a good one."""
    good = SIGNER.sign("text\n")
    bad = Signature(OTHER.name, OTHER.verifier.key_id, bytes(64))
    with pytest.raises(SignatureRejected):
        open_note(Note("text\n", (good, bad)).format(), [SIGNER.verifier, OTHER.verifier])


def test_a_note_without_a_known_signature_is_rejected() -> None:
    """A note that only unknown keys signed is rejected."""
    with pytest.raises(SignatureRejected):
        open_note(sign_note("text\n", [OTHER]), [SIGNER.verifier])
    with pytest.raises(SignatureRejected):
        open_note(sign_note("text\n", [OTHER]), [])


def test_every_bit_of_a_note_counts() -> None:
    """Flip any one bit of a note: it does not open."""
    note = sign_note("example.org/city\n7\n", [SIGNER])
    for at in range(len(note)):
        for bit in range(8):
            flipped = bytearray(note)
            flipped[at] ^= 1 << bit
            with pytest.raises(LogError):
                open_note(bytes(flipped), [SIGNER.verifier])


LINE = SIGNER.sign("text\n").format()


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"text\n",
        b"text\n\n",
        ("text\n\n" + LINE[:-1]).encode(),
        ("text\n" + LINE).encode(),
        ("text\n\n" + LINE.replace("— ", "- ")).encode(),
        ("text\n\n" + LINE.replace("city ", "city  ")).encode(),
        ("text\n\n" + LINE + "\n").encode(),
        ("te\rxt\n\n" + LINE).encode(),
        ("te\0xt\n\n" + LINE).encode(),
        b"te\xffxt\n\n" + LINE.encode(),
        ("text\n\n— a+b AAAAAAA=\n").encode(),
        ("text\n\n—  AAAAAAA=\n").encode(),
        ("text\n\n— name AAAA\n").encode(),
        ("text\n\n— name AAAAAB==\n").encode(),
        ("text\n\n" + LINE * 101).encode(),
        b"x" * 300_000,
    ],
)
def test_malformed_notes(note: bytes) -> None:
    """What the format forbids is refused before any signature is looked at."""
    with pytest.raises(MalformedNote):
        parse_note(note)


def test_only_text_in_lines_can_be_signed() -> None:
    """A text that does not end its last line cannot be signed."""
    for text in ("", "no newline", "bell \a\n"):
        with pytest.raises(MalformedNote):
            sign_note(text, [SIGNER])


@given(st.binary(max_size=200))
def test_random_bytes_raise_only_our_errors(data: bytes) -> None:
    """Whatever the bytes, parsing gives a note or our own error."""
    with suppress(MalformedNote):
        assert parse_note(data).format() == data


LINES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20)


@given(st.lists(LINES, min_size=1, max_size=5))
def test_round_trip(lines: list[str]) -> None:
    """Any text in lines is signed, opened and written back."""
    text = "\n".join(lines) + "\n"
    note = sign_note(text, [SIGNER, OTHER])
    assert open_note(note, [SIGNER.verifier, OTHER.verifier]).text == text
    assert parse_note(note).format() == note
