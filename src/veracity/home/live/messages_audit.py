"""The messages of a live batch, held against its evidence: whose each record is, and what became of it.

The list that is kept must be the one whose digest was signed, must share the batch's records out among
its messages without gap or overlap, and every signature in it must be of the records it stands for, by a
key that was enrolled for the sender at that time. What cannot be made again is the id of a message, which
is of bytes around the records that are not kept, and when it arrived.
"""

import base64
import binascii
from collections.abc import Iterator
from datetime import datetime

import polars as pl

from veracity.data.clean import Cleaned
from veracity.data.contract import Contract
from veracity.data.errors import TableMismatch
from veracity.data.records import split_records
from veracity.data.reexecution import text_format
from veracity.errors import VeracityError
from veracity.home.home import Home
from veracity.home.live.gathering import DUPLICATE, SCHEMA, TAKEN, count_records
from veracity.home.tables import read_signed
from veracity.home.trail import PartAgain
from veracity.provenance.messages import records_root, signed_text
from veracity.provenance.statements import Ingest

MAX_NAMED = 8  # wrong signatures named one by one


def check_messages(
    home: Home, ingest: Ingest, again: PartAgain | None, cleaned: Cleaned | None, idx: int
) -> Iterator[tuple[str, str]]:
    """Yield (what, detail) of all that is not as a live batch's statement, log entry ``idx``, says.

    ``again`` and ``cleaned`` are its part made and cleaned again; None for a batch without records.
    """
    said = ingest.messages
    assert said is not None, "a live batch"
    try:
        rows = read_signed(home, "messages", ingest.feed, ingest.batch, said.rows.sha256)
    except TableMismatch as exc:
        yield "messages", str(exc)
        return
    want = {**SCHEMA, "_batch": pl.Int64()}
    if dict(rows.schema) != want:
        yield "messages", f"want columns {list(want)}, got {rows.columns}"
        return
    taken, gone = rows.filter(pl.col("outcome") == TAKEN), rows.filter(pl.col("outcome") != TAKEN)
    away = gone.filter(pl.col("outcome") != DUPLICATE).group_by("outcome").agg(pl.col("refused").sum())
    for name, stated, found in (
        ("rows", said.rows.rows, rows.height),
        ("taken", said.taken, taken.height),
        ("signed", said.signed, taken["signature"].null_count() == 0),
        ("duplicate", said.duplicate, int(gone["duplicate"].sum())),
        ("refused", said.refused, dict(away.sort("outcome").iter_rows())),
    ):
        if stated != found:
            yield "messages", f"{name}: want {stated} as stated, got {found}"
    if again is None or cleaned is None:
        return
    contract = home.contract(ingest.contract_sha256)
    error = _check_spans(taken, ingest)
    if error is not None:
        yield "messages", error
        return
    counted = count_records(taken["first"].to_numpy(), cleaned, again.unread, contract)
    if not counted.equals(taken.select(counted.columns)):
        yield "messages", "want each message's records counted as they were cleaned again, got other counts"
    for number, wrong in enumerate(_wrong_signatures(home, ingest, contract, taken, again, idx)):
        if number == MAX_NAMED:
            yield "messages", "and more signatures like these"
            return
        yield "messages", wrong


def _check_spans(taken: pl.DataFrame, ingest: Ingest) -> str | None:
    """Return what is wrong with how the batch's records are shared out; None if nothing is."""
    n, ends = ingest.part.n_records, taken["first"] + taken["records"]
    starts = pl.concat([pl.Series([0], dtype=pl.Int64), ends[:-1]]) if taken.height else ends
    if (
        taken.is_empty()
        or ends[-1] != n
        or not taken["first"].equals(starts)
        or bool((taken["records"] < 1).any())
    ):
        return f"want all {n} records shared out in order, got another cut"
    return None


def _wrong_signatures(
    home: Home, ingest: Ingest, contract: Contract, taken: pl.DataFrame, again: PartAgain, idx: int
) -> Iterator[str]:
    """Yield what is wrong with who signed each message."""
    ends = [0, *split_records(again.data, text_format(contract, ingest.file.kind), at_end=True).tolist()]
    received, agencies = datetime.fromisoformat(ingest.received_at), home.agencies()
    columns = ("first", "records", "sender", "key", "signature")
    for first, n, sender, keyid, text in taken.select(columns).iter_rows():
        if (keyid is None) != (text is None):
            yield f"record {first}: want a key and a signature, or neither, got one of them"
            continue
        if keyid is None or text is None:
            if contract.signature == "required":
                yield f"record {first}: want messages signed by {contract.agency}, got a bare one of {sender}"
            continue
        records = [again.data[ends[i] : ends[i + 1]].removesuffix(b"\n") for i in range(first, first + n)]
        try:
            authority = agencies.authority(keyid, idx, received)
            if (
                authority.role not in ("device", "agency")
                or authority.name != sender
                or contract.agency not in (None, authority.agency)
            ):
                got = f"{authority.role} {authority.name}"
                yield f"record {first}: want a key of {sender} for {contract.agency}, got {got}"
                continue
            signature = base64.b64decode(text, validate=True)
            authority.key.verify(signature, signed_text(ingest.feed, sender, n, records_root(records)))
        except (VeracityError, binascii.Error) as exc:
            yield f"record {first}: {exc}"[:300]
