"""Who sent a file: signing one, and checking the signature that came with it."""

import json
import os
from datetime import datetime
from pathlib import Path

from veracity.data.contract import Contract
from veracity.data.text import RECORDS_PER_PAGE, RECORDS_PER_PART
from veracity.feeds.errors import UnreadableFile
from veracity.feeds.file_info import FileInfo, read_file
from veracity.home.sources import part_roots
from veracity.log.merkle import root_from_leaf_hashes
from veracity.provenance.agencies import Agencies
from veracity.provenance.dsse import MAX_ENVELOPE_BYTES, Envelope, open_envelope, seal
from veracity.provenance.errors import (
    EnvelopeRejected,
    ExpiredKey,
    MalformedEnvelope,
    MalformedStatement,
    RevokedKey,
    UnknownKey,
)
from veracity.provenance.keys import MessageSigner
from veracity.provenance.statements import (
    DeliveredEvidence,
    Delivery,
    FileDigest,
    format_statement,
    parse_statement,
)

SIDECAR = ".dsse.json"
MOST_RECORDS_PER_PART = 4_194_304


class Refused(Exception):
    """A whole file is refused; ``code`` goes into the statement. Never leaves ``home``."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def sign_file(
    info: FileInfo, contract: Contract, key: MessageSigner, records_per_part: int = RECORDS_PER_PART
) -> Envelope:
    """Sign a file as its sender: its digest, and the root over its pages so that one page can be proven."""
    roots, n_records = part_roots(info, contract, records_per_part)
    evidence = DeliveredEvidence(
        root=root_from_leaf_hashes(roots).hex(),
        n_parts=max(1, len(roots)),
        n_records=n_records,
        records_per_page=RECORDS_PER_PAGE,
        records_per_part=records_per_part,
    )
    delivery = Delivery(contract.feed, FileDigest(info.path.name, info.sha256, info.n_bytes), evidence)
    return seal(format_statement(delivery.to_statement()), [key])


def sidecar(path: Path) -> Path:
    """Return where the signature of a file is looked for: ``<file>.dsse.json`` beside it."""
    return path.with_name(path.name + SIDECAR)


def read_sidecar(path: Path) -> Envelope | None:
    """Read the signature beside a file, None if there is none.

    Raises
    ------
    Refused
        If there is one that is no envelope.
    """
    beside = sidecar(path)
    if not os.path.lexists(beside):
        return None
    try:
        return open_envelope(read_file(beside, MAX_ENVELOPE_BYTES))
    except (UnreadableFile, MalformedEnvelope) as exc:
        raise Refused("signature", f"{beside.name}: {exc}") from exc


def check_delivery(
    envelope: Envelope | None,
    info: FileInfo,
    contract: Contract,
    agencies: Agencies,
    at_index: int,
    now: datetime,
) -> Delivery | None:
    """Check who signed a file, against what is enrolled now.

    Raises
    ------
    Refused
        With code ``unsigned``, ``signature``, ``unknown-key``, ``revoked-key``, ``expired-key`` or
        ``wrong-delivery``.
    """
    if envelope is None:
        if contract.signature == "required":
            raise Refused("unsigned", f"want a file signed by {contract.agency}, got none beside it")
        return None
    try:
        authority = agencies.signer(envelope, at_index, now)
    except UnknownKey as exc:
        raise Refused("unknown-key", str(exc)) from exc
    except RevokedKey as exc:
        raise Refused("revoked-key", str(exc)) from exc
    except ExpiredKey as exc:
        raise Refused("expired-key", str(exc)) from exc
    except EnvelopeRejected as exc:
        raise Refused("signature", str(exc)) from exc
    if contract.agency is not None and authority.agency != contract.agency:
        raise Refused("unknown-key", f"want a key of {contract.agency}, got one of {authority.name}")
    try:
        delivery = Delivery.from_statement(parse_statement(envelope.payload))
    except MalformedStatement as exc:
        raise Refused("wrong-delivery", str(exc)) from exc
    if delivery.file.sha256 != info.sha256 or delivery.feed != contract.feed:
        raise Refused(
            "wrong-delivery",
            f"want {contract.feed} file {info.sha256[:16]},"
            f" got {delivery.feed} file {delivery.file.sha256[:16]}",
        )
    per_part = delivery.evidence.records_per_part
    if per_part % RECORDS_PER_PAGE or per_part > MOST_RECORDS_PER_PART:
        raise Refused(
            "wrong-delivery",
            f"want parts of at most {MOST_RECORDS_PER_PART} records, in whole pages, got {per_part}",
        )
    if delivery.evidence.records_per_page != RECORDS_PER_PAGE:
        raise Refused(
            "wrong-delivery", f"want pages of {RECORDS_PER_PAGE}, got {delivery.evidence.records_per_page}"
        )
    return delivery


def check_evidence(delivery: Delivery, info: FileInfo, contract: Contract) -> None:
    """Cut the whole file and compare the root that its sender signed: receipts will lead to it.

    Raises
    ------
    Refused
        With code ``wrong-delivery``.
    """
    said = delivery.evidence
    roots, n_records = part_roots(info, contract, said.records_per_part)
    got = (root_from_leaf_hashes(roots).hex(), max(1, len(roots)), n_records)
    if got != (said.root, said.n_parts, said.n_records):
        raise Refused(
            "wrong-delivery",
            f"want {said.n_records} records of root {said.root[:16]}, got {n_records} of {got[0][:16]}",
        )


def write_sidecar(envelope: Envelope, path: Path) -> Path:
    """Write a file's signature beside it and return where."""
    beside = sidecar(path)
    beside.write_text(json.dumps(envelope.to_object(), indent=1) + "\n", encoding="utf-8")
    return beside
