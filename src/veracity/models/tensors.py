"""Arrays as safetensors: numbers and words by name, and nothing that could run."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from veracity.canonical import canonical_json
from veracity.models.errors import MalformedModel
from veracity.provenance.strictjson import parse_json

MAX_WORDS_BYTES = 1_048_576
_WORDS = "words"

Arrays = dict[str, npt.NDArray[Any]]


def write_tensors(arrays: Mapping[str, npt.NDArray[Any]], words: Mapping[str, tuple[str, ...]]) -> bytes:
    """Return arrays and tuples of words as one safetensors file, the same bytes for the same content."""
    text = canonical_json({name: list(value) for name, value in words.items()})
    tensors = {name: np.ascontiguousarray(value) for name, value in arrays.items()}
    tensors[_WORDS] = np.frombuffer(text, np.uint8)
    return bytes(save(tensors))


def read_tensors(body: bytes, names: Iterable[str]) -> tuple[Arrays, dict[str, tuple[str, ...]]]:
    """Read what ``write_tensors`` wrote; MalformedModel unless it has just the arrays named, all finite."""
    try:
        arrays: Arrays = dict(load(body))
    except (SafetensorError, ValueError, KeyError) as exc:
        raise MalformedModel(f"tensors: want a safetensors file, got {str(exc)[:80]}") from exc
    text = arrays.pop(_WORDS, np.empty(0, np.uint8)).tobytes()
    if set(arrays) != set(names):
        raise MalformedModel(f"tensors: want {', '.join(sorted(names))}, got {', '.join(sorted(arrays))}")
    if not all(np.isfinite(value).all() for value in arrays.values()):
        raise MalformedModel("tensors: want finite numbers, got others")
    words = parse_json(text, "tensors.words", MAX_WORDS_BYTES, MalformedModel)
    told = words.items() if isinstance(words, dict) else ()
    if not all(isinstance(v, list) and all(isinstance(w, str) for w in v) for _, v in told):
        raise MalformedModel("tensors.words: want lists of words, got others")
    return arrays, {name: tuple(value) for name, value in told}
