"""What a gateway keeps: records until they are in a batch, batches until the city has them, and losses.

Everything is durable when a call returns. A batch is made once, signed, and sent again byte for byte as
often as it takes; its records go in the same commit. One lock: any thread may call anything.
"""

import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from veracity.canonical import canonical_json
from veracity.gateway.clock import format_ns
from veracity.gateway.database import connect, transaction, usable
from veracity.gateway.errors import MalformedReading, StoreFull, StoreUnusable
from veracity.gateway.limits import MAX_RECORD_BYTES, Cut, Keep

_PAGE_BYTES = 4_096
_FEW_UNSENT = 16
_PRUNED_AT_ONCE = 32
_REMEMBERED = 4_096  # messages: more than a broker sends before the first is acknowledged

Item = tuple[str, bytes]  #: a feed and a record of it, without its line end
Signed = Callable[[str, Sequence[bytes]], bytes]  #: of a feed's records, the message to send


@dataclass(frozen=True)
class Batch:
    """A message that the city does not have yet, as it was signed."""

    seq: int
    feed: str
    n_records: int
    payload: bytes


@dataclass(frozen=True)
class Queue:
    """How much waits. ``oldest_ns`` is when the oldest of it was stored, None if nothing waits."""

    n_records: int
    n_unsent: int
    n_sent: int
    oldest_ns: int | None
    used_bytes: int
    n_lost: int


