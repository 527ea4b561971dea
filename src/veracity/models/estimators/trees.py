"""LightGBM models as text: written, read, and named, so that only data, parameters and seed are in it."""

from dataclasses import dataclass
from typing import Any

from veracity.models.errors import MalformedModel
from veracity.models.estimators.lightgbm_text import check_text
from veracity.models.optional import need
from veracity.models.panel_array import Floats


@dataclass(frozen=True)
class Booster:
    """A model as LightGBM text and as read from just that text."""

    text: bytes
    model: Any


def text_of(booster: Any) -> bytes:
    """Return a LightGBM model as text, without what does not change what it says (threads, file names)."""
    text: str = booster.model_to_string(num_iteration=-1)
    return (text.split("\nparameters:\n")[0] + "\nend of parameters\n\npandas_categorical:null\n").encode()


def read_booster(body: bytes, name: str) -> Booster:
    """Read a LightGBM model from its text; MalformedModel if it is none."""
    need("lightgbm", "models")
    import lightgbm

    try:
        text = body.decode("ascii")
        if not text.startswith("tree\n"):
            raise MalformedModel(f"{name}: want the text of a LightGBM model, got {text[:20]!r}")
        check_text(text, name)
        return Booster(body, lightgbm.Booster(model_str=text))
    except (UnicodeDecodeError, lightgbm.basic.LightGBMError, ValueError, KeyError) as exc:
        raise MalformedModel(f"{name}: want the text of a LightGBM model, got {str(exc)[:120]}") from exc


def dataset(rows: Any, label: Floats, weight: Floats, names: tuple[str, ...]) -> Any:
    """Return rows as LightGBM takes them."""
    need("lightgbm", "models")
    import lightgbm

    settings = {"max_bin": 63, "verbosity": -1, "feature_pre_filter": False}
    return lightgbm.Dataset(
        rows, label, weight=weight, feature_name=plain_names(names), params=settings, free_raw_data=False
    )


def plain_names(names: tuple[str, ...]) -> list[str]:
    """Return features' names as LightGBM takes them, which allows few characters, each with its number."""
    plain = ["".join(c if c.isascii() and c.isalnum() else "_" for c in name) for name in names]
    return [f"f{i:03d}_{name}" for i, name in enumerate(plain)]
