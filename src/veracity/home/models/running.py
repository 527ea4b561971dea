"""One run of an app: the panel as known now, the model in force, decisions, and their statement.

Where no model can serve (nothing is released, or its file was altered), the app decides by rungs of its
ladder that need none, and the statement says so. What a cut feed does to a run is the ladder's to say: each
place walks down to the rung that what is still measured can carry.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from veracity.errors import Malformed, Rejected
from veracity.home.clock import format_time
from veracity.home.home import Home, Writer
from veracity.home.models.decisions import Logged, Served, find_run, log_decisions
from veracity.home.models.gate import load_for_service
from veracity.home.models.kept_rows import rows_digest
from veracity.home.models.known import Known
from veracity.home.models.of_system import said_of
from veracity.home.models.stages import in_force
from veracity.log.doors import ObjectMissing
from veracity.models.app import App
from veracity.models.bundle import Estimators, load
from veracity.models.errors import DecidedLate, MalformedModel, ModelAltered
from veracity.models.files import ModelFiles
from veracity.models.panel_array import PanelArray
from veracity.provenance.statements import Release

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

LoadForService = Callable[[Home, str], tuple[ModelFiles, Release, int]]


@dataclass(frozen=True)
class Run:
    """A run of an app.

    Attributes
    ----------
    logged
        Its statement.
    is_new
        False where the same run was said before: nothing was said again.
    without_model
        Why no model served; None if one did, or where the run was said before.
    """

    logged: Logged
    is_new: bool
    without_model: str | None


def run_app(home: Writer, app: App, now: datetime, *, load_model: LoadForService = load_for_service) -> Run:
    """Run an app once for ``now`` and log what it decides. The same ``now`` again says nothing new.

    Raises
    ------
    DecidedLate
        If ``now`` is ahead of the clock, or behind the run before or a batch that came in since.
    BadDecisions
        If the app's rows are not what decisions can be: nothing is logged.
    BadPanel
        If nothing came in as far as the app looks back, and it names no places.
    """
    clock = home.clock()
    if not _EPOCH <= now <= clock:
        raise DecidedLate(f"{app.name}: want a time of deciding that has come ({clock}), got {now}")
    runs = said_of(home, "decide", app.name)
    if runs and runs[-1][1]["made_at"] == format_time(now):
        return Run(find_run(home, app.name, len(runs) - 1), is_new=False, without_model=None)
    estimators, served, why = serve(home, app.name, load_model)
    known = Known.at(home, app, now)
    frame = seen_panel(known, now)
    panel = PanelArray.from_frame(frame, known.panel.key, app.attributes)
    rows = app.decide(panel, estimators, now)
    logged = log_decisions(home, app, rows, known=known, seen=rows_digest(frame), served=served, now=now)
    return Run(logged, is_new=True, without_model=why)


def seen_panel(known: Known, now: datetime) -> pl.DataFrame:
    """Return the panel that a run at ``now`` sees: up to the grid's last time, as far back as declared."""
    end = known.floor(now)
    return known.frame(known.floor(end - timedelta(seconds=known.app.look_back_s)), end)


def serve(home: Home, system: str, load_model: LoadForService) -> tuple[Estimators, Served, str | None]:
    """Return what may serve a system now, the release, and why no model does where none does."""
    try:
        files, release, idx = load_model(home, system)
        return load(files), Served(idx, release.model_sha256, release.stage), None
    except (ModelAltered, MalformedModel, ObjectMissing) as exc:
        found = in_force(home, system)  # it is released, but its files are not what was
        served = Served() if found is None else Served(found.idx, found.model_sha256, found.stage)
        return {}, served, str(exc)
    except (Rejected, Malformed) as exc:
        return {}, Served(), str(exc)
