"""Decisions, outcomes and overrides audited: made again from what the log says went in, and compared.

What stands in the log and the store can always be checked: order, times, digests, pages, rungs, approvals. To
decide and to score again takes the app, with the very code that the statement names; where that is not
installed the audit says so, and calls it neither right nor wrong.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from veracity.home.home import Home
from veracity.home.models.engine import code_sha256
from veracity.home.models.of_system import said_of
from veracity.home.models.override_audit import check_override
from veracity.home.models.places import versions
from veracity.home.models.received import Received
from veracity.home.models.run_audit import check_run
from veracity.home.models.said import read_said
from veracity.home.models.scoring_audit import ScoringAudit
from veracity.home.models.times_audit import left_unscored
from veracity.home.table_audit import UNREADABLE, Found, one_line
from veracity.models.app import App
from veracity.provenance.statements import Decide, Outcome, Override

FindApp = Callable[[str], App | None]  #: None for an app that is not installed


@dataclass
class DecisionAudit:
    """An audit of all systems of a home.

    Attributes
    ----------
    home, find
        The home, and where apps are found.
    runs, scorings, overrides
        How many statements of each were looked at.
    unchecked
        What could not be made again, and why.
    """

    home: Home
    find: FindApp
    runs: int = 0
    scorings: int = 0
    overrides: int = 0
    unchecked: list[str] = field(default_factory=list)

    def check(self) -> Iterator[Found]:
        """Yield (where, what, detail) of all that is not as the log says."""
        kinds = ("decide", "outcome", "override")
        received = Received(self.home)
        named = (p.get("system") for kind in kinds for _, p in self.home.index.predicates(kind))
        for system in sorted({str(name) for name in named}):
            app = self.find(system)
            apps = {} if app is None else versions(self.home, app)
            yield from self._runs(received, system, app, apps)
            yield from self._scorings(received, system, app, apps)
            yield from self._overrides(received, system)

    def _runs(
        self, received: Received, system: str, app: App | None, apps: dict[str, App]
    ) -> Iterator[Found]:
        before: str | None = None
        for run, (idx, _) in enumerate(said_of(self.home, "decide", system)):
            where = f"{system} run {run} (log entry {idx})"
            self.runs += 1
            try:
                decide = read_said(self.home, idx, Decide)
                if decide.run != run:
                    yield where, "run", f"want number {run}, got {decide.run}"
                if before is not None and decide.made_at < before:
                    yield where, "time", f"want it not before the run before ({before}), got {decide.made_at}"
                before = decide.made_at
                same = self._same(app, apps, decide.code_sha256, f"{system} run {run}")
                found = check_run(self.home, received, decide, idx, same or app, again=same is not None)
                yield from ((where, *one) for one in found)
            except UNREADABLE as exc:
                yield where, "decide statement", one_line(exc)

    def _scorings(
        self, received: Received, system: str, app: App | None, apps: dict[str, App]
    ) -> Iterator[Found]:
        audit = ScoringAudit(self.home, received, system)
        for number, (idx, _) in enumerate(said_of(self.home, "outcome", system)):
            where = f"{system} scoring {number} (log entry {idx})"
            self.scorings += 1
            try:
                outcome = read_said(self.home, idx, Outcome)
            except UNREADABLE as exc:
                yield where, "outcome statement", one_line(exc)
                return  # what comes after stands on this one
            try:
                same = self._same(app, apps, outcome.code_sha256, f"{system} scoring {number}")
                yield from ((where, *one) for one in audit.check(outcome, idx, same))
            except UNREADABLE as exc:
                yield where, "scored again", one_line(exc)
        yield from left_unscored(self.home, system, audit.last, audit.settled)

    def _overrides(self, received: Received, system: str) -> Iterator[Found]:
        for idx, _ in said_of(self.home, "override", system):
            where = f"{system} override (log entry {idx})"
            self.overrides += 1
            try:
                said = read_said(self.home, idx, Override)
                yield from ((where, *one) for one in check_override(self.home, received, said, idx))
            except UNREADABLE as exc:
                yield where, "override", one_line(exc)

    def _same(self, app: App | None, apps: dict[str, App], code: str, where: str) -> App | None:
        """Return the app with the code that a statement names, places included; if there is none, note it."""
        if app is None:
            self.unchecked.append(f"{where}: the app is not installed here")
        elif code not in apps:
            have = code_sha256(app.code)
            self.unchecked.append(f"{where}: made by code {code[:16]}, here is {have[:16]}")
        return apps.get(code)
