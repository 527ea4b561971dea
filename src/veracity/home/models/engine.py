"""What decides a model's digits beside its data: our own source, the libraries, the machine."""

import platform
import sys
from collections.abc import Callable
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

import veracity
import veracity.models as models_area
from veracity.canonical import canonical_json

LIBRARIES = ("numpy", "polars", "lightgbm", "scipy")


def engine() -> dict[str, str]:
    """Return the versions of Python, of us and of the libraries that decide the digits, by name."""
    found = {"veracity": veracity.__version__, "python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # what an extra brings may not be there
            found[name] = "none"
    return found


def engine_line(versions: dict[str, str] | None = None) -> str:
    """Return them as one line, as statements carry it."""
    return ", ".join(f"{name} {one}" for name, one in (versions or engine()).items())[:256]


def environment() -> dict[str, Any]:
    """Return the machine as far as it may decide digits: its architecture, its system, its vector units."""
    shown = np.show_config(mode="dicts")
    vectors = shown.get("SIMD Extensions", {}) if isinstance(shown, dict) else {}
    return {
        "machine": platform.machine(),
        "system": platform.system(),
        "byte_order": sys.byteorder,
        "vector_units": sorted([*vectors.get("baseline", []), *vectors.get("found", [])]),
    }


def code_sha256(own: Callable[[], str] = str) -> str:
    """Return the digest of the source that makes features and fits: all of ``models``, and the app's own.

    ``own`` gives the digest of the app's source; empty for none.
    """
    return sha256(canonical_json({"models": _models_sha256(), "app": own()})).hexdigest()


def _models_sha256() -> str:
    root = Path(str(models_area.__file__)).parent
    files = {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*.py"))}
    return sha256(canonical_json({n: sha256(b).hexdigest() for n, b in files.items()})).hexdigest()
