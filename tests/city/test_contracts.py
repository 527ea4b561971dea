"""The contracts and the panel that ship with the twin."""

import pytest
import yaml
from open_data_contract_standard.model import OpenDataContractStandard

from veracity.city import AGENCIES, FEEDS, contracts, panel, stations_of
from veracity.data.contract import check_units, parse_contract
from veracity.data.panel_definition import parse_panel


def test_every_feed_has_a_contract_and_an_agency() -> None:
    """Each of the three feeds has one contract file and one agency that owns it."""
    assert set(contracts()) == set(FEEDS) == {a.feed for a in AGENCIES}
    assert len(AGENCIES) == 3


@pytest.mark.parametrize("feed", FEEDS)
def test_contract_is_odcs_and_ours(feed: str) -> None:
    """A contract reads with the standard's own models and with ours, units included."""
    text = contracts()[feed].read_bytes()
    assert OpenDataContractStandard.model_validate(yaml.safe_load(text)).id == feed
    contract = parse_contract(text)
    check_units(contract)
    assert contract.feed == feed
    assert contract.simulated
    assert contract.signature == "required"
    assert contract.agency == next(a.name for a in AGENCIES if a.feed == feed)
    assert contract.key == ("station", "observed_at")
    assert (contract.frequency_s, contract.latency_s) == (300.0, 7200.0)
    assert all(f.unit for f in contract.fields if f.type in ("number", "integer"))


def test_panel_reads_columns_that_exist() -> None:
    """The panel parses, and each of its columns is a field of the contract it names."""
    parsed = parse_panel(panel().read_bytes())
    assert set(parsed.feeds) == set(FEEDS)
    for column in parsed.columns:
        names = {f.name for f in parse_contract(contracts()[column.feed].read_bytes()).fields}
        assert {column.value, column.key} <= names


def test_panel_has_wards_with_all_three_feeds() -> None:
    """At least five wards have air, water and traffic, so a row of the panel joins all of them."""
    shared = set.intersection(*({s.ward for s in stations_of(feed)} for feed in FEEDS))
    assert len(shared) >= 5
