"""The estimator API: small, after scikit-learn's, for panels.

Parameters go to the constructor and say nothing of data; ``fit`` returns the estimator, with what it
learned in attributes that end with ``_``; ``predict`` gives quantiles. The same panel, parameters and seed
give the same files to the byte on one machine and its libraries.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self

from veracity.models.forecast import Forecast
from veracity.models.panel_array import Ints, PanelArray


class Forecaster(Protocol):
    """Learns one target of a panel, over all keys at once, and forecasts it."""

    name: ClassVar[str]  #: by which ``model.json`` names it

    @property
    def target(self) -> str:
        """The column it learns."""

    @property
    def horizons(self) -> tuple[int, ...]:
        """Steps ahead that it was made for, ascending."""

    def parameters(self) -> Mapping[str, Any]:
        """Return what the constructor takes, as plain JSON."""

    def fit(self, panel: PanelArray) -> Self:
        """Learn from a panel: from rows up to an origin, what followed it.

        Raises
        ------
        BadPanel
            If the target or a column that it needs is missing, or too little is known.
        """

    def predict(
        self, panel: PanelArray, horizons: Sequence[int] | None = None, origins: Ints | None = None
    ) -> Forecast:
        """Forecast from some origins of a panel, given by number; by default from its last time.

        For each origin only rows up to it are used.

        Raises
        ------
        NotFitted
            Before ``fit``.
        BadPanel, BadParameter
            If a column is missing, or a horizon that it was not made for.
        """

    def to_files(self) -> dict[str, bytes]:
        """Return what was learned as files by name: JSON, LightGBM text, ONNX, safetensors. Never pickle."""

    @classmethod
    def from_files(cls, parameters: Mapping[str, Any], files: Mapping[str, bytes]) -> Self:
        """Return the fitted estimator that ``parameters`` and ``to_files`` are of.

        Raises
        ------
        MalformedModel
            If the files are not such.
        """
