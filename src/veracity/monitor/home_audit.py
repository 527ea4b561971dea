"""Batches made again in a copy of the city: the same audit as the city's own, run by somebody else."""

from pathlib import Path

from veracity.errors import VeracityError
from veracity.home.audit import audit
from veracity.home.home import Home
from veracity.log.errors import LogError
from veracity.log.reader import LogReader
from veracity.monitor.comparing import fork
from veracity.monitor.findings import Finding
from veracity.monitor.report import Samples
from veracity.provenance.statements import Ingest, Typed

MAX_FOUND = 100


class HomeSampler:
    """Audits ``n`` batches of each feed of a copy of the city, whenever new ones came."""

    def __init__(self, root: Path, n: int, seed: int) -> None:
        self._root, self._n, self._seed = root, n, seed
        self._has_new = False

    def see(self, index: int, entry: bytes, said: Typed | None) -> None:  # noqa: ARG002 - as the door says
        """Take note of a new batch."""
        self._has_new |= isinstance(said, Ingest)

    def check(self, reader: LogReader, samples: Samples) -> list[Finding]:
        """Audit the copy, and that its log is the one that is shown."""
        if not self._has_new:
            return []
        self._has_new = False
        samples.seed, self._seed = self._seed, self._seed + 1
        where = f"copy {self._root}"
        try:
            home = Home.open(self._root)
            try:
                return [*_same_log(home, reader, where), *_audited(home, self._n, samples)]
            finally:
                home.close()
        except VeracityError as exc:
            samples.n_not_had += 1
            return [Finding("audit", where, str(exc), is_lasting=False)]


def _audited(home: Home, n: int, samples: Samples) -> list[Finding]:
    assert samples.seed is not None
    report = audit(home, None, n, samples.seed)
    samples.n_batches += report.batches
    samples.n_bad += len(report.findings)
    found = [
        Finding("audit", f.where, f"{f.what}: {f.detail}", is_lasting=True)
        for f in report.findings[:MAX_FOUND]
    ]
    if len(report.findings) > MAX_FOUND:
        more = f"{len(report.findings) - MAX_FOUND} more differences"
        found.append(Finding("audit", "all feeds", more, is_lasting=True))
    return found


def _same_log(home: Home, reader: LogReader, where: str) -> list[Finding]:
    """Hold the log of the copy against the one that is shown: whichever is larger contains the other."""
    copied = home.reader()
    larger, smaller = (reader, copied) if reader.size >= copied.size else (copied, reader)
    try:
        proof = fork(larger, smaller.checkpoint_note, smaller.checkpoint, where)
    except LogError as exc:
        return [Finding("no-consistency", where, str(exc), is_lasting=False)]
    if proof is None:
        return []
    return [Finding("split-view", where, "the copy has another log than the one shown", is_lasting=True)]
