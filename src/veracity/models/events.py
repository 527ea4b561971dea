"""Events and warnings: which rows warn, and what a warning or the want of one costs (the cost-loss model).

An event is an outcome at or above a row's threshold. Who is warned acts, at a cost, whether or not the event
comes; who is not, and should have been, bears the loss. Both are in one unit, which the app declares by
choosing them; the ratio alone decides when a warning pays: at a probability of cost / loss or more.
"""

from dataclasses import dataclass

import polars as pl

from veracity.models.errors import BadParameter


@dataclass(frozen=True)
class EventPolicy:
    """What an app counts as a warning, and what it costs.

    Attributes
    ----------
    cost, loss
        Of acting on one warning, and of one event without; ``0 < cost < loss``.
    warn_at
        The least probability that counts as a warning; by default where it starts to pay.
    warnings
        Actions that are warnings. A row with an action is judged by that alone; one without by its
        probability.

    References
    ----------
    Murphy (1977), The value of climatological, categorical and probabilistic forecasts in the cost-loss
    ratio situation, Monthly Weather Review 105.
    """

    cost: float = 1.0
    loss: float = 5.0
    warn_at: float | None = None
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.cost < self.loss:
            raise BadParameter(f"events: want 0 < cost < loss, got {self.cost} and {self.loss}")
        if not 0 < self.least <= 1:
            raise BadParameter(f"events.warn_at: want a probability above 0, got {self.warn_at}")

    @property
    def least(self) -> float:
        """The least probability that warns."""
        return self.cost / self.loss if self.warn_at is None else self.warn_at

    def warned(self) -> pl.Expr:
        """Whether a row of decisions warns; null where it says nothing of an event."""
        by_action = pl.col("action").is_in(list(self.warnings)) if self.warnings else pl.lit(value=None)
        by_probability = pl.col("probability") >= self.least
        warned = pl.when(pl.col("action").is_not_null() & bool(self.warnings)).then(by_action)
        return pl.when(pl.col("threshold").is_not_null()).then(warned.otherwise(by_probability))
