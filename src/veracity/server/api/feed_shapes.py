"""What is said of a feed: its contract, how fresh it is, and how its records are counted."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from veracity.data.contract import CONTRACT_BYTES, Contract
from veracity.data.errors import MalformedContract
from veracity.data.plain_yaml import parse_yaml
from veracity.home.home import Feed, Home
from veracity.server.api.shapes import Shape, Tally, Time
from veracity.server.api.sharing import age_s, is_personal
from veracity.server.batches import BatchFacts
from veracity.server.contract_columns import key_columns
from veracity.server.created.simulated import is_simulated


class ContractShape(Shape):
    """The contract in force: its version, digest, and the log entry that says so."""

    version: str
    sha256: str
    entry: int


class FieldShape(Shape):
    """One column."""

    name: str
    type: str
    unit: str | None
    title: str | None
    minimum: float | None
    maximum: float | None
    is_personal: bool


class Freshness(Shape):
    """How old the newest reading is, beside what the contract wants. Ages in seconds by the city's clock."""

    last_event: Time | None
    last_arrival: Time | None
    age_s: float | None
    wanted_s: float | None
    state: Literal["fresh", "stale", "empty", "unknown"]


class FeedCounts(Tally):
    """Records of a feed, and the batches that they came in."""

    batches: int


class FeedShape(Shape):
    """A feed."""

    feed: str
    title: str
    description: str
    agency: str | None
    licence: str | None
    simulated: bool
    is_personal: bool
    contract: ContractShape
    time_field: str | None
    key: list[str]
    place_field: str | None
    fields: list[FieldShape]
    freshness: Freshness
    counts: FeedCounts
    live: bool


def describe_feed(home: Home, feed: Feed, facts: Sequence[BatchFacts], now: datetime) -> FeedShape:
    """Return what is said of a feed."""
    contract = feed.contract
    description, licence = _written(contract)
    keys = key_columns(contract)
    return FeedShape(
        feed=contract.feed,
        title=contract.title,
        description=description,
        agency=contract.agency,
        licence=licence,
        simulated=is_simulated(home, contract),
        is_personal=is_personal(home, contract.feed),
        contract=ContractShape(version=contract.version, sha256=contract.sha256, entry=feed.idx),
        time_field=contract.time,
        key=list(contract.key),
        place_field=keys[0] if len(keys) == 1 else None,
        fields=[
            FieldShape(
                name=f.name,
                type=f.type,
                unit=f.unit,
                title=f.description or None,
                minimum=f.minimum if f.minimum is not None else f.exclusive_minimum,
                maximum=f.maximum if f.maximum is not None else f.exclusive_maximum,
                is_personal=f.personal,
            )
            for f in contract.fields
        ],
        freshness=freshness(contract, facts, now),
        counts=FeedCounts(batches=len(facts), **tally(facts)),
        live=any(f.is_live for f in facts[-100:]),
    )


def tally(facts: Sequence[BatchFacts]) -> dict[str, int]:
    """Count the records of some batches."""
    names = ("received", "accepted", "quarantined", "refused")
    return {name: sum(getattr(f, name) for f in facts) for name in names}


def freshness(contract: Contract, facts: Sequence[BatchFacts], now: datetime) -> Freshness:
    """Compare the newest reading with what the contract wants."""
    newest = max((f.last_event for f in facts if f.last_event), default=None)
    age = None if newest is None else age_s(now, datetime.fromisoformat(newest))
    state: Literal["fresh", "stale", "empty", "unknown"] = "unknown"
    if not any(f.accepted for f in facts):
        state = "empty"
    elif age is not None and contract.latency_s is not None:
        state = "fresh" if age <= contract.latency_s else "stale"
    return Freshness(
        last_event=newest,
        last_arrival=facts[-1].received_at if facts else None,
        age_s=age,
        wanted_s=contract.latency_s,
        state=state,
    )


def _written(contract: Contract) -> tuple[str, str | None]:
    """Return a contract's own words on what it is for, and its licence if it names one."""
    document: dict[str, Any] = parse_yaml(contract.text, "contract", CONTRACT_BYTES, MalformedContract)
    about = document.get("description") or {}
    words = [str(about[n]) for n in ("purpose", "limitations", "usage") if about.get(n)]
    named = document.get("authoritativeDefinitions") or []
    licences = [d.get("url") for d in named if d.get("type") in ("license", "licence")]
    return " ".join(words), next((str(one) for one in licences if one), None)
