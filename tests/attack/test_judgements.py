"""Whoever can write the store edits what is kept beside the table: every change is found, none is used."""

import io
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from judged_city import FEED, FIRST, NOW, judged_city, opened, take_in
from small_city import clock, csv
from veracity.data.errors import TableMismatch
from veracity.home.audit import audit
from veracity.home.certificates import batch_certificate, certify, day_certificate, uncertified
from veracity.home.contracts import add_feed
from veracity.home.errors import StateBehind
from veracity.home.home import Home, open_writer
from veracity.home.ingest import ingest
from veracity.home.remember import remember
from veracity.home.state import read_registries, state_after
from veracity.provenance.dsse import open_envelope
from veracity.provenance.statements import Certify, RegistryUsed, parse_statement

KINDS = ["health", "verdicts", "state", "certificates"]
EDITS: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "health": lambda f: f.with_columns(_broken=pl.lit(0, pl.Int64)),
    "verdicts": lambda f: f.with_columns(outcome=pl.lit("accepted").cast(f.schema["outcome"])),
    "state": lambda f: f.with_columns(pl.col("_value") + 1),
    "certificates": lambda f: f.with_columns(_broken=pl.lit(0, pl.Int64)),
}


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two simulated days in eight batches, the first day certified."""
    return judged_city(tmp_path_factory.mktemp("sealed"))


@pytest.fixture
def root(sealed: Path, tmp_path: Path) -> Path:
    """A copy to attack."""
    return Path(shutil.copytree(sealed, tmp_path / "city"))


def kept(root: Path, kind: str) -> Path:
    """The last object of a kind: of state, what the last batch left."""
    if kind == "state":
        home = Home.open(root, clock)
        sha256 = state_after(home, FEED, home.index.next_batch(FEED)[0] - 1)
        home.close()
        return root / "store" / "state" / FEED / f"{sha256}.parquet"
    return sorted((root / "store" / kind / FEED).iterdir())[-1]


def edit(path: Path, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    body = io.BytesIO()
    change(pl.read_parquet(path)).write_parquet(body)
    path.write_bytes(body.getvalue())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", ["edited", "lost", "cut", "another's"])
def test_audit_finds_it(root: Path, kind: str, how: str) -> None:
    """An object that was edited, lost, cut short or replaced by another of its kind is named by the audit."""
    path = kept(root, kind)
    if how == "edited":
        edit(path, EDITS[kind])
    elif how == "lost":
        path.unlink()
    elif how == "cut":
        path.write_bytes(path.read_bytes()[:60])
    elif kind == "certificates":
        path.write_bytes(kept(root, "health").read_bytes())
    else:
        other = next(p for p in path.parent.iterdir() if p != path)
        path.write_bytes(other.read_bytes())
    found = [(f.where, f.what) for f in opened(root).audit().findings]
    assert found
    if kind == "certificates":
        assert any(where.startswith("river certificate of 2026-09-02") for where, _ in found)
    else:
        assert any(where.startswith("river batch") and what == kind for where, what in found)


def test_an_honest_city_is_sound(root: Path) -> None:
    """With nothing edited the same audit finds nothing, and has seen the certificate."""
    report = opened(root).audit()
    assert report.findings == []
    assert report.certificates == 1


@pytest.mark.parametrize("how", ["edited", "lost"])
def test_nothing_is_judged_from_another_state(root: Path, how: str) -> None:
    """Without the state that the last batch left, nothing is taken in; made again, all goes on as before."""
    path = kept(root, "state")
    whole = pl.read_parquet(path)
    if how == "lost":
        path.unlink()
    else:
        edit(path, EDITS["state"])
    with pytest.raises(
        StateBehind, match="make it again from the evidence with `veracity feed remember river`"
    ):
        take_in(root, 2)
    with open_writer(root, clock) as home:
        done = remember(home, FEED)
        assert (done.batches, done.written, done.lost) == (8, 1, ())
        assert remember(home, FEED).written == 0
    assert pl.read_parquet(path).equals(whole)
    take_in(root, 2)
    assert opened(root).audit().is_clean


def test_lost_states_of_old_batches_come_back(root: Path) -> None:
    """All states can be lost: each is made again from the evidence, and only where it is as signed."""
    folder = root / "store" / "state" / FEED
    before = {p.name: pl.read_parquet(p) for p in folder.iterdir()}
    for path in folder.iterdir():
        path.unlink()
    with open_writer(root, clock) as home:
        assert remember(home, FEED).written == len(before)
    assert {p.name for p in folder.iterdir()} == before.keys()
    assert all(pl.read_parquet(folder / name).equals(rows) for name, rows in before.items())


def test_a_state_that_cannot_be_made_again(root: Path) -> None:
    """With evidence gone too the command says which batch, and writes nothing under the digest."""
    path = kept(root, "state")
    path.unlink()
    for page in sorted((root / "store" / "evidence" / FEED).rglob("*")):
        if page.is_file():
            page.write_bytes(page.read_bytes()[:-1])
    for other in path.parent.iterdir():
        other.unlink()
    with open_writer(root, clock) as home, pytest.raises(StateBehind, match=r"batch 7 left.*evidence"):
        remember(home, FEED)
    assert not path.exists()


@pytest.mark.parametrize("how", ["edited", "lost"])
def test_nothing_is_certified_on_changed_health(root: Path, how: str) -> None:
    """A certificate is neither made nor shown from health that is not as signed."""
    certificate = kept(root, "certificates")
    edit(certificate, EDITS["certificates"]) if how == "edited" else certificate.unlink()
    home = Home.open(root, clock)
    with pytest.raises(TableMismatch, match="certificates/river"):
        day_certificate(home, FEED, FIRST.date() + timedelta(days=1))
    health = kept(root, "health")
    edit(health, EDITS["health"]) if how == "edited" else health.unlink()
    with pytest.raises(TableMismatch, match="health/river"):
        batch_certificate(home, FEED, 7)
    home.close()
    with open_writer(root, lambda: NOW + timedelta(days=3)) as writer:
        size = writer.log.size
        (day,) = uncertified(writer, FEED)
        with pytest.raises(TableMismatch, match="health/river"):
            certify(writer, FEED, day)
        assert writer.log.size == size


@pytest.mark.parametrize(
    "lie",
    [
        {"flagged": 0},
        {"asked": 0},
        {"silent": 99},
        {"released": 1},
        {"reasons": {}},
        {"rules": ()},
        {"data": "ab" * 32},
        {"batches": (0, 2)},
        {"health": None},
        {"simulated": False},
        {"day": "2026-09-04"},
    ],
    ids=lambda lie: next(iter(lie)),
)
def test_a_certificate_that_lies_is_found(root: Path, lie: dict[str, Any]) -> None:
    """An operator who signs another sum is found out by anyone who adds up again."""
    with open_writer(root, clock) as home:
        said = day_certificate(home, FEED, date(2026, 9, 2))
        payload = open_envelope(home.log.entry(said.idx)).payload
        home.say(replace(Certify.from_statement(parse_statement(payload)), **lie).to_statement())
        findings = audit(home).findings
    assert {f.where.split(" (")[0] for f in findings} == {
        f"river certificate of {lie.get('day', '2026-09-02')}"
    }


REGISTRY = """\
apiVersion: v3.1.0
kind: DataContract
id: looked-up
version: 1.0.0
status: active
schema:
  - name: looked-up
    quality:
      - {type: custom, engine: veracity, name: known, implementation:
         {rule: registry, feed: rain, match: {gauge: gauge}}}
    properties:
      - {name: gauge, logicalType: string, primaryKey: true, primaryKeyPosition: 1}
      - {name: observed_at, logicalType: timestamp, primaryKey: true, primaryKeyPosition: 2}
      - {name: rain, logicalType: number}
