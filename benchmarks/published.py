"""Figures that others published for the sets of ``cleaning.py``, each with where it stands.

Only what was read in the source itself is here. Where nothing comparable is known, that is said.
"""

from typing import Any

_NAB = (
    "scoreboard in the README of github.com/numenta/NAB at 37b9a8c (NAB 1.0), threshold tuned on the corpus"
)
_SKAB = "github.com/waico/SKAB, README, proposed leaderboard: all rows, those trained on included"

NAB: list[dict[str, Any]] = [
    {"detector": name, "standard": standard, "reward low FP": fp, "reward low FN": fn, "source": _NAB}
    for name, standard, fp, fn in (
        ("Numenta HTM (lowest of its range)", 69.7, 61.7, 74.2),
        ("CAD OSE", 69.9, 67.0, 73.2),
        ("KNN CAD", 58.0, 43.4, 64.8),
        ("Relative Entropy", 54.6, 47.6, 58.8),
        ("Random Cut Forest", 51.7, 38.4, 59.7),
        ("Twitter ADVec", 47.1, 33.6, 53.5),
        ("Windowed Gaussian", 39.6, 20.9, 47.4),
        ("Etsy Skyline", 35.7, 27.1, 44.5),
        ("Bayesian Changepoint", 17.7, 3.2, 32.2),
        ("EXPoSE", 16.4, 3.2, 26.9),
        ("Random (mean of seeds)", 11.0, 1.2, 19.5),
    )
]
SKAB: list[dict[str, Any]] = [
    {"detector": name, "f1": f1, "FAR %": far, "MAR %": mar, "source": _SKAB}
    for name, f1, far, mar in (
        ("Conv-AE", 0.77, 6.38, 29.65),
        ("MSET", 0.77, 17.93, 16.08),
        ("T-squared+Q (PCA-based)", 0.75, 12.09, 26.62),
        ("LSTM-AE", 0.73, 13.65, 27.6),
        ("T-squared", 0.65, 8.71, 43.9),
        ("Isolation forest", 0.28, 1.16, 83.28),
    )
]
NOT_KNOWN = {
    "lro_water_labelled": "not known: the paper of the set (Jones, Jones and Horsburgh, 2022) tunes each"
    " site and sensor and widens events before it counts; its figures were not at hand",
    "oddwater_sandy": "not known: the figures of Leigh et al. (2019) and of Talagala et al. (2019) were"
    " not at hand",
}
