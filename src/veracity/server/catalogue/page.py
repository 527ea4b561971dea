"""What the page of a data set shows: quality measured, lineage, licence, contract, changes. JSON."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from veracity.home.home import Home
from veracity.server.batches import BatchFacts
from veracity.server.catalogue.facts import DatasetFacts
from veracity.server.catalogue.formats import FORMATS
from veracity.server.catalogue.measured import HEALTH_IS, Measured

_NEWEST = 50  #: of what there may be many of


def dataset_page(
    home: Home,
    batches: Sequence[BatchFacts],
    url: str,
    facts: DatasetFacts,
    as_of: datetime | None = None,
) -> dict[str, Any]:
    """Return the document of one feed, as the log was then (or is).

    ``batches`` are all of the feed's; ``url`` is where the city is found.
    """
    contract, snap = facts.contract, facts.snapshot
    before = home.index.size if as_of is None else home.index.known_before(as_of)
    known = _Said(home, before, [batch for batch in batches if batch.entry < before])
    base = f"{url}/catalogue/{contract.feed}"
    return {
        "dataset": contract.feed,
        "title": contract.title,
        "agency": contract.agency,
        "simulated": facts.simulated,
        "description": {
            "purpose": facts.about.purpose,
            "limitations": facts.about.limitations,
            "usage": facts.about.usage,
        },
        "licence": facts.about.licence,
        "keywords": list(contract.tags),
        "bbox": facts.bbox,
        "temporal": None
        if facts.temporal is None
        else {"first": facts.temporal[0], "last": facts.temporal[1]},
        "columns": [
            {"name": f.name, "type": f.type, "unit": f.unit, "description": f.description or None}
            for f in contract.fields
        ],
        "key": list(contract.key),
        "contract": _contract(base, contract.version, contract.sha256, facts.contract_entry),
        "version": None if snap is None else _version(base, facts),
        "quality": quality(facts.measured),
        "lineage": lineage(known, contract.feed),
        "changes": changes(known, base, contract.feed),
    }


def quality(measured: Measured) -> dict[str, Any]:
    """Return what was measured."""
    m, state = measured, "unknown"
    if m.newest_event is None:
        state = "empty"
    elif m.is_fresh is not None:
        state = "fresh" if m.is_fresh else "stale"
    return {
        "measured_at": m.at,
        "freshness": {
            "last_event": m.newest_event,
            "last_arrival": m.newest_arrival,
            "age_s": m.age_s,
            "wanted_s": m.wanted_s,
            "state": state,
        },
        "completeness": {"share": m.completeness, "window": "newest day", "n_sensors": m.n_sensors},
        "validity": {"share": m.validity},
        "counts": {
            name: getattr(m, name)
            for name in ("received", "accepted", "quarantined", "refused", "flagged", "batches")
        },
        "sensor_health": {
            "mean": None if m.health is None else m.health[0],
            "lowest": None if m.health is None else m.health[1],
            "n_sensors": m.n_scored,
            "about": HEALTH_IS,
            "sensors": list(m.sensors),
        },
    }


@dataclass(frozen=True)
class _Said:
    """What the log says before an entry."""

    home: Home
    before: int
    batches: Sequence[BatchFacts]

    def predicates(self, kind: str, feed: str | None = None) -> list[tuple[int, dict[str, Any]]]:
        return self.home.index.predicates(kind, feed, before=self.before)


def lineage(log: _Said, feed: str) -> dict[str, Any]:
    """Return the log entries that a feed rests on, newest batches first, and those that used it."""
    used: list[dict[str, Any]] = []
    for kind in ("transform", "calibrate", "train"):
        for idx, p in log.predicates(kind):
            if any(i["feed"] == feed for i in p["inputs"]):
                used.append({"entry": idx, "kind": kind, "name": p["name"], "simulated": p["simulated"]})
    return {
        "contracts": [idx for idx, _ in log.predicates("contract", feed)],
        "batches": [
            {"entry": b.entry, "batch": b.batch, "received_at": b.received_at, "rows": b.accepted}
            for b in log.batches[: -_NEWEST - 1 : -1]
        ],
        "n_batches": len(log.batches),
        "used_by": sorted(used, key=lambda u: -u["entry"])[:_NEWEST],
    }


def changes(log: _Said, base: str, feed: str) -> dict[str, Any]:
    """Return what changed: contracts, corrections of sensors and what was taken back, releases, erasures."""
    contracts = [
        _contract(base, str(p["version"]), str(p["sha256"]), idx)
        for idx, p in log.predicates("contract", feed)
    ]
    corrections = {
        str(p["document"]): {"entry": idx, "name": p["name"], "withdrawn": []}
        for idx, p in log.predicates("calibrate")
        if any(i["feed"] == feed for i in p["inputs"])
    }
    for idx, p in log.predicates("withdraw"):
        if p["document"] in corrections:
            taken = {"entry": idx, "from": p["from"], "reason": p["reason"], "at": p["said_at"]}
            corrections[str(p["document"])]["withdrawn"].append(taken)
    released = [
        {"entry": b.entry, "batch": b.batch, "at": b.received_at, "rows": b.accepted}
        for b in log.batches
        if b.is_release
    ]
    return {
        "contracts": contracts[::-1][:_NEWEST],
        "corrections": list(corrections.values())[::-1][:_NEWEST],
        "releases": released[::-1][:_NEWEST],
        "erasures": [{"entry": idx} for idx, _ in log.predicates("erase", feed)][::-1][:_NEWEST],
    }


def _contract(base: str, version: str, sha256: str, entry: int) -> dict[str, Any]:
    return {"version": version, "sha256": sha256, "entry": entry, "url": f"{base}/contract/{sha256}.yaml"}


def _version(base: str, facts: DatasetFacts) -> dict[str, Any]:
    snap = facts.snapshot
    assert snap is not None, "asked for only where there is one"
    here = f"{base}/{snap.version}"
    return {
        "version": snap.version,
        "as_of": snap.received_at,
        "entry": snap.entry,
        "rows": snap.n_rows,
        "sha256": snap.sha256,
        "manifest": f"{here}/manifest.json",
        "croissant": f"{here}/croissant.json",
        "files": [
            {
                "url": f"{here}/rows.{suffix}",
                "media_type": form.media_type,
                **({} if suffix not in facts.files else asdict(facts.files[suffix])),
            }
            for suffix, form in FORMATS.items()
        ],
    }
