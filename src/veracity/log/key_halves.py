"""The two halves of a key that signs notes, as every type of key has them.

A type adds how it signs, and how that is checked.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar, Self

from veracity.log.errors import MalformedKey
from veracity.log.keys import (
    KeyIdentity,
    check_claimed_id,
    check_seed,
    format_private_key,
    format_vkey,
    parse_seed,
    parse_vkey,
)


@dataclass(frozen=True)
class PublicHalf:
    """A public key of one type, and its name. ``KIND`` is the type; ``CALLED`` is the key in messages."""

    KIND: ClassVar[int]
    CALLED: ClassVar[str]
    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        KeyIdentity(self.name, self.KIND, self.public_key)

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """Read a vkey; MalformedKey if it is not one of this type."""
        identity = parse_vkey(vkey)
        if identity.kind != cls.KIND:
            raise MalformedKey(
                f"{cls.CALLED} of {identity.name}: want type 0x{cls.KIND:02x}, got 0x{identity.kind:02x}"
            )
        return cls(identity.name, identity.public_key)

    def format(self) -> str:
        """Write the vkey."""
        return format_vkey(self.identity)

    @property
    def identity(self) -> KeyIdentity:
        """Name, type and public key."""
        return KeyIdentity(self.name, self.KIND, self.public_key)

    @property
    def key_id(self) -> bytes:
        """The key's 4-byte ID."""
        return self.identity.key_id


@dataclass(frozen=True)
class PrivateHalf(ABC):
    """A private key of one type, and its name. Its representation hides the seed."""

    KIND: ClassVar[int]
    name: str
    seed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        check_seed(self.name, self.seed)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read Go's ``PRIVATE+KEY+...`` text of a key of this type, and check its key ID."""
        name, seed, hex_id = parse_seed(text, cls.KIND)
        key = cls(name, seed)
        check_claimed_id(key.verifier.identity, hex_id)
        return key

    def format(self) -> str:
        """Write Go's ``PRIVATE+KEY+...`` text. It is the secret: mode 0600."""
        return format_private_key(self.verifier.identity, self.seed)

    @property
    @abstractmethod
    def verifier(self) -> PublicHalf:
        """The public half."""
