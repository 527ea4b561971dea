"""How a gateway joins a city with a one-time code: what each of the two sends, and what proves it.

The code is a secret of 120 bits that the operator hands over by another way. It never travels: each side
derives from it an *identifier*, which names the invitation, and two keys. The request carries the new
key, a signature by it, and a MAC; the answer is encrypted. So who stands in between, even without TLS, can
neither put another key in place of the gateway's, nor answer for the city, nor read the password::

    {"schema": "veracity.join/v1", "invitation": <32 hex>, "key": "ed25519:…",
     "proof": <base64>, "mac": <base64>}
    {"schema": "veracity.joined/v1", "sealed": <base64>}

Signed is the text ``veracity-join/v1``, the identifier and the key, a line each; the MAC is HMAC-SHA-256
over that text and the signature. ``sealed`` is a nonce of 12 bytes and a ChaCha20-Poly1305 ciphertext,
bound to the SHA-256 of the request that it answers.
"""

import hmac
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from veracity.canonical import canonical_json
from veracity.errors import Malformed
from veracity.provenance.errors import JoiningRejected, MalformedCode, MalformedJoining
from veracity.provenance.fields import Fields
from veracity.provenance.keys import PublicKey, SigningKey
from veracity.provenance.strictjson import parse_json

SCHEMA = "veracity.join/v1"
ANSWER_SCHEMA = "veracity.joined/v1"
CODE_BYTES = 15  #: 120 bits
NONCE_BYTES = 12
LOSSES_FEED = "gateway-losses"  #: where a gateway reports what it could not keep, if not told another
MAX_REQUEST_BYTES = 2_048
MAX_ANSWER_BYTES = 1_048_576
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # of Crockford: no I, L, O, U, to be read aloud
_LOOKALIKES = str.maketrans("ILO", "110", " -\t\r\n")


@dataclass(frozen=True)
class Invitation:
    """What both sides derive from a code. The keys are secret."""

    identifier: str
    mac_key: bytes
    seal_key: bytes


@dataclass(frozen=True)
class JoinRequest:
    """A gateway's request; nothing is verified yet."""

    identifier: str
    key: PublicKey
    proof: bytes
    mac: bytes


@dataclass(frozen=True)
class Broker:
    """Where to send messages, and as whom. ``ca`` is a PEM of who signs its certificate."""

    url: str
    user: str | None = None
    password: str | None = None
    ca: str | None = None


@dataclass(frozen=True)
class Joined:
    """The city's answer.

    Attributes
    ----------
    name
        What the gateway is called, ``<agency>/<gateway>``.
    origin, policy
        The name of the city's log, and its trust policy.
    entry
        The log entry that enrols the key.
    feeds
        Those that the invitation is for; none where it is for any.
    broker
        None where the operator configures it by hand.
    """

    name: str
    origin: str
    policy: str
    entry: int
    feeds: tuple[str, ...] = ()
    broker: Broker | None = None


def format_code(secret: bytes) -> str:
    """Write a code in six groups of four.

    Examples
    --------
    >>> format_code(bytes(range(15)))
    '000G-40R4-0M30-E209-185G-R38E'
    """
    number = int.from_bytes(secret)
    letters = "".join(_ALPHABET[number >> 5 * i & 31] for i in reversed(range(24)))
    return "-".join(letters[i : i + 4] for i in range(0, 24, 4))


def parse_code(text: str) -> bytes:
    """Read a code as people type it: any case, with or without hyphens.

    >>> parse_code("000g 40r4-0m30-e209-185g-r38e").hex()
    '000102030405060708090a0b0c0d0e'
    """
    letters = text.upper().translate(_LOOKALIKES) if len(text) <= 64 else ""
    if len(letters) != 24 or any(c not in _ALPHABET for c in letters):
        raise MalformedCode("code: want 24 letters and digits, as the city printed them, got something else")
    number = 0
    for letter in letters:
        number = number << 5 | _ALPHABET.index(letter)
    return number.to_bytes(CODE_BYTES)


def invitation_of(secret: bytes) -> Invitation:
    """Derive identifier and keys from a code's secret."""
    name, mac_key, seal_key = (_derived(secret, what) for what in (b"name", b"mac", b"seal"))
    return Invitation(name[:16].hex(), mac_key, seal_key)


def make_request(invitation: Invitation, key: SigningKey) -> bytes:
    """Return the request that enrols a key; the same for the same invitation and key."""
    text = _text(invitation.identifier, key.public)
    proof = key.sign(text)
    mac = hmac.digest(invitation.mac_key, text + proof, "sha256")
    return canonical_json(
        {
            "schema": SCHEMA,
            "invitation": invitation.identifier,
            "key": key.public.format(),
            "proof": b64encode(proof).decode(),
            "mac": b64encode(mac).decode(),
        }
    )


