"""``veracity.verify``: a receipt and a trust policy in, what was checked out. No home, no network."""

from os import PathLike
from pathlib import Path

from veracity.data.reexecution import reexecute
from veracity.feeds.file_info import open_file, read_file
from veracity.log.policy import Policy, parse_policy
from veracity.provenance.receipts import Receipt, Verification, read_receipt, verify_receipt

POLICY_BYTES = 262_144


def verify(receipt: Receipt | str | PathLike[str], policy: Policy | str | PathLike[str]) -> Verification:
    """Verify a receipt, its record cleaned again, against the policy of whom to believe.

    Parameters
    ----------
    receipt, policy
        As parsed, or paths. Of a receipt's file no more than 1 MiB is read.

    Raises
    ------
    ReceiptRejected
        Naming the first step that fails.
    MalformedReceipt, MalformedPolicy
        If a file is not what it should be.
    UnreadableFile
        If a file cannot be read.
    """
    return verify_receipt(_receipt(receipt), _policy(policy), reexecute)


def _receipt(receipt: Receipt | str | PathLike[str]) -> Receipt:
    if isinstance(receipt, Receipt):
        return receipt
    with open_file(Path(receipt)) as file:
        return read_receipt(file)


def _policy(policy: Policy | str | PathLike[str]) -> Policy:
    if isinstance(policy, Policy):
        return policy
    return parse_policy(read_file(Path(policy), POLICY_BYTES))
