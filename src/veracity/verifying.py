"""``veracity.verify``: a receipt and a trust policy in, what was checked out. No home, no network."""

from dataclasses import replace
from os import PathLike
from pathlib import Path

from veracity.feeds.file_info import open_file, read_file
from veracity.log.policy import Policy, parse_policy
from veracity.provenance.receipts import Receipt, Verification, read_receipt, verify_receipt
from veracity.provenance.receipts.receipt import MAX_TIME_STAMP_BYTES
from veracity.provenance.receipts.time_stamps import (
    check_imprint,
    parse_roots,
    stamped_text,
    time_stamp_query,
)

POLICY_BYTES = 262_144
ROOTS_BYTES = 1_048_576


def verify(
    receipt: Receipt | str | PathLike[str],
    policy: Policy | str | PathLike[str],
    tsa_roots: str | PathLike[str] | None = None,
) -> Verification:
    """Verify a receipt, its record cleaned again, against the policy of whom to believe.

    Parameters
    ----------
    receipt, policy
        As parsed, or paths. Of a receipt's file no more than 1 MiB is read.
    tsa_roots
        A PEM file of the roots of time-stamping authorities; without it time stamps are left unchecked.

    Raises
    ------
    ReceiptRejected
        Naming the first step that fails.
    MalformedReceipt, MalformedPolicy, MalformedTimeStamp
        If a file is not what it should be.
    UnreadableFile
        If a file cannot be read.
    """
    from veracity.data.reexecution import (
        reexecute,  # what cleans brings tables; to read or to stamp needs none
    )

    roots = () if tsa_roots is None else parse_roots(read_file(Path(tsa_roots), ROOTS_BYTES))
    return verify_receipt(open_receipt(receipt), _policy(policy), reexecute, roots)


def query_time_stamp(receipt: Receipt) -> bytes:
    """Return the query (RFC 3161, DER) about a receipt's checkpoint, to send to any authority."""
    return time_stamp_query(receipt)


def add_time_stamp(receipt: Receipt, answer: Path) -> Receipt:
    """Return a receipt with an authority's answer in it.

    Raises
    ------
    MalformedTimeStamp, TimeStampRejected
        If it is none, or over another checkpoint.
    """
    stamp = read_file(answer, MAX_TIME_STAMP_BYTES)
    check_imprint(stamp, stamped_text(receipt))
    return replace(receipt, time_stamps=(*receipt.time_stamps, stamp))


def open_receipt(receipt: Receipt | str | PathLike[str]) -> Receipt:
    """Parse a receipt's file; one that is parsed already is returned."""
    if isinstance(receipt, Receipt):
        return receipt
    with open_file(Path(receipt)) as file:
        return read_receipt(file)


def _policy(policy: Policy | str | PathLike[str]) -> Policy:
    if isinstance(policy, Policy):
        return policy
    return parse_policy(read_file(Path(policy), POLICY_BYTES))
