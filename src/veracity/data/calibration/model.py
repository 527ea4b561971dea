"""One fit: the correction as a formula of few terms, and what it was fitted on.

With dx, dc the sensor's and a covariate's distance from their centres and dt the days since the fit::

    y = offset + gain dx + curve dx² + Σ c dc + drift dt + gain_drift dt dx
"""

from dataclasses import dataclass

import numpy as np

from veracity.data.calibration.definition import DAY_US, Memory, Shape
from veracity.data.calibration.errors import CannotCalibrate
from veracity.data.calibration.least_squares import Floats, combine, fit_robustly
from veracity.data.calibration.pairs import Pairs, Times

DIGITS = 9  # of a coefficient; far more than data carry, and far fewer than a float's 17


@dataclass(frozen=True)
class Model:
    """A fitted correction, every number as the decimal text that it is read from.

    Attributes
    ----------
    fitted_us
        When it was fitted (microseconds since 1970): it knows nothing later, and its age counts from here.
    first_us, last_us, n_pairs
        The pairs it was fitted on.
    centres, lowest, highest
        By input: where its distance counts from, and its range in those pairs.
    coefficients
        (term, coefficient) in the order in which they are added.
    spread
        Robust standard deviation of the residuals of those pairs.
    """

    fitted_us: int
    first_us: int
    last_us: int
    n_pairs: int
    centres: tuple[str, ...]
    lowest: tuple[str, ...]
    highest: tuple[str, ...]
    coefficients: tuple[tuple[str, str], ...]
    spread: str


def terms_of(memory: Memory, shape: Shape, covariates: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of a formula's terms, in the order in which they are added."""
    adjusted = tuple(f"covariate:{c}" for c in covariates) if shape != "line" else ()
    curve = ("curve",) if shape == "curved" else ()
    drift = ("drift", "gain_drift") if memory == "trend" else ()
    return ("offset", "gain", *curve, *adjusted, *drift)


def term_columns(
    terms: tuple[str, ...], names: tuple[str, ...], centres: tuple[str, ...], fitted_us: int,
    times: Times, inputs: Floats,
) -> Floats:  # fmt: skip
    """Return the terms' values, ``(n_terms, n)``, of ``inputs: (k, n)`` at ``times: (n,)``."""
    away = [values - float(c) for values, c in zip(inputs, centres, strict=True)]
    days = (times - fitted_us) / float(DAY_US)
    known = {"offset": np.ones(times.size), "gain": away[0], "curve": away[0] * away[0]}
    known |= {f"covariate:{n}": a for n, a in zip(names[1:], away[1:], strict=True)}
    known |= {"drift": days, "gain_drift": days * away[0]}
    return np.stack([known[t] for t in terms])


def fit_model(pairs: Pairs, memory: Memory, shape: Shape, fitted_us: int) -> Model:
    """Fit one formula to pairs that are all earlier than ``fitted_us``.

    Raises
    ------
    CannotCalibrate
        If an input stands still, or a term says what others say.
    """
    for name, values in zip(pairs.names, pairs.inputs, strict=True):
        low, high = np.quantile(values, [0.05, 0.95], method="lower")
        if not high > low:
            raise CannotCalibrate(f"{name}: want a column that changes, got {float(low)!r} nearly throughout")
    terms = terms_of(memory, shape, pairs.names[1:])
    centres = tuple(as_text(float(np.median(values))) for values in pairs.inputs)
    columns = term_columns(terms, pairs.names, centres, fitted_us, pairs.times, pairs.inputs)
    scales = np.abs(columns).max(axis=1)
    scales[scales == 0] = 1.0
    found, spread = fit_robustly(columns / scales[:, None], pairs.reference, terms)
    return Model(
        fitted_us=fitted_us,
        first_us=int(pairs.times[0]),
        last_us=int(pairs.times[-1]),
        n_pairs=len(pairs),
        centres=centres,
        lowest=tuple(as_text(float(v.min())) for v in pairs.inputs),
        highest=tuple(as_text(float(v.max())) for v in pairs.inputs),
        coefficients=tuple((t, as_text(float(c))) for t, c in zip(terms, found / scales, strict=True)),
        spread=as_text(spread, 6),
    )


def predict(model: Model, names: tuple[str, ...], times: Times, inputs: Floats) -> Floats:
    """Return the corrected values, ``(n,)``: products and sums in the order of the formula."""
    terms = tuple(t for t, _ in model.coefficients)
    columns = term_columns(terms, names, model.centres, model.fitted_us, times, inputs)
    return combine(columns, np.array([float(c) for _, c in model.coefficients]))


def as_text(value: float, digits: int = DIGITS) -> str:
    """Write a number with a few significant digits, as it is read back: ``0`` for both zeros."""
    return f"{value + 0.0:.{digits}g}"