"""


@pytest.mark.parametrize("used", [(), (("rain", -1),), (("rain", 1),), (("river", 0),)], ids=str)
def test_a_registry_is_the_one_known_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, used: tuple[tuple[str, int], ...]
) -> None:
    """A batch that says it looked rows up in another registry, or as of another batch, is found."""
    root = judged_city(tmp_path, 0)
    (tmp_path / "looked-up.yaml").write_text(REGISTRY, encoding="utf-8")
    lie = tuple(RegistryUsed(*u) for u in used)
    with open_writer(root, clock) as home:
        add_feed(home, tmp_path / "looked-up.yaml")
        ingest(home, "rain", [csv(tmp_path / "a.csv", 0, 6)])
        ingest(home, "looked-up", [csv(tmp_path / "b.csv", 6, 9)])
        ingest(home, "rain", [csv(tmp_path / "c.csv", 15, 6)])
        ingest(home, "looked-up", [csv(tmp_path / "d.csv", 21, 9)])
        assert audit(home).is_clean
        monkeypatch.setattr(
            "veracity.home.batch.read_registries",
            lambda *given: replace(read_registries(*given), used=lie),
        )
        ingest(home, "rain", [csv(tmp_path / "e.csv", 30, 6)])
        ingest(home, "looked-up", [csv(tmp_path / "f.csv", 36, 9)])
        findings = audit(home).findings
    told = {(f.where, f.what) for f in findings if "registries: want" in f.detail}
    assert ("looked-up batch 2", "statement") in told
