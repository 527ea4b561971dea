"""Signed notes (C2SP signed-note): a text, and who signed it.

::

    text, one or more lines
    <blank line>
    — key name base64(key ID || signature)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from veracity.log.errors import MalformedKey, MalformedNote, SignatureRejected
from veracity.log.key_halves import PrivateHalf, PublicHalf
from veracity.log.keys import ED25519, KEY_ID_BYTES, check_key_name
from veracity.log.text import format_base64, parse_base64

MAX_NOTE_BYTES = 262_144
MAX_SIGNATURES = 100
ED25519_SIGNATURE_BYTES = 64
DASH = "— "


@dataclass(frozen=True)
class Signature:
    """One signature line: the claimed key name and ID, and the bytes that follow the ID."""

    name: str
    key_id: bytes
    payload: bytes

    def format(self) -> str:
        """Write the line, its newline included."""
        return f"{DASH}{self.name} {format_base64(self.key_id + self.payload)}\n"


@dataclass(frozen=True)
class Note:
    """A text (its last newline included) and its signature lines, nothing verified yet."""

    text: str
    signatures: tuple[Signature, ...]

    def format(self) -> bytes:
        """Write the note; exactly the bytes it was parsed from."""
        return (self.text + "\n" + "".join(s.format() for s in self.signatures)).encode()


class NoteVerifier(Protocol):
    """A key that can check a signature line of its own name and key ID."""

    @property
    def name(self) -> str:
        """The key's name."""

    @property
    def key_id(self) -> bytes:
        """The key's 4-byte ID."""

    def verify(self, text: str, payload: bytes) -> None:
        """Return if ``payload`` signs ``text``, else raise SignatureRejected."""


class NoteSigner(Protocol):
    """A key that signs notes under its own name."""

    @property
    def name(self) -> str:
        """The key's name."""

    @property
    def verifier(self) -> NoteVerifier:
        """The public half."""

    def sign(self, text: str) -> Signature:
        """Sign a note's text."""


@dataclass(frozen=True)
class Verifier(PublicHalf):
    """An Ed25519 public key (type 0x01) that checks notes."""

    KIND: ClassVar[int] = ED25519
    CALLED: ClassVar[str] = "verifier key"

    def verify(self, text: str, payload: bytes) -> None:
        """Return if ``payload`` is this key's signature of ``text``, else raise SignatureRejected."""
        verify_ed25519(self.name, self.public_key, payload, text.encode())


class LogSigner(NoteSigner, Protocol):
    """Whatever signs checkpoints as one Ed25519 key (type 0x01): the key, or a token that holds it."""

    @property
    def verifier(self) -> Verifier:
        """The public half."""


@dataclass(frozen=True)
class HeldSigner:
    """A key (type 0x01) that is held elsewhere and signs bytes when asked."""

    name: str
    public_key: bytes
    sign_bytes: Callable[[bytes], bytes] = field(repr=False)

    @property
    def verifier(self) -> Verifier:
        """The public half."""
        return Verifier(self.name, self.public_key)

    def sign(self, text: str) -> Signature:
        """Sign a note's text."""
        return Signature(self.name, self.verifier.key_id, self.sign_bytes(text.encode()))


@dataclass(frozen=True)
class Signer(PrivateHalf):
    """An Ed25519 private key (type 0x01) that signs notes. Its representation hides the seed."""

    KIND: ClassVar[int] = ED25519

    @classmethod
    def generate(cls, name: str) -> Self:
        """Make a new key from the system's randomness."""
        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw())

    @property
    def verifier(self) -> Verifier:
        """The public half."""
        private = Ed25519PrivateKey.from_private_bytes(self.seed)
        return Verifier(self.name, private.public_key().public_bytes_raw())

    def sign(self, text: str) -> Signature:
        """Sign a note's text."""
        payload = Ed25519PrivateKey.from_private_bytes(self.seed).sign(text.encode())
        return Signature(self.name, self.verifier.key_id, payload)


