"""The messages of one live batch: put together, and what became of each.

They stand in order of arrival; of CSV those under one header together, so that few change the columns.

The list that is kept with a batch has these columns, a row for each message that gave records, in order:

``first``, ``records``
    Its records in the batch, headers of CSV included.
``sender``, ``id``, ``key``, ``signature``
    Whose it is, what it is known by, and the key ID and signature (base64) it came with, if any.
``arrived``, ``event``
    When the broker had it; the newest event time of its accepted rows, null if none.
``origin``
    Where it stood in the broker's stream; see ``origins``.
``document``
    SHA-256 of the document that a source made the records from.
``accepted``, ``quarantined``, ``refused``, ``duplicate``
    What its records came to; headers and blank lines count nowhere.
``outcome``, ``messages``
    ``taken``, and 1.

Then a row for each sender and reason of messages that gave nothing, with null for what there is not:
``outcome`` is ``duplicate`` or why they were turned away, ``messages`` how many they were.
"""

import base64
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from veracity.data.clean import Cleaned
from veracity.data.contract import Contract
from veracity.home.live.arrivals import Admitted, Turned
from veracity.home.live.origins import Origin, format_origins
from veracity.home.sources import SourcePart
from veracity.provenance.statements import Messages, RowsDigest

Ints = npt.NDArray[np.int64]
SCHEMA: dict[str, pl.DataType] = {
    "first": pl.Int64(),
    "records": pl.Int64(),
    "sender": pl.String(),
    "id": pl.String(),
    "key": pl.String(),
    "signature": pl.String(),
    "arrived": pl.Datetime("us", "UTC"),
    "event": pl.Datetime("us", "UTC"),
    "origin": pl.String(),
    "document": pl.String(),
    "accepted": pl.Int64(),
    "quarantined": pl.Int64(),
    "refused": pl.Int64(),
    "duplicate": pl.Int64(),
    "outcome": pl.String(),
    "messages": pl.Int64(),
}
_OF_MESSAGE = ("first", "records", "sender", "id", "key", "signature", "arrived", "origin", "document")
TAKEN, DUPLICATE = "taken", "duplicate"
MAX_SENDERS = 4_096  #: listed by name in one batch, of messages that gave nothing
OTHERS = "(others)"


@dataclass
class _Count:
    """Messages of one sender that gave nothing for one reason."""

    n_messages: int = 0
    n_records: int = 0
    origins: list[Origin] = field(default_factory=list)


@dataclass
class Tally:
    """Messages that gave nothing, by sender and why."""

    counts: dict[tuple[str, str], _Count] = field(default_factory=dict)

    def turned(self, away: Turned) -> None:
        """Count one that was turned away."""
        self._add(away.arrival.device, away.reason, away.n_records, away.arrival.origin)

    def repeated(self, message: Admitted) -> None:
        """Count one that came before."""
        self._add(message.sender, DUPLICATE, message.n_records, message.arrival.origin)

    def _add(self, sender: str, outcome: str, n_records: int, origin: Origin | None) -> None:
        """Count one; of more senders than a list has room for, under one name."""
        if (sender, outcome) not in self.counts and len(self.counts) >= MAX_SENDERS:
            sender = OTHERS
        count = self.counts.setdefault((sender, outcome), _Count())
        count.n_messages += 1
        count.n_records += n_records
        if origin is not None:
            count.origins.append(origin)

    def duplicates(self) -> int:
        """Return the records that had come before."""
        return sum(c.n_records for (_, why), c in self.counts.items() if why == DUPLICATE)

    def refused(self) -> dict[str, int]:
        """Return the records that were turned away, by reason."""
        sums = Counter[str]()
        for (_, why), count in self.counts.items():
            if why != DUPLICATE:
                sums[why] += count.n_records
        return dict(sorted(sums.items()))

    def __bool__(self) -> bool:
        return bool(self.counts)


