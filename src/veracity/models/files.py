"""A model as a directory of files: which kinds there may be, and the digest that names it.

``model.json`` says what the model is; the others are what its estimator learned. No file that could run code
is ever read: LightGBM text, ONNX, safetensors and JSON, and nothing else.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from veracity.canonical import canonical_json
from veracity.models.errors import MalformedModel, ModelAltered
from veracity.provenance.fields import Fields
from veracity.provenance.strictjson import parse_json

DESCRIPTION = "model.json"
SCHEMA = "veracity.model/v1"
MAX_FILES = 1_024
MAX_FILE_BYTES = 268_435_456
MAX_MODEL_BYTES = 1_073_741_824  #: of all files together
MAX_DESCRIPTION_BYTES = 1_048_576
_FILE = re.compile(r"[a-z0-9][a-z0-9._-]{0,126}\.(json|txt|safetensors|onnx)")


@dataclass(frozen=True)
class ModelFiles:
    """A model's files by name, ``model.json`` among them.

    Attributes
    ----------
    files
        Bytes by name, no folders.
    """

    files: Mapping[str, bytes]

    def __post_init__(self) -> None:
        check_names(self.files)
        for name, body in self.files.items():
            if len(body) > MAX_FILE_BYTES:
                raise MalformedModel(f"{name}: want at most {MAX_FILE_BYTES:,} bytes, got {len(body):,}")
        if (total := sum(map(len, self.files.values()))) > MAX_MODEL_BYTES:
            raise MalformedModel(f"model: want at most {MAX_MODEL_BYTES:,} bytes, got {total:,}")

    @property
    def sha256(self) -> str:
        """The digest that names the model: of the canonical JSON of its files' digests by name."""
        return model_sha256({name: hashlib.sha256(body).hexdigest() for name, body in self.files.items()})

    @property
    def description(self) -> dict[str, Any]:
        """What ``model.json`` says, parsed; MalformedModel if it is no such description."""
        document = parse_json(self.files[DESCRIPTION], DESCRIPTION, MAX_DESCRIPTION_BYTES, MalformedModel)
        Fields(document, DESCRIPTION, MalformedModel).choice("schema", (SCHEMA,))
        checked: dict[str, Any] = document
        return checked

    def check(self, sha256: str) -> None:
        """Raise ModelAltered unless these are the files that a digest is of."""
        if self.sha256 != sha256:
            raise ModelAltered(f"model: want files of digest {sha256[:16]}, got {self.sha256[:16]}")


def check_names(names: Mapping[str, object]) -> None:
    """Raise MalformedModel unless these are names that a model's files may have."""
    if DESCRIPTION not in names or len(names) > MAX_FILES:
        raise MalformedModel(f"model: want {DESCRIPTION} and at most {MAX_FILES} files, got {len(names)}")
    for name in names:
        if not _FILE.fullmatch(name):
            raise MalformedModel(f"model: want .json, .txt, .safetensors or .onnx, got {name[:80]!r}")


def model_sha256(digests: Mapping[str, str]) -> str:
    """Return the digest that names a model, from its files' hex SHA-256 by name.

    Examples
    --------
    >>> model_sha256({"model.json": "00" * 32})[:16]
    '180dc9b03f88a58b'
    """
    return hashlib.sha256(canonical_json(dict(digests))).hexdigest()
