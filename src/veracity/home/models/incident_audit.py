"""What an audit asks of incidents: their steps in order, their deadlines kept, their end approved."""

from collections.abc import Iterator

from veracity.errors import VeracityError
from veracity.home.clock import format_time, parse_time
from veracity.home.home import Home
from veracity.home.models.incidents import incidents
from veracity.home.models.times_audit import check_said_time
from veracity.home.table_audit import UNREADABLE, Found, one_line
from veracity.models.incidents import IncidentState, Step, due_from


def audit_incidents(home: Home) -> Iterator[Found]:
    """Yield (where, what, detail) of every step of an incident that was not by right."""
    for system in sorted({str(p["system"]) for _, p in home.index.predicates("incident")}):
        try:
            found = incidents(home, system)
        except UNREADABLE as exc:
            yield f"incidents of {system}", "incident statement", one_line(exc)
            continue
        for name, state in found.items():
            for number, step in enumerate(state.steps):
                where = f"incident {name} of {system} (log entry {step.idx})"
                yield from ((where, *one) for one in _check_step(home, state.steps[:number], step))


def _check_step(home: Home, before: tuple[Step, ...], step: Step) -> Iterator[tuple[str, str]]:
    said = step.said
    if (said.step == "opened") != (not before) or (before and before[-1].said.step == "closed"):
        yield "order", f"want it opened first, closed last, each once, got {said.step}"
        return
    yield from check_said_time(home, said.said_at, step.idx)
    if before and said.said_at < before[-1].said.said_at:
        yield "time", f"want it after the step before ({before[-1].said.said_at}), got {said.said_at}"
    due = _due(before, step)
    if said.due != due:
        yield "due", f"want {due}, counted from the opening, got {said.due}"
    if said.approval is not None:
        try:
            at = parse_time("said_at", said.said_at)
            home.agencies().check_officer(said.approval, said.duty, step.idx, at)
        except VeracityError as exc:
            yield "approval", one_line(exc)


def _due(before: tuple[Step, ...], step: Step) -> str:
    """Return by when it is to be closed after a step: never later than after the step before."""
    if not before:
        return format_time(due_from(parse_time("said_at", step.said.said_at), step.said.severity))
    if step.said.step == "closed":
        return before[-1].said.due
    return format_time(IncidentState(before).due_with(step.said.severity))
