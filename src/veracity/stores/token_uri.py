"""Where a key on a token is: RFC 7512 URIs, as far as this program knows them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes

from veracity.provenance.errors import MalformedKeyReference

SCHEME = "pkcs11:"
MAX_URI_CHARS = 1_024
_PATH = {"token", "serial", "manufacturer", "model", "object", "id", "type"}
_QUERY = {"module-path", "pin-source"}
_PART = re.compile(r"([a-z-]{1,32})=([A-Za-z0-9._~:\[\]@!$'()*+,=/%-]{0,512})")


@dataclass(frozen=True)
class TokenUri:
    """Where a key is: which token, which object on it, and what opens them."""

    attributes: Mapping[str, bytes]
    module_path: str | None
    pin_source: Path | None

    @classmethod
    def parse(cls, text: str) -> TokenUri:
        """Read ``pkcs11:token=…;object=…?module-path=…&pin-source=…``.

        Raises
        ------
        MalformedKeyReference
            For what RFC 7512 forbids or this program does not know, and for a PIN in the URI itself.
        """
        if not text.startswith(SCHEME) or len(text) > MAX_URI_CHARS:
            raise MalformedKeyReference(f"key on a token: want pkcs11:token=…;object=…, got {text[:40]!r}")
        path, _, query = text.removeprefix(SCHEME).partition("?")
        attributes = _parts(path, ";", _PATH)
        options = _parts(query, "&", _QUERY)
        if attributes.pop("type", b"private") != b"private":
            raise MalformedKeyReference("key on a token: want type=private or none, got another")
        if not attributes.keys() & {"object", "id"}:
            raise MalformedKeyReference("key on a token: want object=… or id=…, got neither")
        source = options.get("pin-source")
        if source is not None and not (source := source.removeprefix(b"file:")).startswith(b"/"):
            raise MalformedKeyReference("key on a token: want pin-source=file:/PATH, got another")
        module = options.get("module-path")
        return cls(
            attributes,
            None if module is None else os.fsdecode(module),
            None if source is None else Path(os.fsdecode(source)),
        )

    @property
    def name(self) -> str:
        """The key's label, or its ID in hex: for messages."""
        label = self.attributes.get("object")
        return self.attributes["id"].hex() if label is None else label.decode("utf-8", "replace")


def _parts(text: str, separator: str, known: set[str]) -> dict[str, bytes]:
    parts: dict[str, bytes] = {}
    for part in text.split(separator) if text else []:
        match = _PART.fullmatch(part)
        if match is None or match.group(1) in parts:
            raise MalformedKeyReference(f"key on a token: want name=value once each, got {part[:40]!r}")
        name = match.group(1)
        if name in ("pin-value", "pinfile"):
            raise MalformedKeyReference("key on a token: want pin-source=file:/PATH, got the PIN itself")
        if name not in known:
            raise MalformedKeyReference(f"key on a token: want {', '.join(sorted(known))}, got {name!r}")
        parts[name] = unquote_to_bytes(match.group(2))
        if name != "id" and not _is_text(parts[name]):
            raise MalformedKeyReference(f"key on a token: want UTF-8 in {name}, got other bytes")
    return parts


def _is_text(value: bytes) -> bool:
    try:
        return "\x00" not in value.decode("utf-8")
    except UnicodeDecodeError:
        return False
