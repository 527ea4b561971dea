"""A dossier: each requirement of a framework answered from evidence, left to a person, or not asked."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from veracity.canonical import canonical_json
from veracity.models.dossier.answer import Lang, Point, each, say_lack
from veracity.models.dossier.answers import ANSWERS, CONDITIONS
from veracity.models.dossier.framework import Framework, Person, Requirement, people
from veracity.models.facts import Known

SCHEMA = "veracity.dossier/v1"
NOTHING = "nothing-yet"
Status = Literal["evidence", "person", "not-applicable"]


@dataclass(frozen=True)
class Answered:
    """A requirement and its answer.

    Attributes
    ----------
    status
        ``evidence`` if anything in the log or the declaration answers it, though a person may have to add;
        ``person`` if nothing does; ``not-applicable`` with the reason as its only point.
    points
        Sentences with their evidence; the reason, where it does not apply.
    missing
        What would put the evidence into the log, where an answer found none.
    """

    requirement: Requirement
    status: Status
    points: tuple[Point, ...]
    missing: tuple[str, ...] = ()

    @property
    def person(self) -> Person | None:
        """Who must act; nobody where it does not apply, or where evidence is all that is asked."""
        if self.status == "not-applicable":
            return None
        if self.requirement.person is None and self.status == "person":
            return Person(people()["engineer"], each(self._todo))
        return self.requirement.person

    def _todo(self, lang: Lang) -> str:
        return "; ".join(p.text(lang) for p in self.points if p.sentence == NOTHING)


@dataclass(frozen=True)
class Dossier:
    """A framework with its answers, of one model at one size of the log."""

    framework: Framework
    known: Known
    answers: tuple[Answered, ...]

    @property
    def coverage(self) -> Mapping[str, int]:
        """How many requirements there are, and how many of each status.

        ``evidence_and_person`` are those of ``evidence`` where a person must add, and
        ``evidence_missing`` those for which something that could be in the log is not.
        """
        counts = {status: sum(a.status == status for a in self.answers) for status in get_args(Status)}
        added = sum(a.status == "evidence" and a.person is not None for a in self.answers)
        return {
            "requirements": len(self.answers),
            **counts,
            "evidence_and_person": added,
            "evidence_missing": sum(bool(a.missing) for a in self.answers),
        }

    def to_document(self, lang: Lang) -> dict[str, Any]:
        """Return the dossier as JSON."""
        f, k = self.framework, self.known
        return {
            "schema": SCHEMA,
            "framework": {"name": f.name, "title": f.title[lang], "about": f.about[lang]},
            "language": lang,
            "sources": list(f.sources),
            "not_known": [w[lang] for w in f.unknown],
            "model": {"name": k.train.it.name, "sha256": k.train.it.model_sha256},
            "system": k.system,
            "log": {"origin": k.origin, "size": k.size},
            "simulated": k.simulated,
            "coverage": dict(self.coverage),
            "answers": [_answer_object(a, lang) for a in self.answers],
        }

    def format(self, lang: Lang) -> bytes:
        """Write the dossier as canonical JSON."""
        return canonical_json(self.to_document(lang))

    def sha256(self, lang: Lang) -> str:
        """The digest of its canonical JSON."""
        return hashlib.sha256(self.format(lang)).hexdigest()


def make_dossier(framework: Framework, known: Known) -> Dossier:
    """Answer every requirement of a framework."""
    return Dossier(framework, known, tuple(_answered(r, known) for r in framework.requirements))


def _answered(r: Requirement, known: Known) -> Answered:
    reason = None if r.applies is None else CONDITIONS[r.applies](known)
    if reason is not None:
        return Answered(r, "not-applicable", (reason,))
    points: list[Point] = []
    missing: list[str] = []
    for name in r.answers:
        write, how = ANSWERS[name]
        found = write(known)
        points += found
        missing += [] if any(p.answers for p in found) else [how]
    lacking = tuple(dict.fromkeys(missing))
    if any(p.answers for p in points):
        return Answered(r, "evidence", tuple(points), lacking)
    return Answered(r, "person", (*points, *(say_lack(NOTHING, how=how) for how in lacking)), lacking)


def _answer_object(a: Answered, lang: Lang) -> dict[str, Any]:
    r, person = a.requirement, a.person
    return {
        "id": r.id,
        "asks": r.asks[lang],
        "status": a.status,
        "points": [{"text": p.text(lang), "evidence": [e.to_object() for e in p.evidence]} for p in a.points],
        "person": None if person is None else {"who": person.who[lang], "what": person.what[lang]},
        "missing": list(a.missing),
        "checks": r.checks,
    }
