"""``veracity monitor``: follow a log, check evidence of misbehaviour, answer findings."""

import secrets
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

import click

from veracity.cli.exit_codes import UNREACHED
from veracity.cli.output import COUNT, common, emit, mark, note, visible
from veracity.feeds.file_info import read_file
from veracity.log.policy import MAX_POLICY_BYTES, Policy, parse_policy
from veracity.monitor.errors import MonitorUnusable
from veracity.monitor.findings import shortest
from veracity.monitor.look import Sampler
from veracity.monitor.misbehaviour import MAX_BYTES, judge, parse_misbehaviour
from veracity.monitor.monitor import DAY_S, Monitor
from veracity.monitor.report import Round, counted
from veracity.monitor.state import StateFile

BACKLOG_S = 2.0


class FollowByDefault(click.Group):
    """``veracity monitor URL`` is ``veracity monitor follow URL``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the name in where it was left out."""
        if args and args[0] not in (*self.commands, "-h", "--help"):
            args = ["follow", *args]
        return super().parse_args(ctx, args)


class _Stopped(BaseException):
    """SIGTERM or Ctrl-C: the end of following."""


@click.group(cls=FollowByDefault)
def monitor() -> None:
    """Follow a log from outside: ``veracity monitor URL --policy FILE`` is ``monitor follow``."""


_policy = click.option(
    "--policy", required=True, type=click.Path(path_type=Path), help="Whom to believe: a trust.policy."
)
_state = click.option(
    "--state", type=click.Path(path_type=Path), help="Where the monitor remembers what it has seen."
)


@monitor.command()
@click.argument("url")
@_policy
@_state
@click.option("--once", is_flag=True, help="Look once and exit. The default without --interval.")
@click.option("--interval", type=click.FloatRange(min=0.1), metavar="S", help="Look every S seconds.")
@click.option(
    "--max-age",
    type=click.FloatRange(min=1),
    default=DAY_S,
    show_default=True,
    metavar="S",
    help="An older checkpoint is stale.",
)
@click.option(
    "--sample",
    type=click.IntRange(1, 10_000),
    metavar="N",
    help="Make N random records of new batches again, from receipts that the server gives.",
)
@click.option(
    "--home",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A copy of the city: audit --sample batches of each feed (1 if not said) when new ones came.",
)
@click.option("--seed", type=COUNT, help="Seed of the choice; from the system if not said.")
@click.option(
    "--evidence",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where proof is kept: beside the state file if not said, or here.",
)
@click.option("--metrics", metavar="[HOST:]PORT", help="Serve Prometheus metrics, on loopback without HOST.")
@common
def follow(
    url: str,
    policy: Path,
    state: Path | None,
    once: bool,
    interval: float | None,
    max_age: float,
    sample: int | None,
    home: Path | None,
    seed: int | None,
    evidence: Path | None,
    metrics: str | None,
    as_json: bool,
) -> int:
    """Look at a log (https://…, s3://… or a directory). Exit 1 on an open finding, 4 if out of reach.

    Checks what is published against the policy and against what was seen before, every new entry,
    and what the policy's witnesses have seen. A finding stays open until it is gone or acknowledged.
    """
    if once and interval is not None:
        raise click.UsageError("want either --once or --interval")
    if metrics is not None and interval is None:
        raise click.UsageError("--metrics needs --interval: there is nobody to ask after one look")
    trusted = _read_policy(policy)
    file = StateFile(state)
    kept = evidence or (Path() if state is None else state.parent)
    with ExitStack() as stack:
        stack.enter_context(file.held())
        told: list[str] = []
        samplers = _samplers(url, trusted, sample, home, seed, told)
        watching = Monitor(url, trusted, file, evidence=kept, max_age_s=max_age, samplers=samplers)
        if interval is None:
            made = _look(watching, told, as_json)
            return 1 if made.n_unanswered else 0 if made.is_well else UNREACHED
        return _follow(watching, interval, metrics, told, stack, as_json)


@monitor.command()
@click.argument("file", type=click.Path(path_type=Path))
@_policy
@common
def evidence(file: Path, policy: Path, as_json: bool) -> int:
    """Check evidence of a log's misbehaviour: two checkpoints, both signed, that cannot both be true.

    Needs nothing but the file and the log's key. Exit 0 if it proves it, 1 if it does not.
    """
    found = parse_misbehaviour(read_file(file, MAX_BYTES))
    judged = judge(found, _read_policy(policy))
    is_proof = judged.verdict == "proven"
    lines = [
        f"{'PROVEN' if is_proof else 'NOT PROVEN'}: {judged.why}",
        f"log    {judged.origin}",
        *(
            f"{name:6} size {c.size}, root {c.root.hex()}"
            for name, c in (("first", judged.first), ("then", judged.then))
        ),
        f"said by who kept it, and proven by nothing: {visible(found.kind, '')}: {visible(found.seen, '')}",
    ]
    document = {
        "proven": is_proof,
        "why": judged.why,
        "origin": judged.origin,
        "kind": found.kind,
        "seen": found.seen,
        "checkpoints": [{"size": c.size, "root": c.root.hex()} for c in (judged.first, judged.then)],
    }
    emit("misbehaviour-judged", document, "\n".join(lines), as_json)
    return int(not is_proof)


