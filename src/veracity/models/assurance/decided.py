"""An app's own decisions under test, each made once however many targets are looked at."""

import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from veracity.models.assurance.context import Context
from veracity.models.assurance.errors import ModelCrashed
from veracity.models.assurance.faults import Fault, inject
from veracity.models.bundle import Estimators
from veracity.models.decisions import OWN, SCHEMA
from veracity.models.panel_array import PanelArray

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Decided:
    """What an app decides from a panel, by origin and by what was wrong with all before it.

    Attributes
    ----------
    estimators
        The model's, of all targets: an app decides with all of them.
    """

    context: Context
    panel: PanelArray
    estimators: Estimators
    seed: int
    _rows: dict[tuple[int, str], pl.DataFrame] = field(default_factory=dict, init=False, repr=False)

    def rows(self, origin: int, fault: Fault | None, target: str) -> pl.DataFrame:
        """Return the app's own decisions on a target.

        Raises
        ------
        ModelCrashed
            If the app raises anything, or returns other than rows of decisions.
        """
        at = origin, "" if fault is None else fault.name
        if at not in self._rows:
            self._rows[at] = self._decide(origin, fault)
        return self._rows[at].filter(pl.col("target") == target)

    def _decide(self, origin: int, fault: Fault | None) -> pl.DataFrame:
        assert self.context.decide is not None
        name, panel = self.context.name, self.panel.until(origin)
        if fault is not None:
            rng = np.random.default_rng([self.seed, zlib.crc32(f"decided {fault.name}".encode())])
            panel = inject(panel, np.array([origin]), panel.n_times, fault, rng)
        now = _EPOCH + timedelta(microseconds=int(panel.times_us[-1]))
        try:
            rows = self.context.decide(panel, self.estimators, now)
        except Exception as exc:
            line = " ".join(str(exc).split())[:200]
            raise ModelCrashed(f"{name}: want decisions, got {type(exc).__name__}: {line}") from exc
        if dict(rows.schema) != dict(SCHEMA):
            raise ModelCrashed(f"{name}: want rows of decisions, got columns {rows.columns}"[:300])
        return rows.filter(pl.col("model") == OWN)
