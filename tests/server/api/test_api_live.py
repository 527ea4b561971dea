"""A feed that devices send live, over the API: who sent a row, and what each device sent in each hour."""

from pathlib import Path
from typing import Any

from asked import ask
from live_messages import FEED, bare, record, signed
from small_city import AGENCY, clock, key, new_city
from veracity.home.enrolments import add_device
from veracity.home.home import open_writer
from veracity.home.live.arrivals import Admitted
from veracity.home.live.door import Door
from veracity.home.live.sealing import Memory, Sealer
from veracity.server.app import make_app
from veracity.server.settings import ServerSettings


def test_a_row_leads_to_its_device(tmp_path: Path) -> None:
    """Of a signed message the device is named, of a bare one the agency alone; the account adds up."""
    root = new_city(tmp_path / "city")
    with open_writer(root, clock) as home:
        for gauge in ("g00", "g01"):
            add_device(home, f"{AGENCY}/{gauge}", key(f"{AGENCY}/{gauge}").public)
        arrivals = [
            signed("G00", record("G00", 9), record("G00", 8)),
            bare("G01", record("G01", 9)),
        ]
        admitted = [a for a in Door(home).admit(arrivals, home.clock()) if isinstance(a, Admitted)]
        turn = Sealer(home, Memory()).seal(FEED, admitted, [])
        assert turn is not None
        batch = turn.sealed.statement.batch
    app = make_app(ServerSettings(root, clock=clock))

    def got(path: str) -> Any:
        answer = ask(app, "GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    rows = [got(f"/api/v1/lineage/row/{FEED}/{batch}/{n}") for n in range(3)]
    assert [(r["device"], r["agency"]) for r in rows] == [
        (f"{AGENCY}/g00", AGENCY),
        (f"{AGENCY}/g00", AGENCY),
        (None, AGENCY),
    ]
    assert rows[2]["enrolment"] is None
    (came,) = [n for n in rows[0]["rests_on"] if n["entry"] == rows[0]["enrolment"]]
    assert (came["kind"], came["about"]) == ("enrol", f"{AGENCY}/g00")
    assert [came["entry"], rows[0]["entry"]] in rows[0]["edges"]
    assert got(f"/api/v1/feeds/{FEED}")["live"]
    accounts = got(f"/api/v1/feeds/{FEED}/quality")["accounts"]
    assert sum(a["sent"] for a in accounts) == 3
    for line in accounts:
        parts = (line[n] for n in ("accepted", "quarantined", "refused", "duplicate"))
        assert line["sent"] == sum(parts)
