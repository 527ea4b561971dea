"""The tests of classifiers: right, honest, fair, sturdy, explained, and silent on its members."""

from collections.abc import Mapping, Sequence

import numpy as np

from veracity.models.assurance.classifiers import ClassifierCase, Explains
from veracity.models.assurance.deletion import agreement, deletion, permutation_parts
from veracity.models.assurance.drift import ks, psi
from veracity.models.assurance.errors import MissingExtra
from veracity.models.assurance.explanations import MARKS as EXPLAINED
from veracity.models.assurance.membership import UNASKED, auc
from veracity.models.assurance.result import AssuranceTest, Found, Number
from veracity.models.panel_array import Bools, Floats

THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_BINS = 10
_EXTREMES = (1e9, -1e9, float("inf"), float("-inf"), float("nan"))


def right(case: ClassifierCase) -> Found:
    """Return accuracy, the Brier score, and the skill of both over saying what is usual."""
    y, p = case.cases.y, case.p
    said = ~np.isnan(p)
    base = y.mean()
    brier, usual = (p - y) ** 2, (base - y) ** 2
    hit = (p >= case.threshold) == y
    b, n = case.bootstrap, said.astype(np.float64)[:, None]

    def mean(values: Floats | Bools) -> Floats:
        return b.ratio(np.where(said, values, 0.0)[:, None], n)

    counts = n.sum(axis=0)
    skill = 1 - b.ratio(np.where(said, brier, 0)[:, None], np.where(said, usual, 0)[:, None])
    numbers = [
        _one(case, "accuracy", mean(hit), counts),
        _one(case, "brier", mean(brier), counts),
        _one(case, "brier-skill", skill, counts),
    ]
    silent = Number("silent", float(1 - said.mean()), n=len(p))
    return Found((*(n for ns in numbers for n in ns), silent))


def honest(case: ClassifierCase) -> Found:
    """Return the expected calibration error, and how often what it says comes true, by what it says."""
    y, p, b = case.cases.y.astype(np.float64), case.p, case.bootstrap
    bins = np.minimum((np.nan_to_num(p) * _BINS).astype(int), _BINS - 1)
    of = (bins[:, None] == np.arange(_BINS)) & ~np.isnan(p)[:, None]
    n = of.astype(np.float64)
    total = b.sums(n)
    gap = np.abs(b.sums(np.where(of, (np.nan_to_num(p) - y)[:, None], 0)))
    ece = (gap.sum(axis=1) / np.maximum(total.sum(axis=1), 1))[:, None]
    observed = b.ratio(np.where(of, y[:, None], 0), n)
    labels = [{"said": f"{i / _BINS:g} to {(i + 1) / _BINS:g}"} for i in range(_BINS)]
    numbers = b.numbers("observed", observed, n.sum(axis=0), labels, case.policy.n_least)
    return Found((*_one(case, "ece", ece, np.array([n.sum()])), *numbers))


def fair(case: ClassifierCase) -> Found:
    """Return how many more events are missed, and alarms false, in each group than in the others."""
    groups = sorted(set(case.cases.groups.tolist()))
    if len(groups) < 2:
        return Found(untested="all cases are of one group: there is nobody to be fair between")
    try:
        plain = _metric_frame(case)
    except MissingExtra as exc:
        return Found(untested=str(exc))
    y, warned = case.cases.y, np.nan_to_num(case.p) >= case.threshold
    cells = np.stack([case.cases.groups == g for g in groups], axis=1)
    cells = np.concatenate([cells, ~cells], axis=1)  # each group, then for each all others
    numbers: list[Number] = []
    for name, over, under in (("misses-more", y & ~warned, y), ("false-alarms-more", ~y & warned, ~y)):
        top, bottom = ((which[:, None] & cells).astype(np.float64) for which in (over, under))
        rates = case.bootstrap.ratio(top, bottom)
        labels = [{"group": g} for g in groups]
        own, others = np.split(rates, 2, axis=1)
        counts = np.split(bottom.sum(axis=0), 2)[0]
        numbers += case.bootstrap.numbers(name, own - others, counts, labels, case.policy.n_least)
    note = "rates by group are of fairlearn's MetricFrame; intervals of the block bootstrap, which it has not"
    return Found((*numbers, *plain), notes=(note,))


def _metric_frame(case: ClassifierCase) -> list[Number]:
    """Return rates by group, as fairlearn gives them."""
    try:
        from fairlearn.metrics import MetricFrame, false_negative_rate, false_positive_rate, selection_rate
    except ImportError as exc:
        raise MissingExtra(
            'fairness of classifiers: want fairlearn (pip install "veracity[assurance]")'
        ) from exc
    metrics = {"misses": false_negative_rate, "false-alarms": false_positive_rate, "warnings": selection_rate}
    warned = np.nan_to_num(case.p) >= case.threshold
    frame = MetricFrame(
        metrics=metrics,
        y_true=case.cases.y.astype(int),
        y_pred=warned.astype(int),
        sensitive_features=case.cases.groups,
    )
    table = frame.by_group
    n = {str(g): int((case.cases.groups == g).sum()) for g in table.index}
    return [
        Number(name, float(table.loc[g, name]), n=n[str(g)], of={"group": str(g)}, judged=False)
        for name in metrics
        for g in table.index
    ]


