"""Two contracts of a feed compared."""

from collections.abc import Iterator, Sequence

from veracity.data.breaking.change import Change
from veracity.data.breaking.columns import column_changes
from veracity.data.breaking.rules import rule_changes
from veracity.data.contract import Contract

# What no table can follow: rows written before and after would not fit together.
_OTHER_TABLE = frozenset(
    [
        "feed-changed",
        "column-removed",
        "column-added",
        "column-renamed",
        "column-retyped",
        "personal-changed",
        "columns-reordered",
        "unit-changed",
        "key-changed",
    ]
)


def compare(old: Contract, new: Contract) -> list[Change]:
    """Return what changed from one contract to another, what breaks readers first.

    Looks at everything that changes a table or a verdict, and at descriptions of columns. Two
    contracts that differ in other descriptions or comments only have no changes.
    """
    changes = [
        *_identity(old, new),
        *column_changes(old.fields, new.fields),
        *_key(old, new),
        *rule_changes(old, new),
        *_service(old, new),
        *_retention(old, new),
        *_text(old, new),
    ]
    order = {"readers": 0, "senders": 1, "no": 2}
    return sorted(changes, key=lambda c: order[c.breaks])


def breaks_readers(changes: Sequence[Change]) -> bool:
    """Tell whether any change may make a reader go wrong."""
    return any(c.breaks == "readers" for c in changes)


def needs_new_feed(changes: Sequence[Change]) -> list[Change]:
    """Return the changes that one table cannot go through: `veracity feed add` refuses them."""
    return [c for c in changes if c.kind in _OTHER_TABLE]


def _identity(old: Contract, new: Contract) -> Iterator[Change]:
    if old.feed != new.feed:
        yield Change(
            "feed-changed", "id", old.feed, new.feed, "readers", "another feed, with a table of its own"
        )
    if old.simulated != new.simulated:
        said = {True: "simulated", False: "measured"}
        why = "invented data and measured ones must not be taken for each other"
        yield Change("simulated-changed", "tags", said[old.simulated], said[new.simulated], "readers", why)
    if old.agency != new.agency:
        why = "other keys sign the readings: readers trust another agency"
        yield Change("agency-changed", "agency", old.agency, new.agency, "readers", why)
    if old.signature != new.signature:
        if new.signature == "required":
            why = "files without a signature are refused"
            yield Change("signature-changed", "signature", old.signature, new.signature, "senders", why)
        else:
            why = "readings that nobody signed may be in the table"
            yield Change("signature-changed", "signature", old.signature, new.signature, "readers", why)


def _key(old: Contract, new: Contract) -> Iterator[Change]:
    if old.key != new.key:
        why = "another set of columns is unique: joins and look-ups by the old key may find several rows"
        yield Change(
            "key-changed", "key", ", ".join(old.key) or None, ", ".join(new.key) or None, "readers", why
        )
    if old.time != new.time:
        yield Change(
            "event-time-changed", "event time", old.time, new.time, "readers", "another column says when"
        )


def _service(old: Contract, new: Contract) -> Iterator[Change]:
    for name, a, b in (
        ("frequency", old.frequency_s, new.frequency_s),
        ("latency", old.latency_s, new.latency_s),
    ):
        if a == b:
            continue
        shown = [None if v is None else f"{v:g} s" for v in (a, b)]
        if b is None or (a is not None and b > a):
            why = {"frequency": "readings may come more seldom", "latency": "readings may come later"}[name]
            yield Change(f"{name}-relaxed", name, shown[0], shown[1], "readers", why)
        else:
            why = {"frequency": "readings are expected more often", "latency": "readings must come sooner"}[
                name
            ]
            yield Change(f"{name}-tightened", name, shown[0], shown[1], "senders", why)


def _retention(old: Contract, new: Contract) -> Iterator[Change]:
    if old.retention_s == new.retention_s:
        return
    shown = [None if v is None else f"{v / 86_400:g} d" for v in (old.retention_s, new.retention_s)]
    why = "personal values are erased after another time; what is kept shorter goes with the next `retain`"
    yield Change("retention-changed", "retention", shown[0], shown[1], "no", why)


def _text(old: Contract, new: Contract) -> Iterator[Change]:
    why = "files written the old way cannot be read"
    if old.separator != new.separator:
        yield Change(
            "separator-changed", "delimiter", repr(old.separator), repr(new.separator), "senders", why
        )
    if old.encoding != new.encoding:
        yield Change("encoding-changed", "encoding", old.encoding, new.encoding, "senders", why)
    if old.fallback_encoding != new.fallback_encoding:
        why = "records that are not in the encoding are read otherwise, or refused"
        shown = str(old.fallback_encoding), str(new.fallback_encoding)
        yield Change("fallback-changed", "fallbackEncoding", *shown, "senders", why)
    if old.title != new.title:
        yield Change("title", "name", old.title, new.title, "no", "for people")
