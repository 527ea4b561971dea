"""``veracity receipt`` and ``veracity verify``."""

import re
from pathlib import Path
from typing import Any

import click

from veracity.cli.exit_codes import exit_code
from veracity.cli.output import columns, common, emit, emit_error, in_home, mark, visible, write_output
from veracity.data.personal.token import TOKEN
from veracity.home.erasures import erased_at
from veracity.home.errors import BadName
from veracity.home.home import Home
from veracity.home.models.decision_receipts import make_decision_receipt
from veracity.home.receipts import find_record, find_row, make_receipt
from veracity.provenance.errors import ReceiptRejected
from veracity.provenance.fields import format_utc
from veracity.provenance.receipts import DecisionEvidence, Receipt, Verification, format_receipt
from veracity.verifying import add_time_stamp
from veracity.verifying import verify as verify_file


@click.command()
@click.argument("feed")
@click.option("--where", help="station = 'X' and observed_at = '2026-09-01T08:00:00Z'")
@click.option("--record", metavar="BATCH:N", help="Record N of a batch, accepted or not.")
@click.option("--decision", metavar="RUN:N", help="Decision N of a run; FEED is then the system's name.")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="Where to write the receipt."
)
@click.option(
    "--time-stamp",
    "stamps",
    multiple=True,
    type=click.Path(path_type=Path),
    help="An authority's answer (.tsr) about the log's checkpoint of now.",
)
@in_home
def receipt(
    feed: str,
    where: str | None,
    record: str | None,
    decision: str | None,
    output: Path,
    stamps: tuple[Path, ...],
    home: Path,
    as_json: bool,
) -> None:
    """Write a receipt for one record, or one decision: a file that anyone can check without this home."""
    if sum(option is not None for option in (where, record, decision)) != 1:
        raise click.UsageError("want one of --where, --record and --decision")
    opened = Home.open(home)
    if decision is not None:
        _decision(opened, feed, decision, output, stamps, as_json)
        return
    if where is not None:
        found = find_row(opened, feed, where)
    else:
        found = find_record(opened, feed, *_record(record or ""))
    made, body = _stamped(make_receipt(opened, feed, found), stamps)
    erased = erased_at(opened, feed, found.batch, found.record)
    opened.close()
    write_output(output, body)
    simulated = made.stated.statement.predicate.get("simulated") is True
    text = f"receipt of {feed} record {found.batch}:{found.record}, {len(body):,} bytes, to {output}"
    document = {
        "feed": feed,
        "batch": found.batch,
        "record": found.record,
        "bytes": len(body),
        "to": output,
        "erased": erased,
        "simulated": simulated,
    }
    text += mark(simulated)
    if erased is not None:
        text += f"\nits personal values were erased later: log entry {erased}"
    emit("receipt-made", document, text, as_json)


@click.command()
@click.argument("receipt", type=click.Path(path_type=Path))
@click.option(
    "--policy", required=True, type=click.Path(path_type=Path), help="Whom to believe: a trust.policy."
)
@click.option(
    "--tsa-roots", type=click.Path(path_type=Path), help="Roots (PEM) of whose time stamps to believe."
)
@common
def verify(receipt: Path, policy: Path, tsa_roots: Path | None, as_json: bool) -> int:
    """Check a receipt. Needs no home, no network, no database. Exit 1 if it does not hold."""
    try:
        result = verify_file(receipt, policy, tsa_roots)
    except ReceiptRejected as exc:
        return emit_error(exc.code, f"NOT VERIFIED: {exc}", exit_code(exc), as_json)
    emit("verification", _document(result), _text(result), as_json)
    return 0


def _decision(
    opened: Home, system: str, decision: str, output: Path, stamps: tuple[Path, ...], as_json: bool
) -> None:
    run, record = _record(decision)
    made, body = _stamped(make_decision_receipt(opened, system, run, record), stamps)
    opened.close()
    write_output(output, body)
    simulated = made.stated.statement.predicate.get("simulated") is True
    text = f"receipt of {system} decision {run}:{record}, {len(body):,} bytes, to {output}{mark(simulated)}"
    document = {
        "system": system,
        "run": run,
        "record": record,
        "bytes": len(body),
        "to": output,
        "simulated": simulated,
    }
    emit("decision-receipt-made", document, text, as_json)


def _stamped(receipt: Receipt, stamps: tuple[Path, ...]) -> tuple[Receipt, bytes]:
    """Return a receipt with authorities' answers in it, and its bytes."""
    for stamp in stamps:
        receipt = add_time_stamp(receipt, stamp)
    return receipt, format_receipt(receipt)


def _record(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([0-9]{1,12}):([0-9]{1,12})", text)
    if match is None:
        raise BadName(f"record: want two numbers, such as 0:5, got {text[:40]!r}")
    return int(match.group(1)), int(match.group(2))


def _text(v: Verification) -> str:
    lines = ["VERIFIED" + ("  [SIMULATED DATA]" if v.simulated else ""), ""]
    lines.append(columns([("ok", step.name, step.detail) for step in v.steps]))
    if v.row is not None:
        name = "the row" if v.decision is None else "the decision"
        lines += ["", name, columns((f"  {k}", _shown(x)) for k, x in v.row.items())]
    if v.evidence is not None:
        received = v.evidence.data.decode("utf-8", "replace").rstrip("\r\n")
        lines += ["", "the record as received", f"  {visible(received[:2_000], keep='')}"]
    if v.not_checked:
        lines += ["", "not checked", *(f"  {line}" for line in v.not_checked)]
    return "\n".join(lines)


def _shown(value: Any) -> Any:
    """Return a value as people read it: of a personal one, that it is encrypted, and its record's name."""
    is_token = isinstance(value, str) and TOKEN.fullmatch(value) is not None
    return f"(personal, encrypted: {value[:26]}…)" if is_token else value


def _document(v: Verification) -> dict[str, Any]:
    return {
        "verified": True,
        "simulated": v.simulated,
        "origin": v.origin,
        "log_size": v.size,
        "entry": v.index,
        "operator": v.operator,
        "agency": v.agency,
        "device": v.device,
        "witnesses": v.witnesses,
        "row": None if v.row is None else dict(v.row),
        "row_checked": v.is_row_checked,
        "steps": [{"name": s.name, "detail": s.detail} for s in v.steps],
        "not_checked": v.not_checked,
        "in_log_before": v.in_log_before,
        "revoked": v.revoked,
        "decision": None if v.decision is None else _decided(v.decision),
    }


def _decided(d: DecisionEvidence) -> dict[str, Any]:
    return {
        "system": d.decide.system,
        "run": d.decide.run,
        "record": d.record,
        "model": d.decide.model_sha256,
        "stage": d.decide.stage,
        "made_at": d.decide.made_at,
        "due": format_utc(d.due),
        "forecast": d.is_forecast,
        "release": d.decide.release,
        "officer": d.officer,
        "person": d.person,
        "why": d.why,
    }
