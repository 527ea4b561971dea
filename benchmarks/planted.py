"""A simulated feed with planted faults, and the exact truth about each: which rows break which rule.

Rows come as a network reports: step after step, each sensor once a step of 5 minutes. Every row
has one *fate*, drawn from the seed. Fates keep out of each other's way, so that the truth is the
same however a tool reads a rule:

- a row that repeats a key or goes back in time follows a sound row of its sensor, so it is
  out of order both against the row before and against the newest so far;
- the key that is repeated is a sound row's, and a late row has a time that no other row has;
- a bad or unregistered name is made of the sensor's own name, so it repeats no key;
- in the last two steps all rows are sound, so a sensor is silent only if it was planted so.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

Rows = np.ndarray[tuple[int], np.dtype[np.int64]]

START_US = 1_700_000_100_000_000
STEP_US = 300_000_000
LOW, HIGH = 0.0, 500.0  # ug/m3
UNIT = "ug/m3"
PATTERN = "^S[0-9]{4}$"
BOX = {"lat": (15.9, 16.3), "lon": (107.8, 108.4)}  # Da Nang
STALE_AFTER_US = 3_600_000_000
FAR = 300  # steps back that a repeated key or a late time may reach
CHUNK = 500_000

# fate: share of the rows, and the rules that a row of it breaks
FATES: dict[str, tuple[float, tuple[str, ...]]] = {
    "null": (0.010, ("null",)),
    "range": (0.005, ("range",)),
    "pattern": (0.001, ("pattern", "registry")),
    "unit": (0.0015, ("unit",)),
    "range and unit": (0.0005, ("range", "unit")),
    "position": (0.001, ("position",)),
    "repeated": (0.001, ("duplicate",)),
    "repeated from afar": (0.001, ("duplicate", "order")),
    "late": (0.002, ("order",)),
    "unregistered": (0.001, ("registry",)),
}
ROW_RULES = ("null", "range", "pattern", "unit", "position", "duplicate", "order", "registry")
RULES = (*ROW_RULES, "stale")
_FATE = {name: i + 1 for i, name in enumerate(FATES)}  # 0: sound
_AFTER_SOUND = [_FATE[name] for name in ("repeated", "repeated from afar", "late")]


@dataclass(frozen=True)
class Plan:
    """What to make: ``n`` rows of ``sensors`` sensors, of which 2 % fall silent hours before the end."""

    n: int
    sensors: int = 1_000
    seed: int = 0

    def __post_init__(self) -> None:
        if self.n < 64 * self.sensors or not 10 <= self.sensors <= 5_000:
            raise ValueError(
                f"plan: want 10 to 5,000 sensors with 64 rows each, got {self.sensors} and {self.n} rows"
            )

    @property
    def registry(self) -> list[str]:
        """The sensors that may report."""
        return [f"S{i:04d}" for i in range(self.sensors)]

    @property
    def silent(self) -> dict[int, int]:
        """Sensors that fall silent, and for how many steps before the last."""
        rng = np.random.default_rng([self.seed, 1])
        who = np.sort(rng.choice(self.sensors, max(1, self.sensors // 50), replace=False))
        return dict(zip(who.tolist(), rng.integers(24, 49, len(who)).tolist(), strict=True))

    @property
    def steps(self) -> int:
        """How many steps hold ``n`` rows."""
        return -(-(self.n + sum(self.silent.values())) // self.sensors)


@dataclass(frozen=True)
class Truth:
    """Which rows break each of ``ROW_RULES`` (ascending positions), and which sensors are stale."""

    rows: dict[str, Rows]
    stale: list[str]

    def verdicts(self) -> dict[str, list[object]]:
        """Return per rule the count and the digest of the rows (of the names, for ``stale``)."""
        found: dict[str, list[object]] = {rule: [len(at), rows_digest(at)] for rule, at in self.rows.items()}
        return found | {"stale": [len(self.stale), names_digest(self.stale)]}


def plan_of(n: int, seed: int = 0) -> Plan:
    """Return a plan of 1,000 sensors; of fewer for a small feed, so that each has some history."""
    return Plan(n, min(1_000, max(10, n // 400)), seed)


def rows_digest(rows: Rows) -> str:
    """SHA-256 of ascending row positions as little-endian int64."""
    return hashlib.sha256(np.asarray(rows, dtype="<i8").tobytes()).hexdigest()


def names_digest(names: list[str]) -> str:
    """SHA-256 of sorted names, one a line."""
    return hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()


def write_feed(path: Path, plan: Plan) -> Truth:
    """Write the feed as Parquet, chunk after chunk in bounded memory, and return the truth about it."""
    found: dict[str, list[Rows]] = {rule: [] for rule in ROW_RULES}
    pieces = []
    for start, frame, fate in chunks(plan):
        piece = path.with_suffix(f".{start}")
        frame.write_parquet(piece, compression="zstd", compression_level=3)
        pieces.append(piece)
        for rule in ROW_RULES:
            codes = [_FATE[name] for name, (_, rules) in FATES.items() if rule in rules]
            found[rule].append(start + np.flatnonzero(np.isin(fate, codes)))
    pl.scan_parquet(pieces).sink_parquet(
        path, compression="zstd", compression_level=3, row_group_size=CHUNK, maintain_order=True
    )
    for piece in pieces:
        piece.unlink()
    stale = [plan.registry[i] for i in plan.silent]
    return Truth({rule: np.concatenate(parts) for rule, parts in found.items()}, stale)


def chunks(plan: Plan) -> Iterator[tuple[int, pl.DataFrame, np.ndarray[tuple[int], np.dtype[np.int8]]]]:
    """Yield the position of the first row, the rows, and their fates, in order of arrival."""
    rng = np.random.default_rng([plan.seed, 2])
    last_step = np.full(plan.sensors, plan.steps, np.int64)
    for sensor, quiet in plan.silent.items():
        last_step[sensor] = plan.steps - quiet
    before = np.full((FAR, plan.sensors), -1, np.int8)  # fates of the steps before: -1 there was none
    per_chunk = max(1, CHUNK // plan.sensors)
    start = 0
    for first in range(0, plan.steps, per_chunk):
        n_steps = min(per_chunk, plan.steps - first)
        step = np.arange(first, first + n_steps)
        drawn = _drawn(rng, (n_steps, plan.sensors))
        drawn[step >= plan.steps - 2] = 0
        back = rng.integers(3, FAR, drawn.shape)
        fate = _settled(np.concatenate([before, drawn]), back)
        keep = (step[:, None] < last_step).ravel()
        keep &= np.cumsum(keep) <= plan.n - start
        frame = _frame(rng, plan, step, fate, back).filter(pl.Series(keep))
        yield start, frame, fate.ravel()[keep]
        start += frame.height
        before = np.concatenate([before, fate])[-FAR:]


def _due(step: Rows, sensor: Rows) -> Rows:
    """Return when a sensor reports in a step: up to a minute after it began, to the millisecond."""
    mixed = ((step * 7_919 + sensor * 104_729) * 2_654_435_761) % 2**32
    return START_US + step * STEP_US + (mixed // 71_583) * 1_000


def _drawn(
    rng: np.random.Generator, shape: tuple[int, int]
) -> np.ndarray[tuple[int, int], np.dtype[np.int8]]:
    bounds = np.cumsum([share for share, _ in FATES.values()])
    at = np.searchsorted(bounds, rng.random(shape), side="right")
    return np.where(at < len(bounds), at + 1, 0).astype(np.int8)


def _settled(
    fates: np.ndarray[tuple[int, int], np.dtype[np.int8]],
    back: np.ndarray[tuple[int, int], np.dtype[np.int64]],
) -> np.ndarray[tuple[int, int], np.dtype[np.int8]]:
    """Make sound the rows whose fate needs a sound row where there is none: a step and ``back`` before."""
    drawn = fates[FAR:].copy()
    follows = fates[FAR - 1 : -1] == 0
    drawn[np.isin(drawn, _AFTER_SOUND) & ~follows] = 0
    steps, sensors = np.nonzero(np.isin(drawn, _AFTER_SOUND[1:]))
    target = fates[FAR + steps - back[steps, sensors], sensors]
    lost = np.where(drawn[steps, sensors] == _FATE["late"], target < 0, target != 0)
    drawn[steps[lost], sensors[lost]] = 0
    return drawn


def _frame(
    rng: np.random.Generator,
    plan: Plan,
    step: Rows,
    fate: np.ndarray[tuple[int, int], np.dtype[np.int8]],
    back: np.ndarray[tuple[int, int], np.dtype[np.int64]],
) -> pl.DataFrame:
    """Return a reading a sensor and step, faults put in."""
    is_ = {name: (fate == code).ravel() for name, code in _FATE.items()}
    n = fate.size
    sensor = np.tile(np.arange(plan.sensors), len(step))
    afar = is_["repeated from afar"] | is_["late"]
    of_step = np.repeat(step, plan.sensors) - np.where(is_["repeated"], 1, np.where(afar, back.ravel(), 0))
    times = _due(of_step, sensor) + np.where(is_["late"], 60_000_000 + back.ravel() * 500_000, 0)
    value = np.round(np.abs(rng.normal(20, 12, n)), 1)
    out = is_["range"] | is_["range and unit"]
    far_off = np.where(rng.random(n) < 0.5, -0.1 - value, HIGH + 0.1 + value)
    value = np.where(out, np.round(far_off, 1), value)
    names = np.where(is_["pattern"], sensor + plan.sensors, sensor)
    names = np.where(is_["unregistered"], sensor + 2 * plan.sensors, names)
    all_names = [*plan.registry, *(f"X{i:04d}" for i in range(plan.sensors))]
    all_names += [f"S{9_999 - i:04d}" for i in range(plan.sensors)]
    place = np.random.default_rng([plan.seed, 3])
    jitter = rng.uniform(-5e-5, 5e-5, (2, n))
    lat = np.round(place.uniform(15.95, 16.25, plan.sensors)[sensor] + jitter[0], 6)
    lon = np.round(place.uniform(107.85, 108.35, plan.sensors)[sensor] + jitter[1], 6)
    lost = is_["position"]
    wrong = is_["unit"] | is_["range and unit"]
    return pl.DataFrame(
        {
            "sensor": pl.Series(all_names).gather(names),
            "time": pl.Series(times).cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
            "value": pl.Series(value).scatter(np.flatnonzero(is_["null"]), None),
            "unit": pl.Series([UNIT, "ppb"]).gather(wrong.astype(np.uint32)),
            "lat": np.where(lost, lon, lat),  # the two are swapped
            "lon": np.where(lost, lat, lon),
        }
    )