@dataclass(frozen=True)
class OpenedNote:
    """A note of which at least one signature was checked; ``verified`` holds only those."""

    text: str
    verified: tuple[Signature, ...]

    def is_signed_by(self, verifier: NoteVerifier) -> bool:
        """Say whether ``verifier`` was among the keys that opened the note and signed it."""
        return any(s.name == verifier.name and s.key_id == verifier.key_id for s in self.verified)


def verify_ed25519(name: str, public_key: bytes, signature: bytes, message: bytes) -> None:
    """Check one raw Ed25519 signature, or raise SignatureRejected naming the key."""
    if len(signature) != ED25519_SIGNATURE_BYTES:
        raise SignatureRejected(f"signature of {name}: want 64 bytes, got {len(signature)}")
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError) as exc:
        raise SignatureRejected(f"signature of {name}: want one that verifies, got another") from exc


def sign_note(text: str, signers: Sequence[NoteSigner]) -> bytes:
    """Sign ``text``, which ends in a newline, with each of ``signers``."""
    note = Note(text, tuple(signer.sign(text) for signer in signers))
    encoded = note.format()
    if parse_note(encoded) != note:
        raise MalformedNote("note text: want lines that end in a newline, got other text")
    return encoded


def parse_note(data: bytes) -> Note:
    """Parse a signed note without checking any signature.

    Raises
    ------
    MalformedNote
        For anything the format forbids, a note over 256 KiB or with over 100 signatures.
    """
    if len(data) > MAX_NOTE_BYTES:
        raise MalformedNote(f"note: want at most {MAX_NOTE_BYTES} bytes, got {len(data)}")
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise MalformedNote(f"note: want UTF-8, got byte 0x{data[exc.start]:02x} at {exc.start}") from exc
    if any(c < " " and c != "\n" for c in whole):
        raise MalformedNote("note: want no control character but newline, got one")
    split = whole.rfind("\n\n")
    if split < 0 or not whole.endswith("\n"):
        raise MalformedNote("note: want a text, a blank line and signature lines, got no such end")
    text, lines = whole[: split + 1], whole[split + 2 :].split("\n")[:-1]
    if not lines:
        raise MalformedNote("note: want at least one signature line, got none")
    if len(lines) > MAX_SIGNATURES:
        raise MalformedNote(f"note: want at most {MAX_SIGNATURES} signatures, got {len(lines)}")
    return Note(text, tuple(parse_signature(line) for line in lines))


def parse_signature(line: str) -> Signature:
    """Parse one signature line, its newline taken off."""
    name, separator, encoded = line.removeprefix(DASH).partition(" ")
    if not line.startswith(DASH) or not separator:
        raise MalformedNote(f"signature line: want '— <name> <base64>', got {line[:40]!r}")
    try:
        check_key_name(name)
    except MalformedKey as exc:
        raise MalformedNote(f"signature line: {exc}") from exc
    raw = parse_base64(f"signature of {name}", encoded, MalformedNote)
    if len(raw) <= KEY_ID_BYTES:
        raise MalformedNote(f"signature of {name}: want a key ID and a signature, got {len(raw)} bytes")
    return Signature(name, raw[:KEY_ID_BYTES], raw[KEY_ID_BYTES:])


def open_note(data: bytes, verifiers: Sequence[NoteVerifier]) -> OpenedNote:
    """Parse a note and check every signature that names a known key.

    Lines of unknown keys are ignored; a known key's line that fails rejects the whole note.

    Raises
    ------
    MalformedNote
        If the bytes are not a note.
    SignatureRejected
        If a known key's signature fails, or none is of a known key.
    """
    note = parse_note(data)
    known = {(v.name, v.key_id): v for v in verifiers}
    if len(known) != len(set(verifiers)):
        raise MalformedKey("verifier keys: want each (name, key ID) once, got a pair twice")
    verified: dict[tuple[str, bytes], Signature] = {}
    for signature in note.signatures:
        key = (signature.name, signature.key_id)
        if key in known:
            known[key].verify(note.text, signature.payload)
            verified.setdefault(key, signature)
    if not verified:
        wanted = ", ".join(sorted(v.name for v in verifiers)) or "no key"
        raise SignatureRejected(f"note: want a signature of {wanted}, got none")
    return OpenedNote(note.text, tuple(verified.values()))
