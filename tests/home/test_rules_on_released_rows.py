"""What the rules say of rows that a person lets in: judged again, flagged where waived, never their key."""

from pathlib import Path

import polars as pl
import pytest

from quarantined_city import AN, WHY, findings, in_city, let_in, line, predicate, reading, root, write
from small_city import clock, contract, new_city
from veracity.data.released import NotWaivable
from veracity.home.contracts import add_feed
from veracity.home.errors import NoRowsWaiting
from veracity.home.home import Home, open_writer
from veracity.home.ingest import ingest
from veracity.home.releases import reject
from veracity.home.selection import Selection, waiting
from veracity.home.state import read_memory, state_after
from veracity.home.tables import quarantine_rows

__all__ = ["root"]


def test_a_corrected_contract_judges_again(root: Path, tmp_path: Path) -> None:
    """Without a waiver the contract in force decides: what it allows comes in, the rest is aside again."""
    in_city(root, lambda home: add_feed(home, contract(tmp_path, version="2.0.0", maximum=600)))
    done = let_in(root)
    assert (done.accepted, done.flagged, done.quarantined) == (1, 0, 1)
    assert dict(done.reasons) == {"range:rain": 1}
    again = let_in(root, Selection(batch=1), "range:rain")
    assert (again.rows, again.accepted) == (1, 1)
    assert predicate(root, 2)["released"]["batches"] == [1]
    assert findings(root) == []


def test_a_key_is_never_waived(root: Path) -> None:
    """The key's own rules, and rules that there are not, are no waivers; nothing is written."""
    for code in ("duplicate-key", "type:gauge", "required:observed_at"):
        with pytest.raises(NotWaivable, match="the key"):
            let_in(root, Selection(every=True), code)
    for code in ("range:snow", "spike:rain", "", "range", "enum:rain"):
        with pytest.raises(NotWaivable, match="want rules of rain"):
            let_in(root, Selection(every=True), code)
    assert reading(root, lambda home: home.index.next_batch("rain")[0]) == 1


def test_a_repeated_key_stays_out(root: Path) -> None:
    """A row whose key the table has is set aside again, however it is named."""
    done = let_in(root, Selection(reason="duplicate-key"))
    assert (done.accepted, done.quarantined, dict(done.reasons)) == (0, 1, {"duplicate-key": 1})
    with pytest.raises(NoRowsWaiting):  # what it set aside again is named by its batch alone
        let_in(root, Selection(reason="duplicate-key"))
    assert let_in(root, Selection(batch=1)).quarantined == 1
    assert findings(root) == []


def test_rules_that_ask_wait_for_a_person(tmp_path: Path) -> None:
    """Rows that broke a rule which asks wait; released or rejected they wait no more."""
    root = new_city(tmp_path / "city")
    path = contract(tmp_path, version="2.0.0")
    asking = "customProperties: [{property: unit, value: mm}, {property: actions, value: {range: ask}}]"
    path.write_text(path.read_text().replace("customProperties: [{property: unit, value: mm}]", asking))
    rows = [line("G01", 0, 900), line("G01", 10, 800), line("G01", 20, 700), line("G01", 30, None)]
    with open_writer(root, clock) as home:
        add_feed(home, path)
        ingest(home, "rain", [write(tmp_path / "a.ndjson", rows)])

    def wait() -> list[tuple[int, int]]:
        return list(reading(root, lambda home: waiting(home, "rain").select("_batch", "_record").rows()))

    assert wait() == [(0, 0), (0, 1), (0, 2)]
    let_in(root, Selection(batch=0, records=(0,)), "range:rain")
    in_city(root, lambda home: reject(home, "rain", Selection(batch=0, records=(1,)), AN, WHY))
    assert wait() == [(0, 2)]
    let_in(root, Selection(batch=0, records=(2,)))  # the rule is not waived, and asks again
    assert wait() == [(2, 0)]
    assert findings(root) == []


def with_rule(folder: Path, version: str, rule: str) -> Path:
    """The small city's contract with one custom rule under ``rain``."""
    path = contract(folder, version=version)
    unit = "        customProperties: [{property: unit, value: mm}]\n"
    quality = f"        quality:\n          - {{type: custom, engine: veracity, implementation: {rule}}}\n"
    path.write_text(path.read_text().replace(unit, unit + quality))
    return path


