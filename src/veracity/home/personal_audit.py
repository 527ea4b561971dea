"""Audit of personal data: every value is encrypted, every key that is gone was erased, and the reverse."""

import os
from collections.abc import Iterator

from veracity.data.contract import Contract
from veracity.data.personal.checking import check_text
from veracity.data.personal.columns import Unprotected
from veracity.data.personal.token import IN_TEXT, format_name, parse_name
from veracity.errors import VeracityError
from veracity.home.erasures import read_erased
from veracity.home.home import Home
from veracity.home.roll import check_signer
from veracity.home.table_audit import UNREADABLE, Found, one_line
from veracity.home.trail import PartAgain
from veracity.provenance.dsse import open_envelope
from veracity.provenance.statements import Erase, Ingest, parse_statement


class PersonalAudit:
    """Audits the personal data of one feed: its erasures, then its batches as they are made again.

    A copy that was handed out has no vault, and no key of the operator: what only the vault can tell
    is passed over there.
    """

    def __init__(self, home: Home, feed: str) -> None:
        self._home, self._feed = home, feed
        self._erased: dict[str, tuple[int, int]] | None = None  # name -> where it came in

    def check_erasures(self) -> Iterator[Found]:
        """Yield what is wrong with the erasures said, and with the vault."""
        for idx, predicate in self._home.index.predicates("erase", self._feed):
            where = f"{self._feed} erasure (log entry {idx})"
            for error in self._check_statement(idx):
                yield where, "erase statement", error
            try:
                rows = read_erased(self._home, self._feed, predicate["records"]["sha256"])
            except UNREADABLE as exc:
                yield where, "erased records", one_line(exc)
                continue
            if rows["_batch"].unique().sort().to_list() != predicate["batches"]:
                yield where, "erased records", "want records of the batches that the statement names"
            if rows.height != predicate["records"]["rows"]:
                yield where, "erased records", f"want {predicate['records']['rows']}, got {rows.height}"
            names = [parse_name(name) for name in rows["name"].to_list()]
            kept = self._held(names)
            if kept:
                yield (
                    where,
                    "key not destroyed",
                    f"want none of {len(names)} keys in the vault, got {len(kept)}",
                )
        if self._is_gone():
            yield f"{self._feed}", "vault", f"want {self._home.directory.vault.name}, got none"

    def check_part(self, ingest: Ingest, contract: Contract, again: PartAgain) -> Iterator[tuple[str, str]]:
        """Yield what is wrong with the personal values of a batch made again: what, detail."""
        if not contract.personal:
            return
        part, is_released = ingest.part.index, ingest.released is not None
        data = again.data if ingest.evidence.form == "received" else None
        try:
            check_text(contract, ingest.file.kind, data, part, ingest.layouts, released=is_released)
        except Unprotected as exc:
            yield "personal value in clear", str(exc)
        names = {bytes(m.group(1)).decode() for m in IN_TEXT.finditer(again.data)}
        erased = self._erased_names()
        strange = [n for n, (batch, _) in erased.items() if batch == ingest.batch and n not in names]
        if strange:
            yield "erased records", f"want records of this batch, got {len(strange)} that are not in it"
        known = {n for n in names if n not in erased}
        if (held := self._held([parse_name(n) for n in known])) is None:
            return
        lost = sorted(known - {format_name(name) for name in held})
        if lost:
            got = f"want the keys of {len(known)} records, or that they were erased, got none for {len(lost)}"
            yield "key lost", f"{got}, the first {lost[0]}"

    def _check_statement(self, idx: int) -> Iterator[str]:
        try:
            envelope = open_envelope(self._home.reader().entry(idx))
            Erase.from_statement(parse_statement(envelope.payload))
        except VeracityError as exc:
            yield one_line(exc)
            return
        yield from check_signer(self._home, envelope, idx)

    def _erased_names(self) -> dict[str, tuple[int, int]]:
        """Return the names of all records said or about to be said to be erased."""
        if self._erased is None:
            self._erased = {}
            for digest in self._lists():
                try:
                    rows = read_erased(self._home, self._feed, digest)
                except UNREADABLE:
                    continue  # and said with the statement
                self._erased |= {name: (batch, record) for batch, record, name in rows.iter_rows()}
        return self._erased

    def _lists(self) -> list[str]:
        """Return the digests of the lists of erased records: of statements in the log, and put aside."""
        digests = [str(p["records"]["sha256"]) for _, p in self._home.index.predicates("erase", self._feed)]
        vault = self._home.vault(read_only=True)
        if vault is None:
            return digests
        with vault:
            for entry in vault.pending():
                said = Erase.from_statement(parse_statement(open_envelope(entry).payload))
                digests += [said.records.sha256] if said.feed == self._feed else []
        return digests

    def _held(self, names: list[bytes]) -> set[bytes] | None:
        """Return which of some records' keys the vault has; None where there is no vault to ask."""
        vault = self._home.vault(read_only=True)
        if vault is None:
            return None
        with vault:
            return {held.name for held in vault.held(self._feed, names)}

    def _is_gone(self) -> bool:
        """Tell whether a vault should be here and is not: the operator's key is, and personal data are."""
        directory = self._home.directory
        if directory.vault.exists() or not os.access(directory.operator_key, os.R_OK):
            return False
        digests = {str(p["contract"]) for _, p in self._home.index.predicates("ingest", self._feed)}
        return any(self._is_personal(digest) for digest in digests)

    def _is_personal(self, digest: str) -> bool:
        try:
            return bool(self._home.contract(digest).personal)
        except VeracityError:
            return False  # and said with the batches under it
