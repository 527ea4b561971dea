"""The page about the gateway: its files are what it says, its commands run."""

from pathlib import Path

from console import blocks, run_document

from small_city import AGENCY, clock, key, new_city
from veracity.gateway.config import parse_config
from veracity.gateway.limits import Cut, Keep
from veracity.gateway.store import Store
from veracity.home.contracts import add_feed
from veracity.home.home import open_writer
from veracity.home.ingest import ingest

PAGE = Path(__file__).parents[2] / "docs" / "gateway.md"
TEXT = PAGE.read_text(encoding="utf-8")


def file(name: str) -> bytes:
    """A file that the page shows."""
    (found,) = [block for block in blocks(TEXT) if block.note == "file" and block.value == name]
    return "\n".join(found.lines).encode() + b"\n"


def test_commands_of_the_page(tmp_path: Path) -> None:
    assert run_document(PAGE, tmp_path) >= 4


def test_the_configuration_is_one(tmp_path: Path) -> None:
    """With the models of the page as well."""
    (models,) = [block for block in blocks(TEXT) if block.lines and block.lines[0] == "models:"]
    config = parse_config(file("gateway.yaml") + "\n".join(models.lines).encode(), tmp_path)
    assert [source.name for source in config.sources] == ["gauge", "pump", "stations", "weather", "logger"]
    assert [model.name for model in config.models] == ["next-hours"]
    assert config.keep == Keep()


def test_what_a_gateway_reports_is_accepted_by_the_contract(tmp_path: Path) -> None:
    store = Store(tmp_path / "state", Keep(), lambda: 1_788_000_000_000_000_000)
    store.lose("line", "rain", "full", 3)
    store.lose("line", "rain", "malformed")
    assert store.report_losses(f"{AGENCY}/edge-1", "gateway-losses") == 2
    store.cut(Cut(), lambda _feed, records: b"\n".join(records), flush=True)
    (batch,) = store.unsent(0, 9)
    store.close()
    (tmp_path / "losses.ndjson").write_bytes(batch.payload + b"\n")
    contract = tmp_path / "gateway-losses.yaml"
    contract.write_bytes(file("gateway-losses.yaml").replace(b"river-office", AGENCY.encode()))
    with open_writer(new_city(tmp_path / "city"), clock) as home:
        add_feed(home, contract)
        (report,) = ingest(home, "gateway-losses", [tmp_path / "losses.ndjson"], sign=key(AGENCY))
    assert (report.accepted, report.quarantined, report.refused) == (2, 0, 0)
