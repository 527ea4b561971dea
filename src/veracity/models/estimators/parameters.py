"""What every estimator here has: its parameters, their checks, and the way into ``predict``."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np

from veracity.models.errors import BadPanel, BadParameter, MalformedModel, NotFitted
from veracity.models.forecast import LEVELS, Forecast
from veracity.models.panel_array import Floats, Ints, PanelArray

LONGEST_HORIZON = 100_000


@dataclass
class Parameters(ABC):
    """The parameters that all share, and ``predict`` around what each does in its own way.

    Attributes
    ----------
    target
        The column that is learned.
    horizons
        Steps ahead, from 1, ascending.
    levels
        Of the quantiles, between 0 and 1, ascending.
    seed
        Of everything that is left to chance.
    """

    target: str
    horizons: tuple[int, ...]
    levels: tuple[float, ...] = LEVELS
    seed: int = 0

    name: ClassVar[str]

    def __post_init__(self) -> None:
        for one in fields(self):  # JSON knows no tuples
            value = getattr(self, one.name)
            if isinstance(value, list):
                setattr(self, one.name, tuple(value))
        if not isinstance(self.target, str) or not self.target:
            raise BadParameter(f"target: want a column's name, got {str(self.target)[:80]!r}")
        _check_ascending("horizons", self.horizons, 1, LONGEST_HORIZON, int)
        _check_ascending("levels", self.levels, 1e-6, 1 - 1e-6, float)
        self.count("seed", 0)

    @property
    def fitted(self) -> bool:
        """Whether it learned anything yet."""
        return all(getattr(self, f.name) is not None for f in fields(self) if f.name.endswith("_"))

    def parameters(self) -> Mapping[str, Any]:
        """Return what the constructor takes, as plain JSON."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.init}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in own.items()}

    @abstractmethod
    def fit(self, panel: PanelArray) -> Self:
        """Learn from a panel."""

    @abstractmethod
    def quantiles(self, panel: PanelArray, horizons: tuple[int, ...], origins: Ints) -> Floats:
        """Return (o, k, h, q), in any order along q. Everything asked for was checked before."""

    def predict(
        self, panel: PanelArray, horizons: Sequence[int] | None = None, origins: Ints | None = None
    ) -> Forecast:
        """Forecast from some origins of a panel, given by number; by default from its last time.

        Raises
        ------
        NotFitted
            Before ``fit``.
        BadPanel, BadParameter
            If a column is missing, or a horizon that it was not made for.
        """
        if not self.fitted:
            raise NotFitted(f"{self.name}: want it fitted before predict, got no fit")
        wanted = self.horizons if horizons is None else tuple(int(h) for h in horizons)
        if not wanted or set(wanted) - set(self.horizons) or list(wanted) != sorted(set(wanted)):
            raise BadParameter(f"horizons: want some of {self.horizons}, ascending, got {wanted}")
        at = check_origins(panel, origins)
        panel.index(self.target)
        values = self.quantiles(panel.until(int(at.max())), wanted, at) if len(at) else None
        shape = (len(at), len(panel.keys), len(wanted), len(self.levels))
        if values is None:
            values = np.empty(shape)
        return Forecast(
            self.target,
            panel.times_us[at],
            panel.every_us,
            panel.keys,
            np.array(wanted, np.int64),
            self.levels,
            values,
        ).in_order()

    @abstractmethod
    def to_files(self) -> dict[str, bytes]:
        """Return what was learned as files by name."""

    @abstractmethod
    def take_files(self, files: Mapping[str, bytes]) -> None:
        """Take in what ``to_files`` gave; MalformedModel if it is not such."""

    @classmethod
    def from_files(cls, parameters: Mapping[str, Any], files: Mapping[str, bytes]) -> Self:
        """Return the fitted estimator that parameters and files are of.

        Raises
        ------
        MalformedModel
            If the files are not such.
        """
        try:
            made = cls(**parameters)
        except (TypeError, BadParameter) as exc:
            raise MalformedModel(f"{cls.name}.parameters: want those of its constructor, got {exc}") from exc
        made.take_files(files)
        return made

    def need_fit(self) -> None:
        """Raise NotFitted before ``fit``."""
        if not self.fitted:
            raise NotFitted(f"{self.name}: want it fitted before to_files, got no fit")

    def count(self, name: str, least: int) -> None:
        """Raise BadParameter unless a parameter is a whole number of at least ``least``."""
        value = getattr(self, name)
        if type(value) is not int or not least <= value < 2**53:
            raise BadParameter(f"{name}: want a whole number from {least}, got {str(value)[:60]}")

    def columns_or_all(self) -> None:
        """Raise BadParameter unless ``columns`` is None or names of columns, each once."""
        names = getattr(self, "columns", None)
        good = isinstance(names, tuple) and all(isinstance(one, str) for one in names)
        if names is not None and (not good or len(set(names)) != len(names)):
            raise BadParameter(f"columns: want names, each once, got {str(names)[:60]}")

    def at_least(self, name: str, least: float) -> None:
        """Raise BadParameter unless a parameter is a number of at least ``least``."""
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < 1e9:
            raise BadParameter(f"{name}: want a number from {least}, got {value!r}")


def check_origins(panel: PanelArray, origins: Ints | None) -> Ints:
    """Return origins as numbers of rows, by default the last; BadParameter for one outside of the panel."""
    if panel.n_times == 0 or not panel.keys:
        raise BadPanel(f"panel: want times and keys, got {panel.n_times} times of {len(panel.keys)} keys")
    at = np.array([panel.n_times - 1]) if origins is None else np.asarray(origins, np.int64)
    if at.ndim != 1 or (len(at) and not 0 <= at.min() <= at.max() < panel.n_times):
        raise BadParameter(f"origins: want rows from 0 to {panel.n_times - 1}, got others")
    return at.astype(np.int64)


def _check_ascending(name: str, values: Any, low: float, high: float, kind: type) -> None:
    """Raise BadParameter unless these are some numbers of a kind within bounds, ascending."""
    some = list(values) if isinstance(values, tuple) and 0 < len(values) <= 1_000 else []
    if not some or any(type(v) is not kind for v in some) or sorted(set(some)) != some:
        raise BadParameter(f"{name}: want {kind.__name__}s, ascending, got {str(values)[:60]}")
    if not all(low <= one <= high for one in some):  # NaN is not
        raise BadParameter(f"{name}: want numbers from {low:g} to {high:g}, got {str(values)[:60]}")
