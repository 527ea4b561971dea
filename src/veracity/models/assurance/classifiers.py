"""Classifiers under test: the chance of an event, case by case."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from veracity.models.assurance.bootstrap import Bootstrap
from veracity.models.assurance.errors import ModelCrashed
from veracity.models.assurance.policy import Policy
from veracity.models.errors import BadParameter
from veracity.models.panel_array import Bools, Floats, Ints


class Classifier(Protocol):
    """Says how likely an event is."""

    def probability(self, x: Floats) -> Floats:
        """Return (n,) chances from 0 to 1 for (n, f) cases; NaN where nothing can be said."""


@runtime_checkable
class Explains(Protocol):
    """A classifier that says which features made its answer."""

    def contributions(self, x: Floats) -> Floats:
        """Return (n, f): the part of each feature in each answer."""


@dataclass(frozen=True)
class Cases:
    """Cases with their outcomes, in order of time.

    Attributes
    ----------
    x
        (n, f) features.
    y
        (n,) bool: whether the event happened.
    names
        f names.
    groups
        (n,) whom each is about; a single group where it is the same for all.
    times_us
        (n,) int64, ascending.
    """

    x: Floats
    y: Bools
    names: tuple[str, ...]
    groups: npt.NDArray[np.str_]
    times_us: Ints

    def __post_init__(self) -> None:
        n, f = len(self.y), len(self.names)
        shapes = [self.x.shape, self.groups.shape, self.times_us.shape]
        if shapes != [(n, f), (n,), (n,)] or n == 0:
            raise BadParameter(f"cases: want {n} of {f} features, groups and times, got {shapes}")


@dataclass(frozen=True)
class ClassifierCase:
    """A classifier and what it is tested on.

    Attributes
    ----------
    threshold
        The chance from which it warns.
    training
        The cases that it learned from, where they are at hand.
    personal
        Whether they are personal.
    fallback
        What is said where the model says nothing; None if the app has no such rule.
    settings
        Of the tests: ``noise``, in standard deviations of each feature.
    """

    model: Classifier
    cases: Cases
    policy: Policy
    seed: int
    threshold: float = 0.5
    training: Cases | None = None
    personal: bool = False
    fallback: float | None = None
    settings: Mapping[str, float] = field(default_factory=dict)

    def rng(self, what: str) -> np.random.Generator:
        """Return the source of chance of one test."""
        return np.random.default_rng([self.seed, zlib.crc32(what.encode())])

    def ask(self, x: Floats) -> Floats:
        """Return (n,) chances; ModelCrashed if it raises anything or says what is no chance."""
        try:
            p = np.asarray(self.model.probability(x), np.float64)
        except Exception as exc:
            line = " ".join(str(exc).split())[:200]
            raise ModelCrashed(f"classifier: want chances, got {type(exc).__name__}: {line}") from exc
        known = p[~np.isnan(p)] if p.shape == (len(x),) else None
        if known is None or ((known < 0) | (known > 1)).any():
            raise ModelCrashed(f"classifier: want {len(x)} chances from 0 to 1, got others")
        return p

    @cached_property
    def p(self) -> Floats:
        """(n,): its chances of the cases."""
        return self.ask(self.cases.x)

    @cached_property
    def bootstrap(self) -> Bootstrap:
        """Samples of blocks of the cases."""
        q = self.policy
        rng = self.rng("bootstrap")
        return Bootstrap.of(self.cases.times_us, q.block_s * 1_000_000, q.repeats, q.confidence, rng)