def swept(case: ClassifierCase) -> Found:
    """Return misses and false alarms at each threshold: what another choice would cost."""
    y, p, b = case.cases.y[:, None], case.p[:, None], case.bootstrap
    warned = np.nan_to_num(p) >= np.array(THRESHOLDS)
    labels = [{"threshold": f"{t:g}"} for t in THRESHOLDS]
    numbers: list[Number] = []
    for name, over, under in (("misses", y & ~warned, y), ("false-alarms", ~y & warned, ~y)):
        wide = np.broadcast_to(under, over.shape).astype(np.float64)
        samples = b.ratio(over.astype(np.float64), wide)
        numbers += b.numbers(name, samples, wide.sum(axis=0), labels, case.policy.n_least)
    return Found(tuple(numbers))


def sturdy(case: ClassifierCase) -> Found:
    """Return how noise, missing and absurd features change it: flips, loss, and answers that are none."""
    x, y, rng = case.cases.x, case.cases.y, case.rng("sturdy")
    noise = case.settings.get("noise", 0.1)
    deviation = np.nan_to_num(np.nanstd(x, axis=0))
    worst, p = np.zeros(len(x), np.bool_), case.p
    warned = np.nan_to_num(p) >= case.threshold
    for _ in range(20):
        moved = case.ask(x + rng.choice([-1.0, 1.0], x.shape) * noise * deviation)
        worst |= (np.nan_to_num(moved) >= case.threshold) != warned
    b = case.bootstrap
    ones = np.ones((len(x), 1))
    flips = b.ratio(worst.astype(np.float64)[:, None], ones)
    of = {"noise": f"{noise:g} standard deviations, signs searched"}
    numbers: list[Number] = [*b.numbers("flips", flips, ones.sum(axis=0), [of], case.policy.n_least)]
    for share in (0.1, 0.3, 0.5):
        cut = np.where(rng.random(x.shape) < share, np.nan, x)
        numbers += _with_missing(case, case.ask(cut), y, f"{share:.0%} of the features missing")
    silent = 0.0
    for value in _EXTREMES:
        for f in range(x.shape[1]):
            absurd = x[:50].copy()
            absurd[:, f] = value
            silent = max(silent, float(np.isnan(case.ask(absurd)).mean()))
    nothing = case.ask(np.full((1, x.shape[1]), np.nan))
    unflagged = float(np.isnan(nothing).any() and case.fallback is None)
    numbers.append(Number("silent", silent, n=len(_EXTREMES) * x.shape[1], of={"input": "absurd"}))
    numbers.append(Number("unflagged", unflagged, n=1, of={"input": "nothing"}))
    return Found(tuple(numbers))


def _with_missing(case: ClassifierCase, p: Floats, y: Bools, what: str) -> tuple[Number, ...]:
    filled = np.where(np.isnan(p), y.mean() if case.fallback is None else case.fallback, p)
    before = (np.where(np.isnan(case.p), y.mean(), case.p) - y) ** 2
    rise = case.bootstrap.ratio(((filled - y) ** 2)[:, None], before[:, None]) - 1
    counts = np.array([float(len(y))])
    return case.bootstrap.numbers("brier-rise", rise, counts, [{"input": what}], case.policy.n_least, 3)


def drifted(case: ClassifierCase) -> Found:
    """Return how far each feature is from the training's."""
    if case.training is None:
        return Found(untested="the cases that it learned from are not at hand")
    numbers = []
    for f, name in enumerate(case.cases.names):
        old, new = (x[np.isfinite(x)] for x in (case.training.x[:, f], case.cases.x[:, f]))
        if len(old) and len(new):
            numbers += [
                Number(what, by(old, new), n=len(new), of={"column": name})
                for what, by in (("psi", psi), ("ks", ks))
            ]
    return Found(tuple(numbers), None if numbers else "no feature is known in both")


