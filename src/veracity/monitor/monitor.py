"""Following a log, round after round.

The memory is written after every few thousand entries, with the findings so far, so a monitor
that is killed anywhere goes on from there and tells nothing twice as new.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from veracity.log.doors import Objects
from veracity.log.policy import Policy
from veracity.monitor.look import Look, Means, Sampler
from veracity.monitor.report import Round
from veracity.monitor.state import StateFile
from veracity.monitor.view import open_view
from veracity.monitor.witnesses import OpenView

DAY_S = 86_400.0


class Monitor:
    """Follows one log. ``round`` is called as often as one likes."""

    def __init__(
        self,
        location: str,
        policy: Policy,
        file: StateFile,
        *,
        evidence: Path,
        max_age_s: float = DAY_S,
        samplers: Sequence[Sampler] = (),
        clock: Callable[[], float] = time.time,
        wait: Callable[[float], None] = time.sleep,
        open_other: OpenView = open_view,
        objects: Objects | None = None,
    ) -> None:
        self.state = file.read()
        self._file, self._clock = file, clock
        self._means = Means(
            location,
            objects or open_view(location),
            policy,
            file.write,
            evidence,
            max_age_s,
            samplers,
            wait,
            open_other,
        )

    def round(self) -> Round:
        """Look once.

        Raises
        ------
        MonitorUnusable
            If the memory or evidence cannot be written. What the log or a witness does is never an error.
        """
        started = time.monotonic()
        made = Look(self._means, self.state, self._clock()).run()
        made.seconds = time.monotonic() - started
        return made

    def save(self) -> None:
        """Write the memory."""
        self._file.write(self.state)