@monitor.command()
@click.argument("findings", nargs=-1, required=True, metavar="FINDING...")
@click.option("--state", required=True, type=click.Path(path_type=Path), help="The monitor's memory.")
@click.option("--reason", required=True, help="What is known about it, in one line.")
@common
def acknowledge(findings: tuple[str, ...], state: Path, reason: str, as_json: bool) -> None:
    """Answer open findings by eight digits or more, or ``all``: they are kept, and count no more."""
    file = StateFile(state)
    if not state.exists():
        raise MonitorUnusable(f"state: want a monitor's memory at {state}, got none")
    with file.held():
        memory = file.read()
        words = f"{datetime.now(UTC).strftime('%Y-%m-%dT%H:%M:%SZ')}: {' '.join(reason.split())[:500]}"
        answered = memory.book.acknowledge(findings, words)
        names = memory.book.names()
        file.write(memory)
    text = "\n".join(
        f"acknowledged  {names[o.finding.id]}  {o.finding.kind}  {o.finding.where}" for o in answered
    )
    emit("acknowledged", {"items": [o.to_object() for o in answered]}, text or "nothing was open", as_json)


def _read_policy(path: Path) -> Policy:
    return parse_policy(read_file(path, MAX_POLICY_BYTES))


def _samplers(
    url: str, policy: Policy, sample: int | None, home: Path | None, seed: int | None, told: list[str]
) -> Sequence[Sampler]:
    """Return what makes records again. What they stand on is loaded only if it is asked for."""
    from veracity.monitor.view import is_http, open_view

    seed = secrets.randbits(63) if seed is None else seed
    samplers: list[Sampler] = []
    if sample is not None and home is None and not is_http(url):
        raise click.UsageError("--sample needs receipts over HTTP, or --home")
    if sample is not None and is_http(url):
        from veracity.monitor.samples import ReceiptSampler
        from veracity.provenance.receipts import MAX_RECEIPT_BYTES

        receipts = open_view(url, other_bytes=MAX_RECEIPT_BYTES)
        samplers.append(ReceiptSampler(receipts, policy, sample, seed, told.append))
    if home is not None:
        from veracity.monitor.home_audit import HomeSampler

        samplers.append(HomeSampler(home, sample or 1, seed))
    return samplers


def _follow(
    watching: Monitor, interval: float, metrics: str | None, told: list[str], stack: ExitStack, as_json: bool
) -> int:
    numbers = None
    if metrics is not None:
        from veracity.monitor.metrics import Metrics, served

        numbers = Metrics()
        host, port = _address(metrics)
        served_on = stack.enter_context(served(numbers, host, port))
        note(f"metrics on http://{host}:{served_on}/metrics")
    waiting = threading.Event()
    try:
        with _signals():
            while True:
                _look(watching, told, as_json, None if numbers is None else numbers.take)
                waiting.wait(interval)
    except (_Stopped, KeyboardInterrupt):
        return int(watching.state.book.n_unanswered > 0)


@contextmanager
def _signals() -> Iterator[None]:
    """Let SIGTERM end the loop as Ctrl-C does, wherever it stands: what was checked is written down."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise _Stopped

    before: Any = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _look(
    watching: Monitor, told: list[str], as_json: bool, take: Callable[[Round], None] | None = None
) -> Round:
    made = watching.round()
    made.told += told
    told.clear()
    if take is not None:
        take(made)
    emit("monitor-round", made.to_object(), _text(made), as_json)
    return made


def _text(made: Round) -> str:
    size = (
        "no checkpoint"
        if made.size is None
        else f"{counted(made.size, 'entry', 'entries')} ({made.n_new:,} new)"
    )
    lines = [f"{made.at}  {visible(made.origin or made.location, '')}  {size}{mark(made.simulated)}"]
    lines += [f"ok       {visible(line, '')}" for line in made.said]
    s = made.samples
    if s.n_good or s.n_bad or s.n_not_had or s.n_batches:
        lines.append(
            f"samples  {s.n_good} records made again as stated, {s.n_batches} batches audited,"
            f" {s.n_bad} differ, {s.n_not_had} not to be had"
        )
    lines += [f"note     {visible(line, '')}" for line in made.told]
    names = shortest(o.finding.id for o in made.findings)
    for o in made.findings:
        f = o.finding
        head = "answered" if o.acknowledged else "FINDING "
        tail = ", new" if o.is_new else f", since {o.since}"
        proof = f" Evidence: {f.evidence}." if f.evidence else ""
        lines.append(
            visible(f"{head} {names[f.id]}  {f.kind}  {f.where}: {f.detail}.{proof} [open{tail}]", "")
        )
    lines += [f"FINDING  and {n} more of {visible(kind, '')}" for kind, n in made.n_more.items()]
    if not made.is_reached:
        lines.append("out of reach" + (f"; {made.n_unanswered} findings open" if made.n_unanswered else ""))
    elif made.n_unanswered:
        lines.append(f"{counted(made.n_unanswered, 'finding', 'findings')} open")
    elif made.is_cut_short:
        lines.append("nothing found so far")
    elif not made.is_caught_up:
        lines.append(f"nothing unanswered; entries after {made.n_checked:,} are not followed")
    else:
        lines.append("all well")
    return "\n".join(lines)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isascii() or not port.isdigit() or int(port[:9]) > 65_535:
        raise click.UsageError(f"--metrics: want PORT or HOST:PORT, got {text[:40]!r}")
    return host.strip("[]") or "127.0.0.1", int(port)
