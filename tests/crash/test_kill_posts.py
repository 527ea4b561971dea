"""A server killed while clients post: of a batch there is all or nothing, and no 201 without its row."""

import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
import urllib3

from accounts_city import listed_writes
from served import serving
from small_city import clock
from things_posting import STAFF, Poster, posting_city
from veracity.home.accounts.journal import seal_writes
from veracity.home.audit import audit
from veracity.home.clock import system_clock
from veracity.home.home import Home, open_writer
from veracity.log.fsck import fsck

N_CLIENTS, N_EACH = 6, 8
DEADLINE_S = 120


@pytest.mark.parametrize("n_answered", [1, 5, 10])
def test_a_killed_server_keeps_what_it_answered(tmp_path: Path, n_answered: int) -> None:
    """Killed once so many posts were answered, while others wait: the city goes on, each batch is whole."""
    posting = posting_city(tmp_path / "city", time=system_clock())
    with closing(Home.open(posting.root, clock)) as home:
        n_before = len(home.index.batches("rain"))
    taken: dict[int, str] = {}
    enough, lock = threading.Event(), threading.Lock()

    with serving("serve", "--home", posting.root) as served:
        city = Poster(served.url, posting.tokens)

        def post(client: int) -> None:
            for n in range(N_EACH):
                number = client * N_EACH + n
                at, stream = f"2026-09-02T00:{number:02}:00Z", {"@iot.id": "rain:G01:rain"}
                body = {"phenomenonTime": at, "result": number / 4, "Datastream": stream}
                try:
                    answer = city.send("/v1.1/Observations", body, STAFF)
                except urllib3.exceptions.HTTPError:
                    return
                assert answer.status == 201, answer.data
                with lock:
                    taken[number] = answer.headers["Location"]
                    if len(taken) >= n_answered:
                        enough.set()

        with ThreadPoolExecutor(N_CLIENTS) as clients:
            work = [clients.submit(post, client) for client in range(N_CLIENTS)]
            assert enough.wait(DEADLINE_S)
            served.process.send_signal(signal.SIGKILL)
            for one in work:
                one.result(DEADLINE_S)

    with open_writer(posting.root, clock) as home:  # what was put aside is settled
        batches = home.index.batches("rain")[n_before:]
        counts = [home.index.predicate(row.idx)["counts"] for row in batches]
        rows = [home.table("rain").scan(batch=row.batch).collect() for row in batches]
        assert [frame.height for frame in rows] == [c["accepted"] for c in counts]
        assert all(c["received"] == c["accepted"] for c in counts)
        seal_writes(home, home.database)  # what was under way is looked for in the log first
        written = [w for w in listed_writes(home) if w.path.endswith("/Observations")]
        assert len(written) == sum(frame.height for frame in rows)  # who asked for each, and for no other
        assert audit(home).is_clean
        assert fsck(home.log_objects, home.log_verifier).findings == ()
    there = {
        f"rain:G01:rain:{row.batch}:{record}": value
        for row, frame in zip(batches, rows, strict=True)
        for record, value in frame.select("_record", "rain").rows()
    }
    assert len(set(there.values())) == len(there)  # nothing is there twice
    assert len(taken) >= n_answered
    for number, link in taken.items():
        assert there[link.rpartition("('")[2].removesuffix("')")] == number / 4
