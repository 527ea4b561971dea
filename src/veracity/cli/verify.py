"""``veracity verify``: what a receipt shows, without the home that made it."""

from pathlib import Path
from typing import Any

import click

from veracity.cli.exit_codes import exit_code
from veracity.cli.output import columns, common, emit, emit_error, visible
from veracity.data.personal.token import TOKEN
from veracity.provenance.errors import ReceiptRejected
from veracity.provenance.fields import format_utc
from veracity.provenance.receipts import DecisionEvidence, Verification
from veracity.verifying import verify as verify_file


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
