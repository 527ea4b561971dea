"""Privacy: whether one can tell from a model's errors which cases it learned from.

The loss-threshold attack: whoever holds a case guesses that it was a member of the training if the model's
loss on it is low. The area under its ROC curve is 0.5 where the model gives nothing away. Some cases are easy
for any model: the loss of a simple reference, fitted on the same rows, is taken off first.

References
----------
Yeom and others (2018), "Privacy risk in machine learning: analyzing the connection to overfitting"; Watson
and others (2022), "On the importance of difficulty calibration in membership inference attacks".
"""

import numpy as np

from veracity.models.assurance.bootstrap import Bootstrap
from veracity.models.assurance.cases import LEAST_ORIGINS, ForecastCase
from veracity.models.assurance.result import AssuranceTest, Found, Number
from veracity.models.assurance.scored import ask, score
from veracity.models.panel_array import Floats, Ints, PanelArray

UNASKED = "no personal data were used, as the train statement says"
_LEAST_ROWS = 100


def auc(members: Floats, others: Floats, weights: tuple[Floats, Floats]) -> Floats:
    """Return (b,) areas under the ROC curve of "a low score is a member", in weighted samples.

    Parameters
    ----------
    members, others
        (m,) and (n,) scores; equal ones count half.
    weights
        (b, m) and (b, n).

    Examples
    --------
    >>> one = np.ones((1, 2))
    >>> auc(np.array([1.0, 2.0]), np.array([3.0, 4.0]), (one, one))
    array([1.])
    """
    scores, inside = np.unique(np.concatenate([members, others]), return_inverse=True)
    w = [np.zeros((len(weights[0]), len(scores))) for _ in range(2)]
    for total, weight, at in zip(w, weights, (inside[: len(members)], inside[len(members) :]), strict=True):
        np.add.at(total.T, at, weight.T)
    above = w[1].sum(axis=1, keepdims=True) - np.cumsum(w[1], axis=1)
    won = (w[0] * (above + w[1] / 2)).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        out: Floats = won / (w[0].sum(axis=1) * w[1].sum(axis=1))
    return out


def attack(case: ForecastCase) -> Found:
    """Return how well members are told from others, over rows of training and of the test period."""
    if not case.context.personal:
        return Found(untested=UNASKED)
    if case.training is None:
        return Found(untested="the rows that it learned from are not at hand")
    inside = _origins_of(case)
    if len(inside) < LEAST_ORIGINS:
        return Found(untested="the training has too few times to forecast from")
    members = _losses(case, case.training, inside)
    others = _losses(case, case.panel, case.origins)
    weights = [
        np.repeat(_samples(case, panel, at, name).weights, len(panel.keys), axis=1)
        for panel, at, name in ((case.training, inside, "members"), (case.panel, case.origins, "others"))
    ]
    known = [np.isfinite(x) for x in (members, others)]
    if min(k.sum() for k in known) < _LEAST_ROWS:
        return Found(untested=f"want {_LEAST_ROWS} cases that are scored on each side, got fewer")
    samples = auc(members[known[0]], others[known[1]], (weights[0][:, known[0]], weights[1][:, known[1]]))
    i = case.bootstrap.interval(samples[:, None], 1)
    n = int(sum(k.sum() for k in known))
    number = Number("auc", float(i.value[0]), float(i.low[0]), float(i.high[0]), n)
    reference = next(iter(sorted(case.baselines)), "none")
    return Found((number,), notes=(f"loss-threshold attack, less the loss of the reference: {reference}",))


def _origins_of(case: ForecastCase) -> Ints:
    assert case.training is not None
    longest, n = max(case.model.horizons), case.training.n_times
    first = min(case.context.lookback, max(n - longest - 1, 0))
    return np.unique(np.linspace(first, max(n - longest - 1, first), len(case.origins)).astype(np.int64))


def _losses(case: ForecastCase, panel: PanelArray, origins: Ints) -> Floats:
    """Return (o * k,): mean loss over the horizons, less that of a reference."""
    loss = score(ask(case.model, panel, origins), panel, origins).crps
    if case.baselines:
        reference = case.baselines[min(case.baselines)]
        loss = loss - score(ask(reference, panel, origins), panel, origins).crps
    known = np.isfinite(loss)
    with np.errstate(invalid="ignore"):
        mean = np.where(known, loss, 0).sum(axis=2) / known.sum(axis=2)
    out: Floats = mean.ravel()
    return out


def _samples(case: ForecastCase, panel: PanelArray, origins: Ints, what: str) -> Bootstrap:
    p = case.policy
    times = panel.times_us[origins]
    return Bootstrap.of(times, p.block_s * 1_000_000, p.repeats, p.confidence, case.rng(f"membership {what}"))


TESTS = (
    AssuranceTest(
        "membership-inference",
        "privacy",
        "Can one tell from its errors whose data it learned from?",
        "A model that knows its members by heart publishes them, one question at a time.",
        {"auc": "area under the ROC curve of the loss-threshold attack; 0.5 gives nothing away"},
        attack,
    ),
)
