"""Keys on a PKCS#11 token: made there, moved there, signing there, and every way of not being there."""

from pathlib import Path

import pytest

from small_city import key
from tokens import Token
from veracity.provenance.errors import KeyUnavailable, MalformedKeyReference
from veracity.stores.pkcs11 import import_token_key, make_token_key, open_token_key
from veracity.stores.token_uri import TokenUri


def pin() -> bytes:
    return b"2468"


def test_a_key_is_made_and_signs_on_the_token(token: Token) -> None:
    """A key made on the token signs there; it is found again, and never made over."""
    uri = TokenUri.parse(token.uri("made"))
    made = make_token_key(uri, pin)
    made.public.verify(made.sign(b"reading"), b"reading")
    again = open_token_key(uri, pin)
    assert again.public == made.public
    assert again.sign(b"reading") == made.sign(b"reading")  # Ed25519 has no randomness
    with pytest.raises(KeyUnavailable, match="never overwritten"):
        make_token_key(uri, pin)
    assert "2468" not in repr(made)


def test_a_key_is_moved_onto_the_token(token: Token) -> None:
    """A key put on the token signs as before and cannot be read from it; doing it again changes nothing."""
    import pkcs11

    uri = TokenUri.parse(token.uri("moved"))
    for _ in range(2):
        assert import_token_key(uri, key("moved"), pin).sign(b"x") == key("moved").sign(b"x")
    with pytest.raises(KeyUnavailable, match="want no other key named moved"):
        import_token_key(uri, key("another"), pin)
    with pytest.raises((pkcs11.AttributeSensitive, pkcs11.AttributeTypeInvalid)):
        open_token_key(uri, pin)._private[pkcs11.Attribute.VALUE]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("object=gone-by", "object=nothing"), "want one PUBLIC_KEY named nothing, got 0"),
        (("token=city", "token=nowhere"), "want one that the URI names, got 0"),
        (("token=city;", ""), "want one that the URI names, got 2"),
        (("libsofthsm2.so", "libnothing.so"), "got"),
    ],
)
def test_what_is_not_there(token: Token, change: tuple[str, str], message: str) -> None:
    """No key, no token, no module: each is said in one line."""
    uri = TokenUri.parse(token.uri("gone-by").replace(*change))
    with pytest.raises(KeyUnavailable, match=message) as caught:
        open_token_key(uri, pin)
    assert "\n" not in str(caught.value)


def test_a_wrong_pin(token: Token) -> None:
    """Another PIN opens nothing and is not shown. The process was not logged in to this token before."""
    uri = TokenUri.parse(token.uri("x").replace("token=city", "token=other"))
    with pytest.raises(KeyUnavailable) as caught:
        open_token_key(uri, lambda: b"13579")
    assert "13579" not in str(caught.value)


def test_no_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a module in the URI or the environment, both are named."""
    monkeypatch.delenv("VERACITY_PKCS11_MODULE", raising=False)
    with pytest.raises(KeyUnavailable, match="VERACITY_PKCS11_MODULE"):
        open_token_key(TokenUri.parse("pkcs11:object=x"), pin)


def test_uris() -> None:
    """A URI is read as RFC 7512 writes it, escapes and all; module and PIN come from its query."""
    uri = TokenUri.parse(
        "pkcs11:token=The%20city;object=operator;id=%01%ff;type=private?module-path=/m.so&pin-source=file:/p%20q"
    )
    assert uri.attributes == {"token": b"The city", "object": b"operator", "id": b"\x01\xff"}
    assert (uri.module_path, uri.pin_source, uri.name) == ("/m.so", Path("/p q"), "operator")


@pytest.mark.parametrize(
    "text",
    [
        "pkcs11:",
        "pkcs11:token=x",
        "pkcs11:object=a;object=b",
        "pkcs11:object",
        "pkcs11:object=a;slot-description=x",
        "pkcs11:object=a;type=cert",
        "pkcs11:object=%ff",
        "pkcs11:object=a%00",
        "pkcs11:object=a?pin-value=1234",
        "pkcs11:object=a?pin-source=relative",
        "pkcs11:object=a?pin-source=|/bin/sh",
        "pkcs11:object=" + "a" * 2000,
        "pkcs12:object=a",
    ],
)
def test_what_is_no_uri(text: str) -> None:
    """What RFC 7512 forbids, what is not known here, and a PIN in the text are refused."""
    with pytest.raises(MalformedKeyReference) as caught:
        TokenUri.parse(text)
    assert "1234" not in str(caught.value)
    assert "\n" not in str(caught.value)