def explained(case: ClassifierCase) -> Found:
    """Return importances, the deletion test and stability: of its own explanation, or of permutation."""
    rng = case.rng("explained")
    x = case.cases.x[rng.permutation(len(case.cases.x))[:600]]

    def predict(cases: Floats) -> Floats:
        return np.nan_to_num(case.ask(cases))

    own = isinstance(case.model, Explains)
    parts = np.asarray(case.model.contributions(x)) if isinstance(case.model, Explains) else None
    if parts is None:
        parts = permutation_parts(predict, x, rng)
    top, random = deletion(predict, x, parts, max(1, x.shape[1] // 3), rng)
    halves = [np.abs(parts[h]).mean(axis=0) for h in np.array_split(rng.permutation(len(x)), 2)]
    drawn = rng.integers(0, len(x), (case.policy.repeats, len(x)))
    floor = max(float(random.mean()), 1e-12)
    ratios = top[drawn].mean(axis=1) / np.maximum(random[drawn].mean(axis=1), 1e-12)
    tail = (1 - case.policy.confidence) / 2
    low, high = np.quantile(ratios, [tail, 1 - tail])
    mean = np.abs(parts).mean(axis=0)
    total = float(mean.sum()) or 1.0
    importances = [
        Number("importance", float(v) / total, n=len(x), of={"input": name})
        for name, v in sorted(zip(case.cases.names, mean, strict=True), key=lambda pair: (-pair[1], pair[0]))
    ]
    numbers = [
        Number("advantage", float(top.mean()) / floor, float(low), float(high), len(x)),
        Number("stability", agreement(*halves), n=len(x)),
        *importances,
    ]
    return Found(tuple(numbers), notes=("its own explanation" if own else "explained by permutation",))


def members(case: ClassifierCase) -> Found:
    """Return how well cases of the training are told from others by the loss."""
    if not case.personal:
        return Found(untested=UNASKED)
    if case.training is None:
        return Found(untested="the cases that it learned from are not at hand")
    sides = []
    for cases in (case.training, case.cases):
        p = np.clip(np.nan_to_num(case.ask(cases.x), nan=0.5), 1e-6, 1 - 1e-6)
        sides.append(-np.where(cases.y, np.log(p), np.log1p(-p)))
    rng = case.rng("members")
    q = case.policy
    block = q.block_s * 1_000_000
    weights = (
        type(case.bootstrap).of(case.training.times_us, block, q.repeats, q.confidence, rng).weights,
        case.bootstrap.weights,
    )
    i = case.bootstrap.interval(auc(sides[0], sides[1], weights)[:, None], 1)
    n = len(sides[0]) + len(sides[1])
    return Found((Number("auc", float(i.value[0]), float(i.low[0]), float(i.high[0]), n),))


def _one(case: ClassifierCase, name: str, samples: Floats, counts: Floats) -> tuple[Number, ...]:
    labels: Sequence[Mapping[str, str]] = [{}]
    return case.bootstrap.numbers(name, samples, counts, labels, case.policy.n_least)


TESTS = (
    AssuranceTest(
        "classifier-accuracy",
        "skill",
        "Is it right more often, and surer, than saying what is usual?",
        "Where events are rare, never warning is right nearly always; only skill over that counts.",
        {
            "accuracy": "share of cases in which a warning or none was right",
            "brier": "mean squared distance of the chance from the outcome",
            "brier-skill": "1 - Brier score over that of always saying how often it happens",
            "silent": "share of cases of which nothing is said",
        },
        right,
    ),
    AssuranceTest(
        "classifier-calibration",
        "calibration",
        "Does it happen as often as it says?",
        "Whoever sends out crews on a chance of 30 % must know that it comes true three times in ten.",
        {"ece": "expected calibration error over ten bins", "observed": "share of events where it said so"},
        honest,
    ),
    AssuranceTest(
        "classifier-fairness",
        "fairness",
        "Are events missed, and alarms false, as seldom in every group?",
        "An error that always hits the same people is no error but a rule.",
        {
            "misses-more": "share of the group's events that were missed, less that of all others",
            "false-alarms-more": "share of the group's quiet cases with a warning, less that of all others",
        },
        fair,
    ),
    AssuranceTest(
        "classifier-thresholds",
        "skill",
        "What would another threshold for warnings cost?",
        "The threshold is the city's choice and not the model's, to be made by knowing both prices.",
        {"misses": "share of events missed", "false-alarms": "share of quiet cases with a warning"},
        swept,
    ),
    AssuranceTest(
        "classifier-robustness",
        "robustness",
        "Do noise, missing and absurd features leave its answers standing, or flagged?",
        "Sensors are noisy, fail and lie; a warning that hangs on the third digit is no warning.",
        {
            "flips": "share of answers that noise within a bound can turn",
            "brier-rise": "Brier score with features missing over that without, less 1",
            "silent": "share of answers that are none where one feature is absurd",
            "unflagged": "1 if nothing is said of an empty case and the app has no rule for that",
        },
        sturdy,
    ),
    AssuranceTest(
        "classifier-drift",
        "drift",
        "Are its inputs still like those that it learned from?",
        "A model knows what it saw.",
        {"psi": "population stability index of a feature", "ks": "Kolmogorov-Smirnov distance of a feature"},
        drifted,
    ),
    AssuranceTest(
        "classifier-explanations",
        "explanations",
        "Is what is said to matter to it what does, and is the same said of another sample?",
        "People act on an explanation: a false one is worse than none.",
        EXPLAINED,
        explained,
    ),
    AssuranceTest(
        "classifier-membership",
        "privacy",
        "Can one tell from its errors whose data it learned from?",
        "A model that knows its members by heart publishes them, one question at a time.",
        {"auc": "area under the ROC curve of the loss-threshold attack; 0.5 gives nothing away"},
        members,
    ),
)
