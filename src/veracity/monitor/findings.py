"""What a monitor found: told as new once, and then open until it is gone or a person acknowledged it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from itertools import pairwise
from typing import Any, get_type_hints

from veracity.monitor.errors import UnknownFinding
from veracity.provenance.plain import check_plain

MAX_OPEN = 1_000
MAX_DETAIL = 600
MIN_DIGITS = 8


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be.

    Attributes
    ----------
    kind
        A stable code; ``docs/monitor.md`` says what each means.
    where
        Such as ``checkpoint``, ``log entry 12``, ``witness hanoi``.
    is_lasting
        Whether it was so once and for all (a forged statement, a fork), rather than now (a stale
        checkpoint, a file that is missing).
    evidence
        The file that proves it to others, if there is one.
    """

    kind: str
    where: str
    detail: str
    is_lasting: bool
    evidence: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "detail", " ".join(self.detail.split())[:MAX_DETAIL])

    @property
    def id(self) -> str:
        """The SHA-256, in hex, that names it, the same in every round; people use its first digits."""
        named = (self.kind, self.where, self.detail if self.is_lasting else "")
        return sha256("\n".join(named).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class OpenFinding:
    """A finding, since when it is open (RFC 3339), and who acknowledged it with what words."""

    finding: Finding
    since: str
    is_new: bool = True
    acknowledged: str | None = None

    def to_object(self) -> dict[str, Any]:
        """Return the JSON object that reports show and the monitor's memory keeps."""
        return {
            "id": self.finding.id,
            **asdict(self.finding),
            "since": self.since,
            "new": self.is_new,
            "acknowledged": self.acknowledged,
        }

    @classmethod
    def from_object(cls, value: dict[str, Any]) -> "OpenFinding":
        """Read what ``to_object`` gave; it is not new any more. For anything else a KeyError or TypeError."""
        plain = get_type_hints(Finding)
        finding = Finding(**{name: check_plain(value[name], kind) for name, kind in plain.items()})
        acknowledged = check_plain(value["acknowledged"], str | None)
        return cls(finding, check_plain(value["since"], str), False, acknowledged)


class Book:
    """The open findings: at most ``MAX_OPEN`` in full, the others counted by kind.

    There is always room for those that may pass, of which there are few.
    """

    def __init__(self, opened: Iterable[OpenFinding] = (), n_more: dict[str, int] | None = None) -> None:
        self._open = {o.finding.id: o for o in opened}
        self.n_more = Counter(n_more or {})

    @property
    def opened(self) -> list[OpenFinding]:
        """All that is open, acknowledged or not, oldest first."""
        return list(self._open.values())

    def names(self) -> dict[str, str]:
        """Return what to call each open finding, by its id: eight digits of it, or more."""
        return shortest(self._open)

    @property
    def n_unanswered(self) -> int:
        """How many are open that nobody has acknowledged."""
        return sum(o.acknowledged is None for o in self._open.values()) + self.n_more.total()

    def is_open(self, kind: str) -> bool:
        """Tell whether a finding of a kind is open, answered or not."""
        return any(o.finding.kind == kind for o in self._open.values())

    def begin(self) -> None:
        """Begin a round: what was told before is new no more."""
        self._open = {k: replace(o, is_new=False) for k, o in self._open.items()}

    def evidence_of(self, finding: Finding) -> str | None:
        """Return the file that was kept when a finding was opened."""
        known = self._open.get(finding.id)
        return None if known is None else known.finding.evidence

    def add(self, finding: Finding, now: str) -> None:
        """Open a finding, or renew the words of one that is open."""
        known = self._open.get(finding.id)
        if known is not None:
            kept = finding.evidence or known.finding.evidence
            self._open[finding.id] = replace(known, finding=replace(finding, evidence=kept))
        elif len(self._open) < (MAX_OPEN if finding.is_lasting else 2 * MAX_OPEN):
            self._open[finding.id] = OpenFinding(finding, now)
        else:
            self.n_more[finding.kind] += 1

    def close_passed(self, still: Iterable[Finding]) -> None:
        """End a round that could look at everything: what was found before and is gone is closed."""
        kept = {f.id for f in still}
        self._open = {k: o for k, o in self._open.items() if o.finding.is_lasting or k in kept}

    def acknowledge(self, ids: Iterable[str], words: str) -> list[OpenFinding]:
        """Note that a person has seen findings (``all`` for every one), and what they say.

        Each is named by the first digits of its id, eight or more.

        Raises
        ------
        UnknownFinding
            If one of them is not open, or more than one begins with these digits.
        """
        asked = list(ids)
        if asked == ["all"]:
            named = list(self._open)
            self.n_more.clear()
        else:
            named = [self._named(digits) for digits in asked]
        for name in named:
            self._open[name] = replace(self._open[name], acknowledged=words)
        return [self._open[name] for name in named]

    def _named(self, digits: str) -> str:
        found = [key for key in self._open if len(digits) >= MIN_DIGITS and key.startswith(digits)]
        if len(found) != 1:
            names = self.names()
            have = ", ".join([names[key] for key in found or self._open][:10]) or "none"
            raise UnknownFinding(f"finding: want one that is open ({have}), got {digits[:64]!r}")
        return found[0]

    def by_kind(self) -> dict[str, int]:
        """Count what is open and not acknowledged."""
        counts = Counter(o.finding.kind for o in self._open.values() if o.acknowledged is None)
        return dict(counts + self.n_more)


def shortest(ids: Iterable[str]) -> dict[str, str]:
    """Return for each id its shortest beginning, of eight digits or more, that is no other's."""
    ordered = sorted(set(ids))
    n_digits = dict.fromkeys(ordered, MIN_DIGITS)
    for one, next_one in pairwise(ordered):
        n = 1 + next(at for at, (a, b) in enumerate(zip(one, next_one, strict=True)) if a != b)
        n_digits[one], n_digits[next_one] = max(n_digits[one], n), max(n_digits[next_one], n)
    return {key: key[:n] for key, n in n_digits.items()}
