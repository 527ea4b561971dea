"""The digest of an app's source: every file in its folder, by name."""

import hashlib
from importlib.resources import files
from importlib.resources.abc import Traversable

from veracity.canonical import canonical_json

_KINDS = (".py", ".yaml", ".csv")


def source_sha256(package: str) -> str:
    """Return SHA-256 of the canonical JSON of a package's files: each one's hex SHA-256 by its path.

    Code, contracts, panels and tables count, caches do not. The libraries below are named by the
    statements' ``engine``.
    """
    digests = {path: hashlib.sha256(one.read_bytes()).hexdigest() for path, one in _walk(files(package), "")}
    return hashlib.sha256(canonical_json(digests)).hexdigest()


def _walk(folder: Traversable, above: str) -> list[tuple[str, Traversable]]:
    found: list[tuple[str, Traversable]] = []
    for one in folder.iterdir():
        path = f"{above}{one.name}"
        if one.is_dir():
            found += _walk(one, f"{path}/")
        elif one.name.endswith(_KINDS):
            found.append((path, one))
    return found
