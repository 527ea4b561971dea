"""Ed25519 keys on a PKCS#11 token (an HSM, a smart card, SoftHSM), named by RFC 7512 URIs.

The token signs; the private key never leaves it. Needs the extra ``veracity[hsm]``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from veracity.provenance.errors import EnvelopeRejected, KeyUnavailable, MalformedKeyReference
from veracity.provenance.keys import PublicKey, SigningKey
from veracity.stores.token_uri import TokenUri

if TYPE_CHECKING:
    import pkcs11

MODULE = "VERACITY_PKCS11_MODULE"  #: names the module where the URI does not
_ED25519 = bytes.fromhex("06032b6570")  # the OID 1.3.101.112, DER
_PRINTABLE_ED25519 = bytes.fromhex("130c") + b"edwards25519"  # how PKCS#11 2.40 tokens name the curve


@dataclass(frozen=True)
class TokenKey:
    """A private key on a token, in a session that stays open while the process lives."""

    public: PublicKey
    _private: Any

    def __repr__(self) -> str:
        return f"TokenKey({self.public.keyid[:16]})"

    def sign(self, message: bytes) -> bytes:
        """Let the token sign, and check what it gives; KeyUnavailable if it does not."""
        import pkcs11

        with _asked(f"sign with key {self.public.keyid[:16]}"):
            signature = bytes(self._private.sign(message, mechanism=pkcs11.Mechanism.EDDSA))
        try:
            self.public.verify(signature, message)
        except EnvelopeRejected as exc:
            raise KeyUnavailable(f"token: want a signature of its key, got: {exc}") from exc
        return signature


def open_token_key(uri: TokenUri, pin: Callable[[], bytes]) -> TokenKey:
    """Log in to the token and find the key.

    Raises
    ------
    KeyUnavailable
        If module, token or key are not there, not alone, or the PIN is another.
    """
    with _asked(f"open {uri.name}"):
        return _found(_session(uri, pin, rw=False), uri)


def make_token_key(uri: TokenUri, pin: Callable[[], bytes]) -> TokenKey:
    """Make a new key on the token, not extractable; KeyUnavailable if one of that name is there."""
    import pkcs11

    with _asked(f"make {uri.name}"):
        session = _session(uri, pin, rw=True)
        _want_none(session, uri)
        parameters = session.create_domain_parameters(
            pkcs11.KeyType.EC_EDWARDS, {pkcs11.Attribute.EC_PARAMS: _ED25519}, local=True
        )
        kept = {pkcs11.Attribute.SENSITIVE: True, pkcs11.Attribute.EXTRACTABLE: False}
        parameters.generate_keypair(
            mechanism=pkcs11.Mechanism.EC_EDWARDS_KEY_PAIR_GEN,
            id=_id(uri),
            label=_label(uri),
            store=True,
            private_template=kept,
        )
        return _found(session, uri)


def import_token_key(uri: TokenUri, key: SigningKey, pin: Callable[[], bytes]) -> TokenKey:
    """Put a key on the token, not extractable from then on; the same key that is there is left."""
    import pkcs11
    from pkcs11 import Attribute

    with _asked(f"keep {uri.name}"):
        session = _session(uri, pin, rw=True)
        common: dict[Any, Any] = {
            Attribute.KEY_TYPE: pkcs11.KeyType.EC_EDWARDS,
            Attribute.TOKEN: True,
            Attribute.EC_PARAMS: _ED25519,
            **_template(uri),
        }
        public = {
            Attribute.CLASS: pkcs11.ObjectClass.PUBLIC_KEY,
            Attribute.VERIFY: True,
            Attribute.EC_POINT: b"\x04\x20" + key.public.raw,
        }
        private = {
            Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY,
            Attribute.PRIVATE: True,
            Attribute.SENSITIVE: True,
            Attribute.EXTRACTABLE: False,
            Attribute.SIGN: True,
            Attribute.VALUE: key.seed,
        }
        if not list(session.get_objects({**_template(uri), Attribute.CLASS: private[Attribute.CLASS]})):
            # The private key last: a crash between the two leaves none that could be taken for kept.
            if not list(session.get_objects({**_template(uri), Attribute.CLASS: public[Attribute.CLASS]})):
                session.create_object({**common, **public})
            session.create_object({**common, **private})
        kept = _found(session, uri)
    if kept.public != key.public:
        raise KeyUnavailable(f"token: want no other key named {uri.name}, got {kept.public.keyid[:16]}")
    return kept


def _session(uri: TokenUri, pin: Callable[[], bytes], *, rw: bool) -> pkcs11.Session:
    try:
        import pkcs11
    except ImportError as exc:
        raise KeyUnavailable("token: want python-pkcs11 (pip install 'veracity[hsm]'), got none") from exc
    module = uri.module_path or os.environ.get(MODULE)
    if not module:
        raise KeyUnavailable(f"token: want module-path in the URI, or {MODULE}, got neither")
    wanted = {
        name: uri.attributes[name] for name in ("serial", "manufacturer", "model") if name in uri.attributes
    }
    label = uri.attributes.get("token")
    tokens = [
        token
        for slot in pkcs11.lib(module).get_slots(token_present=True)
        for token in [slot.get_token()]
        if pkcs11.TokenFlag.TOKEN_INITIALIZED in token.flags
        if label is None or token.label.rstrip().encode() == label
        if all(_text(getattr(token, _FIELDS[name])) == value for name, value in wanted.items())
    ]
    if len(tokens) != 1:
        raise KeyUnavailable(f"token: want one that the URI names, got {len(tokens)}")
    (token,) = tokens
    # A login is the process's, whatever the session: one more would fail, and closing its session ends it.
    name = module, token.label, _text(token.serial)
    if name not in _LOGGED_IN:
        _LOGGED_IN[name] = token.open(user_pin=pin().decode("utf-8"))
    return token.open(rw=True) if rw else _LOGGED_IN[name]


_LOGGED_IN: dict[tuple[str, str, bytes], pkcs11.Session] = {}
_FIELDS = {"serial": "serial", "manufacturer": "manufacturer_id", "model": "model"}


def _text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return raw.rstrip(b" \x00")


def _found(session: pkcs11.Session, uri: TokenUri) -> TokenKey:
    import pkcs11
    from pkcs11 import Attribute

    found = {}
    for kind in (pkcs11.ObjectClass.PUBLIC_KEY, pkcs11.ObjectClass.PRIVATE_KEY):
        objects = list(session.get_objects({Attribute.CLASS: kind, **_template(uri)}))
        if len(objects) != 1:
            raise KeyUnavailable(f"token: want one {kind.name} named {uri.name}, got {len(objects)}")
        found[kind] = objects[0]
    public = found[pkcs11.ObjectClass.PUBLIC_KEY]
    if bytes(public[Attribute.EC_PARAMS]) not in (_ED25519, _PRINTABLE_ED25519):
        raise KeyUnavailable(f"token: want an Ed25519 key named {uri.name}, got one of another curve")
    # An OCTET STRING around the point, or from newer tokens the point itself.
    point = bytes(public[Attribute.EC_POINT])
    raw = point.removeprefix(b"\x04\x20") if len(point) == 34 else point
    return TokenKey(PublicKey(raw), found[pkcs11.ObjectClass.PRIVATE_KEY])


def _want_none(session: pkcs11.Session, uri: TokenUri) -> None:
    if list(session.get_objects(_template(uri))):
        raise KeyUnavailable(
            f"token: want no object named {uri.name} yet, got one; keys are never overwritten"
        )


def _template(uri: TokenUri) -> dict[Any, Any]:
    from pkcs11 import Attribute

    named = {Attribute.LABEL: _label(uri), Attribute.ID: _id(uri)}
    return {name: value for name, value in named.items() if value is not None}


def _label(uri: TokenUri) -> str | None:
    label = uri.attributes.get("object")
    return None if label is None else label.decode("utf-8")


def _id(uri: TokenUri) -> bytes | None:
    return uri.attributes.get("id")


@contextmanager
def _asked(what: str) -> Iterator[None]:
    """Turn the library's errors into KeyUnavailable; none of them carries the PIN."""
    try:
        yield
    except (KeyUnavailable, MalformedKeyReference):
        raise
    except Exception as exc:
        # The library's errors have no common root: PKCS11Error, RuntimeError of a module that cannot be
        # loaded, UnicodeDecodeError of a PIN. All mean that the token did not do what it was asked.
        detail = " ".join(str(exc).split())[:120]
        raise KeyUnavailable(f"token: want to {what}, got {type(exc).__name__} {detail}".rstrip()) from exc
