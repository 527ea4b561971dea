"""The Python face of a home: ``city = veracity.open(DIR)``. Each method is one task of ``home``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

import polars as pl

from veracity.home import (
    audit,
    certificates,
    contracts,
    enrolments,
    erasures,
    ingest,
    panels,
    persons,
    receipts,
    releases,
    selection,
    tables,
    trust,
    verdicts,
)
from veracity.home.clock import Clock, parse_time, take_time
from veracity.home.home import Feed, Home, Writer, open_writer
from veracity.home.models import viewing
from veracity.home.selection import Selection
from veracity.models.decisions import OWN
from veracity.provenance.keys import PublicKey
from veracity.provenance.receipts import Receipt
from veracity.provenance.statements import Ground

When = datetime | str | None


class City:
    """A city's home. Reading needs nothing; each writing call takes the home's lock for its time.

    Examples
    --------
    ::

        city = veracity.open("my-city")
        city.ingest("air-quality", ["day1.csv.gz"])
        rows = city.table("air-quality", as_of="2026-09-01T00:00:00Z").collect()
        receipt = city.receipt("air-quality", where="station = 'S1' and observed_at = '2026-09-01T08:00:00Z'")
        veracity.verify(receipt, city.policy)
    """

    def __init__(self, root: Path | str, clock: Clock | None = None) -> None:
        self.root = Path(root)
        self._clock = clock
        with self._reading():
            pass

    def __repr__(self) -> str:
        return f"City({str(self.root)!r})"

    @property
    def policy(self) -> Path:
        """The trust policy to hand out."""
        return self.root / "trust.policy"

    def add_agency(
        self, name: str, key: PublicKey | None = None, *, expires: When = None
    ) -> enrolments.AgencyKey:
        """Enrol an agency; without a key one is made and kept here."""
        with self._writing() as home:
            return enrolments.add_agency(home, name, key, _when(expires))

    def add_device(
        self, name: str, key: PublicKey | None = None, *, expires: When = None, sign: str | None = None
    ) -> enrolments.AgencyKey:
        """Enrol ``<agency>/<device>``, signed by the operator or by the agency's key that ``sign`` names."""
        with self._writing() as home:
            signer = enrolments.signing_key(home, sign) if sign else None
            return enrolments.add_device(home, name, key, _when(expires), signer)

    def revoke(self, name: str, *, reason: str, as_of: When = None) -> enrolments.AgencyKey:
        """Revoke the key of an agency or a device, also for what was received from ``as_of`` on."""
        with self._writing() as home:
            return enrolments.revoke_key(home, name, reason, _when(as_of))

    def add_feed(self, contract: Path | str) -> Feed:
        """Put a contract in force."""
        with self._writing() as home:
            return contracts.add_feed(home, Path(contract))

    def feeds(self) -> list[contracts.FeedStatus]:
        """Count every feed."""
        with self._reading() as home:
            return [contracts.status(home, name) for name in home.feeds()]

    def ingest(
        self,
        feed: str,
        files: Path | str | Sequence[Path | str],
        *,
        sign: str | None = None,
        resume: bool = False,
    ) -> list[ingest.FileReport]:
        """Take one file or several into a feed; ``sign`` names an agency with its key here, or a key file."""
        paths = [files] if isinstance(files, (str, Path)) else files
        with self._writing() as home:
            key = enrolments.signing_key(home, sign) if sign else None
            return ingest.ingest(home, feed, [Path(f) for f in paths], sign=key, resume=resume)

    def table(self, feed: str, as_of: When = None) -> pl.LazyFrame:
        """Return a feed's accepted rows, as known at ``as_of``."""
        with self._reading() as home:
            return tables.table_rows(home, feed, _when(as_of))

    def quarantine(self, feed: str, reason: str | None = None) -> pl.LazyFrame:
        """Return a feed's quarantined rows with their reasons."""
        with self._reading() as home:
            return tables.quarantine_rows(home, feed, reason)

    def verdicts(self, feed: str, as_of: When = None) -> pl.LazyFrame:
        """Return the verdict on every row: its outcome, and a Boolean column for each rule ever broken."""
        with self._reading() as home:
            return verdicts.verdict_rows(home, feed, _when(as_of))

    def flagged(self, feed: str, as_of: When = None) -> pl.LazyFrame:
        """Return the accepted rows that broke a rule which flags, with the ``reasons``."""
        with self._reading() as home:
            return verdicts.flagged_rows(home, feed, _when(as_of))

    def trust(self, feed: str, as_of: When = None, day: date | None = None) -> pl.DataFrame:
        """Score each sensor and property of a feed, for use on a day."""
        with self._reading() as home:
            return trust.feed_trust(home, feed, _when(as_of), day)

    def certify(self, feed: str, day: date | None = None) -> list[certificates.Certificate]:
        """Sum up a day in a signed statement; without one, every day that is over and not certified."""
        with self._writing() as home:
            days = certificates.uncertified(home, feed) if day is None else [day]
            return [certificates.certify(home, feed, d) for d in days]

    def certificate(
        self, feed: str, day: date | None = None, *, batch: int | None = None
    ) -> certificates.Certificate:
        """Return what a day, or a batch, was worth."""
        if (day is None) == (batch is None):
            raise ValueError("certificate: want either day or batch, got both or none")
        with self._reading() as home:
            if day is not None:
                return certificates.day_certificate(home, feed, day)
            return certificates.batch_certificate(home, feed, batch or 0)

    def waiting(self, feed: str) -> pl.DataFrame:
        """Return the quarantined rows that wait for a person's decision."""
        with self._reading() as home:
            return selection.waiting(home, feed)

    def release(
        self,
        feed: str,
        rows: Selection,
        *,
        by: str,
        reason: str,
        waive: Sequence[str] = (),
        sign: str | None = None,
    ) -> releases.Outcome:
        """Let quarantined rows in, in the name of a person; ``waive`` names rules that do not count."""
        with self._writing() as home:
            key = enrolments.signing_key(home, sign) if sign else None
            return releases.release(home, feed, rows, by, reason, waive, key)

    def reject(
        self, feed: str, rows: Selection, *, by: str, reason: str, sign: str | None = None
    ) -> releases.Outcome:
        """Say, in the name of a person, that quarantined rows stay out for good."""
        with self._writing() as home:
            key = enrolments.signing_key(home, sign) if sign else None
            return releases.reject(home, feed, rows, by, reason, key)

    def find_personal(
        self, feed: str, field: str, value: str, *, by: str, reason: str
    ) -> persons.FoundRecords:
        """Return the records in which a personal field has a value; the vault keeps who asked."""
        with self._reading() as home:
            return persons.find(home, feed, field, value, by, reason)

    def show_personal(
        self, feed: str, record: tuple[int, int], *, by: str, reason: str
    ) -> list[persons.ShownValue]:
        """Decrypt the personal values of ``record = (batch, number)``; the vault keeps who asked."""
        with self._reading() as home:
            return persons.show(home, feed, *record, by, reason)

    def erase_personal(
        self,
        feed: str,
        records: Sequence[tuple[int, int]],
        *,
        by: str,
        reason: str,
        ground: Ground = "request",
    ) -> erasures.Erasure:
        """Destroy the keys of records, (batch, number) each, and say so in the log."""
        with self._writing() as home:
            return erasures.erase_records(home, feed, records, by, reason, ground)

    def panel(self, definition: Path | str, as_of: When = None) -> panels.BuiltPanel:
        """Build a panel and say so in the log."""
        with self._writing() as home:
            return panels.build_and_say(home, Path(definition), _when(as_of))

    def forecast(self, system: str, *, run: int | None = None, baselines: bool = False) -> pl.DataFrame:
        """Return what an app said, as it was logged: the rows of a run, by default the newest.

        The columns are those of ``models.decisions.SCHEMA``: quantiles, chances and actions by place and
        time. With ``baselines`` also what they would have said.
        """
        with self._reading() as home:
            rows = viewing.run_rows(home, system, run)
        return rows if baselines else rows.filter(pl.col("model") == OWN)

    def receipt(
        self, feed: str, where: str | None = None, *, record: tuple[int, int] | None = None
    ) -> Receipt:
        """Return the receipt of the row that ``where`` selects, or of ``record = (batch, number)``."""
        if (where is None) == (record is None):
            raise ValueError("receipt: want either where or record, got both or none")
        with self._reading() as home:
            if where is not None:
                found = receipts.find_row(home, feed, where)
            else:
                found = receipts.find_record(home, feed, *(record or (0, 0)))
            return receipts.make_receipt(home, feed, found)

    def audit(self, feed: str | None = None, sample: int | None = None) -> audit.AuditReport:
        """Make everything again from the evidence and compare digests."""
        with self._reading() as home:
            return audit.audit(home, feed, sample)

    @contextmanager
    def _reading(self) -> Iterator[Home]:
        home = Home.open(self.root, self._clock)
        try:
            yield home
        finally:
            home.close()

    @contextmanager
    def _writing(self) -> Iterator[Writer]:
        with open_writer(self.root, self._clock) as home:
            yield home


def _when(value: When) -> datetime | None:
    if isinstance(value, str):
        return parse_time("as_of", value)
    return None if value is None else take_time("as_of", value)