def parse_request(data: bytes) -> JoinRequest:
    """Parse a request; MalformedJoining if it is none."""
    document = parse_json(data, "join", MAX_REQUEST_BYTES, MalformedJoining)
    fields = Fields(document, "join", MalformedJoining)
    fields.choice("schema", (SCHEMA,))
    identifier = fields.text("invitation", 32)
    if len(identifier) != 32 or not set(identifier) <= set("0123456789abcdef"):
        raise fields.fail("invitation", "32 lowercase hex digits", identifier)
    try:
        key = PublicKey.parse(fields.text("key", 128))
    except Malformed as exc:
        raise MalformedJoining(f"join.{exc}") from exc
    request = JoinRequest(identifier, key, fields.base64("proof", 64), fields.base64("mac", 32))
    fields.done()
    return request


def check_request(request: JoinRequest, mac_key: bytes) -> None:
    """Check that who asks knows the code and has the key.

    Raises
    ------
    JoiningRejected
        If the MAC is another: a wrong code, or a key that was swapped on the way.
    EnvelopeRejected
        If the signature is not the key's.
    """
    text = _text(request.identifier, request.key)
    if not hmac.compare_digest(hmac.digest(mac_key, text + request.proof, "sha256"), request.mac):
        raise JoiningRejected("join.mac: want one made with the code, got another")
    request.key.verify(request.proof, text)


def seal_answer(joined: Joined, request: bytes, seal_key: bytes, nonce: bytes) -> bytes:
    """Return the answer to a request; ``nonce`` is of 12 random bytes, never used again."""
    broker = joined.broker
    plain = canonical_json(
        {
            "name": joined.name,
            "origin": joined.origin,
            "policy": joined.policy,
            "entry": joined.entry,
            "feeds": list(joined.feeds),
            "broker": None
            if broker is None
            else {"url": broker.url, "user": broker.user, "password": broker.password, "ca": broker.ca},
        }
    )
    sealed = nonce + ChaCha20Poly1305(seal_key).encrypt(nonce, plain, sha256(request).digest())
    return canonical_json({"schema": ANSWER_SCHEMA, "sealed": b64encode(sealed).decode()})


def open_answer(data: bytes, request: bytes, invitation: Invitation) -> Joined:
    """Decrypt and parse the answer to a request.

    Raises
    ------
    MalformedJoining
        If it is no answer.
    JoiningRejected
        If it was not made with the code, or answers another request.
    """
    fields = Fields(
        parse_json(data, "joined", MAX_ANSWER_BYTES, MalformedJoining), "joined", MalformedJoining
    )
    fields.choice("schema", (ANSWER_SCHEMA,))
    sealed = fields.base64("sealed")
    fields.done()
    nonce, cipher = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    try:
        plain = ChaCha20Poly1305(invitation.seal_key).decrypt(nonce, cipher, sha256(request).digest())
    except (InvalidTag, ValueError) as exc:
        raise JoiningRejected("joined: want an answer by the city that gave the code, got another") from exc
    return _parse_joined(parse_json(plain, "joined", MAX_ANSWER_BYTES, MalformedJoining))


def joined_object(joined: Joined) -> dict[str, Any]:
    """Return what may be shown of an answer: all but the password."""
    broker: Mapping[str, Any] | None = None
    if joined.broker is not None:
        broker = {"url": joined.broker.url, "user": joined.broker.user}
    return {
        "name": joined.name,
        "origin": joined.origin,
        "entry": joined.entry,
        "feeds": list(joined.feeds),
        "broker": broker,
    }


def _parse_joined(document: Any) -> Joined:
    fields = Fields(document, "joined", MalformedJoining)
    feeds = fields.items("feeds", 1_000)
    if not all(isinstance(feed, str) for feed in feeds):
        raise fields.fail("feeds", "names", feeds)
    joined = Joined(
        fields.text("name", 128),
        fields.text("origin", 256),
        fields.text("policy", 262_144),
        fields.count("entry"),
        tuple(feeds),
        fields.optional("broker", lambda name: _parse_broker(fields.object(name))),
    )
    fields.done()
    return joined


def _parse_broker(fields: Fields) -> Broker:
    broker = Broker(
        fields.text("url"),
        fields.optional("user", fields.text),
        fields.optional("password", fields.text),
        fields.optional("ca", lambda name: fields.text(name, 65_536)),
    )
    fields.done()
    return broker


def _text(identifier: str, key: PublicKey) -> bytes:
    return f"veracity-join/v1\n{identifier}\n{key.format()}\n".encode()


def _derived(secret: bytes, what: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=b"veracity-join/v1 " + what).derive(secret)
