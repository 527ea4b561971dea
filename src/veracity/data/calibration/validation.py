"""Forward validation: every score is of readings later than all that the fit had seen.

The record is cut at *origins*: the end of the first window, and every ``every`` after. At each a
candidate is fitted on earlier pairs only, and scored on the block up to the next. Never a random
split: neighbouring hours are so alike that it would let a fit look up its answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from veracity.data.calibration.definition import DAY_US, Definition, Memory, Shape
from veracity.data.calibration.errors import CannotCalibrate
from veracity.data.calibration.least_squares import Floats, folded_sum
from veracity.data.calibration.model import Model, as_text, fit_model, predict
from veracity.data.calibration.pairs import Pairs

MAX_ORIGINS = 1_000
PREFERRED = 1.02  # a simpler candidate is taken if its error is at most this many times the best's
BLOCKS_TO_CHOOSE = 4


@dataclass(frozen=True)
class Score:
    """Errors of held-out pairs, corrected minus reference, as text of 6 significant digits.

    ``r2`` is empty where the reference does not change.
    """

    pairs: int
    mae: str
    rmse: str
    r2: str
    bias: str


@dataclass(frozen=True)
class Candidate:
    """A way to fit, and its models: one an origin, None where the pairs did not carry it."""

    memory: Memory
    shape: Shape
    models: tuple[Model | None, ...]


def cut(pairs: Pairs, first_us: int, until_us: int) -> Pairs:
    """Return the pairs of ``[first_us, until_us)``."""
    a, b = np.searchsorted(pairs.times, [first_us, until_us])
    return Pairs(pairs.times[a:b], pairs.inputs[:, a:b], pairs.reference[a:b], pairs.names)


def origins_of(definition: Definition, pairs: Pairs) -> list[int]:
    """Return when to fit: at the end of the first window, every ``every`` after, and after the last pair."""
    first, last = int(pairs.times[0]) + definition.window_us, int(pairs.times[-1])
    n = max(0, -(-(last - first) // definition.every_us))
    if n > MAX_ORIGINS:
        raise CannotCalibrate(f"every: want at most {MAX_ORIGINS} fits in the record, got {n}")
    return [*(first + i * definition.every_us for i in range(n)), last + 1]


def fit_candidate(
    definition: Definition, pairs: Pairs, origins: Sequence[int], memory: Memory, shape: Shape
) -> tuple[Candidate, CannotCalibrate | None]:
    """Fit one candidate at each origin; return it and why the last fit that failed did."""
    models: list[Model | None] = []
    why: CannotCalibrate | None = None
    for origin in origins:
        start = origin - definition.window_us if memory == "recent" else int(pairs.times[0])
        seen = cut(pairs, start, origin)
        try:
            if len(seen) < definition.min_pairs:
                raise CannotCalibrate(
                    f"pairs: want at least {definition.min_pairs} in a window of"
                    f" {as_text(definition.window_us / DAY_US, 3)} days, got {len(seen)}"
                )
            models.append(fit_model(seen, memory, shape, origin))
        except CannotCalibrate as exc:
            models.append(None)
            why = exc
    return Candidate(memory, shape, tuple(models)), why


def fit_candidates(definition: Definition, pairs: Pairs, origins: Sequence[int]) -> list[Candidate]:
    """Fit all candidates; keep those that can be fitted as early as any, simplest first.

    Raises
    ------
    CannotCalibrate
        If none can be fitted before the last pair.
    """
    fitted, why = [], None
    for memory in definition.memories:
        for shape in definition.shapes:
            candidate, failed = fit_candidate(definition, pairs, origins, memory, shape)
            why = failed or why
            fitted.append(candidate)
    starts = [_start(c) for c in fitted]
    first = min(starts)
    if first >= len(origins) - 1:
        raise why or CannotCalibrate("pairs: want some after the first window to validate on, got none")
    return [c for c, start in zip(fitted, starts, strict=True) if start == first]


def _start(candidate: Candidate) -> int:
    models = candidate.models
    return next((i for i, m in enumerate(models) if m is not None), len(models))


def held_out(candidate: Candidate, pairs: Pairs, origins: Sequence[int]) -> list[Floats]:
    """Return a candidate's errors on the block after each origin but the last; () before its first fit.

    Where a fit failed the one before goes on, as it would have to.
    """
    model, errors = None, []
    for i in range(len(origins) - 1):
        model = candidate.models[i] or model
        block = cut(pairs, origins[i], origins[i + 1])
        errors.append(np.empty(0) if model is None else errors_of(model, block))
    return errors


def errors_of(model: Model, block: Pairs) -> Floats:
    """Return corrected minus reference."""
    return predict(model, block.names, block.times, block.inputs) - block.reference


def mean_absolute(errors: Floats) -> float:
    """Return the mean absolute error."""
    return folded_sum(np.abs(errors)) / errors.size


def root_mean_square(errors: Floats) -> float:
    """Return the root of the mean squared error."""
    return float(np.sqrt(folded_sum(errors * errors) / errors.size))


def score(errors: Floats, reference: Floats) -> Score:
    """Score errors against the reference they are of."""
    away = reference - folded_sum(reference) / reference.size
    total, left = folded_sum(away * away), folded_sum(errors * errors)
    return Score(
        pairs=errors.size,
        mae=as_text(mean_absolute(errors), 6),
        rmse=as_text(root_mean_square(errors), 6),
        r2=as_text(1 - left / total, 6) if total > 0 else "",
        bias=as_text(folded_sum(errors) / errors.size, 6),
    )


def choose(candidates: Sequence[Candidate], errors: Sequence[Sequence[Floats]], blocks: Sequence[int]) -> int:
    """Return the simplest candidate whose mean absolute error on ``blocks`` is near the least."""
    if len(candidates) == 1:
        return 0
    mae = [mean_absolute(np.concatenate([e[b] for b in blocks])) for e in errors]
    return next(i for i, value in enumerate(mae) if value <= PREFERRED * min(mae))


def halves(errors: Sequence[Floats], n_candidates: int) -> tuple[list[int], list[int]]:
    """Return the blocks to choose by and those to report on, which no choice has seen.

    With one candidate there is no choice: all blocks are reported on.

    Raises
    ------
    CannotCalibrate
        If there are fewer than 4 blocks to choose by and report on.
    """
    blocks = [i for i, e in enumerate(errors) if e.size]
    if n_candidates == 1:
        if not blocks:
            raise CannotCalibrate("pairs: want some after the first window to validate on, got none")
        return [], blocks
    if len(blocks) < BLOCKS_TO_CHOOSE:
        raise CannotCalibrate(
            f"blocks: want at least {BLOCKS_TO_CHOOSE} of the length of every after the first window, to"
            f" choose memory and shape by, got {len(blocks)}; name both, or fit more often"
        )
    half = -(-len(blocks) // 2)
    return blocks[:half], blocks[half:]


def rmse_by_age(
    definition: Definition, candidate: Candidate, pairs: Pairs, origins: Sequence[int]
) -> list[tuple[int, float]]:
    """Return (pairs, error) by a fit's age, one ``every`` after the other, as far as it was measured."""
    found = []
    for k in range(definition.valid_for_us // definition.every_us):
        errors = [np.empty(0)]
        for model, origin in zip(candidate.models[:-1], origins[:-1], strict=True):
            if model is not None:
                begin = origin + k * definition.every_us
                errors.append(errors_of(model, cut(pairs, begin, begin + definition.every_us)))
        together = np.concatenate(errors)
        if together.size < definition.min_pairs:
            break
        found.append((together.size, root_mean_square(together)))
    if not found:
        raise CannotCalibrate(
            f"pairs: want at least {definition.min_pairs} after the first window to validate on, got fewer"
        )
    return found
