"""``veracity cose``: what the log says, for software that reads COSE and SCITT."""

import re
from pathlib import Path
from typing import Any

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from veracity.cli.exit_codes import exit_code
from veracity.cli.output import COUNT, columns, common, emit, emit_error, in_home, mark, write_output
from veracity.feeds.file_info import open_file, read_file
from veracity.home.cose_exports import export_consistency, export_receipt, export_statement
from veracity.home.home import open_writer
from veracity.log.checkpoints import Checkpoint
from veracity.log.notes import Verifier
from veracity.log.policy import Policy, parse_policy
from veracity.provenance.cose import MAX_COSE_BYTES
from veracity.provenance.cose_receipts import (
    CONSISTENCY,
    INCLUSION,
    CoseReceipt,
    parse_statement,
    receipt_kind,
    verify_consistency_receipt,
    verify_inclusion_receipt,
)
from veracity.provenance.dsse import open_envelope
from veracity.provenance.errors import CoseRejected
from veracity.provenance.keys import PublicKey
from veracity.provenance.receipts import read_receipt
from veracity.provenance.statements import Statement
from veracity.provenance.statements import parse_statement as parse_payload
from veracity.verifying import POLICY_BYTES

_PATH = click.Path(path_type=Path)
_POLICY = click.option("--policy", required=True, type=_PATH, help="Whom to believe: a trust.policy.")
_OUTPUT = click.option("-o", "--output", required=True, type=_PATH, help="Where to write it.")
_WITNESSES = "witnesses: the format carries none, so another view of the log may be shown to others"


def _old_tree(_ctx: click.Context, _param: click.Parameter, value: str | None) -> tuple[int, bytes] | None:
    """Read ``SIZE:ROOT`` as a size and 32 bytes."""
    if value is None:
        return None
    size, _, root = value.partition(":")
    if not re.fullmatch("[1-9][0-9]{0,17}", size) or not re.fullmatch("[0-9a-f]{64}", root):
        raise click.BadParameter("want a size, a colon and a root of 64 hex digits")
    return int(size), bytes.fromhex(root)


@click.group()
def cose() -> None:
    """COSE Receipts (RFC 9942) and SCITT statements of what the log holds."""


@cose.command()
@click.argument("receipt", type=_PATH)
@_OUTPUT
@click.option("--statement", is_flag=True, help="The entry too: a Transparent Statement (RFC 9943).")
@in_home
def export(receipt: Path, output: Path, statement: bool, home: Path, as_json: bool) -> None:
    """Write the COSE receipt of the entry that a receipt is about, signed by the log's key."""
    with open_file(receipt) as file:
        parsed = read_receipt(file)
    with open_writer(home) as writer:
        body = export_statement(writer, parsed) if statement else export_receipt(writer, parsed)
    write_output(output, body)
    kind = "Transparent Statement" if statement else "COSE receipt"
    simulated = parsed.stated.statement.predicate.get("simulated") is True
    text = f"{kind} of entry {parsed.stated.index}, {len(body):,} bytes, to {output}{mark(simulated)}"
    document = {"kind": kind, "entry": parsed.stated.index, "bytes": len(body), "to": output}
    emit("cose-export", {**document, "simulated": simulated}, text, as_json)


@cose.command()
@click.argument("old_size", type=COUNT)
@_OUTPUT
@in_home
def consistency(old_size: int, output: Path, home: Path, as_json: bool) -> None:
    """Write the COSE receipt that the log begins with its first OLD_SIZE entries."""
    with open_writer(home) as writer:
        body, old, new = export_consistency(writer, old_size)
    write_output(output, body)
    document = {
        "old": {"size": old.size, "root": old.root.hex()},
        "new": {"size": new.size, "root": new.root.hex()},
        "to": output,
    }
    text = f"log of {new.size} begins with its first {old.size}, to {output}"
    emit("cose-consistency", document, f"{text}\nold  {old.size}:{old.root.hex()}", as_json)