class Store:
    """The store in a directory."""

    def __init__(self, directory: Path, keep: Keep, now_ns: Callable[[], int]) -> None:
        self._directory, self._keep, self._now_ns = directory, keep, now_ns
        self._lock = threading.RLock()
        self._unwritten: dict[tuple[str, str, str], tuple[int, int, int]] = {}  # losses not on the disk yet
        self._database = connect(directory)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    def put(
        self,
        items: Sequence[Item],
        source: str = "",
        mark: str | None = None,
        digests: Sequence[bytes] = (),
    ) -> None:
        """Take records, all or none; what arrives first is sent first.

        In the same commit note how far the source is (``mark_of``), and the digests of the messages that
        the records were in (``has_taken``).

        Raises
        ------
        StoreFull
            If there is no room, even without what the city has already.
        MalformedReading
            If a record is too long.
        """
        longest = max((len(record) for _, record in items), default=0)
        if longest > MAX_RECORD_BYTES:
            raise MalformedReading(f"record: want at most {MAX_RECORD_BYTES} bytes, got {longest}")
        with self._lock:
            self._make_room(sum(len(record) + len(feed) + 32 for feed, record in items))
            with transaction(self._database, self._directory):
                self._insert(items)
                if mark is not None:
                    self._database.execute("INSERT OR REPLACE INTO marks VALUES (?, ?)", (source, mark))
                self._note_taken(source, digests)

    def mark_of(self, source: str) -> str | None:
        """Return the last mark of a source."""
        with self._lock:
            rows = self._database.execute("SELECT mark FROM marks WHERE source = ?", (source,)).fetchall()
        return rows[0][0] if rows else None

    def has_taken(self, source: str, digest: bytes) -> bool:
        """Say whether a message is among the last that were taken of a source."""
        text = "SELECT 1 FROM taken WHERE source = ? AND digest = ? LIMIT 1"
        with self._lock, usable(self._directory):
            return bool(self._database.execute(text, (source, digest)).fetchall())

    def lose(self, source: str, feed: str, reason: str, n: int = 1) -> None:
        """Count records that a source gave and that could not be kept.

        Where not even the count can be written, on a full disk, it is in memory until it can.
        """
        now = self._now_ns()
        with self._lock:
            so_far, first, _ = self._unwritten.get((source, feed, reason), (0, now, now))
            self._unwritten[source, feed, reason] = so_far + n, first, now
            with suppress(StoreFull, StoreUnusable):
                self._write_losses()

    def report_losses(self, gateway: str, feed: str) -> int:
        """Turn what was lost into records of a feed, and return how many; StoreFull if none has room."""
        with self._lock:
            self._write_losses()
            lost = self._all("SELECT source, feed, reason, n, first_ns, last_ns FROM losses ORDER BY 1, 2, 3")
            if not lost:
                return 0
            records = [_loss_record(gateway, row) for row in lost]
            self._make_room(sum(map(len, records)) + 64 * len(records))
            with transaction(self._database, self._directory):
                self._insert([(feed, record) for record in records])
                self._database.execute("DELETE FROM losses")
            return len(records)

    def cut(self, cut: Cut, signed: Signed, *, flush: bool = False) -> int:
        """Make a batch of each feed that is due, and return how many; with ``flush`` of each that has any."""
        n_made = 0
        with self._lock:
            for feed, n, n_bytes, oldest_ns in self._all(
                "SELECT feed, COUNT(*), SUM(LENGTH(record)), MIN(stored_ns) FROM records GROUP BY feed"
                " ORDER BY MIN(seq)"
            ):
                # A clock that was set back makes them as old as any: they must not wait for it.
                is_young = 0 <= self._now_ns() - oldest_ns < cut.max_age_s * 1e9
                is_old = not is_young and self._n_unsent() < _FEW_UNSENT
                if flush or is_old or n >= cut.max_records or n_bytes >= cut.max_bytes:
                    self._make_batch(feed, cut, signed)
                    n_made += 1
        return n_made

    def unsent(self, after: int, limit: int) -> list[Batch]:
        """Return the next batches that the city does not have, in order."""
        with self._lock:
            rows = self._all(
                "SELECT seq, feed, n_records, payload FROM batches WHERE sent_ns IS NULL AND seq > ?"
                " ORDER BY seq LIMIT ?",
                (after, limit),
            )
        return [Batch(*row) for row in rows]

    def mark_sent(self, seqs: Sequence[int]) -> None:
        """Note that the city has batches; forget those that were kept long enough."""
        now = self._now_ns()
        with self._lock:
            with transaction(self._database, self._directory):
                self._database.executemany(
                    "UPDATE batches SET sent_ns = ? WHERE seq = ? AND sent_ns IS NULL",
                    [(now, seq) for seq in seqs],
                )
                self._database.execute(
                    "DELETE FROM batches WHERE sent_ns IS NOT NULL AND sent_ns <= ?",
                    (now - int(self._keep.sent_s * 1e9),),
                )
            while self._sent_bytes() > self._keep.sent_bytes and self._prune():
                pass

    def resend(self, since_ns: int) -> int:
        """Let batches made since a time be sent once more, if they are still kept; return how many."""
        with self._lock, transaction(self._database, self._directory):
            done = self._database.execute(
                "UPDATE batches SET sent_ns = NULL WHERE sent_ns IS NOT NULL AND made_ns >= ?", (since_ns,)
            )
            return done.rowcount

    def queue(self) -> Queue:
        """Return how much waits."""
        with self._lock:
            return queue_of(self._database)

    def _insert(self, items: Sequence[Item]) -> None:
        now = self._now_ns()
        self._database.executemany(
            "INSERT INTO records (feed, record, stored_ns) VALUES (?, ?, ?)",
            [(feed, record, now) for feed, record in items],
        )

    def _note_taken(self, source: str, digests: Sequence[bytes]) -> None:
        if not digests:
            return
        self._database.executemany("INSERT INTO taken VALUES (?, ?)", [(source, d) for d in digests])
        self._database.execute(
            "DELETE FROM taken WHERE source = ? AND rowid <= (SELECT MAX(rowid) FROM taken) - ?",
            (source, _REMEMBERED),
        )

    def _write_losses(self) -> None:
        if not self._unwritten:
            return
        with transaction(self._database, self._directory):
            self._database.executemany(
                "INSERT INTO losses VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE"
                " SET n = n + excluded.n, last_ns = excluded.last_ns",
                [(*whose, *counted) for whose, counted in self._unwritten.items()],
            )
        self._unwritten.clear()

    def _make_batch(self, feed: str, cut: Cut, signed: Signed) -> None:
        rows: list[tuple[int, bytes]] = []
        n_bytes = 0
        for seq, record in self._database.execute(
            "SELECT seq, record FROM records WHERE feed = ? ORDER BY seq LIMIT ?", (feed, cut.max_records)
        ):
            n_bytes += len(record) + 1
            if rows and n_bytes > cut.max_bytes:
                break
            rows.append((seq, record))
        payload = signed(feed, [record for _, record in rows])
        with transaction(self._database, self._directory):
            self._database.execute(
                "INSERT INTO batches (feed, n_records, payload, made_ns) VALUES (?, ?, ?, ?)",
                (feed, len(rows), payload, self._now_ns()),
            )
            self._database.execute("DELETE FROM records WHERE feed = ? AND seq <= ?", (feed, rows[-1][0]))

    def _make_room(self, n_bytes: int) -> None:
        """Forget what the city has, oldest first, until there is room."""
        while used_bytes(self._database) + n_bytes > self._keep.max_bytes:
            if not self._prune():
                raise StoreFull(
                    f"gateway: want room for {n_bytes} bytes, got {self._keep.max_bytes} bytes in use"
                )

    def _prune(self) -> bool:
        with transaction(self._database, self._directory):
            done = self._database.execute(
                "DELETE FROM batches WHERE seq IN (SELECT seq FROM batches WHERE sent_ns IS NOT NULL"
                " ORDER BY sent_ns LIMIT ?)",
                (_PRUNED_AT_ONCE,),
            )
        return done.rowcount > 0

    def _n_unsent(self) -> int:
        return int(self._all("SELECT COUNT(*) FROM batches WHERE sent_ns IS NULL")[0][0])

    def _sent_bytes(self) -> int:
        text = "SELECT COALESCE(SUM(LENGTH(payload)), 0) FROM batches WHERE sent_ns IS NOT NULL"
        return int(self._all(text)[0][0])

    def _all(self, text: str, values: tuple[int, ...] = ()) -> list[tuple]:  # type: ignore[type-arg]
        with usable(self._directory):
            return self._database.execute(text, values).fetchall()