class Gathering:
    """The messages taken into one batch, and those that came meanwhile and gave it nothing.

    ``kept`` is the list, once there is one.
    """

    def __init__(self, contract: Contract, taken: Sequence[Admitted], tally: Tally) -> None:
        self.contract, self.taken, self.tally = contract, taken, tally
        self.kept = pl.DataFrame(schema=SCHEMA)

    def lines(self) -> tuple[bytes, Ints]:
        """Return the records as lines, and where each ends."""
        records = [record for message in self.taken for record in message.records]
        data = b"\n".join(records) + b"\n"
        lengths = np.fromiter(map(len, records), np.int64, len(records))
        return data, np.cumsum(lengths + 1)

    def said(self, rows: RowsDigest) -> Messages:
        """Return what the statement says."""
        return Messages(
            rows=rows,
            taken=len(self.taken),
            signed=all(m.signature is not None for m in self.taken),
            duplicate=self.tally.duplicates(),
            refused=self.tally.refused(),
        )

    def rows(self, cleaned: Cleaned | None, part: SourcePart | None) -> pl.DataFrame:
        """Return the list to keep."""
        self.kept = _gone(self.tally)
        if cleaned is not None and part is not None:
            self.kept = pl.concat([self._taken(cleaned, part), self.kept])
        return self.kept

    def _taken(self, cleaned: Cleaned, part: SourcePart) -> pl.DataFrame:
        n_records = np.array([len(m.records) for m in self.taken], np.int64)
        first = np.cumsum(n_records) - n_records
        unread = [refusal.record for refusal in part.refusals]
        frame = pl.DataFrame(
            {
                "first": first,
                "records": n_records,
                "sender": [m.sender for m in self.taken],
                "id": [m.id for m in self.taken],
                "key": [m.keyid for m in self.taken],
                "signature": [m.signature and base64.b64encode(m.signature).decode() for m in self.taken],
                "arrived": [m.arrival.arrived_at for m in self.taken],
                "origin": [o and f"{o[0]}:{o[1]}" for m in self.taken for o in (m.arrival.origin,)],
                "document": [m.arrival.document for m in self.taken],
            },
            schema={n: SCHEMA[n] for n in _OF_MESSAGE},
        )
        counted = count_records(first, cleaned, unread, self.contract)
        rest = (pl.lit(0, pl.Int64).alias("duplicate"), pl.lit(TAKEN).alias("outcome"))
        return (
            frame.hstack(counted)
            .with_columns(*rest, pl.lit(1, pl.Int64).alias("messages"))
            .select(list(SCHEMA))
        )


def count_records(first: Ints, cleaned: Cleaned, unread: Sequence[int], contract: Contract) -> pl.DataFrame:
    """Count what became of each message's records, and find its newest event time.

    Parameters
    ----------
    first
        (n,) where each message's records begin in the batch, rising.
    unread
        The records that could not be read.

    Returns
    -------
    frame
        ``accepted``, ``quarantined``, ``refused`` and ``event``, (n,) each.
    """

    def per_message(records: Ints) -> Ints:
        at = np.searchsorted(first, records, "right") - 1
        return np.bincount(at, minlength=len(first)).astype(np.int64)

    refused = np.concatenate([np.asarray(unread, np.int64), _refused_rows(cleaned)])
    return pl.DataFrame(
        {
            "accepted": per_message(cleaned.accepted["_record"].to_numpy()),
            "quarantined": per_message(cleaned.quarantined["_record"].to_numpy()),
            "refused": per_message(refused),
            "event": _newest(first, cleaned.accepted, contract.time),
        }
    )


def _newest(first: Ints, accepted: pl.DataFrame, time: str | None) -> pl.Series:
    """Return (n,) the newest event time of each message's accepted rows."""
    if time is None or accepted.is_empty():
        return pl.repeat(None, len(first), dtype=SCHEMA["event"], eager=True)
    at = np.searchsorted(first, accepted["_record"].to_numpy(), "right") - 1
    newest = accepted.select(time, pl.Series("at", at)).group_by("at").agg(pl.col(time).max())
    places = pl.DataFrame({"at": np.arange(len(first), dtype=np.int64)})
    return places.join(newest, on="at", how="left", maintain_order="left")[time]


def _refused_rows(cleaned: Cleaned) -> Ints:
    """Return the record of each row that a rule refused."""
    if cleaned.verdicts is None or not cleaned.refusals:
        return np.zeros(0, np.int64)
    return cleaned.verdicts.filter(pl.col("outcome") == "refused")["_record"].to_numpy()


def _gone(tally: Tally) -> pl.DataFrame:
    rows: list[Mapping[str, Any]] = []
    for (sender, outcome), count in sorted(tally.counts.items()):
        is_duplicate = outcome == DUPLICATE
        rows.append(
            {
                "sender": sender,
                "origin": format_origins(count.origins),
                "outcome": outcome,
                "messages": count.n_messages,
                "accepted": 0,
                "quarantined": 0,
                "refused": 0 if is_duplicate else count.n_records,
                "duplicate": count.n_records if is_duplicate else 0,
            }
        )
    return pl.DataFrame(rows, schema=SCHEMA)
