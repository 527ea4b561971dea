"""A file by name, digest and length, as statements name it."""

import re
from dataclasses import dataclass
from typing import Any

from veracity.provenance.fields import Fields

# A name, not a path: what is handed out must not show where a file lay on somebody's machine.
FILE_NAME = re.compile(r"[^/\\\x00-\x1f\x7f]{1,255}")
WANT_FILE_NAME = "a file's name without directories, at most 255 characters"


@dataclass(frozen=True)
class FileDigest:
    """A file: its name without directories, lowercase hex SHA-256, and length in bytes."""

    name: str
    sha256: str
    n_bytes: int

    @classmethod
    def read(cls, fields: Fields) -> "FileDigest":
        """Read ``name``, ``sha256`` and ``bytes`` of an object."""
        name = fields.matching("name", FILE_NAME, WANT_FILE_NAME)
        return cls(name, fields.sha256("sha256"), fields.count("bytes"))

    def to_object(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {"name": self.name, "sha256": self.sha256, "bytes": self.n_bytes}
