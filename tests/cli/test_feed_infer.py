"""`veracity feed infer` and `veracity feed breaking` through the command."""

import json
from pathlib import Path

import pytest

from run_cli import Here
from veracity.data.contract import parse_contract

TIMES = [(hour, minute) for hour in range(24) for minute in (0, 30)]
ROWS = "time,station,T\n" + "".join(f"2024-03-01 {h:02d}:{m:02d},S1,{h}.{m}\n" for h, m in TIMES)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "Street Air.csv"
    path.write_text(ROWS, encoding="utf-8")
    return path


def test_the_contract_goes_to_stdout(here: Here, file: Path) -> None:
    """What is printed is a contract as it stands, of a feed named after the file."""
    done = here("feed", "infer", file)
    assert (done.code, done.err) == (0, "")
    contract = parse_contract(done.out.encode())
    assert (contract.feed, contract.key) == ("street-air", ("station", "observed_at"))


def test_options(here: Here, file: Path, tmp_path: Path) -> None:
    """Name, zone and destination can be set; stdout then says what was written."""
    to = tmp_path / "air.yaml"
    done = here("feed", "infer", file, "--id", "air", "--timezone", "Asia/Ho_Chi_Minh", "--to", to)
    assert done.code == 0
    assert done.out.startswith(
        "contract of air from 48 records (all): 3 columns, key station, observed_at, to "
    )
    contract = parse_contract(to.read_bytes())
    assert (contract.feed, contract.field("observed_at").zone) == ("air", "Asia/Ho_Chi_Minh")
    assert here("feed", "check", to, file).code == 0


def test_json(here: Here, file: Path) -> None:
    """With --json the contract is in the one object."""
    document = json.loads(here("feed", "infer", file, "--json").out)
    assert document["schema"] == "veracity.infer/v1"
    assert document["whole"] is True
    assert parse_contract(document["contract"].encode()).feed == document["feed"] == "street-air"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--id", "No Name"], 3, "want a feed name"),
        (["--timezone", "Mars"], 3, "want a zone"),
        (["--records", "0"], 2, "records"),
        (["--to", "/proc/none/x.yaml"], 4, "want to write"),
    ],
)
def test_bad_settings(here: Here, file: Path, arguments: list[str], code: int, says: str) -> None:
    """A setting that makes no sense ends with its exit code and a line that says so."""
    done = here("feed", "infer", file, *arguments)
    assert (done.code, done.out) == (code, "")
    assert says in done.err


def test_breaking_answers_with_its_exit_code(here: Here, file: Path, tmp_path: Path) -> None:
    """1 if readers break, 0 if only senders do, with what each version deserves."""
    old, wider, narrower = (tmp_path / f"{name}.yaml" for name in ("old", "wider", "narrower"))
    here("feed", "infer", file, "--to", old)
    text = old.read_text(encoding="utf-8").replace("version: 0.1.0", "version: 1.0.0")
    old.write_text(text, encoding="utf-8")
    next_version = text.replace("version: 1.0.0", "version: 1.1.0")
    wider.write_text(next_version.replace("minimum: -90", "minimum: -100"), encoding="utf-8")
    narrower.write_text(next_version.replace("minimum: -90", "minimum: -50"), encoding="utf-8")
    done = here("feed", "breaking", old, wider)
    assert done.code == 1
    assert "BREAKS READERS  range-widened  t: [-90, 60] -> [-100, 60]" in done.out
    assert "deserves a major version; 1.0.0 -> 1.1.0 is a minor one: not enough" in done.out
    done = here("feed", "breaking", old, narrower, "--json")
    document = json.loads(done.out)
    assert (done.code, document["breaks_readers"]) == (0, False)
    assert document["bump"] == {"deserved": "minor", "made": "minor", "obeyed": True}
    assert [c["kind"] for c in document["items"]] == ["range-narrowed"]


def test_breaking_says_what_feed_add_refuses(here: Here, file: Path, tmp_path: Path) -> None:
    """A change that one table cannot go through is said to need another feed."""
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    here("feed", "infer", file, "--to", old)
    new.write_text(old.read_text(encoding="utf-8").replace("- name: t\n", "- name: air\n"), encoding="utf-8")
    done = here("feed", "breaking", old, new)
    assert done.code == 1
    assert "`veracity feed add` refuses it (column-renamed): give the new contract another id" in done.out
