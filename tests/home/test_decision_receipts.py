"""Receipts of decisions made by a home: they verify without it, and not if anything of them was changed."""

import json
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from rain_app import RainCity, rain_app
from released_city import APP, LAN, Released, later, release_it, use_mean_rain
from run_cli import Here
from small_city import NOW
from veracity.data.errors import TableMismatch
from veracity.home.enrolments import revoke_key
from veracity.home.errors import BadName, RecordNotFound
from veracity.home.models.decision_receipts import make_decision_receipt
from veracity.home.models.decisions import decisions_path, read_decisions
from veracity.home.models.running import run_app
from veracity.models.decisions import OWN
from veracity.provenance.errors import ReceiptRejected
from veracity.provenance.receipts import SCHEMA, SCHEMA_3, Verification, parse_receipt, verify_receipt
from veracity.provenance.receipts.receipt import Receipt, format_receipt


@pytest.fixture(autouse=True)
def _mean_rain(monkeypatch: pytest.MonkeyPatch) -> None:
    use_mean_rain(monkeypatch)


def verified(city: RainCity, receipt: Receipt) -> Verification:
    """Write a receipt, read it and verify it by the home's own policy."""
    home = city.open()
    policy = home.policy
    home.close()
    return verify_receipt(parse_receipt(format_receipt(receipt)), policy)


def test_a_decision_of_a_released_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The receipt of each decision tells the system, the model, the stage, who released it, and when."""
    city = (released := Released.new(tmp_path)).city
    with city.at() as home:
        release_it(home, released.trained, "advise")
        run = run_app(home, APP, NOW).logged
        rows = read_decisions(home, APP.name, 0)
        receipts = [make_decision_receipt(home, APP.name, 0, n) for n in range(rows.height)]
        for wrong in (-1, rows.height):
            with pytest.raises(RecordNotFound):
                make_decision_receipt(home, APP.name, 0, wrong)
        with pytest.raises(BadName):
            make_decision_receipt(home, APP.name, 1, 0)
    assert {r.schema for r in receipts} == {SCHEMA_3}
    for record, receipt in enumerate(receipts):
        shown = verified(city, receipt)
        assert shown.decision is not None
        assert shown.row is not None
        assert shown.simulated
        assert (shown.decision.decide, shown.decision.record) == (run.decide, record)
        assert (shown.decision.officer, shown.decision.person) == ("officer/lan", LAN)
        assert shown.decision.decide.model_sha256 == released.trained.train.model_sha256
        assert shown.decision.is_forecast
        assert shown.decision.due == rows["due"][record] > NOW
        assert (shown.row["model"], shown.row["key"]) == (rows["model"][record], rows["key"][record])
    output = tmp_path / "receipt.json"
    command = Here(capsys, monkeypatch)
    made = command("receipt", APP.name, "--decision", "0:5", "-o", output, "--home", city.root)
    assert "decision 0:5" in made.out
    assert "[SIMULATED]" in made.out
    assert output.read_bytes() == format_receipt(receipts[5])
    policy = ("--policy", city.root / "trust.policy")
    told = command("verify", output, *policy)
    assert told.code == 0
    assert LAN in told.out
    said = json.loads(command("verify", output, *policy, "--json").out)["decision"]
    assert (said["person"], said["stage"], said["forecast"]) == (LAN, "advise", True)
    output.write_bytes(output.read_bytes().replace(b"G01", b"G02", 1))
    assert command("verify", output, *policy).code in (1, 3)
    assert command("receipt", APP.name, "--decision", "0", "-o", output, "--home", city.root).code == 3
    both = ("--decision", "0:1", "--record", "0:1")
    assert command("receipt", APP.name, *both, "-o", output, "--home", city.root).code == 2


def test_a_decision_without_a_model(tmp_path: Path) -> None:
    """Before any release the ladder decides: the receipt says that no model did."""
    city = RainCity.new(tmp_path)
    with city.at() as home:
        run_app(home, APP, NOW)
        receipt = make_decision_receipt(home, APP.name, 0, 3)
    shown = verified(city, receipt)
    assert receipt.schema == SCHEMA
    assert shown.decision is not None
    assert (shown.decision.person, shown.decision.decide.stage) == (None, "shadow")
    assert "by rungs that need no model" in next(s.detail for s in shown.steps if s.name == "release")


def test_decisions_that_were_changed_give_no_receipt(tmp_path: Path) -> None:
    """Rows changed in the store are noticed before a receipt is made of them."""
    city = RainCity.new(tmp_path)
    with city.at() as home:
        run = run_app(home, APP, NOW).logged
        path = city.root / "store" / decisions_path(run.decide)
        rows = pl.read_parquet(path)
        rows.with_columns(pl.lit(0.0).alias("q50")).write_parquet(path)
        with pytest.raises(TableMismatch):
            make_decision_receipt(home, APP.name, 0, 0)


def test_an_officer_who_was_revoked_later_is_told(tmp_path: Path) -> None:
    """As of a time after the release it still holds; the receipt carries the revocation."""
    city = (released := Released.new(tmp_path)).city
    with city.at() as home:
        run_app(home, APP, NOW)
    with city.at(2) as home:
        revoke_key(home, "officer/lan", "left", as_of=later(1))
        receipt = make_decision_receipt(home, APP.name, 0, 0)
    assert [s.name for s in verified(city, receipt).steps].count("revocations") == 1
    assert released.trained.train.simulated
    other = replace(receipt, keys=receipt.keys[:1])
    with pytest.raises(ReceiptRejected, match=r"revocations|release"):
        verified(city, other)
    assert receipt.row is None
    assert OWN == "model"
    assert rain_app().name == APP.name