def used_bytes(database: sqlite3.Connection) -> int:
    """Return how much of the file is in use; a file never shrinks, its free pages are used again."""
    ((n_pages,),) = database.execute("PRAGMA page_count").fetchall()
    ((n_free,),) = database.execute("PRAGMA freelist_count").fetchall()
    return int(n_pages - n_free) * _PAGE_BYTES


def queue_of(database: sqlite3.Connection) -> Queue:
    """Return how much waits in a gateway's file."""
    ((n_records, oldest_record),) = database.execute("SELECT COUNT(*), MIN(stored_ns) FROM records")
    ((n_unsent, oldest_batch),) = database.execute(
        "SELECT COUNT(*), MIN(made_ns) FROM batches WHERE sent_ns IS NULL"
    )
    ((n_sent,),) = database.execute("SELECT COUNT(*) FROM batches WHERE sent_ns IS NOT NULL")
    ((n_lost,),) = database.execute("SELECT COALESCE(SUM(n), 0) FROM losses")
    oldest = min((ns for ns in (oldest_record, oldest_batch) if ns is not None), default=None)
    return Queue(n_records, n_unsent, n_sent, oldest, used_bytes(database), n_lost)


def _loss_record(gateway: str, row: tuple[str, str, str, int, int, int]) -> bytes:
    source, feed, reason, n, first_ns, last_ns = row
    return canonical_json(
        {
            "gateway": gateway,
            "source": source,
            "feed": feed,
            "reason": reason,
            "lost": n,
            "first_at": format_ns(first_ns),
            "last_at": format_ns(last_ns),
        }
    )