def test_what_rules_that_look_back_found_stands_until_waived(tmp_path: Path) -> None:
    """What a rule on earlier readings set aside comes in under a waiver alone; and is forgotten."""
    root = new_city(tmp_path / "city")
    rule = "{rule: rate, action: quarantine, maximum: 1, per: 1 h}"
    rows = [line("G01", 0, 1.0), line("G01", 10, 90.0), line("G01", 20, 1.0), line("G01", 30, 1.0)]
    with open_writer(root, clock) as home:
        add_feed(home, with_rule(tmp_path, "2.0.0", rule))
        ingest(home, "rain", [write(tmp_path / "a.ndjson", rows)])
    aside = reading(root, lambda home: quarantine_rows(home, "rain", "rate").collect())
    assert aside.height > 0
    with pytest.raises(NoRowsWaiting, match="rate:rain: waive"):
        let_in(root, Selection(every=True))
    before = predicate(root, 0)["checks"]["state"]["after"]
    done = let_in(root, Selection(every=True), "rate:rain")
    assert done.accepted == aside.height

    def memory(home: Home, sha256: str | None) -> pl.DataFrame:
        rows = read_memory(home, home.feed("rain").contract, sha256).rows
        return rows.filter(pl.col("_series") != "@keys")

    after = reading(root, lambda home: memory(home, state_after(home, "rain", 1)))
    assert after.equals(reading(root, lambda home: memory(home, before)))
    with open_writer(root, clock) as home:
        ingest(home, "rain", [write(tmp_path / "b.ndjson", [line("G01", 50, 1.0)])])
    assert findings(root) == []


def test_a_held_row_does_not_hold_the_others(tmp_path: Path) -> None:
    """Of all rows those that a rule on earlier readings holds are passed over, and counted."""
    root = new_city(tmp_path / "city")
    rule = "{rule: rate, action: quarantine, maximum: 1, per: 1 h}"
    rows = [line("G01", 0, 1.0), line("G01", 10, 90.0), line("G02", 10, 900.0)]
    with open_writer(root, clock) as home:
        add_feed(home, with_rule(tmp_path, "2.0.0", rule))
        ingest(home, "rain", [write(tmp_path / "a.ndjson", rows)])
    done = let_in(root, Selection(every=True), "range:rain")
    assert (done.rows, done.n_held, done.held_by) == (1, 1, ("rate:rain",))
    assert findings(root) == []


REGISTRY = """\
apiVersion: v3.1.0
kind: DataContract
id: gauges
version: 1.0.0
status: active
servers: [{server: file, type: local, format: ndjson}]
schema:
  - name: gauges
    properties: [{name: id, logicalType: string, required: true, primaryKey: true}]
"""


def test_a_completed_registry_is_asked_again(tmp_path: Path) -> None:
    """A row of an unknown sensor comes in without a waiver once the registry knows it; another does not."""
    root = new_city(tmp_path / "city")
    (tmp_path / "gauges.yaml").write_text(REGISTRY)
    path = contract(tmp_path, version="2.0.0")
    rule = "{rule: registry, feed: gauges, match: {gauge: id}}"
    entry = f"{{type: custom, engine: veracity, name: known, implementation: {rule}}}"
    quality = f"    quality: [{entry}]\n    properties:\n"
    path.write_text(path.read_text().replace("    properties:\n", quality, 1))
    with open_writer(root, clock) as home:
        add_feed(home, tmp_path / "gauges.yaml")
        add_feed(home, path)
        ingest(home, "gauges", [write(tmp_path / "g.ndjson", [{"id": "G09"}])])
        ingest(home, "rain", [write(tmp_path / "a.ndjson", [line("G01", 0, 1.0), line("G02", 0, 1.0)])])
        ingest(home, "gauges", [write(tmp_path / "h.ndjson", [{"id": "G01"}])])
    done = let_in(root, Selection(every=True))
    assert (done.accepted, done.quarantined, dict(done.reasons)) == (1, 1, {"registry:known": 1})
    assert predicate(root, 1)["checks"]["registries"] == [{"feed": "gauges", "up_to_batch": 1}]
    assert let_in(root, Selection(batch=1), "registry:known").accepted == 1
    assert findings(root) == []
