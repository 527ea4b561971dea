"""From pairs to a calibration: choose by forward validation, fit, and say how well it does."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from veracity.data.calibration.definition import Definition
from veracity.data.calibration.document import Age, Calibration, Contender, Segment, Source
from veracity.data.calibration.errors import CannotCalibrate
from veracity.data.calibration.least_squares import Floats, folded_sum
from veracity.data.calibration.model import as_text, fit_model
from veracity.data.calibration.pairs import Pairs
from veracity.data.calibration.validation import (
    Candidate,
    choose,
    cut,
    errors_of,
    fit_candidates,
    halves,
    held_out,
    origins_of,
    rmse_by_age,
    score,
)
from veracity.units import UnknownUnit, conversion

ENGINE = "veracity-calibration/1"  # changes with any change that can change a digit
DECIMALS = 9


@dataclass(frozen=True)
class Origin:
    """Where the pairs came from.

    Attributes
    ----------
    feed, reference_feed
        Names of feeds.
    units
        UCUM unit by column of the sensor's feed, None where the contract gives none.
    reference_unit
        The same of the reference.
    sources
        The tables as they were read.
    """

    feed: str
    reference_feed: str
    units: tuple[tuple[str, str | None], ...]
    reference_unit: str | None
    sources: tuple[Source, ...]


def fit(definition: Definition, pairs: Pairs, origin: Origin) -> Calibration:
    """Fit a calibration: the same pairs and definition give the same document, byte for byte.

    Raises
    ------
    CannotCalibrate
        If the pairs do not carry one: the message says what is wanted.
    """
    if len(pairs) < definition.min_pairs:
        raise CannotCalibrate(f"pairs: want at least {definition.min_pairs}, got {len(pairs)}")
    origins = origins_of(definition, pairs)
    candidates = fit_candidates(definition, pairs, origins)
    errors = [held_out(c, pairs, origins) for c in candidates]
    to_choose, to_report = halves(errors[0], len(candidates))
    best = choose(candidates, errors, to_choose)
    chosen = candidates[best]
    ages = _ages(rmse_by_age(definition, chosen, pairs, origins), definition.every_us)
    return Calibration(
        name=definition.name,
        definition_sha256=definition.sha256,
        feed=origin.feed,
        reference_feed=origin.reference_feed,
        inputs=definition.inputs,
        units=tuple(unit for _, unit in origin.units),
        device=tuple(definition.device.items()),
        reference=definition.reference,
        reference_device=tuple(definition.reference_device.items()),
        output=definition.output,
        unit=origin.reference_unit,
        decimals=_decimals(float(ages[0].rmse)),
        sources=origin.sources,
        n_pairs=len(pairs),
        pairs_sha256=pairs.digest(),
        memory=chosen.memory,
        shape=chosen.shape,
        segments=_segments(chosen, ages[-1].until_us),
        ages=ages,
        contenders=(
            *_baselines(definition, pairs, origins, to_report, chosen, origin),
            *(
                _contender(f"{c.memory} {c.shape}", e, pairs, origins, to_report)
                for c, e in zip(candidates, errors, strict=True)
            ),
        ),
        chosen=f"{chosen.memory} {chosen.shape}",
        reported_from_us=origins[to_report[0]],
        engine=ENGINE,
    )


def _segments(chosen: Candidate, valid_for_us: int) -> tuple[Segment, ...]:
    """Return when each model counts: until the next is fitted, or until nobody knows how wrong it is."""
    models = [m for m in chosen.models if m is not None]
    ends = [*(m.fitted_us for m in models[1:]), models[-1].fitted_us + valid_for_us]
    return tuple(
        Segment(m, min(end, m.fitted_us + valid_for_us)) for m, end in zip(models, ends, strict=True)
    )


def _ages(measured: Sequence[tuple[int, float]], every_us: int) -> tuple[Age, ...]:
    return tuple(
        Age((k + 1) * every_us, n_pairs, as_text(rmse, 6)) for k, (n_pairs, rmse) in enumerate(measured)
    )


def _decimals(rmse: float) -> int:
    """Return how many decimals a corrected value gets: its last is at most a hundredth of the error."""
    if not rmse > 0:
        return DECIMALS
    return min(max(2 - int(f"{rmse:.0e}".partition("e")[2]), 0), DECIMALS)


def _baselines(
    definition: Definition,
    pairs: Pairs,
    origins: Sequence[int],
    blocks: Sequence[int],
    chosen: Candidate,
    origin: Origin,
) -> list[Contender]:
    """Score what a calibration must beat: the sensor as it came, and fits that are never renewed."""
    start = next(i for i, m in enumerate(chosen.models) if m is not None)
    first = cut(pairs, origins[start] - definition.window_us, origins[start])
    after = [cut(pairs, origins[i], origins[i + 1]) for i in range(len(origins) - 1)]
    factory = _factory(first, origin)
    found = [_contender("raw", [_raw(b, factory) - b.reference for b in after], pairs, origins, blocks)]
    for shape in dict.fromkeys(("line", chosen.shape)):
        try:
            model = fit_model(first, "all", shape, origins[start])
        except CannotCalibrate:
            continue
        errors = [errors_of(model, b) for b in after]
        found.append(_contender(f"once {shape}", errors, pairs, origins, blocks))
    return found


def _factory(first: Pairs, origin: Origin) -> tuple[float, float]:
    """Return scale and offset of the sensor as it came.

    If it has a unit of the reference's kind, that is the conversion. If not, somebody must have
    given it a scale: the one that matches median and quartiles of the first window.
    """
    unit = origin.units[0][1]
    if unit is not None and origin.reference_unit is not None:
        try:
            return conversion(unit, origin.reference_unit)
        except UnknownUnit:
            pass
    x, y = first.inputs[0], first.reference
    (x1, x2, x3), (y1, y2, y3) = (np.quantile(v, [0.25, 0.5, 0.75], method="lower") for v in (x, y))
    together = folded_sum((x - x2) * (y - y2))
    scale = float((y3 - y1) / (x3 - x1)) if x3 > x1 else 0.0
    scale = -scale if together < 0 else scale
    return scale, float(y2 - scale * x2)


def _raw(block: Pairs, factory: tuple[float, float]) -> Floats:
    scaled: Floats = block.inputs[0] * factory[0] + factory[1]
    return scaled


def _contender(
    name: str, errors: Sequence[Floats], pairs: Pairs, origins: Sequence[int], blocks: Sequence[int]
) -> Contender:
    reference = [cut(pairs, origins[b], origins[b + 1]).reference for b in blocks]
    return Contender(name, score(np.concatenate([errors[b] for b in blocks]), np.concatenate(reference)))
