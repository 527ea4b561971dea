"""What serves a system, and what did: read from the changes in the log, oldest first."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from veracity.home.clock import parse_time
from veracity.home.home import Home
from veracity.home.models.kept_rows import read_rows
from veracity.home.models.matched import past_scorings, scores_path
from veracity.home.models.said import read_said
from veracity.models.decisions import OWN
from veracity.provenance.statements import Release
from veracity.provenance.statements.words import STAGES, Stage

Change = tuple[int, Mapping[str, Any]]  #: log entry, predicate of a ``release`` statement


@dataclass(frozen=True)
class InForce:
    """The release that a system runs under, and where the log has it."""

    release: Release
    idx: int

    @property
    def model_sha256(self) -> str:
        """The model that serves."""
        return self.release.model_sha256

    @property
    def stage(self) -> Stage:
        """How far it may go."""
        return self.release.stage


def systems(home: Home) -> list[str]:
    """Return the systems that ever had a release, by name."""
    return sorted({str(p["system"]) for _, p in home.index.predicates("release")})


def changes(home: Home, system: str, before: int | None = None) -> list[Change]:
    """Return every change of what serves a system, in log order, or those before a log entry."""
    said = home.index.predicates("release")
    return [(idx, p) for idx, p in said if p["system"] == system and (before is None or idx < before)]


def in_force(home: Home, system: str) -> InForce | None:
    """Return what a system runs under; None if nothing was released, or it was stopped.

    Raises
    ------
    EnvelopeRejected, UnknownKey, RevokedKey, ExpiredKey, MalformedStatement
        If the log's entry is no release that the operator signed.
    """
    said = changes(home, system)
    if not said or said[-1][1]["action"] == "stop":
        return None
    idx = said[-1][0]
    return InForce(read_said(home, idx, Release), idx)


def served_before(said: Iterable[Change]) -> Change | None:
    """Return the change that brought the model that a roll-back goes to; None if no other served.

    A model that was rolled back from is passed over: to go back twice goes further back.
    """
    stack: list[Change] = []
    for change in said:
        model, action = change[1]["model"], change[1]["action"]
        if action == "stop":
            continue
        if action == "roll-back":
            while stack and stack[-1][1]["model"] != model:
                stack.pop()
        if stack and stack[-1][1]["model"] == model:
            stack.pop()
        stack.append(change)
    return stack[-2] if len(stack) > 1 else None


def time_at(said: Iterable[Change], model_sha256: str, stage: Stage, now: datetime) -> timedelta:
    """Return how long a model served at a stage, or above it, until ``now``, stops left out."""
    total, since = timedelta(0), None
    for _, p in said:
        at = parse_time("released_at", str(p["released_at"]))
        if since is not None:
            total += at - since
        counts = p["action"] != "stop" and p["model"] == model_sha256
        since = at if counts and STAGES.index(p["stage"]) >= STAGES.index(stage) else None
    return total if since is None else total + (now - since)


def releases_at(said: Iterable[Change], model_sha256: str, stage: Stage) -> set[int]:
    """Return the log entries under which a model served at a stage, or above it."""
    return {
        idx
        for idx, p in said
        if p["action"] != "stop"
        and p["model"] == model_sha256
        and STAGES.index(p["stage"]) >= STAGES.index(stage)
    }


def scored_decisions(home: Home, system: str, model_sha256: str, releases: set[int], until: int) -> int:
    """Return how many decisions a model made under some releases had an outcome by log entry ``until``.

    Counted on the scoreboard; baselines are left out. A scoring counts if every run in it was made under
    these releases.

    Raises
    ------
    TableMismatch
        If lines of the scoreboard are gone or changed.
    """
    runs = {
        int(p["run"])
        for idx, p in home.index.predicates("decide")
        if p["system"] == system and p["release"] in releases and idx < until
    }
    total = 0
    for idx, said in past_scorings(home, system):
        if idx >= until or said.runs is None or not runs.issuperset(range(said.runs[0], said.runs[1] + 1)):
            continue
        lines = read_rows(home, scores_path(said), said.scores)
        total += int(lines.filter(model=OWN, served=model_sha256)["n"].sum())
    return total
