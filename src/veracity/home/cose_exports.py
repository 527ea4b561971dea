"""What the log says, signed again by its key for software that reads COSE."""

from veracity.home.home import Writer
from veracity.log.checkpoints import Checkpoint
from veracity.log.policy import policy_for
from veracity.provenance.cose_receipts import consistency_receipt, inclusion_receipt, transparent_statement
from veracity.provenance.receipts import Receipt
from veracity.provenance.statements import Statement


def export_receipt(writer: Writer, receipt: Receipt) -> bytes:
    """Return the COSE receipt of the entry that a receipt is about.

    Raises
    ------
    PolicyRejected
        If the receipt's checkpoint is not one that this log signed: no other root is signed.
    InclusionRejected
        If its proof does not hold.
    NotExpressible
        For the tree of one entry.
    """
    stated = receipt.stated
    tree = policy_for(writer.log_verifier).check(stated.proof.checkpoint_note).checkpoint
    return inclusion_receipt(
        stated.entry,
        tree,
        stated.index,
        stated.proof.path,
        writer.log_verifier,
        writer.log_key.sign,
        subject_of(stated.statement),
    )


def export_statement(writer: Writer, receipt: Receipt) -> bytes:
    """Return the entry and its COSE receipt as a Transparent Statement, signed by the operator."""
    stated = receipt.stated
    return transparent_statement(
        stated.entry,
        export_receipt(writer, receipt),
        writer.operator.public,
        writer.operator.sign,
        writer.directory.origin,
        subject_of(stated.statement),
    )


def export_consistency(writer: Writer, old_size: int) -> tuple[bytes, Checkpoint, Checkpoint]:
    """Return the COSE receipt that the log as published begins with its first ``old_size`` entries.

    Returns
    -------
    receipt, old, new
        The trees are those the receipt is about.

    Raises
    ------
    IndexOutOfRange, NotExpressible
        If the log has not so many entries, none were asked for, or all of them.
    """
    reader = writer.published()  # no root is signed again that its witnesses may still refuse
    new = reader.checkpoint
    path = reader.prove_consistency(old_size)
    old = Checkpoint(new.origin, old_size, reader.root_at(old_size))
    receipt = consistency_receipt(old, new, path, writer.log_verifier, writer.log_key.sign)
    return receipt, old, new


def subject_of(statement: Statement) -> str:
    """Return what a statement is about, in one text: the digest of its first subject."""
    first = statement.subjects[0]
    return f"{first.algorithm}:{first.digest}"