@cose.command()
@_POLICY
@_OUTPUT
@common
def key(policy: Path, output: Path, as_json: bool) -> None:
    """Write the log's public key as PEM, as other tools want it."""
    log = _log(_policy(policy))
    raw = Ed25519PublicKey.from_public_bytes(log.public_key)
    write_output(output, raw.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    emit("cose-key", {"log": log.name, "to": output}, f"key of {log.name} to {output}", as_json)


@cose.command()
@click.argument("file", type=_PATH)
@_POLICY
@click.option("--receipt", type=_PATH, help="The receipt whose entry FILE is about; a statement has its own.")
@click.option(
    "--operator", help="Who wrapped the statement, ed25519:<base64>; without it that is not checked."
)
@click.option(
    "--old",
    metavar="SIZE:ROOT",
    callback=_old_tree,
    help="The tree that FILE says the log grew from, as you know it: its size and its root in hex.",
)
@common
def verify(
    file: Path,
    policy: Path,
    receipt: Path | None,
    operator: str | None,
    old: tuple[int, bytes] | None,
    as_json: bool,
) -> int:
    """Check a COSE receipt or a Transparent Statement. Exit 1 if it does not hold."""
    data, believed = read_file(file, MAX_COSE_BYTES), _policy(policy)
    _check_given(receipt_kind(data), receipt is not None, old is not None)
    try:
        log = _log(believed)
        if old is None:
            _verify_entry(data, log, receipt, operator, as_json)
        else:
            before = Checkpoint(log.name, *old)
            _say_growth(before, verify_consistency_receipt(data, before, log), as_json)
    except CoseRejected as exc:
        return emit_error(exc.code, f"NOT VERIFIED: {exc}", exit_code(exc), as_json)
    return 0


def _check_given(kind: int | None, receipt: bool, old: bool) -> None:
    """Say what FILE is, where what was given does not go with it."""
    if kind == CONSISTENCY and not old:
        raise click.UsageError(
            "FILE is a receipt that the log grew: give the tree it grew from, as you know it,"
            " with --old SIZE:ROOT (`veracity cose consistency` and `veracity log show` say them)"
        )
    if kind == INCLUSION and not receipt:
        raise click.UsageError(
            "FILE is a receipt alone, without the entry it is of: give that with --receipt"
            " (the receipt of ours that it was exported from)"
        )
    if kind != CONSISTENCY and old:
        raise click.UsageError("--old goes with a receipt that the log grew, and FILE is none")
    if kind != INCLUSION and receipt:
        raise click.UsageError("--receipt goes with the receipt of an entry, and FILE is none")


def _verify_entry(
    data: bytes, log: Verifier, receipt: Path | None, operator: str | None, as_json: bool
) -> None:
    not_checked = ["signatures of the entry: that takes a receipt of ours and `veracity verify`"]
    if receipt is None:
        wrapped = parse_statement(data)
        entry, data = wrapped.entry, wrapped.receipt
        if operator is None:
            not_checked.append("who wrapped the statement: no key was given")
        else:
            wrapped.verify(PublicKey.parse(operator))
    else:
        with open_file(receipt) as opened:
            entry = read_receipt(opened).stated.entry
    shown = verify_inclusion_receipt(data, entry, log)
    _say(shown, parse_payload(open_envelope(entry).payload), [*not_checked, _WITNESSES], as_json)


def _say_growth(old: Checkpoint, new: Checkpoint, as_json: bool) -> None:
    document = {
        "verified": True,
        "origin": new.origin,
        "kind": "growth",
        "old": {"size": old.size, "root": old.root.hex()},
        "new": {"size": new.size, "root": new.root.hex()},
        "not_checked": [_WITNESSES],
    }
    facts = [
        ("log", new.origin),
        ("old", f"{old.size} entries, root {old.root.hex()}"),
        ("new", f"{new.size} entries, root {new.root.hex()}"),
    ]
    lines = [
        "VERIFIED: the new log begins with the old",
        "",
        columns(facts),
        "",
        "not checked",
        f"  {_WITNESSES}",
    ]
    emit("cose-growth", document, "\n".join(lines), as_json)


def _say(shown: CoseReceipt, statement: Statement, not_checked: list[str], as_json: bool) -> None:
    simulated = statement.predicate.get("simulated") is True
    document: dict[str, Any] = {
        "verified": True,
        "simulated": simulated,
        "origin": shown.issuer,
        "subject": shown.subject,
        "kind": statement.kind,
        "log_size": shown.size,
        "entry": shown.index,
        "root": shown.root.hex(),
        "not_checked": not_checked,
    }
    lines = [
        "VERIFIED" + ("  [SIMULATED DATA]" if simulated else ""),
        "",
        columns(
            [
                ("log", shown.issuer),
                ("entry", f"{shown.index} of {shown.size}: {statement.kind}"),
                ("subject", shown.subject),
            ]
        ),
        "",
        "not checked",
        *(f"  {line}" for line in not_checked),
    ]
    emit("cose-verification", document, "\n".join(lines), as_json)


def _policy(path: Path) -> Policy:
    return parse_policy(read_file(path, POLICY_BYTES))


def _log(policy: Policy) -> Verifier:
    """Return the one log of a policy that asks for no witness: a COSE receipt has no place for one."""
    if policy.quorum is not None:
        raise CoseRejected(
            f"quorum {policy.quorum}: want its cosignatures, got a format that carries none;"
            " where the log's word alone will do, say so in a policy with `quorum none`"
        )
    if len(policy.logs) != 1:
        raise CoseRejected(f"policy: want one log, got {len(policy.logs)}")
    return policy.logs[0]
