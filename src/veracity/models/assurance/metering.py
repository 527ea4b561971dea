"""Resource use: what a thousand forecasts cost. It differs between machines: no part of the digest."""

from veracity.models.assurance.cases import ForecastCase
from veracity.models.assurance.result import AssuranceTest, Found, Number
from veracity.models.assurance.scored import ask

_ORIGINS = 24


def used(case: ForecastCase) -> Found:
    """Return CPU seconds per thousand forecasts, peak memory, and bytes of files."""
    files = case.model.to_files()
    size = Number("file-bytes", float(sum(map(len, files.values()))), n=len(files))
    if case.meter is None:
        return Found((size,), untested="nothing to measure with was given")
    origins = case.origins[:_ORIGINS]
    n = len(origins) * len(case.panel.keys) * len(case.model.horizons)
    cpu_s, peak = case.meter(lambda: ask(case.model, case.panel, origins))
    return Found(
        (
            Number("cpu-s-per-1000", 1000 * cpu_s / max(n, 1), n=n),
            Number("peak-bytes", float(peak), n=n),
            size,
        )
    )


TESTS = (
    AssuranceTest(
        "resource-use",
        "resources",
        "What do a thousand forecasts cost?",
        "A city pays for every run, for years; and what needs a large machine stops when that does.",
        {
            "cpu-s-per-1000": "CPU seconds for 1,000 forecasts (a place and a horizon each)",
            "peak-bytes": "peak of the memory taken while forecasting",
            "file-bytes": "bytes of the model's files",
        },
        used,
        measured=True,
    ),
)
