"""The index: what the log says, in tables that can be asked. A cache, never the truth.

Every row comes from a statement in the log by ``apply``, the only way in; ``veracity log
reindex`` empties the tables and applies the log again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from veracity.home.clock import format_time
from veracity.provenance.dsse import open_envelope
from veracity.provenance.statements import parse_statement
from veracity.stores.database import METADATA
from veracity.stores.sql import SqlDatabase

_Text = sa.String().with_variant(sa.String(collation="C"), "postgresql")  # sorted by its bytes, as in SQLite

_statements = sa.Table(
    "statements",
    METADATA,
    sa.Column("idx", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("kind", _Text, nullable=False),
    sa.Column("feed", _Text),
    sa.Column("predicate", sa.LargeBinary, nullable=False),
    sa.Index("statements_kind", "kind", "feed"),
)
_batches = sa.Table(
    "batches",
    METADATA,
    sa.Column("feed", _Text, primary_key=True),
    sa.Column("batch", sa.Integer, primary_key=True),
    sa.Column("idx", sa.Integer, nullable=False),
    sa.Column("file_sha256", _Text, nullable=False),
    sa.Column("part", sa.Integer, nullable=False),
    sa.Column("is_last", sa.Boolean, nullable=False),
    sa.Column("received_at", _Text, nullable=False),
    sa.Column("received", sa.Integer, nullable=False),
    sa.Column("accepted", sa.Integer, nullable=False),
    sa.Column("quarantined", sa.Integer, nullable=False),
    sa.Column("refused", sa.Integer, nullable=False),
    sa.Index("batches_file", "feed", "file_sha256"),
)
# What was decided but is perhaps not yet in the log: not a cache, emptied by the append itself.
_pending = sa.Table(
    "pending",
    METADATA,
    sa.Column("feed", _Text, primary_key=True),
    sa.Column("batch", sa.Integer, nullable=False),
    sa.Column("has_rows", sa.Boolean, nullable=False),
    sa.Column("entry", sa.LargeBinary, nullable=False),
)


_AT_ONCE = 500  # statements that are read at a time by who walks through them

_OF_A_FEED = ("contract", "ingest", "certify", "account", "reject", "erase")
WHOLE_FILE = frozenset(
    ["unsigned", "signature", "unknown-key", "revoked-key", "expired-key", "wrong-delivery"]
)


@dataclass(frozen=True)
class BatchRow:
    """One batch as its statement counts it."""

    feed: str
    batch: int
    idx: int
    file_sha256: str
    part: int
    is_last: bool
    received_at: str
    received: int
    accepted: int
    quarantined: int
    refused: int


@dataclass(frozen=True)
class Pending:
    """A batch whose statement was signed before its rows were committed."""

    feed: str
    batch: int
    has_rows: bool
    entry: bytes


class Index:
    """The index of one home's log, in its SQL database."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database

    @property
    def size(self) -> int:
        """How many entries of the log are in it: they are applied in order."""
        with self._database.reading() as db:
            last = db.execute(sa.select(sa.func.max(_statements.c.idx))).scalar_one()
        return 0 if last is None else int(last) + 1

    def clear(self) -> None:
        """Forget everything that came from the log."""
        with self._database.writing() as db:
            db.execute(sa.delete(_statements))
            db.execute(sa.delete(_batches))

    def apply(self, first: int, entries: Iterable[bytes]) -> None:
        """Take in consecutive log entries, the first at index ``first``, in one transaction."""
        rows, batches = _rows(first, entries)
        with self._database.writing() as db:
            if rows:
                db.execute(sa.insert(_statements), rows)
            if batches:
                db.execute(sa.insert(_batches), batches)

    def differing(self, first: int, entries: Sequence[bytes]) -> list[int]:
        """Return which of some consecutive log entries are in the index otherwise, or not at all."""
        rows, batches = _rows(first, entries)
        stop = first + len(entries)
        wrong: set[int] = set()
        with self._database.reading() as db:
            for table, said in ((_statements, rows), (_batches, batches)):
                query = sa.select(table).where(table.c.idx >= first, table.c.idx < stop)
                want = {int(row["idx"]): [row] for row in said}
                have: dict[int, list[dict[str, Any]]] = {}
                for row in db.execute(query).mappings():
                    have.setdefault(int(row["idx"]), []).append(dict(row))
                wrong.update(idx for idx in want.keys() | have.keys() if want.get(idx) != have.get(idx))
        return sorted(wrong)

    def outside(self, size: int) -> list[tuple[str, str]]:
        """Return (table, log index) of the rows that are of no entry of a log of ``size`` entries."""
        found = []
        with self._database.reading() as db:
            for table in (_statements, _batches):
                idx = sa.cast(table.c.idx, sa.String)
                query = sa.select(idx).where(~table.c.idx.between(0, size - 1))
                found += [(table.name, str(value)) for value in db.execute(query).scalars()]
        return found

    def predicates(
        self, kind: str, feed: str | None = None, since: int = 0, before: int | None = None
    ) -> list[tuple[int, dict[str, Any]]]:
        """Return (index, predicate) of the statements of a kind, in log order.

        Of all entries, or of those from ``since`` on, or ``before`` another.
        """
        query = sa.select(_statements.c.idx, _statements.c.predicate).where(_statements.c.kind == kind)
        if since:
            query = query.where(_statements.c.idx >= since)
        if before is not None:
            query = query.where(_statements.c.idx < before)
        if feed is not None:
            query = query.where(_statements.c.feed == feed)
        with self._database.reading() as db:
            return [(int(i), orjson.loads(p)) for i, p in db.execute(query.order_by(_statements.c.idx))]

    def walk(self, kind: str, *, newest_first: bool = False) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield (index, predicate) of the statements of a kind that is of no feed, from one end of the log.

        Some hundred are read at a time: for who stops early, or keeps none of many.
        """
        column = _statements.c.idx
        query = sa.select(column, _statements.c.predicate).where(
            _statements.c.kind == kind, _statements.c.feed.is_(None)
        )
        query = query.order_by(column.desc() if newest_first else column).limit(_AT_ONCE)
        seen: int | None = None
        while True:
            more = query
            if seen is not None:
                more = query.where(column < seen if newest_first else column > seen)
            with self._database.reading() as db:
                rows = [(int(i), bytes(p)) for i, p in db.execute(more)]
            for idx, predicate in rows:
                yield idx, orjson.loads(predicate)
            if len(rows) < _AT_ONCE:
                return
            seen = rows[-1][0]

    def count(self, kind: str) -> int:
        """Count the statements of a kind."""
        query = sa.select(sa.func.count()).where(_statements.c.kind == kind)
        with self._database.reading() as db:
            return int(db.execute(query).scalar_one())

    def after(self, kind: str, idx: int) -> list[int]:
        """Return where the statements of a kind are that come after a place in the log."""
        query = sa.select(_statements.c.idx).where(_statements.c.kind == kind, _statements.c.idx > idx)
        with self._database.reading() as db:
            return [int(i) for i in db.execute(query.order_by(_statements.c.idx)).scalars()]

    def predicate(self, idx: int) -> dict[str, Any]:
        """Return the predicate of the statement at a log index."""
        query = sa.select(_statements.c.predicate).where(_statements.c.idx == idx)
        with self._database.reading() as db:
            document: dict[str, Any] = orjson.loads(db.execute(query).scalar_one())
        return document

    def kinds(self) -> dict[str, int]:
        """Count the statements of each kind."""
        query = sa.select(_statements.c.kind, sa.func.count()).group_by(_statements.c.kind)
        with self._database.reading() as db:
            return {str(k): int(n) for k, n in db.execute(query.order_by(_statements.c.kind))}

    def batches(
        self, feed: str, file_sha256: str | None = None, *, since: datetime | None = None
    ) -> list[BatchRow]:
        """Return a feed's batches in order, or those of one file, or those received at ``since`` or later."""
        query = sa.select(_batches).where(_batches.c.feed == feed)
        if file_sha256 is not None:
            query = query.where(_batches.c.file_sha256 == file_sha256)
        if since is not None:
            query = query.where(_batches.c.received_at >= format_time(since))
        with self._database.reading() as db:
            return [BatchRow(**row) for row in db.execute(query.order_by(_batches.c.batch)).mappings()]

    def parts(self, feed: str, file_sha256: str) -> list[BatchRow]:
        """Return the sealed parts of a file in order: what came of it when refused as a whole left out."""
        rows = self.batches(feed, file_sha256)
        return [r for r in rows if not is_whole_file_refusal(self.predicate(r.idx))]

    def batch(self, feed: str, batch: int) -> BatchRow | None:
        """Return one batch, or None."""
        query = sa.select(_batches).where(_batches.c.feed == feed, _batches.c.batch == batch)
        with self._database.reading() as db:
            row = db.execute(query).mappings().one_or_none()
        return None if row is None else BatchRow(**row)

    def next_batch(self, feed: str) -> tuple[int, str | None]:
        """Return the next batch's number and when the last one was received."""
        query = sa.select(_batches.c.batch, _batches.c.received_at).where(_batches.c.feed == feed)
        with self._database.reading() as db:
            row = db.execute(query.order_by(_batches.c.batch.desc()).limit(1)).one_or_none()
        return (0, None) if row is None else (int(row[0]) + 1, str(row[1]))

    def last_with_rows(self, feed: str) -> int | None:
        """Return the last batch of a feed that has accepted rows."""
        query = sa.select(sa.func.max(_batches.c.batch)).where(
            _batches.c.feed == feed, _batches.c.accepted > 0
        )
        with self._database.reading() as db:
            last = db.execute(query).scalar_one()
        return None if last is None else int(last)

    def up_to(self, feed: str, as_of: datetime | None) -> int:
        """Return the last batch received at or before ``as_of`` (or at all); -1 if there is none."""
        query = sa.select(sa.func.max(_batches.c.batch)).where(_batches.c.feed == feed)
        if as_of is not None:
            query = query.where(_batches.c.received_at <= format_time(as_of))
        with self._database.reading() as db:
            last = db.execute(query).scalar_one()
        return -1 if last is None else int(last)

    def known_before(self, as_of: datetime) -> int:
        """Return the first entry whose batch, of any feed, was received after ``as_of``; else the size."""
        query = sa.select(sa.func.min(_batches.c.idx)).where(_batches.c.received_at > format_time(as_of))
        with self._database.reading() as db:
            first = db.execute(query).scalar_one()
        return self.size if first is None else int(first)

    def pend(self, pending: Pending) -> None:
        """Remember a signed batch before its rows are committed."""
        row = asdict(pending)
        with self._database.writing() as db:
            db.execute(sa.delete(_pending).where(_pending.c.feed == pending.feed))
            db.execute(sa.insert(_pending), row)

    def pending(self) -> Sequence[Pending]:
        """Return the batches whose append was not confirmed."""
        with self._database.reading() as db:
            return [Pending(**row) for row in db.execute(sa.select(_pending)).mappings()]

    def settle(self, feed: str) -> None:
        """Forget a feed's pending batch: it is in the log, or will never be."""
        with self._database.writing() as db:
            db.execute(sa.delete(_pending).where(_pending.c.feed == feed))


