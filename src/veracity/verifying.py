"""``veracity.verify``: a receipt and a trust policy in, what was checked out. No home, no network."""

from os import PathLike
from pathlib import Path

from veracity.data.reexecution import reexecute
from veracity.errors import Unavailable
from veracity.log.policy import Policy, parse_policy
from veracity.provenance.receipts import Receipt, Verification, read_receipt, verify_receipt

POLICY_BYTES = 262_144


class UnreadableInput(Unavailable):
    """A receipt or a policy that cannot be read from disk."""

    code = "unreadable-input"


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
    UnreadableInput
        If a file cannot be read.
    """
    return verify_receipt(_receipt(receipt), _policy(policy), reexecute)


def _receipt(receipt: Receipt | str | PathLike[str]) -> Receipt:
    if isinstance(receipt, Receipt):
        return receipt
    try:
        with Path(receipt).open("rb") as file:
            return read_receipt(file)
    except OSError as exc:
        raise UnreadableInput(f"receipt: want to read {receipt}, got {exc.strerror}") from exc


def _policy(policy: Policy | str | PathLike[str]) -> Policy:
    if isinstance(policy, Policy):
        return policy
    try:
        with Path(policy).open("rb") as file:
            return parse_policy(file.read(POLICY_BYTES))
    except OSError as exc:
        raise UnreadableInput(f"policy: want to read {policy}, got {exc.strerror}") from exc
