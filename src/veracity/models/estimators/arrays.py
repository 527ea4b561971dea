"""Learned arrays as one safetensors file and back, each with a shape that was asked for."""

from collections.abc import Mapping, Sequence

import numpy as np

from veracity.models.errors import MalformedModel
from veracity.models.panel_array import Floats

ARRAYS = "arrays.safetensors"
MAX_ARRAYS = 256
Shape = Sequence[int | None]  #: None is any length


def to_safetensors(arrays: Mapping[str, Floats]) -> bytes:
    """Return arrays as float64 in a safetensors file; the same arrays give the same bytes."""
    from safetensors.numpy import save

    plain = {name: np.ascontiguousarray(values, np.float64) for name, values in sorted(arrays.items())}
    return bytes(save(plain))


def from_safetensors(body: bytes, shapes: Mapping[str, Shape]) -> dict[str, Floats]:
    """Read just the arrays that are asked for, each of its shape.

    Raises
    ------
    MalformedModel
        If it is no safetensors file, or has other arrays.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays = load(body)
    except (SafetensorError, ValueError, KeyError, TypeError) as exc:
        raise MalformedModel(f"safetensors: want such a file, got {str(exc)[:120]}") from exc
    if set(arrays) != set(shapes):
        raise MalformedModel(f"safetensors: want arrays {sorted(shapes)}, got {sorted(arrays)[:MAX_ARRAYS]}")
    for name, shape in shapes.items():
        got = arrays[name]
        fits = got.ndim == len(shape) and all(w in (None, n) for w, n in zip(shape, got.shape, strict=True))
        if got.dtype != np.float64 or not fits:
            raise MalformedModel(
                f"safetensors.{name}: want float64 of {tuple(shape)}, got {got.dtype} {got.shape}"
            )
    return {name: np.array(values) for name, values in arrays.items()}


def only(files: Mapping[str, bytes], names: Sequence[str]) -> None:
    """Raise MalformedModel unless there are just the files of these names."""
    if set(files) != set(names):
        raise MalformedModel(
            f"files: want {', '.join(sorted(names))[:200]}, got {', '.join(sorted(files))[:200]}"
        )