def _rows(first: int, entries: Iterable[bytes]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rows of both tables that consecutive log entries give."""
    rows: list[dict[str, Any]] = []
    batches: list[dict[str, Any]] = []
    for idx, entry in enumerate(entries, first):
        statement = parse_statement(open_envelope(entry).payload)
        predicate, kind = statement.predicate, statement.kind
        feed = predicate.get("feed") if kind in _OF_A_FEED else None
        rows.append({"idx": idx, "kind": kind, "feed": feed, "predicate": orjson.dumps(predicate)})
        if kind == "ingest":
            batches.append(_batch(idx, predicate))
    return rows, batches


def is_whole_file_refusal(predicate: Mapping[str, Any]) -> bool:
    """Tell whether a batch is the record of a file refused as a whole, of which no evidence is kept.

    ``predicate`` is that of its ``ingest`` statement. What kept a row, or refused a record for what
    is in it, is no such batch, whatever its refusals are called: there is evidence to audit.
    """
    counts, part, refusals = predicate["counts"], predicate["part"], predicate["refusals"]
    return (
        len(refusals) == 1
        and set(refusals) <= WHOLE_FILE
        and counts["accepted"] == counts["quarantined"] == counts["blank"] == 0
        and counts["refused"] == counts["received"] == part["n_records"]
        and (part["index"], part["first_record"], part["last"]) == (0, 0, True)
        and predicate["table"] is predicate["quarantine"] is predicate["delivery"] is None
    )


def _batch(idx: int, predicate: Mapping[str, Any]) -> dict[str, Any]:
    counts = predicate["counts"]
    return {
        "feed": predicate["feed"],
        "batch": predicate["batch"],
        "idx": idx,
        "file_sha256": predicate["file"]["sha256"],
        "part": predicate["part"]["index"],
        "is_last": predicate["part"]["last"],
        "received_at": predicate["received_at"],
        **{name: counts[name] for name in ("received", "accepted", "quarantined", "refused")},
    }
